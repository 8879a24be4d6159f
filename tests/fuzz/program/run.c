/* SPDX-License-Identifier: MIT */
/* Running a program: blobs to memory, arguments to numbers, results to those who ask for them. */
#include <string.h>
#include "program.h"

enum { CHUNK = 512, ERRNO_MAX = 4095 };

void fuzz_state_init(struct fuzz_state *s, const struct fuzz_program *p,
		     size_t (*write)(uint64_t, const void *, size_t), size_t (*read)(uint64_t, void *, size_t))
{
	s->prog = p;
	s->write = write;
	s->read = read;
	memset(s->done, 0, p->ncalls);
	memset(s->at, 0xff, sizeof(s->at));
}

static uint64_t value_of(const struct fuzz_state *s, const struct fuzz_arg *a)
{
	int64_t v;

	switch (a->form) {
	case FUZZ_RESULT:
		v = s->values[a->index][a->slot];
		return s->done[a->index] == 2 && (v >= 0 || v < -ERRNO_MAX) ? (uint64_t)v : a->value;
	case FUZZ_BLOB: return s->prog->blobs[a->index].addr + a->value;
	default: return a->value;
	}
}

static void write_blob(struct fuzz_state *s, const struct fuzz_blob *b)
{
	const struct fuzz_program *p = s->prog;
	uint8_t chunk[CHUNK];

	for (unsigned at = 0; at < b->len; at += CHUNK) {
		unsigned n = b->len - at < CHUNK ? b->len - at : CHUNK, have;

		if (b->dir == FUZZ_OUT) {
			memset(chunk, FUZZ_FILL, n);
		} else {
			have = b->nbytes > at ? b->nbytes - at : 0;
			have = have > n ? n : have;
			memcpy(chunk, p->bytes + b->bytes + at, have);
			memset(chunk + have, 0, n - have);
		}
		for (unsigned i = 0; i < b->nfixes; i++) {
			const struct fuzz_fix *f = &p->fixes[b->fixes + i];
			uint64_t v;

			if (!f->size || f->off + f->size <= at || f->off >= at + n)
				continue;
			v = value_of(s, &f->arg);
			for (unsigned k = 0; k < f->size; k++)	/* a field may straddle two chunks */
				if (f->off + k >= at && f->off + k < at + n)
					chunk[f->off + k - at] = (uint8_t)(v >> (8 * k));
		}
		if (s->write(b->addr + at, chunk, n) != n)
			return;
	}
}

int fuzz_state_next(struct fuzz_state *s, unsigned stream, struct fuzz_step *out)
{
	const struct fuzz_program *p = s->prog;
	const struct fuzz_call *c;
	unsigned i;

	if (stream >= FUZZ_PROGRAM_STREAMS)
		return -1;
	for (i = (unsigned)(s->at[stream] + 1); i < p->ncalls && p->calls[i].stream != stream; i++)
		;
	if (i >= p->ncalls) {
		s->at[stream] = FUZZ_PROGRAM_CALLS;
		return -1;
	}
	s->at[stream] = (int16_t)i;
	c = &p->calls[i];
	for (unsigned k = 0; k < c->nblobs; k++)
		write_blob(s, &p->blobs[c->blobs + k]);
	*out = (struct fuzz_step){ .nr = c->nr };
	for (unsigned k = 0; k < 6; k++)
		out->args[k] = value_of(s, &c->args[k]);
	s->done[i] = 1;
	return (int)i;
}

void fuzz_state_result(struct fuzz_state *s, unsigned stream, int64_t result)
{
	const struct fuzz_program *p = s->prog;
	int i = stream < FUZZ_PROGRAM_STREAMS ? s->at[stream] : -1, gives;
	int32_t words[2] = { -1, -1 };
	const struct fuzz_arg *a;

	if (i < 0 || i >= p->ncalls || s->done[i] != 1)
		return;
	gives = fuzz_gives(p->calls[i].nr);
	if (gives >= 0 && result >= 0) {
		a = &p->calls[i].args[gives];
		if (a->form == FUZZ_BLOB && p->blobs[a->index].len >= 4)
			(void)s->read(p->blobs[a->index].addr, words, p->blobs[a->index].len >= 8 ? 8 : 4);
	}
	s->values[i][0] = result;
	s->values[i][1] = words[0];
	if (fuzz_gives_wide(p->calls[i].nr))
		memcpy(&s->values[i][1], words, sizeof(words));
	s->values[i][2] = words[1];
	s->done[i] = 2;
}

bool fuzz_program_next(void *state, unsigned stream, struct fuzz_step *out) { return fuzz_state_next(state, stream, out) >= 0; }
void fuzz_program_result(void *state, unsigned stream, int64_t result) { fuzz_state_result(state, stream, result); }
