/* SPDX-License-Identifier: MIT */
#ifndef AARCH64_AS_H
#define AARCH64_AS_H
#include <stdbool.h>
#include <hal/types.h>

struct hal_as {
	paddr_t pgd;		/* [I] */
	uint64_t asid;		/* [asid_lock], read without; 0: never ran */
	bool held;		/* [a] hal_as_hold() */
	bool stale;		/* [caller] invalidations were issued and not waited for */
};
/* For a TLBI operand: the ASID in bits 63:48.  0: never ran, nothing is cached. */
uint64_t asid_number(const struct hal_as *as);
#endif
