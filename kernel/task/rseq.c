/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences, rseq(2): a word of user memory that says on which CPU
 * the thread runs, and short code sequences that start over when the thread
 * was moved, preempted or took a signal in the middle of one.
 *
 * The check is made on each return to user code of a registered thread that
 * may have been moved or interrupted; its cost is two small user copies.
 */
#include <kernel/vm.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { RSEQ_SIZE_MIN = 32, RSEQ_ALIGN = 32, RSEQ_FLAG_UNREGISTER = 1, RSEQ_CPU_UNINITIALIZED = -1 };
struct abi_rseq { uint32_t cpu_id_start, cpu_id; uint64_t rseq_cs; uint32_t flags, node_id, mm_cid, pad; };
struct abi_rseq_cs { uint32_t version, flags; uint64_t start_ip, post_commit_offset, abort_ip; };

/* A copy at addr failed: -EAGAIN if only memory was lacking, which the next try may find; -EFAULT if the address is bad. */
static int copy_failed(struct task *t, uaddr_t addr, unsigned access)
{
	int code, err = vm_fault(t->vm, addr, access, &code);

	if (err == -ENOMEM && !fatal_signal_pending(t))
		sched_yield();
	return !err || err == -ENOMEM || err == -EINTR ? -EAGAIN : -EFAULT;
}

/* If the thread is inside a sequence, it continues at its abort handler. */
static int rseq_abort(struct task *t)
{
	struct abi_regs *r = hal_user_regs(t->uctx);
	uaddr_t pc = abi_regs_pc(r);
	struct abi_rseq_cs cs;
	uint64_t ptr;
	uint32_t sig;
	uaddr_t word = t->rseq + offsetof(struct abi_rseq, rseq_cs);

	if (get_user(ptr, word))
		return copy_failed(t, word, HAL_READ);
	if (!ptr)
		return 0;
	if (get_user(cs, ptr))
		return copy_failed(t, ptr, HAL_READ);
	if (cs.version || cs.start_ip + cs.post_commit_offset < cs.start_ip || cs.abort_ip >= hal_as_limit() ||
	    cs.abort_ip - cs.start_ip < cs.post_commit_offset)
		return -EINVAL;
	if (get_user(sig, cs.abort_ip - sizeof(sig)) || sig != t->rseq_sig)
		return -EINVAL;
	if (pc - cs.start_ip < cs.post_commit_offset)
		abi_regs_set_pc(r, cs.abort_ip);
	/* Left or aborted: either way it is over. */
	return put_user((uint64_t)0, word) ? copy_failed(t, word, HAL_WRITE) : 0;
}

void rseq_user_return(struct task *t)
{
	uint32_t ids[2], cpu;
	uint64_t switches = READ_ONCE(t->switches);
	int err;

	/* Not switched since the last look: still on that CPU, nothing was interrupted. */
	if (switches == t->rseq_switches)
		return;
	err = rseq_abort(t);
	if (err)
		goto failed;
	/* Should it be switched again from here on, the loop comes back. */
	cpu = this_cpu()->id;
	ids[0] = ids[1] = cpu;
	if (copy_to_user(t->rseq, ids, sizeof(ids))) {
		err = copy_failed(t, t->rseq, HAL_WRITE);
		goto failed;
	}
	t->rseq_switches = switches;
	return;
failed:
	if (err == -EAGAIN)
		return;		/* the loop comes back */
	t->rseq = 0;
	signal_force(SIGSEGV, SI_KERNEL, 0);
}

void rseq_signal(struct task *t)
{
	int err = t->rseq ? rseq_abort(t) : 0;

	while (err == -EAGAIN && !fatal_signal_pending(t))
		err = rseq_abort(t);
	if (err && err != -EAGAIN)
		signal_force(SIGSEGV, SI_KERNEL, 0);
}

void rseq_fork(struct task *child, uint64_t clone_flags)
{
	/* A thread registers its own; a process has the parent's at the same address. */
	if (clone_flags & CLONE_VM)
		return;
	child->rseq = current->rseq;
	child->rseq_len = current->rseq_len;
	child->rseq_sig = current->rseq_sig;
	child->rseq_switches = UINT64_MAX;
}

void rseq_exec(struct task *t)
{
	t->rseq = 0;
	t->rseq_len = t->rseq_sig = 0;
}

long sys_rseq(uaddr_t rseq, unsigned len, int flags, unsigned sig)
{
	struct task *t = current;

	if (flags & RSEQ_FLAG_UNREGISTER) {
		struct abi_rseq blank = { .cpu_id = (uint32_t)RSEQ_CPU_UNINITIALIZED };

		if (flags & ~RSEQ_FLAG_UNREGISTER)
			return -EINVAL;
		if (!t->rseq || t->rseq != rseq || t->rseq_len != len)
			return -EINVAL;
		if (t->rseq_sig != sig)
			return -EPERM;
		if (copy_to_user(rseq, &blank, 16))
			return -EFAULT;
		rseq_exec(t);
		return 0;
	}
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != rseq || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	if (rseq & (RSEQ_ALIGN - 1) || len < RSEQ_SIZE_MIN)
		return -EINVAL;
	if (!user_range_ok(rseq, len))
		return -EFAULT;
	t->rseq = rseq;
	t->rseq_len = len;
	t->rseq_sig = sig;
	t->rseq_switches = UINT64_MAX;	/* write the CPU number before user code runs */
	return 0;
}
