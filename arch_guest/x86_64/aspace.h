/* SPDX-License-Identifier: MIT */
/* A user address space as this machine knows it: see aspace.c. */
#ifndef X86_ASPACE_H
#define X86_ASPACE_H
#include <hal/types.h>
#include <kernel/list.h>
#include "insn.h"

enum { AS_RING = 16 };
struct hal_as {
	uint64_t *pml4;		/* [I] */
	paddr_t root;		/* [I] of pml4 */
	uint64_t id;		/* [I] never used for another one */
	uint64_t cpus;		/* [a] CPUs that have it active */
	bool dying;		/* [a] being destroyed */
	bool held;		/* [a] hal_as_hold() */
	uint64_t gen;		/* [a] number of the last change that a TLB may contradict */
	struct leaf_lock dead_lock;
	struct list_head dead;	/* [dead_lock] tables out of the tree, which a CPU may still be walking */
	struct { uaddr_t va; size_t pages; } ring[AS_RING];	/* change g is at g % AS_RING */
};
#endif
