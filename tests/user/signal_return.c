/* SPDX-License-Identifier: MIT */
/* The return from a handler: the mask of before, or the one that the handler put into its context; nesting; leaving by longjmp. */
#include "harness.h"
#include "child.h"
#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t depth, deepest, count, inside_masked;
static sigjmp_buf jump;
static jmp_buf plain;

static int masked(int sig)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, sig);
}
static void looks(int sig) { inside_masked = masked(sig) && masked(SIGUSR2); }
static void nests(int sig)
{
	(void)sig;
	count++;
	if (++depth > deepest)
		deepest = depth;
	if (depth < 50)
		raise(SIGUSR1);
	depth--;
}
static void changes(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)si;
	sigaddset(&uc->uc_sigmask, SIGHUP);
	sigdelset(&uc->uc_sigmask, SIGTERM);
	sigaddset(&uc->uc_sigmask, SIGKILL);	/* which has no effect */
	(void)sig;
}
static void leaves(int sig) { (void)sig; siglongjmp(jump, 1); }
static void leaves_plain(int sig) { (void)sig; longjmp(plain, 1); }
static void counts(int sig) { (void)sig; count++; }
static void chain(int sig)	/* each raises the next one, which waits until this one is done */
{
	count = count * 10 + sig - SIGRTMIN;
	if (sig < SIGRTMIN + 5)
		raise(sig + 1);
	count = count * 10;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = looks };
	sigset_t set, old;
	int jumps = 0;

	plan(14);
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	ok(inside_masked, "inside, the signal and sa_mask are blocked");
	ok(!masked(SIGUSR1) && !masked(SIGUSR2), "after it, no more");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &old);
	raise(SIGUSR1);
	ok(masked(SIGTERM), "what was blocked before is again");

	sa = (struct sigaction){ .sa_sigaction = changes, .sa_flags = SA_SIGINFO };
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	ok(masked(SIGHUP) && !masked(SIGTERM), "a changed uc_sigmask is the new mask");
	ok(!masked(SIGKILL), "without SIGKILL");
	sigprocmask(SIG_SETMASK, &old, NULL);

	sa = (struct sigaction){ .sa_handler = nests, .sa_flags = SA_NODEFER };
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	ok(deepest == 50 && depth == 0 && count == 50, "fifty frames, all returned from");
	ok(!masked(SIGUSR1), "SA_NODEFER blocks nothing");

	sa = (struct sigaction){ .sa_handler = leaves };
	sigaction(SIGUSR1, &sa, NULL);
	for (volatile int i = 0; i < 100; i++) {
		if (!sigsetjmp(jump, 1))
			raise(SIGUSR1);
		else
			jumps++;
	}
	ok(jumps == 100 && !masked(SIGUSR1), "siglongjmp out of a handler, a hundred times");
	signal(SIGUSR1, leaves_plain);
	if (!setjmp(plain))
		raise(SIGUSR1);
	ok(masked(SIGUSR1), "longjmp leaves the mask of the handler");
	count = 0;
	signal(SIGUSR1, counts);
	raise(SIGUSR1);
	ok(count == 0, "so the signal waits");
	sigprocmask(SIG_SETMASK, &old, NULL);
	ok(count == 1, "until it is unblocked");

	for (int i = 0; i < 6; i++) {
		struct sigaction c = { .sa_handler = chain };

		sigfillset(&c.sa_mask);
		sigaction(SIGRTMIN + i, &c, NULL);
	}
	count = 0;
	raise(SIGRTMIN + 3);
	ok(count == 304050, "with all blocked, one after the other (%d)", (int)count);

	/* a frame that cannot be written kills */
	ok(in_child(({
		struct sigaction s = { .sa_handler = counts, .sa_flags = SA_ONSTACK };
		stack_t ss = { .ss_sp = (void *)4096, .ss_size = 65536 };
		sigaltstack(&ss, NULL);
		sigaction(SIGUSR1, &s, NULL);
		raise(SIGUSR1);
		0; })) == 1000 + SIGSEGV, "no room for the frame: SIGSEGV");
	/* sigreturn with nothing sensible on the stack must not do harm to others */
	ok(in_child((syscall(SYS_rt_sigreturn), 0)) >= 1000, "sigreturn out of nowhere ends only who calls it");
	return done();
}
