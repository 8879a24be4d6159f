/* SPDX-License-Identifier: MIT */
/* The stack grows on demand up to RLIMIT_STACK, and overflow is SIGSEGV on the alternate stack. */
#include "harness.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static __attribute__((noinline)) int deep(int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	frame[4095] = (char)n;
	return n ? deep(n - 1) + frame[0] - frame[4095] : 0;
}

static volatile long depth;
#pragma GCC diagnostic ignored "-Wpragmas"
#pragma GCC diagnostic ignored "-Winfinite-recursion"
static __attribute__((noinline)) int forever(void)
{
	volatile char frame[4096];

	frame[0] = 1;
	depth++;
	return forever() + frame[0];
}

static sigjmp_buf out;
static volatile int code;
static void on_segv(int sig, siginfo_t *si, void *ctx)
{
	(void)sig;
	(void)ctx;
	code = si->si_code;
	siglongjmp(out, 1);
}

int main(void)
{
	static char alt[65536];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct rlimit old, r;
	int status;
	pid_t pid;

	plan(7);
	getrlimit(RLIMIT_STACK, &old);
	ok(deep(200) == 0, "800 KiB of frames");
	ok(deep(1500) == 0, "6 MiB of frames");
	pid = fork();
	if (!pid)
		_exit(deep(1600) != 0);
	waitpid(pid, &status, 0);
	ok(status == 0, "in a child, too");
	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	r = old;
	r.rlim_cur = 8 << 20;
	setrlimit(RLIMIT_STACK, &r);
	if (!sigsetjmp(out, 1))
		forever();
	ok(depth > 1500 && depth < 2100, "overflow comes near the limit");
	ok(code == SEGV_MAPERR, "as SEGV_MAPERR");
	ok(deep(100) == 0, "and life goes on");
	pid = fork();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		forever();
	}
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "without a handler it is fatal");
	return done();
}
