/* SPDX-License-Identifier: MIT */
/*
 * Signal frames of x86-64, byte for byte as Linux makes them (sigcontext.h,
 * ucontext.h of the kernel's user interface): debuggers, unwinders, Go, Java
 * and Wine read them.
 *
 *	sp ->	return address: sa_restorer
 *		struct ucontext
 *		struct siginfo
 *		FP state, 64-byte aligned: XSAVE area in standard format, FP_XSTATE_MAGIC2 behind it
 *		128 bytes of red zone, unless on the alternate stack
 */
#include <hal/aspace.h>
#include <kernel/abi_cpu.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

enum { UC_FP_XSTATE = 1, UC_SIGCONTEXT_SS = 2, UC_STRICT_RESTORE_SS = 4 };
enum { REDZONE = 128, FXSAVE_SIZE = 512, SW_RESERVED = 464, XSAVE_HEADER_END = 576 };
enum { FP_XSTATE_MAGIC1 = 0x46505853, FP_XSTATE_MAGIC2 = 0x46505845, MAGIC2_SIZE = 4 };
/* AC OF DF TF SF ZF AF PF CF RF */
#define EFLAGS_USER 0x50dd5ull
#define EFLAGS_CLEAR (0x400ull | 0x10000 | 0x100)	/* DF RF TF */

struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct ucontext {
	uint64_t uc_flags, uc_link;
	struct { uint64_t sp; int32_t flags, pad; uint64_t size; } uc_stack;
	struct sigcontext mc;
	uint64_t sigmask;
};
struct rt_sigframe { uint64_t pretcode; struct ucontext uc; struct abi_siginfo info; };
_Static_assert(sizeof(struct ucontext) == 304 && sizeof(struct rt_sigframe) == 440, "rt_sigframe");

struct fpx_sw_bytes { uint32_t magic1, extended_size; uint64_t xfeatures; uint32_t xstate_size, pad[7]; };
_Static_assert(sizeof(struct fpx_sw_bytes) == 48, "_fpx_sw_bytes");

/* XCR0, which user code may read; all CPUs have the same.  Asked once: under virtualization cpuid takes a microsecond. */
static uint64_t xcr0(void)
{
	static uint64_t cached;
	uint64_t v = READ_ONCE(cached);
	uint32_t eax = 1, ebx, ecx = 0, edx, lo, hi;

	if (v)
		return v;
	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	v = 3;
	if (ecx & 1u << 27) {
		__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
		v = lo | (uint64_t)hi << 32;
	}
	WRITE_ONCE(cached, v);
	return v;
}

/* Which components an XSAVE area of this size can hold. */
static uint64_t xfeatures(size_t size)
{
	if (size <= FXSAVE_SIZE)
		return 3;
	/* AMX tiles are 8 KiB and not part of smaller areas. */
	return xcr0() & (size < 8192 ? ~(3ull << 17) : ~0ull);
}

static bool on_altstack(const struct task *t, uaddr_t sp)
{
	return t->altstack_size && !(t->altstack_flags & SS_AUTODISARM) && sp > t->altstack_sp &&
		sp - t->altstack_sp <= t->altstack_size;
}

int abi_signal_frame(struct hal_uctx *u, const struct ksigaction *sa, const struct abi_siginfo *info, uint64_t oldmask,
	const struct hal_trap_info *trap)
{
	struct task *t = current;
	struct abi_regs *r = hal_user_regs(u);
	size_t fp_size = hal_user_fpu_size(), fp_bytes = fp_size > FXSAVE_SIZE ? fp_size + MAGIC2_SIZE : fp_size;
	bool entering_alt = false;
	uaddr_t sp = r->rsp, fp_at, at;
	struct rt_sigframe *f;
	uint8_t *fp;
	int err = -EFAULT;

	/* There is no return address to be had without it. */
	if (!(sa->flags & SA_RESTORER))
		return -EFAULT;
	if (on_altstack(t, sp)) {
		sp -= REDZONE;
	} else if ((sa->flags & SA_ONSTACK) && t->altstack_size && !(t->altstack_flags & SS_DISABLE)) {
		sp = t->altstack_sp + t->altstack_size;
		entering_alt = true;
	} else {
		sp -= REDZONE;
	}
	fp_at = (sp - fp_bytes) & ~63ull;
	at = ((fp_at - sizeof(*f)) & ~15ull) - 8;
	if ((entering_alt || on_altstack(t, r->rsp)) && !(at > t->altstack_sp && at - t->altstack_sp <= t->altstack_size))
		return -EFAULT;		/* the alternate stack is used up */

	f = kzalloc(sizeof(*f), 0);
	fp = kzalloc(fp_bytes, 0);
	if (!f || !fp)
		goto out;
	hal_user_fpu_get(u, fp, fp_size);
	if (fp_size > FXSAVE_SIZE) {
		struct fpx_sw_bytes sw = { .magic1 = FP_XSTATE_MAGIC1, .extended_size = (uint32_t)fp_bytes,
			.xfeatures = xfeatures(fp_size), .xstate_size = (uint32_t)fp_size };
		uint32_t magic2 = FP_XSTATE_MAGIC2;

		memcpy(fp + SW_RESERVED, &sw, sizeof(sw));
		memcpy(fp + fp_size, &magic2, sizeof(magic2));
	}
	f->pretcode = sa->restorer;
	f->uc.uc_flags = (fp_size > FXSAVE_SIZE ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f->uc.uc_stack.sp = t->altstack_sp;
	f->uc.uc_stack.size = t->altstack_size;
	f->uc.uc_stack.flags = (int32_t)((t->altstack_size ? (on_altstack(t, r->rsp) ? SS_ONSTACK : 0) : SS_DISABLE) |
		(t->altstack_flags & SS_AUTODISARM));
	f->uc.mc = (struct sigcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx, .rdx = r->rdx, .rax = r->rax, .rcx = r->rcx,
		.rsp = r->rsp, .rip = r->rip, .eflags = r->eflags, .cs = (uint16_t)r->cs, .ss = (uint16_t)r->ss,
		.err = trap->error_code, .trapno = trap->trap_nr, .oldmask = oldmask, .cr2 = trap->addr, .fpstate = fp_at,
	};
	f->uc.sigmask = oldmask;
	f->info = *info;
	if (copy_to_user(fp_at, fp, fp_bytes) || copy_to_user(at, f, sizeof(*f)))
		goto out;
	err = 0;
	r->rdi = info->si_signo;
	r->rsi = at + offsetof(struct rt_sigframe, info);
	r->rdx = at + offsetof(struct rt_sigframe, uc);
	r->rax = 0;
	r->rsp = at;
	r->rip = sa->handler;
	r->eflags &= ~EFLAGS_CLEAR;
	hal_user_fpu_reset(u);
	if (t->altstack_flags & SS_AUTODISARM) {
		t->altstack_sp = 0;
		t->altstack_size = 0;
		t->altstack_flags = SS_DISABLE;
	}
out:
	kfree(fp);
	kfree(f);
	return err;
}

static int fpstate_restore(struct hal_uctx *u, uaddr_t from)
{
	struct fpx_sw_bytes sw;
	size_t fp_size = hal_user_fpu_size(), n = FXSAVE_SIZE;
	uint32_t magic2;
	uint8_t *fp;
	int err = -EFAULT;

	if (!from) {
		hal_user_fpu_reset(u);
		return 0;
	}
	if (get_user(sw, from + SW_RESERVED))
		return -EFAULT;
	if (fp_size > FXSAVE_SIZE && sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size >= XSAVE_HEADER_END &&
	    sw.xstate_size <= fp_size && sw.xstate_size <= sw.extended_size) {
		if (get_user(magic2, from + sw.xstate_size))
			return -EFAULT;
		if (magic2 == FP_XSTATE_MAGIC2)
			n = sw.xstate_size;
	}
	fp = kzalloc(MAX(fp_size, n), 0);
	if (!fp)
		return -ENOMEM;
	if (!copy_from_user(fp, from, n)) {
		if (n == FXSAVE_SIZE && fp_size > FXSAVE_SIZE) {
			/* Plain FXSAVE data: x87 and SSE are in it, everything else becomes initial. */
			uint64_t bv = 3;

			memcpy(fp + FXSAVE_SIZE, &bv, sizeof(bv));
			n = fp_size;
		}
		err = hal_user_fpu_set(u, fp, n);
	}
	kfree(fp);
	return err;
}

int abi_signal_return(struct hal_uctx *u)
{
	struct task *t = current;
	struct abi_regs *r = hal_user_regs(u);
	uaddr_t at = r->rsp - 8;
	struct ucontext *uc = kmalloc(sizeof(*uc), 0);
	const struct sigcontext *mc;
	int err = -ENOMEM;

	if (!uc)
		return err;
	err = copy_from_user(uc, at + offsetof(struct rt_sigframe, uc), sizeof(*uc));
	if (err)
		goto out;
	mc = &uc->mc;
	err = fpstate_restore(u, mc->fpstate);
	if (err)
		goto out;
	signal_set_mask(uc->sigmask);
	r->r8 = mc->r8; r->r9 = mc->r9; r->r10 = mc->r10; r->r11 = mc->r11;
	r->r12 = mc->r12; r->r13 = mc->r13; r->r14 = mc->r14; r->r15 = mc->r15;
	r->rdi = mc->rdi; r->rsi = mc->rsi; r->rbp = mc->rbp; r->rbx = mc->rbx;
	r->rdx = mc->rdx; r->rax = mc->rax; r->rcx = mc->rcx;
	r->rsp = mc->rsp;
	r->rip = mc->rip;
	r->eflags = (r->eflags & ~EFLAGS_USER) | (mc->eflags & EFLAGS_USER);
	r->orig_rax = (uint64_t)-1;
	t->restart.fn = NULL;
	/* Wrong values are ignored, as on Linux: the handler may have torn the stack down. */
	if (!(uc->uc_stack.flags & SS_DISABLE) && !on_altstack(t, r->rsp)) {
		t->altstack_sp = uc->uc_stack.sp;
		t->altstack_size = uc->uc_stack.size;
		t->altstack_flags = (unsigned)uc->uc_stack.flags & SS_AUTODISARM;
	}
out:
	kfree(uc);
	return err;
}
