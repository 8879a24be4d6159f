/* SPDX-License-Identifier: MIT */
/* The requests of ptrace(2): the tracer's side. */
#include <kernel/uio.h>
#include <kernel/vm.h>
#include "ptrace.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { PTRACE_TRACEME, PTRACE_PEEKTEXT, PTRACE_PEEKDATA, PTRACE_PEEKUSR, PTRACE_POKETEXT, PTRACE_POKEDATA, PTRACE_POKEUSR, PTRACE_CONT,
	PTRACE_KILL, PTRACE_SINGLESTEP, PTRACE_GETREGS = 12, PTRACE_SETREGS, PTRACE_GETFPREGS, PTRACE_SETFPREGS, PTRACE_ATTACH,
	PTRACE_DETACH, PTRACE_SYSCALL = 24, PTRACE_SYSEMU = 31, PTRACE_SYSEMU_SINGLESTEP, PTRACE_SETOPTIONS = 0x4200, PTRACE_GETEVENTMSG, PTRACE_GETSIGINFO, PTRACE_SETSIGINFO,
	PTRACE_GETREGSET, PTRACE_SETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_LISTEN, PTRACE_PEEKSIGINFO,
	PTRACE_GETSIGMASK, PTRACE_SETSIGMASK, PTRACE_GET_SYSCALL_INFO = 0x420e };
enum { NT_PRSTATUS = 1, NT_PRFPREG = 2, NT_X86_XSTATE = 0x202, NT_ARM_TLS = 0x401, NT_ARM_SYSTEM_CALL = 0x404 };
enum { EM_X86_64 = 62, FXSAVE_SIZE = 512, X86_USER_SIZE = 912 };
enum { AUDIT_ARCH_64BIT_LE = 0xC0000000u };

/* ---- becoming one ---- */

/* [tree] PTRACE_TRACEME: as if the parent attached. */
static bool may_trace_current(struct process *parent)
{
	struct cred *c = parent->leader ? task_cred_get(parent->leader) : NULL;
	bool ok = c && (!(current->cred->cap_permitted & ~c->cap_permitted) || c->cap_effective >> CAP_SYS_PTRACE & 1);

	cred_put(c);
	return ok;
}

/* thread NULL: the one whose child t's process is. */
static long ptrace_link(struct task *t, struct process *tracer, struct task *thread, bool seize, unsigned options)
{
	struct ptrace *pt = kzalloc(sizeof(*pt), 0);
	unsigned long flags;
	bool over = false;
	long err = -EPERM;

	if (!pt)
		return -ENOMEM;
	pt->tracee = t;
	pt->tracer = tracer;
	pt->seized = seize;
	pt->options = options;
	pt->powerful = capable(CAP_SYS_PTRACE);
	flags = spin_lock_irqsave(&process_tree_lock);
	while (t != current && t->process->gains) {	/* it is becoming more than it is: ask it then */
		spin_unlock_irqrestore(&process_tree_lock, flags);
		if (wait_event_interruptible(&t->process->exec_wait, !READ_ONCE(t->process->gains))) {
			kfree(pt);
			return -ERESTARTNOINTR;
		}
		flags = spin_lock_irqsave(&process_tree_lock);
	}
	if (!t->ptrace && tracer->traces_no_more) {	/* PTRACE_TRACEME while the parent ends: as on Linux, nothing happens */
		err = 0;
	} else if (!t->ptrace && !(READ_ONCE(t->flags) & TASKF_EXITING) && (t == current ? may_trace_current(tracer) : ptrace_may_access(t))) {
		spin_lock(&t->process->sighand->lock);
		process_get(tracer);
		pt->thread = thread ? thread : t->process->parent_thread;
		list_add_tail(&pt->link, &tracer->ptraced);
		rcu_assign(t->ptrace, pt);	/* it looks whether it is traced, at every call */
		if (READ_ONCE(t->state) & TASK_STOPPED) {
			ptrace_take_over(pt);
			over = true;
		}
		spin_unlock(&t->process->sighand->lock);
		if (over)
			ptrace_tell(pt, CLD_STOPPED, pt->stop_code);
		pt = NULL;
		err = 0;
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	kfree(pt);
	return err;
}

static long ptrace_attach(struct task *t, bool seize, uint64_t addr, uint64_t options)
{
	struct abi_siginfo info = { .si_signo = SIGSTOP, .si_code = SI_USER };
	long err;

	if (seize && (addr || options & ~(uint64_t)PTRACE_O_ALL))
		return -EIO;
	if (!t->process || t->process == current->process || (READ_ONCE(t->flags) & TASKF_EXITING))
		return -EPERM;
	err = ptrace_link(t, current->process, current, seize, seize ? (unsigned)options : 0);
	if (!err && !seize)
		signal_send_task(t, SIGSTOP, &info);
	return err;
}

static long ptrace_traceme(void)
{
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	struct process *parent = current->process->parent;
	long err;

	process_get(parent);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	err = ptrace_link(current, parent, NULL, false, 0);
	process_put(parent);
	return err;
}

/* ---- resuming ---- */

/* Which thing the tracee does next. */
static long ptrace_resume(struct task *t, long request, uint64_t sig)
{
	unsigned long flags;
	struct sighand *sh;
	struct ptrace *pt;
	long err = -ESRCH;

	if (sig > SIGRTMAX)
		return -EIO;
	hal_user_single_step(t->uctx, request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP);
	sh = process_siglock(t->process, &flags);
	pt = t->ptrace;
	if (pt && pt->stopped) {
		WRITE_ONCE(pt->syscalls, request == PTRACE_SYSCALL ? PTRACE_AT_ENTRY | PTRACE_AT_EXIT :
			request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP ? PTRACE_AT_ENTRY | PTRACE_EMULATED : 0);
		pt->frozen = false;
		t->ptrace_resume_signal = (int)sig;
		WRITE_ONCE(pt->stopped, false);
		/* Resuming from a group stop: the thread alone goes on. */
		task_wake(t, TASK_TRACED);
		err = 0;
	}
	process_sigunlock(sh, flags);
	return err;
}

/* It stays stopped, but is the tracer's no more until it has news of its group. */
static long ptrace_listen(struct task *t)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(t->process, &flags);
	struct ptrace *pt = t->ptrace;
	long err = -EIO;

	if (pt && pt->seized && pt->stop_code >> 8 == PTRACE_EVENT_STOP) {
		err = 0;
		pt->listening = true;
		if (pt->stop_work)	/* there were some already */
			ptrace_group_changes(t);
	}
	process_sigunlock(sh, flags);
	return err;
}

static long ptrace_detach(struct task *t, uint64_t sig)
{
	unsigned long flags;

	if (sig > SIGRTMAX)
		return -EIO;
	hal_user_single_step(t->uctx, false);
	flags = spin_lock_irqsave(&process_tree_lock);
	if (t->ptrace) {
		t->ptrace_resume_signal = (int)sig;
		ptrace_unlink(t->ptrace);
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return 0;
}

/* ---- registers ---- */

static long regset_get(struct task *t, unsigned type, uaddr_t iov)
{
	struct abi_regs *r = hal_user_regs(t->uctx);
	uint64_t regs[sizeof(struct abi_regs) / 8];
	struct { uint64_t base, len; } v;
	size_t n, fp_size = hal_user_fpu_size();
	uint8_t *fp = NULL;
	const void *from = regs;
	long err = -EFAULT;

	if (get_user(v, iov))
		return -EFAULT;
	if (type == NT_PRSTATUS) {
		n = abi_regset_get(r, regs, sizeof(regs));
	} else if (type == NT_PRFPREG || (type == NT_X86_XSTATE && abi_elf_machine == EM_X86_64)) {
		fp = kzalloc(MAX(fp_size, (size_t)FXSAVE_SIZE), 0);
		if (!fp)
			return -ENOMEM;
		n = hal_user_fpu_get(t->uctx, fp, fp_size);
		if (type == NT_PRFPREG && abi_elf_machine == EM_X86_64)
			n = FXSAVE_SIZE;
		from = fp;
	} else if (type == NT_ARM_TLS && abi_elf_machine != EM_X86_64) {
		regs[0] = abi_tls_get(r);
		n = 8;
	} else if (type == NT_ARM_SYSTEM_CALL && abi_elf_machine != EM_X86_64) {
		uint32_t nr = abi_in_syscall(r) ? abi_syscall_nr(r) : UINT32_MAX;

		memcpy(regs, &nr, sizeof(nr));
		n = sizeof(nr);
	} else {
		return -EINVAL;
	}
	v.len = MIN(v.len, n);
	if (!copy_to_user(v.base, from, v.len))
		err = put_user(v, iov);
	kfree(fp);
	return err;
}

static long fp_set(struct task *t, uaddr_t from, size_t len)
{
	size_t fp_size = hal_user_fpu_size();
	uint8_t *fp = kzalloc(fp_size, 0);
	long err;

	if (!fp)
		return -ENOMEM;
	/* What is not given stays as it is. */
	hal_user_fpu_get(t->uctx, fp, fp_size);
	err = copy_from_user(fp, from, MIN(len, fp_size));
	if (!err)
		err = hal_user_fpu_set(t->uctx, fp, fp_size);
	kfree(fp);
	return err;
}

static long regset_set(struct task *t, unsigned type, uaddr_t iov)
{
	uint64_t regs[sizeof(struct abi_regs) / 8];
	struct { uint64_t base, len; } v;

	if (get_user(v, iov))
		return -EFAULT;
	if (type == NT_PRSTATUS) {
		v.len = MIN(v.len, sizeof(regs));
		if (copy_from_user(regs, v.base, v.len))
			return -EFAULT;
		return abi_regset_set(hal_user_regs(t->uctx), regs, v.len);
	}
	if (type == NT_PRFPREG || (type == NT_X86_XSTATE && abi_elf_machine == EM_X86_64))
		return fp_set(t, v.base, type == NT_PRFPREG && abi_elf_machine == EM_X86_64 ? MIN(v.len, (uint64_t)FXSAVE_SIZE) : v.len);
	return -EINVAL;
}

#ifdef EFT_CPU_x86_64
/* struct user: registers first; everything behind (sizes, debug registers) reads as 0. */
static long user_word(struct task *t, uint64_t addr, uint64_t *value, bool write)
{
	struct abi_regs *r = hal_user_regs(t->uctx);
	uint64_t words[sizeof(*r) / 8];

	if (addr & 7 || addr >= X86_USER_SIZE)
		return -EIO;
	if (addr >= sizeof(words)) {
		if (!write)
			*value = 0;
		return write && *value ? -EIO : 0;
	}
	memcpy(words, r, sizeof(words));
	if (!write) {
		*value = words[addr / 8];
		return 0;
	}
	words[addr / 8] = *value;
	return abi_regset_set(r, words, sizeof(words));
}
#endif

/* ---- system calls ---- */

struct abi_syscall_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union { struct { uint64_t nr, args[6]; uint32_t seccomp_data, pad; } entry; struct { int64_t rval; uint8_t is_error; } exit; };
};

static long syscall_info(struct task *t, uint64_t size, uaddr_t to)
{
	struct abi_regs *r = hal_user_regs(t->uctx);
	struct abi_syscall_info info = { .arch = AUDIT_ARCH_64BIT_LE | abi_elf_machine, .ip = abi_regs_pc(r), .sp = abi_regs_sp(r) };
	size_t n = offsetof(struct abi_syscall_info, entry);

	info.op = (uint8_t)t->ptrace->call;
	if (t->ptrace->call == PTRACE_CALL_ENTRY || t->ptrace->call == PTRACE_CALL_SECCOMP) {
		info.entry.nr = abi_syscall_nr(r);
		abi_syscall_args(r, info.entry.args);
		n = offsetof(struct abi_syscall_info, entry.seccomp_data);
		if (t->ptrace->call == PTRACE_CALL_SECCOMP) {
			info.entry.seccomp_data = (uint32_t)t->ptrace->message;
			n += sizeof(info.entry.seccomp_data);
		}
	} else if (t->ptrace->call == PTRACE_CALL_EXIT) {
		info.exit.rval = abi_syscall_get_result(r);
		info.exit.is_error = info.exit.rval < 0 && info.exit.rval >= -4095;
		n = offsetof(struct abi_syscall_info, exit.is_error) + 1;
	}
	return copy_to_user(to, &info, MIN(n, size)) ? -EFAULT : (long)n;
}

/* ---- pending signals ---- */

/* The n-th of those in the queue. */
static bool pending_nth(struct task *t, bool shared, uint64_t n, struct abi_siginfo *info)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(t->process, &flags);
	struct sigqueue *q;
	bool found = false;

	list_for_each(q, shared ? &t->process->shared_pending.queue : &t->pending.queue, link)
		if (!n--) {
			*info = q->info;
			found = true;
			break;
		}
	process_sigunlock(sh, flags);
	return found;
}

static long peek_siginfo(struct task *t, uaddr_t uargs, uaddr_t to)
{
	enum { SHARED = 1 };
	struct { uint64_t off; uint32_t flags; int32_t nr; } args;
	struct abi_siginfo info;
	long n;

	if (get_user(args, uargs))
		return -EFAULT;
	if (args.flags & ~(uint32_t)SHARED || args.nr < 0)
		return -EINVAL;
	for (n = 0; n < args.nr && pending_nth(t, args.flags & SHARED, args.off + (uint64_t)n, &info); n++) {
		if (copy_to_user(to + (uint64_t)n * sizeof(info), &info, sizeof(info)))
			return n ? n : -EFAULT;
		if (signal_pending(current))
			return n + 1;
	}
	return n;
}

/* ---- the call ---- */

/* The tracee's stop is frozen, and it is off its CPU. */
static long ptrace_request(struct task *t, long request, uint64_t addr, uint64_t data)
{
	struct ptrace *pt = t->ptrace;
	uint64_t word;
	size_t n;

	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		n = t->vm ? vm_access(t->vm, addr, &word, sizeof(word), false, true) : 0;
		return n != sizeof(word) ? -EIO : put_user(word, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		n = t->vm ? vm_access(t->vm, addr, &data, sizeof(data), true, true) : 0;
		return n != sizeof(data) ? -EIO : 0;
#ifdef EFT_CPU_x86_64
	case PTRACE_PEEKUSR:
		if (user_word(t, addr, &word, false))
			return -EIO;
		return put_user(word, data);
	case PTRACE_POKEUSR:
		return user_word(t, addr, &data, true);
	case PTRACE_GETREGS:
		return copy_to_user(data, hal_user_regs(t->uctx), sizeof(struct abi_regs));
	case PTRACE_SETREGS: {
		uint64_t regs[sizeof(struct abi_regs) / 8];

		if (copy_from_user(regs, data, sizeof(regs)))
			return -EFAULT;
		return abi_regset_set(hal_user_regs(t->uctx), regs, sizeof(regs));
	}
	case PTRACE_GETFPREGS: {
		size_t size = MAX(hal_user_fpu_size(), (size_t)FXSAVE_SIZE);
		uint8_t *fp = kzalloc(size, 0);
		long err;

		if (!fp)
			return -ENOMEM;
		hal_user_fpu_get(t->uctx, fp, size);
		err = copy_to_user(data, fp, FXSAVE_SIZE);
		kfree(fp);
		return err;
	}
	case PTRACE_SETFPREGS:
		return fp_set(t, data, FXSAVE_SIZE);
#endif
	case PTRACE_GETREGSET:
		return regset_get(t, (unsigned)addr, data);
	case PTRACE_SETREGSET:
		return regset_set(t, (unsigned)addr, data);
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_SYSEMU:
	case PTRACE_SYSEMU_SINGLESTEP:
		return ptrace_resume(t, request, data);
	case PTRACE_LISTEN:
		return ptrace_listen(t);
	case PTRACE_DETACH:
		return ptrace_detach(t, data);
	case PTRACE_SETOPTIONS:
		if (data & ~(uint64_t)PTRACE_O_ALL)
			return -EINVAL;
		WRITE_ONCE(pt->options, (unsigned)data);
		return 0;
	case PTRACE_GETEVENTMSG:
		return put_user(pt->message, data);
	case PTRACE_GETSIGINFO:
		return pt->has_info ? copy_to_user(data, &pt->info, sizeof(pt->info)) : -EINVAL;
	case PTRACE_SETSIGINFO:
		return pt->has_info ? copy_from_user(&pt->info, data, sizeof(pt->info)) : -EINVAL;
	case PTRACE_PEEKSIGINFO:
		return peek_siginfo(t, addr, data);
	case PTRACE_GETSIGMASK:
		return addr != sizeof(uint64_t) ? -EINVAL : put_user(t->restore_sigmask ? t->saved_sigmask : t->sigmask, data);
	case PTRACE_SETSIGMASK: {
		struct sighand *sh;
		unsigned long flags;

		if (addr != sizeof(uint64_t))
			return -EINVAL;
		if (get_user(word, data))
			return -EFAULT;
		sh = process_siglock(t->process, &flags);
		t->sigmask = word & ~SIGMASK_UNBLOCKABLE;
		t->restore_sigmask = false;	/* it is the one that stays */
		process_sigunlock(sh, flags);
		return 0;
	}
	case PTRACE_GET_SYSCALL_INFO:
		return syscall_info(t, addr, data);
	default:
		return -EIO;
	}
}

/* PTRACE_INTERRUPT: any time. */
static long ptrace_interrupt(struct task *t)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(t->process, &flags);
	long err = -EIO;

	if (t->ptrace && t->ptrace->seized) {
		err = 0;
		ptrace_group_changes(t);	/* one that is stopped for its tracer stops again when it is continued */
	}
	process_sigunlock(sh, flags);
	return err;
}

/* The stop of a tracee of this thread lasts from here to ptrace_unfreeze().  False: there is none, or it has been killed. */
static bool ptrace_freeze(struct task *t)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(t->process, &flags);
	struct ptrace *pt = t->ptrace;
	bool ok = pt && pt->thread == current && pt->stopped && !pt->listening && !(t->pending.set & SIGMASK(SIGKILL));

	if (ok)
		pt->frozen = true;
	process_sigunlock(sh, flags);
	/* It has said that it stops; its registers are at rest once it has left its CPU. */
	while (ok && !task_is_off(t))
		sched_yield();
	return ok;
}

/* What woke it meanwhile, wakes it now.  The request may have resumed it, or let it go. */
static void ptrace_unfreeze(struct task *t)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(t->process, &flags);
	struct ptrace *pt = t->ptrace;

	if (pt && pt->thread == current && pt->frozen) {
		pt->frozen = false;
		if (!pt->stopped || t->pending.set & SIGMASK(SIGKILL))
			task_wake(t, TASK_TRACED);
	}
	process_sigunlock(sh, flags);
}

/* Is t a tracee of this very thread? */
static bool ptrace_is_mine(struct task *t)
{
	struct ptrace *pt;
	bool yes;

	rcu_read_lock();
	pt = rcu_dereference(t->ptrace);
	yes = pt && pt->thread == current;
	rcu_read_unlock();
	return yes;
}

long sys_ptrace(long request, long pid, uint64_t addr, uint64_t data)
{
	struct task *t;
	long err;

	if (request == PTRACE_TRACEME)
		return ptrace_traceme();
	t = task_find((pid_t)pid);
	if (!t)
		return -ESRCH;
	if (request == PTRACE_ATTACH || request == PTRACE_SEIZE) {
		err = ptrace_attach(t, request == PTRACE_SEIZE, addr, data);
		goto out;
	}
	err = -ESRCH;
	if (!ptrace_is_mine(t))
		goto out;
	if (request == PTRACE_KILL) {
		signal_send_process(t->process, SIGKILL, NULL);
		err = 0;
		goto out;
	}
	if (request == PTRACE_INTERRUPT) {
		err = ptrace_interrupt(t);
		goto out;
	}
	if (!ptrace_freeze(t))
		goto out;
	err = ptrace_request(t, request, addr, data);
	ptrace_unfreeze(t);
out:
	task_put(t);
	return err;
}
