/* SPDX-License-Identifier: MIT */
/* Patched call sites: see patch.c. */
#ifndef UM_PATCH_H
#define UM_PATCH_H
#include "stubs.h"

void um_patch_init(void);
/* Does fast_entry work here (CPU, backend, --patch)? */
bool um_patch_enabled(void);
/* A forked child has its parent's set of patches.  Locks: takes parent->lock. */
void um_patch_share(struct hal_as *as, struct hal_as *parent);
/*
 * Another trapped call there: how many that makes, of all that run the program.  A lost one does not matter.
 * | UM_HOT_PATCHED: it is patched; this address space maps an older page, or jumps to the instruction itself.
 */
#define UM_HOT_PATCHED (UINT32_C(1) << 31)
uint32_t um_patch_count(struct hal_as *as, uaddr_t ip);
void um_patch_put(struct um_patch *p);		/* NULL is fine; any context */

/* What to map at va, and in the next n - 1 pages, instead of the pages at pa: executable, not writable, private.  Locks: as->lock. */
void um_patch_map(struct hal_as *as, uaddr_t va, paddr_t pa, unsigned n, paddr_t *use);
/* May a page in the range be a patched one?  Locks: as->lock. */
bool um_patch_any(struct hal_as *as, uaddr_t va, uint64_t len);
/* The physical page of trampolines that belongs at va; false: none does.  Locks: as->lock. */
bool um_patch_tramp(struct hal_as *as, uaddr_t va, paddr_t *pa);

/* ---- cpuid.c ---- */

bool um_cpuid_enabled(void);
/* The page that stubs map at STUB_CPUID; 0: none. */
paddr_t um_cpuid_table(void);
/* A program begins there that has begun before: true: its CPUID instructions are learnt for a while, as `before` times before.  Locks: as->lock. */
bool um_cpuid_start(struct hal_as *as, unsigned before);
/* It is over. */
void um_cpuid_learnt(struct hal_as *as);
/* While it learns: that page, of a file, is mapped at va to be executed.  Locks: as->lock. */
void um_cpuid_seen(struct hal_as *as, uaddr_t va, paddr_t pa);
/* as->watch is not what the thread has been told.  The thread is stopped. */
void um_cpuid_watch(struct hal_as *as, struct um_thread *t);
/* The instruction at ip, in that page: true: a CPUID that has been stopped at; um_cpuid_learn() is to come.  Locks: as->lock. */
bool um_cpuid_site(struct hal_as *as, uaddr_t ip, paddr_t pa);
/* Execute it, and note what it was asked. */
void um_cpuid_learn(struct hal_as *as, struct abi_regs *r);
/* A CPUID at r->rip. */
void um_cpuid_execute(struct abi_regs *r);
/* Where they are in that page, *n of them; NULL: nowhere, or not known yet.  They stay. */
struct um_cpuid_site {
	uint16_t at;			/* offset */
	bool varies;			/* not to be answered */
	uint8_t asked;			/* how many different questions: 2 are some */
	uint32_t leaf, sub, r[4];	/* the only one, and eax, ebx, ecx, edx */
};
enum { UM_CPUID_SITES = 30 };
const struct um_cpuid_site *um_cpuid_sites(paddr_t pa, unsigned *n);
/* A copy of the page with traps there is mapped at va: false: there is no room for them.  Locks: as->lock. */
bool um_cpuid_list(struct hal_as *as, uaddr_t va, const uint16_t *at, unsigned n);
/* The range will be mapped otherwise; true: there was a site in it.  Locks: as->lock. */
bool um_cpuid_forget(struct hal_as *as, uaddr_t va, uint64_t len);
/* #GP(0), or a breakpoint: true: it may have been a CPUID to be learnt; go on. */
bool um_cpuid_fault(struct hal_uctx *u, struct hal_as *as, struct hal_trap_info *info, bool stepped);
/* #GP(0): the program's own; a CPUID that has been executed; a place that is being mapped otherwise: let it try again. */
enum um_cpuid_gp { UM_CPUID_OTHER, UM_CPUID_DONE, UM_CPUID_AGAIN } um_cpuid_trap(struct hal_uctx *u, struct hal_as *as);

/* Where the program believes that its call returns to; true: it is another place. */
bool um_patch_return(struct hal_as *as, uaddr_t machine, uaddr_t *program);
/*
 * A thread that was interrupted in a trampoline: as if it was at the instruction
 * that this stands for.  Returns where the trampoline goes on after its call, if
 * that has not been made yet and cannot be made at the site itself (shape B).
 */
uaddr_t um_patch_hide(struct hal_as *as, struct abi_regs *r);
/* The program went to an address where the patch is in the way: where to go on instead; false: it did not. */
bool um_patch_enter(struct hal_as *as, uaddr_t ip, int sig, unsigned trap, uaddr_t *machine);
#endif
