/* SPDX-License-Identifier: MIT */
/*
 * Numbers for threads, thread groups, process groups and sessions.
 *
 * A struct pid is in a radix tree as long as anybody bears its number in any
 * role, so that a number is not handed out again while a process group or a
 * session still uses it.  Look-ups run under RCU and take a reference; changes
 * hold process_tree_lock.  Numbers are given out in rising order and wrap at
 * PID_MAX to 300, as on Linux.
 */
#include <kernel/radix.h>
#include "task_impl.h"

enum { PID_RESERVED = 300 };
static struct radix_tree pid_tree;		/* [tree], read under RCU */
static struct kmem_cache *pid_cache;
static pid_t pid_last;				/* [tree], read without */

void pid_init(void)
{
	pid_cache = kmem_cache_create("pid", sizeof(struct pid), 0);
}

static void pid_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(pid_cache, container_of(h, struct pid, rcu));
}

void pid_put(struct pid *pid)
{
	if (pid && ref_put(&pid->refs))
		rcu_call(&pid->rcu, pid_free_rcu);
}

struct pid *pid_alloc(void)
{
	struct pid *pid = kmem_cache_alloc(pid_cache, ALLOC_ZERO);
	unsigned long flags;
	pid_t nr, first;
	int err;

	if (!pid)
		return NULL;
	ref_init(&pid->refs);
	for (unsigned i = 0; i < PID_TYPES; i++)
		list_init(&pid->members[i]);
	waitq_init(&pid->pidfd_wait);

	flags = spin_lock_irqsave(&process_tree_lock);
	nr = first = pid_last + 1 < PID_MAX ? pid_last + 1 : PID_RESERVED;
	do {
		pid->nr = nr;
		err = radix_insert(&pid_tree, (uint64_t)nr, pid);
		if (err != -EEXIST)
			break;
		if (++nr >= PID_MAX)
			nr = PID_RESERVED;
	} while (nr != first);
	if (!err)
		WRITE_ONCE(pid_last, nr);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (err) {
		kmem_cache_free(pid_cache, pid);
		return NULL;
	}
	ref_get(&pid->refs);		/* the tree's */
	return pid;
}

/* Caller: [tree]. */
void pid_forget(struct pid *pid)
{
	for (unsigned i = 0; i < PID_TYPES; i++)
		if (!list_empty(&pid->members[i]))
			return;
	if (pid->kept)
		return;
	if (radix_erase(&pid_tree, (uint64_t)pid->nr) == pid)
		pid_put(pid);
}

void pid_keep(struct pid *pid)
{
	pid_get(pid);
	pid->kept++;
}

void pid_release(struct pid *pid)
{
	if (!--pid->kept)
		pid_forget(pid);
	pid_put(pid);
}

struct pid *pid_find_locked(pid_t nr)
{
	return nr > 0 ? radix_find(&pid_tree, (uint64_t)nr) : NULL;
}

struct pid *pid_find(pid_t nr)
{
	struct pid *pid;

	rcu_read_lock();
	pid = pid_find_locked(nr);
	if (pid && !ref_get_unless_zero(&pid->refs))
		pid = NULL;
	rcu_read_unlock();
	return pid;
}

struct task *pid_task(struct pid *pid)
{
	struct task *t;

	rcu_read_lock();
	t = rcu_dereference(pid->task);
	if (t && !ref_get_unless_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct process *pid_process(struct pid *pid)
{
	struct process *p;

	rcu_read_lock();
	p = rcu_dereference(pid->process);
	if (p && !ref_get_unless_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct task *task_find(pid_t tid)
{
	struct task *t = NULL;
	struct pid *pid;

	rcu_read_lock();
	pid = pid_find_locked(tid);
	if (pid)
		t = pid_task(pid);
	rcu_read_unlock();
	return t;
}

struct process *process_find(pid_t nr)
{
	struct process *p = NULL;
	struct pid *pid;

	rcu_read_lock();
	pid = pid_find_locked(nr);
	if (pid)
		p = pid_process(pid);
	rcu_read_unlock();
	return p;
}

void pid_attach_process(struct process *p, enum pid_type type, struct pid *pid)
{
	pid_get(pid);
	p->pid[type] = pid;
	list_add_tail(&p->pid_link[type], &pid->members[type]);
	if (type == PID_PROCESS)
		rcu_assign(pid->process, p);
}

void pid_detach_process(struct process *p, enum pid_type type)
{
	struct pid *pid = p->pid[type];

	if (list_empty(&p->pid_link[type]))
		return;
	list_del_init(&p->pid_link[type]);
	if (type == PID_PROCESS)
		rcu_assign(pid->process, NULL);
	/* p->pid stays readable (getpid of a zombie) until the process is freed: its reference goes then. */
	pid_forget(pid);
}

void pid_attach_task(struct task *t, struct pid *pid)
{
	pid_get(pid);
	t->pid = pid;
	list_add_tail(&t->pid_link, &pid->members[PID_THREAD]);
	rcu_assign(pid->task, t);
}

void pid_detach_task(struct task *t)
{
	struct pid *pid = t->pid;

	if (list_empty(&t->pid_link))
		return;
	list_del_init(&t->pid_link);
	rcu_assign(pid->task, NULL);
	pid_forget(pid);
}

pid_t pid_next(pid_t from, const struct process *of)
{
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	uint64_t nr = (uint64_t)MAX(from, 1);
	struct pid *pid;

	while ((pid = radix_next(&pid_tree, &nr)) != NULL && (of ? !pid->task || pid->task->process != of : !pid->process))
		nr++;
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return pid ? (pid_t)nr : 0;
}

pid_t pid_newest(void) { return READ_ONCE(pid_last); }
