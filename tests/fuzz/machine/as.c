/* SPDX-License-Identifier: MIT */
/*
 * Address spaces.  No user instruction ever runs: all of the programs' memory
 * is touched by the kernel's own user copies, which go by the kernel's areas.
 * So nothing is kept here; what is asked is checked against the contract.
 */
#include "fz.h"
#include <kernel/page.h>
#include <kernel/print.h>
#include <kernel/slab.h>

struct hal_as { uint64_t limit; };
#define AS_LIMIT UINT64_C(0x7ffffffff000)	/* Linux's on x86-64, for the differential */

uaddr_t hal_as_limit(void) { return AS_LIMIT; }
uaddr_t hal_as_min(void) { return 0x10000; }

size_t hal_as_own_pages(void) { return 0; }
void hal_as_own(struct hal_as *as, uaddr_t va, const void *program) { }
unsigned hal_as_fault_pages(void) { return 2; }
bool hal_as_hot_call(struct hal_as *as, uaddr_t ip, paddr_t pa) { return false; }

struct hal_as *hal_as_create(struct hal_as *parent)
{
	struct hal_as *as = kzalloc(sizeof(*as), 0);

	if (as)
		as->limit = AS_LIMIT;
	return as;
}

void hal_as_destroy(struct hal_as *as) { kfree(as); }
void hal_as_activate(struct hal_as *as) NO_TSA { fz_self->as = as; }

static void check(const struct hal_as *as, uaddr_t va, size_t pages)
{
	BUG_ON(as->limit != AS_LIMIT);
	BUG_ON(va & (PAGE_SIZE - 1) || va >= AS_LIMIT || pages > (AS_LIMIT - va) >> PAGE_SHIFT);
}

int hal_as_map(struct hal_as *as, uaddr_t va, paddr_t pa, size_t pages, unsigned prot)
{
	check(as, va, pages);
	BUG_ON(pa < FUZZ_RAM_BASE || pa + ((uint64_t)pages << PAGE_SHIFT) > fz_boot_args->ram_end);
	return 0;
}

void hal_as_unmap(struct hal_as *as, uaddr_t va, size_t pages) { check(as, va, pages); }
void hal_as_protect(struct hal_as *as, uaddr_t va, size_t pages, unsigned prot) { check(as, va, pages); }
unsigned hal_as_test_clear(struct hal_as *as, uaddr_t va) { return 0; }
void hal_as_flush(struct hal_as *as) { fz_point(); }
bool hal_as_hold(struct hal_as *as) { return true; }
void hal_as_release(struct hal_as *as) { }
