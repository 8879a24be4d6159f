/* SPDX-License-Identifier: MIT */
/* Sums of resource use, getrusage(2). */
#ifndef TASK_RUSAGE_H
#define TASK_RUSAGE_H
#include <kernel/task.h>
struct rusage_sum { uint64_t user_ns, system_ns, min_faults, maj_faults, nvcsw, nivcsw, max_rss_pages; };
void rusage_process(struct process *p, struct rusage_sum *out);
void rusage_add_children(const struct process *p, struct rusage_sum *out);	/* of those it has waited for */
void rusage_reap(struct process *parent, const struct rusage_sum *child);
int rusage_to_user(const struct rusage_sum *s, uaddr_t to) MUST_CHECK;
#endif
