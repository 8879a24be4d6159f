/* SPDX-License-Identifier: MIT */
/*
 * Out of memory: when reclaim finds nothing more, the biggest program dies,
 * not the kernel.
 *
 * Only pages for users (anonymous memory, the page cache, page tables) come
 * here; a kernel allocation fails and its caller reports -ENOMEM.  The victim
 * gets SIGKILL, with every process that shares its memory, and may use the
 * reserve (task.oom_victim) to exit by itself; the pages come back when the last
 * thread has gone.  Everybody else who runs out
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

/* Whose memory counts for p: NULL when it has none any more.  vm structs outlive us by RCU. */
static struct vm_space *process_vm(struct process *p) REQUIRES(&process_tree_lock)
{
	struct task *t;

	list_for_each(t, &p->threads, thread_link) {
		struct vm_space *vm = rcu_dereference(t->vm);

		if (vm)
			return vm;
	}
	return NULL;
}

static uint64_t badness(struct process *p) REQUIRES(&process_tree_lock)
{
	struct vm_space *vm = process_vm(p);
	int64_t points;

	if (!vm)
		return 0;
	points = READ_ONCE(vm->rss_anon) + READ_ONCE(vm->rss_shmem) + READ_ONCE(vm->rss_file);
	points += (int64_t)buddy_total_pages() * READ_ONCE(p->oom_score_adj) / 1000;
	return points > 0 ? (uint64_t)points : 1;
}

static void kill_process(struct process *p) REQUIRES(&process_tree_lock)
{
	struct task *t;

	list_for_each(t, &p->threads, thread_link)
		WRITE_ONCE(t->oom_victim, 1);
	(void)signal_send_process(p, SIGKILL, NULL);
}

/* Kills the worst process, and whoever else has its memory, which would keep it: its number (0: there is none) and what its first thread is called. */
static pid_t kill_worst(uint64_t *points, char comm[TASK_COMM_LEN])
{
	struct process *p, *worst = NULL;
	struct vm_space *vm;
	unsigned long flags;
	pid_t pid = 0;

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
		pid = process_pid(worst);
		task_comm_get(worst->leader, comm);	/* who is in the list has one */
		vm = process_vm(worst);
		kill_process(worst);
		list_for_each(p, &process_list, all_link)
			if (p != worst && p != init_process && vm && process_vm(p) == vm)
				kill_process(p);
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	rcu_read_unlock();
	return pid;
}

void oom_set_score_adj(struct task *t, int adj)
{
	struct vm_space *vm;
	struct process *p;
	unsigned long flags;

	rcu_read_lock();
	flags = spin_lock_irqsave(&process_tree_lock);
	WRITE_ONCE(t->process->oom_score_adj, adj);
	/* Who shares the memory shares the fate; but for a vfork's child, which says it of the program that it is to become. */
	vm = READ_ONCE(t->vfork_done) ? NULL : rcu_dereference(t->vm);
	if (vm)
		list_for_each(p, &process_list, all_link)
			if (p != init_process && process_vm(p) == vm)
				WRITE_ONCE(p->oom_score_adj, adj);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	rcu_read_unlock();
}

bool oom_kill(void)
{
	uint64_t now = hal_time_mono_ns(), last = __atomic_load_n(&oom_last_ns, __ATOMIC_ACQUIRE), points;
	char comm[TASK_COMM_LEN];
	pid_t victim;

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
	victim = kill_worst(&points, comm);
	if (!victim) {
		klog_err("out of memory, and no program to kill");
		return false;
	}
	klog_err("out of memory: killed process %d (%s), %llu pages", (int)victim, comm,
		(unsigned long long)points);
	if (READ_ONCE(current->oom_victim))
		return false;
	sleep_ns(POLL_MS * NSEC_PER_MSEC);
	return true;
}

struct page *page_alloc_user(unsigned flags)
{
	for (;;) {
		struct task *t = hal_current();
		bool injected = t && READ_ONCE(t->fail_nth) == 1;
		struct page *p = page_alloc(0, flags);

		if (likely(p) || injected || !t || !t->process || flags & ALLOC_ATOMIC)
			return p;
		if (!oom_kill())
			return page_alloc(0, flags);	/* a victim may use the reserve */
	}
}
