/* SPDX-License-Identifier: MIT */
/* What wait(2) has to know of tracing. */
#ifndef TASK_PTRACE_H
#define TASK_PTRACE_H
#include <kernel/task.h>
/* [tree] A tracee's stop for `tracer`: 1 and the fields; 0: tracees, nothing new; -ECHILD: none that match. */
int ptrace_wait(struct process *tracer, const struct pid *only, const struct pid *pgrp, bool keep, pid_t *nr, uint32_t *uid, int *status);
/* [tree] Its tracer has to see the death before the real parent. */
bool ptrace_delays_wait(const struct process *p);
#endif
