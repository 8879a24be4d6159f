/* SPDX-License-Identifier: MIT */
/*
 * System-call instructions in every place and shape, used often enough that a
 * kernel may have done something about them: generated code, code that changes,
 * sites entered in the middle, registers and flags, signals, threads, forks,
 * debuggers, and reading one's own code.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, OFTEN = 200, A = 0, B = 0x100, B8 = 0x180, MOVB = 0x200, PAIR = 0x300, MANY = 0x400, MANY_N = 24, MANY_STEP = 64 };
enum { GETPID = 39, GETPPID = 110, GETUID = 102 };

static uint8_t code[PAGE];
static int code_fd;

static void put(unsigned at, const void *bytes, size_t n) { memcpy(code + at, bytes, n); }
#define PUT(at, ...) put(at, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* long f(long nr): what follows the call differs. */
static void code_write(void)
{
	memset(code, 0x90, sizeof(code));
	PUT(A, 0xb8, GETPID, 0, 0, 0, 0x0f, 0x05, 0xc3);
	/* mov %rdi,%rax; syscall; cmp $-4095,%rax; setae %dl; movzbl %dl,%edx; ret */
	PUT(B, 0x48, 0x89, 0xf8, 0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff, 0x0f, 0x93, 0xc2, 0x0f, 0xb6, 0xd2, 0xc3);
	/* the same with cmp $imm8 */
	PUT(B8, 0x48, 0x89, 0xf8, 0x0f, 0x05, 0x48, 0x83, 0xf8, 0xff, 0x0f, 0x94, 0xc2, 0x0f, 0xb6, 0xd2, 0xc3);
	/* mov %rdi,%rax; syscall; mov %rax,%rdx; xor %eax,%eax; xchg; ret */
	PUT(MOVB, 0x48, 0x89, 0xf8, 0x0f, 0x05, 0x48, 0x89, 0xc2, 0x31, 0xc0, 0x48, 0x92, 0xc3);
	/* two entries: mov $getpid; L: syscall; ret, and mov %rdi,%rax; jmp L */
	PUT(PAIR, 0xb8, GETPID, 0, 0, 0, 0x0f, 0x05, 0xc3);
	PUT(PAIR + 32, 0x48, 0x89, 0xf8, 0xeb, (uint8_t)(PAIR + 5 - (PAIR + 37)));
	for (unsigned i = 0; i < MANY_N; i++)
		PUT(MANY + i * MANY_STEP, 0xb8, i % 2 ? GETPID : GETPPID, 0, 0, 0, 0x0f, 0x05, 0xc3);
}

typedef long fn_t(long nr);
static fn_t *at(void *page, unsigned off) { return (fn_t *)((char *)page + off); }
static int often(fn_t *f, long nr, long want)
{
	for (int i = 0; i < OFTEN; i++)
		if (f(nr) != want)
			return 0;
	return 1;
}
static void *map_code(void *hint)
{
	void *p = mmap(hint, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | (hint ? MAP_FIXED_NOREPLACE : 0), code_fd, 0);
	if (p == MAP_FAILED)
		bail("mmap of code");
	return p;
}

/* ---- code that is written ---- */

static void generated(void)
{
	long pid = getpid(), ppid = getppid();
	uint8_t *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int good = 1;

	memcpy(p, code, PAGE);
	good &= often(at(p, A), 0, pid) && often(at(p, B), GETPID, pid);
	p[A + 1] = GETPPID;
	good &= often(at(p, A), 0, ppid);
	p[A + 5] = 0xc3;	/* no call at all: rax is the number */
	good &= often(at(p, A), 0, GETPPID);
	ok(good, "code in writable memory does what it says, after each change");
	memcpy(p, code, PAGE);
	good = 1;
	for (int i = 0; i < 6; i++) {
		mprotect(p, PAGE, PROT_READ | PROT_EXEC);
		good &= often(at(p, A), 0, i % 2 ? ppid : pid);
		mprotect(p, PAGE, PROT_READ | PROT_WRITE);
		p[A + 1] = i % 2 ? GETPID : GETPPID;
	}
	ok(good, "code that is made writable, changed, and executable again");
	munmap(p, PAGE);

	int fd = (int)syscall(SYS_memfd_create, "jit", 0);
	if (fd < 0 || ftruncate(fd, PAGE))
		bail("memfd");
	uint8_t *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *x = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	memcpy(w, code, PAGE);
	good = 1;
	for (int i = 0; i < 6; i++) {
		good &= often(at(x, A), 0, i % 2 ? ppid : pid) && often(at(x, B), GETPID, pid);
		w[A + 1] = i % 2 ? GETPID : GETPPID;
	}
	ok(good, "code that is written through another mapping");
	munmap(w, PAGE);
	munmap(x, PAGE);
	close(fd);
}

/* ---- sites in a file's pages ---- */

struct seen { uint64_t rax, rcx, r11, rdx, flags, zone[4], rsp_kept; };
/* Calls fn with nr in rdi, garbage below the stack pointer, flags as given. */
void probe(void *fn, long nr, uint64_t flags, struct seen *out);
__asm__(
"	.text\n	.global probe\nprobe:\n"
"	pushq %rbx\n	pushq %rbp\n	pushq %r12\n	pushq %r13\n"
"	movq %rcx, %rbx\n	movq %rdi, %rbp\n	movq %rdx, %r12\n	movq %rsi, %rdi\n"
"	leaq 1f(%rip), %rax\n	pushq %rax\n"
"	movq $0x1111, %rax\n	movq %rax, -8(%rsp)\n	movq %rax, -16(%rsp)\n	movq %rax, -64(%rsp)\n	movq %rax, -128(%rsp)\n"
"	movq %rsp, %r13\n"
"	subq $256, %rsp\n	pushq %r12\n	popfq\n	leaq 256(%rsp), %rsp\n"
"	jmp *%rbp\n"
"1:	leaq -256(%rsp), %rsp\n	pushfq\n	popq 32(%rbx)\n	leaq 256(%rsp), %rsp\n"
"	movq %rax, 0(%rbx)\n	movq %rcx, 8(%rbx)\n	movq %r11, 16(%rbx)\n	movq %rdx, 24(%rbx)\n"
"	movq -8-8(%rsp), %rax\n	movq %rax, 40(%rbx)\n	movq -16-8(%rsp), %rax\n	movq %rax, 48(%rbx)\n"
"	movq -64-8(%rsp), %rax\n	movq %rax, 56(%rbx)\n	movq -128-8(%rsp), %rax\n	movq %rax, 64(%rbx)\n"
"	leaq -8(%rsp), %rax\n	subq %r13, %rax\n	movq %rax, 72(%rbx)\n"
"	cld\n	popq %r13\n	popq %r12\n	popq %rbp\n	popq %rbx\n	ret\n");

static int probe_ok(void *page, unsigned off, unsigned ret_off, long nr, long want)
{
	for (int i = 0; i < OFTEN; i++) {
		uint64_t flags = 0x202 | (i & 1 ? 0x8d5 & ~0u : 0) | (i & 2 ? 0x400 : 0);
		struct seen s;

		probe((char *)page + off, nr, flags, &s);
		if ((long)s.rax != want || s.rcx != (uint64_t)page + ret_off || ((s.r11 ^ flags) & 0xcd5) || s.rsp_kept ||
		    s.zone[0] != 0x1111 || s.zone[1] != 0x1111 || s.zone[2] != 0x1111 || s.zone[3] != 0x1111) {
			printf("# round %d: rax %lx rcx %lx r11 %lx (flags %lx) rsp %lx\n", i, (long)s.rax, (long)s.rcx, (long)s.r11,
				(long)flags, (long)s.rsp_kept);
			return 0;
		}
	}
	return 1;
}

static void in_file(void *page, const char *where)
{
	long pid = getpid(), uid = getuid();
	struct seen s;
	int good = 1;

	ok(probe_ok(page, A, A + 7, 0, pid), "%s: mov and call: rax, rcx, r11, the red zone", where);
	ok(probe_ok(page, B, B + 5, GETPID, pid), "%s: call and compare: the same", where);
	ok(probe_ok(page, B8, B8 + 5, GETPID, pid) && probe_ok(page, MOVB, MOVB + 5, GETPID, pid), "%s: call and other instructions", where);
	for (int i = 0; i < OFTEN; i++) {
		probe((char *)page + B, 9999, 0x202, &s);
		good &= (long)s.rax == -38 && s.rdx == 1;
		probe((char *)page + B8, GETPID, 0x202, &s);
		good &= s.rdx == 0;
	}
	ok(good, "%s: the comparison sees the result", where);
	good = 1;
	for (int i = 0; i < OFTEN; i++)
		good &= at(page, PAIR)(0) == pid && at(page, PAIR + 32)(GETUID) == uid && at(page, A + 5)(0) != -1;
	ok(good, "%s: a jump to the call instruction itself", where);
	/* Behind the call of B: no call is made. */
	good = 1;
	for (int i = 0; i < OFTEN; i++) {
		long r;

		__asm__ volatile("call *%2" : "=a"(r), "=d"(s.rdx) : "r"((char *)page + B + 5), "a"(i & 1 ? -5l : 5l) : "rcx", "r11", "memory");
		good &= r == (i & 1 ? -5 : 5) && s.rdx == (unsigned)(i & 1);
	}
	ok(good, "%s: a jump behind the call instruction", where);
}

static void reading(void *page)
{
	uint8_t got[PAGE];
	int mem = open("/proc/self/mem", O_RDONLY), fds[2], good = 0, diff = 0;
	struct iovec l = { got, PAGE }, r = { page, PAGE };

	if (mem >= 0)
		good = pread(mem, got, PAGE, (off_t)(uintptr_t)page) == PAGE && !memcmp(got, code, PAGE);
	ok(good, "/proc/self/mem has the code as it is in the file");
	close(mem);
	memset(got, 0, PAGE);
	ok(process_vm_readv(getpid(), &l, 1, &r, 1, 0) == PAGE && !memcmp(got, code, PAGE), "and process_vm_readv");
	if (pipe(fds))
		bail("pipe");
	memset(got, 0, PAGE);
	ok(write(fds[1], page, PAGE) == PAGE && read(fds[0], got, PAGE) == PAGE && !memcmp(got, code, PAGE), "and a write from there");
	close(fds[0]);
	close(fds[1]);
	/* A load may see what the kernel made of a site: five bytes that begin at most five before it. */
	for (unsigned i = 0; i < PAGE; i++)
		if (((volatile uint8_t *)page)[i] != code[i]) {
			int near = 0;
			for (unsigned k = i < 5 ? 0 : i - 5; k <= i + 5 && k < PAGE - 1; k++)
				near |= code[k] == 0x0f && code[k + 1] == 0x05;
			diff += !near;
		}
	ok(diff == 0, "loads differ from the file near call instructions at most");
	mprotect(page, PAGE, PROT_READ);
	ok(!memcmp(page, code, PAGE), "not at all while it is not executable");
	mprotect(page, PAGE, PROT_READ | PROT_EXEC);
	ok(often(at(page, A), 0, getpid()) && often(at(page, B), GETPID, getpid()), "executable again: it works");
	mprotect(page, PAGE, PROT_READ | PROT_WRITE);
	good = !memcmp(page, code, PAGE);
	((uint8_t *)page)[A + 1] = GETPPID;
	mprotect(page, PAGE, PROT_READ | PROT_EXEC);
	ok(good && often(at(page, A), 0, getppid()) && often(at(page, B), GETPID, getpid()), "a private change of patched code");
}

static void moving(void)
{
	long pid = getpid(), ppid = getppid();
	void *p = map_code(NULL), *to = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int good = often(at(p, A), 0, pid) && often(at(p, B), GETPID, pid);

	void *q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	good &= q == to && often(at(q, A), 0, pid) && often(at(q, B), GETPID, pid);
	ok(good, "moved by mremap");
	munmap(q, PAGE);

	/* The same place, the same page of the same file, other bytes. */
	uint8_t nr = GETPPID;
	p = map_code((void *)0x30000000);
	good = often(at(p, A), 0, pid);
	munmap(p, PAGE);
	if (pwrite(code_fd, &nr, 1, A + 1) != 1)
		bail("pwrite");
	p = map_code((void *)0x30000000);
	good &= often(at(p, A), 0, ppid);
	munmap(p, PAGE);
	nr = GETPID;
	if (pwrite(code_fd, &nr, 1, A + 1) != 1)
		bail("pwrite");
	p = map_code((void *)0x30000000);
	good &= often(at(p, A), 0, pid);
	munmap(p, PAGE);
	ok(good, "a file that is changed between two mappings");
}

/* ---- signals, threads, processes ---- */

static volatile sig_atomic_t ticks, strange;
static char *loop_page;
extern char __executable_start[], etext[];
static void on_alarm(int sig, siginfo_t *si, void *context)
{
	uint64_t ip = (uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	ticks++;
	(void)sig;
	(void)si;
	if (ip - (uint64_t)loop_page >= PAGE && (ip < (uint64_t)__executable_start || ip >= (uint64_t)etext) &&
	    ip - getauxval(AT_SYSINFO_EHDR) >= 4 * PAGE)
		strange++;
	/* In the page the handler interrupts instructions, not their middle. */
	if (ip - (uint64_t)loop_page < MANY) {
		uint64_t o = ip - (uint64_t)loop_page;
		static const unsigned starts[] = { A, A + 5, A + 7, B, B + 3, B + 5, B + 11, B + 14, B + 17 };
		int found = 0;
		for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
			found |= starts[i] == o;
		strange += !found;
	}
}

static void signals(void)
{
	struct sigaction sa = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct itimerval it = { { 0, 0 }, { 0, 0 } }, off = { { 0, 0 }, { 0, 0 } };
	int seen = -1;
	long pid = getpid();
	struct timespec start, now;
	int good = 1;

	loop_page = map_code(NULL);
	sigaction(SIGALRM, &sa, NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		/* The next signal only when the last is done with: some machine is too slow for any period. */
		if (seen != ticks) {
			seen = ticks;
			it.it_value.tv_usec = 20 + 20 * (seen % 16);
			setitimer(ITIMER_REAL, &it, NULL);
		}
		for (int i = 0; i < 100; i++)
			good &= at(loop_page, A)(0) == pid && at(loop_page, B)(GETPID) == pid;
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (good && ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 300 || ticks <= 10));
	setitimer(ITIMER_REAL, &off, NULL);
	ok(good, "calls in a loop under signals");
	ok(ticks > 10 && !strange, "the handler sees the program's instructions only (%d signals, %d strange)", (int)ticks, (int)strange);
	signal(SIGALRM, SIG_DFL);
}

static void *many(void *page)
{
	long pid = getpid(), ppid = getppid(), bad = 0;

	for (int i = 0; i < 20 * OFTEN; i++) {
		unsigned k = (unsigned)i % MANY_N;
		bad += at(page, MANY + k * MANY_STEP)(0) != (k % 2 ? pid : ppid);
		bad += at(page, B)(GETPID) != pid;
	}
	return (void *)bad;
}

static void threads(void)
{
	void *page = map_code(NULL), *r;
	pthread_t t[4];
	long bad = 0;

	for (int i = 0; i < 4; i++)
		if (pthread_create(&t[i], NULL, many, page))
			bail("pthread_create");
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &r);
		bad += (long)r;
	}
	ok(bad == 0, "four threads at the same sites");
	munmap(page, PAGE);
}

static void forks(void)
{
	void *page = map_code(NULL);
	int bad = 0;

	for (int n = 1; n <= MANY_N; n++) {
		for (int i = 0; i < 40; i++)
			bad += at(page, MANY + (unsigned)(n - 1) * MANY_STEP)(0) != ((n - 1) % 2 ? getpid() : getppid());
		pid_t pid = fork();
		if (pid == 0) {
			long me = getpid(), parent = getppid(), wrong = 0;
			for (int i = 0; i < 60; i++)
				for (unsigned k = 0; k < MANY_N; k += 5)
					wrong += at(page, MANY + k * MANY_STEP)(0) != (k % 2 ? me : parent);
			_exit(wrong != 0);
		}
		for (int i = 0; i < 40; i++)
			bad += at(page, B)(GETPID) != getpid();
		int st;
		waitpid(pid, &st, 0);
		bad += st != 0;
	}
	ok(bad == 0, "forks after each patch");
	munmap(page, PAGE);
}

/* ---- a debugger ---- */

static void stepped(void)
{
	static const unsigned want[] = { A, A + 5, A + 7, B, B + 3, B + 5, B + 11, B + 14, B + 17 };
	void *page = map_code(NULL);
	struct user_regs_struct r;
	unsigned n = 0, bad = 0;
	int st, steps = 0;

	often(at(page, A), 0, getpid());
	often(at(page, B), GETPID, getpid());
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		often(at(page, A), 0, getpid());
		often(at(page, B), GETPID, getpid());
		long me = getpid();
		raise(SIGSTOP);
		_exit(at(page, A)(0) == me && at(page, B)(GETPID) == me);
	}
	waitpid(pid, &st, 0);
	while (steps++ < 5000 && n < sizeof(want) / sizeof(want[0])) {
		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st) || ptrace(PTRACE_GETREGS, pid, 0, &r))
			break;
		if (r.rip - (uint64_t)page >= PAGE)
			continue;
		if (r.rip != (uint64_t)page + want[n]) {
			printf("# %#x, not %#x\n", (unsigned)(r.rip - (uint64_t)page), want[n]);
			bad++;
		}
		n++;
	}
	ok(!bad && n == sizeof(want) / sizeof(want[0]), "single steps through sites (%u, %d)", n, steps);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 1, "and the rest runs");
	munmap(page, PAGE);
}

static void traced(void)
{
	void *page = map_code(NULL);
	struct user_regs_struct r;
	int st, good = 1;

	often(at(page, A), 0, getpid());
	often(at(page, B), GETPID, getpid());
	pid_t pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		often(at(page, A), 0, getpid());
		often(at(page, B), GETPID, getpid());
		raise(SIGSTOP);
		for (int i = 0; i < 3; i++)
			at(page, A)(0);
		_exit((int)(at(page, B)(GETPID) == getpid()));
	}
	waitpid(pid, &st, 0);
	for (unsigned i = 0; i < 64; i += 8) {
		uint64_t w;
		memcpy(&w, code + i, 8);
		good &= (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, (char *)page + i, 0) == w;
	}
	ok(good, "PTRACE_PEEKTEXT sees the code of the file");
	/* A breakpoint on the call's mov. */
	uint64_t w;
	memcpy(&w, code + A, 8);
	ptrace(PTRACE_POKETEXT, pid, (char *)page + A, (w & ~(uint64_t)0xff) | 0xcc);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &st, 0);
	good = WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP && !ptrace(PTRACE_GETREGS, pid, 0, &r) && r.rip == (uint64_t)page + A + 1;
	ok(good, "a breakpoint at a site stops there");
	ptrace(PTRACE_POKETEXT, pid, (char *)page + A, w);
	r.rip--;
	ptrace(PTRACE_SETREGS, pid, 0, &r);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && WEXITSTATUS(st) == 1, "taken away again, the rest runs");
	munmap(page, PAGE);
}

int main(void)
{
	plan(39);
	code_write();
	code_fd = open("call_sites.code", O_RDWR | O_CREAT | O_TRUNC, 0755);
	if (code_fd < 0 || write(code_fd, code, PAGE) != PAGE)
		bail("call_sites.code");
	generated();
	void *low = map_code((void *)0x20000000), *high = map_code(NULL);
	in_file(low, "low");
	in_file(high, "high");
	reading(high);
	moving();
	signals();
	threads();
	forks();
	traced();
	stepped();
	in_file(low, "again");
	unlink("call_sites.code");
	return done();
}
