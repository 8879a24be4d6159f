/* SPDX-License-Identifier: MIT */
/*
 * Signal frames of AArch64, as Linux makes them: siginfo, ucontext whose
 * machine context ends in a 4096-byte area of tagged records (fpsimd_context,
 * esr_context, terminator), and above it a frame record for unwinders.
 */
#include <kernel/abi_cpu.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>
#include "task/task_impl.h"

enum { FPSIMD_MAGIC = 0x46508001, ESR_MAGIC = 0x45535201, EXTRA_MAGIC = 0x45585401, FPSIMD_STATE = 528 };
#define PSTATE_FLAGS 0xf0000000ull
#define PSTATE_BTYPE (3ull << 10)
#define PSTATE_TCO (1ull << 25)
#define PSTATE_SS (1ull << 21)
#define PSTATE_PRIVILEGED 0x3dfull	/* mode, AArch32, and the exception masks */

struct ctx_head { uint32_t magic, size; };
struct fpsimd_context { struct ctx_head head; uint32_t fpsr, fpcr; uint8_t vregs[512]; };
_Static_assert(sizeof(struct fpsimd_context) == 528, "fpsimd_context");
struct sigcontext {
	uint64_t fault_address, regs[31], sp, pc, pstate;
	uint8_t reserved[4096] __attribute__((aligned(16)));
};
struct ucontext {
	uint64_t uc_flags, uc_link;
	struct { uint64_t sp; int32_t flags, pad; uint64_t size; } uc_stack;
	uint64_t sigmask;
	uint8_t unused[128 - 8];
	struct sigcontext mc __attribute__((aligned(16)));
};
struct rt_sigframe { struct abi_siginfo info; struct ucontext uc; };
_Static_assert(offsetof(struct ucontext, mc) == 176 && sizeof(struct ucontext) == 4560, "ucontext");
struct frame_record { uint64_t fp, lr; };
/* user_fpsimd_state, as hal_user_fpu_get() has it */
struct fpsimd_state { uint8_t vregs[512]; uint32_t fpsr, fpcr, reserved[2]; };

static bool on_altstack(const struct task *t, uaddr_t sp)
{
	return t->altstack_size && !(t->altstack_flags & SS_AUTODISARM) && sp > t->altstack_sp &&
		sp - t->altstack_sp <= t->altstack_size;
}

/* Where handlers return to, in the vDSO; looked up once. */
static uaddr_t sigreturn_offset(void)
{
	static uaddr_t offset;	/* [a] everybody would store the same */
	uaddr_t o = READ_ONCE(offset);

	if (!o) {
		o = vdso_symbol("__kernel_rt_sigreturn");
		WRITE_ONCE(offset, o);
	}
	return o;
}

int abi_signal_frame(struct hal_uctx *u, const struct ksigaction *sa, const struct abi_siginfo *info, uint64_t oldmask,
	const struct hal_trap_info *trap)
{
	struct task *t = current;
	struct abi_regs *r = hal_user_regs(u);
	uaddr_t sp = r->sp, record, at;
	struct fpsimd_state st;
	struct rt_sigframe *f;
	struct frame_record fr = { r->x[29], r->x[30] };
	uint8_t *rec;
	int err = -EFAULT;

	if ((sa->flags & SA_ONSTACK) && t->altstack_size && !(t->altstack_flags & SS_DISABLE) && !on_altstack(t, sp))
		sp = t->altstack_sp + t->altstack_size;
	record = (sp & ~15ull) - sizeof(fr);
	at = (record - sizeof(*f)) & ~15ull;
	f = kzalloc(sizeof(*f), 0);
	if (!f)
		return -ENOMEM;
	f->info = *info;
	f->uc.uc_stack.sp = t->altstack_sp;
	f->uc.uc_stack.size = t->altstack_size;
	f->uc.uc_stack.flags = (int32_t)((t->altstack_size ? (on_altstack(t, r->sp) ? SS_ONSTACK : 0) : SS_DISABLE) |
		(t->altstack_flags & SS_AUTODISARM));
	f->uc.sigmask = oldmask;
	f->uc.mc.fault_address = trap->addr;
	memcpy(f->uc.mc.regs, r->x, sizeof(f->uc.mc.regs));
	f->uc.mc.sp = r->sp;
	f->uc.mc.pc = r->pc;
	f->uc.mc.pstate = r->pstate;

	rec = f->uc.mc.reserved;
	memset(&st, 0, sizeof(st));
	hal_user_fpu_get(u, &st, sizeof(st));
	struct fpsimd_context *fp = (void *)rec;
	fp->head = (struct ctx_head){ FPSIMD_MAGIC, sizeof(*fp) };
	fp->fpsr = st.fpsr;
	fp->fpcr = st.fpcr;
	memcpy(fp->vregs, st.vregs, sizeof(fp->vregs));
	rec += sizeof(*fp);
	if (trap->error_code) {
		struct { struct ctx_head head; uint64_t esr; } esr = { { ESR_MAGIC, 16 }, trap->error_code };

		memcpy(rec, &esr, sizeof(esr));
	}
	/* The terminator is zeros. */

	if (copy_to_user(at, f, sizeof(*f)) || copy_to_user(record, &fr, sizeof(fr)))
		goto out;
	err = 0;
	r->x[0] = (uint64_t)info->si_signo;
	if (sa->flags & SA_SIGINFO) {
		r->x[1] = at;
		r->x[2] = at + offsetof(struct rt_sigframe, uc);
	}
	r->sp = at;
	r->x[29] = record;
	r->pc = sa->handler;
	r->x[30] = sa->flags & SA_RESTORER ? sa->restorer : t->vm->vdso + sigreturn_offset();
	r->pstate &= ~(PSTATE_BTYPE | PSTATE_TCO | PSTATE_SS);
	if (t->altstack_flags & SS_AUTODISARM) {
		t->altstack_sp = 0;
		t->altstack_size = 0;
		t->altstack_flags = SS_DISABLE;
	}
out:
	kfree(f);
	return err;
}

/* The records of the frame; exactly one fpsimd_context must be among them. */
static int records_restore(struct hal_uctx *u, const uint8_t *rec, size_t n)
{
	struct fpsimd_state st;
	bool fpsimd = false;

	while (n >= sizeof(struct ctx_head)) {
		struct ctx_head h;

		memcpy(&h, rec, sizeof(h));
		if (!h.magic && !h.size)
			break;
		if (h.size < sizeof(h) || h.size > n || h.size % 16)
			return -EINVAL;
		if (h.magic == FPSIMD_MAGIC) {
			const struct fpsimd_context *fp = (const void *)rec;

			if (fpsimd || h.size != sizeof(*fp))
				return -EINVAL;
			fpsimd = true;
			memcpy(st.vregs, fp->vregs, sizeof(st.vregs));
			st.fpsr = fp->fpsr;
			st.fpcr = fp->fpcr;
			st.reserved[0] = st.reserved[1] = 0;
		} else if (h.magic != ESR_MAGIC && h.magic != EXTRA_MAGIC) {
			return -EINVAL;
		}
		rec += h.size;
		n -= h.size;
	}
	return fpsimd ? hal_user_fpu_set(u, &st, sizeof(st)) : -EINVAL;
}

int abi_signal_return(struct hal_uctx *u)
{
	struct task *t = current;
	struct abi_regs *r = hal_user_regs(u);
	uaddr_t at = r->sp;
	struct ucontext *uc;
	int err;

	if (at & 15)
		return -EFAULT;
	uc = kmalloc(sizeof(*uc), 0);
	if (!uc)
		return -ENOMEM;
	err = copy_from_user(uc, at + offsetof(struct rt_sigframe, uc), sizeof(*uc));
	if (err)
		goto out;
	err = records_restore(u, uc->mc.reserved, sizeof(uc->mc.reserved));
	if (err)
		goto out;
	signal_set_mask(uc->sigmask);
	memcpy(r->x, uc->mc.regs, sizeof(uc->mc.regs));
	r->sp = uc->mc.sp;
	r->pc = uc->mc.pc;
	r->pstate = uc->mc.pstate & PSTATE_FLAGS;
	r->syscallno = -1;
	if (uc->mc.pstate & PSTATE_PRIVILEGED) {
		err = -EFAULT;
		goto out;
	}
	t->restart.fn = NULL;
	if (!(uc->uc_stack.flags & SS_DISABLE) && !on_altstack(t, r->sp)) {
		t->altstack_sp = uc->uc_stack.sp;
		t->altstack_size = uc->uc_stack.size;
		t->altstack_flags = (unsigned)uc->uc_stack.flags & SS_AUTODISARM;
	}
out:
	kfree(uc);
	return err;
}
