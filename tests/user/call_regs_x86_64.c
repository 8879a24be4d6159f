/* SPDX-License-Identifier: MIT */
/*
 * All registers of a system call from one place, made so often that a kernel may
 * have found a short way for it: what the call itself keeps, what a signal
 * handler, a child and a tracer see of them, and what those change.
 */
#include "harness.h"
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/ucontext.h>
#include <sys/user.h>
#include <sys/wait.h>

enum { OFTEN = 300 };
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, FLAGS, REGS };
#define FLAGS_MASK 0xcd5ull	/* CF PF AF ZF SF DF OF: what a program sets */

static const char *const names[REGS] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "flags" };
static const int greg[REGS] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_EFL };

uint64_t in[REGS], out[REGS], own_sp;
static uint64_t want[REGS];
static _Alignas(64) char stack[256 * 1024];
void call_once(void);
extern const char call_return[];
__asm__(
"	.text\n	.balign 16\n	.global call_once, call_return\ncall_once:\n"
"	pushq %rbx\n	pushq %rbp\n	pushq %r12\n	pushq %r13\n	pushq %r14\n	pushq %r15\n"
"	movq %rsp, own_sp(%rip)\n"
"	pushq in+128(%rip)\n	popfq\n"
"	movq in+0(%rip), %rax\n	movq in+8(%rip), %rcx\n	movq in+16(%rip), %rdx\n	movq in+24(%rip), %rbx\n"
"	movq in+32(%rip), %rsp\n	movq in+40(%rip), %rbp\n	movq in+48(%rip), %rsi\n	movq in+56(%rip), %rdi\n"
"	movq in+64(%rip), %r8\n	movq in+72(%rip), %r9\n	movq in+80(%rip), %r10\n	movq in+88(%rip), %r11\n"
"	movq in+96(%rip), %r12\n	movq in+104(%rip), %r13\n	movq in+112(%rip), %r14\n	movq in+120(%rip), %r15\n"
"	syscall\n"
"call_return:\n"
"	movq %rax, -8(%rsp)\n"		/* as compilers put it behind a call; changes no flag */
"	movq %rax, out+0(%rip)\n	movq %rcx, out+8(%rip)\n	movq %rdx, out+16(%rip)\n	movq %rbx, out+24(%rip)\n"
"	movq %rsp, out+32(%rip)\n	movq %rbp, out+40(%rip)\n	movq %rsi, out+48(%rip)\n	movq %rdi, out+56(%rip)\n"
"	movq %r8, out+64(%rip)\n	movq %r9, out+72(%rip)\n	movq %r10, out+80(%rip)\n	movq %r11, out+88(%rip)\n"
"	movq %r12, out+96(%rip)\n	movq %r13, out+104(%rip)\n	movq %r14, out+112(%rip)\n	movq %r15, out+120(%rip)\n"
"	movq own_sp(%rip), %rsp\n	pushfq\n	popq out+128(%rip)\n	cld\n"
"	popq %r15\n	popq %r14\n	popq %r13\n	popq %r12\n	popq %rbp\n	popq %rbx\n	ret\n");

static uint64_t seed = 20;
static uint64_t rnd(void)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return seed ^ seed >> 29;
}

/* Fresh registers for a call, and what is to come back. */
static void prepare(long nr, uint64_t result)
{
	for (int i = 0; i < REGS; i++)
		in[i] = rnd();
	in[RAX] = (uint64_t)nr;
	in[RSP] = (uint64_t)stack + sizeof(stack) / 2 + rnd() % 4096 * 16;
	in[FLAGS] = (rnd() & FLAGS_MASK) | 0x202;
	memcpy(want, in, sizeof(want));
	want[RAX] = result;
	want[RCX] = (uint64_t)call_return;
	want[R11] = in[FLAGS];
}

/* Is it as wanted?  what: whose registers. */
static int same(const char *what, const uint64_t *got)
{
	for (int i = 0; i < REGS; i++) {
		uint64_t mask = i == FLAGS || (i == R11 && want[R11] == in[FLAGS]) ? FLAGS_MASK : ~0ull;

		if ((got[i] ^ want[i]) & mask) {
			printf("# %s: %s is %#llx, not %#llx\n", what, names[i], (unsigned long long)got[i], (unsigned long long)want[i]);
			return 0;
		}
	}
	return 1;
}

static int call_same(const char *what)
{
	call_once();
	return same(what, out);
}

/* ---- signals ---- */

static int seen, change;
static void on_signal(int sig, siginfo_t *si, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t got[REGS];

	for (int i = 0; i < REGS; i++)
		got[i] = (uint64_t)g[greg[i]];
	seen += same("a handler", got);
	for (int i = 0; change && i < REGS; i++)
		if (i != RSP && i != FLAGS)
			g[greg[i]] = (greg_t)(want[i] = rnd());
	if (change)
		g[REG_EFL] = (greg_t)(want[FLAGS] = (rnd() & FLAGS_MASK) | 0x202);
	getppid();
	/* Nothing that is here is what was there. */
	__asm__ volatile("xor %%ebx, %%ebx\n	xor %%r12d, %%r12d\n	xor %%r13d, %%r13d\n	xor %%r14d, %%r14d\n	xor %%r15d, %%r15d" : : : "rbx", "r12", "r13", "r14", "r15", "cc");
	(void)sig, (void)si;
}

static int signalled(const char *what)
{
	int good = 1;

	seen = 0;
	for (int i = 0; i < OFTEN && good; i++) {
		prepare(SYS_tgkill, 0);
		in[RDI] = want[RDI] = (uint64_t)getpid();
		in[RSI] = want[RSI] = (uint64_t)syscall(SYS_gettid);
		in[RDX] = want[RDX] = SIGUSR1;
		good = call_same(what) && seen == i + 1;
	}
	return good;
}

static volatile sig_atomic_t ticks;
static void on_tick(int sig) { ticks += sig == SIGALRM; }

/* ---- a child, a tracer ---- */

static int child_has_them(void)
{
	int good = 1, status;

	for (int i = 0; i < OFTEN / 3 && good; i++) {
		prepare(SYS_fork, 0);
		call_once();
		if (!out[RAX]) {
			/* Here it is the child; and its next call is from there, too. */
			good = same("a child", out);
			prepare(SYS_getppid, (uint64_t)getppid());
			_exit(!(good && call_same("a child's call")));
		}
		want[RAX] = out[RAX];
		good = same("its parent", out) && waitpid((pid_t)out[RAX], &status, 0) == (pid_t)out[RAX] && status == 0;
	}
	return good;
}

static int traced_has_them(void)
{
	uint64_t last[REGS];
	struct user_regs_struct r;
	int good = 1, status, stops = 0;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		for (int i = 0; i < 20; i++) {	/* a short way, if there is any */
			prepare(SYS_getppid, (uint64_t)getppid());
			good &= call_same("before it is traced");
		}
		prepare(SYS_getppid, 0);
		raise(SIGSTOP);
		call_once();
		_exit(!good || out[RBX] != 1 || out[R12] != 2 || out[RDX] != 3 || out[R8] != 4 || out[RAX] != 5 || out[RBP] != in[RBP] || out[R15] != in[R15]);
	}
	/* The child draws the same numbers. */
	for (int i = 0; i < 20; i++)
		prepare(SYS_getppid, 0);
	prepare(SYS_getppid, 0);
	good = waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
	while (good && stops < 20) {
		good = !ptrace(PTRACE_SYSCALL, pid, 0, 0) && waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && !ptrace(PTRACE_GETREGS, pid, 0, &r);
		stops++;
		if (!good || r.rip != (uint64_t)call_return)
			continue;
		const uint64_t got[REGS] = { r.orig_rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.eflags };
		memcpy(last, want, sizeof(last));
		want[RAX] = SYS_getppid;
		if (!(good = same("the tracer", got)))
			break;
		if ((long)r.rax == -ENOSYS)
			continue;	/* on the way in */
		r.rbx = 1, r.r12 = 2, r.rdx = 3, r.r8 = 4, r.rax = 5;
		good = !ptrace(PTRACE_SETREGS, pid, 0, &r) && !ptrace(PTRACE_DETACH, pid, 0, 0) && waitpid(pid, &status, 0) == pid && status == 0;
		return good;
	}
	printf("# %d stops, status %#x\n", stops, (unsigned)status);
	kill(pid, SIGKILL);
	return 0;
}

int main(void)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	int good = 1;

	plan(6);
	for (int i = 0; i < OFTEN && good; i++) {
		prepare(SYS_getppid, (uint64_t)getppid());
		good = call_same("a call");
	}
	ok(good, "a call keeps them");

	sigaction(SIGUSR1, &sa, NULL);
	ok(signalled("behind a handler"), "a handler sees them, and they are back behind it");
	change = 1;
	ok(signalled("a handler's"), "what a handler puts in their place comes back");

	ok(child_has_them(), "a child begins with them");
	ok(traced_has_them(), "a tracer sees them, and changes some");

	signal(SIGALRM, on_tick);
	setitimer(ITIMER_REAL, &it, NULL);
	good = 1;
	for (long i = 0; good && (ticks < 200 || i < OFTEN); i++) {
		prepare(SYS_getppid, (uint64_t)getppid());
		good = call_same("a call among interrupts");
	}
	setitimer(ITIMER_REAL, &off, NULL);
	ok(good, "calls keep them while signals come");
	return done();
}
