/* SPDX-License-Identifier: MIT */
/*
 * seccomp(2) and prctl(PR_SET_SECCOMP): strict mode; filters: what is refused
 * as a program, every answer a filter can give, several at once, inheritance,
 * threads, a tracer that is asked.
 */
#include "harness.h"
#include "child.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <ucontext.h>

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif
#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH 16
#endif
enum { LEGAL = 0, NR = offsetof(struct seccomp_data, nr), ARG0 = offsetof(struct seccomp_data, args) };
#define STMT(code, k) BPF_STMT((unsigned short)(code), (unsigned)(k))
#define JUMP(code, k, t, f) BPF_JUMP((unsigned short)(code), (unsigned)(k), t, f)
#define LOAD(at) STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(k) STMT(BPF_RET | BPF_K, k)
#define COUNT(a) ((unsigned short)(sizeof(a) / sizeof((a)[0])))

static int seccomp(unsigned op, unsigned flags, void *args) { return (int)syscall(SYS_seccomp, op, flags, args); }
static int load_n(unsigned flags, struct sock_filter *f, unsigned short n)
{
	struct sock_fprog p = { n, f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return seccomp(SECCOMP_SET_MODE_FILTER, flags, &p);
}
/* The call nr gets this answer, all others pass. */
static int answer_flags(unsigned flags, long nr, unsigned answer)
{
	struct sock_filter f[] = { LOAD(NR), JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), RETURN(answer), RETURN(SECCOMP_RET_ALLOW) };

	return load_n(flags, f, COUNT(f));
}
static int answer(long nr, unsigned a) { return answer_flags(0, nr, a); }
#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))
/* 1: taken, 0: EINVAL, -1: something else. */
static int takes(struct sock_filter *f, unsigned short n)
{
	return in_child(load_n(0, f, n) == 0 ? 1 : errno == EINVAL ? 0 : 2);
}
#define TAKES(...) ({ struct sock_filter f_[] = { __VA_ARGS__ }; takes(f_, COUNT(f_)); })
/* What the program makes of getppid(): the errno it computes. */
#define COMPUTES(...) ({ struct sock_filter f_[] = { LOAD(NR), JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), RETURN(SECCOMP_RET_ALLOW), __VA_ARGS__, \
	STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff), STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), STMT(BPF_RET | BPF_A, 0) }; \
	in_child(load_n(0, f_, COUNT(f_)) ? 255 : (errno = 0, syscall(SYS_getppid) == -1 ? errno : 254)); })

static void programs(void)
{
	static struct sock_filter big[4097];

	ok(TAKES(RETURN(SECCOMP_RET_ALLOW)) == 1, "the shortest program");
	ok(TAKES(LOAD(NR)) == 0, "one that does not return");
	ok(TAKES(STMT(BPF_JMP | BPF_JA, 1), RETURN(SECCOMP_RET_ALLOW)) == 0, "a jump to behind the end");
	ok(TAKES(STMT(BPF_JMP | BPF_JA, -1), RETURN(SECCOMP_RET_ALLOW)) == 0, "or backwards");
	ok(TAKES(JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RETURN(SECCOMP_RET_ALLOW)) == 0, "a branch to behind the end");
	ok(TAKES(LOAD(sizeof(struct seccomp_data)), RETURN(SECCOMP_RET_ALLOW)) == 0, "a load from behind the data");
	ok(TAKES(LOAD(2), RETURN(SECCOMP_RET_ALLOW)) == 0, "an unaligned one");
	ok(TAKES(STMT(BPF_LD | BPF_B | BPF_ABS, 0), RETURN(SECCOMP_RET_ALLOW)) == 0, "of a byte");
	ok(TAKES(STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN(SECCOMP_RET_ALLOW)) == 0, "at the index");
	ok(TAKES(STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(SECCOMP_RET_ALLOW)) == 0, "a division by zero");
	ok(TAKES(STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(SECCOMP_RET_ALLOW)) == 0, "a remainder");
	ok(TAKES(STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(SECCOMP_RET_ALLOW)) == 0, "a shift by 32");
	ok(TAKES(STMT(BPF_LD | BPF_MEM, 3), RETURN(SECCOMP_RET_ALLOW)) == 0, "a cell that was not stored");
	ok(TAKES(STMT(BPF_ST, 16), RETURN(SECCOMP_RET_ALLOW)) == 0, "a seventeenth cell");
	ok(TAKES(LOAD(NR), JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), STMT(BPF_ST, 3), STMT(BPF_LD | BPF_MEM, 3), RETURN(SECCOMP_RET_ALLOW)) == 0, "stored on one of two ways");
	ok(TAKES(LOAD(NR), JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 2), STMT(BPF_ST, 3), STMT(BPF_JMP | BPF_JA, 1), STMT(BPF_ST, 3), STMT(BPF_LD | BPF_MEM, 3), RETURN(SECCOMP_RET_ALLOW)) == 1, "on both");
	ok(TAKES(STMT(0x1234, 0), RETURN(SECCOMP_RET_ALLOW)) == 0, "no instruction at all");
	for (unsigned i = 0; i < 4097; i++)
		big[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	ok(takes(big, 4096) == 1 && takes(big, 4097) == 0, "4096 instructions, not more");
	ok(in_child(({ int n = 0; while (load_n(0, big, 4096) == 0) n++; n >= 3 && n <= 7 && errno == ENOMEM ? 0 : 1; })) == 0, "32768 of all filters together, in whatever form the kernel keeps them");

	ok(COMPUTES(STMT(BPF_LD | BPF_IMM, 7), STMT(BPF_MISC | BPF_TAX, 0), STMT(BPF_LD | BPF_IMM, 100), STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		STMT(BPF_ALU | BPF_MUL | BPF_K, 5), STMT(BPF_ALU | BPF_DIV | BPF_X, 0), STMT(BPF_ALU | BPF_ADD | BPF_K, 4), STMT(BPF_ALU | BPF_XOR | BPF_K, 3)) == 69, "arithmetic");
	ok(COMPUTES(STMT(BPF_LD | BPF_IMM, 1), STMT(BPF_ALU | BPF_LSH | BPF_K, 6), STMT(BPF_ST, 15), STMT(BPF_ALU | BPF_NEG, 0), STMT(BPF_ALU | BPF_RSH | BPF_K, 28),
		STMT(BPF_LDX | BPF_MEM, 15), STMT(BPF_ALU | BPF_OR | BPF_X, 0)) == 79, "shifts, negation, a cell");
	ok(COMPUTES(STMT(BPF_LD | BPF_W | BPF_LEN, 0), STMT(BPF_LDX | BPF_W | BPF_LEN, 0), STMT(BPF_ALU | BPF_AND | BPF_X, 0)) == 64, "the length of the data");
	ok(COMPUTES(STMT(BPF_LD | BPF_IMM, 0x80000000), JUMP(BPF_JMP | BPF_JGT | BPF_K, 5, 0, 3), JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000, 0, 2), JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x80000001, 0, 1),
		STMT(BPF_JMP | BPF_JA, 1), STMT(BPF_LD | BPF_IMM, 9), STMT(BPF_ALU | BPF_OR | BPF_K, 33)) == 33, "comparisons are unsigned");
	ok(COMPUTES(LOAD(offsetof(struct seccomp_data, arch)), JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 1), STMT(BPF_LD | BPF_IMM, 21)) == 21, "the architecture");
	ok(in_child(({ struct sock_filter f[] = { LOAD(NR), JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0), RETURN(SECCOMP_RET_ALLOW), STMT(BPF_LDX | BPF_IMM, 0), STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RETURN(SECCOMP_RET_ALLOW) };
		load_n(0, f, COUNT(f)); (int)syscall(SYS_getppid); })) == 1000 + SIGSYS, "dividing by an index of zero: 0, which kills");
}

static void refusals(void)
{
	struct sock_filter allow[] = { RETURN(SECCOMP_RET_ALLOW) };
	struct sock_fprog p = { 1, allow }, none = { 0, allow }, bad = { 1, (void *)8 };
	unsigned a = SECCOMP_RET_TRAP, odd = 0x12340000;

	ok_errno(seccomp(99, 0, NULL), EINVAL, "no such operation");
	ok_errno(seccomp(SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL, "strict mode has no flags");
	ok_errno(seccomp(SECCOMP_SET_MODE_STRICT, 0, &p), EINVAL, "nor arguments");
	ok_errno(seccomp(SECCOMP_SET_MODE_FILTER, 0, NULL), EFAULT, "a filter from nowhere");
	ok_errno(seccomp(SECCOMP_SET_MODE_FILTER, 0x8000, &p), EINVAL, "an unknown flag");
	ok_errno(seccomp(SECCOMP_SET_MODE_FILTER, 0, &none), EINVAL, "an empty one");
	ok_errno(seccomp(SECCOMP_SET_MODE_FILTER, 0, &bad), EFAULT, "instructions from nowhere");
	ok(in_child(setresuid(1000, 1000, 1000) || seccomp(SECCOMP_SET_MODE_FILTER, 0, &p) != -1 || errno != EACCES) == 0, "who may gain privileges by execve has to give that up first");
	ok(in_child(setresuid(1000, 1000, 1000) || seccomp(SECCOMP_SET_MODE_FILTER, 0, &none) != -1 || errno != EINVAL) == 0, "an empty one is seen before");
	ok(in_child(seccomp(SECCOMP_SET_MODE_FILTER, 0, &p)) == 0, "root need not");
	ok(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &a) == 0, "an action that there is");
	ok_errno(seccomp(SECCOMP_GET_ACTION_AVAIL, 0, &odd), EOPNOTSUPP, "one that there is not");
	ok_errno(seccomp(SECCOMP_GET_ACTION_AVAIL, 1, &a), EINVAL, "asked with a flag");
	ok_errno(prctl(PR_SET_SECCOMP, 7, 0, 0, 0), EINVAL, "no such mode");
	ok(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0, "none so far");
}

static void strict(void)
{
	int p[2];
	char c;

	if (pipe(p))
		bail("pipe");
	ok(in_child((seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL), write(p[1], "w", 1), read(p[0], &c, 1), syscall(SYS_exit, c == 'w' ? 33 : 34))) == 33, "strict: read, write and exit are left");
	ok(in_child((prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), syscall(SYS_getpid), syscall(SYS_exit, 0))) == 1000 + SIGKILL, "anything else kills");
	ok(in_child(({ answer(SYS_getppid, ERRNO(5)); seccomp(SECCOMP_SET_MODE_STRICT, 0, NULL) == -1 && errno == EINVAL ? 0 : 1; })) == 0, "not after a filter");
}

static volatile sig_atomic_t traps;
static siginfo_t seen;
static void on_sys(int sig, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;

	(void)sig;
	seen = *si;
	traps++;
#ifdef __x86_64__
	seen.si_errno += uc->uc_mcontext.gregs[REG_RAX] == SYS_getppid ? 100 : 0;
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
#else
	seen.si_errno += uc->uc_mcontext.regs[8] == SYS_getppid ? 100 : 0;
	uc->uc_mcontext.regs[0] = 4711;
#endif
}
static int trap(void)
{
	struct sigaction sa = { .sa_sigaction = on_sys, .sa_flags = SA_SIGINFO };

	sigaction(SIGSYS, &sa, NULL);
	if (answer(SYS_getppid, SECCOMP_RET_TRAP | 21) || syscall(SYS_getppid) != 4711 || traps != 1)
		return 1;
	if (seen.si_signo != SIGSYS || seen.si_code != 1 || seen.si_errno != 121)
		return 2;
	return seen.si_syscall == SYS_getppid && seen.si_arch == ARCH && seen.si_call_addr ? 0 : 3;
}
static int trap_blocked(void)
{
	sigset_t s;

	signal(SIGSYS, SIG_IGN);
	sigfillset(&s);
	sigprocmask(SIG_BLOCK, &s, NULL);
	answer(SYS_getppid, SECCOMP_RET_TRAP);
	syscall(SYS_getppid);
	return 0;
}
static int fine(void) { return (int)syscall(SYS_getppid) > 0 ? 0 : errno; }

static void answers(void)
{
	ok(in_child((answer(SYS_getppid, ERRNO(77)), fine())) == 77, "ERRNO");
	ok(in_child((answer(SYS_getppid, ERRNO(0)), (int)syscall(SYS_getppid))) == 0, "ERRNO 0 is a result of 0");
	ok(in_child((answer(SYS_getppid, ERRNO(0xffff)), syscall(SYS_getppid) == -1 && errno == 4095 ? 0 : 1)) == 0, "no more than 4095");
	ok(in_child(({ struct sock_filter f[] = { LOAD(NR), JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_dup, 0, 3), LOAD(ARG0), JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), RETURN(ERRNO(EPERM)), RETURN(SECCOMP_RET_ALLOW) };
		load_n(0, f, COUNT(f)) || dup(1) != -1 || errno != EPERM || dup(2) < 0; })) == 0, "by argument");
	ok(in_child(trap()) == 0, "TRAP: the handler learns all, and makes the result");
	ok(in_child(trap_blocked()) == 1000 + SIGSYS, "which cannot be blocked nor ignored");
	ok(in_child((answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS), fine())) == 1000 + SIGSYS, "KILL_PROCESS");
	ok(in_child((signal(SIGSYS, (void (*)(int))on_sys), answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS), fine())) == 1000 + SIGSYS, "whatever handler there is");
	ok(in_child((answer(SYS_getppid, SECCOMP_RET_KILL_THREAD), fine())) == 1000 + SIGSYS, "KILL_THREAD of the only one");
	ok(in_child((answer(SYS_getppid, 0x77770000), fine())) == 1000 + SIGSYS, "an answer that there is not kills");
	ok(in_child((answer(SYS_getppid, SECCOMP_RET_LOG), fine())) == 0, "LOG passes");
	ok(in_child((answer(SYS_getppid, SECCOMP_RET_TRACE), fine())) == ENOSYS, "TRACE without a tracer: ENOSYS");
	ok(in_child((answer(SYS_getppid, 0x7fc00000), fine())) == ENOSYS, "USER_NOTIF without a listener: ENOSYS");
	ok(in_child((answer(4000, ERRNO(9)), syscall(4000) == -1 && errno == 9 ? 0 : 1)) == 0, "of a call that there is not");
	/* several */
	ok(in_child((answer(SYS_getppid, ERRNO(1)), answer(SYS_getppid, SECCOMP_RET_ALLOW), fine())) == 1, "the more severe of two answers counts");
	ok(in_child((answer(SYS_getppid, ERRNO(1)), answer(SYS_getppid, ERRNO(2)), fine())) == 2, "of two that are equal, the newer filter's");
	ok(in_child((answer(SYS_getppid, SECCOMP_RET_TRACE), answer(SYS_getppid, SECCOMP_RET_LOG), answer(SYS_getppid, ERRNO(3)), fine())) == 3, "ERRNO over TRACE over LOG");
	ok(in_child((answer(SYS_getppid, SECCOMP_RET_KILL_PROCESS), answer(SYS_getppid, ERRNO(3)), fine())) == 1000 + SIGSYS, "KILL_PROCESS over all");
	ok(in_child((answer(SYS_seccomp, ERRNO(8)), answer(SYS_getppid, ERRNO(1)) == -1 && errno == 8 ? 0 : 1)) == 0, "also of the call itself");
}

static int status_line(const char *name)
{
	char line[128];
	FILE *f = fopen("/proc/self/status", "r");
	int n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			n = atoi(line + strlen(name));
	if (f)
		fclose(f);
	return n;
}

static struct gate go, told;
static volatile int in_thread;
static void *asks(void *arg)
{
	gate_open(&told);
	gate_wait(&go);
	in_thread = fine();
	return arg;
}
static void *own_filter(void *arg)
{
	answer(SYS_getppid, ERRNO(50));
	return asks(arg);
}
static void *dies(void *arg) { fine(); return arg; }
static int threads_with(unsigned flags, void *(*fn)(void *), int *result)
{
	pthread_t t;

	gate_init(&go);
	gate_init(&told);
	pthread_create(&t, NULL, fn, NULL);
	gate_wait(&told);
	*result = answer_flags(flags, SYS_getppid, ERRNO(44));
	int err = errno;
	gate_open(&go);
	pthread_join(t, NULL);
	errno = err;
	return in_thread;
}

static void inheritance(const char *self)
{
	int r;

	ok(in_child((answer(SYS_getppid, ERRNO(61)), in_child(fine()))) == 61, "a child has its parent's filter");
	ok(in_child((answer(SYS_getppid, ERRNO(62)), execl(self, "x", "child", (char *)NULL), 99)) == 62, "execve keeps it");
	ok(in_child((answer(SYS_getppid, ERRNO(1)), answer(SYS_getppid, ERRNO(1)), prctl(PR_GET_SECCOMP) == 2 && status_line("Seccomp:") == 2 && status_line("Seccomp_filters:") == 2 ? 0 : 1)) == 0, "prctl and /proc tell the mode and how many");
	ok(in_child(({ pthread_t t; void *v = &t; answer(SYS_getppid, SECCOMP_RET_KILL_THREAD); pthread_create(&t, NULL, dies, NULL); (void)v; while (task_state(getpid(), 0) && status_line("Threads:") != 1) usleep(1000); 17; })) == 17, "KILL_THREAD leaves the others");
	ok(in_child(threads_with(0, asks, &r) == 0 && r == 0 ? 0 : 1) == 0, "other threads do not have it");
	ok(in_child(threads_with(SECCOMP_FILTER_FLAG_TSYNC, asks, &r) == 44 && r == 0 ? 0 : 1) == 0, "with TSYNC they do");
	ok(in_child(threads_with(SECCOMP_FILTER_FLAG_TSYNC, own_filter, &r) == 50 && r > 0 && r != getpid() && fine() == 0 ? 0 : 1) == 0, "not if one has its own: that is told, and nobody gets it");
	ok(in_child(threads_with(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, own_filter, &r) == 50 && r == -1 && errno == ESRCH ? 0 : 1) == 0, "as ESRCH, if wanted");
	ok(in_child((answer(SYS_getuid, ERRNO(1)), threads_with(SECCOMP_FILTER_FLAG_TSYNC, asks, &r) == 44 && r == 0 ? 0 : 1)) == 0, "one with an older filter of ours is no hindrance");
}

static void tracer(void)
{
	unsigned long message = 0;
	int st;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		answer(SYS_getppid, SECCOMP_RET_TRACE | 0x55);
		if (syscall(SYS_getppid) != getppid() + 0L * 2)
			_exit(1);
		_exit(syscall(SYS_getppid) > 0 ? 5 : 6);
	}
	waitpid(pid, &st, 0);
	ok(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL) == 0, "PTRACE_O_TRACESECCOMP");
	ptrace(PTRACE_CONT, pid, 0, 0);
	ok(waitpid(pid, &st, 0) == pid && WIFSTOPPED(st) && st >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8), "TRACE stops it before the call");
	ok(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message) == 0 && message == 0x55, "the filter's word is told");
	struct { uint8_t op, pad[3]; uint32_t arch; uint64_t ip, sp, nr, args[6]; uint32_t data, more; } info;
	ok(ptrace(0x420e /* PTRACE_GET_SYSCALL_INFO */, pid, sizeof(info), &info) >= 84 && info.op == 3 && info.nr == SYS_getppid && info.data == 0x55,
	   "PTRACE_GET_SYSCALL_INFO tells it with the call");
	for (int i = 0; i < 2; i++) {
		ptrace(PTRACE_CONT, pid, 0, 0);
		if (waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st))
			break;
	}
	ok(WIFSTOPPED(st) && st >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8), "each time");
	ptrace(PTRACE_CONT, pid, 0, 0);
	ok(exit_of(pid) == 5, "let go, the call is made");
}

int main(int argc, char **argv)
{
	char self[256];
	ssize_t n;

	(void)argv;
	if (argc > 1)
		return fine();
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = 0;
	plan(25 + 15 + 3 + 19 + 9 + 6);
	refusals();
	programs();
	strict();
	answers();
	inheritance(self);
	tracer();
	return done();
}
