/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: when reclaim finds nothing more, the biggest program dies,
 * not the kernel.
 *
 * Only pages for users (anonymous memory, the page cache, page tables) come
 * here; a kernel allocation fails and its caller reports -ENOMEM.  The victim
 * gets SIGKILL and may use the reserve (task.oom_victim) to exit by itself; its
 * pages come back when its last thread has gone.  Everybody else who runs out
 * of memory waits for that, then looks again; after a while without success
 * the next victim is chosen.
 */
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include "mm/mm.h"

enum { PATIENCE_MS = 1000, POLL_MS = 10 };
static uint64_t oom_last_ns;		/* [a] when the last victim was chosen */

/* Called with the process tree locked, so that p's threads stay; vm structs outlive us by RCU. */
static uint64_t badness(struct process *p)
{
	struct vm_space *vm = NULL;
	struct task *t;
	int64_t points;

	list_for_each(t, &p->threads, thread_link) {
		vm = rcu_dereference(t->vm);
		if (vm)
			break;
	}
	if (!vm)
		return 0;
	points = READ_ONCE(vm->rss_anon) + READ_ONCE(vm->rss_shmem) + READ_ONCE(vm->rss_file);
	points += (int64_t)buddy_total_pages() * READ_ONCE(p->oom_score_adj) / 1000;
	return points > 0 ? (uint64_t)points : 1;
}

/* The worst process, with a reference, and what its first thread is called. */
static struct process *choose(uint64_t *points, char comm[TASK_COMM_LEN])
{
	struct process *p, *worst = NULL;
	unsigned long flags;

	*points = 0;
	rcu_read_lock();
	flags = spin_lock_irqsave(&process_tree_lock);
	list_for_each(p, &process_list, all_link) {
		uint64_t n;

		if (p == init_process || READ_ONCE(p->oom_score_adj) <= -1000)
			continue;
		n = badness(p);
		if (n > *points) {
			*points = n;
			worst = p;
		}
	}
	if (worst) {
		struct task *t;

		process_get(worst);
		strlcpy(comm, worst->leader->comm, TASK_COMM_LEN);	/* who is in the list has one */
		list_for_each(t, &worst->threads, thread_link)
			WRITE_ONCE(t->oom_victim, 1);
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	rcu_read_unlock();
	return worst;
}

bool oom_kill(void)
{
	uint64_t now = hal_time_mono_ns(), last = __atomic_load_n(&oom_last_ns, __ATOMIC_ACQUIRE), points;
	char comm[TASK_COMM_LEN];
	struct process *victim;
	bool ours;

	if (READ_ONCE(current->oom_victim) || fatal_signal_pending(current))
		return false;
	if (now - last < PATIENCE_MS * NSEC_PER_MSEC && last) {
		sleep_ns(POLL_MS * NSEC_PER_MSEC);
		return true;
	}
	/* Many run out at once: one of them chooses. */
	if (!__atomic_compare_exchange_n(&oom_last_ns, &last, now, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		sleep_ns(POLL_MS * NSEC_PER_MSEC);
		return true;
	}
	victim = choose(&points, comm);
	if (!victim) {
		klog_err("out of memory, and no program to kill");
		return false;
	}
	klog_err("out of memory: killed process %d (%s), %llu pages", (int)process_pid(victim), comm,
		(unsigned long long)points);
	(void)signal_send_process(victim, SIGKILL, NULL);
	ours = victim == current->process;
	process_put(victim);
	if (ours)
		return false;
	sleep_ns(POLL_MS * NSEC_PER_MSEC);
	return true;
}

struct page *page_alloc_user(unsigned flags)
{
	for (;;) {
		struct task *t = hal_current();
		bool injected = t && t->fail_nth == 1;
		struct page *p = page_alloc(0, flags);

		if (likely(p) || injected || !t || !t->process || flags & ALLOC_ATOMIC)
			return p;
		if (!oom_kill())
			return page_alloc(0, flags);	/* a victim may use the reserve */
	}
}
