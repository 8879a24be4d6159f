/* SPDX-License-Identifier: MIT */
/*
 * Address-space identifiers.
 *
 * An as->asid is a generation (upper bits) and a number (lower asid_bits).  Of
 * the current generation it may be used as it is.  When the numbers of a
 * generation run out, the next begins: the numbers that CPUs are running with
 * right now stay theirs, all others are free again, and every CPU drops its
 * whole TLB before it runs with a number of the new generation.
 *
 * The common switch takes no lock: it publishes the new value in the CPU's
 * asid_active by compare-and-swap.  A rollover exchanges asid_active with 0, so
 * either the rollover has seen our value and reserved it, or our swap fails and
 * we take the lock.  Number 0 is the empty table of CPUs without an address space.
 */
#include <kernel/string.h>
#include "aarch64/port.h"
#include "aarch64/as.h"

static struct port_lock asid_lock;
static uint64_t generation;		/* [asid_lock], read without */
static uint64_t bitmap[65536 / 64];	/* [asid_lock] numbers used in this generation */
static unsigned hint = 1;		/* [asid_lock] */

void asid_init(void)
{
	generation = (uint64_t)1 << cpu_features.asid_bits;
	bitmap[0] = 1;
}

static uint64_t number_of(uint64_t asid) { return asid & (((uint64_t)1 << cpu_features.asid_bits) - 1); }
static bool is_current(uint64_t asid)
{
	return asid && !((asid ^ READ_ONCE(generation)) >> cpu_features.asid_bits);
}

static bool take(uint64_t n)
{
	bool was = bitmap[n / 64] >> (n % 64) & 1;
	bitmap[n / 64] |= (uint64_t)1 << (n % 64);
	return !was;
}

static void rollover(void)
{
	WRITE_ONCE(generation, generation + ((uint64_t)1 << cpu_features.asid_bits));
	memset(bitmap, 0, sizeof(bitmap));
	bitmap[0] = 1;
	for (unsigned i = 0; i < HAL_CPUS; i++) {
		struct percpu *c = &percpus[i];
		uint64_t in_use = __atomic_exchange_n(&c->asid_active, 0, __ATOMIC_SEQ_CST);
		/* 0: no switch since the last rollover, it still runs with what was reserved then. */
		if (in_use)
			c->asid_reserved = in_use;
		take(number_of(c->asid_reserved));
		c->asid_flush = true;
	}
	hint = 1;
}

static uint64_t allocate(uint64_t old)
{
	if (old) {
		/* Somebody runs with it since an older generation: all of them must agree on the new name. */
		uint64_t renewed = generation | number_of(old);
		bool reserved = false;
		for (unsigned i = 0; i < HAL_CPUS; i++)
			if (percpus[i].asid_reserved == old) {
				percpus[i].asid_reserved = renewed;
				reserved = true;
			}
		if (reserved || take(number_of(old)))
			return renewed;
	}
	for (unsigned pass = 0; pass < 2; pass++) {
		unsigned total = 1u << cpu_features.asid_bits;
		for (unsigned n = hint; n < total; n++) {
			if (n % 64 == 0 && bitmap[n / 64] == ~(uint64_t)0) {
				n += 63;
				continue;
			}
			if (take(n)) {
				hint = n + 1;
				return generation | n;
			}
		}
		if (!pass)
			rollover();
	}
	boot_fail("more CPUs than address-space identifiers");
}

static void set_ttbr0(paddr_t pgd, uint64_t asid)
{
	sysreg_write(ttbr0_el1, pgd | asid << 48);
	isb();
}

void asid_switch(struct hal_as *as)
{
	struct percpu *c = percpu();
	if (!as) {
		set_ttbr0(hal_virt_to_phys(empty_pgd), 0);
		return;
	}
	uint64_t asid = READ_ONCE(as->asid), active = READ_ONCE(c->asid_active);
	if (!active || !is_current(asid) ||
	    !__atomic_compare_exchange_n(&c->asid_active, &active, asid, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		unsigned long flags = port_lock(&asid_lock);
		asid = as->asid;
		if (!is_current(asid)) {
			asid = allocate(asid);
			WRITE_ONCE(as->asid, asid);
		}
		if (c->asid_flush) {
			c->asid_flush = false;
			__asm__ volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
		}
		__atomic_store_n(&c->asid_active, asid, __ATOMIC_SEQ_CST);
		port_unlock(&asid_lock, flags);
	}
	set_ttbr0(as->pgd, number_of(asid));
}

uint64_t asid_number(const struct hal_as *as)
{
	uint64_t asid = READ_ONCE(as->asid);
	return asid ? number_of(asid) << 48 : 0;
}
