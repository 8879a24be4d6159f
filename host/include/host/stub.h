/* SPDX-License-Identifier: MIT */
/* Stub processes.  The protocol with them is <host/stub_abi.h>. */
#ifndef HOST_STUB_H
#define HOST_STUB_H
#include <stdint.h>

/*
 * A new stub whose struct stub_svc is at this physical address, on that host
 * CPU (-1: any).  Its process id is stored before its death can be reported.
 * 0 or -errno.
 */
int host_stub_create(uint64_t svc_pa, uint64_t clock_pa, uint64_t cpuid_pa, void *cookie, int cpu, int *pid);
void host_stub_kill(int pid);
/* Make the thread stop. */
void host_stub_kick(int pid, int tid);
/* Run only on that host CPU. */
void host_stub_pin(int tid, int cpu);
#endif
