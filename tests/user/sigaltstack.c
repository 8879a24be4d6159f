/* SPDX-License-Identifier: MIT */
/* sigaltstack(2): handlers on it, nesting, stack overflow, errors, SS_AUTODISARM. */
#include "harness.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static char alt[65536];
static volatile char *where, *where2;
static volatile int in_flags, change_errno;
static sigjmp_buf env;

static void inner(int sig) { (void)sig; where2 = __builtin_frame_address(0); }
static void handler(int sig, siginfo_t *si, void *ucv)
{
	stack_t ss;
	ucontext_t *uc = ucv;

	(void)sig; (void)si;
	where = __builtin_frame_address(0);
	sigaltstack(NULL, &ss);
	in_flags = ss.ss_flags;
	errno = 0;
	sigaltstack(&(stack_t){ .ss_sp = alt, .ss_size = sizeof(alt) }, NULL);
	change_errno = errno;
	raise(SIGUSR2);
	if (uc->uc_stack.ss_sp != alt)
		in_flags = -1;
}
static void overflow(int sig) { (void)sig; where = __builtin_frame_address(0); siglongjmp(env, 1); }
static int recurse(int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	return n > 10000000 ? 0 : recurse(n + 1) + frame[0];
}
static int inside(volatile char *p) { return p >= alt && p <= alt + sizeof(alt); }

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_ONSTACK | SA_SIGINFO };
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) }, old;
	int st;

	plan(17);
	ok(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE, "none at first");
	ok(sigaltstack(&ss, NULL) == 0, "set");
	ok(sigaltstack(NULL, &old) == 0 && old.ss_sp == alt && old.ss_size == sizeof(alt) && old.ss_flags == 0, "reads back");
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = inner;
	sa.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR1);
	ok(inside(where), "the handler runs on it");
	ok(in_flags == SS_ONSTACK, "and can see that");
	ok(change_errno == EPERM, "it cannot be changed meanwhile");
	ok(inside(where2) && where2 < where, "a nested handler goes on below");
	raise(SIGUSR2);
	ok(inside(where2), "again from the top");
	sa.sa_flags = 0;
	sigaction(SIGUSR2, &sa, NULL);
	raise(SIGUSR2);
	ok(!inside(where2), "not without SA_ONSTACK");
	ss.ss_size = 1024;
	ok_errno(sigaltstack(&ss, NULL), ENOMEM, "too small");
	ss.ss_size = sizeof(alt);
	ss.ss_flags = 0x77;
	ok_errno(sigaltstack(&ss, NULL), EINVAL, "unknown flags");
	ok_errno(sigaltstack((void *)8, NULL), EFAULT, "a bad pointer");

	struct rlimit rl = { 1 << 20, RLIM_INFINITY };
	pid_t pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_STACK, &rl);
		ss.ss_flags = 0;
		sigaltstack(&ss, NULL);
		sa.sa_handler = overflow;
		sa.sa_flags = SA_ONSTACK;
		sigaction(SIGSEGV, &sa, NULL);
		if (!sigsetjmp(env, 1))
			recurse(0);
		_exit(inside(where) ? 7 : 1);
	}
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 7, "a stack overflow is handled on it");
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_STACK, &rl);
		sigaltstack(&(stack_t){ .ss_flags = SS_DISABLE }, NULL);
		sa.sa_handler = overflow;
		sa.sa_flags = SA_ONSTACK;
		sigaction(SIGSEGV, &sa, NULL);
		recurse(0);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV, "without one it kills");
	pid = fork();
	if (!pid) {
		sigaltstack(NULL, &old);
		_exit(old.ss_sp == alt && old.ss_flags == 0 ? 0 : 1);
	}
	waitpid(pid, &st, 0);
	ok(WEXITSTATUS(st) == 0, "a child has it too");
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
	ss.ss_flags = (int)SS_AUTODISARM;
	ok(sigaltstack(&ss, NULL) == 0 && sigaltstack(NULL, &old) == 0 && old.ss_flags == (int)SS_AUTODISARM, "SS_AUTODISARM");
	ss.ss_flags = SS_DISABLE;
	ok(sigaltstack(&ss, NULL) == 0 && sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE, "disable");
	return done();
}
