/* SPDX-License-Identifier: MIT */
/*
 * CPUID instructions, in a program that is executed again and again, so that a
 * kernel may have done something about them: they say the same each time, and
 * change four registers and nothing else, whatever instruction comes behind;
 * steps, signals, debuggers, threads; HLT beside them is still no instruction for
 * a program, nor are bytes within others that look like one; text that is
 * replaced.
 */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <ucontext.h>

enum { PAGE = 4096, SAID = 160, STARTS = 60 };
struct said { uint32_t leaf, sub, r[4]; };

static struct said early[SAID];
static unsigned nearly;

extern const uint8_t site_cpuid[], site_behind[], site_hlt[];
long ask(uint32_t leaf, uint32_t sub, uint32_t *out);
long halt(void);
/* In a page of their own, with a byte like a cpuid's inside of another instruction. */
__asm__(".text\n.balign 4096\n"
	"ask: push %rbx\n mov %rdx, %r8\n mov %edi, %eax\n mov %esi, %ecx\n"
	"movabs $0x112233445566a20f, %r9\n mov $-1, %rbx\n mov $-1, %rdx\n stc\n"
	"site_cpuid: cpuid\n"
	"site_behind: setc %r10b\n mov %eax, (%r8)\n mov %ebx, 4(%r8)\n mov %ecx, 8(%r8)\n mov %edx, 12(%r8)\n"
	/* Whatever is left of the upper halves, the flag, or another register. */
	"shr $32, %rax\n shr $32, %rbx\n shr $32, %rcx\n shr $32, %rdx\n"
	"or %rbx, %rax\n or %rcx, %rax\n or %rdx, %rax\n"
	"movabs $0x112233445566a20f, %rdx\n cmp %rdx, %r9\n je 1f\n or $2, %rax\n"
	"1: cmp $1, %r10b\n je 2f\n or $4, %rax\n"
	"2: pop %rbx\n ret\n"
	"halt: mov $7, %eax\n"
	"site_hlt: hlt\n .byte 0xa2, 0,0,0,0,0,0,0,0\n ret\n"
	".balign 4096\n"
	".globl site_cpuid, site_behind, site_hlt, ask, halt\n");

/*
 * Sites that are asked the same each time, with what compilers put behind.  Each
 * leaves the registers in out[], and says what was wrong: the flag, the upper
 * halves, the red zone, other registers.
 */
struct one { uint32_t leaf, sub, keeps_flag, shift; long (*ask)(uint32_t leaf, uint32_t sub, uint32_t *out); const uint8_t *at, *behind; };
uint32_t one_word;
#define ONE(n, instruction) ASKED(n, "", instruction)
/* The same with a leaf of its own, which others jump over. */
#define MOV(n, leaf, instruction) ASKED(n, "cmp $" leaf ", %edi\n stc\n jne one" n "_at\n not %eax\n mov $" leaf ", %eax\n", instruction)
#define ASKED(n, before, instruction) \
	"one" n ": push %rbx\n push %rdi\n mov %rdx, %r8\n mov %edi, %eax\n mov %esi, %ecx\n" \
	"movabs $0x112233445566a20f, %r9\n mov %r9, %r11\n mov %r9, -8(%rsp)\n mov %r9, -120(%rsp)\n mov $-1, %rbx\n mov $-1, %rdx\n stc\n" before \
	"one" n "_at: cpuid\n" \
	"one" n "_behind: " instruction "\n" \
	"setc %r10b\n mov %eax, (%r8)\n mov %ebx, 4(%r8)\n mov %ecx, 8(%r8)\n mov %edx, 12(%r8)\n" \
	"shr $32, %rax\n shr $32, %rbx\n shr $32, %rcx\n shr $32, %rdx\n" \
	"or %rbx, %rax\n or %rcx, %rax\n or %rdx, %rax\n" \
	"movabs $0x112233445566a20f, %rdx\n cmp %rdx, %r9\n je 1f\n or $2, %rax\n" \
	"1: cmp %rdx, %r11\n je 1f\n or $2, %rax\n" \
	"1: cmp %rdx, -8(%rsp)\n je 1f\n or $8, %rax\n" \
	"1: cmp %rdx, -120(%rsp)\n je 1f\n or $8, %rax\n" \
	"1: shl $8, %r10\n movzwl %r10w, %r10d\n or %r10, %rax\n pop %rdi\n pop %rbx\n ret\n"
__asm__(".text\n.balign 4096\n"
	ONE("0", "mov %eax, one_word(%rip)")
	ONE("1", "cmpl $0x12345678, one_word(%rip)")
	ONE("2", "mov $77, %edi")
	ONE("3", "mov %eax, (%r8)")
	ONE("4", "shr $14, %eax")
	ONE("5", "test %r8, %r8")
	ONE("6", "mov %eax, %esi")
	ONE("7", "jmp 2f\n 2:")
	ONE("9", "movabs $0x1020304050607080, %rsi")
	".balign 4096\n"
	MOV("10", "0x80000008", "mov %eax, one_word(%rip)")
	MOV("11", "0xd", "mov %eax, (%r8)")
	MOV("12", "0x80000006", "pop %rdi\n push %rdi")
	/* uint32_t passed(leaf, how): its eax less 0x1234; how: the leaf's, by a branch, by a jump that nobody can foresee. */
	"passed: push %rbx\n mov %edi, %eax\n xor %ecx, %ecx\n test %esi, %esi\n jnz 1f\n"
	"cpuid\n 1: sub $0x1234, %eax\n pop %rbx\n ret\n"
	"passed_far: push %rbx\n mov %edi, %eax\n lea 1f(%rip), %r8\n lea 2f(%rip), %r9\n test %esi, %esi\n cmovz %r9, %r8\n xor %ecx, %ecx\n jmp *%r8\n"
	"2: cpuid\n 1: sub $0x1234, %eax\n pop %rbx\n ret\n"
	".balign 4096\n");
uint32_t passed(uint32_t leaf, uint32_t how), passed_far(uint32_t leaf, uint32_t how);
#undef ONE
#undef MOV
#undef ASKED
#define ONES(X) X(0, 0x80000000, 5, 1, 0) X(1, 7, 0, 0, 0) X(2, 0, 9, 1, 0) X(3, 0xd, 0, 1, 0) X(4, 0x80000006, 0, 0, 14) \
	X(5, 7, 1, 0, 0) X(6, 0x80000005, 1, 1, 0) X(7, 2, 3, 1, 0) X(9, 0x80000002, 1, 1, 0) \
	X(10, 0x80000008, 5, 1, 0) X(11, 0xd, 1, 1, 0) X(12, 0x80000006, 0, 1, 0)
#define DECLARE(n, leaf, sub, keeps, shift) long one##n(uint32_t, uint32_t, uint32_t *); extern const uint8_t one##n##_at[], one##n##_behind[];
ONES(DECLARE)
#define ROW(n, leaf, sub, keeps, shift) { leaf, sub, keeps, shift, one##n, one##n##_at, one##n##_behind },
static const struct one ones[] = { ONES(ROW) };
enum { NONES = sizeof(ones) / sizeof(ones[0]) };
static uint32_t ones_said[NONES][4];
static unsigned ones_bad;

/* What it says there is what it says elsewhere. */
static int one_asks(const struct one *o, uint32_t leaf, uint32_t sub, uint32_t *v)
{
	uint32_t w[4];
	long wrong = o->ask(leaf, sub, v);

	ask(leaf, sub, w);
	w[0] >>= o->shift;
	return (o->keeps_flag ? wrong == 0x100 : (wrong & ~0x100L) == 0) && !memcmp(v, w, sizeof(w));
}

static int ones_ask(uint32_t said[NONES][4])
{
	int good = 1;

	for (unsigned i = 0; i < NONES; i++)
		good &= one_asks(&ones[i], ones[i].leaf, ones[i].sub, said[i]);
	return good;
}

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
	ones_bad = !ones_ask(ones_said);
	passed(0x80000005, 0);
	passed_far(0x80000005, 0);
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

/* Asked the same again, and other things; they are all there. */
static int ones_answer(void)
{
	uint32_t said[NONES][4], v[4];
	int good = !ones_bad && ones_ask(said) && !memcmp(said, ones_said, sizeof(said));

	for (unsigned i = 0; i < NONES; i++)
		good &= one_asks(&ones[i], 0x80000004, 0, v) && one_asks(&ones[i], 0xd, 2, v) && one_asks(&ones[i], 7, 3, v) &&
			one_asks(&ones[i], ones[i].leaf, 0, v);
	return good;
}

/* The instruction behind is branched to, past the CPUID. */
static int branches_behind(void)
{
	uint32_t v[4];
	int good = 1;

	for (uint32_t i = 0; i < 100; i++) {
		uint32_t leaf = i % 3 ? 0x80000005 : 7;

		ask(leaf, 0, v);
		good &= passed(leaf, 0) == v[0] - 0x1234 && passed_far(leaf, 0) == v[0] - 0x1234;
		good &= passed(leaf, 1) == leaf - 0x1234 && passed_far(leaf, 1) == leaf - 0x1234;
	}
	return good;
}

/* The instruction behind stores, and where it says.  One thread. */
static int behind_stores(void)
{
	uint32_t v[4];

	one_word = 1;
	return one_asks(&ones[0], ones[0].leaf, 0, v) && one_word == v[0] && one_asks(&ones[0], 0x80000004, 0, v) && one_word == v[0];
}

static volatile uint64_t fault_ip, fault_at;
static jmp_buf fault_out;
static void on_store(int sig, siginfo_t *si, void *context)
{
	ucontext_t *u = context;

	(void)sig;
	fault_at = (uint64_t)si->si_addr;
	fault_ip = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
	siglongjmp(fault_out, 1);
}

static int faulted(uint64_t at, const uint8_t *ip)
{
	if (fault_at == at && fault_ip == (uint64_t)ip)
		return 1;
	printf("# a fault at %#llx for %#llx, not at %p for %#llx\n", (unsigned long long)fault_ip, (unsigned long long)fault_at, (const void *)ip,
		(unsigned long long)at);
	return 0;
}

/* The instruction behind faults: it does so where it is. */
static int behind_faults(void)
{
	struct sigaction sa = { .sa_sigaction = on_store, .sa_flags = SA_SIGINFO }, old;
	volatile int good = 1;
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaction(SIGSEGV, &sa, &old);
	for (volatile int i = 0; i < 6; i++) {
		const uint8_t *behind = i % 2 ? one11_behind : one3_behind;
		uint32_t leaf = i >= 4 ? 1 : 0xd;

		fault_ip = fault_at = 0;
		if (!sigsetjmp(fault_out, 1))
			(i % 2 ? one11 : one3)(leaf, 1, (uint32_t *)(none + 0x560));
		good &= faulted((uint64_t)none + 0x560, behind);
		/* No address at all. */
		fault_ip = 0;
		fault_at = 1;
		if (!sigsetjmp(fault_out, 1))
			(i % 2 ? one11 : one3)(leaf, 1, (uint32_t *)0x8000000000000000);
		good &= faulted(0, behind);
	}
	sigaction(SIGSEGV, &old, NULL);
	munmap(none, PAGE);
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
	int st, seen = 0, seen_ones = 0, good = 1;
	pid_t pid = fork();

	if (pid == 0) {
		uint32_t v[4];

		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (int i = 0; i < 3; i++)
			ask(i == 1 ? 1 : 4, 0, v);
		_exit(!ones_answer());
	}
	waitpid(pid, &st, 0);
	for (int i = 0; i < 20000 && !ptrace(PTRACE_SINGLESTEP, pid, 0, 0); i++) {
		if (waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st))
			break;
		good &= WSTOPSIG(st) == SIGTRAP;
		ptrace(PTRACE_GETREGS, pid, 0, &r);
		if (last == (uint64_t)site_cpuid) {
			good &= r.rip == (uint64_t)site_behind;
			seen++;
		}
		for (unsigned k = 0; k < NONES; k++)
			if (last == (uint64_t)ones[k].at) {
				good &= r.rip == (uint64_t)ones[k].behind;
				seen_ones++;
			}
		last = r.rip;
	}
	/* Each other site is compared with this one. */
	good &= seen_ones == 5 * NONES && seen == 3 + seen_ones;
	if (!good || !WIFEXITED(st) || WEXITSTATUS(st))
		printf("# good %d, seen %d and %d, status %#x\n", good, seen, seen_ones, (unsigned)st);
	return good && WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

static int bytes_are(void)
{
	int fd = open("/proc/self/mem", O_RDONLY);
	uint8_t b[2] = { 0, 0 };
	int good = pread(fd, b, 2, (off_t)(uintptr_t)site_cpuid) == 2 && b[0] == 0x0f && b[1] == 0xa2;

	for (unsigned i = 0; i < NONES; i++)
		good &= pread(fd, b, 2, (off_t)(uintptr_t)ones[i].at) == 2 && b[0] == 0x0f && b[1] == 0xa2;
	close(fd);
	return good;
}

static volatile int ticks_inside, ticks_astray;
static struct { uint64_t start, end; } text_of[32];
static unsigned texts;
/* Where instructions of the program and its libraries are. */
static void texts_find(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512], prot[8], path[256];
	unsigned long start, end;

	while (f && fgets(line, sizeof(line), f)) {
		path[0] = 0;
		if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, prot, path) >= 3 && prot[2] == 'x' &&
		    (path[0] == '/' || !strcmp(path, "[vdso]")) && texts < 32) {
			text_of[texts].start = start;
			text_of[texts++].end = end;
		}
	}
	if (f)
		fclose(f);
}

static void on_tick_one(int sig, siginfo_t *si, void *context)
{
	ucontext_t *u = context;
	uint64_t ip = (uint64_t)u->uc_mcontext.gregs[REG_RIP], text = (uint64_t)one0 & ~(uint64_t)(PAGE - 1);

	(void)sig;
	(void)si;
	if (ip - text < 2 * PAGE)
		ticks_inside++;
	for (unsigned i = 0; i <= texts; i++)
		if (i == texts)
			ticks_astray++;
		else if (ip >= text_of[i].start && ip < text_of[i].end)
			break;
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

/* Interrupted at any instruction: it is one of the program's. */
static int ones_interrupted(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_sigaction = on_tick_one, .sa_flags = SA_SIGINFO | SA_RESTART };
	int good = 1;

	texts_find();
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 20000 && ticks_inside < 200; i++)
		for (unsigned k = 0; k < NONES; k++) {
			uint32_t v[4];
			long wrong = ones[k].ask(ones[k].leaf, ones[k].sub, v);

			good &= (wrong & ~(ones[k].keeps_flag ? 0 : 0x100L)) == (ones[k].keeps_flag ? 0x100 : 0) && !memcmp(v, ones_said[k], sizeof(v));
		}
	setitimer(ITIMER_REAL, &never, NULL);
	if (!good || !ticks_inside || ticks_astray)
		printf("# good %d, %d inside, %d astray\n", good, ticks_inside, ticks_astray);
	return good && ticks_inside && !ticks_astray;
}

static void *thread_answers(void *arg)
{
	long good = 1;

	for (int i = 0; i < 5; i++)
		good &= answers() && ones_answer();
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
		plan(14);
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
			if (i == STARTS / 4)	/* to do something about them may take a while */
				usleep(100000);
		}
		ok(good, "a program that is started again is told the same");
		/* The checks below, in a process that began like the last of those. */
		execl("/proc/self/exe", argv[0], name, "last", (char *)NULL);
		bail("execve");
	}
	snprintf(name, sizeof(name), "%s", argv[1]);
	good = again() && resolved(3) == 3 && answers() && ones_answer();
	if (strcmp(argv[2], "last"))
		return !good;
	tap_run_ = 2;
	tap_planned_ = 14;
	setvbuf(stdout, NULL, _IOLBF, 0);
	ok(good, "also now");
	ok(ones_answer() && behind_stores(), "with any instruction behind");
	ok(behind_faults(), "also one that faults");
	ok(branches_behind(), "also one that is branched to");
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
		_exit(!answers() || !ones_answer() || !halts(halt, site_hlt));
	ok(waitpid(pid, &st, 0) == pid && st == 0, "a child");
	signal(SIGALRM, on_tick);
	setitimer(ITIMER_REAL, &often, NULL);
	good = 1;
	for (int i = 0; i < 2000 && tick_count < 20; i++)
		good &= answers();
	setitimer(ITIMER_REAL, &never, NULL);
	ok(good && tick_count >= 20, "signals (%d)", tick_count);
	ok(ones_interrupted(), "signals at any instruction");
	ok(replaced(), "text that is written to, and replaced");
	unlink(name);
	return done();
}
