/* SPDX-License-Identifier: MIT */
/*
 * The end of threads and processes.  exit(2), exit_group(2), POSIX _exit().
 *
 * Every thread ends itself: exit_group and fatal signals only make the others
 * do it.  A thread that is not the leader leaves the tree at once; the leader
 * stays until its process is waited for.
 *
 * Two threads can be the last.  The last to begin its exit ends what belongs
 * to the process: timers, terminal, tracees.  The last to have let go of its
 * memory and files makes the process a zombie: it hands its children to a
 * reaper, tells the parent, and, if the parent does not care (SIGCHLD ignored,
 * SA_NOCLDWAIT), releases the process itself.  So whoever waited sees pipes
 * closed and memory free, and no thread of a released process looks at it.
 */
#include <kernel/file.h>
#include <kernel/power.h>
#include <kernel/ipc_init.h>
#include <kernel/tty.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include "ptrace.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

/* The thread will not use its address space again (exec or exit). */
void task_mm_release(struct task *t)
{
	unsigned long flags;

	if (t->clear_child_tid && t->vm) {
		/* Nobody can look if the memory goes with it. */
		if (ref_read(&t->vm->refs) > 1 && !put_user((int32_t)0, t->clear_child_tid))
			futex_wake_address(t->clear_child_tid, 1);
		t->clear_child_tid = 0;
	}
	if (READ_ONCE(t->vfork_done)) {
		flags = spin_lock_irqsave(&process_tree_lock);
		if (t->vfork_done)
			complete(t->vfork_done);
		WRITE_ONCE(t->vfork_done, NULL);
		spin_unlock_irqrestore(&process_tree_lock, flags);
	}
}

/* ---- parents and children ---- */

static uint64_t last_child_number;	/* [tree] */

static bool older_child(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct process, dead_link)->child_number < rb_entry(b, struct process, dead_link)->child_number;
}

void process_adopt(struct process *p, struct process *parent, struct task *thread)
{
	if (p->zombie)
		rb_erase(&p->parent->dead_children, &p->dead_link);
	p->parent = parent;
	WRITE_ONCE(p->parent_pid, process_pid(parent));
	p->parent_thread = thread;
	p->child_number = ++last_child_number;
	list_move_tail(&p->sibling, &parent->children);
	if (p->zombie)
		rb_insert(&parent->dead_children, &p->dead_link, older_child);
}

/* [tree] */
static void process_becomes_zombie(struct process *p)
{
	WRITE_ONCE(p->zombie, true);	/* pidfd_poll() */
	rb_insert(&p->parent->dead_children, &p->dead_link, older_child);
}

/* ---- releasing ---- */

void process_release(struct process *p, struct list_head *dead)
{
	struct task *leader = p->leader;
	struct sighand *sh;
	unsigned long flags;

	for (unsigned type = PID_PROCESS; type < PID_TYPES; type++)
		pid_detach_process(p, type);
	if (leader) {
		pid_detach_task(leader);
		sh = process_siglock(p, &flags);	/* who sends a signal looks at the threads with that alone */
		list_del_init(&leader->thread_link);
		process_sigunlock(sh, flags);
	}
	rb_erase(&p->parent->dead_children, &p->dead_link);
	p->dead_leader = leader;
	p->leader = NULL;
	list_del_init(&p->sibling);
	list_del_init(&p->all_link);
	list_add(&p->sibling, dead);
}

void process_release_finish(struct list_head *dead)
{
	struct process *p, *tmp;

	list_for_each_safe(p, tmp, dead, sibling) {
		list_del_init(&p->sibling);
		task_put(p->dead_leader);
		process_put(p);
	}
}

/* ---- telling the parent ---- */

static uint64_t ns_to_ticks(uint64_t ns) { return ns / 10000000; }

/* [tree] */
static void notify_parent(struct process *p, int sig, int code, int status)
{
	struct abi_siginfo info = { .si_signo = sig, .si_code = code };
	struct process *parent = p->parent;
	uint64_t user, system;

	process_times(p, &user, &system);
	info.chld.pid = process_pid(p);
	info.chld.uid = p->leader ? task_uid(p->leader) : 0;
	info.chld.status = status;
	info.chld.utime = (int64_t)ns_to_ticks(user);
	info.chld.stime = (int64_t)ns_to_ticks(system);
	if (sig > 0 && sig <= SIGRTMAX)
		signal_send_process(parent, sig, &info);
	waitq_wake_all(&parent->child_wait);
}

void process_notify_parent(struct process *p, int cld_code, int status)
{
	struct process *parent = p->parent;
	const struct ksigaction ka = process_action(parent, SIGCHLD);
	bool silent = ka.handler == SIG_IGN || (ka.flags & SA_NOCLDSTOP);

	notify_parent(p, silent ? 0 : SIGCHLD, cld_code, status);
}

/* [tree] The zombie's parent learns of it.  True: nobody will wait, release it. */
bool exit_notify_parent(struct process *p)
{
	int sig = p->exit_signal, status = p->exit_code;
	bool release = false;
	int code = CLD_EXITED;

	if (status & 0x7f) {
		code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
		status &= 0x7f;
	} else {
		status >>= 8;
	}
	if (sig == SIGCHLD) {
		const struct ksigaction ka = process_action(p->parent, SIGCHLD);

		if (ka.handler == SIG_IGN || (ka.flags & SA_NOCLDWAIT)) {
			release = true;
			if (ka.handler == SIG_IGN)
				sig = 0;
		}
	}
	notify_parent(p, sig, code, status);
	return release;
}

/* ---- orphans ---- */

/* [tree] Who gets p's children: the nearest living subreaper above, or init. */
static struct process *find_reaper(struct process *p)
{
	if (p->has_child_subreaper)
		for (struct process *a = p->parent; a != init_process && a != a->parent; a = a->parent)
			if (a->child_subreaper && !a->zombie)
				return a;
	return init_process;
}

/* [tree] A thread of p other than `except' that is not on its way out; NULL: none. */
static struct task *thread_that_lives(struct process *p, const struct task *except)
{
	struct task *t;

	list_for_each(t, &p->threads, thread_link)
		if (t != except && !(READ_ONCE(t->flags) & TASKF_EXITING))
			return t;
	return NULL;
}

/* [tree] c's parent, a thread, ends: current. */
static void send_pdeath_signal(struct process *c)
{
	struct abi_siginfo info;
	struct task *t;

	list_for_each(t, &c->threads, thread_link) {
		int sig = READ_ONCE(t->pdeath_signal);

		if (sig) {
			signal_info_user(&info, sig, SI_USER);
			(void)signal_send_process(c, sig, &info);
		}
	}
}

/* [tree] t ends, its process does not: another thread is the parent of its children. */
static void exit_leave_children(struct process *p, struct task *t)
{
	struct task *heir = thread_that_lives(p, t);
	struct process *c;

	if (!heir)
		return;		/* all are about to go: the last one takes care of them */
	list_for_each(c, &p->children, sibling)
		if (c->parent_thread == t) {
			c->parent_thread = heir;
			if (!c->zombie)
				send_pdeath_signal(c);
		}
}

static void exit_reparent_children(struct process *p, struct list_head *dead)
{
	struct process *reaper = find_reaper(p), *c, *tmp;

	list_for_each_safe(c, tmp, &p->children, sibling) {
		process_adopt(c, reaper, thread_that_lives(reaper, NULL));
		send_pdeath_signal(c);
		c->exit_signal = SIGCHLD;
		if (c->zombie) {
			if (!ptrace_delays_wait(c) && exit_notify_parent(c))
				process_release(c, dead);
		} else {
			pgrp_check_orphaned(c, p);
		}
	}
}

/* ---- the thread ---- */

/* The thread's times go to the process.  True: it is the last to begin its exit. */
static bool exit_account(struct task *t, struct process *p, int status, bool *stop_done)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);
	uint64_t user, system;
	bool last;

	WRITE_ONCE(t->flags, t->flags | TASKF_EXITING);	/* thread_that_lives() and /proc look without the lock */
	last = __atomic_sub_fetch(&p->thread_count, 1, __ATOMIC_ACQ_REL) == 0;
	if (signal_stop_taken(t) && !last) {
		WRITE_ONCE(p->group_flags, p->group_flags | GROUP_STOPPED);
		WRITE_ONCE(p->wait_stopped, true);
		*stop_done = true;
	}
	if (t == p->leader)
		WRITE_ONCE(t->exit_code, status);
	if (!(p->group_flags & GROUP_EXITING) && last)	/* the last one's, as since Linux 5.19 */
		p->exit_code = status;
	if (last)
		WRITE_ONCE(p->group_flags, p->group_flags | GROUP_EXITING);
	/* Signals for the process that this thread had been woken for: somebody else's now. */
	if (!last) {
		struct task *o;
		uint64_t set = p->shared_pending.set & ~t->sigmask;

		list_for_each(o, &p->threads, thread_link)
			if (set && o != t && !(READ_ONCE(o->flags) & TASKF_EXITING) && (set & ~o->sigmask)) {
				set &= o->sigmask;
				signal_wake(o, false);
			}
	}
	task_times(t, &user, &system);
	p->dead_user_ns += user;
	p->dead_system_ns += system;
	p->dead_nvcsw += t->nvcsw;
	p->dead_nivcsw += t->nivcsw;
	WRITE_ONCE(t->flags, t->flags | TASKF_ACCOUNTED);
	process_sigunlock(sh, flags);
	__atomic_add_fetch(&p->min_faults, t->min_faults, __ATOMIC_RELAXED);
	__atomic_add_fetch(&p->maj_faults, t->maj_faults, __ATOMIC_RELAXED);
	return last;
}

static void exit_vm(struct task *t)
{
	struct vm_space *vm = t->vm;

	task_mm_release(t);
	if (!vm)
		return;
	process_note_rss(t->process, vm);
	WRITE_ONCE(t->was_dumpable, task_dumpable(t));
	vm_activate(NULL);
	rcu_assign(t->vm, (struct vm_space *)NULL);	/* vm_get_task() looks from outside */
	vm_put(vm);
}

_Noreturn void task_exit(int status) NO_TSA
{
	struct task *t = current;
	struct process *p = t->process;
	struct list_head dead = LIST_INIT(dead);
	bool last, gone, stop_done = false, in_tree_ref = false;
	struct sighand *sh;
	struct files *files = t->files;
	struct fs_context *fs = t->fs;
	unsigned long flags;

	if (ptrace_event_enabled(t, PTRACE_EVENT_EXIT))
		ptrace_event(PTRACE_EVENT_EXIT, (uint64_t)status);
	futex_exit(t, true);
	last = exit_account(t, p, status, &stop_done);
	if (last) {
		itimer_exit(p);
		posix_timers_exit(p);
		if (p == init_process) {
			if (p->exit_code & 0x7f)
				panic("init was killed by signal %d", p->exit_code & 0x7f);
			power_off(p->exit_code >> 8);
		}
	}
	exit_vm(t);
	rcu_assign(t->files, NULL);
	if (files)
		files_put(files);
	rcu_assign(t->fs, (struct fs_context *)NULL);	/* /proc looks from outside */
	if (fs)
		fs_context_leave(fs);
	files_close_later(t);
	t->files_gone = true;
	if (last) {
		sysv_semaphores_undo(p);
		tty_process_exit(p);
	}
	__atomic_sub_fetch(&t->cred->user->processes, 1, __ATOMIC_RELAXED);

	flags = spin_lock_irqsave(&process_tree_lock);
	WRITE_ONCE(t->flags, t->flags | TASKF_ZOMBIE);
	if (stop_done && READ_ONCE(p->wait_stopped))
		process_notify_parent(p, CLD_STOPPED, (int)READ_ONCE(p->stop_signal));
	store_release(&p->threads_left, p->threads_left - 1);
	gone = p->threads_left == 0;
	ptrace_exit_tracer(p, t, gone, &dead);
	ptrace_exit_tracee(t, status, gone);
	/* A leader whose place an execve has taken (exec_dethread) is out of the tree already. */
	if (t != p->leader && t->sighand) {
		sh = p->sighand;
		spin_lock(&sh->lock);
		list_del_init(&t->thread_link);
		WRITE_ONCE(t->sighand, NULL);
		spin_unlock(&sh->lock);
		pid_detach_task(t);
		in_tree_ref = true;
	}
	if (!gone) {
		exit_leave_children(p, t);
	} else {
		exit_reparent_children(p, &dead);
		pgrp_check_orphaned(p, NULL);
		process_becomes_zombie(p);
		waitq_wake_all(&p->pid[PID_PROCESS]->pidfd_wait);
		if (!ptrace_delays_wait(p) && exit_notify_parent(p))
			process_release(p, &dead);
	}
	if (READ_ONCE(p->exec_task))
		waitq_wake_all(&p->exec_wait);
	spin_unlock_irqrestore(&process_tree_lock, flags);

	process_release_finish(&dead);
	if (in_tree_ref)
		task_put(t);
	preempt_disable();
	sched_exit();
}

_Noreturn void process_exit_core(const struct abi_siginfo *info)
{
	struct task *t = current;
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);
	bool first = !(p->group_flags & (GROUP_EXITING | GROUP_EXEC));

	/* The others stop changing memory; they may not become leader-less meanwhile, so this thread goes last. */
	if (first) {
		WRITE_ONCE(p->group_flags, (p->group_flags | GROUP_EXITING) & ~(unsigned)GROUP_STOPPED);
		p->exit_code = info->si_signo;
		p->stops_pending = 0;
		signal_kill_group_locked(p, t);
	}
	process_sigunlock(sh, flags);
	if (first && core_dump(info)) {
		sh = process_siglock(p, &flags);
		p->exit_code |= 0x80;
		process_sigunlock(sh, flags);
	}
	process_exit(info->si_signo);
}

_Noreturn void process_exit(int status)
{
	struct task *t = current;
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);

	if (p->group_flags & GROUP_EXITING) {
		status = p->exit_code;
	} else if ((p->group_flags & GROUP_EXEC) && p->exec_task && p->exec_task != t) {
		/* An execve got there first: only this thread goes. */
		process_sigunlock(sh, flags);
		task_exit(0);
	} else {
		WRITE_ONCE(p->group_flags, (p->group_flags | GROUP_EXITING) & ~(unsigned)GROUP_STOPPED);
		p->exit_code = status;
		p->stops_pending = 0;
		signal_kill_group_locked(p, t);
	}
	process_sigunlock(sh, flags);
	task_exit(status);
}

long sys_exit(int status)
{
	task_exit((status & 0xff) << 8);
}

long sys_exit_group(int status)
{
	process_exit((status & 0xff) << 8);
}

/* ---- execve by one of several threads ---- */

/*
 * All other threads of current's group end, and have let go of what they
 * shared; current becomes the leader and takes the leader's number.  -EAGAIN:
 * the group is exiting, or another thread is here already.
 */
int exec_dethread(void)
{
	struct task *t = current, *old;
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *sh;
	struct pid *mine;

	if (load_acquire(&p->threads_left) == 1 && p->leader == t)
		return 0;
	flags = spin_lock_irqsave(&process_tree_lock);	/* who ends sees exec_task, or has been counted */
	sh = p->sighand;
	spin_lock(&sh->lock);
	if ((p->group_flags & (GROUP_EXITING | GROUP_EXEC))) {
		spin_unlock(&sh->lock);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		return -EAGAIN;
	}
	WRITE_ONCE(p->group_flags, p->group_flags | GROUP_EXEC);
	WRITE_ONCE(p->exec_task, t);
	p->stops_pending = 0;
	t->stop_pending = STOP_NONE;
	signal_kill_group_locked(p, t);
	spin_unlock(&sh->lock);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (wait_event_killable(&p->exec_wait, READ_ONCE(p->threads_left) == 1)) {
		sh = process_siglock(p, &flags);
		WRITE_ONCE(p->group_flags, p->group_flags & ~(unsigned)GROUP_EXEC);
		WRITE_ONCE(p->exec_task, NULL);
		process_sigunlock(sh, flags);
		return -EAGAIN;
	}

	/* The leader, if it is not this thread, has exited but is still in the tree: take its place. */
	flags = spin_lock_irqsave(&process_tree_lock);
	old = p->leader;
	if (old != t && old->ptrace)	/* not told: its number lives on */
		ptrace_unlink(old->ptrace);
	spin_lock(&p->sighand->lock);
	if (old != t) {
		struct pid *leader_pid = old->pid;

		mine = t->pid;
		list_del_init(&t->pid_link);
		WRITE_ONCE(mine->task, NULL);	/* looked at under RCU */
		list_del_init(&old->pid_link);
		rcu_assign(leader_pid->task, t);
		list_add_tail(&t->pid_link, &leader_pid->members[PID_THREAD]);
		WRITE_ONCE(t->pid, leader_pid);
		WRITE_ONCE(old->pid, mine);	/* each keeps one reference */
		pid_forget(mine);
		p->leader = t;
		WRITE_ONCE(t->start_ns, old->start_ns);
		list_del_init(&old->thread_link);
		WRITE_ONCE(old->sighand, NULL);
	}
	WRITE_ONCE(p->group_flags, p->group_flags & ~(unsigned)GROUP_EXEC);
	WRITE_ONCE(p->exec_task, NULL);
	spin_unlock(&p->sighand->lock);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (old != t)
		task_put(old);
	return 0;
}
