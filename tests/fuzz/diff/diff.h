/* SPDX-License-Identifier: MIT */
/*
 * The differential: one program run by Linux and by Eft, and what each run
 * leaves to compare.  The Linux side is a process of its own (linux.c) that
 * shares this memory with the fuzzer; it takes a program when `request`
 * changes and answers by making `reply` equal.
 */
#ifndef FUZZ_DIFF_H
#define FUZZ_DIFF_H
#include "program/program.h"

enum {
	DIFF_OUTS = 256, DIFF_DATA = 1 << 18, DIFF_TREE = 1 << 16,
	DIFF_LATE = -1,			/* status: killed, because it was not done in time */
	DIFF_LOST = -2,			/* status: the supervisor died with it */
	DIFF_USER = 1000,		/* uid and gid of an unprivileged program */
	DIFF_UNPRIVILEGED = 1, DIFF_EXT2 = 2,	/* in fuzz_program.flags: the program has no rights; its directory is on ext2 under Eft */
};

/* A blob as it was after the call. */
struct diff_out { uint16_t call, blob; uint32_t off, len; };

struct diff_run {
	uint8_t done[FUZZ_PROGRAM_CALLS];
	int64_t result[FUZZ_PROGRAM_CALLS];
	int32_t status;			/* of the program, as wait4() gives it, or DIFF_* */
	uint32_t nouts, ndata, ntree;
	struct diff_out outs[DIFF_OUTS];
	uint8_t data[DIFF_DATA];
	char tree[DIFF_TREE];		/* a line a file, sorted by path */
};

struct diff_shared {
	_Atomic uint32_t request, reply;
	uint32_t len;
	uint8_t input[FUZZ_ENCODED_MAX];
	struct diff_run run;		/* of Linux */
};

/* The limits that a program starts with, on both sides. */
static const uint64_t diff_limits[16][2] = {
	{ ~UINT64_C(0), ~UINT64_C(0) }, { ~UINT64_C(0), ~UINT64_C(0) }, { ~UINT64_C(0), ~UINT64_C(0) }, { 8 << 20, ~UINT64_C(0) },
	{ 0, ~UINT64_C(0) }, { ~UINT64_C(0), ~UINT64_C(0) }, { 1000, 1000 }, { 256, 512 }, { 1 << 16, 1 << 16 }, { ~UINT64_C(0), ~UINT64_C(0) },
	{ ~UINT64_C(0), ~UINT64_C(0) }, { 1000, 1000 }, { 819200, 819200 }, { 0, 0 }, { 0, 0 }, { ~UINT64_C(0), ~UINT64_C(0) },
};

/* Remembers the blobs that call i wrote. */
static inline void diff_note(struct diff_run *r, const struct fuzz_program *p, unsigned i, size_t (*read)(uint64_t, void *, size_t))
{
	const struct fuzz_call *c = &p->calls[i];

	for (unsigned k = 0; k < c->nblobs; k++) {
		const struct fuzz_blob *b = &p->blobs[c->blobs + k];

		if (b->dir == FUZZ_IN || !b->len || r->nouts == DIFF_OUTS || r->ndata + b->len > DIFF_DATA)
			continue;
		r->outs[r->nouts] = (struct diff_out){ (uint16_t)i, (uint16_t)(c->blobs + k), r->ndata, 0 };
		r->outs[r->nouts].len = (uint32_t)read(b->addr, r->data + r->ndata, b->len);
		r->ndata += r->outs[r->nouts++].len;
	}
}

static inline uint64_t diff_hash(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++)
		h = h * UINT64_C(0x100000001b3) ^ p[i];	/* in this order: 1 and a byte 1 are not 0 for all zeros that follow */
	return h;
}
#endif
