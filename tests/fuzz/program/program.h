/* SPDX-License-Identifier: MIT */
/*
 * Programs of system calls as typed data: what the fuzzer makes, changes,
 * runs and prints.
 *
 * A program is a list of calls.  Each call belongs to a stream: a task made by
 * fork or clone takes the next stream, stream 0 is the first program.  An
 * argument is a value, something that an earlier call gave (a descriptor, a
 * pid, an address), or a blob: bytes that are put into the program's memory
 * just before the call.  Values inside a blob can be any of the three, too
 * (struct iovec points to blobs, struct pollfd has descriptors).
 *
 * What an argument means (descriptor, flag set, struct ...) is not in the
 * program: it is in the system-call table (kernel/syscall/syscalls.def,
 * flags.def, structs.def, results.def), which fuzz_row() and its kin read.
 * Generating, changing and printing use it; decoding needs only the number of
 * arguments and which of them point to memory.
 *
 * Nothing here allocates or has global state, except where said; nothing uses
 * more stack than a few hundred bytes, so that it runs on a kernel stack.
 */
#ifndef FUZZ_PROGRAM_H
#define FUZZ_PROGRAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <fuzz/machine.h>	/* struct fuzz_step, FUZZ_ARENA */
#include <kernel/syscall.h>	/* struct syscall_desc, enum arg_kind */

enum {
	FUZZ_PROGRAM_CALLS = 64,
	FUZZ_NUMBERS = 512,		/* system call numbers of x86-64 are below */
	FUZZ_PROGRAM_STREAMS = 8,
	FUZZ_PROGRAM_BLOBS = 256,
	FUZZ_PROGRAM_FIXES = 256,
	FUZZ_PROGRAM_BYTES = 8192,	/* of all blobs that have content */
	FUZZ_BLOB_MAX = 8192,		/* bytes of one blob; those behind its content are zero */
	FUZZ_SLOTS = 3,			/* what a call gives: its return value, the first two ints that it wrote */
	FUZZ_ENCODED_MAX = 32768,
	/* Blobs live in the arena's first pages; addresses that programs name as numbers are behind them. */
	FUZZ_BLOB_AREA = 0xc000,
	FUZZ_FILL = 0xa5,		/* what an output buffer is filled with before the call */
};
#define FUZZ_WORDS	(FUZZ_ARENA + FUZZ_BLOB_AREA)	/* shared words, for futexes */
#define FUZZ_MAPS	UINT64_C(0x30000000)		/* where mmap() may be asked to map */

enum fuzz_form {
	FUZZ_VALUE,		/* value */
	FUZZ_RESULT,		/* what call `index` gave in `slot`; `value` when that has not run or failed */
	FUZZ_BLOB,		/* the address of blob `index`, plus `value` */
};
struct fuzz_arg { uint64_t value; uint16_t index; uint8_t slot; uint8_t form; };

/* `size` bytes at `off` of a blob are not content but this. */
struct fuzz_fix { struct fuzz_arg arg; uint16_t off; uint8_t size; };

enum fuzz_dir { FUZZ_IN, FUZZ_OUT /* no content: filled with FUZZ_FILL */, FUZZ_INOUT };
enum fuzz_place {
	FUZZ_PLACE_NORMAL,
	FUZZ_PLACE_ODD,		/* not aligned */
	FUZZ_PLACE_PAGE,	/* across a page boundary */
	FUZZ_PLACE_END,		/* its last byte is the arena's last: behind it, nothing is mapped */
};
struct fuzz_blob {
	uint64_t addr;
	uint16_t len;			/* bytes */
	uint16_t bytes, nbytes;		/* content: in fuzz_program.bytes; nbytes <= len, the rest is zero */
	uint16_t fixes, nfixes;		/* in fuzz_program.fixes */
	uint8_t dir, place;
};

struct fuzz_call {
	struct fuzz_arg args[6];
	uint16_t nr;			/* x86-64 number: stays true when the table grows */
	uint16_t blobs, nblobs;		/* in fuzz_program.blobs: those of arguments and those inside them */
	uint8_t stream;
};

struct fuzz_program {
	uint16_t ncalls, nblobs, nfixes, nbytes;
	uint16_t seed;			/* of the schedule, of what signal handlers do; from the input */
	uint8_t flags;			/* free for the target: schedule, failure number ... */
	uint32_t used;			/* of the area for blobs, bytes */
	struct fuzz_call calls[FUZZ_PROGRAM_CALLS];
	struct fuzz_blob blobs[FUZZ_PROGRAM_BLOBS];
	struct fuzz_fix fixes[FUZZ_PROGRAM_FIXES];
	uint8_t bytes[FUZZ_PROGRAM_BYTES];
};

/* ---- bytes ---- */

/* Total: any bytes are a program (perhaps without calls). */
void fuzz_decode(const uint8_t *data, size_t len, struct fuzz_program *p);
/* Returns the length; 0: does not fit in max.  Decoding it gives the same program. */
size_t fuzz_encode(const struct fuzz_program *p, uint8_t *out, size_t max);
bool fuzz_program_equal(const struct fuzz_program *a, const struct fuzz_program *b);

/* ---- making and changing ---- */

struct fuzz_rand { uint64_t s; };
/* Which calls a generated program may have: NULL means every row that is not ABSENT. */
struct fuzz_choice {
	bool (*allowed)(const struct syscall_desc *d);
	unsigned max_calls, streams;
	bool small;		/* only what a scratch tree holds: no path out of it, small sizes, UNIX sockets */
	unsigned races;		/* of a hundred things put into a program, how many are races: two tasks at one object */
	bool single;		/* no idioms: every call by itself, from the table */
};
/* A new program of up to max_calls calls. */
void fuzz_generate(struct fuzz_program *p, uint64_t seed, const struct fuzz_choice *c);
/* Changes p: inserts, removes, repeats, moves calls, changes arguments by their kinds; other (or NULL): splices part of it in.
 * Static scratch memory: one thread. */
void fuzz_mutate(struct fuzz_program *p, const struct fuzz_program *other, uint64_t seed, const struct fuzz_choice *c);
/* Drops call i; what referred to it becomes a value. */
void fuzz_drop_call(struct fuzz_program *p, unsigned i);

/* ---- running: the same for the kernel in this process and for Linux ---- */

struct fuzz_state {
	const struct fuzz_program *prog;
	size_t (*write)(uint64_t addr, const void *p, size_t n);	/* the program's memory; returns bytes done */
	size_t (*read)(uint64_t addr, void *p, size_t n);
	int64_t values[FUZZ_PROGRAM_CALLS][FUZZ_SLOTS];
	uint8_t done[FUZZ_PROGRAM_CALLS];		/* 0 not run, 1 in the call, 2 returned */
	int16_t at[FUZZ_PROGRAM_STREAMS];		/* the call that the stream is in; -1: none yet */
};
void fuzz_state_init(struct fuzz_state *s, const struct fuzz_program *p,
		     size_t (*write)(uint64_t, const void *, size_t), size_t (*read)(uint64_t, void *, size_t));
/* The next call of the stream: writes its blobs, fills *out.  Returns its index, -1: the stream is at its end. */
int fuzz_state_next(struct fuzz_state *s, unsigned stream, struct fuzz_step *out);
/* Tells what the call that the stream is in returned. */
void fuzz_state_result(struct fuzz_state *s, unsigned stream, int64_t result);

/* struct fuzz_source's functions over a struct fuzz_state. */
bool fuzz_program_next(void *state, unsigned stream, struct fuzz_step *out);
void fuzz_program_result(void *state, unsigned stream, int64_t result);

/* ---- printing ---- */

/* strace-like text, a call a line; results: by call index, or NULL. */
void fuzz_print_strace(FILE *f, const struct fuzz_program *p, const struct fuzz_state *results);
/* A C program that does the same on Linux: compiles with cc, needs nothing else.  Streams become forked children. */
void fuzz_print_c(FILE *f, const struct fuzz_program *p);

/* ---- the table ---- */

const struct syscall_desc *fuzz_row(unsigned nr);	/* by x86-64 number; NULL: none */
const struct syscall_desc *fuzz_row_at(size_t i);	/* in the table's order; NULL past the end */
const struct syscall_desc *fuzz_row_named(const char *name);	/* NULL: none */
size_t fuzz_rows(void);
bool fuzz_kind_points(enum arg_kind k);			/* an argument of this kind is a pointer to a blob */
enum fuzz_dir fuzz_kind_dir(enum arg_kind k);

struct fuzz_field { const char *type, *name; uint16_t off, size, count; enum arg_kind kind; const char *aux; const struct flag_name *flags; };
struct fuzz_struct { const char *name; uint16_t size; uint8_t nfields; const struct fuzz_field *fields; };
const struct fuzz_struct *fuzz_struct_find(const char *name);	/* NULL: no layout */
/* The argument through which the call gives what slots 1 and 2 are: pipe's descriptors, a timer's number; -1: none. */
int fuzz_gives(unsigned nr);
bool fuzz_gives_wide(unsigned nr);	/* it is one value of eight bytes, in slot 1 */
/* What the call returns: ARG_FD, ARG_PID ...; ARG_INT when it is only a number. */
enum arg_kind fuzz_returns(const struct syscall_desc *d, const char **aux);
#endif
