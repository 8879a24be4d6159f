/* SPDX-License-Identifier: MIT */
/*
 * Clocks: the generic timer's virtual counter, its comparator (the virtual one,
 * or the physical one where the tree wires only that), and a PL031 for the date.
 *
 * ns = (ticks * mult) >> shift, in 128 bits, with mult/shift reduced: exact when
 * the frequency divides a power of two times 10^9.
 */
#include <kernel/errno.h>
#include "aarch64/port.h"

enum { NS = 1000000000 };
static uint64_t freq, boot_ticks, boot_seconds;
static uint32_t mult, shift;
static unsigned timer_irq;
static bool use_phys;

uint64_t timer_ticks(void)
{
	uint64_t t;
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(t) : : "memory");
	return t;
}

static uint64_t to_ns(uint64_t ticks) { return (uint64_t)((__extension__ (unsigned __int128)ticks * mult) >> shift); }

uint64_t hal_time_mono_ns(void) { return mult ? to_ns(timer_ticks() - boot_ticks) : 0; }
uint64_t hal_time_real_ns(void) { return boot_seconds * NS + hal_time_mono_ns(); }

int hal_time_vclock(struct hal_vclock *out)
{
	*out = (struct hal_vclock){ .base_counter = boot_ticks, .mult = mult, .shift = shift };
	return 0;
}

static void comparator(uint64_t cval, uint64_t ctl)
{
	if (use_phys) {
		sysreg_write(cntp_cval_el0, cval);
		sysreg_write(cntp_ctl_el0, ctl);
	} else {
		sysreg_write(cntv_cval_el0, cval);
		sysreg_write(cntv_ctl_el0, ctl);
	}
	isb();
}

void hal_timer_arm(uint64_t deadline)
{
	if (deadline >> 62) {
		comparator(UINT64_MAX, 0);
		return;
	}
	/*
	 * Not early: the first tick at which the clock says `deadline` or later.  Counted
	 * from now, as the clock's rounded scale drifts from the frequency over weeks.
	 */
	uint64_t ticks = timer_ticks() - boot_ticks, at = to_ns(ticks), left = deadline > at ? deadline - at : 0;
	for (ticks += left / NS * freq + left % NS * freq / NS; (at = to_ns(ticks)) < deadline;)
		ticks += (deadline - at) * freq / NS + 1;
	/* The comparator's counter may run at an offset from the virtual one. */
	uint64_t offset = use_phys ? sysreg_read(cntpct_el0) - timer_ticks() : 0;
	comparator(boot_ticks + ticks + offset, 1);
}

bool timer_interrupt(unsigned irq)
{
	if (irq != timer_irq)
		return false;
	comparator(UINT64_MAX, 0);
	return true;
}

void timer_cpu_init(void)
{
	comparator(UINT64_MAX, 0);
	gic_unmask_ppi(timer_irq);
}

void timer_init(void)
{
	struct fdt_irq spec;
	uint64_t v;
	int node = fdt_find(&boot_fdt, FDT_NONE, "arm,armv8-timer");
	if (node == FDT_NONE)
		node = fdt_find(&boot_fdt, FDT_NONE, "arm,armv7-timer");
	/* Secure physical, physical, virtual, hypervisor: in this order. */
	if (fdt_interrupt(&boot_fdt, node, 2, &spec) || gic_from_dt(&spec, &timer_irq)) {
		use_phys = true;
		if (fdt_interrupt(&boot_fdt, node, 1, &spec) || gic_from_dt(&spec, &timer_irq))
			boot_fail("no timer");
	}
	freq = sysreg_read(cntfrq_el0) & 0xffffffff;
	if (fdt_number(&boot_fdt, node, "clock-frequency", &v))
		freq = v;
	if (freq < 1000)
		boot_fail("the timer has no frequency");
	/* The largest mult that fits 32 bits, then both reduced. */
	for (shift = 32; ((uint64_t)NS << shift) / freq >> 32; shift--)
		;
	uint64_t m = (((uint64_t)NS << shift) + freq / 2) / freq;
	for (; shift && !(m & 1); shift--)
		m >>= 1;
	mult = (uint32_t)m;
	boot_ticks = timer_ticks();
	timer_cpu_init();
}

void rtc_init(void)
{
	uint64_t pa, size;
	int node = fdt_find(&boot_fdt, FDT_NONE, "arm,pl031");
	if (node == FDT_NONE || fdt_reg(&boot_fdt, node, 0, &pa, &size))
		return;
	void *rtc = mmu_device(pa, size);
	if (rtc)
		boot_seconds = mmio32((uintptr_t)rtc);
}
