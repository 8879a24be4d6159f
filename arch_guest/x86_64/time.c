/* SPDX-License-Identifier: MIT */
/*
 * Clocks.
 *
 * Monotonic time is the time-stamp counter, scaled.  Its rate comes from CPUID
 * when that says it (leaf 0x15, or 0x40000010 of a hypervisor), otherwise it is
 * measured for a few milliseconds against the HPET, the ACPI timer or the PIT,
 * whichever there is.  The scale is fixed at boot, so that user code may use it.
 *
 * Timer interrupts: TSC deadline where the LAPIC has it, else its one-shot
 * counter, which can be too short for a far deadline or a little early: the
 * interrupt then only arms it again.
 *
 * Wall-clock time is the CMOS clock at boot plus monotonic time.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "acpi.h"
#include "apic.h"
#include "cpu.h"
#include "machine.h"

enum { NS_PER_S = 1000000000, MSR_TSC_DEADLINE = 0x6e0, TIMER_DEADLINE_MODE = 2 << 17, CALIBRATE_US = 4000, FARTHEST_S = 3600 };

static uint64_t tsc_hz, lapic_hz;	/* [I] lapic_hz: with the divisor that we set */
static struct hal_vclock vclock;	/* [I] */
static uint64_t ticks_per_ns_30;	/* [I] 34.30 */
static uint64_t lapic_per_ns_32;	/* [I] 32.32 */
static uint64_t real_base_ns;		/* [I] wall-clock time when mono was 0 */
static uint64_t deadline[HAL_CPUS];	/* [o] */

static uint64_t scale(uint64_t v, uint64_t mult, unsigned shift)
{
	return (uint64_t)((unsigned __int128)v * mult >> shift);
}

uint64_t hal_time_mono_ns(void)
{
	return scale(rdtsc() - vclock.base_counter, vclock.mult, vclock.shift);
}

uint64_t hal_time_real_ns(void) { return real_base_ns + hal_time_mono_ns(); }

int hal_time_vclock(struct hal_vclock *out)
{
	if (!cpu_features.invariant_tsc && !cpu_features.hypervisor)
		return -ENOTSUP;
	*out = vclock;
	return 0;
}

void delay_us(unsigned us)
{
	uint64_t end = hal_time_mono_ns() + (uint64_t)us * 1000;

	while (hal_time_mono_ns() < end)
		cpu_pause();
}

/* ---- the reference to measure against ---- */

static struct reference {
	enum { REF_NONE, REF_HPET, REF_PM, REF_PIT } kind;
	volatile uint32_t *hpet;
	uint64_t hz;
	uint32_t mask;
} ref;

static void pit_start(void)
{
	outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1));	/* gate on, speaker off */
	outb(0x43, 0xb0);				/* channel 2, both bytes, mode 0 */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
}

static uint32_t ref_read(void)
{
	uint32_t v;

	switch (ref.kind) {
	case REF_HPET:
		return ref.hpet[0xf0 / 4];
	case REF_PM:
		return inl((uint16_t)acpi_power.pm_timer.addr) & ref.mask;
	case REF_PIT:
		outb(0x43, 0x80);
		v = inb(0x42);
		return 0xffff - (v | (uint32_t)inb(0x42) << 8);
	default:
		return 0;
	}
}

static void ref_find(void)
{
	const uint8_t *t = (const uint8_t *)acpi_find("HPET", 0);
	uint64_t pa;

	ref.mask = 0xffffffff;
	if (t && t[40] == 0) {
		memcpy(&pa, t + 44, 8);
		ref.hpet = mmio_map(pa);
		if (ref.hpet && ref.hpet[1] && ref.hpet[1] <= 100000000) {
			ref.kind = REF_HPET;
			ref.hz = (uint64_t)(1000000000000000 / ref.hpet[1]);
			ref.hpet[4] |= 1;	/* the counter runs */
			return;
		}
	}
	if (acpi_power.pm_timer.space == ACPI_IO_PORT) {
		ref.kind = REF_PM;
		ref.hz = 3579545;
		if (!acpi_power.pm_timer_32)
			ref.mask = 0xffffff;
		return;
	}
	pit_start();
	ref.hz = 1193182;
	ref.mask = 0xffff;
	ref.kind = REF_PIT;
	for (unsigned i = 0, first = ref_read(); i < 1000; i++)
		if (ref_read() != first)
			return;
	ref.kind = REF_NONE;
}

struct sample { uint32_t ref, lapic; uint64_t tsc; };

/* Both counters at one time: the closest of some tries. */
static struct sample sample(void)
{
	struct sample best = { 0 };
	uint64_t window = UINT64_MAX;

	for (unsigned i = 0; i < 8; i++) {
		uint64_t t0 = rdtsc();
		uint32_t r = ref_read(), l = apic_read(APIC_TIMER_COUNT);
		uint64_t t1 = rdtsc();

		if (t1 - t0 < window) {
			window = t1 - t0;
			best = (struct sample){ r, l, t0 + (t1 - t0) / 2 };
		}
	}
	return best;
}

static void measure(void)
{
	struct sample a, b;
	uint64_t ticks, want;

	ref_find();
	if (ref.kind == REF_NONE) {
		/* Nothing to measure against: better a clock that runs at a wrong rate than none. */
		tsc_hz = tsc_hz ? tsc_hz : NS_PER_S;
		lapic_hz = NS_PER_S / 16;
		return;
	}
	want = ref.hz * CALIBRATE_US / 1000000;
	a = sample();
	while (((ref_read() - a.ref) & ref.mask) < want)
		cpu_pause();
	b = sample();
	ticks = (b.ref - a.ref) & ref.mask;
	if (!tsc_hz)
		tsc_hz = scale(b.tsc - a.tsc, ref.hz, 0) / ticks;
	lapic_hz = (uint64_t)(a.lapic - b.lapic) * ref.hz / ticks;
}

/* ---- the CMOS clock ---- */

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned bcd(unsigned v, bool binary) { return binary ? v : (v >> 4) * 10 + (v & 15); }

static uint64_t cmos_seconds(void)
{
	static const uint8_t regs[6] = { 0, 2, 4, 7, 8, 9 };
	uint8_t now[6] = { 0 }, last[6];
	unsigned v[6], tries = 0, y, m;
	uint8_t b;
	bool pm;

	do {	/* the same twice: no update was under way */
		memcpy(last, now, 6);
		for (unsigned i = 0; i < 100000 && cmos(10) & 0x80; i++)
			cpu_pause();
		for (unsigned i = 0; i < 6; i++)
			now[i] = cmos(regs[i]);
	} while (memcmp(last, now, 6) && ++tries < 10);
	if (now[0] == 0xff)
		return 0;	/* there is none */
	b = cmos(11);
	pm = !(b & 2) && now[2] & 0x80;
	now[2] &= 0x7f;
	for (unsigned i = 0; i < 6; i++)
		v[i] = bcd(now[i], b & 4);
	if (!(b & 2))
		v[2] = v[2] % 12 + (pm ? 12 : 0);
	y = v[5] + 2000;
	m = v[4];
	/* Days from 1970-01-01, the year beginning in March. */
	if (m < 3) {
		y--;
		m += 12;
	}
	return ((uint64_t)365 * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 + v[3] - 1 - 719468) * 86400 +
		v[2] * 3600 + v[1] * 60 + v[0];
}

/* ---- */

void time_cpu_init(void)
{
	apic_write(APIC_TIMER_DIV, 3);		/* by 16 */
	if (cpu_features.tsc_deadline)
		apic_write(APIC_LVT_TIMER, TIMER_DEADLINE_MODE | VEC_TIMER);
	else
		apic_write(APIC_LVT_TIMER, VEC_TIMER);
	deadline[pcpu()->id] = UINT64_MAX;
}

void time_init(void)
{
	struct cpuid c;
	unsigned shift = 32;

	if (cpu_features.max_leaf >= 0x15) {
		c = cpuid(0x15, 0);
		if (c.a && c.b && c.c)
			tsc_hz = (uint64_t)c.c * c.b / c.a;
	}
	if (!tsc_hz && cpu_features.hypervisor && cpuid(0x40000000, 0).a >= 0x40000010)
		tsc_hz = (uint64_t)cpuid(0x40000010, 0).a * 1000;
	apic_write(APIC_TIMER_DIV, 3);
	apic_write(APIC_TIMER_INIT, 0xffffffff);	/* LVT is masked */
	if (!tsc_hz || !cpu_features.tsc_deadline)
		measure();
	apic_write(APIC_TIMER_INIT, 0);
	while (((uint64_t)NS_PER_S << shift) / tsc_hz >> 32)
		shift--;
	vclock.mult = (uint32_t)(((uint64_t)NS_PER_S << shift) / tsc_hz);
	vclock.shift = shift;
	vclock.base_counter = rdtsc();
	ticks_per_ns_30 = (tsc_hz << 30) / NS_PER_S;
	lapic_per_ns_32 = (lapic_hz << 32) / NS_PER_S;
	real_base_ns = cmos_seconds() * NS_PER_S;
	time_cpu_init();
}

/* Counted from now: over weeks the rounded scales drift from the clock.  A deadline hours away is reached in steps. */
static void timer_set(uint64_t when)
{
	uint64_t tsc = rdtsc(), now = scale(tsc - vclock.base_counter, vclock.mult, vclock.shift);
	uint64_t left = when > now ? MIN(when - now, (uint64_t)FARTHEST_S * NS_PER_S) : 0;

	if (cpu_features.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, when == UINT64_MAX ? 0 : tsc + scale(left, ticks_per_ns_30, 30) + 1);
	else if (when == UINT64_MAX)
		apic_write(APIC_TIMER_INIT, 0);
	else
		apic_write(APIC_TIMER_INIT, (uint32_t)MIN(scale(left, lapic_per_ns_32, 32) + 1, (uint64_t)0xffffffff));
}

void hal_timer_arm(uint64_t when)
{
	deadline[pcpu()->id] = when;
	timer_set(when);
}

bool timer_due(void)
{
	uint64_t *d = &deadline[pcpu()->id];

	if (*d == UINT64_MAX)
		return false;
	if (hal_time_mono_ns() < *d) {
		timer_set(*d);
		return false;
	}
	*d = UINT64_MAX;
	return true;
}
