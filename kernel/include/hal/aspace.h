/* SPDX-License-Identifier: MIT */
/*
 * User address spaces.
 *
 * A cache, never the truth: the kernel's areas and pages say what is mapped
 * where.  The machine may forget any mapping at any time; the fault that
 * follows puts it back.
 *
 * Calls on one address space are serialized by the caller (vm_space's lock).
 * map, unmap and protect may be batched: they hold at the latest when
 * hal_as_flush() returns, and before user code next runs on a CPU that calls
 * hal_user_run() after them.  Only after hal_as_flush() may a page that was
 * mapped be given to somebody else, or be believed unwritten.
 */
#ifndef HAL_ASPACE_H
#define HAL_ASPACE_H
#include <hal/types.h>

enum { HAL_READ = 1, HAL_WRITE = 2, HAL_EXEC = 4, HAL_DEVICE = 8 };	/* prot */
enum { HAL_ACCESSED = 1, HAL_DIRTY = 2 };

struct hal_as *hal_as_create(void);	/* NULL: no memory.  May sleep. */
/* No CPU has it active and no user thread will run in it.  May sleep. */
void hal_as_destroy(struct hal_as *as);
/* From now on hal_user_run() on this CPU runs in `as`.  NULL: none (kernel threads, before a destroy). */
void hal_as_activate(struct hal_as *as) REQUIRES(irqs_off);

/* `pages` pages of physically contiguous memory at va; replaces what was there.  0 or -ENOMEM. */
int hal_as_map(struct hal_as *as, uaddr_t va, paddr_t pa, size_t pages, unsigned prot);
void hal_as_unmap(struct hal_as *as, uaddr_t va, size_t pages);	/* holes are fine */
void hal_as_protect(struct hal_as *as, uaddr_t va, size_t pages, unsigned prot);
/*
 * Accessed and dirty bits since the last call; a machine that has none says 0
 * (the kernel tracks dirtiness of shared file pages by write faults).
 */
unsigned hal_as_test_clear(struct hal_as *as, uaddr_t va);
/* Until this returns, user code on other CPUs may use the old mappings.  May sleep. */
void hal_as_flush(struct hal_as *as);

/* The first address that user code cannot have, and the lowest it may map. */
uaddr_t hal_as_limit(void);
uaddr_t hal_as_min(void);
#endif
