/* SPDX-License-Identifier: MIT */
/*
 * User threads.
 *
 * hal_user_run() writes the registers into the signal frame on which the stub's
 * thread waits, lets it return from its handler, and waits until it is in the
 * handler again.  An interrupt meanwhile changes the word that we wait on (the
 * handler sees the soft mask and does just that) or ends the host's wait; then
 * the thread is kicked, and the upcalls run when it has stopped.
 *
 * A user thread is bound to a stub thread of its address space when it first
 * runs there, and its FP state lives in that thread's frame until it moves.
 *
 * Nothing in the shared area is trusted: offsets were taken down before user
 * code first ran, and every resume writes the whole frame head anew.
 */
#include "patch.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>

enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9, SIGSEGV = 11, SIGURG = 23, SIGSYS = 31 };
enum { EFLAGS_TF = 0x100, EFLAGS_RF = 0x10000, ENOSYS_ = 38, TRAP_DB = 1, TRAP_GP = 13, TRAP_PF = 14, PF_FETCH = 16 };
enum { SI_KERNEL = 0x80, TRAP_BRKPT = 1, TRAP_TRACE = 2, TRAP_HWBKPT = 4 };
enum { ARCH_X86_64 = 0xc000003e };
enum { AGAIN = 4096, AGAIN_PATCHED = 32 };

/* ---- life ---- */

struct hal_uctx *hal_user_create(void)
{
	if (!um_fpu_size)
		um_fpu_size = um_boot->xsave_size;
	struct hal_uctx *u = kzalloc(sizeof(*u), 0);
	if (!u)
		return NULL;
	u->fpu = kmalloc(um_fpu_size, 0);
	if (!u->fpu) {
		kfree(u);
		return NULL;
	}
	um_fpu_init(u->fpu);
	return u;
}

/* ---- calls that the stub answers ---- */

paddr_t um_clock_page;
void hal_user_clock(paddr_t page) { um_clock_page = page; }

/* Locks: as->lock. */
static void answers_tell(const struct hal_uctx *u, struct um_thread *t)
{
	bool can = um_boot->answer && um_patch_enabled() && t->as->svc->clock;

	__atomic_store_n(&t->ctl->answer_tid, __atomic_load_n(&u->answer_tid, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	__atomic_store_n(&t->ctl->answer_pid, can ? __atomic_load_n(&u->answer_pid, __ATOMIC_RELAXED) : 0, __ATOMIC_RELEASE);
}

void hal_user_answers(struct hal_uctx *u, int pid, int tid) NO_TSA
{
	unsigned long flags = hal_irq_save();

	__atomic_store_n(&u->answer_tid, tid, __ATOMIC_RELAXED);
	__atomic_store_n(&u->answer_pid, pid, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* user_bind() */
	if (__atomic_load_n(&u->t, __ATOMIC_ACQUIRE)) {
		struct hal_as *as = u->as;

		um_lock(&as->lock);
		if (u->t)
			answers_tell(u, u->t);
		um_unlock(&as->lock);
	}
	hal_irq_restore(flags);
}

void um_rest_fetch(struct hal_uctx *u, const struct um_thread *t)
{
	const struct stub_rest *f = &t->ctl->rest;
	struct abi_regs *r = &u->regs;

	if (!u->rest_there)
		return;
	r->rsp = f->sp;
	r->rbx = f->bx;
	r->rbp = f->bp;
	r->r12 = f->r12;
	r->r13 = f->r13;
	r->r14 = f->r14;
	r->r15 = f->r15;
	store_release(&u->rest_there, false);
}

void um_regs_whole(struct hal_uctx *u) NO_TSA
{
	unsigned long flags;

	if (likely(!load_acquire(&u->rest_there)))
		return;
	flags = hal_irq_save();
	um_lock(&u->as->lock);
	if (u->t)
		um_rest_fetch(u, u->t);
	um_unlock(&u->as->lock);
	hal_irq_restore(flags);
}

/* From whatever stub thread it is bound to; keep_fpu: its FP state is in u->fpu afterwards. */
static void user_unbind(struct hal_uctx *u, bool keep_fpu) NO_TSA
{
	unsigned long flags = hal_irq_save();

	u->ret = 0;
	if (__atomic_load_n(&u->t, __ATOMIC_ACQUIRE)) {
		struct hal_as *as = u->as;
		struct um_thread *t;

		um_lock(&as->lock);
		t = u->t;
		if (t) {
			um_rest_fetch(u, t);
			if (keep_fpu)
				um_fpu_save(u, t);
			t->owner = NULL;
			um_count_answered(t);
			list_del(&t->link);	/* the free ones are in front */
			list_add(&t->link, &as->threads);
			__atomic_store_n(&u->t, NULL, __ATOMIC_RELEASE);
		}
		um_unlock(&as->lock);
	}
	hal_irq_restore(flags);
}

static bool user_bind(struct hal_uctx *u, struct hal_as *as) NO_TSA
{
	user_unbind(u, true);
	um_lock(&as->lock);
	struct um_thread *t = um_thread_get(as);
	if (t) {
		t->owner = u;
		list_move_tail(&t->link, &as->threads);
		u->as = as;
		__atomic_store_n(&u->t, t, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* hal_user_answers(): it sees t, or we what it says */
		answers_tell(u, t);
		um_fpu_load(u, t);
	}
	um_unlock(&as->lock);
	return t;
}

struct hal_uctx *hal_user_clone(struct hal_uctx *parent)
{
	struct hal_uctx *u = hal_user_create();
	if (!u)
		return NULL;
	u->regs = *hal_user_regs(parent);
	hal_user_fpu_get(parent, u->fpu, um_fpu_size);
	return u;
}

void hal_user_destroy(struct hal_uctx *u)
{
	user_unbind(u, false);
	kfree(u->fpu);
	kfree(u);
}

int hal_user_prepare(struct hal_uctx *u, struct hal_as *as) NO_TSA
{
	unsigned long flags = hal_irq_save();
	bool bound = user_bind(u, as);

	hal_irq_restore(flags);
	return bound ? 0 : -EAGAIN;
}

void hal_user_leave(struct hal_uctx *u) { user_unbind(u, false); }

struct abi_regs *hal_user_call_regs(struct hal_uctx *u) { return &u->regs; }
struct abi_regs *hal_user_regs(struct hal_uctx *u)
{
	um_regs_whole(u);
	return &u->regs;
}
void hal_user_switch_out(struct hal_uctx *u) NO_TSA
{
	/* This may take a while.  Who destroys the address space frees the thread: under the lock. */
	if (!load_acquire(&u->t))
		return;
	um_lock(&u->as->lock);
	if (u->t)
		um_spin_away(u, u->t);
	um_unlock(&u->as->lock);
}
void hal_user_single_step(struct hal_uctx *u, bool on)
{
	u->step = on;
	u->called = false;
}
size_t hal_user_copy_from(void *dst, uaddr_t src, size_t n) { return 0; }
size_t hal_user_copy_to(uaddr_t dst, const void *src, size_t n) { return 0; }

/* ---- registers ---- */

static bool canonical(uint64_t a) { return (uint64_t)((int64_t)(a << 16) >> 16) == a; }

/* What to tell the stub of CPUID (struct stub_answer). */
static uint32_t regs_to_frame(struct hal_uctx *u, struct um_thread *t)
{
	uint32_t cpuid = 0;
	struct um_frame *f = um_frame(t);
	const struct abi_regs *r = &u->regs;

	f->uc_flags = 7;	/* XSTATE, SS, STRICT_SS */
	f->uc_link = 0;
	f->ss_sp = t->area + um_sigstack_offset();
	f->ss_flags = 0;
	f->ss_size = t->size - um_sigstack_offset();
	f->r8 = r->r8;
	f->r9 = r->r9;
	f->r10 = r->r10;
	f->r11 = r->r11;
	f->r12 = r->r12;
	f->r13 = r->r13;
	f->r14 = r->r14;
	f->r15 = r->r15;
	f->di = r->rdi;
	f->si = r->rsi;
	f->bp = r->rbp;
	f->bx = r->rbx;
	f->dx = r->rdx;
	f->ax = r->rax;
	f->cx = r->rcx;
	f->sp = r->rsp;
	f->ip = u->ret && u->ret == r->rip && u->ret_changes == READ_ONCE(u->as->changes) ? u->ret_machine : r->rip;
	f->flags = r->eflags | (u->step ? EFLAGS_TF : 0);
	f->cs = 0x33;
	f->ss = 0x2b;
	f->gs = f->fs = 0;
	f->fpstate = t->area + t->fp;
	f->sigmask = 0;
	t->ctl->fs_base = canonical(r->fs_base) ? r->fs_base : 0;
	if (t->cpuid_faults != t->as->faulting) {
		t->cpuid_faults = t->as->faulting;
		cpuid = t->cpuid_faults ? 1 : 2;
		t->ctl->cpuid_faults = t->cpuid_faults;
	}
	t->ctl->gs_base = !r->gs_base && um_patch_enabled() ? t->area + STUB_GS_TAG : canonical(r->gs_base) ? r->gs_base : 0;
	return cpuid;
}

/* Can it go on without a frame? */
static bool regs_fast(const struct hal_uctx *u, const struct um_thread *t)
{
	return t->fast && t->cpuid_faults == t->as->faulting && !u->step && !u->regs.gs_base && !(u->regs.eflags & EFLAGS_TF) && canonical(u->regs.rip);
}

/* The stub's own line, for what is not as it was passed. */
#define CHANGE(place, was, value) do { \
	uint64_t v_ = (value); \
	if (unlikely(ctl->was != v_)) \
		ctl->place = v_; \
} while (0)
static void regs_to_ctl(struct hal_uctx *u, struct um_thread *t)
{
	const struct abi_regs *r = &u->regs;
	struct stub_thread *ctl = t->ctl;

	CHANGE(back.di, call.di, r->rdi);
	CHANGE(back.si, call.si, r->rsi);
	CHANGE(back.dx, call.dx, r->rdx);
	CHANGE(back.r10, call.r10, r->r10);
	CHANGE(back.ip, call.ip, u->ret && u->ret == r->rip && u->ret_changes == READ_ONCE(u->as->changes) ? u->ret_machine : r->rip);
	CHANGE(back.flags, call.flags, r->eflags);
	TELL(ctl->r8, r->r8);
	TELL(ctl->r9, r->r9);
	TELL(ctl->fs_base, canonical(r->fs_base) ? r->fs_base : 0);
	if (unlikely(!u->rest_there)) {
		ctl->rest.sp = r->rsp;
		ctl->rest.bx = r->rbx;
		ctl->rest.bp = r->rbp;
		ctl->rest.r12 = r->r12;
		ctl->rest.r13 = r->r13;
		ctl->rest.r14 = r->r14;
		ctl->rest.r15 = r->r15;
	}
}

static void regs_from_ctl(struct hal_uctx *u, struct um_thread *t)
{
	const struct stub_thread *ctl = t->ctl;
	const struct stub_passed f = ctl->call;
	struct abi_regs *r = &u->regs;

	r->rdi = f.di;
	r->rsi = f.si;
	r->rdx = f.dx;
	r->r10 = f.r10;
	r->rax = f.ax;
	r->rip = f.ip;
	r->eflags = f.flags;
	r->r8 = ctl->r8;
	r->r9 = ctl->r9;
	r->fs_base = ctl->fs_base;
	r->gs_base = 0;
	r->orig_rax = UINT64_MAX;
	u->rest_there = true;
}

static void regs_from_frame(struct hal_uctx *u, struct um_thread *t)
{
	const struct um_frame *f = um_frame(t);
	struct abi_regs *r = &u->regs;

	u->rest_there = false;
	r->r8 = f->r8;
	r->r9 = f->r9;
	r->r10 = f->r10;
	r->r11 = f->r11;
	r->r12 = f->r12;
	r->r13 = f->r13;
	r->r14 = f->r14;
	r->r15 = f->r15;
	r->rdi = f->di;
	r->rsi = f->si;
	r->rbp = f->bp;
	r->rbx = f->bx;
	r->rdx = f->dx;
	r->rax = f->ax;
	r->rcx = f->cx;
	r->rsp = f->sp;
	r->rip = f->ip;
	r->eflags = f->flags & ~(uint64_t)(u->step ? EFLAGS_TF : 0);
	r->cs = 0x33;
	r->ss = 0x2b;
	r->orig_rax = UINT64_MAX;
	if (um_boot->hwcap2 & 2) {
		r->fs_base = t->ctl->fs_base;
		r->gs_base = t->ctl->gs_base;
		if (r->gs_base == t->area + STUB_GS_TAG)
			r->gs_base = 0;
	}
}

/* ---- why it stopped ---- */

static enum hal_trap exception(struct hal_trap_info *info, int sig, int code, uaddr_t addr)
{
	info->signal = sig;
	info->si_code = code;
	info->addr = addr;
	return HAL_TRAP_EXCEPTION;
}

/* Of a system call: has it learnt enough? */
static void learn_less(struct hal_as *as)
{
	if (unlikely(as->learn) && !--as->learn)
		um_cpuid_learnt(as);
}

/* A system call: where it returns to, and what the instruction does to registers. */
static enum hal_trap call(struct hal_uctx *u, struct hal_as *as, uaddr_t ret)
{
	struct abi_regs *r = &u->regs;

	learn_less(as);
	u->ret = 0;
	if (um_patch_return(as, ret, &r->rip)) {
		u->ret = r->rip;
		u->ret_machine = ret;
		u->ret_changes = READ_ONCE(as->changes);
	}
	r->rcx = r->rip;
	r->r11 = r->eflags;
	r->orig_rax = r->rax;
	u->call_key = stub_call_key(r->rax, r->rsi);
	r->rax = (uint64_t)-ENOSYS_;
	return HAL_TRAP_SYSCALL;
}

/* A trapped call at a site that could be patched. */
static void heat(struct hal_uctx *u, struct hal_as *as, struct hal_trap_info *info)
{
	uaddr_t ip = u->regs.rip - 2;

	if (load_acquire(&as->patch)) {
		uint32_t n = um_patch_count(as, ip), times = n & ~UM_HOT_PATCHED;

		/* Again now and then: it may have been a page that cannot be patched. */
		if (times == um_boot->patch || times % (n & UM_HOT_PATCHED ? AGAIN_PATCHED : AGAIN) == 0)
			info->hot_call = ip;
	}
}

static enum hal_trap decode(struct hal_uctx *u, struct um_thread *t, struct hal_trap_info *info)
{
	struct um_frame f = *um_frame(t);	/* once: another thread of the program may be writing there */
	struct hal_as *as = t->as;
	uaddr_t machine;

	if (f.signo == SIGILL && f.ip - STUB_BASE < STUB_CODE_SIZE) {
		/* fast_entry, for a program with a %gs of its own. */
		um_count(UM_STAT_TRAPPED);
		return call(u, as, f.r11);
	}
	if (f.signo == SIGTRAP && f.si_code == TRAP_HWBKPT) {
		/* The host has set RF: so that who goes on there does not stop again. */
		if (um_cpuid_fault(u, as, info, f.flags & EFLAGS_TF))
			u->regs.eflags &= ~(uint64_t)EFLAGS_RF;
		return HAL_TRAP_KICK;
	}
	/* A page of trampolines that the stub has not got: nothing has been done there. */
	if (f.signo == SIGSEGV && f.trapno == TRAP_PF && f.err & PF_FETCH && um_as_tramp_fault(as, f.cr2))
		return HAL_TRAP_KICK;
	if (load_acquire(&as->patch)) {
		machine = um_patch_hide(as, &u->regs);
		/* A single step over the jump: that was the call. */
		if (machine && f.signo == SIGTRAP && f.trapno == TRAP_DB) {
			um_count(UM_STAT_TRAPPED);
			return call(u, as, machine);
		}
		/* Where the program itself went: a trampoline's own instruction faults like that of the program. */
		if (u->regs.rip == f.ip && um_patch_enter(as, u->regs.rip, f.signo, (unsigned)f.trapno, &machine)) {
			u->ret = u->regs.rip;
			u->ret_machine = machine;
			u->ret_changes = READ_ONCE(as->changes);
			return HAL_TRAP_KICK;
		}
	}
	info->trap_nr = 0;
	info->error_code = 0;
	if (f.signo == SIGSEGV && f.trapno == TRAP_GP && !f.err) {
		switch (um_cpuid_trap(u, as)) {
		case UM_CPUID_DONE:
			if (!(f.flags & EFLAGS_TF))
				return HAL_TRAP_KICK;
			info->trap_nr = TRAP_DB;
			return exception(info, SIGTRAP, TRAP_TRACE, u->regs.rip);
		case UM_CPUID_AGAIN:
			return HAL_TRAP_KICK;
		case UM_CPUID_OTHER:
			break;
		}
		if (as->faulting && um_cpuid_fault(u, as, info, f.flags & EFLAGS_TF))
			return HAL_TRAP_KICK;
	}
	if (f.signo == SIGURG || (f.si_code <= 0 && f.signo != SIGSYS))
		return HAL_TRAP_KICK;		/* ours, or sent by somebody on the host */
	if (f.signo == SIGSYS) {
		if (f.si_code != 1 || f.sys.arch != ARCH_X86_64) {
			info->trap_nr = 13;
			return exception(info, SIGSEGV, SI_KERNEL, 0);
		}
		heat(u, as, info);
		learn_less(as);
		um_count(UM_STAT_TRAPPED);
		u->call_key = stub_call_key(u->regs.rax, u->regs.rsi);
		u->regs.orig_rax = u->regs.rax;
		u->regs.rax = (uint64_t)-ENOSYS_;
		return HAL_TRAP_SYSCALL;
	}
	info->trap_nr = (unsigned)f.trapno;
	info->error_code = (unsigned)f.err;
	if (f.signo == SIGSEGV && f.trapno == TRAP_PF) {
		info->addr = f.cr2;
		if (!u->regs.gs_base && f.cr2 - (t->area + STUB_GS_TAG) < STUB_SLOT - STUB_GS_TAG && um_patch_enabled())
			info->addr -= t->area + STUB_GS_TAG;
		um_count(UM_STAT_FAULT);
		info->access = f.err & PF_FETCH ? HAL_EXEC : f.err & 2 ? HAL_WRITE : HAL_READ;
		return HAL_TRAP_FAULT;
	}
	/* Of a step: perhaps it was over a jump of ours. */
	return exception(info, f.signo, f.si_code, f.signo == SIGTRAP && f.trapno == TRAP_DB ? u->regs.rip : f.addr);
}

/* ---- run ---- */

static enum hal_trap killed(struct hal_trap_info *info)
{
	info->trap_nr = info->error_code = 0;
	return exception(info, SIGKILL, SI_KERNEL, 0);
}

/*
 * Wait until the thread has stopped; false: it died.  One that does not answer
 * a kick is killed in the end.  That end is counted in waits, not in time: a
 * host that is paused or has no CPU to give stretches both sides alike.
 */
static bool run_wait(struct um_cpu *c, struct hal_as *as, struct um_thread *t)
{
	enum { WAIT_NS = 100000000, WAITS_MAX = 100, WAITS_KICK = 10 };
	uint32_t *stop = &t->ctl->stop;
	unsigned waits = 0;
	bool kicked = false;

	for (;;) {
		uint32_t v = __atomic_load_n(stop, __ATOMIC_ACQUIRE);
		if (v & STUB_STOPPED)
			return true;
		if (um_as_dead(as))
			return false;
		if (!kicked && __atomic_load_n(&c->pending, __ATOMIC_ACQUIRE)) {
			kicked = true;
			host_stub_kick(as->pid, t->tid);
			continue;
		}
		if (!(v & STUB_WAITER)) {
			__atomic_compare_exchange_n(stop, &v, v | STUB_WAITER, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
			continue;
		}
		if (!host_futex_wait(stop, v, WAIT_NS) || !kicked)
			continue;
		if (++waits % WAITS_KICK == 0)
			host_stub_kick(as->pid, t->tid);
		if (waits == WAITS_MAX) {
			klog_warn("um: process %d does not stop: killed", as->pid);
			host_stub_kill(as->pid);
		}
	}
}

/* What is to be done before user code runs, in this thread: how many operations.  false: none may run now. */
static bool ops_take(struct hal_as *as, struct um_thread *t, uint32_t *buffer, uint32_t *ops) NO_TSA
{
	bool held;

	um_lock(&as->lock);
	held = as->held;
	if (held)
		goto out;
	um_as_wait_inflight(as);
	*ops = um_as_take_ops(as);
	if (*ops) {
		um_count(UM_STAT_BATCH);
		um_count_add(UM_STAT_OPS, *ops);
		*buffer = as->buffer;
		t->ctl->ops_done = 0;
		as->inflight = t;
		as->buffer ^= 1;
	} else {
		__atomic_store_n(&as->due, false, __ATOMIC_RELAXED);
	}
out:
	um_unlock(&as->lock);
	return !held;
}

enum hal_trap hal_user_run(struct hal_uctx *u, struct hal_trap_info *info) NO_TSA
{
	struct um_cpu *c = um_cpu();
	struct hal_as *as = c->as;

	info->hot_call = 0;
	if (__atomic_load_n(&c->pending, __ATOMIC_ACQUIRE)) {
		um_irq_run();
		return HAL_TRAP_KICK;
	}
	if ((!__atomic_load_n(&u->t, __ATOMIC_ACQUIRE) || u->as != as) && !user_bind(u, as))
		return killed(info);
	struct um_thread *t = u->t;
	struct stub_thread *ctl = t->ctl;

	if (unlikely(as->cpuid_do)) {
		um_regs_whole(u);
		if (as->cpuid_do == u->regs.rip)
			um_cpuid_learn(as, &u->regs);
		as->cpuid_do = as->learn_ip = 0;
	}
	if (unlikely(u->called)) {
		/* A system call is a step: its end is told before anything else is executed. */
		u->called = false;
		info->trap_nr = info->error_code = 0;
		return exception(info, SIGTRAP, TRAP_BRKPT, u->regs.rip);
	}
	if (unlikely(t->watch_changes != READ_ONCE(as->watch_changes)))
		um_cpuid_watch(as, t);
	uint32_t cpuid = 0, ops = 0, buffer = 0;
	/* Either this sees that there is something to do first, or um_as_runs() sees us. */
	(void)__atomic_exchange_n(&c->user_as, as, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&as->due, __ATOMIC_ACQUIRE) && !ops_take(as, t, &buffer, &ops)) {
		__atomic_store_n(&c->user_as, NULL, __ATOMIC_RELEASE);
		return HAL_TRAP_KICK;
	}
	bool fp_load = false;
	if (regs_fast(u, t)) {
		regs_to_ctl(u, t);
		fp_load = t->fp_load;
		t->fp_load = false;
	} else {
		um_regs_whole(u);
		if (!um_thread_settle(t)) {
			__atomic_store_n(&c->user_as, NULL, __ATOMIC_RELEASE);
			return killed(info);
		}
		cpuid = regs_to_frame(u, t);
	}
	um_spin_choose(c, u, t);

	uint64_t tsc = u->spin ? 0 : __builtin_ia32_rdtsc();	/* who spins does not ask how long it took */
	__atomic_store_n(&ctl->stop, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&c->wait_word, &ctl->stop, __ATOMIC_RELEASE);
	ctl->answer.ax = u->regs.rax;
	ctl->answer.cx = u->regs.rcx;
	ctl->answer.r11 = u->regs.r11;
	ctl->answer.resume = STUB_RESUME_RUN;
	ctl->answer.ops_buffer = buffer;
	ctl->answer.ops_count = ops;
	ctl->answer.fp_load = fp_load;
	ctl->answer.cpuid = cpuid;
	bool asleep = um_go(&ctl->go);
	bool spun = um_spin_wait(c, u, &ctl->stop);
	if (spun)	/* if it has changed, it comes beside what is done first */
		__builtin_prefetch(&ctl->r8);
	bool yielded = !spun && um_yield_wait(c, u, &ctl->stop);
	bool alive = spun || yielded || run_wait(c, as, t);
	um_spin_learn(u, asleep, spun, u->spin ? 0 : __builtin_ia32_rdtsc() - tsc);
	__atomic_store_n(&c->wait_word, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&c->user_as, NULL, __ATOMIC_RELEASE);
	um_count(!alive ? UM_STAT_DIED : spun ? asleep ? UM_STAT_WOKEN_SPUN : UM_STAT_SPUN : yielded ? UM_STAT_YIELDED : UM_STAT_SLEPT);
	if (!alive)
		return killed(info);
	uint32_t stop = __atomic_load_n(&ctl->stop, __ATOMIC_ACQUIRE), kind = stop >> STUB_KIND_SHIFT;
	if (um_patch_enabled() && kind != STUB_KIND_FRAME) {
		t->fast = true;
		t->fp_saved = stop & STUB_FP_SAVED;
		regs_from_ctl(u, t);
		if (kind == STUB_KIND_CALL) {
			um_count(UM_STAT_FAST);
			return call(u, as, u->regs.rip);
		}
		u->regs.rcx = ctl->rest.cx;
		u->regs.r11 = ctl->rest.r11;
		um_patch_hide(as, &u->regs);
		um_irq_run();
		return HAL_TRAP_KICK;
	}
	t->fast = false;
	regs_from_frame(u, t);
	if (ctl->frame != t->area + t->frame) {
		/* It pointed its stack into the area: nobody's bug but its own. */
		info->trap_nr = 0;
		host_stub_kill(as->pid);
		return killed(info);
	}
	enum hal_trap why = decode(u, t, info);
	u->called = u->step && why == HAL_TRAP_SYSCALL;
	if (why == HAL_TRAP_KICK)
		um_irq_run();
	return why;
}
