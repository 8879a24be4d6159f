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

enum { HAL_READ = 1, HAL_WRITE = 2, HAL_EXEC = 4, HAL_DEVICE = 8,	/* prot */
	HAL_PRIVATE = 16 /* a hint: the page is the page cache's, and mapped privately */ };
enum { HAL_ACCESSED = 1, HAL_DIRTY = 2 };

/*
 * parent: the address space it will be a copy of (fork), or NULL; nothing is
 * mapped in it, but the machine may share what it prepared for the parent.
 * NULL: no memory.  May sleep.
 */
struct hal_as *hal_as_create(struct hal_as *parent);
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

/*
 * Keep user code of it from running: from now on hal_user_run() returns HAL_TRAP_KICK at once instead, until hal_as_release().
 * False: some runs on another CPU; nothing is held.  Not nested, and not for long.
 */
bool hal_as_hold(struct hal_as *as);
void hal_as_release(struct hal_as *as);

/*
 * So many pages of each address space the machine wants for itself, near the
 * program's libraries; 0 on most.  hal_as_own() says where they are: the kernel
 * maps nothing there.  A range that is unmapped, or mapped otherwise, is given back.
 * program: the same for all that execute the same file; what the machine prepares
 * for one of them may be of use to the next.  May sleep.
 */
size_t hal_as_own_pages(void);
void hal_as_own(struct hal_as *as, uaddr_t va, const void *program);
/*
 * hal_trap_info.hot_call, and the page behind it: of a file, mapped privately,
 * executable and not writable.  The machine may run a copy of that page in which
 * the call is made in another way.  True: the page must be mapped again.
 * Serialized like map and unmap.
 */
bool hal_as_hot_call(struct hal_as *as, uaddr_t ip, paddr_t pa);

/* About how many pages can be copied in the time that a fault takes: what is worth doing before it is asked for. */
unsigned hal_as_fault_pages(void);

/* The first address that user code cannot have, and the lowest it may map. */
uaddr_t hal_as_limit(void);
uaddr_t hal_as_min(void);
#endif
