/* SPDX-License-Identifier: MIT */
/* Ends of the machine on request: see kernel/core/crash.c. */
#ifndef KERNEL_CRASH_H
#define KERNEL_CRASH_H
/* Does what `oops=` on the command line says; returns if it says nothing.  In a thread that may sleep. */
void crash_if_asked(void);
/* A key of /proc/sysrq-trigger.  May sleep; some do not return. */
void sysrq(char key);
#endif
