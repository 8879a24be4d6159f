/* SPDX-License-Identifier: MIT */
/* Default dispositions: every signal ends, dumps, stops, continues or is ignored, as signal(7) says, whatever the program is doing. */
#include "harness.h"
#include "child.h"
#include <sys/resource.h>

static int busy;	/* what the child does when the signal comes */
static struct gate ready, never;

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	gate_open(&ready);
	if (busy == 1)
		for (volatile unsigned long i = 0;; i++)
			;
	if (busy == 2)
		gate_wait(&never);
	for (;;)
		pause();
}

static int dies_of(int sig)
{
	pid_t pid = start();
	int st;

	gate_wait(&ready);
	kill(pid, sig);
	if (waitpid(pid, &st, 0) != pid)
		return 0;
	return WIFSIGNALED(st) && WTERMSIG(st) == sig;
}

static int ignores(int sig)
{
	pid_t pid = start();
	int st, r;

	gate_wait(&ready);
	kill(pid, sig);
	kill(pid, sig);
	r = waitpid(pid, &st, WNOHANG | WUNTRACED) == 0;
	kill(pid, SIGTERM);
	return r && exit_of(pid) == 1000 + SIGTERM;
}

static int stops(int sig)
{
	pid_t pid = start();
	int st, r;

	gate_wait(&ready);
	setpgid(pid, 0);
	kill(pid, sig);
	r = waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == sig;
	kill(pid, SIGCONT);
	r &= waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st);
	kill(pid, SIGKILL);
	return r && exit_of(pid) == 1000 + SIGKILL;
}

int main(void)
{
	static const int term[] = { SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT, SIGVTALRM, SIGPROF, SIGIO, SIGPWR };
	static const int core[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS };
	static const int ign[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };
	struct rlimit none = { 0, 0 };
	int bad = 0, st;
	pid_t pid;

	plan(11);
	setrlimit(RLIMIT_CORE, &none);
	gate_init(&ready);
	gate_init(&never);
	for (unsigned i = 0; i < sizeof(term) / sizeof(term[0]); i++)
		bad += !dies_of(term[i]);
	ok(!bad, "thirteen end it");
	for (unsigned i = bad = 0; i < sizeof(core) / sizeof(core[0]); i++)
		bad += !dies_of(core[i]);
	ok(!bad, "ten end it with a core");
	bad = 0;
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		bad += !dies_of(sig);
	ok(!bad, "real-time signals end it");
	for (unsigned i = bad = 0; i < sizeof(ign) / sizeof(ign[0]); i++)
		bad += !ignores(ign[i]);
	ok(!bad, "four do nothing");
	ok(stops(SIGSTOP), "SIGSTOP stops");
	busy = 1;
	ok(dies_of(SIGTERM) && dies_of(SIGKILL) && stops(SIGSTOP), "while it runs");
	busy = 2;
	ok(dies_of(SIGTERM) && dies_of(SIGKILL) && stops(SIGSTOP), "while it reads");
	/* terminal stops do not stop who is in an orphaned group: our children in a group of their own are not orphaned, a grandchild is */
	busy = 0;
	ok(stops(SIGTSTP), "SIGTSTP stops a member of a group with a parent in the session");
	pid = start();
	gate_wait(&ready);
	kill(pid, SIGSTOP);
	waitpid(pid, &st, WUNTRACED);
	kill(pid, SIGTERM);
	ok(waitpid(pid, &st, WNOHANG) == 0, "a stopped one does not die of SIGTERM");
	kill(pid, SIGCONT);
	ok(exit_of(pid) == 1000 + SIGTERM, "before it goes on");
	/* two at once: the fatal one wins over the one that would stop */
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	pid = fork();
	if (!pid) {
		raise(SIGTERM);
		raise(SIGUSR1);
		sigprocmask(SIG_SETMASK, &old, NULL);
		_exit(0);
	}
	ok(exit_of(pid) == 1000 + SIGUSR1, "of two pending the lower number is first");
	return done();
}
