/* SPDX-License-Identifier: MIT */
/* Address spaces (stub processes) and their threads, between aspace.c and user.c. */
#ifndef UM_STUBS_H
#define UM_STUBS_H
#include "kept.h"
#include "um.h"
#include <abi/regs.h>
#include <host/stub.h>
#include <host/stub_abi.h>
#include <kernel/list.h>
#include <kernel/page.h>

/* A thread of a stub process: runs one user thread at a time. */
struct um_thread {
	struct hal_as *as;		/* [I] */
	struct list_head link;		/* [as->lock] as->threads */
	struct stub_thread *ctl;	/* [I] its area, through the direct map */
	struct page *page;		/* [I] */
	uint64_t area;			/* [I] where the stub sees it */
	size_t size;			/* [I] */
	int tid;			/* [I] the host's */
	int host_cpu;			/* [o] bound to, or -1 */
	bool cpuid_faults;		/* [o] its host thread has been told so */
	unsigned watches;		/* [o] so many addresses has its host thread been told to stop at, */
	uint32_t watch_changes;		/* [o] as->watch_changes then */
	bool fast;			/* [o] stopped in a patched call: no frame, the FP state is in the CPU */
	bool fp_saved;			/* [o] fast: and a copy of it in um_fast_fp() */
	bool fp_load;			/* [o] fast: what is in um_fast_fp() is newer than the CPU's */
	uint32_t frame, fp, fp_size;	/* [I] offsets of the signal frame and FP state in the area */
	struct hal_uctx *owner;		/* [as->lock] NULL: free */
};

/*
 * A stub process.  Type-stable: once allocated it stays one, so that a stale
 * uctx->t can be looked at under its lock.
 */
struct hal_as {
	struct um_lock lock;
	struct list_head pool;		/* [pool_lock] free stubs */
	struct list_head threads;	/* [lock] */
	struct stub_svc *svc;		/* [I while alive] */
	struct page *svc_page;
	int pid;			/* [a] 0: no process */
	int dead_pid;			/* [a] the last of its processes that is known to be gone */
	int svc_cpu;			/* [lock] host CPU of the service thread, or -1 */
	unsigned nthreads;		/* [lock] slots used */
	bool due;			/* [lock] to set, and read without: who is to run looks into the buffers first */
	bool held;			/* [lock] hal_as_hold(); and then `due` is set */
	uint32_t buffer;		/* [lock] op buffer being filled */
	uint32_t count;			/* [lock] ops in it */
	struct um_kept kept;		/* [lock] what it maps, and what its last program did */
	const void *kept_for;		/* [lock, then pool_lock] whose patches that had: identity only */
	const void *kept_parent;	/* [pool_lock, while in the pool] who forked it: identity only; NULL: nobody */
	int pool_cpu;			/* [pool_lock] host CPU of whoever gave it back */
	struct um_thread *inflight;	/* [lock] does the other buffer before its user code */
	struct um_patch *patch;		/* [lock] to change; patched call sites, shared by all that run the program; NULL: none */
	uaddr_t own;			/* [lock] hal_as_own(): trampolines are there; 0: nowhere */
	bool patch_off;			/* [lock] no longer: the program unmapped them */
	uint32_t tramp_mapped;		/* [lock] pages of trampolines that the stub has */
	uint32_t changes;		/* [lock] counts changes of mappings */
	uint32_t cpuid_n;		/* [lock] svc->cpuid_sites */
	bool cpuid_ever;		/* [lock] it had some; read without */
	uint8_t learn;			/* [o] its only thread's CPUIDs are being learnt until it has made so many calls: cpuid.c */
	bool faulting;			/* [o] they fault meanwhile */
	uaddr_t learn_ip, cpuid_do;	/* [o] of the last fault; the one to execute for it, or 0 */
	struct um_known *cpuid_page;	/* [o] where that is */
	uint32_t watch_changes;		/* [lock] counts changes of the next two */
	unsigned watch_n;		/* [lock] */
	uint64_t watch[HOST_WATCH];	/* [lock] where its thread shall stop */
	bool watched;			/* [o] a thread of this process was told to */
};

/* A user thread. */
struct hal_uctx {
	struct abi_regs regs;		/* [o] whole after um_regs_whole() */
	bool rest_there;		/* [a] what is in struct stub_rest is not in regs, but with t */
	struct um_thread *t;		/* [as->lock] its FP state is in t's frame; NULL: in fpu */
	struct hal_as *as;		/* [o] of t; such structs are never freed, t may be: lock first, then look at t */
	void *fpu;			/* [o] um_fpu_size bytes */
	bool step;			/* [o] */
	bool called;			/* [o] it made a system call while being stepped */
	uaddr_t ret, ret_machine;	/* [o] of the running call, if it returns into a trampoline: program's view, real; or 0 */
	uint32_t ret_changes;		/* [o] as->changes then */
	bool spin;			/* [o] hand over by spinning on two host CPUs: see um_spin_*() */
	int score, fit;			/* [o] */
	uint64_t call_key, waits_at;	/* [o] stub_call_key() of its last call; of one that waits, */
	int waits;			/* [o] and how surely: 0..WAITS_MAX */
	uaddr_t gp_ip;			/* [o] last place that um_cpuid_trap() did not know, */
	uint32_t gp_changes;		/* [o] and as->changes then */
	int answer_pid, answer_tid;	/* [a] hal_user_answers() */
	bool waited;			/* [o] the CPU had something else to do during the last call */
};

/* The host's rt signal frame (arch/x86/include/uapi/asm/{ucontext,sigcontext}.h); a layout that cannot change. */
struct um_frame {
	uint64_t restorer;
	uint64_t uc_flags, uc_link;
	uint64_t ss_sp, ss_flags, ss_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
	uint64_t sigmask;
	int32_t signo, si_errno, si_code, pad;
	union {
		uint64_t addr;
		struct { uint64_t call_addr; int32_t nr; uint32_t arch; } sys;
	};
};
_Static_assert(offsetof(struct um_frame, signo) == 312, "ucontext");

extern size_t um_fpu_size;
extern paddr_t um_clock_page;	/* 0: not told yet */

static inline struct um_frame *um_frame(struct um_thread *t) { return (void *)((char *)t->ctl + t->frame); }
static inline void *um_fast_fp(struct um_thread *t) { return (char *)t->ctl + STUB_THREAD_CTL; }
/* Where the signal stack begins in a thread's area. */
uint32_t um_sigstack_offset(void);
static inline void *um_frame_fp(struct um_thread *t) { return (char *)t->ctl + t->fp; }

/*
 * A thread that stopped without a frame gets one, with its FP state.  false: it
 * died.  Locks: the thread is the caller's, or as->lock.
 */
bool um_thread_settle(struct um_thread *t);
/* The FP state of a thread that stopped; to change it in place, say so.  Locks: as above. */
void *um_thread_fp(struct um_thread *t, bool change);
/* Map the page of trampolines that a fault found missing; false: there is none at va. */
bool um_as_tramp_fault(struct hal_as *as, uaddr_t va);
/* Unmap one page.  Locks: as->lock. */
void um_as_forget(struct hal_as *as, uaddr_t va) REQUIRES(as->lock);
/* Its owner leaves it: to the counters. */
static inline void um_count_answered(struct um_thread *t)
{
	um_count_add(UM_STAT_ANSWERED, t->ctl->answered);
	t->ctl->answered = 0;
}
/* A free thread of that stub, or a new one.  NULL: dead, no memory.  Locks: as->lock held. */
struct um_thread *um_thread_get(struct hal_as *as) REQUIRES(as->lock);
/* Close the buffer: how many operations are in it.  Locks: as->lock held. */
unsigned um_as_take_ops(struct hal_as *as) REQUIRES(as->lock);
/*
 * May user code of it be running?  If not, none begins before the lock is given
 * up, and then what was asked for until then is done first.  Locks: as->lock held.
 */
bool um_as_runs(struct hal_as *as) REQUIRES(as->lock);
/* Until the other buffer has been done.  Locks: as->lock held. */
void um_as_wait_inflight(struct hal_as *as) REQUIRES(as->lock);
/* Wait until the word says STOPPED: the stub itself does something, on that host CPU (-1: any).  false: it died. */
bool um_stop_wait(struct hal_as *as, uint32_t *stop, int host_cpu);
/* Returns whether it had gone to sleep. */
bool um_go(uint32_t *go);
bool um_as_dead(const struct hal_as *as);
void um_fpu_save(struct hal_uctx *u, struct um_thread *t);
void um_fpu_load(struct hal_uctx *u, struct um_thread *t);
void um_fpu_init(void *fpu);

/* A line of the stub's CPU is not taken from it without need. */
#define TELL(place, value) do { \
	__typeof__(place) v_ = (value); \
	if ((place) != v_) \
		(place) = v_; \
} while (0)

/* Make all of u->regs be there.  The owner, or who keeps it stopped. */
void um_regs_whole(struct hal_uctx *u);
/* The same of who is bound to t.  Locks: as->lock. */
void um_rest_fetch(struct hal_uctx *u, const struct um_thread *t);

/* handoff.c */
void um_spin_choose(struct um_cpu *c, struct hal_uctx *u, struct um_thread *t);
/* The CPU has something else to do than u: how its thread waits meanwhile.  Locks: as->lock, or the thread is the caller's. */
void um_spin_away(struct hal_uctx *u, struct um_thread *t);
/* Spin for the word; false: not stopped yet. */
bool um_spin_wait(struct um_cpu *c, struct hal_uctx *u, uint32_t *stop);
/* Wait awake for the stub's own code, which takes microseconds; false: not stopped yet. */
bool um_short_wait(uint32_t *stop, int host_cpu);
/* Give it this host CPU; false: not stopped yet. */
bool um_yield_wait(struct um_cpu *c, struct hal_uctx *u, uint32_t *stop);
void um_spin_learn(struct hal_uctx *u, bool was_asleep, bool spun, uint64_t tsc);
#endif
