/* SPDX-License-Identifier: MIT */
/*
 * CPUs as threads, and the signal that interrupts one.
 *
 * The interrupt signal is not blocked while its handler runs (SA_NODEFER): the
 * handler may switch kernel threads and never come back on this host thread.
 * It runs on the stack it interrupted.  Only crashes use an alternate stack,
 * because the kernel's stack may be what is broken.
 *
 * The handlers are installed with the raw system call, not through libc: a
 * sanitizer's wrapper would postpone them.
 */
#include "host.h"
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#if __has_include(<sys/rseq.h>)
#include <sys/rseq.h>
#endif
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

struct host_hooks host_hooks;
_Thread_local int cpu_self = -1;

static struct {
	int tid;	/* [a] */
	int pinned, spare;	/* [I] host CPU or -1 */
	void (*entry)(void *);
	void *arg;
} cpus[HOST_CPUS];
static int self_pid;
static cpu_set_t started_on;

void cpu_unpin(void) { sched_setaffinity(0, sizeof(started_on), &started_on); }

/* What the host kernel takes; libc's struct sigaction is another one. */
struct raw_sigaction { void *handler; unsigned long flags; void (*restorer)(void); uint64_t mask; };
void host_sigreturn(void);
__asm__(".text\n.globl host_sigreturn\nhost_sigreturn:\n\tmov $15, %eax\n\tsyscall\n");

#if defined(__clang__)
#define IN_HANDLER __attribute__((disable_sanitizer_instrumentation))	/* TSan's run-time cannot be entered from there */
#else
#define IN_HANDLER
#endif

IN_HANDLER bool host_interrupt_is_timer(const void *siginfo)
{
	return ((const siginfo_t *)siginfo)->si_code == SI_TIMER;
}

IN_HANDLER uintptr_t *host_interrupt_pc(void *context)
{
	ucontext_t *uc = context;

	return (uintptr_t *)&uc->uc_mcontext.gregs[REG_RIP];
}

static void on_crash(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	const char *what = sig == SIGSEGV ? "segmentation fault" : sig == SIGBUS ? "bus error" :
		sig == SIGILL ? "illegal instruction" : sig == SIGFPE ? "arithmetic trap" : "trap";

	static const int order[17] = { REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8, REG_R9,
		REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_EFL };
	uint64_t reg[17];

	for (unsigned i = 0; i < 17; i++)
		reg[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
	if (host_hooks.crash)
		host_hooks.crash(what, (uintptr_t)uc->uc_mcontext.gregs[REG_RIP], (uintptr_t)uc->uc_mcontext.gregs[REG_RBP],
			(uintptr_t)si->si_addr, reg);
	host_exit(101);
}

static void raw_action(int sig, void *fn, void (*restorer)(void), unsigned long flags)
{
	/* SA_RESTORER */
	struct raw_sigaction sa = { fn, flags | SA_SIGINFO | 0x04000000, restorer, 0 };
	syscall(SYS_rt_sigaction, sig, &sa, NULL, 8);
}

/* Kernel code has no errno, so the handler, which may return on another thread, need not save it. */
void host_set_hooks(const struct host_hooks *hooks)
{
	host_hooks = *hooks;
	raw_action(HOST_SIG_IRQ, (void *)hooks->interrupt, hooks->interrupt_return, SA_NODEFER);
}

unsigned cpu_init(unsigned n, bool pin)
{
	cpu_set_t set;
	int allowed[CPU_SETSIZE], count = 0;

	self_pid = getpid();
	sched_getaffinity(0, sizeof(started_on), &started_on);
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		for (int i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &set))
				allowed[count++] = i;
	/* Machines started side by side must not all sit on the first host CPU. */
	unsigned m = (unsigned)count;
	for (unsigned i = 0; i < HOST_CPUS; i++) {
		bool can = pin && m > 0;
		cpus[i].pinned = can ? allowed[((unsigned)self_pid + i) % m] : -1;
		cpus[i].spare = can && m > 1 ? allowed[((unsigned)self_pid + i + (2 * n <= m ? n : 1)) % m] : -1;
	}
#if !defined(HOST_ASAN) && !defined(HOST_TSAN)
	static const int traps[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	for (unsigned i = 0; i < sizeof(traps) / sizeof(traps[0]); i++)
		raw_action(traps[i], (void *)on_crash, host_sigreturn, SA_ONSTACK | SA_NODEFER);
#else
	(void)on_crash;		/* the sanitizer's report is the better one */
#endif
	return m ? m : 1;
}

static void *cpu_thread(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	cpus[cpu].entry(cpus[cpu].arg);
	return NULL;
}

int host_cpu_start(unsigned cpu, void (*entry)(void *), void *arg)
{
	pthread_t t;
	pthread_attr_t attr;

	cpus[cpu].entry = entry;
	cpus[cpu].arg = arg;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	int r = pthread_create(&t, &attr, cpu_thread, (void *)(uintptr_t)cpu);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

/* libc gives every thread restartable sequences, which the host's kernel then sees to at each switch of programs: nobody here has any. */
static void rseq_off(void)
{
#ifdef RSEQ_SIG
	enum { LEAST = 32, UNREGISTER = 1 };

	if (__rseq_size)
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, __rseq_size < LEAST ? LEAST : __rseq_size, UNREGISTER,
			RSEQ_SIG);
#endif
}

void host_cpu_ready(unsigned cpu, void *gs)
{
	cpu_self = (int)cpu;
	rseq_off();
	syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, gs);
#if !defined(HOST_ASAN) && !defined(HOST_TSAN)
	stack_t ss = { .ss_size = 65536 };
	ss.ss_sp = mmap(NULL, ss.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ss.ss_sp != MAP_FAILED)
		sigaltstack(&ss, NULL);
#endif
	if (cpus[cpu].pinned >= 0)
		host_stub_pin(0, cpus[cpu].pinned);
	time_thread_init(cpu);
	__atomic_store_n(&cpus[cpu].tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	/* Signals from outside are the main thread's. */
	static const int mine[] = { HOST_SIG_IRQ, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT };
	uint64_t mask = 0;
	for (unsigned i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		mask |= UINT64_C(1) << (mine[i] - 1);
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, 8);
}

void host_cpu_interrupt(unsigned cpu)
{
	int tid = __atomic_load_n(&cpus[cpu].tid, __ATOMIC_ACQUIRE);
	if (tid)
		syscall(SYS_tgkill, self_pid, tid, HOST_SIG_IRQ);
}

int host_cpu_pinned(unsigned cpu) { return cpus[cpu].pinned; }
int host_cpu_spare(unsigned cpu) { return cpus[cpu].spare; }
void host_yield(void) { sched_yield(); }

_Noreturn void host_cpu_park(void)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (;;)
		pause();
}

bool host_futex_wait(uint32_t *word, uint32_t val, uint64_t timeout_ns)
{
	struct timespec ts = { .tv_sec = (time_t)(timeout_ns / 1000000000), .tv_nsec = (long)(timeout_ns % 1000000000) };
	return syscall(SYS_futex, word, FUTEX_WAIT, val, timeout_ns ? &ts : NULL, NULL, 0) < 0 && errno == ETIMEDOUT;
}

void host_futex_wake(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0); }
