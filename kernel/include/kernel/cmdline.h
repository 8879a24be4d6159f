/* SPDX-License-Identifier: MIT */
/* The kernel command line: "word key=value ... -- init's arguments (percent-encoded)". */
#ifndef KERNEL_CMDLINE_H
#define KERNEL_CMDLINE_H
#include <kernel/compiler.h>
bool cmdline_has(const char *word);
/* Value of key, NUL-terminated in buf; false: not given. */
bool cmdline_get(const char *key, char *buf, size_t max);
/* Argument i (from 0) after "--", decoded; false: no such. */
bool cmdline_init_arg(unsigned i, char *buf, size_t max);
#endif
