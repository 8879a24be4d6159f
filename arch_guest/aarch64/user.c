/* SPDX-License-Identifier: MIT */
/*
 * User threads: registers, FP and SIMD state, single step, user copies.
 *
 * The kernel never touches V0-V31: a thread's state stays in them while it is in
 * the kernel.  percpu.fp_owner and uctx.fp_cpu name each other while the CPU's
 * registers hold the thread's state; `live` says that memory is older than they
 * are.  hal_user_switch_out() writes them back and leaves them where they are:
 * a thread that comes back to this CPU before another user thread ran here
 * finds its registers.  Anything that changes the state in memory breaks the bond.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "aarch64/as.h"
#include "aarch64/port.h"
#include "aarch64/trap.h"

struct user_fpsimd { __extension__ unsigned __int128 v[32]; uint32_t fpsr, fpcr, reserved[2]; };
struct hal_uctx {
	struct abi_regs regs;		/* [o] */
	bool step, live;		/* [o] */
	int fp_cpu;			/* [o] -1: none */
	ALIGNED(16) struct user_fpsimd fp;	/* [o] */
};
_Static_assert(offsetof(struct abi_regs, sp) == U_SP && offsetof(struct abi_regs, pc) == U_PC &&
	       offsetof(struct abi_regs, pstate) == U_PSTATE && offsetof(struct abi_regs, tls) == U_TLS, "layout.h");
_Static_assert(sizeof(struct kframe) == KF_SIZE && offsetof(struct kframe, sp) == KF_SP &&
	       offsetof(struct kframe, pc) == KF_PC && offsetof(struct kframe, pstate) == KF_PSTATE &&
	       offsetof(struct kframe, record) == KF_RECORD, "layout.h");
_Static_assert(offsetof(struct percpu, self) == PC_SELF && offsetof(struct percpu, emergency_top) == PC_EMERGENCY, "layout.h");

enum { PSTATE_SS = 1 << 21, PSTATE_DIT = 1 << 24, PSTATE_SSBS = 1 << 12 };

struct hal_uctx *hal_user_create(void)
{
	struct hal_uctx *u = kzalloc(sizeof(*u), 0);
	if (u) {
		u->fp_cpu = -1;
		u->regs.syscallno = -1;
	}
	return u;
}

/* Memory up to date; the registers stay valid.  Interrupts are off, or the thread cannot move. */
static void fp_sync(struct hal_uctx *u)
{
	unsigned long flags = hal_irq_save();
	struct percpu *c = percpu();
	if (u->live && c->fp_owner == u && u->fp_cpu == (int)c->index)
		fp_save(&u->fp);
	u->live = false;
	hal_irq_restore(flags);
}

struct hal_uctx *hal_user_clone(struct hal_uctx *parent)
{
	struct hal_uctx *u = kmalloc(sizeof(*u), 0);
	if (!u)
		return NULL;
	fp_sync(parent);
	memcpy(u, parent, sizeof(*u));
	u->fp_cpu = -1;
	u->step = false;
	return u;
}

/* A thread needs nothing but its context. */
int hal_user_prepare(struct hal_uctx *u, struct hal_as *as)
{
	(void)u;
	(void)as;
	return 0;
}
void hal_user_leave(struct hal_uctx *u) { (void)u; }
void hal_user_answers(struct hal_uctx *u, int pid, int tid) { }	/* a call is quick enough */
void hal_user_clock(paddr_t page) { }

void hal_user_destroy(struct hal_uctx *u) { kfree(u); }
struct abi_regs *hal_user_regs(struct hal_uctx *u) { return &u->regs; }
struct abi_regs *hal_user_call_regs(struct hal_uctx *u) { return &u->regs; }
void hal_user_single_step(struct hal_uctx *u, bool on) { u->step = on; }

void hal_user_switch_out(struct hal_uctx *u) { fp_sync(u); }

enum hal_trap hal_user_run(struct hal_uctx *u, struct hal_trap_info *info) NO_TSA
{
	struct percpu *c = percpu();
	uint64_t keep = (uint64_t)0xf << 28;
	*info = (struct hal_trap_info){ 0 };
	/* Either this sees that it is held, or hal_as_hold() sees us. */
	__atomic_store_n(&c->user_as, c->as, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&c->as->held, __ATOMIC_RELAXED))) {
		__atomic_store_n(&c->user_as, NULL, __ATOMIC_RELEASE);
		return HAL_TRAP_KICK;
	}
	if (c->fp_owner != u || u->fp_cpu != (int)c->index) {
		fp_load(&u->fp);
		c->fp_owner = u;
		u->fp_cpu = (int)c->index;
	}
	u->live = true;
	if (cpu_features.dit)
		keep |= PSTATE_DIT;
	if (cpu_features.ssbs)
		keep |= PSTATE_SSBS;
	u->regs.pstate &= keep;		/* EL0t, AArch64, nothing masked, not illegal */
	if (unlikely(u->step)) {
		u->regs.pstate |= PSTATE_SS;
		sysreg_write(mdscr_el1, sysreg_read(mdscr_el1) | 1);
	}
	unsigned vec = user_enter(u);
	uint64_t esr = sysreg_read(esr_el1), far = sysreg_read(far_el1);
	__atomic_store_n(&c->user_as, NULL, __ATOMIC_RELEASE);
	if (unlikely(u->step)) {
		sysreg_write(mdscr_el1, sysreg_read(mdscr_el1) & ~(uint64_t)1);
		isb();
	}
	u->regs.pstate &= ~(uint64_t)PSTATE_SS;
	u->regs.syscallno = -1;
	if (vec == VEC_SYNC)
		return trap_from_user(&u->regs, info, esr, far);
	if (vec == VEC_IRQ)
		gic_handle();
	else
		kernel_oops(vec == VEC_SERROR ? "SError from user code" : "FIQ from user code", u->regs.pc, 0, far);
	return HAL_TRAP_KICK;
}

/* ---- FP state in the format of the signal frame: struct user_fpsimd_state ---- */

size_t hal_user_fpu_size(void) { return sizeof(struct user_fpsimd); }

size_t hal_user_fpu_get(struct hal_uctx *u, void *buf, size_t max)
{
	size_t n = MIN(max, sizeof(u->fp));
	fp_sync(u);
	memcpy(buf, &u->fp, n);
	return n;
}

int hal_user_fpu_set(struct hal_uctx *u, const void *buf, size_t n)
{
	if (n < offsetof(struct user_fpsimd, reserved))
		return -EINVAL;
	unsigned long flags = hal_irq_save();
	u->live = false;
	u->fp_cpu = -1;
	memcpy(&u->fp, buf, offsetof(struct user_fpsimd, reserved));
	u->fp.fpsr &= 0xf800009f;	/* NZCV QC and the cumulative flags */
	u->fp.fpcr &= 0x07ff9f00;	/* AHP DN FZ RMode FZ16 and the trap enables */
	hal_irq_restore(flags);
	return 0;
}

void hal_user_fpu_reset(struct hal_uctx *u)
{
	unsigned long flags = hal_irq_save();
	u->live = false;
	u->fp_cpu = -1;
	memset(&u->fp, 0, sizeof(u->fp));
	hal_irq_restore(flags);
}

/* ---- user copies ---- */

struct extable { int32_t insn, fixup; };	/* relative to themselves */

int user_fixup(struct kframe *f)
{
	extern const struct extable _extable[], _eextable[];
	for (const struct extable *e = _extable; e < _eextable; e++)
		if ((uintptr_t)&e->insn + (uintptr_t)(intptr_t)e->insn == f->pc) {
			f->pc = (uintptr_t)&e->fixup + (uintptr_t)(intptr_t)e->fixup;
			return 1;
		}
	return 0;
}

size_t hal_user_copy_from(void *dst, uaddr_t src, size_t n) { return user_copy_in(dst, src, n); }
size_t hal_user_copy_to(uaddr_t dst, const void *src, size_t n) { return user_copy_out(dst, src, n); }
