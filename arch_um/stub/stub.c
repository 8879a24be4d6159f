/* SPDX-License-Identifier: MIT */
/*
 * The stub: the tiny program that becomes a user process.
 *
 * It runs first as the zygote: it empties its address space down to its own
 * code page and forks stubs on request (a fork of nearly nothing is cheap).
 * A stub has a service thread, which changes mappings and makes threads when
 * the kernel asks, and one thread per user thread.  User code runs under a
 * seccomp filter that turns every system call outside this page into SIGSYS.
 * SIGSYS, faults and the kernel's kick all end in signal_main(): the host has
 * saved all registers in a signal frame on the thread's shared area, so this
 * frame *is* the register file; the kernel reads and changes it, and the
 * return from the signal continues the user program.  Calls from patched sites
 * come without a signal, through fast_entry (entry.S): then *t has the
 * registers, and the FP state stays in the CPU.
 *
 * No data, no libc, no thread pointer (%fs and %gs are the user's); a handler
 * finds its control block from its stack pointer.
 *
 * Lifetime: a stub is killed by the host when the kernel's process dies
 * (PR_SET_PDEATHSIG; its parent is the kernel's main thread, CLONE_PARENT).
 */
#include <host/stub_abi.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)	/* no indirection through a table of addresses */

enum {
	NR_getpid = 39, NR_gettimeofday = 96, NR_gettid = 186, NR_time = 201, NR_clock_gettime = 228, NR_clock_getres = 229,
	NR_close = 3, NR_mmap = 9, NR_mprotect = 10, NR_munmap = 11, NR_sigaction = 13, NR_sigreturn = 15, NR_ioctl = 16,
	NR_sched_yield = 24, NR_clone = 56, NR_fork = 57, NR_exit = 60, NR_getppid = 110, NR_setsid = 112, NR_sigaltstack = 131, NR_ptrace = 101, NR_prctl = 157,
	NR_arch_prctl = 158, NR_setrlimit = 160, NR_kill = 62, NR_tkill = 200, NR_exit_group = 231, NR_tgkill = 234, NR_futex = 202, NR_seccomp = 317, NR_clone3 = 435,
};
enum { PROT_RWX = 7, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANON = 0x20, MAP_POPULATE = 0x8000 };
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1 };
enum { SIGILL_ = 4, SIGTRAP_ = 5, SIGBUS_ = 7, SIGFPE_ = 8, SIGKILL_ = 9, SIGSEGV_ = 11, SIGTERM_ = 15, SIGURG_ = 23,
       SIGSYS_ = 31 };
/* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID */
enum { THREAD_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x100000 };
enum { FRAME_SI = 120, FRAME_BX = 136, FRAME_DX = 144, FRAME_AX = 152, FRAME_CX = 160, FRAME_IP = 176, FRAME_FLAGS = 184, FRAME_ERR = 200, FRAME_TRAPNO = 208, FRAME_SIGNO = 312 };	/* in the host's signal frame, from the return address on */
/* Of what is only read and executed the host maps sixteen pages at a touch, so that longer runs are not worth the walk. */
enum { POPULATE_MAX = 64 * 4096, POPULATE_READ = 8 * 4096 };

#define UNANSWERED (-4096)	/* no error number */

long call_futex(volatile uint32_t *word, long op, uint32_t val, void *timeout);
long call_yield(void);
long call_mmap(uint64_t addr, uint64_t len, long prot, long flags, long fd, uint64_t off);
long call_munmap(uint64_t addr, uint64_t len);
long call_mprotect(uint64_t addr, uint64_t len, long prot);
long call_arch_prctl(long code, uint64_t addr);
long call_sigaltstack(const void *ss, void *old);
long call_thread(long flags, void *stack, int32_t *tid, uint64_t first);
long call_any(long nr, long a, long b, long c, long d, long e, ...);
_Noreturn void svc_enter(void *stack);
void call_sigreturn(void);
void signal_entry(int sig);
extern const char fast_resume[], fast_resume_end[], fast_kicked[], fast_unanswered[], answer_begin[], answer_end[];
extern const char call_futex_at[], call_yield_at[], call_mmap_at[], call_munmap_at[], call_mprotect_at[], call_arch_prctl_at[],
	call_sigaltstack_at[], call_thread_at[], call_sigreturn_at[];

void zygote_map(void);
_Noreturn void zygote_main(void);
_Noreturn void svc_main(void);
void thread_main(void *stack);
void signal_main(char *frame);
int fast_main(struct stub_thread *t, uint32_t kind);
void kernel_gone(int sig);

static struct stub_zygote *zygote(void) { return (struct stub_zygote *)STUB_ZYGOTE; }
static struct stub_svc *svc(void) { return (struct stub_svc *)STUB_SVC; }

/* The kernel sets *spins and *yields to 0 when it has something longer to do. */
static void wait_go(uint32_t *go, const uint32_t *spins, const uint32_t *yields)
{
	uint32_t spin = 0, yield = 0;

	for (;;) {
		if (__atomic_load_n(go, __ATOMIC_ACQUIRE) == STUB_GO_RUN)
			break;
		if (spin < __atomic_load_n(spins, __ATOMIC_RELAXED)) {
			spin++;
			__builtin_ia32_pause();
			continue;
		}
		if (yield < __atomic_load_n(yields, __ATOMIC_RELAXED)) {
			yield++;
			call_yield();
			continue;
		}
		uint32_t none = STUB_GO_NONE;
		if (__atomic_compare_exchange_n(go, &none, STUB_GO_SLEEP, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE) ||
		    none == STUB_GO_SLEEP)
			call_futex(go, FUTEX_WAIT, STUB_GO_SLEEP, NULL);
	}
}

/* The answer may come as soon as `stop` says so. */
static void post_stop(uint32_t *go, uint32_t *stop, uint32_t how)
{
	__atomic_store_n(go, STUB_GO_NONE, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(stop, STUB_STOPPED | how, __ATOMIC_ACQ_REL) & STUB_WAITER)
		call_futex(stop, FUTEX_WAKE, 1, NULL);
}

/*
 * The host may refuse for want of map areas, or because a protected range has
 * holes.  Mappings are only a cache: forgetting is always right.
 */
static void ops_run(uint32_t buffer, uint32_t count)
{
	const struct stub_op *op = svc()->op[buffer & 1];

	for (; count; count--, op++) {
		long r = 0;
		if (op->kind == STUB_OP_MAP)
			r = call_mmap(op->addr, op->len, op->prot, MAP_SHARED | MAP_FIXED |
				(op->len <= (op->prot & 2 ? POPULATE_MAX : POPULATE_READ) ? MAP_POPULATE : 0), STUB_FD_RAM, op->off);
		else if (op->kind == STUB_OP_UNMAP)
			r = call_munmap(op->addr, op->len);
		else if (op->kind == STUB_OP_PROTECT && call_mprotect(op->addr, op->len, op->prot) < 0)
			r = call_munmap(op->addr, op->len);
		if (r < 0 && r > -4096) {
			call_munmap(0, STUB_BASE);
			svc()->lost = 1;
		}
	}
}

/* ---- user threads ---- */

void thread_main(void *stack)
{
	uint64_t area = (uint64_t)stack & ~(uint64_t)(STUB_SLOT - 1);
	struct { uint64_t sp; int32_t flags; uint64_t size; } ss = { area + svc()->sigstack, 0, svc()->size - svc()->sigstack };
	call_sigaltstack(&ss, NULL);
	if (svc()->traceme)
		call_any(NR_ptrace, 0, 0, 0, 0, 0);	/* PTRACE_TRACEME: by the kernel's main thread */
	/* int3 follows: the first frame, and the kernel finds the thread stopped. */
}

static uint64_t fs_read(void) { uint64_t v; __asm__ volatile("rdfsbase %0" : "=r"(v)); return v; }
static uint64_t gs_read(void) { uint64_t v; __asm__ volatile("rdgsbase %0" : "=r"(v)); return v; }
static void fs_write(uint64_t v) { __asm__ volatile("wrfsbase %0" :: "r"(v)); }
static void gs_write(uint64_t v) { __asm__ volatile("wrgsbase %0" :: "r"(v)); }

/* What the kernel wants done before user code runs. */
static void ops_take(struct stub_thread *t)
{
	if (t->answer.ops_count) {
		ops_run(t->answer.ops_buffer, t->answer.ops_count);
		__atomic_store_n(&t->ops_done, 1, __ATOMIC_RELEASE);
	}
}

static void fp_save(struct stub_thread *t)
{
	__asm__ volatile("xsave64 (%0)" : : "r"((char *)t + STUB_THREAD_CTL), "a"(-1), "d"(-1) : "memory");
}

/* Will the CPU have something else to do during this call?  Then it need not be given back here, only to go to sleep. */
static bool waits(const struct stub_thread *t, uint64_t nr, uint64_t second)
{
	return nr == NR_exit || nr == NR_exit_group || stub_call_key(nr, second) == t->sleep_at;
}

/* These calls want it: it is saved here, so that the kernel need not ask. */
static bool fp_wanted(uint64_t nr)
{
	/* A signal to oneself is the usual one: its frame has the FP state in it. */
	return nr == NR_clone || nr == NR_fork || nr == NR_clone3 || nr == NR_sigreturn || nr == NR_kill || nr == NR_tkill || nr == NR_tgkill;
}

/* ---- calls that need no kernel ---- */

static inline unsigned long vdso_counter(void)
{
	unsigned lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (unsigned long)hi << 32;
}
/* What this cannot say is the kernel's to say. */
static inline long vdso_call2(long nr, unsigned long a, unsigned long b) { return UNANSWERED; }
#include <vdso/clock.h>

static bool user_range(uint64_t p, uint64_t n) { return p <= STUB_BASE - n; }

/*
 * The vDSO's clocks for who calls the kernel, and who it is.  Every access to
 * the program's memory may fault: then signal_main() gives the call to the
 * kernel, as if nothing had been tried.  So everything is in this section, and
 * what it answers is written last, t->back not at all.
 */
__attribute__((section(".text.answer"), noinline, flatten)) static bool answer(struct stub_thread *t)
{
	uint64_t a = t->back.di, b = t->back.si, ret = t->back.ip, next = ret;
	long r = UNANSWERED;

	switch (t->back.ax) {
	case NR_getpid:
		r = t->answer_pid;
		break;
	case NR_gettid:
		r = t->answer_tid;
		break;
	case NR_clock_gettime:
		if (user_range(b, sizeof(struct abi_timespec)))
			r = vdso_clock_gettime((int)a, (struct abi_timespec *)b);
		break;
	case NR_gettimeofday:
		if (user_range(a, sizeof(struct abi_timeval)))
			r = vdso_gettimeofday((struct abi_timeval *)a, (int32_t *)b);
		break;
	case NR_time:
		if (user_range(a, sizeof(int64_t)) && (r = vdso_now(CLOCK_REALTIME)) >= 0) {
			r /= NS;
			if (a)
				*(int64_t *)a = r;
		}
		break;
	}
	if (r < 0)
		return false;
	/* The registers that a call changes say where the program is, not the trampoline. */
	if (((const volatile uint8_t *)ret)[-2] != 0x0f || ((const volatile uint8_t *)ret)[-1] != 0x05)
		next = ret + (uint64_t)(int64_t)*(const volatile int32_t *)(ret - STUB_NEXT_SIZE);
	t->rest.ax = (uint64_t)r;
	t->rest.cx = next;
	t->rest.r11 = t->back.flags;
	t->answered++;
	return true;
}

static bool answer_failed(char *frame)
{
	uint64_t *ip = (uint64_t *)(frame + FRAME_IP);
	int32_t sig = *(int32_t *)(frame + FRAME_SIGNO);

	if ((sig != SIGSEGV_ && sig != SIGBUS_) || *ip < (uint64_t)answer_begin || *ip >= (uint64_t)answer_end)
		return false;
	*ip = (uint64_t)fast_unanswered;
	return true;
}

/* ---- CPUID ---- */

/* At one of the places where it has been replaced: from the table, or from the CPU. */
static bool cpuid_answer(const struct stub_thread *t, char *frame)
{
	uint64_t *ip = (uint64_t *)(frame + FRAME_IP), *ax = (uint64_t *)(frame + FRAME_AX), *cx = (uint64_t *)(frame + FRAME_CX);
	uint32_t n = __atomic_load_n(&svc()->cpuid_sites, __ATOMIC_ACQUIRE), i = 0, leaf, sub, v[4];

	/* Steps are the kernel's to count. */
	if (*(int32_t *)(frame + FRAME_SIGNO) != SIGSEGV_ || *(uint64_t *)(frame + FRAME_TRAPNO) != 13 || *(uint64_t *)(frame + FRAME_ERR) || n > STUB_CPUID_SITES || t->cpuid_faults || *(uint64_t *)(frame + FRAME_FLAGS) & 0x100)
		return false;
	while (i < n && svc()->cpuid_site[i] != *ip)
		i++;
	if (i == n)
		return false;
	leaf = (uint32_t)*ax;
	sub = stub_cpuid_sub(leaf, (uint32_t)*cx);
	const struct stub_cpuid *e = NULL, *table = (const struct stub_cpuid *)STUB_CPUID;
	for (uint32_t slot = stub_cpuid_slot(leaf, sub), tries = 0; tries < STUB_CPUID_TRIES && !e; tries++) {
		const struct stub_cpuid *at = &table[(slot + tries) % STUB_CPUIDS];

		if (!__atomic_load_n(&at->used, __ATOMIC_ACQUIRE))
			break;
		if (at->leaf == leaf && at->sub == sub)
			e = at;
	}
	if (e)
		for (i = 0; i < 4; i++)
			v[i] = e->r[i];
	else
		__asm__ volatile("cpuid" : "=a"(v[0]), "=b"(v[1]), "=c"(v[2]), "=d"(v[3]) : "a"(leaf), "c"((uint32_t)*cx));
	*ax = v[0];
	*(uint64_t *)(frame + FRAME_BX) = v[1];
	*cx = v[2];
	*(uint64_t *)(frame + FRAME_DX) = v[3];
	*ip += 2;
	return true;
}

/* A patched call, all registers saved: in t->back, t->rest, t->r8 and t->r9.  0: go on with these; 1: stop again, with a signal frame. */
int fast_main(struct stub_thread *t, uint32_t kind)
{
	const uint32_t none = 0;

	if (kind == STUB_KIND_CALL && __atomic_load_n(&t->answer_pid, __ATOMIC_ACQUIRE) && answer(t))
		return 0;
	if (kind == STUB_KIND_UNANSWERED)
		kind = STUB_KIND_CALL;
	const uint32_t *yields = kind == STUB_KIND_CALL && waits(t, t->back.ax, t->back.si) ? &none : &t->yield;

	bool fp = kind == STUB_KIND_CALL && fp_wanted(t->back.ax);

	if (fp)
		fp_save(t);
	for (;;) {
		/* All at once: the kernel looks at this line all the time, and takes it away with each look. */
		t->call = t->back;
		post_stop(&t->go, &t->stop, kind << STUB_KIND_SHIFT | (fp ? STUB_FP_SAVED : 0));
		wait_go(&t->go, &t->spin, yields);
		if (t->answer.resume != STUB_RESUME_SAVE)
			break;
		fp_save(t);
		fp = true;
	}
	if (t->answer.fp_load)
		__asm__ volatile("xrstor64 (%0)" : : "r"((char *)t + STUB_THREAD_CTL), "a"(-1), "d"(-1) : "memory");
	if (t->answer.resume == STUB_RESUME_FRAME)
		return 1;
	ops_take(t);
	t->rest.ax = t->answer.ax;
	t->rest.cx = t->answer.cx;
	t->rest.r11 = t->answer.r11;
	if (t->fs_base != fs_read())
		fs_write(t->fs_base);
	return 0;
}

/* A kick that found the thread in the stub itself, on the way in or out of a patched call. */
static bool kick_noted(struct stub_thread *t, char *frame)
{
	uint64_t *ip = (uint64_t *)(frame + FRAME_IP);

	if (*(int32_t *)(frame + FRAME_SIGNO) != SIGURG_ || *ip - STUB_BASE >= STUB_CODE_SIZE)
		return false;
	if (*ip >= (uint64_t)fast_resume && *ip < (uint64_t)fast_resume_end)
		*ip = (uint64_t)fast_kicked;
	else
		__atomic_store_n(&t->kicked, 1, __ATOMIC_RELAXED);
	return true;
}

void signal_main(char *frame)
{
	struct stub_thread *t = (struct stub_thread *)((uint64_t)frame & ~(uint64_t)(STUB_SLOT - 1));
	bool call = *(int32_t *)(frame + FRAME_SIGNO) == SIGSYS_ && waits(t, *(uint64_t *)(frame + FRAME_AX), *(uint64_t *)(frame + FRAME_SI));
	const uint32_t none = 0;

	if (kick_noted(t, frame) || answer_failed(frame) || cpuid_answer(t, frame))
		return;
	t->frame = (uint64_t)frame;
	if (t->has_fsgsbase) {
		t->fs_base = fs_read();
		t->gs_base = gs_read();
	}
	post_stop(&t->go, &t->stop, STUB_KIND_FRAME << STUB_KIND_SHIFT);
	wait_go(&t->go, &t->spin, call ? &none : &t->yield);
	ops_take(t);
	if (t->answer.cpuid)
		call_arch_prctl(0x1012, t->answer.cpuid != 1);	/* ARCH_SET_CPUID */
	if (t->has_fsgsbase) {
		/* A non-canonical base would fault here, in the stub: the kernel has checked it. */
		fs_write(t->fs_base);
		gs_write(t->gs_base);
	} else {
		call_arch_prctl(0x1002, t->fs_base);
		call_arch_prctl(0x1001, t->gs_base);
	}
}

/* ---- the service thread ---- */

_Noreturn void svc_main(void)
{
	struct stub_svc *s = svc();

	call_munmap(STUB_ZYGOTE, 0x1000 + STUB_ZYGOTE_STACK);
	for (;;) {
		post_stop(&s->go, &s->stop, 0);
		wait_go(&s->go, &s->spin, &s->yield);
		if (s->cmd == STUB_CMD_OPS) {
			ops_run(s->buffer, s->count);
			s->result = 0;
		} else if (s->cmd == STUB_CMD_THREAD) {
			uint64_t area = STUB_THREADS + (uint64_t)s->slot * STUB_SLOT;
			long r = call_mmap(area, s->size, 3, MAP_SHARED | MAP_FIXED, STUB_FD_RAM, s->pa);
			if (r == (long)area)
				r = call_thread(THREAD_FLAGS, (char *)area + s->size - 64,
					&((struct stub_thread *)area)->tid, 0);
			s->result = (int32_t)r;
		}
	}
}

/* ---- the filter ---- */

struct bpf { uint16_t code; uint8_t jt, jf; uint32_t k; };
enum { LD = 0x20, JEQ = 0x15, RET = 0x06 };
enum { AT_NR = 0, AT_ARCH = 4, AT_IP = 8, AT_ARG = 16 };
#define ALLOW	0x7fff0000u
#define TRAP	0x00030000u
#define KILL	0x80000000u

#define STEP(c, t, f, v) (p[n++] = (struct bpf){ c, t, f, v })
/* From this one instruction only this call: else fall through to the next rule. */
#define RULE(at, nr) do { STEP(JEQ, 0, 3, (uint32_t)(uint64_t)(at)); STEP(LD, 0, 0, AT_NR); \
	STEP(JEQ, 0, 1, nr); STEP(RET, 0, 0, ALLOW); STEP(LD, 0, 0, AT_IP); } while (0)

/* nr, descriptor and flags are what the stub uses; the address is below the stub. */
static long filter_install(void)
{
	struct bpf p[96];
	uint16_t n = 0;

	STEP(LD, 0, 0, AT_ARCH);
	STEP(JEQ, 1, 0, 0xc000003e);
	STEP(RET, 0, 0, TRAP);
	STEP(LD, 0, 0, AT_IP + 4);
	STEP(JEQ, 1, 0, (uint32_t)(STUB_BASE >> 32));
	STEP(RET, 0, 0, TRAP);
	STEP(LD, 0, 0, AT_IP);
	/* The usual ones first. */
	RULE(call_yield_at, NR_sched_yield);
	RULE(call_futex_at, NR_futex);
	RULE(call_sigreturn_at, NR_sigreturn);
	RULE(call_munmap_at, NR_munmap);
	RULE(call_mprotect_at, NR_mprotect);
	RULE(call_arch_prctl_at, NR_arch_prctl);
	RULE(call_sigaltstack_at, NR_sigaltstack);

	STEP(JEQ, 0, 11, (uint32_t)(uint64_t)call_mmap_at);
	STEP(LD, 0, 0, AT_NR);
	STEP(JEQ, 0, 8, NR_mmap);
	STEP(LD, 0, 0, AT_ARG + 8 * 4);		/* fd */
	STEP(JEQ, 0, 6, STUB_FD_RAM);
	STEP(LD, 0, 0, AT_ARG + 8 * 3);		/* flags */
	STEP(JEQ, 1, 0, MAP_SHARED | MAP_FIXED);
	STEP(JEQ, 0, 3, MAP_SHARED | MAP_FIXED | MAP_POPULATE);
	STEP(LD, 0, 0, AT_ARG + 8 * 2 + 4);	/* prot, high half */
	STEP(JEQ, 0, 1, 0);
	STEP(RET, 0, 0, ALLOW);
	STEP(LD, 0, 0, AT_IP);

	STEP(JEQ, 0, 4, (uint32_t)(uint64_t)call_thread_at);
	STEP(LD, 0, 0, AT_NR);
	STEP(JEQ, 0, 2, NR_clone);
	STEP(LD, 0, 0, AT_ARG);
	STEP(JEQ, 1, 0, THREAD_FLAGS);
	STEP(RET, 0, 0, TRAP);
	STEP(RET, 0, 0, ALLOW);

	struct { uint16_t len; struct bpf *filter; } prog = { n, p };
	call_any(NR_prctl, 38, 1, 0, 0, 0);	/* PR_SET_NO_NEW_PRIVS */
	return call_any(NR_seccomp, 1, 0, (long)&prog, 0, 0);
}

/* ---- the zygote ---- */

static _Noreturn void die(void)
{
	for (;;)
		call_any(NR_exit, 127, 0, 0, 0, 0);
}

/* Until here this runs on the stack that exec made; it goes away in zygote_main(). */
void zygote_map(void)
{
	if (call_mmap(STUB_ZYGOTE, 0x1000, 3, MAP_SHARED | MAP_FIXED, STUB_FD_COMM, 0) != STUB_ZYGOTE ||
	    call_mmap(STUB_ZYGOTE + 0x1000, STUB_ZYGOTE_STACK, 3, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) !=
		    STUB_ZYGOTE + 0x1000)
		die();
}

/* The kernel is gone: it may have left the terminal raw. */
void kernel_gone(int sig)
{
	if (zygote()->tty_saved)
		call_any(NR_ioctl, STUB_FD_TTY, 0x5403, (long)zygote()->termios, 0, 0);	/* TCSETSW */
	die();
}

static void signals_init(void)
{
	static const uint8_t sigs[] = { SIGSYS_, SIGSEGV_, SIGBUS_, SIGFPE_, SIGILL_, SIGTRAP_, SIGURG_ };
	/* SA_SIGINFO, SA_ONSTACK, SA_RESTORER; all signals blocked in the handler */
	struct { void *handler; uint64_t flags; void *restorer; uint64_t mask; } sa;

	/* Computed, or the compiler makes a table with relocations. */
	__asm__("lea signal_entry(%%rip), %0" : "=r"(sa.handler));
	__asm__("lea call_sigreturn(%%rip), %0" : "=r"(sa.restorer));
	sa.flags = 4 | 0x08000000 | 0x04000000;
	sa.mask = ~(uint64_t)0;

	for (unsigned i = 0; i < sizeof(sigs); i++)
		call_any(NR_sigaction, sigs[i], (long)&sa, 0, 8, 0);
	__asm__("lea kernel_gone(%%rip), %0" : "=r"(sa.handler));
	sa.flags = 0x04000000;
	call_any(NR_sigaction, SIGTERM_, (long)&sa, 0, 8, 0);
}

static void stub_child(uint64_t pa)
{
	struct stub_zygote *z = zygote();
	uint64_t zero[4] = { 0 }, clock = z->clock, cpuid = z->cpuid;	/* SIG_DFL */

	call_any(NR_sigaction, SIGTERM_, (long)zero, 0, 8, 0);
	call_any(NR_prctl, 1, SIGKILL_, 0, 0, 0);	/* PR_SET_PDEATHSIG */
	if (call_any(NR_getppid, 0, 0, 0, 0, 0) != z->kernel_pid)
		die();
	if (call_mmap(STUB_SVC, STUB_SVC_SIZE, 3, MAP_SHARED | MAP_FIXED, STUB_FD_RAM, pa) != STUB_SVC)
		die();
	svc()->clock = clock && call_mmap(STUB_CLOCK, 0x1000, 1, MAP_SHARED | MAP_FIXED, STUB_FD_RAM, clock) == STUB_CLOCK;
	svc()->cpuid = cpuid && call_mmap(STUB_CPUID, 0x1000, 1, MAP_SHARED | MAP_FIXED, STUB_FD_RAM, cpuid) == STUB_CPUID;
	call_any(NR_close, STUB_FD_COMM, 0, 0, 0, 0);
	call_any(NR_close, STUB_FD_TTY, 0, 0, 0, 0);
	/* The zygote's pages stay mapped until svc_main(): this is its stack. */
}

_Noreturn void zygote_main(void)
{
	struct stub_zygote *z = zygote();

	/* Everything but the stub's own pages: exec's stack, the host's vDSO. */
	call_munmap(0, STUB_BASE);
	call_munmap(STUB_ZYGOTE + 0x1000 + STUB_ZYGOTE_STACK, 0x7ffffffff000 - (STUB_ZYGOTE + 0x1000 + STUB_ZYGOTE_STACK));
	signals_init();
	for (;;) {
		post_stop(&z->go, &z->stop, 0);
		wait_go(&z->go, &z->spin, &z->yield);
		uint32_t no_filter = z->no_filter;
		uint64_t pa = z->pa;	/* the next request may be here before the child runs */
		/* CLONE_PARENT: the kernel is the parent of every stub; SIGCHLD goes to it. */
		long pid = call_any(NR_clone, 0x8000 | 17, 0, 0, 0, 0);
		if (pid == 0) {
			stub_child(pa);
			if (!no_filter && filter_install() < 0)
				die();
			svc_enter(svc()->stack + sizeof(svc()->stack));
		}
		z->pid = (int32_t)pid;
	}
}
