/* SPDX-License-Identifier: MIT */
/*
 * Nice values and I/O priorities, of a thread, a process group or a user.
 * getpriority(2), ioprio_set(2).  I/O priorities are kept and told; the
 * elevator does not look at them.
 */
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum prio_which { WHICH_PROCESS, WHICH_PGRP, WHICH_USER };	/* as getpriority(2) counts; ioprio_set(2) from 1 on */

/* A thread's turn: told in arg, or done by it.  False ends the walk. */
typedef bool prio_fn(struct task *t, void *arg);

static bool each_thread(struct process *p, prio_fn *fn, void *arg)
{
	struct task *t;

	list_for_each(t, &p->threads, thread_link)
		if (!fn(t, arg))
			return false;
	return true;
}

/* Every thread that which and who mean, zombies too; of a group, who joined it last comes first.  fn does not sleep. */
static void prio_each(enum prio_which which, int who, prio_fn *fn, void *arg)
{
	unsigned long flags;
	struct list_head *l;
	struct process *p;
	struct task *t;
	struct pid *group;

	if (which == WHICH_PROCESS) {
		t = sched_task(who);
		if (t) {
			fn(t, arg);
			task_put(t);
		}
		return;
	}
	group = which == WHICH_PGRP && who ? pid_find(who) : NULL;
	flags = spin_lock_irqsave(&process_tree_lock);
	if (which == WHICH_USER) {
		uint32_t uid = who ? (uint32_t)who : current->cred->uid;

		list_for_each(p, &process_list, all_link)
			if (p->leader && task_uid(p->leader) == uid && !each_thread(p, fn, arg))
				break;
	} else if (group || !who) {
		struct pid *g = group ? group : current->process->pid[PID_PGRP];

		for (l = g->members[PID_PGRP].prev; l != &g->members[PID_PGRP]; l = l->prev)
			if (!each_thread(container_of(l, struct process, pid_link[PID_PGRP]), fn, arg))
				break;
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	pid_put(group);
}

/* ---- nice ---- */

static bool nice_best(struct task *t, void *arg)
{
	long *best = arg;

	*best = MAX(*best, (long)(20 - READ_ONCE(t->se.nice)));
	return true;
}

long sys_getpriority(int which, int who)
{
	long best = -ESRCH;

	if (which < WHICH_PROCESS || which > WHICH_USER)
		return -EINVAL;
	prio_each((enum prio_which)which, who, nice_best, &best);
	return best;
}

struct nice_set { int nice; long err; };

static long nice_one(struct task *t, int nice)
{
	const struct cred *c = current->cred;
	struct cred *tc = task_cred_get(t);
	bool same = !tc || tc->uid == c->euid || tc->euid == c->euid;

	cred_put(tc);
	if (!same && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (nice < READ_ONCE(t->se.nice) && !capable(CAP_SYS_NICE) &&
	    (!t->process || (uint64_t)(20 - nice) > READ_ONCE(t->process->rlimit[RLIMIT_NICE].cur)))
		return -EACCES;
	if (!sched_caps_reach(t))
		return -EPERM;
	sched_set_nice(t, nice);
	return 0;
}

/* The last error is told. */
static bool nice_set(struct task *t, void *arg)
{
	struct nice_set *s = arg;
	long err = nice_one(t, s->nice);

	if (err || s->err == -ESRCH)
		s->err = err;
	return true;
}

long sys_setpriority(int which, int who, int nice)
{
	struct nice_set s = { nice < -20 ? -20 : nice > 19 ? 19 : nice, -ESRCH };

	if (which < WHICH_PROCESS || which > WHICH_USER)
		return -EINVAL;
	prio_each((enum prio_which)which, who, nice_set, &s);
	return s.err;
}

/* ---- I/O priorities: a class in bits 13 to 15, a level below ---- */

enum { IOPRIO_NONE, IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE, IOPRIO_CLASS_SHIFT = 13, IOPRIO_CLASS_MASK = 7, IOPRIO_LEVEL_MASK = 7 };

static unsigned class_of(unsigned ioprio) { return ioprio >> IOPRIO_CLASS_SHIFT & IOPRIO_CLASS_MASK; }

/* What a thread's requests would be given: without a class of its own, what its nice value says. */
static unsigned effective(const struct task *t)
{
	unsigned own = READ_ONCE(t->ioprio), policy = READ_ONCE(t->se.policy), class = IOPRIO_BE;

	if (class_of(own) != IOPRIO_NONE)
		return own;
	if (policy == SCHED_IDLE)
		class = IOPRIO_IDLE;
	else if (policy == SCHED_FIFO || policy == SCHED_RR)
		class = IOPRIO_RT;
	return class << IOPRIO_CLASS_SHIFT | (unsigned)(READ_ONCE(t->se.nice) + 20) / 5;
}

struct ioprio_set { unsigned ioprio; long err; };

static bool ioprio_set(struct task *t, void *arg)
{
	const struct cred *c = current->cred;
	struct ioprio_set *s = arg;
	struct cred *tc = task_cred_get(t);
	bool same = !tc || tc->uid == c->euid || tc->uid == c->uid;

	cred_put(tc);
	s->err = (same || capable(CAP_SYS_NICE)) && sched_caps_reach(t) ? 0 : -EPERM;
	if (!s->err)
		WRITE_ONCE(t->ioprio, s->ioprio);
	return !s->err;
}

long sys_ioprio_set(int which, int who, int ioprio)
{
	struct ioprio_set s = { (uint16_t)ioprio, -ESRCH };

	switch (class_of(s.ioprio)) {
	case IOPRIO_RT:
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
			return -EPERM;
		break;
	case IOPRIO_BE:
	case IOPRIO_IDLE:
		break;
	case IOPRIO_NONE:
		if (s.ioprio & IOPRIO_LEVEL_MASK)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (which < WHICH_PROCESS + 1 || which > WHICH_USER + 1)
		return -EINVAL;
	prio_each((enum prio_which)(which - 1), who, ioprio_set, &s);
	return s.err;
}

/* Of one thread: what was set. */
static bool ioprio_own(struct task *t, void *arg)
{
	*(long *)arg = READ_ONCE(t->ioprio);
	return false;
}

static bool ioprio_best(struct task *t, void *arg)
{
	long *best = arg, one = effective(t);

	*best = *best < 0 ? one : MIN(*best, one);
	return true;
}

long sys_ioprio_get(int which, int who)
{
	long ret = -ESRCH;

	if (which < WHICH_PROCESS + 1 || which > WHICH_USER + 1)
		return -EINVAL;
	prio_each((enum prio_which)(which - 1), who, which - 1 == WHICH_PROCESS ? ioprio_own : ioprio_best, &ret);
	return ret;
}
