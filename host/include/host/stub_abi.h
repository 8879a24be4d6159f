/* SPDX-License-Identifier: MIT */
/*
 * What a stub process and the kernel's process share: the layout of the top of
 * a stub's address space, and the control blocks in shared physical pages.
 *
 * Everything in a control block can be overwritten by the user program that
 * runs in the stub.  The kernel's side therefore believes nothing here that
 * could hurt it: it checks every pointer and remembers for itself what it asked.
 */
#ifndef HOST_STUB_ABI_H
#define HOST_STUB_ABI_H

#define STUB_BASE	0x7fffc0000000	/* user addresses end here; the stub's code begins, with fast_entry */
#define STUB_CODE_SIZE	0x10000
#define STUB_ZYGOTE	0x7fffc0010000	/* zygote only: shared page, then its private stack */
#define STUB_ZYGOTE_STACK 0x4000
#define STUB_SVC	0x7fffc0020000	/* struct stub_svc */
#define STUB_SVC_SIZE	0x2000
#define STUB_CPUID	0x7fffc0038000	/* struct stub_cpuid[STUB_CPUIDS], to read */
#define STUB_CLOCK	0x7fffc0030000	/* the page of struct abi_vvar, to read; stub.lds knows the address, too */
#define STUB_THREADS	0x7fffe0000000	/* struct stub_thread of slot n at + n * STUB_SLOT */
#define STUB_THREADS_SHIFT 29		/* nothing else is in that half of a gigabyte */
#define STUB_SLOT	0x8000
#define STUB_END	0x7ffffff00000
#define STUB_SLOTS	((STUB_END - STUB_THREADS) / STUB_SLOT)
/*
 * The %gs base of a thread whose program has none (0): how the stub finds its
 * control block without a register.  Nothing is mapped from there to the end of
 * the slot, so that the program's use of %gs:N faults, as it would at 0.
 */
#define STUB_GS_TAG	0x4000

/*
 * Where a patched call returns to: in the program, behind its `syscall`; or in a
 * trampoline, behind so many bytes: how far from here that place in the program is, and two bytes 0.
 */
#define STUB_NEXT_SIZE	6

/* Trampolines of patched call sites in programs that are linked low. */
#define STUB_TRAMP_LOW	0x10000
#define STUB_TRAMP_SIZE	0x10000

#define STUB_FD_RAM	3		/* the only descriptor that a stub has */
#define STUB_FD_COMM	4		/* zygote only */
#define STUB_FD_TTY	5		/* zygote only, if there is a terminal to restore */

#define STUB_THREAD_CTL	1536		/* control block and the stack of patched calls; then, perhaps, the FP state */
#define STUB_OFF_R8	64		/* offsets in struct stub_thread, for entry.S */
#define STUB_OFF_R9	72
#define STUB_OFF_FS	80
#define STUB_OFF_KICKED	192
#define STUB_OFF_BACK	256
#define STUB_OFF_REST	312

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Changes to the address space: done in order. */
enum stub_op_kind { STUB_OP_MAP = 1, STUB_OP_UNMAP, STUB_OP_PROTECT };
struct stub_op {
	uint64_t addr, len, off;
	uint32_t kind;
	uint32_t prot;		/* PROT_* */
};
enum { STUB_OPS = 96 };		/* in a buffer; there are two */

/*
 * The two halves of a hand-off.  `go`: the stub waits for GO_RUN.  `stop`: the
 * kernel waits for STOPPED.  Both are futex words; the waiter says so in the
 * word, so that nobody makes a system call to wake somebody who spins.
 */
enum { STUB_GO_NONE = 0, STUB_GO_RUN = 1, STUB_GO_SLEEP = 2 };
enum { STUB_STOPPED = 1, STUB_WAITER = 2, STUB_INTR = 4, STUB_DEAD = 8, STUB_FP_SAVED = 16 /* of a thread: the FP state is in the area, too */, STUB_KIND_SHIFT = 8 };

enum stub_cmd { STUB_CMD_OPS = 1, STUB_CMD_THREAD };

/* What CPUID says; see arch_um/src/cpuid.c. */
enum { STUB_CPUIDS = 128, STUB_CPUID_TRIES = 8, STUB_CPUID_SITES = 32, STUB_CPUID_TRAP = 0xf4 /* hlt: #GP; #UD would leave to the hypervisor as well */ };
struct stub_cpuid { uint32_t leaf, sub, used, unused; uint32_t r[4]; };	/* eax, ebx, ecx, edx */
static inline uint32_t stub_cpuid_slot(uint32_t leaf, uint32_t sub) { return (leaf * 5 + (leaf >> 26) + sub * 3) % STUB_CPUIDS; }
static inline int stub_cpuid_ignores_ecx(uint32_t leaf)
{
	return leaf == 0 || leaf == 2 || leaf == 5 || leaf == 6 || leaf == 9 || leaf == 0x15 || leaf == 0x16 || leaf - 0x80000000u <= 8;
}
static inline uint32_t stub_cpuid_sub(uint32_t leaf, uint32_t ecx) { return stub_cpuid_ignores_ecx(leaf) ? 0 : ecx; }
/* Not the ones that say which processor this is, and not what a hypervisor says of itself. */
static inline int stub_cpuid_constant(uint32_t leaf)
{
	return leaf != 1 && leaf != 0xb && leaf != 0x1f && leaf >> 28 != 4 && leaf != 0x8000001e && leaf != 0x80000026;
}

/* The service thread of a stub: the leader of its process. */
struct stub_svc {
	uint32_t go, stop;
	uint32_t cmd;
	uint32_t buffer, count;		/* OPS */
	uint32_t slot;			/* THREAD */
	int32_t result;			/* THREAD: the host's thread id */
	uint32_t spin, yield;		/* 0 */
	uint64_t pa, size;		/* THREAD: its area */
	uint32_t traceme;		/* the ptrace backend */
	uint32_t sigstack;		/* offset of the signal stack in a thread's area */
	uint32_t lost;			/* the stub says: the host refused a change, and it has unmapped all */
	uint32_t clock, cpuid;		/* the stub says: STUB_CLOCK, STUB_CPUID is there */
	uint32_t cpuid_sites;		/* so many addresses in cpuid_site, */
	char pad[176];
	uint64_t cpuid_site[STUB_CPUID_SITES];	/* where STUB_CPUID_TRAP stands for a CPUID */
	char stack[0x800 - 512];
	struct stub_op op[2][STUB_OPS];
};

/*
 * A user thread: control block and a small stack up to STUB_THREAD_CTL, an XSAVE
 * area up to svc->sigstack, then its signal stack up to the end of the area.
 */
/* How it stopped, in `stop`: with a signal frame; in a patched call; by a kick on the way back from one. */
enum { STUB_KIND_FRAME = 0, STUB_KIND_CALL = 1, STUB_KIND_KICK = 2 };
/* For fast_main() alone: a call that the stub could not answer. */
enum { STUB_KIND_UNANSWERED = 3 };
/* What a thread that stopped without a frame shall do: go on; make a frame, and stop there; save the FP state in its area, and stop again. */
enum { STUB_RESUME_RUN = 0, STUB_RESUME_FRAME = 1, STUB_RESUME_SAVE = 2 };
/* What the kernel wants to know of every call; `ip` is the machine's: it may be in a trampoline. */
struct stub_passed { uint64_t ax, di, si, dx, r10, ip, flags; };
/* What it answers. */
struct stub_answer {
	uint64_t ax, cx, r11;		/* the result, and what the instruction changes */
	uint32_t resume;
	uint32_t ops_buffer, ops_count;	/* do these before user code runs */
	uint32_t fp_load;		/* first load the FP state from the area */
	uint32_t cpuid;			/* before it goes on with a frame: CPUID faults from now on (1), or no longer (2) */
};
/* The registers that it only asks for now and then; and those that are newer than what was passed. */
struct stub_rest { uint64_t sp, bx, bp, r12, r13, r14, r15, ax, cx, r11; };
/*
 * By cache lines, of which each costs a hand-off between two host CPUs as much
 * as all that is done in it: one that goes there and back, written by whoever
 * has it, all at once, because the other looks at it all the time; ones that
 * neither writes when they say that already; and ones that are the stub's alone:
 * the kernel looks there only for what it has not been told.
 */
struct stub_thread {
	uint32_t go, stop;
	union {
		struct stub_passed call;	/* KIND_CALL, KIND_KICK */
		struct stub_answer answer;
	};

	uint64_t r8, r9;		/* KIND_CALL, KIND_KICK: calls seldom pass them */
	uint64_t fs_base, gs_base;
	uint64_t frame;			/* where the host's signal frame is: its return address */
	char pad_regs[24];

	uint32_t spin;			/* pauses before sleeping */
	uint32_t yield;			/* before sleeping, behind the pauses: let others of this host CPU run so many times */
	uint64_t sleep_at;		/* stub_call_key() of a call that will likely wait: sleep at once */
	int32_t answer_pid, answer_tid;	/* 0: every call is the kernel's; else who this is, for calls that the stub answers */
	uint32_t has_fsgsbase;
	uint32_t cpuid_faults;		/* it does: the stub must not execute any */
	int32_t tid;
	char pad_knobs[28];

	uint32_t kicked;		/* a kick came while the stub was not in user code */
	uint32_t answered;		/* so many calls it has */
	uint32_t ops_done;		/* set to 1 then */
	char pad_done[52];

	/* KIND_CALL, KIND_KICK: it goes on with these; the kernel may change them while it is stopped. */
	struct stub_passed back;	/* but for ax */
	struct stub_rest rest;
};

/* Calls that are alike in whether they wait: by number, and what a futex call is about. */
static inline uint64_t stub_call_key(uint64_t nr, uint64_t second) { return nr == 202 ? nr | (second & 127) << 32 : nr; }

_Static_assert(__builtin_offsetof(struct stub_svc, stack) == 512 && sizeof(struct stub_svc) == STUB_SVC_SIZE, "struct stub_svc");
#define STUB_AT(member, off) (__builtin_offsetof(struct stub_thread, member) == (off))
_Static_assert(STUB_AT(r8, STUB_OFF_R8) && STUB_AT(r9, STUB_OFF_R9) && STUB_AT(fs_base, STUB_OFF_FS) && STUB_AT(kicked, STUB_OFF_KICKED) &&
	STUB_AT(back, STUB_OFF_BACK) && STUB_AT(rest, STUB_OFF_REST), "entry.S");
_Static_assert(STUB_AT(r8, 64) && STUB_AT(spin, 128) && STUB_AT(back, 256), "cache lines");
#undef STUB_AT

/* Zygote: forks stubs. */
struct stub_zygote {
	uint32_t go, stop;
	uint64_t pa;			/* of the new stub's struct stub_svc */
	uint64_t clock, cpuid;		/* physical address of the page at STUB_CLOCK, at STUB_CPUID; 0: none */
	int32_t pid;			/* result */
	int32_t kernel_pid;
	uint32_t spin, yield;		/* 0 */
	uint32_t no_filter;		/* the ptrace backend */
	uint32_t tty_saved;		/* restore `termios` on STUB_FD_TTY when the kernel is gone */
	char termios[64];		/* the host kernel's struct termios */
};
#endif
#endif
