/* SPDX-License-Identifier: MIT */
/*
 * User threads: running user code until it needs the kernel, and what its traps
 * mean (SDM 3A chapter 6; signals and codes as Linux reports them, sigaction(2)).
 *
 * Segment bases: with FSGSBASE user code changes them itself, so they are read
 * back at every trap.  Without, they are what the kernel last set, except that
 * loading a null selector may clear one: read back when switched away from.
 */
#include <kernel/compiler.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "aspace.h"
#include "user.h"

enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11, SI_KERNEL = 0x80 };
enum { ILL_ILLOPN = 2, FPE_INTDIV = 1, BUS_ADRALN = 1, TRAP_BRKPT = 1, TRAP_TRACE = 2, TRAP_HWBKPT = 4 };
/* CF PF AF ZF SF TF DF OF NT RF AC ID: what user code may have; IOPL and VM it may not. */
enum { FLAGS_USER = 0x255dd5 | FLAGS_AC, FLAGS_FIXED = FLAGS_IF | 2 };

static struct kmem_cache *cache;

_Static_assert((offsetof(struct hal_uctx, regs) + offsetof(struct abi_regs, ss) + 8) % 16 == 0, "trap.S");
_Static_assert(offsetof(struct abi_regs, ss) == 20 * 8 && offsetof(struct abi_regs, rdi) == 14 * 8, "trap.S");

static struct hal_uctx *uctx_alloc(void)
{
	if (!load_acquire(&cache)) {
		struct kmem_cache *none = NULL, *c = kmem_cache_create("hal_uctx",
			sizeof(struct hal_uctx) + cpu_features.fpu_size, 64);

		/* Two threads cannot be here first: init is created by one. */
		__atomic_compare_exchange_n(&cache, &none, c, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	}
	return kmem_cache_alloc(cache, 0);
}

struct hal_uctx *hal_user_create(void)
{
	struct hal_uctx *u = uctx_alloc();

	if (!u)
		return NULL;
	memset(u, 0, sizeof(*u));
	u->regs.cs = SEL_UCODE;
	u->regs.ss = SEL_UDATA;
	u->regs.eflags = FLAGS_FIXED;
	u->seg_cpu = -1;
	fpu_initial(u);
	return u;
}

struct hal_uctx *hal_user_clone(struct hal_uctx *parent)
{
	struct hal_uctx *u = uctx_alloc();
	unsigned long f;

	if (!u)
		return NULL;
	f = flags_save_cli();
	fpu_store(parent);
	flags_restore(f);
	memcpy(u, parent, sizeof(*u) + cpu_features.fpu_size);
	u->fpu_cpu = u->seg_cpu = -1;
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

void hal_user_destroy(struct hal_uctx *u) { kmem_cache_free(cache, u); }
struct abi_regs *hal_user_regs(struct hal_uctx *u) { return &u->regs; }
struct abi_regs *hal_user_call_regs(struct hal_uctx *u) { return &u->regs; }
void hal_user_single_step(struct hal_uctx *u, bool on)
{
	u->step = on;
	u->called = false;
}

/* ---- segments ---- */

static bool canonical(uint64_t v) { return (uint64_t)((int64_t)(v << 16) >> 16) == v; }

static uint64_t user_gs_base(void)
{
	uint64_t v;

	/* Interrupts are off, and an NMI does not care (trap.S). */
	__asm__ volatile("swapgs\n\trdgsbase %0\n\tswapgs" : "=r"(v) : : "memory");
	return v;
}

static void selectors_load(const struct abi_regs *r)
{
	uint16_t ds = r->ds == SEL_UDATA ? SEL_UDATA : 0, es = r->es == SEL_UDATA ? SEL_UDATA : 0;
	uint16_t fs = r->fs == SEL_UDATA ? SEL_UDATA : 0, gs = r->gs == SEL_UDATA ? SEL_UDATA : 0, now[4];

	__asm__ volatile("movw %%ds, %0\n\tmovw %%es, %1\n\tmovw %%fs, %2\n\tmovw %%gs, %3"
			 : "=r"(now[0]), "=r"(now[1]), "=r"(now[2]), "=r"(now[3]));
	if (now[0] == ds && now[1] == es && now[2] == fs && now[3] == gs)
		return;		/* nearly always: all are 0 */
	__asm__ volatile("movw %0, %%ds\n\tmovw %1, %%es\n\tmovw %2, %%fs\n\t"
			 "swapgs\n\tmovw %3, %%gs\n\tswapgs"
			 : : "r"(ds), "r"(es), "r"(fs), "r"(gs) : "memory");
}

static void segments_load(struct hal_uctx *u, struct pcpu *c)
{
	struct abi_regs *r = &u->regs;

	if (!canonical(r->fs_base))
		r->fs_base = 0;
	if (!canonical(r->gs_base))
		r->gs_base = 0;
	if (c->seg_owner == u && u->seg_cpu == (int)c->id) {
		if (r->fs_base != c->live_fs_base)
			wrmsr(MSR_FS_BASE, r->fs_base);
		if (r->gs_base != c->live_gs_base)
			wrmsr(MSR_KERNEL_GS_BASE, r->gs_base);
	} else {
		selectors_load(r);	/* first: loading one changes its base */
		wrmsr(MSR_FS_BASE, r->fs_base);
		wrmsr(MSR_KERNEL_GS_BASE, r->gs_base);
		c->seg_owner = u;
		u->seg_cpu = (int)c->id;
	}
	c->live_fs_base = r->fs_base;
	c->live_gs_base = r->gs_base;
}

static void segments_read(struct hal_uctx *u, struct pcpu *c)
{
	struct abi_regs *r = &u->regs;

	if (cpu_features.fsgsbase) {
		__asm__ volatile("rdfsbase %0" : "=r"(r->fs_base));
		r->gs_base = user_gs_base();
		c->live_fs_base = r->fs_base;
		c->live_gs_base = r->gs_base;
	}
}

void hal_user_switch_out(struct hal_uctx *u)
{
	struct pcpu *c = pcpu();
	struct abi_regs *r = &u->regs;
	uint16_t ds, es, fs, gs;

	fpu_store(u);
	if (c->seg_owner != u || u->seg_cpu != (int)c->id)
		return;
	__asm__ volatile("movw %%ds, %0\n\tmovw %%es, %1\n\tmovw %%fs, %2\n\tmovw %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	r->ds = ds;
	r->es = es;
	r->fs = fs;
	r->gs = gs;
	if (!cpu_features.fsgsbase) {
		if (r->fs_base == c->live_fs_base)
			c->live_fs_base = r->fs_base = rdmsr(MSR_FS_BASE);
		if (r->gs_base == c->live_gs_base)
			c->live_gs_base = r->gs_base = rdmsr(MSR_KERNEL_GS_BASE);
	}
}

/* ---- traps ---- */

static enum hal_trap exception(struct hal_trap_info *info, int signal, int code, uaddr_t addr)
{
	info->signal = signal;
	info->si_code = code;
	info->addr = addr;
	return HAL_TRAP_EXCEPTION;
}

static enum hal_trap trap_meaning(struct hal_uctx *u, unsigned vector, struct hal_trap_info *info)
{
	const struct abi_regs *r = &u->regs;
	uint64_t dr6;

	switch (vector) {
	case 0:
		return exception(info, SIGFPE, FPE_INTDIV, r->rip);
	case 1:
		__asm__ volatile("mov %%db6, %0" : "=r"(dr6));
		__asm__ volatile("mov %0, %%db6" : : "r"((uint64_t)0xffff0ff0));
		return exception(info, SIGTRAP, dr6 & 1 << 14 ? TRAP_TRACE : dr6 & 15 ? TRAP_HWBKPT : TRAP_BRKPT, r->rip);
	case 3:
		return exception(info, SIGTRAP, SI_KERNEL, 0);
	case 6:
		return exception(info, SIGILL, ILL_ILLOPN, r->rip);
	case 11:
	case 12:
		return exception(info, SIGBUS, SI_KERNEL, 0);
	case 14:
		/*
		 * The CPU itself, on behalf of a user instruction, was refused a page that is there: QEMU (7.2)
		 * reads the stack of a user's iret as the kernel would, which SMAP forbids.
		 */
		if ((info->error_code & 5) == 1 && read_cr2() < USER_LIMIT)
			return exception(info, SIGSEGV, SI_KERNEL, 0);
		info->addr = read_cr2();
		info->access = info->error_code & 2 ? HAL_WRITE : info->error_code & 16 ? HAL_EXEC : HAL_READ;
		return HAL_TRAP_FAULT;
	case 16:
		return exception(info, SIGFPE, fpu_error_code(false), r->rip);
	case 17:
		return exception(info, SIGBUS, BUS_ADRALN, 0);
	case 19:
		return exception(info, SIGFPE, fpu_error_code(true), r->rip);
	default:
		return exception(info, SIGSEGV, SI_KERNEL, 0);
	}
}

enum hal_trap hal_user_run(struct hal_uctx *u, struct hal_trap_info *info)
{
	struct abi_regs *r = &u->regs;
	struct pcpu *c = pcpu();
	uint64_t flags;
	int vector;
	bool sysret, own_tf;

	if (unlikely(r->rip >= USER_LIMIT)) {
		/* The CPU would fault inside the kernel, or on our side of the border. */
		*info = (struct hal_trap_info){ .trap_nr = canonical(r->rip) ? 14 : 13 };
		r->orig_rax = (uint64_t)-1;
		if (!canonical(r->rip))
			return exception(info, SIGSEGV, SI_KERNEL, 0);
		info->addr = r->rip;
		info->access = HAL_EXEC;
		info->error_code = 0x15;
		return HAL_TRAP_FAULT;
	}
	if (unlikely(u->called)) {
		/* A system call is a step: its end is told before anything else is executed. */
		u->called = false;
		*info = (struct hal_trap_info){ .trap_nr = 1 };
		r->orig_rax = (uint64_t)-1;
		return exception(info, SIGTRAP, TRAP_BRKPT, r->rip);
	}
	/* Either this sees that it is held, or hal_as_hold() sees us. */
	(void)__atomic_exchange_n(&c->user_as, c->as, __ATOMIC_SEQ_CST);
	if (unlikely(__atomic_load_n(&c->as->held, __ATOMIC_RELAXED))) {
		__atomic_store_n(&c->user_as, NULL, __ATOMIC_RELEASE);
		return HAL_TRAP_KICK;
	}
	tlb_catch_up(c);
	fpu_load(u, c);
	segments_load(u, c);
	flags = (r->eflags & FLAGS_USER) | FLAGS_FIXED;
	own_tf = flags & FLAGS_TF;
	if (u->step)
		flags |= FLAGS_TF;
	sysret = r->rcx == r->rip && r->r11 == flags && !(flags & (FLAGS_TF | FLAGS_RF));
	r->eflags = flags;
	r->cs = SEL_UCODE;
	r->ss = SEL_UDATA;
	c->tss.rsp[0] = (uint64_t)(&r->ss + 1);

	vector = user_enter(r, sysret);

	__atomic_store_n(&c->user_as, NULL, __ATOMIC_RELEASE);
	segments_read(u, c);
	if (u->step && !own_tf) {
		r->eflags &= ~(uint64_t)FLAGS_TF;
		if (vector < 0)
			r->r11 = r->eflags;
	}
	if (likely(vector < 0)) {
		u->called = u->step;
		return HAL_TRAP_SYSCALL;
	}
	if (vector >= 32) {
		r->orig_rax = (uint64_t)-1;
		irq_dispatch((unsigned)vector);
		return HAL_TRAP_KICK;
	}
	*info = (struct hal_trap_info){ .trap_nr = (unsigned)vector, .error_code = (unsigned)r->orig_rax };
	r->orig_rax = (uint64_t)-1;
	return trap_meaning(u, (unsigned)vector, info);
}

/* ---- copies ---- */

extern size_t user_copy(void *dst, const void *src, size_t n);	/* trap.S */

static bool ready(void)
{
	unsigned long f = flags_save_cli();
	struct pcpu *c = pcpu();
	bool active = c->as && !c->as_lazy;

	tlb_catch_up(c);
	flags_restore(f);
	return active;
}

size_t hal_user_copy_from(void *dst, uaddr_t src, size_t n) { return ready() ? user_copy(dst, (const void *)src, n) : 0; }
size_t hal_user_copy_to(uaddr_t dst, const void *src, size_t n) { return ready() ? user_copy((void *)dst, src, n) : 0; }

const struct hal_cpu_caps *hal_cpu_caps(void)
{
	static struct hal_cpu_caps caps;

	caps = (struct hal_cpu_caps){ .hwcap = cpu_features.leaf1_edx, .hwcap2 = cpu_features.fsgsbase ? 2 : 0,
		.platform = "x86_64", .min_sigstack = 512 + cpu_features.fpu_size + 512 };
	return &caps;
}

/* ---- kernel threads ---- */

struct hal_kctx { uint64_t sp; };	/* eft-gdb.py knows what kctx_switch() pushed */
extern void kctx_switch(uint64_t *save_rsp, uint64_t load_rsp);
extern const char kctx_start[];

struct hal_kctx *hal_kctx_create(void *stack_base, size_t size, void (*fn)(void *), void *arg)
{
	struct hal_kctx *k = kmalloc(sizeof(*k), 0);
	uint64_t *sp = (uint64_t *)((char *)stack_base + size);

	if (!k)
		return NULL;
	*--sp = 0;
	*--sp = 0;			/* ends the chain of frames */
	*--sp = (uint64_t)kctx_start;
	*--sp = 0;			/* rbp */
	*--sp = 0;			/* rbx */
	*--sp = (uint64_t)fn;		/* r12 */
	*--sp = (uint64_t)arg;		/* r13 */
	*--sp = 0;
	*--sp = 0;
	k->sp = (uint64_t)sp;
	return k;
}

struct hal_kctx *hal_kctx_create_self(void *stack_base, size_t size) { return kzalloc(sizeof(struct hal_kctx), ALLOC_ATOMIC); }
void hal_kctx_destroy(struct hal_kctx *k) { kfree(k); }
void hal_kctx_switch(struct hal_kctx *from, struct hal_kctx *to) { kctx_switch(&from->sp, to->sp); }
