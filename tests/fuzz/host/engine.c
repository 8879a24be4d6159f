/* SPDX-License-Identifier: MIT */
/* The machine's memory, its start, runs; what it calls on the host. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "engine.h"
#include "engine_internal.h"
#include "isolate.h"
#include "snapshot.h"

enum { RAM_MIB = 32, PAGE = 4096, TEXT = 8192 };
/* The same in every process: kernel addresses are hashed here and there.  Not where a sanitizer keeps its own. */
#ifdef ENGINE_TSAN
#define RAM_AT ((char *)0x7e9000000000)	/* where it thinks that modules are: tsan_platform.h */
#else
#define RAM_AT ((char *)0x750000000000)
#endif
#define EMPTY_DISK (1u << 20)

extern const char fuzz_image[], fuzz_image_end[], fuzz_disk1[], fuzz_disk1_end[], fuzz_disk2[], fuzz_disk2_end[];	/* whole pages */
extern char __start_kernel_data[], __stop_kernel_data[], __start_kernel_bss[], __stop_kernel_bss[];

static char *ram;
static struct fuzz_boot boot;
static bool prepared;
#ifdef ENGINE_TSAN
static const bool isolated = true;
#else
static const bool isolated = false;
#endif
unsigned engine_cpus;
uint64_t engine_calls, engine_ends[FUZZ_END_INIT + 1];
bool engine_verbose;
enum engine_break engine_break;

/* ---- what the kernel printed ---- */

static char console[TEXT];
static size_t console_len;

void fuzz_host_console(const char *s, size_t n)
{
	if (engine_verbose)
		(void)!write(2, s, n);
	for (size_t i = 0; i < n; i++)
		console[console_len++ % TEXT] = s[i];
}

_Noreturn void fuzz_host_crash(const char *why)
{
	size_t from = console_len > TEXT ? console_len - TEXT : 0;

	fprintf(stderr, "==eft-fuzz== ");
	for (; !engine_verbose && from < console_len; from++)
		fputc(console[from % TEXT], stderr);
	fprintf(stderr, "\n==eft-fuzz== %s\n", why);
	abort();
}

/* ---- faults ---- */

static struct sigaction old_segv, old_bus;

static void fault(int sig, siginfo_t *info, void *context)
{
	struct sigaction *old = sig == SIGSEGV ? &old_segv : &old_bus;

	if (snapshot_fault(info->si_addr))
		return;
	if (old->sa_flags & SA_SIGINFO && old->sa_sigaction) {
		old->sa_sigaction(sig, info, context);
		return;
	}
	fprintf(stderr, "==eft-fuzz== the kernel's own code faulted at address %p\n", info->si_addr);
	abort();	/* whose handler stores the input */
}

static void faults_init(void)
{
	static char stack[1 << 18];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	sigaltstack(&ss, NULL);
	sigaction(SIGSEGV, &sa, &old_segv);
	sigaction(SIGBUS, &sa, &old_bus);
}

/*
 * A handler may run only on the signal stack: the page below a kernel stack's
 * pointer may be protected, and the host does not deliver a signal to there.
 */
static void signals_onstack(void)
{
	for (int sig = 1; sig < 32; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) || sa.sa_handler == SIG_DFL || sa.sa_handler == SIG_IGN || sa.sa_flags & SA_ONSTACK)
			continue;
		sa.sa_flags |= SA_ONSTACK;
		sigaction(sig, &sa, NULL);
	}
}

/* ---- leaks ---- */

static uint32_t live_base[FUZZ_CACHES];

static bool no_call(void *arg, unsigned stream, struct fuzz_step *out) { return (void)arg, (void)stream, (void)out, false; }
static void no_result(void *arg, unsigned stream, int64_t result) { (void)arg, (void)stream, (void)result; }

static void leaks_init(void)
{
	struct fuzz_run r = { .source = { no_call, no_result, NULL }, .count = true };

	engine_prepare();
	prepared = false;
	fuzz_machine_run(&r);
	memcpy(live_base, r.live, sizeof(live_base));
}

static void leaks_check(const struct fuzz_run *r)
{
	char text[128];

	for (unsigned i = 0; fuzz_cache_name(i); i++) {
		if (r->live[i] <= live_base[i])
			continue;
		if (r->devices_hang && !strcmp(fuzz_cache_name(i), "blk_request"))	/* with a device that lost it */
			continue;
		snprintf(text, sizeof(text), "all programs have exited, and there are %u more objects of kind '%s' than before",
			r->live[i] - live_base[i], fuzz_cache_name(i));
		fuzz_host_crash(text);
	}
}

/* ---- start ---- */

/* What earlier owners left in free memory is nobody's state. */
__attribute__((no_sanitize("address", "memory"))) static void scrub(void *base, size_t size)
{
	for (size_t i = 0; i < size; i += sizeof(uint64_t))
		if (((uint64_t *)base)[i / sizeof(uint64_t)])
			((volatile uint64_t *)base)[i / sizeof(uint64_t)] = 0;
}

void engine_boot(unsigned cpus, const char *cmdline)
{
	const struct { const char *from; size_t size; } image[FUZZ_DISKS] = { { fuzz_image, (size_t)(fuzz_image_end - fuzz_image) },
		{ fuzz_disk1, (size_t)(fuzz_disk1_end - fuzz_disk1) }, { fuzz_disk2, (size_t)(fuzz_disk2_end - fuzz_disk2) }, { NULL, EMPTY_DISK } };
	uint64_t ram_end = FUZZ_RAM_BASE + ((uint64_t)RAM_MIB << 20), end = ram_end;
	size_t total;

	boot = (struct fuzz_boot){ .ram = RAM_AT - FUZZ_RAM_BASE, .ram_end = ram_end, .cpus = cpus, .cmdline = cmdline };
	for (unsigned i = 0; i < FUZZ_DISKS; i++) {
		boot.disk[i].base = end;
		boot.disk[i].size = image[i].size;
		end += image[i].size;
	}
	total = end - FUZZ_RAM_BASE;
	ram = mmap(RAM_AT, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	if (ram != RAM_AT) {
		fprintf(stderr, "eft-fuzz: no memory at %p\n", (void *)RAM_AT);
		exit(2);
	}
	madvise(ram, total, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < FUZZ_DISKS; i++)
		if (image[i].from)
			memcpy(boot.ram + boot.disk[i].base, image[i].from, image[i].size);
	if (isolated)
		isolate_init();
	else
		faults_init();
	if (fuzz_machine_boot(&boot) != FUZZ_END_READY)
		fuzz_host_crash("the machine did not come up");
	engine_cpus = cpus;
	prepared = true;
	if (isolated)
		return;
	snapshot_add("memory", ram, total);
	snapshot_add("data", __start_kernel_data, (size_t)(__stop_kernel_data - __start_kernel_data));
	snapshot_add("bss", __start_kernel_bss, (size_t)(__stop_kernel_bss - __start_kernel_bss));
	engine_sanitizer_regions(ram, total);
	fuzz_free_memory(scrub);
	snapshot_take();
	fuzz_free_memory(snapshot_free);
	leaks_init();
}

void engine_prepare(void)
{
	if (!prepared && isolated)
		fuzz_host_crash("a second run in the process, which this build cannot reset");
	if (!prepared)
		snapshot_reset();
	prepared = true;
}

void engine_run(struct fuzz_run *r)
{
	static bool signals_seen;

	if (!signals_seen) {	/* libFuzzer has set its own only now */
		signals_onstack();
		signals_seen = true;
	}
	engine_prepare();
	prepared = false;
	console_len = 0;
	if (engine_break == ENGINE_BREAK_TRACE)
		r->seed += engine_calls;
	r->race = engine_break == ENGINE_BREAK_RACE;
	fuzz_machine_run(r);
	if (r->count && r->end == FUZZ_END_DONE && !r->keeps && !isolated)	/* which has no machine to compare with */
		leaks_check(r);
	engine_calls += r->calls;
	engine_ends[r->end]++;
}

char *engine_disk(unsigned n, size_t *size)
{
	*size = boot.disk[n].size;
	return boot.ram + boot.disk[n].base;
}

/* ---- sanitizers ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ENGINE_ASAN 1
#endif
#if __has_feature(memory_sanitizer)
#define ENGINE_MSAN 1
#endif
#endif

/* The fast way to walk a stack believes that there is only the host thread's. */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "print_stacktrace=1:fast_unwind_on_fatal=0:handle_abort=0"; }

#ifdef ENGINE_ASAN
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:detect_stack_use_after_return=0:allow_user_segv_handler=1:handle_abort=0:abort_on_error=0:"
	       "check_initialization_order=0:detect_odr_violation=0:fast_unwind_on_fatal=0";
}
void __asan_get_shadow_mapping(size_t *scale, size_t *offset);

/* The shadow of the machine's memory: what is poisoned is part of its state. */
void engine_sanitizer_regions(char *base, size_t n)
{
	size_t scale, offset;

	__asan_get_shadow_mapping(&scale, &offset);
	snapshot_add("shadow", (void *)(((uintptr_t)base >> scale) + offset), n >> scale);
}
#elif defined(ENGINE_MSAN)
static void *msan_shadow(void *p) { return (void *)((uintptr_t)p ^ UINT64_C(0x500000000000)); }	/* Linux, x86-64 */

const char *__msan_default_options(void);
const char *__msan_default_options(void) { return "allow_user_segv_handler=1:handle_abort=0:abort_on_error=0:poison_in_dtor=0:fast_unwind_on_fatal=0"; }

/* Which bytes are written: of the memory, and of the kernel's data. */
void engine_sanitizer_regions(char *base, size_t n)
{
	snapshot_add("shadow", msan_shadow(base), n);
	snapshot_add("shadow of data", msan_shadow(__start_kernel_data), (size_t)(__stop_kernel_data - __start_kernel_data));
	snapshot_add("shadow of bss", msan_shadow(__start_kernel_bss), (size_t)(__stop_kernel_bss - __start_kernel_bss));
}
#else
#ifdef ENGINE_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "halt_on_error=1:handle_segv=0:report_signal_unsafe=0:report_thread_leaks=0:atexit_sleep_ms=0:history_size=4"; }
#endif
void engine_sanitizer_regions(char *base, size_t n) { (void)base, (void)n; }
#endif
