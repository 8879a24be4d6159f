/* SPDX-License-Identifier: MIT */
/*
 * A user address space: a balanced tree of areas over pages.  It is the
 * truth; the machine's tables (struct hal_as) are a cache of it.
 */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H
#include <hal/aspace.h>
#include <kernel/compiler.h>
#include <kernel/fault_run.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/rbtree.h>

struct file;
struct page;
struct task;
struct vm_area;

enum vm_flags {
	VM_READ = 1, VM_WRITE = 2, VM_EXEC = 4,		/* as HAL_READ.. */
	VM_MAYREAD = 0x10, VM_MAYWRITE = 0x20, VM_MAYEXEC = 0x40,
	VM_SHARED = 0x80,
	VM_GROWSDOWN = 0x100,
	VM_LOCKED = 0x200,
	VM_DONTFORK = 0x400, VM_WIPEONFORK = 0x800, VM_DONTDUMP = 0x1000,
	VM_DEVICE = 0x2000,	/* maps device memory: no struct pages behind it */
	VM_SPECIAL = 0x4000,	/* vDSO: pages of the kernel's, not counted, not merged */
	VM_NORESERVE = 0x8000,
	VM_RAND_READ = 0x10000, VM_SEQ_READ = 0x20000,	/* madvise */
	VM_ACCOUNT = 0x40000,	/* private writable: counted in data_pages */
	VM_SEALED = 0x80000,	/* mseal: stays as it is until the address space goes */
};
struct vm_area {
	struct rb_node node;
	uaddr_t start, end;		/* page aligned, [start, end) */
	unsigned flags;
	bool writable;			/* counted in mapping->writable_maps */
	struct vm_space *vm;
	struct file *file;		/* reference; NULL: anonymous */
	uint64_t pgoff;			/* offset in the file, pages; for anonymous areas start >> PAGE_SHIFT at creation */
	struct list_head mapping_link;	/* on the mapping's list of areas */
	struct mapping *mapping;	/* file's page cache, or the shared anonymous one; NULL: private anonymous */
	struct vm_special *special;	/* VM_SPECIAL: reference */
	uint64_t gap, max_gap;		/* free bytes below, largest of the subtree */
	struct fault_run fault_run;	/* the last in this area */
};
/* Areas that an address space may have: vm.max_map_count.  [a] */
extern uint32_t vm_areas_max;

/* Pages for what a fork copies at once: mm/fork_pages.c. */
struct fork_block {
	struct page *first;		/* 2^order pages, with a reference to each; NULL: none */
	const struct hal_as *as;	/* of the child that had them last: identity only */
	unsigned order;
	unsigned next;			/* where the search for the next address begins */
	unsigned strangers;		/* copies for that child that found no page here */
};

struct vm_space {
	struct refcount refs;		/* users: tasks and those that look in */
	uint64_t id;			/* [I] unique for ever */
	struct rwsem lock;		/* [VM] areas; readers fault in parallel */
	struct rb_root areas;		/* [lock] */
	unsigned area_count;		/* [lock] */
	struct hal_as *as;		/* [I] */
	struct vm_pages *pages;		/* which page is at which address: mm/ */
	bool held;			/* [a] set with [lock]: its user code waits for it, see vm_user_wait() */
	uint64_t generation;		/* [a] bumped whenever a mapping goes away: translation caches */
	uaddr_t brk_start, brk, stack_top, mmap_base;	/* [lock] */
	uaddr_t arg_start, arg_end, env_start, env_end;	/* for /proc/PID/cmdline */
	uaddr_t start_code, end_code, start_data, end_data, vdso;
	uint64_t auxv[48]; unsigned auxv_words;		/* for /proc/PID/auxv */
	uint64_t total_pages, locked_pages, data_pages;	/* [lock] sizes of areas */
	int64_t rss_anon, rss_file, rss_shmem, max_rss;	/* [a] */
	struct file *exe;		/* [lock] */
	struct fork_block fork_blocks[2], *fork_block;	/* [lock] the one in use */
	unsigned def_flags;		/* [lock] mlockall */
	struct aio_table *aio;		/* [a] ipc/aio.c */
	unsigned membarrier;		/* [a] what the program registered for */
	bool secret;			/* [a] its memory is not for other processes of its user: not "dumpable" (prctl(2) PR_SET_DUMPABLE) */
	struct rcu_head rcu;		/* the struct outlives its last reference by a grace period */
};

struct vm_space *vm_create(void);			/* NULL: no memory */
struct vm_space *vm_fork(struct vm_space *parent);	/* copy on write; NULL: no memory */
/* The machine would not run user code of current's: a fork keeps it from that, wait for its end.  May sleep. */
void vm_user_wait(struct vm_space *vm);
void vm_get(struct vm_space *vm);
void vm_put(struct vm_space *vm);
/* A reference to another task's, NULL: none (kernel thread, exiting). */
struct vm_space *vm_get_task(struct task *t);
/* May others of its user look into t (prctl(2) PR_SET_DUMPABLE)?  One that has given its address space back: as it was then. */
bool task_dumpable(struct task *t);
/* Make it current's, and the machine's (exec, exit with NULL).  Takes over the caller's reference; the caller puts the old one. */
void vm_activate(struct vm_space *vm);

/*
 * mmap: addr 0 or a hint, or exact with MAP_FIXED.  flags: abi MAP_*, prot: abi PROT_*.
 * Returns the address or -errno as an int64_t.
 */
/* Driver-mapped device memory (file_ops.mmap): set VM_DEVICE in a->flags and a->pgoff to the page frame number. */
int64_t vm_mmap(struct vm_space *vm, uaddr_t addr, uint64_t len, unsigned prot, unsigned flags, struct file *file, uint64_t pgoff);
int vm_munmap(struct vm_space *vm, uaddr_t addr, uint64_t len);
int vm_set_brk(struct vm_space *vm, uaddr_t start, uaddr_t end);	/* exec: the empty heap */
/* The stack area of a new image below top; grows down to the limit.  mmap_base is lowered if it does not leave room for that. */
int vm_map_stack(struct vm_space *vm, uaddr_t top, uint64_t size, unsigned prot_exec);
/*
 * An area of `size` bytes with n pages of the kernel's own (vDSO); behind them
 * is nothing (SIGBUS).  pages[] are referenced.
 */
int vm_map_special(struct vm_space *vm, uaddr_t addr, uint64_t size, struct page **pages, unsigned n, unsigned vm_flags,
	const char *name);
/* hal_trap_info.hot_call of current: tell the machine the page, if it may change a copy of it.  May sleep. */
void vm_hot_call(struct vm_space *vm, uaddr_t ip);
struct vm_area *vm_find(struct vm_space *vm, uaddr_t addr);	/* [lock] first area with end > addr */
struct vm_area *vm_next(struct vm_area *a);

/*
 * A page fault of current.  0: handled.  -EFAULT with *si_code (SEGV_MAPERR, SEGV_ACCERR),
 * -EIO (SIGBUS), -ENOMEM (the OOM path has chosen a victim), -EINTR (fatal signal).  May sleep.
 */
int vm_fault(struct vm_space *vm, uaddr_t addr, unsigned access, int *si_code);
/* addr will be used soon: what a fault there would do, if it can be done.  May sleep. */
void vm_expect(struct vm_space *vm, uaddr_t addr, unsigned access);
/* A new program: what others that executed these files have used of them, as far as it is in memory.  May sleep. */
void vm_expect_files(struct vm_space *vm);
/*
 * The page behind an address, faulted in for `access`, with a reference; for
 * futex, ptrace, process_vm_readv, AIO.  0 or -EFAULT, -ENOMEM.
 */
int vm_get_page(struct vm_space *vm, uaddr_t addr, unsigned access, struct page **out);
/* Copy to or from another address space.  Returns bytes copied (short at the first fault). */
size_t vm_access(struct vm_space *vm, uaddr_t addr, void *buf, size_t n, bool write, bool force);
/* Moves *at, a page's address, to the next page in [*at, end) that is mapped now.  false: none.  Holes cost nothing, however large. */
bool vm_page_next(struct vm_space *vm, uaddr_t *at, uaddr_t end);
void vm_init(void);

/* For /proc/PID/{maps,smaps,statm}: the areas in order, the lock held for reading; fn false: stop. */
struct vm_area_usage { uint64_t rss_pages, anon_pages, shared_pages, private_pages, dirty_pages, shared_dirty_pages, pss_bytes; };
void vm_for_each_area(struct vm_space *vm, uaddr_t from, bool (*fn)(struct vm_area *a, void *arg), void *arg);
void vm_area_usage(struct vm_area *a, struct vm_area_usage *out);	/* inside fn */
/* "[heap]", "[stack]", "[vdso]"...; NULL: a file's name, or none. */
const char *vm_area_name(const struct vm_area *a);
/* Fault everything in (mlock, MAP_POPULATE).  0 or the first error. */
int vm_populate(struct vm_space *vm, uaddr_t start, uaddr_t end);

/* A name for a file-backed futex, and for shared ones: see task/futex.c. */
struct vm_key { uint64_t object; /* vm_space.id or mapping_number() */ uint64_t offset; bool shared, mapped; };
/* 0; -EINVAL: not a multiple of four; -EFAULT.  Private ones go by address space and address, no fault is taken; others have to be readable or writable (write). */
int vm_futex_key(uaddr_t addr, bool is_private, bool write, struct vm_key *out) MUST_CHECK;
/* oom.c: of t's process and every other that shares its memory. */
struct task;
void oom_set_score_adj(struct task *t, int adj);
#endif
