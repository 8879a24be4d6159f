/* SPDX-License-Identifier: MIT */
/* ptrace(2): TRACEME, system-call stops, memory, registers, events, attach, seize, single step, signals. */
#include "harness.h"
#include <elf.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>
#ifdef __aarch64__
#include <asm/ptrace.h>
#define REGS struct user_pt_regs
#define NR(r) ((long)(r).regs[8])
#define RESULT(r) ((long)(r).regs[0])
#define PC(r) (r).pc
#else
#define REGS struct user_regs_struct
#define NR(r) ((long)(r).orig_rax)
#define RESULT(r) ((long)(r).rax)
#define PC(r) (r).rip
#endif

static volatile long value = 1234;
static volatile int got;
static void handler(int s) { got = s; }

static int regs(pid_t pid, REGS *r)
{
	struct iovec v = { r, sizeof(*r) };

	return (int)ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &v);
}
static pid_t traced(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	return pid;
}
static void call_getppid(void) { syscall(SYS_getppid); }
static void wait_for_value(void) { while (value == 1234) usleep(1000); _exit((int)value); }
static void send_signal(void) { signal(SIGUSR1, handler); raise(SIGUSR1); _exit(got); }
static void do_fork(void) { pid_t p = fork(); if (!p) _exit(7); waitpid(p, NULL, 0); _exit(3); }
static void do_exec(void) { execl("/bin/true", "true", (char *)NULL); execl("/usr/bin/true", "true", (char *)NULL); _exit(9); }
static volatile long *turns;	/* shared with who spins */
static void spin(void) { for (;;) ++*turns; }

int main(void)
{
	struct __ptrace_syscall_info { uint8_t op, pad[3]; uint32_t arch; uint64_t ip, sp, nr, args[6]; } info;
	unsigned long msg;
	siginfo_t si;
	REGS r, r2;
	int st, n;
	pid_t pid;
	long v;

	plan(43);
	pid = traced(call_getppid);
	ok(waitpid(pid, &st, 0) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "a stop for a signal");
	ok(ptrace(PTRACE_GETSIGINFO, pid, NULL, &si) == 0 && si.si_signo == SIGSTOP && si.si_pid == pid, "whose siginfo can be seen");
	ok(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) == 0, "options");
	ok_errno(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)0x40000000), EINVAL, "unknown options");
	for (n = 0; n < 50; n++) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		if (waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st) || WSTOPSIG(st) != (SIGTRAP | 0x80) || regs(pid, &r) || NR(r) == SYS_getppid)
			break;
	}
	ok(WIFSTOPPED(st) && WSTOPSIG(st) == (SIGTRAP | 0x80) && NR(r) == SYS_getppid, "the entry of a system call");
	n = (int)ptrace(0x420e, pid, (void *)sizeof(info), &info);
	ok(n >= 80 && info.op == 1 && info.nr == SYS_getppid && info.ip == PC(r), "PTRACE_GET_SYSCALL_INFO (%d)", n);
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	waitpid(pid, &st, 0);
	ok(regs(pid, &r) == 0 && RESULT(r) == getpid(), "and its exit, with the result");
	ok(ptrace(0x420e, pid, (void *)sizeof(info), &info) > 0 && info.op == 2 && (pid_t)info.nr == getpid(), "exit info");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0, "continue");
	ok(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0, "to the end");
	ok_errno(ptrace(PTRACE_CONT, pid, NULL, NULL), ESRCH, "nobody there any more");

	/* memory */
	pid = traced(wait_for_value);
	waitpid(pid, &st, 0);
	errno = 0;
	v = ptrace(PTRACE_PEEKDATA, pid, (void *)&value, NULL);
	ok(v == 1234 && !errno, "peek");
	ok(ptrace(PTRACE_POKEDATA, pid, (void *)&value, (void *)55L) == 0, "poke");
	errno = 0;
	ok(ptrace(PTRACE_PEEKDATA, pid, (void *)8, NULL) == -1 && errno == EIO, "nothing there to peek");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 55, "the tracee sees it");
	ok(value == 1234, "we do not");

	/* signals */
	pid = traced(send_signal);
	waitpid(pid, &st, 0);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && WSTOPSIG(st) == SIGUSR1, "a stop before its handler");
	ptrace(PTRACE_CONT, pid, NULL, (void *)SIGUSR1);
	ok(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == SIGUSR1, "delivered");
	pid = traced(send_signal);
	waitpid(pid, &st, 0);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	waitpid(pid, &st, 0);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0, "or dropped");

	/* fork event */
	pid = traced(do_fork);
	waitpid(pid, &st, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACEFORK);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && st >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8), "PTRACE_EVENT_FORK");
	ok(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &msg) == 0 && msg > 1, "with the child's number");
	ok(waitpid((pid_t)msg, &st, __WALL) == (pid_t)msg && WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP, "the child is traced");
	ptrace(PTRACE_CONT, (pid_t)msg, NULL, NULL);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid((pid_t)msg, &st, __WALL) == (pid_t)msg && WIFEXITED(st) && WEXITSTATUS(st) == 7, "its end, though it is a grandchild");
	for (n = 0; waitpid(pid, &st, 0) == pid && WIFSTOPPED(st) && n < 5; n++)
		ptrace(PTRACE_CONT, pid, NULL, (void *)(long)(WSTOPSIG(st) == SIGCHLD ? SIGCHLD : 0));
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 3, "the parent waited for it as well");

	/* exec */
	pid = traced(do_exec);
	waitpid(pid, &st, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT));
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && st >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8), "PTRACE_EVENT_EXEC");
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && st >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8), "PTRACE_EVENT_EXIT");
	ok(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &msg) == 0 && msg == 0, "with the status");
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0, "the end");
	pid = traced(do_exec);
	waitpid(pid, &st, 0);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && WSTOPSIG(st) == SIGTRAP, "without options: SIGTRAP after exec");
	ptrace(PTRACE_KILL, pid, NULL, NULL);
	ok(waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL, "PTRACE_KILL");

	/* attach, step, detach */
	turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = fork();
	if (!pid)
		spin();
	while (!*turns)		/* into the loop: the steps are to be taken there */
		usleep(1000);
	ok(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0, "attach");
	ok(waitpid(pid, &st, 0) == pid && WSTOPSIG(st) == SIGSTOP, "it stops");
	ok_errno(ptrace(PTRACE_ATTACH, pid, NULL, NULL), EPERM, "only once");
	regs(pid, &r);
	for (n = 0; n < 4; n++) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
		waitpid(pid, &st, 0);
		if (!WIFSTOPPED(st) || WSTOPSIG(st) != SIGTRAP)
			break;
	}
	regs(pid, &r2);
	ok(n == 4, "four single steps");
	ok(ptrace(PTRACE_GETSIGINFO, pid, NULL, &si) == 0 && si.si_code == TRAP_TRACE, "TRAP_TRACE");
	ok(PC(r2) - PC(r) < 64 || PC(r) - PC(r2) < 64, "nearby");
	ok(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0, "detach");
	for (long before = *turns; *turns == before;)
		usleep(1000);
	ok(waitpid(pid, &st, WNOHANG) == 0, "it runs on");

	/* seize, interrupt */
	ok(ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) == 0, "seize");
	ok(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &st, 0) == pid && st >> 8 == (SIGTRAP | PTRACE_EVENT_STOP << 8), "interrupt");
	ok(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0, "go on");
	kill(pid, SIGKILL);
	ok(waitpid(pid, &st, 0) == pid && WTERMSIG(st) == SIGKILL, "SIGKILL ends it");
	ok_errno(ptrace(PTRACE_ATTACH, getpid(), NULL, NULL), EPERM, "not oneself");
	return done();
}
