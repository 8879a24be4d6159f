/* SPDX-License-Identifier: MIT */
/* Handlers: delivery, siginfo, masks, nesting, flags, default actions, inheritance over death. */
#include "harness.h"
#include <signal.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t count, last, depth, deepest;
static siginfo_t info;
static sigjmp_buf env;

static void simple(int sig) { count++; last = sig; }
static void full(int sig, siginfo_t *si, void *uc) { (void)uc; count++; last = sig; info = *si; }
static void nesting(int sig)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (count++ < 3)
		raise(sig);
	depth--;
}
static void jump(int sig, siginfo_t *si, void *uc) { (void)sig; (void)uc; info = *si; siglongjmp(env, 1); }

static void set(int sig, void (*h)(int), int flags)
{
	struct sigaction sa = { .sa_handler = h, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}
static void set_info(int sig, void (*h)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = h, .sa_flags = flags | SA_SIGINFO };

	sigaction(sig, &sa, NULL);
}
static int death(int sig)	/* how a child ends that gets it with the default action */
{
	int st;
	pid_t pid = fork();

	if (!pid) {
		signal(sig, SIG_DFL);
		raise(sig);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	return WIFSIGNALED(st) ? WTERMSIG(st) : 0;
}

int main(void)
{
	sigset_t s, old, pend;
	pid_t pid;
	char *page;
	int st;

	plan(43);
	set(SIGUSR1, simple, 0);
	ok(raise(SIGUSR1) == 0 && count == 1 && last == SIGUSR1, "a handler runs");
	ok(kill(getpid(), SIGUSR1) == 0 && count == 2, "before kill(2) of oneself returns");

	set_info(SIGUSR2, full, 0);
	kill(getpid(), SIGUSR2);
	ok(info.si_signo == SIGUSR2 && info.si_code == SI_USER && info.si_pid == getpid() && info.si_uid == getuid(), "SI_USER");
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
	ok(info.si_code == SI_TKILL && info.si_pid == getpid(), "SI_TKILL");
	sigqueue(getpid(), SIGUSR2, (union sigval){ .sival_int = 1234 });
	ok(info.si_code == SI_QUEUE && info.si_value.sival_int == 1234, "SI_QUEUE with its value");

	/* masks */
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	count = 0;
	ok(sigprocmask(SIG_BLOCK, &s, &old) == 0 && !sigismember(&old, SIGUSR1), "block");
	raise(SIGUSR1);
	raise(SIGUSR1);
	ok(count == 0, "a blocked signal waits");
	ok(sigpending(&pend) == 0 && sigismember(&pend, SIGUSR1), "and is pending");
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	ok(count == 1, "a standard signal is queued once");
	ok_errno(sigprocmask(77, &s, NULL), EINVAL, "an unknown way to change the mask");
	sigfillset(&s);
	sigprocmask(SIG_SETMASK, &s, NULL);
	sigprocmask(SIG_SETMASK, NULL, &s);
	ok(!sigismember(&s, SIGKILL) && !sigismember(&s, SIGSTOP), "KILL and STOP cannot be blocked");
	sigprocmask(SIG_SETMASK, &old, NULL);

	count = 0;
	set(SIGUSR1, nesting, 0);
	raise(SIGUSR1);
	ok(deepest == 1 && count > 1, "its own signal is blocked while a handler runs");
	count = deepest = 0;
	set(SIGUSR1, nesting, SA_NODEFER);
	raise(SIGUSR1);
	ok(deepest == 4, "but not with SA_NODEFER (depth %d)", (int)deepest);
	struct sigaction sa = { .sa_handler = nesting }, got;
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	ok(sigaction(SIGUSR1, NULL, &got) == 0 && got.sa_handler == nesting && sigismember(&got.sa_mask, SIGUSR2), "sigaction reads back");
	set(SIGUSR1, simple, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &got);
	ok(got.sa_handler == SIG_DFL, "SA_RESETHAND");

	/* ignored */
	raise(SIGCHLD);
	signal(SIGUSR1, SIG_IGN);
	ok(raise(SIGUSR1) == 0, "an ignored signal does nothing");
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	signal(SIGUSR1, simple);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	sigpending(&pend);
	ok(!sigismember(&pend, SIGUSR1), "ignoring throws away what is pending");
	sigprocmask(SIG_UNBLOCK, &s, NULL);

	/* errors */
	ok_errno(syscall(SYS_rt_sigaction, SIGKILL, &(long[4]){ 0 }, NULL, 8), EINVAL, "no handler for SIGKILL");
	ok_errno(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL, "no signal 65");
	ok_errno(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL, "a wrong size of the set");
	ok_errno(kill(getpid(), 65), EINVAL, "kill with 65");
	ok_errno(kill(4194303, SIGTERM), ESRCH, "kill of nobody");
	ok(kill(getpid(), 0) == 0, "signal 0 only asks");
	ok_errno(syscall(SYS_tgkill, getpid(), 0, SIGUSR1), EINVAL, "tgkill of thread 0");
	ok_errno(syscall(SYS_tgkill, 1, syscall(SYS_gettid), SIGUSR1), ESRCH, "tgkill with the wrong group");

	/* default actions */
	ok(death(SIGTERM) == SIGTERM && death(SIGHUP) == SIGHUP && death(SIGALRM) == SIGALRM && death(SIGRTMIN) == SIGRTMIN, "termination");
	ok(death(SIGQUIT) == SIGQUIT && death(SIGABRT) == SIGABRT && death(SIGSEGV) == SIGSEGV, "core signals end it too");
	ok(death(SIGCHLD) == 0 && death(SIGURG) == 0 && death(SIGWINCH) == 0 && death(SIGCONT) == 0, "some are ignored");
	pid = fork();
	if (!pid) {
		signal(SIGKILL, SIG_IGN);
		raise(SIGKILL);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "SIGKILL cannot be ignored");

	/* faults */
	set_info(SIGSEGV, jump, 0);
	if (!sigsetjmp(env, 1))
		*(volatile int *)8 = 1;
	ok(info.si_signo == SIGSEGV && info.si_code == SEGV_MAPERR && info.si_addr == (void *)8, "SEGV_MAPERR with the address");
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!sigsetjmp(env, 1))
		page[5] = 1;
	ok(info.si_code == SEGV_ACCERR && info.si_addr == page + 5, "SEGV_ACCERR");
	FILE *f = tmpfile();
	char *beyond = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(f), 0);
	set_info(SIGBUS, jump, 0);
	if (!sigsetjmp(env, 1))
		st = *(volatile char *)(beyond + 4096);
	ok(info.si_signo == SIGBUS && info.si_code == BUS_ADRERR && info.si_addr == beyond + 4096, "SIGBUS behind the end of a file");
	set_info(SIGILL, jump, 0);
	set_info(SIGTRAP, jump, 0);	/* which of the two is the compiler's choice */
	if (!sigsetjmp(env, 1))
		__builtin_trap();
	ok(info.si_signo == SIGILL || info.si_signo == SIGTRAP, "an illegal instruction");
#ifdef __x86_64__
	set_info(SIGFPE, jump, 0);
	if (!sigsetjmp(env, 1)) {
		volatile int zero = 0;

		zero = 1000 / zero;
	}
	ok(info.si_signo == SIGFPE && info.si_code == FPE_INTDIV, "division by zero");
	set_info(SIGTRAP, full, 0);
	__asm__ volatile("int3");
	ok(info.si_signo == SIGTRAP && info.si_code == SI_KERNEL, "int3");
#else
	ok(1, "no integer division traps");
	ok(1, "no int3");
#endif
	/* a blocked fault kills */
	pid = fork();
	if (!pid) {
		set(SIGSEGV, simple, 0);
		sigfillset(&s);
		sigprocmask(SIG_SETMASK, &s, NULL);
		*(volatile int *)8 = 1;
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV, "a fault whose signal is blocked kills");
	pid = fork();
	if (!pid) {
		signal(SIGSEGV, SIG_IGN);
		*(volatile int *)8 = 1;
		_exit(0);
	}
	waitpid(pid, &st, 0);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV, "or is ignored");

	/* real-time: queued, in order */
	set_info(SIGRTMIN + 1, full, 0);
	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	count = 0;
	for (int i = 0; i < 5; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i });
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	ok(count == 5, "real-time signals are queued each");
	ok(info.si_value.sival_int == 4, "in order");

	/* lowest first */
	static int order[4], n;
	(void)order; (void)n;
	set(SIGUSR1, simple, 0);
	set(SIGRTMIN, simple, 0);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGRTMIN);
	raise(SIGUSR1);
	count = 0;
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	ok(count == 2 && last == SIGUSR1, "both frames are pushed, the first pushed runs last");

	/* SIGPIPE */
	int fds[2];
	set(SIGPIPE, simple, 0);
	count = 0;
	if (pipe(fds))
		bail("pipe");
	close(fds[0]);
	ok(write(fds[1], "x", 1) == -1 && errno == EPIPE && count == 1 && last == SIGPIPE, "SIGPIPE and EPIPE");
	ok(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &(siginfo_t){ .si_code = SI_QUEUE }) == 0, "rt_tgsigqueueinfo");
	pid = fork();
	if (!pid) {
		siginfo_t fake = { .si_code = SI_USER };

		_exit(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &fake) == -1 && errno == EPERM ? 0 : 1);
	}
	waitpid(pid, &st, 0);
	ok(WEXITSTATUS(st) == 0, "nobody can pretend to be kill(2) to others");
	return done();
}
