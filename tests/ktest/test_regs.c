/* SPDX-License-Identifier: MIT */
/*
 * Registers of kernel code across what may interrupt it: on every CPU a thread
 * loads all general registers with a pattern and looks at them afterwards,
 * under a timer of 10 kHz, a flood of IPIs, device interrupts, other threads,
 * and traps in the kernel itself.  And the stack that the interrupts take.
 *
 * The kernel has no FP code; that a user's FP registers survive kernel threads
 * is tests/user/regs_*.c's to show.
 *
 * `regs_ms=N` on the command line: how long each test takes (default 300).
 */
#include <kernel/block.h>
#include <kernel/cmdline.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include "ktest.h"
#include "regs.h"

enum { TIMER_PERIOD_NS = 100000, DEFAULT_MS = 300, CPUS_MAX = 64 };

static struct ticker { struct ktimer timer; uint64_t count; bool stop; } tickers[CPUS_MAX];
static bool over;
static uint64_t rounds, events;		/* events: what the disturber did */
static int left, wrong;
static size_t deepest;			/* bytes of stack that interrupts took */

static uint64_t duration_ns(void)
{
	char buf[16];
	uint64_t ms;

	return (cmdline_get("regs_ms", buf, sizeof(buf)) && !parse_u64(buf, 10, &ms) ? ms : DEFAULT_MS) * NSEC_PER_MSEC;
}

static uint64_t rnd(uint64_t *s)
{
	*s = *s * 6364136223846793005 + 1442695040888963407;
	return *s ^ *s >> 29;
}

static void tick(struct ktimer *t)
{
	struct ticker *k = container_of(t, struct ticker, timer);

	WRITE_ONCE(k->count, k->count + 1);
	if (!READ_ONCE(k->stop))
		ktimer_arm(t, hal_time_mono_ns() + TIMER_PERIOD_NS);
}

static void pattern(uint64_t *in, uint64_t *seed)
{
	for (unsigned i = 0; i < ktest_regs_count; i++)
		in[i] = rnd(seed);
	/* Interrupts on, direction up; the others as they come. */
	in[ktest_regs_count - 1] &= ktest_regs_flags;
#ifdef EFT_CPU_x86_64
	in[ktest_regs_count - 1] |= 0x202;
#endif
}

static void compare(struct ktest_state *t, const char *what, const uint64_t *in, const uint64_t *out, unsigned skip)
{
	for (unsigned i = 0; i < ktest_regs_count; i++) {
		uint64_t mask = i == ktest_regs_count - 1 ? ktest_regs_flags : UINT64_MAX;

		if (i == skip || !((in[i] ^ out[i]) & mask))
			continue;
		if (__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED) < 5)
			klog(KLOG_EMERG, "ktest: %s: register %u was %#llx, is %#llx", what, i, (unsigned long long)in[i], (unsigned long long)out[i]);
	}
}

/*
 * How deep interrupts go into the stack of who they interrupt: everything below
 * the caller's frame is painted first, and looked at in the end.  However many
 * come at once, they must not pile up.
 */
enum { PAINT = 0xa5, FRAME = 256 };	/* FRAME: bytes that stack_paint() itself may use */

#ifdef __clang__
__attribute__((no_sanitize("address")))
#endif
static NOINLINE size_t stack_paint(bool paint)
{
	volatile uint8_t *low = hal_current()->kstack, *top = (uint8_t *)__builtin_frame_address(0) - FRAME;

	if (paint) {
		for (volatile uint8_t *p = low; p < top; p++)
			*p = PAINT;
		return 0;
	}
	while (low < top && *low == PAINT)
		low++;
	return (size_t)(top - low);
}

/* One per CPU: the pattern, over and over. */
static void filler(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	uint64_t seed = 1234567 + 999331ull * cpu, in[REGS_MAX], out[REGS_MAX];

	stack_paint(true);
	ktimer_init(&tickers[cpu].timer, tick);
	ktimer_arm(&tickers[cpu].timer, hal_time_mono_ns() + TIMER_PERIOD_NS);
	while (!READ_ONCE(over)) {
		pattern(in, &seed);
		memset(out, 0, sizeof(out));
		ktest_regs_spin(in, out, 20000);
		compare(NULL, "spin", in, out, REGS_MAX);
		__atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
	}
	store_release(&tickers[cpu].stop, true);
	ktimer_cancel_sync(&tickers[cpu].timer);
	ktimer_cancel_sync(&tickers[cpu].timer);	/* it may have armed itself once more */
	size_t deep = stack_paint(false), most = __atomic_load_n(&deepest, __ATOMIC_RELAXED);
	while (deep > most && !__atomic_compare_exchange_n(&deepest, &most, deep, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
}

static uint64_t ticks_so_far(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		n += READ_ONCE(tickers[i].count);
	return n;
}

/* For the time asked for, and on a busy host for as long as it takes until something has happened. */
static void run(struct ktest_state *t, void (*also)(void *))
{
	uint64_t ns = duration_ns(), end = hal_time_mono_ns() + ns;

	memset(tickers, 0, sizeof(tickers));
	wrong = 0;
	rounds = events = 0;
	deepest = 0;
	over = false;
	left = (int)cpu_count + (also ? 1 : 0);
	for (unsigned i = 0; i < cpu_count; i++) {
		struct task *k = kthread_create(filler, (void *)(uintptr_t)i, "filler/%u", i);

		if (KCHECK(k))
			KCHECK(!sched_set_affinity(k, 1ull << i));
	}
	if (also)
		KCHECK(kthread_create(also, NULL, "disturber"));
	sleep_ns(end - MIN(end, hal_time_mono_ns()));
	KEVENTUALLY(READ_ONCE(rounds) > 20 && ticks_so_far() > 50 && (!also || READ_ONCE(events) > 20));
	WRITE_ONCE(over, true);
	KEVENTUALLY(load_acquire(&left) == 0);
	KCHECK(wrong == 0);
	if (!KCHECK(deepest > 0 && deepest < KSTACK_SIZE / 2))
		klog(KLOG_EMERG, "ktest: interrupts went %zu bytes deep", deepest);
	klog_info("ktest: %llu rounds, %llu ticks, %llu events, %zu bytes deep", (unsigned long long)rounds, (unsigned long long)ticks_so_far(), (unsigned long long)events, deepest);
}

KTEST(survive_the_timer)
{
	run(t, NULL);
}

static void ipi_flood(void *arg)
{
	while (!READ_ONCE(over))
		for (unsigned i = 0; i < cpu_count; i++) {
			hal_cpu_ipi(i);
			WRITE_ONCE(events, events + 1);
		}
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
}

KTEST(survive_ipis)
{
	uint64_t before = 0, after = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		before += READ_ONCE(cpus[i]->ipis);
	run(t, ipi_flood);
	for (unsigned i = 0; i < cpu_count; i++)
		after += READ_ONCE(cpus[i]->ipis);
	KCHECK(after > before + 5);
}

static struct blkdev *disk;
static void disk_flood(void *arg)
{
	struct page *p = page_alloc(0, 0);

	while (p && !READ_ONCE(over)) {
		struct blk_request *r = blk_request_alloc(disk, BLK_READ, 0);

		if (!r)
			break;
		r->sector = 8 * (events % (disk->sectors / 8));
		r->nsegs = 1;
		r->seg[0] = (struct blk_seg){ p, 0, PAGE_SIZE };
		if (blk_submit_wait(r))
			break;
		WRITE_ONCE(events, events + 1);
	}
	if (p)
		page_put(p);
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
}

/* Every other port's run has a disk; without one there is no device that could be made to interrupt. */
KTEST(survive_device_interrupts)
{
	uint64_t before = 0, after = 0;

	if (!KCHECK(blkdev_info(0, &disk)))
		return;
	for (unsigned i = 0; i < cpu_count; i++)
		before += READ_ONCE(cpus[i]->irqs);
	run(t, disk_flood);
	for (unsigned i = 0; i < cpu_count; i++)
		after += READ_ONCE(cpus[i]->irqs);
	KCHECK(after > before + 5);
}

static void yielder(void *arg)
{
	while (!READ_ONCE(over))
		sched_yield(), WRITE_ONCE(events, events + 1);
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
}

KTEST(survive_switches)
{
	run(t, yielder);
}

/* A call that sleeps: the registers that a call preserves, perhaps on another CPU afterwards. */
static void nap(void *arg) { sleep_ns(1000); }

KTEST(survive_sleep)
{
	uint64_t seed = 42, in[REGS_MAX], out[REGS_MAX];

	wrong = 0;
	for (unsigned i = 0; i < 200; i++) {
		pattern(in, &seed);
		memcpy(out, in, sizeof(out));
		ktest_regs_call(in, out, nap, NULL);
		compare(t, "sleep", in, out, ktest_regs_count - 1);
	}
	KCHECK(wrong == 0);
}

/* The exception table's way: the trap itself changes nothing but the place. */
KTEST(survive_faults)
{
	enum { ADDRESS_REGISTER_X86 = 3, ADDRESS_REGISTER_ARM = 27 };
	uint64_t seed = 4711, in[REGS_MAX], out[REGS_MAX];
	unsigned address = ktest_regs_count == 16 ? ADDRESS_REGISTER_X86 : ADDRESS_REGISTER_ARM;

	wrong = 0;
	for (unsigned i = 0; i < 2000; i++) {
		pattern(in, &seed);
		memset(out, 0, sizeof(out));
		if (!ktest_regs_fault(in, out)) {
			KCHECK(i == 0);		/* a hosted kernel: nothing faults */
			return;
		}
		if (out[address] != 16)
			__atomic_add_fetch(&wrong, 1, __ATOMIC_RELAXED);
		compare(t, "fault", in, out, address);
	}
	KCHECK(wrong == 0);
}

const struct ktest regs_tests[] = {
	KTEST_ROW(survive_the_timer), KTEST_ROW(survive_ipis), KTEST_ROW(survive_device_interrupts), KTEST_ROW(survive_switches),
	KTEST_ROW(survive_sleep), KTEST_ROW(survive_faults), { NULL, NULL }
};
