/* SPDX-License-Identifier: MIT */
/* Physical memory: one memfd, mapped whole in the kernel's process. */
#ifndef HOST_MEM_H
#define HOST_MEM_H
#include <stddef.h>
#include <stdint.h>

/* A second window onto physical memory, for kernel stacks with holes between them.  NULL: none. */
void *host_window_reserve(size_t size);
/* 0 or -errno (the host's limit of mappings). */
int host_window_map(void *va, uint64_t pa, size_t size);
void host_window_unmap(void *va, size_t size);
#endif
