/* SPDX-License-Identifier: MIT */
/*
 * The parts of a page fault: see fault.c.  All run with the space's lock held for reading, and may sleep.  Those that return an int
 * say 0 (done, or somebody was faster: user code tries again), -ENOMEM, or -EIO (SIGBUS).
 */
#ifndef MM_FAULT_IMPL_H
#define MM_FAULT_IMPL_H
#include <kernel/pagecache.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

enum { AROUND_PAGES = 16 };	/* what a fault looks at besides its own page */
struct fault {
	struct vm_space *vm;
	struct vm_area *a;
	uaddr_t addr;			/* page aligned */
	bool write, force;
};

static inline uint64_t fault_index(const struct fault *f) { return f->a->pgoff + ((f->addr - f->a->start) >> PAGE_SHIFT); }

/* ---- fault_install.c: entries ---- */
/* The window of so many pages around the fault, inside the area. */
void fault_window(const struct fault *f, unsigned pages, uaddr_t *start, uaddr_t *end);
/* Tell the machine all entries of [start, end), in runs; page-table lock held.  Only the error of the faulting page counts. */
int fault_map_present(const struct fault *f, uaddr_t start, uaddr_t end);
/*
 * Make the entry new (with the caller's reference to its page) if it is still `old`.  1: somebody was faster, or -ENOMEM.  The
 * reference of an old page is the caller's afterwards.  tell: the machine; or the caller does, with what lies around.
 */
int fault_install_tell(const struct fault *f, vpe_t old, vpe_t new, bool tell);
int fault_install(const struct fault *f, vpe_t old, vpe_t new);
unsigned fault_anon_bits(const struct fault *f);
struct page *fault_anon_page(unsigned flags);	/* NULL: no memory */
void fault_max_rss(struct vm_space *vm);
/* How many pages this fault shall bring: one, and twice as many each time as long as the program goes on where it left off. */
unsigned fault_ahead(const struct fault *f, unsigned most);
void fault_brought(const struct fault *f, unsigned n);	/* it brought n: the run goes on behind them */

/* ---- the kinds ---- */
int fault_anon(const struct fault *f);
int fault_file(const struct fault *f);
/* Map the windows of the area's file in which programs had faults before and whose pages are cached; the fault itself is not looked at. */
void fault_file_hot(const struct fault *f);
/* The first write to a shared file page: p is locked and belongs to m. */
int fault_mkwrite(struct mapping *m, struct page *p);
/* A private copy of `from` takes the place of entry old. */
int fault_copy(const struct fault *f, struct page *from, vpe_t old);
/* Copy the shared (or zero) anonymous pages of n from start on, with one flush for all.  False: not that of the fault. */
bool fault_copy_ahead(const struct fault *f, uaddr_t start, unsigned n);
/* A write to a present page that may not be written yet; we hold a reference to it. */
int fault_write(const struct fault *f, vpe_t e);
/* Is a read of this page, which fork shares, better answered by a copy? */
bool fault_read_copies(const struct fault *f, vpe_t e);
#endif
