/* SPDX-License-Identifier: MIT */
/*
 * Between the two halves of the fuzzer: machine/, which is a port of the
 * kernel (hal_*()), and the hosted half, which sees libc, generates programs
 * and keeps the snapshot.  Plain C types only.
 *
 * The machine is started once with fuzz_machine_boot(), which returns when the
 * first program is about to make its first call.  The hosted half then takes a
 * snapshot of all that the machine is made of, and for each input calls
 * fuzz_machine_run() and afterwards puts the snapshot back.  What a run leaves
 * behind in the machine (half-run threads included) is simply forgotten.
 *
 * One host thread, no locks.  Calls into the machine leave the caller's stack
 * for a kernel stack, and come back when the machine ends the run.
 */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FUZZ_RAM_BASE = 0x100000,	/* physical address of the first byte */
	FUZZ_CPUS = 8,
	FUZZ_STREAMS = 16,		/* tasks that can have calls of their own: 0 is the first program */
	FUZZ_CACHES = 16,
	FUZZ_DISKS = 4,			/* vda: root file system; vdb, vdc: file systems to be changed, blocks of 1 and 4 KiB; vdd: empty */
};

/* What programs find in their memory; the same after each execve() of /bin/prog. */
#define FUZZ_ARENA	UINT64_C(0x20000000)	/* readable, writable */
#define FUZZ_ARENA_SIZE	UINT64_C(0x80000)
#define FUZZ_PC		UINT64_C(0x401100)	/* behind the one system-call instruction; the entry point */
#define FUZZ_HANDLER	UINT64_C(0x401110)	/* a signal handler that returns */

/* One system call. */
struct fuzz_step { uint32_t nr; uint64_t args[6]; };

/*
 * Where calls come from.  next() is asked when the task of that stream is
 * about to run user code; it writes the call's buffers with fuzz_user_write().
 * false: the stream is at its end, the task exits.  result() is told what the
 * call returned, before the stream's next next().  On the task's kernel stack: no deep
 * recursion, and no libc that could switch stacks.  May be left for ever in
 * the middle of fuzz_user_*() when the run ends there.
 */
struct fuzz_source {
	bool (*next)(void *arg, unsigned stream, struct fuzz_step *out);
	void (*result)(void *arg, unsigned stream, int64_t result);
	void *arg;
};

enum fuzz_schedule {
	FUZZ_FAIR,		/* as the kernel's own timers say */
	FUZZ_RANDOM,		/* another CPU, or a lost slice, at points drawn from the seed */
	FUZZ_PCT,		/* CPUs have priorities, which change at a few points drawn from the seed */
};

enum fuzz_end {
	FUZZ_END_READY,		/* fuzz_machine_boot(): at the first call */
	FUZZ_END_DONE,		/* every program has exited and been waited for */
	FUZZ_END_IDLE,		/* nobody will ever run again */
	FUZZ_END_LIMIT,		/* too many steps or too much virtual time */
	FUZZ_END_OFF,		/* reboot(2) */
	FUZZ_END_INIT,		/* the first process was led astray, with ptrace(2) for instance */
};

struct fuzz_run {
	/* in */
	struct fuzz_source source;
	uint64_t seed;			/* of the schedule, of entropy, of what signal handlers do */
	enum fuzz_schedule schedule;
	bool fail;			/* calls run with allocations that fail, drawn from the seed */
	bool probe;			/* first of all the drivers meet new devices, one of each kind */
	bool devices_hang;		/* a task that waits for a device may be there for ever */
	bool count;			/* fill in live[], when all programs have exited (debug builds) */
	bool race;			/* tasks race with each other, on purpose */
	uint64_t max_points;		/* 0: the default */
	/* out */
	enum fuzz_end end;
	uint64_t trace;			/* hash of calls, results, switches */
	uint64_t calls, switches, points;
	bool keeps;			/* a program made something that outlives programs */
	uint32_t live[FUZZ_CACHES];	/* objects in use, of the caches that are empty of what programs had */
};

struct fuzz_boot {
	char *ram;			/* where physical address 0 would be */
	uint64_t ram_end;		/* physical */
	struct { uint64_t base, size; } disk[FUZZ_DISKS];	/* physical, behind ram_end; size 0: none */
	unsigned cpus;
	const char *cmdline;
};

/* ---- the machine ---- */
enum fuzz_end fuzz_machine_boot(const struct fuzz_boot *b);
void fuzz_machine_run(struct fuzz_run *r);
/* The program's memory, by the kernel's own user copies; from next() and result() only.  Bytes done. */
size_t fuzz_user_write(uint64_t addr, const void *p, size_t n);
size_t fuzz_user_read(uint64_t addr, void *p, size_t n);
/* The task's tid, as itself sees it; from next() and result() only. */
int fuzz_user_tid(void);

/* Between runs: each range of whole pages of the memory that the kernel has not handed out. */
void fuzz_free_memory(void (*range)(void *base, size_t size));

/* The name of live[i]; NULL: there are no more. */
const char *fuzz_cache_name(unsigned i);
/* The system-call table, in the order of its rows: i < fuzz_syscalls(). */
struct syscall_desc;			/* <kernel/syscall.h> */
const struct syscall_desc *fuzz_syscall(size_t i);
size_t fuzz_syscalls(void);

/* ---- what the machine calls ---- */
void fuzz_host_console(const char *s, size_t n);
/* Whole pages have been handed out. */
void fuzz_host_taken(void *base, size_t size);
/* A bug was found: says so and aborts. */
_Noreturn void fuzz_host_crash(const char *why);

/* The virtio devices' lies: NULL, or called for each value the device shows the driver. */
extern uint32_t (*fuzz_device_lie)(unsigned what, uint32_t truth);
enum fuzz_lie { FUZZ_LIE_REGISTER, FUZZ_LIE_CONFIG, FUZZ_LIE_USED_IDX, FUZZ_LIE_USED_ID, FUZZ_LIE_USED_LEN, FUZZ_LIE_STATUS,
	FUZZ_LIE_IRQ,
	FUZZ_LIE_EVENT,		/* truth 0; else: something happens that nobody asked for, see virtio.c */
	FUZZ_LIE_KINDS };
#endif
