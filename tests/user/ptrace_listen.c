/* SPDX-License-Identifier: MIT */
/* ptrace(2): group stops of seized tracees, PTRACE_LISTEN; PTRACE_SYSEMU; PTRACE_PEEKSIGINFO. */
#include "harness.h"
#include "child.h"
#include <elf.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __aarch64__
#include <asm/ptrace.h>
#define REGS struct user_pt_regs
#define NR(r) ((long)(r).regs[8])
#define RESULT(r) (r).regs[0]
#else
#define REGS struct user_regs_struct
#define NR(r) ((long)(r).orig_rax)
#define RESULT(r) (r).rax
#endif
/* glibc's enum has not all of them on all machines. */
#define LISTEN ((enum __ptrace_request)0x4208)
#define PEEK_SIGINFO ((enum __ptrace_request)0x4209)
#define SYSEMU ((enum __ptrace_request)31)
#define SYSEMU_STEP ((enum __ptrace_request)32)
#define EVENT_STOP(sig) ((sig) << 8 | 0x7f | 128 << 16)

static int regs(pid_t pid, REGS *r, int set)
{
	struct iovec v = { r, sizeof(*r) };

	return (int)ptrace(set ? PTRACE_SETREGSET : PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v);
}

/* The next stop's status; -1: there is none now. */
static int now(pid_t pid)
{
	int st;

	return waitpid(pid, &st, WNOHANG) == pid ? st : -1;
}
static int next(pid_t pid)
{
	int st;

	return waitpid(pid, &st, 0) == pid ? st : -1;
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);	/* no orphaned group, in which SIGTSTP would do nothing */
		for (;;)
			pause();
	}
	wait_sleeping(pid);
	return pid;
}

/* A seized one in a group stop that its tracer knows of. */
static pid_t stopped(void)
{
	pid_t pid = sleeper();

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL))
		bail("PTRACE_SEIZE");
	kill(pid, SIGSTOP);
	if (next(pid) != (SIGSTOP << 8 | 0x7f) || ptrace(PTRACE_CONT, pid, NULL, (void *)SIGSTOP) || next(pid) != EVENT_STOP(SIGSTOP))
		bail("no group stop");
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == pid)
		;
}

static void listening(void)
{
	REGS r;
	int st;
	pid_t pid = stopped();

	ok(ptrace(LISTEN, pid, NULL, NULL) == 0, "PTRACE_LISTEN in a group stop");
	ok(now(pid) == -1, "it is not reported again");
	ok(regs(pid, &r, 0) == -1 && errno == ESRCH, "requests find no stop");
	ok_errno(ptrace(PTRACE_CONT, pid, NULL, NULL), ESRCH, "it cannot be continued");
	ok_errno(ptrace(LISTEN, pid, NULL, NULL), ESRCH, "nor listen once more");
	kill(pid, SIGCONT);
	ok(next(pid) == EVENT_STOP(SIGTRAP), "SIGCONT: a stop that is no group stop");
	ok(regs(pid, &r, 0) == 0 && ptrace(PTRACE_CONT, pid, NULL, NULL) == 0, "from which it continues");
	ok(next(pid) == (SIGCONT << 8 | 0x7f), "to the delivery of SIGCONT");
	ok(ptrace(PTRACE_CONT, pid, NULL, (void *)SIGCONT) == 0 && wait_sleeping(pid) && now(pid) == -1, "and then it runs");
	end(pid);

	pid = stopped();
	ok(ptrace(LISTEN, pid, NULL, NULL) == 0 && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && next(pid) == EVENT_STOP(SIGSTOP),
	   "PTRACE_INTERRUPT: the group stop is reported again");
	ok(ptrace(LISTEN, pid, NULL, NULL) == 0, "it may listen again");
	kill(pid, SIGUSR1);
	ok(now(pid) == -1, "no other signal wakes it");
	kill(pid, SIGKILL);
	ok(next(pid) == SIGKILL, "but SIGKILL");

	pid = stopped();
	kill(pid, SIGCONT);
	ok(now(pid) == -1, "SIGCONT before it listens: nothing yet");
	ok(ptrace(LISTEN, pid, NULL, NULL) == 0 && next(pid) == EVENT_STOP(SIGTRAP), "then it is told at once");
	end(pid);

	pid = stopped();
	kill(pid, SIGCONT);
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && next(pid) == EVENT_STOP(SIGTRAP), "or when it is continued");
	end(pid);

	/* Not in other stops, and not of one that was attached to. */
	pid = sleeper();
	ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	ok_errno(ptrace(LISTEN, pid, NULL, NULL), ESRCH, "not while it runs");
	kill(pid, SIGUSR2);
	ok(next(pid) == (SIGUSR2 << 8 | 0x7f) && ptrace(LISTEN, pid, NULL, NULL) == -1 && errno == EIO, "not where a signal is delivered");
	ok(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && now(pid) == -1, "an interruption of one that is stopped anyway waits");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && next(pid) == EVENT_STOP(SIGTRAP), "until it is continued");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && wait_sleeping(pid) && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && next(pid) == EVENT_STOP(SIGTRAP),
	   "an interrupted one stops");
	ok(ptrace(LISTEN, pid, NULL, NULL) == 0 && now(pid) == -1, "and may listen, though nothing has stopped it");
	kill(pid, SIGCONT);
	ok(next(pid) == EVENT_STOP(SIGTRAP), "until a SIGCONT");
	end(pid);
	pid = sleeper();
	ptrace(PTRACE_ATTACH, pid, NULL, NULL);
	ok(next(pid) == (SIGSTOP << 8 | 0x7f) && ptrace(LISTEN, pid, NULL, NULL) == -1 && errno == EIO, "not of one that was attached to");
	end(pid);

	/* A running one hears of SIGCONT, too. */
	pid = sleeper();
	ptrace(PTRACE_SEIZE, pid, NULL, NULL);
	kill(pid, SIGCONT);
	ok(next(pid) == EVENT_STOP(SIGTRAP), "SIGCONT for one that was not stopped: a stop");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && next(pid) == (SIGCONT << 8 | 0x7f), "before its delivery");
	end(pid);

	/* Seized while it is stopped. */
	pid = sleeper();
	kill(pid, SIGTSTP);
	waitpid(pid, &st, WUNTRACED);
	ok(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0 && next(pid) == EVENT_STOP(SIGTSTP), "seized while stopped: the stop's signal is told");
	ok(ptrace(LISTEN, pid, NULL, NULL) == 0, "it may listen");
	end(pid);
}

/* Its tracer ends while it listens: the stop goes on, without one. */
static void left(void)
{
	int p[2], st;
	pid_t pid = sleeper(), tracer;
	char c;

	if (pipe(p))
		bail("pipe");
	tracer = fork();
	if (tracer == 0) {
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) || kill(pid, SIGSTOP) || next(pid) != (SIGSTOP << 8 | 0x7f) ||
		    ptrace(PTRACE_CONT, pid, NULL, (void *)SIGSTOP) || next(pid) != EVENT_STOP(SIGSTOP) || ptrace(LISTEN, pid, NULL, NULL))
			_exit(1);
		_exit(write(p[1], "x", 1) == 1 ? 0 : 1);
	}
	ok(read(p[0], &c, 1) == 1 && exit_of(tracer) == 0, "a tracer leaves one that listens");
	ok(wait_state(pid, 0, 'T') && waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "it stays stopped");
	kill(pid, SIGCONT);
	ok(waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st) && wait_sleeping(pid), "until it is continued");
	end(pid);
}

static void emulated(void)
{
	pid_t pid = fork();
	REGS r;
	int st, ok_all = 1;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(syscall(SYS_getppid) == 4711 && syscall(SYS_getppid) == getppid() ? 7 : 8);
	}
	next(pid);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD);
	for (int i = 0; i < 20; i++) {	/* through what raise() has to do yet */
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		st = next(pid);
		if (!WIFSTOPPED(st) || WSTOPSIG(st) != (SIGTRAP | 0x80) || regs(pid, &r, 0))
			break;
		if (NR(r) == SYS_getppid)
			break;
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		st = next(pid);
	}
	/* It is too late for this one: it was entered by PTRACE_SYSCALL.  Its result is changed where it ends. */
	ok(NR(r) == SYS_getppid, "at a system call");
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	next(pid);
	ok_all &= regs(pid, &r, 0) == 0;
	RESULT(r) = 4711;
	ok_all &= regs(pid, &r, 1) == 0;
	ok(ok_all && ptrace(SYSEMU, pid, NULL, NULL) == 0, "PTRACE_SYSEMU");
	st = next(pid);
	ok(WIFSTOPPED(st) && WSTOPSIG(st) == (SIGTRAP | 0x80) && regs(pid, &r, 0) == 0 && NR(r) == SYS_getppid, "stops where a call begins");
	RESULT(r) = (unsigned long)getpid();
	ok(regs(pid, &r, 1) == 0 && ptrace(SYSEMU, pid, NULL, NULL) == 0, "whose result the tracer says");
	st = next(pid);
	ok(WIFSTOPPED(st) && regs(pid, &r, 0) == 0 && NR(r) == SYS_getppid, "there is no stop at its end: the next call begins");
	RESULT(r) = (unsigned long)getpid();
	regs(pid, &r, 1);
	ok(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0, "PTRACE_SYSCALL instead");
	st = next(pid);
	ok(regs(pid, &r, 0) == 0 && NR(r) == SYS_getppid && RESULT(r) == (unsigned long)getpid(), "stops at the end of the call that was not made");
	ptrace(SYSEMU, pid, NULL, NULL);
	st = next(pid);
	ok(WIFSTOPPED(st) && regs(pid, &r, 0) == 0 && NR(r) == SYS_exit_group, "exit_group");
	ptrace(SYSEMU_STEP, pid, NULL, NULL);
	st = next(pid);
	ok(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP && kill(pid, 0) == 0, "is not made either, and PTRACE_SYSEMU_SINGLESTEP steps behind it");
	end(pid);
}

static void peek(void)
{
	struct { uint64_t off; uint32_t flags; int32_t nr; } args = { 0, 0, 4 };
	siginfo_t si[4];
	sigset_t set;
	pid_t pid = fork();

	if (pid == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGRTMIN);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		for (int i = 0; i < 3; i++)
			sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 100 + i });
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
		raise(SIGSTOP);
		_exit(0);
	}
	next(pid);
	ok(ptrace(PEEK_SIGINFO, pid, &args, si) == 1 && si[0].si_signo == SIGUSR1, "PTRACE_PEEKSIGINFO: the thread's own");
	args.flags = 1;
	ok(ptrace(PEEK_SIGINFO, pid, &args, si) == 3 && si[0].si_signo == SIGRTMIN && si[0].si_value.sival_int == 100 &&
	   si[2].si_value.sival_int == 102, "the process's");
	args.off = 1;
	args.nr = 1;
	ok(ptrace(PEEK_SIGINFO, pid, &args, si) == 1 && si[0].si_value.sival_int == 101, "from one on");
	args.off = 9;
	ok(ptrace(PEEK_SIGINFO, pid, &args, si) == 0, "behind the last: none");
	args.off = 1ull << 40;
	ok(ptrace(PEEK_SIGINFO, pid, &args, si) == 0, "far behind it");
	args.off = 0;
	args.flags = 2;
	ok_errno(ptrace(PEEK_SIGINFO, pid, &args, si), EINVAL, "an unknown flag");
	args.flags = 1;
	args.nr = -1;
	ok_errno(ptrace(PEEK_SIGINFO, pid, &args, si), EINVAL, "a negative number");
	args.nr = 3;
	ok_errno(ptrace(PEEK_SIGINFO, pid, &args, (void *)8), EFAULT, "nowhere to put them");
	ok_errno(ptrace(PEEK_SIGINFO, pid, (void *)8, si), EFAULT, "no arguments");
	end(pid);
}

int main(void)
{
	plan(49);
	listening();
	left();
	emulated();
	peek();
	return done();
}
