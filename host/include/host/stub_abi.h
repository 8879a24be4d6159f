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

#define STUB_BASE	0x7fffc0000000	/* user addresses end here; the stub's code begins */
#define STUB_ZYGOTE	0x7fffc0010000	/* zygote only: shared page, then its private stack */
#define STUB_ZYGOTE_STACK 0x4000
#define STUB_SVC	0x7fffc0020000	/* struct stub_svc */
#define STUB_SVC_SIZE	0x2000
#define STUB_THREADS	0x7fffc0100000	/* struct stub_thread of slot n at + n * STUB_SLOT */
#define STUB_SLOT	0x4000
#define STUB_END	0x7ffff0000000
#define STUB_SLOTS	((STUB_END - STUB_THREADS) / STUB_SLOT)

#define STUB_FD_RAM	3		/* the only descriptor that a stub has */
#define STUB_FD_COMM	4		/* zygote only */
#define STUB_FD_TTY	5		/* zygote only, if there is a terminal to restore */

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
enum { STUB_STOPPED = 1, STUB_WAITER = 2, STUB_INTR = 4, STUB_DEAD = 8 };

enum stub_cmd { STUB_CMD_OPS = 1, STUB_CMD_THREAD };

/* The service thread of a stub: the leader of its process. */
struct stub_svc {
	uint32_t go, stop;
	uint32_t cmd;
	uint32_t buffer, count;		/* OPS */
	uint32_t slot;			/* THREAD */
	int32_t result;			/* THREAD: the host's thread id */
	uint32_t spin;
	uint64_t pa, size;		/* THREAD: its area */
	uint32_t traceme;		/* the ptrace backend */
	char pad[204];
	char stack[0x800 - 256];
	struct stub_op op[2][STUB_OPS];
};

/* A user thread: control block, then its signal stack up to the end of the area. */
enum { STUB_THREAD_CTL = 256 };
struct stub_thread {
	uint32_t go, stop;
	uint32_t ops_buffer, ops_count;	/* do these before user code runs */
	uint32_t ops_done;		/* set to 1 then */
	uint32_t spin;			/* pauses before sleeping */
	uint32_t has_fsgsbase;
	int32_t tid;
	uint64_t frame;			/* where the host's signal frame is: its return address */
	uint64_t fs_base, gs_base;
};

/* Zygote: forks stubs. */
struct stub_zygote {
	uint32_t go, stop;
	uint64_t pa;			/* of the new stub's struct stub_svc */
	int32_t pid;			/* result */
	int32_t kernel_pid;
	uint32_t spin;			/* 0 */
	uint32_t no_filter;		/* the ptrace backend */
	uint32_t tty_saved;		/* restore `termios` on STUB_FD_TTY when the kernel is gone */
	char termios[64];		/* the host kernel's struct termios */
};
#endif
#endif
