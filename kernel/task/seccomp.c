/* SPDX-License-Identifier: MIT */
/*
 * seccomp(2): a thread gives up system calls.
 *
 * Strict mode leaves read, write, exit and rt_sigreturn.  Filters are programs
 * (lib/cbpf.c) that look at a call's number, the CPU, the program counter and
 * the arguments, and say what becomes of it.  Each filter points to the one
 * that was there before; a child has its parent's, so they form a tree, held
 * by reference counts from the leaves.  All filters of a thread are run, and
 * the most severe answer counts.
 *
 * A thread's filter is replaced under the signal lock: by itself, or by another
 * thread of the process that synchronizes (TSYNC).  Readers are the thread
 * itself, which may be in the middle of a walk then: what it walks stays, as the
 * new filter has the old one as an ancestor, and it is the new one that the
 * thread now holds.
 *
 * Not here: SECCOMP_RET_USER_NOTIF and its descriptor, the audit log.
 */
#include <kernel/abi_cpu.h>
#include <kernel/slab.h>
#include "lib/cbpf.h"
#include "syscall/syscall_impl.h"
#include "ptrace.h"
#include "task_impl.h"

enum { SET_MODE_STRICT, SET_MODE_FILTER, GET_ACTION_AVAIL };
enum { FILTER_TSYNC = 1, FILTER_LOG = 2, FILTER_SPEC_ALLOW = 4, FILTER_TSYNC_ESRCH = 16 };
#define RET_KILL_PROCESS 0x80000000u
#define RET_KILL_THREAD 0u
#define RET_TRAP 0x00030000u
#define RET_ERRNO 0x00050000u
#define RET_USER_NOTIF 0x7fc00000u
#define RET_TRACE 0x7ff00000u
#define RET_LOG 0x7ffc0000u
#define RET_ALLOW 0x7fff0000u
#define RET_ACTION 0xffff0000u
enum { SYS_SECCOMP = 1, MAX_ERRNO = 4095, PATH_INSNS = 32768 };

struct seccomp_data { int32_t nr; uint32_t arch; uint64_t pc, args[6]; };
struct sock_fprog { uint16_t len, pad[3]; uint64_t filter; };

struct seccomp_filter {
	struct refcount refs;
	struct seccomp_filter *prev;	/* [I] once attached; a reference */
	unsigned n;			/* [I] */
	struct cbpf_insn insns[];	/* [I] */
};

static struct seccomp_filter *filter_get(struct seccomp_filter *f)
{
	if (f)
		ref_get(&f->refs);
	return f;
}

/* A chain may be long, and each may be the last to hold the next. */
static void filter_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->refs)) {
		struct seccomp_filter *prev = f->prev;

		kfree(f);
		f = prev;
	}
}

static bool is_ancestor(const struct seccomp_filter *old, const struct seccomp_filter *f)
{
	if (!old)
		return true;
	for (; f; f = f->prev)
		if (f == old)
			return true;
	return false;
}

void seccomp_clone(struct task *t)
{
	t->seccomp = filter_get(current->seccomp);
	WRITE_ONCE(t->seccomp_mode, current->seccomp_mode);	/* it has a number already: /proc */
	if (current->no_new_privs)
		WRITE_ONCE(t->no_new_privs, true);	/* a TSYNC since it was copied */
}

void seccomp_free(struct task *t) { filter_put(t->seccomp); }

unsigned seccomp_filters(struct task *t)
{
	unsigned long flags;
	struct sighand *sh;
	unsigned n = 0;

	if (!t->process)
		return 0;
	sh = process_siglock(t->process, &flags);
	for (const struct seccomp_filter *f = t->seccomp; f; f = f->prev)
		n++;
	process_sigunlock(sh, flags);
	return n;
}

/* ---- a call ---- */

static uint32_t filters_run(const struct task *t, const struct abi_regs *r, unsigned nr)
{
	union { struct seccomp_data d; uint32_t w[sizeof(struct seccomp_data) / 4]; } u;
	uint32_t worst = RET_ALLOW;

	u.d.nr = (int32_t)nr;
	u.d.arch = abi_audit_arch;
	u.d.pc = abi_regs_pc(r);
	abi_syscall_args(r, u.d.args);
	for (const struct seccomp_filter *f = load_acquire(&t->seccomp); f; f = f->prev) {
		uint32_t ret = cbpf_run(f->insns, u.w, ARRAY_SIZE(u.w));

		if ((int32_t)(ret & RET_ACTION) < (int32_t)(worst & RET_ACTION))
			worst = ret;
	}
	return worst;
}

static void send_sigsys(struct abi_regs *r, unsigned nr, uint32_t data, bool deadly)
{
	struct abi_siginfo info = { .si_signo = SIGSYS, .si_code = SYS_SECCOMP, .si_errno = (int32_t)data };

	info.sys.call_addr = abi_regs_pc(r);
	info.sys.syscall = (int32_t)nr;
	info.sys.arch = abi_audit_arch;
	abi_syscall_rollback(r);
	signal_force_info(&info, deadly);
}

/* The tracer may look, change the call, or skip it.  False: skipped. */
static bool ask_tracer(struct task *t, struct abi_regs *r, unsigned *nr, uint32_t data)
{
	if (!ptrace_event_enabled(t, PTRACE_EVENT_SECCOMP)) {
		abi_syscall_result(r, -ENOSYS);
		return false;
	}
	ptrace_event(PTRACE_EVENT_SECCOMP, data);
	if (fatal_signal_pending(t))
		return false;
	*nr = abi_syscall_nr(r);
	return *nr != UINT32_MAX;
}

bool seccomp_allows(struct task *t, unsigned *nr)
{
	struct abi_regs *r = hal_user_regs(t->uctx);
	uint32_t ret;

	if (READ_ONCE(t->seccomp_mode) == SECCOMP_STRICT) {
		if (syscall_is_strict(*nr))
			return true;
		task_exit(SIGKILL);
	}
	for (bool asked = false;; asked = true) {
		ret = filters_run(t, r, *nr);
		switch (ret & RET_ACTION) {
		case RET_ALLOW:
		case RET_LOG:
			return true;
		case RET_ERRNO:
			abi_syscall_result(r, -(long)MIN(ret & 0xffff, (uint32_t)MAX_ERRNO));
			return false;
		case RET_USER_NOTIF:	/* to nobody: its filter has no listener */
			abi_syscall_result(r, -ENOSYS);
			return false;
		case RET_TRAP:
			send_sigsys(r, *nr, ret & 0xffff, false);
			return false;
		case RET_TRACE:
			if (asked)	/* the tracer has had its say */
				return true;
			if (!ask_tracer(t, r, nr, ret & 0xffff))
				return false;
			continue;	/* what it made of the call is filtered as well */
		case RET_KILL_THREAD:
			if (READ_ONCE(t->process->thread_count) > 1)
				task_exit(SIGSYS);
			break;
		}
		send_sigsys(r, *nr, ret & 0xffff, true);
		return false;
	}
}

/* ---- setting it up ---- */

static int filter_create(uaddr_t uprog, struct seccomp_filter **out)
{
	struct seccomp_filter *f;
	struct sock_fprog prog;
	int err = copy_from_user(&prog, uprog, sizeof(prog));

	if (err)
		return err;
	if (!prog.len || prog.len > CBPF_MAX_INSNS)
		return -EINVAL;
	/* A program could otherwise deceive one that gains privileges by execve. */
	if (!READ_ONCE(current->no_new_privs) && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	f = kzalloc(sizeof(*f) + prog.len * sizeof(f->insns[0]), 0);
	if (!f)
		return -ENOMEM;
	f->n = prog.len;
	ref_init(&f->refs);
	err = copy_from_user(f->insns, prog.filter, prog.len * sizeof(f->insns[0]));
	if (!err)
		err = cbpf_check(f->insns, f->n, sizeof(struct seccomp_data) / 4);
	if (err)
		kfree(f);
	else
		*out = f;
	return err;
}

/* [sig] The thread that stands in the way of TSYNC; NULL: none. */
static struct task *cannot_sync(struct process *p)
{
	struct task *t;

	list_for_each(t, &p->threads, thread_link)
		if (t != current && !(READ_ONCE(t->flags) & TASKF_EXITING) && t->seccomp_mode != SECCOMP_OFF &&
		    (t->seccomp_mode != SECCOMP_FILTER || !is_ancestor(t->seccomp, current->seccomp)))
			return t;
	return NULL;
}

/* [sig] All threads get current's filter; what they held goes to *old, to be put without the lock: old[] has room for all. */
static unsigned sync_threads(struct process *p, struct seccomp_filter **old, unsigned room)
{
	struct task *t;
	unsigned n = 0;

	list_for_each(t, &p->threads, thread_link) {
		if (t == current || READ_ONCE(t->flags) & TASKF_EXITING)
			continue;
		BUG_ON(n == room);
		old[n++] = t->seccomp;
		store_release(&t->seccomp, filter_get(current->seccomp));
		if (current->no_new_privs)
			WRITE_ONCE(t->no_new_privs, true);
		WRITE_ONCE(t->seccomp_mode, SECCOMP_FILTER);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* user_loop.c: task_answers() */
		hal_user_answers(t->uctx, 0, 0);
	}
	return n;
}

static long attach(struct seccomp_filter *f, unsigned how)
{
	struct process *p = current->process;
	struct seccomp_filter **old = NULL;
	struct task *other;
	unsigned long flags;
	struct sighand *sh;
	unsigned insns, room = 0, n = 0;
	long ret;

	for (;;) {
		if (how & FILTER_TSYNC) {
			room = (unsigned)READ_ONCE(p->thread_count) + 8;
			old = kmalloc(room * sizeof(*old), 0);
			if (!old)
				return -ENOMEM;
		}
		sh = process_siglock(p, &flags);
		if (!(how & FILTER_TSYNC) || (unsigned)p->thread_count <= room)
			break;
		process_sigunlock(sh, flags);
		kfree(old);
	}
	ret = -EINVAL;
	if (current->seccomp_mode == SECCOMP_STRICT)
		goto out;
	insns = f->n;
	for (const struct seccomp_filter *o = current->seccomp; o; o = o->prev)
		insns += o->n + 4;
	ret = -ENOMEM;
	if (insns > PATH_INSNS)
		goto out;
	other = how & FILTER_TSYNC ? cannot_sync(p) : NULL;
	if (other) {
		ret = how & FILTER_TSYNC_ESRCH ? -ESRCH : task_tid(other);
		goto out;
	}
	f->prev = current->seccomp;	/* with its reference */
	store_release(&current->seccomp, filter_get(f));
	if (how & FILTER_TSYNC)
		n = sync_threads(p, old, room);
	WRITE_ONCE(current->seccomp_mode, SECCOMP_FILTER);
	ret = 0;
out:
	process_sigunlock(sh, flags);
	while (n)
		filter_put(old[--n]);
	kfree(old);
	return ret;
}

static long set_filter(unsigned how, uaddr_t uprog)
{
	struct seccomp_filter *f;
	long ret;

	if (how & ~(unsigned)(FILTER_TSYNC | FILTER_LOG | FILTER_SPEC_ALLOW | FILTER_TSYNC_ESRCH))
		return -EINVAL;
	ret = filter_create(uprog, &f);
	if (ret)
		return ret;
	ret = attach(f, how);
	filter_put(f);
	return ret;
}

static long set_strict(void)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(current->process, &flags);
	long ret = current->seccomp_mode == SECCOMP_FILTER ? -EINVAL : 0;

	if (!ret)
		WRITE_ONCE(current->seccomp_mode, SECCOMP_STRICT);
	process_sigunlock(sh, flags);
	return ret;
}

static long action_available(uaddr_t uaction)
{
	uint32_t action;
	int err = get_user(action, uaction);

	if (err)
		return err;
	switch (action) {
	case RET_KILL_PROCESS: case RET_KILL_THREAD: case RET_TRAP: case RET_ERRNO: case RET_TRACE: case RET_LOG: case RET_ALLOW:
		return 0;
	}
	return -EOPNOTSUPP;
}

long sys_seccomp(unsigned op, unsigned how, uaddr_t args)
{
	switch (op) {
	case SET_MODE_STRICT:
		return how || args ? -EINVAL : set_strict();
	case SET_MODE_FILTER:
		return set_filter(how, args);
	case GET_ACTION_AVAIL:
		return how ? -EINVAL : action_available(args);
	}
	return -EINVAL;
}

long seccomp_prctl_set(uint64_t mode, uaddr_t uprog)
{
	if (mode == SECCOMP_STRICT)
		return set_strict();
	return mode == SECCOMP_FILTER ? set_filter(0, uprog) : -EINVAL;
}
