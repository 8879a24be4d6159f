/* SPDX-License-Identifier: MIT */
/*
 * AArch64 signal frames, as Linux lays them out (arch/arm64 sigcontext.h,
 * ucontext.h): siginfo, ucontext with the general registers, then a list of
 * records {magic, size} in mcontext's reserved 4096 bytes: FP and SIMD always,
 * the syndrome after a fault, a zero record at the end.  Above the frame a frame
 * record links it into the chain of x29.
 *
 * Without SA_RESTORER (glibc) the handler returns to the vDSO's
 * __kernel_rt_sigreturn, which unwinders know.
 */
#include <kernel/abi_cpu.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>
#include "syscall/syscall_impl.h"
#include "abi_aarch64.h"

struct sig_stack { uint64_t sp; int32_t flags, pad; uint64_t size; };
struct mcontext {
	uint64_t fault_address, regs[31], sp, pc, pstate;
	ALIGNED(16) uint8_t reserved[4096];
};
struct ucontext {
	uint64_t flags, link;
	struct sig_stack stack;
	uint64_t sigmask;
	uint8_t unused[120];
	ALIGNED(16) struct mcontext mc;
};
struct frame { struct abi_siginfo info; struct ucontext uc; };
_Static_assert(offsetof(struct ucontext, mc) == 176 && offsetof(struct mcontext, reserved) == 288 &&
	       sizeof(struct frame) == 4688, "struct rt_sigframe");

struct record { uint32_t magic, size; };
enum { FPSIMD_MAGIC = 0x46508001, ESR_MAGIC = 0x45535201 };
struct fpsimd_record { struct record head; uint32_t fpsr, fpcr; uint8_t v[512]; };
struct esr_record { struct record head; uint64_t esr; };
struct fpsimd_state { uint8_t v[512]; uint32_t fpsr, fpcr, reserved[2]; };	/* the HAL's format */
/* The part of the frame that is written or read: the records are never near the end of `reserved`. */
struct records { struct fpsimd_record fp; struct esr_record esr; struct record end, pad; };
enum { HEAD = offsetof(struct frame, uc.mc.reserved) };
/* What comes before the records, by itself: the whole frame is large for a kernel stack. */
struct frame_head {
	struct abi_siginfo info;
	struct {
		uint64_t flags, link;
		struct sig_stack stack;
		uint64_t sigmask;
		uint8_t unused[128];
		uint64_t fault_address, regs[31], sp, pc, pstate, pad;
	} uc;
};
_Static_assert(sizeof(struct frame_head) == HEAD, "the fixed part of the frame");

static bool on_altstack(const struct task *t, uaddr_t sp)
{
	return !(t->altstack_flags & SS_AUTODISARM) && sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

/* A fault of this thread, told by the kernel: it has an address and a syndrome. */
static bool is_fault(const struct abi_siginfo *info)
{
	int s = info->si_signo;
	return info->si_code > 0 && info->si_code != SI_KERNEL &&
		(s == SIGSEGV || s == SIGBUS || s == SIGILL || s == SIGFPE || s == SIGTRAP);
}

static size_t fill_records(struct records *rec, struct hal_uctx *u, uint64_t esr)
{
	struct fpsimd_state fp;
	memset(rec, 0, sizeof(*rec));
	memset(&fp, 0, sizeof(fp));
	hal_user_fpu_get(u, &fp, sizeof(fp));
	rec->fp.head = (struct record){ FPSIMD_MAGIC, sizeof(rec->fp) };
	rec->fp.fpsr = fp.fpsr;
	rec->fp.fpcr = fp.fpcr;
	memcpy(rec->fp.v, fp.v, sizeof(fp.v));
	if (!esr)
		return sizeof(rec->fp) + sizeof(rec->end);
	rec->esr = (struct esr_record){ { ESR_MAGIC, sizeof(rec->esr) }, esr };
	return offsetof(struct records, pad);
}

int abi_signal_frame(struct hal_uctx *u, const struct ksigaction *sa, const struct abi_siginfo *info, uint64_t oldmask,
		     const struct hal_trap_info *trap)
{
	struct abi_regs *r = hal_user_regs(u);
	struct task *t = current;
	bool fault = is_fault(info);
	uaddr_t sp = r->sp, link, at, restorer;
	struct frame_head head = { .info = *info };
	struct records rec;
	uint64_t record[2] = { r->x[29], r->x[30] };
	size_t n;

	if ((sa->flags & SA_ONSTACK) && t->altstack_size && !on_altstack(t, sp))
		sp = t->altstack_sp + t->altstack_size;
	link = (sp - sizeof(record)) & ~(uaddr_t)15;
	at = link - sizeof(struct frame);
	if (sp < sizeof(record) + sizeof(struct frame) || !user_range_ok(at, sizeof(struct frame) + sizeof(record)))
		return -EFAULT;
	if (sa->flags & SA_RESTORER)
		restorer = sa->restorer;
	else if (!t->vm->vdso || !(restorer = vdso_symbol("__kernel_rt_sigreturn")))
		return -EFAULT;
	else
		restorer += t->vm->vdso;

	head.uc.stack.sp = t->altstack_sp;
	head.uc.stack.size = t->altstack_size;
	head.uc.stack.flags = t->altstack_size ? (int32_t)t->altstack_flags : SS_DISABLE;
	head.uc.sigmask = oldmask;
	head.uc.fault_address = fault ? trap->addr : 0;
	memcpy(head.uc.regs, r->x, sizeof(head.uc.regs));
	head.uc.sp = r->sp;
	head.uc.pc = r->pc;
	head.uc.pstate = r->pstate;
	n = fill_records(&rec, u, fault ? trap->error_code : 0);
	if (copy_to_user(at, &head, sizeof(head)) || copy_to_user(at + HEAD, &rec, n) ||
	    copy_to_user(link, record, sizeof(record)))
		return -EFAULT;

	if (t->altstack_flags & SS_AUTODISARM) {
		t->altstack_sp = 0;
		t->altstack_size = 0;
		t->altstack_flags = SS_DISABLE;
	}
	r->x[0] = (uint64_t)info->si_signo;
	if (sa->flags & SA_SIGINFO) {
		r->x[1] = at + offsetof(struct frame, info);
		r->x[2] = at + offsetof(struct frame, uc);
	}
	r->x[29] = link;
	r->x[30] = restorer;
	r->sp = at;
	r->pc = sa->handler;
	r->pstate &= ~((uint64_t)3 << 10);	/* BTYPE: a call, not a jump */
	return 0;
}

/* Walks the records; unknown ones and a missing FP record make the frame bad, as on Linux. */
static int restore_records(struct hal_uctx *u, uaddr_t at)
{
	bool have_fp = false;
	uint32_t off = 0;
	for (;;) {
		struct record h;
		if (off > 4096 - sizeof(h) || get_user(h, at + off))
			return -EFAULT;
		if (!h.magic) {
			if (h.size)
				return -EFAULT;
			return have_fp ? 0 : -EFAULT;
		}
		if (h.size < sizeof(h) || h.size > 4096 - off || (off & 15))
			return -EFAULT;
		if (h.magic == FPSIMD_MAGIC) {
			struct fpsimd_record fp;
			struct fpsimd_state state;
			if (have_fp || h.size < sizeof(fp) || get_user(fp, at + off))
				return -EFAULT;
			memcpy(state.v, fp.v, sizeof(state.v));
			state.fpsr = fp.fpsr;
			state.fpcr = fp.fpcr;
			state.reserved[0] = state.reserved[1] = 0;
			if (hal_user_fpu_set(u, &state, sizeof(state)))
				return -EFAULT;
			have_fp = true;
		} else if (h.magic != ESR_MAGIC) {
			return -EFAULT;
		}
		off += h.size;
	}
}

int abi_signal_return(struct hal_uctx *u)
{
	struct abi_regs *r = hal_user_regs(u);
	uaddr_t at = r->sp, uc = at + offsetof(struct frame, uc);
	struct { uint64_t flags, link; struct sig_stack stack; uint64_t sigmask; } head;
	struct { uint64_t fault_address, regs[31], sp, pc, pstate; } mc;

	r->syscallno = -1;
	if ((at & 15) || !user_range_ok(at, sizeof(struct frame)) || get_user(head, uc) ||
	    get_user(mc, uc + offsetof(struct ucontext, mc)))
		return -EFAULT;
	signal_set_mask(head.sigmask);
	memcpy(r->x, mc.regs, sizeof(mc.regs));
	r->sp = mc.sp;
	r->pc = mc.pc;
	if (!abi_pstate_valid(mc.pstate)) {
		r->pstate = 0;
		return -EFAULT;
	}
	r->pstate = mc.pstate;
	if (restore_records(u, uc + offsetof(struct ucontext, mc) + offsetof(struct mcontext, reserved)))
		return -EFAULT;
	/* Refused while the thread is on it, and ignored then. */
	(void)sys_sigaltstack(uc + offsetof(struct ucontext, stack), 0);
	return 0;
}
