/* SPDX-License-Identifier: MIT */
/*
 * CPUID instructions, in a program that is executed again and again, so that a
 * kernel may have done something about them: they say the same each time, and
 * change four registers and nothing else; steps, signals, debuggers, threads;
 * HLT beside them is still no instruction for a program; text that is replaced.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>

enum { PAGE = 4096, SAID = 160, STARTS = 6 };
struct said { uint32_t leaf, sub, r[4]; };

static struct said early[SAID];
static unsigned nearly;

extern const uint8_t site_cpuid[], site_behind[], site_hlt[];
long ask(uint32_t leaf, uint32_t sub, uint32_t *out);
long halt(void);
/* In a page of their own, with a byte like a cpuid's inside of another instruction. */
__asm__(".text\n.balign 4096\n"
	"ask: push %rbx\n mov %rdx, %r8\n mov %edi, %eax\n mov %esi, %ecx\n"
	"movabs $0x1122334455660fa2, %r9\n mov $-1, %rbx\n mov $-1, %rdx\n stc\n"
	"site_cpuid: cpuid\n"
	"site_behind: setc %r10b\n mov %eax, (%r8)\n mov %ebx, 4(%r8)\n mov %ecx, 8(%r8)\n mov %edx, 12(%r8)\n"
	/* Whatever is left of the upper halves, the flag, or another register. */
	"shr $32, %rax\n shr $32, %rbx\n shr $32, %rcx\n shr $32, %rdx\n"
	"or %rbx, %rax\n or %rcx, %rax\n or %rdx, %rax\n"
	"movabs $0x1122334455660fa2, %rdx\n cmp %rdx, %r9\n je 1f\n or $2, %rax\n"
	"1: cmp $1, %r10b\n je 2f\n or $4, %rax\n"
	"2: pop %rbx\n ret\n"
	"halt: mov $7, %eax\n"
	"site_hlt: hlt\n .byte 0xa2, 0,0,0,0,0,0,0,0\n ret\n"
	".balign 4096\n"
	".globl site_cpuid, site_behind, site_hlt, ask, halt\n");

static void say(uint32_t leaf, uint32_t sub)
{
	struct said *s = &early[nearly++];

	s->leaf = leaf;
	s->sub = sub;
	if (ask(leaf, sub, s->r))
		s->leaf = ~leaf;
	/* What says which processor this is may be another one's each time. */
	if (leaf == 1)
		s->r[1] &= 0xffffff;
	if (leaf == 0xb || leaf == 0x1f)
		s->r[3] = 0;
}

/* Before the program's first system call: where a libc asks, too. */
static void ask_all(void)
{
	nearly = 0;
	for (uint32_t leaf = 0; leaf < 0x20; leaf++)
		if (leaf != 0xd && leaf != 6 && leaf != 5)
			for (uint32_t sub = 0; sub < (leaf == 4 || leaf == 7 || leaf == 0xb ? 4 : 1); sub++)
				say(leaf, sub);
	say(0xd, 0);
	say(0xd, 2);
	for (uint32_t leaf = 0x80000000; leaf <= 0x80000008; leaf++)
		say(leaf, 0);
	/* ecx does not matter. */
	say(0, 77);
	say(2, 0xffffffff);
	say(0x40000000, 0);
	say(0x40000001, 5);
	/* The same again, oft enough for a loop. */
	for (int i = 0; i < 20; i++)
		say(4, (uint32_t)i % 4);
}

static int early_int(int x) { return x; }
typedef int int_fn(int);
#ifdef __GLIBC__
static int_fn *resolve(void)
{
	ask_all();
	return early_int;
}
int resolved(int x) __attribute__((ifunc("resolve")));
#else
static __attribute__((constructor)) void resolve(void) { ask_all(); }
static int resolved(int x) { return early_int(x); }
#endif

static char name[32];
static int again(void)
{
	struct said before[SAID];
	int fd = open(name, O_RDONLY), good;
	size_t n = nearly * sizeof(struct said);

	good = read(fd, before, sizeof(before)) == (ssize_t)n;
	for (unsigned i = 0; good && i < nearly; i++)
		if (memcmp(&before[i], &early[i], sizeof(before[i]))) {
			printf("# leaf %#x %#x: %#x %#x %#x %#x, before: %#x %#x %#x %#x\n", early[i].leaf, early[i].sub, early[i].r[0], early[i].r[1],
				early[i].r[2], early[i].r[3], before[i].r[0], before[i].r[1], before[i].r[2], before[i].r[3]);
			good = 0;
		}
	close(fd);
	return good;
}

/* ---- HLT ---- */

static volatile int caught, code, tick_count;
static volatile uint64_t caught_ip;
static void on_fault(int sig, siginfo_t *si, void *context)
{
	ucontext_t *u = context;

	caught = sig;
	code = si->si_code;
	caught_ip = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
	u->uc_mcontext.gregs[REG_RIP] += 10;	/* hlt and the move behind it */
}

static int halts(long (*f)(void), const uint8_t *at)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, old;
	int good = 1;

	sigaction(SIGSEGV, &sa, &old);
	for (int i = 0; i < 3; i++) {
		caught = 0;
		good &= f() == 7 && caught == SIGSEGV && code == SI_KERNEL && caught_ip == (uint64_t)at;
	}
	sigaction(SIGSEGV, &old, NULL);
	return good;
}

/* ---- who looks ---- */

static int stepped(void)
{
	struct user_regs_struct r;
	uint64_t last = 0;
	int st, seen = 0, good = 1;
	pid_t pid = fork();

	if (pid == 0) {
		uint32_t v[4];

		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (int i = 0; i < 3; i++)
			ask(i == 1 ? 1 : 4, 0, v);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	for (int i = 0; i < 3000 && !ptrace(PTRACE_SINGLESTEP, pid, 0, 0); i++) {
		if (waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st))
			break;
		good &= WSTOPSIG(st) == SIGTRAP;
		ptrace(PTRACE_GETREGS, pid, 0, &r);
		if (last == (uint64_t)site_cpuid) {
			good &= r.rip == (uint64_t)site_behind;
			seen++;
		}
		last = r.rip;
	}
	if (!good || seen != 3 || !WIFEXITED(st))
		printf("# good %d, seen %d, status %#x\n", good, seen, (unsigned)st);
	return good && seen == 3 && WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

static int bytes_are(void)
{
	int fd = open("/proc/self/mem", O_RDONLY);
	uint8_t b[2] = { 0, 0 };
	int good = pread(fd, b, 2, (off_t)(uintptr_t)site_cpuid) == 2 && b[0] == 0x0f && b[1] == 0xa2;

	close(fd);
	return good;
}

static void on_tick(int sig)
{
	static const struct itimerval never;
	uint32_t v[4];
	struct said s = early[4];

	(void)sig;
	if (tick_count == 400)		/* they come faster than they are taken: nothing else would ever run */
		setitimer(ITIMER_REAL, &never, NULL);
	tick_count += !ask(s.leaf, s.sub, v) && !memcmp(v, s.r, sizeof(v));
}

static int answers(void)
{
	int good = 1;

	for (unsigned i = 0; i < nearly; i++) {
		const struct said *s = &early[i];
		uint32_t v[4];

		if (s->leaf == 1 || s->leaf == 0xb || s->leaf == 0x1f)
			continue;
		good &= !ask(s->leaf, s->sub, v) && !memcmp(v, s->r, sizeof(v));
	}
	return good;
}

static void *thread_answers(void *arg)
{
	long good = 1;

	for (int i = 0; i < 5; i++)
		good &= answers();
	return (void *)(good + (arg != NULL));
}

/* ---- other text ---- */

/* hlt, what the handler steps over, mov $7, %eax; pop %rbx; ret. */
static __attribute__((noinline)) void put_hlt(volatile uint8_t *page)
{
	static const uint8_t bytes[] = { 0xf4, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xb8, 7, 0, 0, 0, 0x5b, 0xc3 };

	for (unsigned i = 0; i < sizeof(bytes); i++)
		page[((uintptr_t)site_cpuid & (PAGE - 1)) + i] = bytes[i];
}

static int replaced(void)
{
	uint8_t *page = (uint8_t *)((uintptr_t)ask & ~(uintptr_t)(PAGE - 1)), old[PAGE];

	__asm__ volatile("" : "+r"(page));	/* memory like any other */
	int good, fd = open("/proc/self/exe", O_RDONLY), mem = open("/proc/self/mem", O_RDONLY);
	uint32_t v[4];

	good = pread(mem, old, PAGE, (off_t)(uintptr_t)page) == PAGE;
	/* Private now, and writable: what is written counts. */
	good &= mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0 && answers();
	put_hlt(page);
	good &= halts((long (*)(void))(uintptr_t)ask, site_cpuid);
	memcpy(page, old, PAGE);
	good &= answers();
	/* Something else at that place. */
	munmap(page, PAGE);
	good &= mmap(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
	memcpy(page, old, PAGE);
	good &= answers() && !ask(0, 0, v);
	put_hlt(page);
	good &= halts((long (*)(void))(uintptr_t)ask, site_cpuid);
	memcpy(page, old, PAGE);
	close(fd);
	close(mem);
	return good && answers();
}

int main(int argc, char **argv)
{
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	char count[16];
	int good = 1, st;
	pthread_t t[3];
	void *r;

	if (argc < 3) {
		plan(10);
		snprintf(name, sizeof(name), "said.%d", getpid());
		int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		ok(write(fd, early, nearly * sizeof(early[0])) == (ssize_t)(nearly * sizeof(early[0])), "asked %u times", nearly);
		close(fd);
		for (int i = 0; i < STARTS; i++) {
			pid_t pid = fork();
			if (pid == 0) {
				snprintf(count, sizeof(count), "%d", i);
				execl("/proc/self/exe", argv[0], name, count, (char *)NULL);
				_exit(9);
			}
			good &= waitpid(pid, &st, 0) == pid && st == 0;
		}
		ok(good, "a program that is started again is told the same");
		/* The checks below, in a process that began like the last of those. */
		execl("/proc/self/exe", argv[0], name, "last", (char *)NULL);
		bail("execve");
	}
	snprintf(name, sizeof(name), "%s", argv[1]);
	good = again() && resolved(3) == 3 && answers();
	if (strcmp(argv[2], "last"))
		return !good;
	tap_run_ = 2;
	tap_planned_ = 10;
	setvbuf(stdout, NULL, _IOLBF, 0);
	ok(good, "also now");
	ok(halts(halt, site_hlt), "HLT is a fault");
	ok(stepped(), "single steps over it");
	ok(bytes_are(), "/proc/PID/mem has the program's bytes");
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, thread_answers, NULL);
	good = 1;
	for (int i = 0; i < 3; i++)
		good &= pthread_join(t[i], &r) == 0 && r == (void *)1;
	ok(good, "threads");
	pid_t pid = fork();
	if (pid == 0)
		_exit(!answers() || !halts(halt, site_hlt));
	ok(waitpid(pid, &st, 0) == pid && st == 0, "a child");
	signal(SIGALRM, on_tick);
	setitimer(ITIMER_REAL, &often, NULL);
	good = 1;
	for (int i = 0; i < 2000 && tick_count < 20; i++)
		good &= answers();
	setitimer(ITIMER_REAL, &never, NULL);
	ok(good && tick_count >= 20, "signals (%d)", tick_count);
	ok(replaced(), "text that is written to, and replaced");
	unlink(name);
	return done();
}
