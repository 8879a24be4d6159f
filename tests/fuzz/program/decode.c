/* SPDX-License-Identifier: MIT */
/*
 * Programs as bytes.
 *
 *   program := flags:1 seed:2 call*
 *   call    := stream:1 number:2 argument*          as many as the row has
 *   argument:= control:1 value:0-8 [rest]           control: form (2 bits), slot (2 bits), bytes of value (4 bits)
 *     result: rest is the distance to the call, 1 byte
 *     blob:   rest is head:1 length:2 [stored:2 byte*] fix*   head: fixes (4 bits), place, direction (2 bits each)
 *   fix     := offset:2 size:1 [argument]
 *
 * Whatever does not make sense is read as something that does, and bytes that
 * are missing are zero.  A call that begins behind the end does not exist.
 */
#include <string.h>
#include "program.h"

enum { DEPTH_MAX = 3, PAGE = 4096, FIXES_OF_A_BLOB = 15 };

/* ---- decode ---- */

struct reader { const uint8_t *p, *end; };

static inline uint8_t take(struct reader *r) { return r->p < r->end ? *r->p++ : 0; }

static inline uint16_t take2(struct reader *r)
{
	uint16_t lo = take(r);

	return (uint16_t)(lo | take(r) << 8);
}

static uint64_t take_value(struct reader *r, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)take(r) << (8 * i);
	return n && n < 8 && v >> (8 * n - 1) ? v | ~UINT64_C(0) << (8 * n) : v;
}

/* Addresses are a function of the order, sizes and places of the blobs: not stored. */
static uint64_t place_blob(struct fuzz_program *p, const struct fuzz_blob *b)
{
	uint32_t at = (p->used + 15) & ~15u;

	switch (b->place) {
	case FUZZ_PLACE_END: return FUZZ_ARENA + FUZZ_ARENA_SIZE - b->len;
	case FUZZ_PLACE_ODD: at += 1 + (b->len & 6); break;
	case FUZZ_PLACE_PAGE:
		if (b->len < PAGE)
			at = ((at + b->len + PAGE - 1) & ~(PAGE - 1u)) - (b->len + 1u) / 2;
		break;
	}
	if (at + b->len > FUZZ_BLOB_AREA)
		at = 0;
	p->used = at + b->len;
	return FUZZ_ARENA + at;
}

static void decode_arg(struct fuzz_program *p, struct reader *r, struct fuzz_arg *a, bool points, unsigned depth);

static bool decode_blob(struct fuzz_program *p, struct reader *r, unsigned *index, unsigned depth)
{
	struct fuzz_blob *b;
	uint8_t head;
	unsigned room, n;

	if (p->nblobs == FUZZ_PROGRAM_BLOBS || depth == DEPTH_MAX)
		return false;
	*index = p->nblobs++;
	b = &p->blobs[*index];
	head = take(r);
	b->dir = (head & 3) % 3;
	b->place = head >> 2 & 3;
	b->len = (uint16_t)(take2(r) % (FUZZ_BLOB_MAX + 1));
	b->bytes = p->nbytes;
	b->nbytes = 0;
	if (b->dir != FUZZ_OUT) {
		n = take2(r);
		n = n > b->len ? b->len : n;
		room = FUZZ_PROGRAM_BYTES - p->nbytes;
		n = n > room ? room : n;
		room = (unsigned)(r->end - r->p);
		n = n > room ? room : n;
		memcpy(p->bytes + p->nbytes, r->p, n);
		r->p += n;
		b->nbytes = (uint16_t)n;
		p->nbytes = (uint16_t)(p->nbytes + n);
	}
	b->addr = place_blob(p, b);
	n = head >> 4;
	room = FUZZ_PROGRAM_FIXES - p->nfixes;
	b->fixes = p->nfixes;
	b->nfixes = (uint16_t)(n > room ? room : n);
	p->nfixes = (uint16_t)(p->nfixes + b->nfixes);
	for (unsigned i = 0; i < b->nfixes; i++) {
		struct fuzz_fix *f = &p->fixes[b->fixes + i];

		memset(f, 0, sizeof(*f));
		f->off = take2(r);
		f->size = take(r);
		if ((f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8) || f->off + f->size > b->len) {
			f->size = 0;
			f->off = 0;
		} else {
			decode_arg(p, r, &f->arg, f->size == 8, depth + 1);
		}
	}
	return true;
}

static void decode_arg(struct fuzz_program *p, struct reader *r, struct fuzz_arg *a, bool points, unsigned depth)
{
	uint8_t control = take(r);
	unsigned n = control & 15, form = control >> 6, index;

	memset(a, 0, sizeof(*a));
	a->value = take_value(r, n > 8 ? n & 7 : n);
	if (form == FUZZ_RESULT) {
		unsigned back = take(r);

		if (!p->ncalls)
			return;
		a->form = FUZZ_RESULT;
		a->slot = (control >> 4 & 3) % FUZZ_SLOTS;
		a->index = (uint16_t)(p->ncalls - 1u - back % p->ncalls);
	} else if (form == FUZZ_BLOB && points && decode_blob(p, r, &index, depth)) {
		a->form = FUZZ_BLOB;
		a->index = (uint16_t)index;
	}
}

static const struct syscall_desc *row_of(unsigned nr)
{
	const struct syscall_desc *d = fuzz_row(nr);

	if (!d)
		d = fuzz_row_at(nr % fuzz_rows());
	return d->x86_64 >= 0 ? d : fuzz_row(0);
}

void fuzz_decode(const uint8_t *data, size_t len, struct fuzz_program *p)
{
	struct reader r = { data, data + len };

	memset(p, 0, offsetof(struct fuzz_program, calls));
	p->flags = take(&r);
	p->seed = take2(&r);
	while (r.p < r.end && p->ncalls < FUZZ_PROGRAM_CALLS) {
		struct fuzz_call *c = &p->calls[p->ncalls];
		const struct syscall_desc *d;

		memset(c, 0, sizeof(*c));
		c->stream = take(&r) % FUZZ_PROGRAM_STREAMS;
		d = row_of(take2(&r));
		c->nr = (uint16_t)d->x86_64;
		c->blobs = p->nblobs;
		for (unsigned i = 0; i < d->nargs; i++)
			decode_arg(p, &r, &c->args[i], fuzz_kind_points(d->args[i].kind), 0);
		c->nblobs = (uint16_t)(p->nblobs - c->blobs);
		p->ncalls++;
	}
}

/* ---- encode ---- */

struct writer { uint8_t *p, *end; bool full; };

static void put(struct writer *w, unsigned v)
{
	if (w->p < w->end)
		*w->p++ = (uint8_t)v;
	else
		w->full = true;
}

static void put2(struct writer *w, unsigned v)
{
	put(w, v & 255);
	put(w, v >> 8);
}

static unsigned value_bytes(uint64_t v)
{
	for (unsigned n = 0; n < 8; n++) {
		uint64_t low = n ? v & (~UINT64_C(0) >> (64 - 8 * n)) : 0;

		if (n && low >> (8 * n - 1))
			low |= ~UINT64_C(0) << (8 * n);
		if (low == v)
			return n;
	}
	return 8;
}

static void encode_arg(const struct fuzz_program *p, struct writer *w, const struct fuzz_arg *a, unsigned call);

static void encode_blob(const struct fuzz_program *p, struct writer *w, const struct fuzz_blob *b, unsigned call)
{
	put(w, b->dir | b->place << 2 | (unsigned)b->nfixes << 4);
	put2(w, b->len);
	if (b->dir != FUZZ_OUT) {
		put2(w, b->nbytes);
		for (unsigned i = 0; i < b->nbytes; i++)
			put(w, p->bytes[b->bytes + i]);
	}
	for (unsigned i = 0; i < b->nfixes; i++) {
		const struct fuzz_fix *f = &p->fixes[b->fixes + i];

		put2(w, f->off);
		put(w, f->size);
		if (f->size)
			encode_arg(p, w, &f->arg, call);
	}
}

static void encode_arg(const struct fuzz_program *p, struct writer *w, const struct fuzz_arg *a, unsigned call)
{
	unsigned n = value_bytes(a->value);

	put(w, n | (unsigned)a->slot << 4 | (unsigned)a->form << 6);
	for (unsigned i = 0; i < n; i++)
		put(w, a->value >> (8 * i) & 255);
	if (a->form == FUZZ_RESULT)
		put(w, call - 1u - a->index);
	else if (a->form == FUZZ_BLOB)
		encode_blob(p, w, &p->blobs[a->index], call);
}

size_t fuzz_encode(const struct fuzz_program *p, uint8_t *out, size_t max)
{
	struct writer w = { out, out + max, false };

	put(&w, p->flags);
	put2(&w, p->seed);
	for (unsigned i = 0; i < p->ncalls; i++) {
		const struct fuzz_call *c = &p->calls[i];
		const struct syscall_desc *d = fuzz_row(c->nr);

		put(&w, c->stream);
		put2(&w, c->nr);
		for (unsigned k = 0; k < d->nargs; k++)
			encode_arg(p, &w, &c->args[k], i);
	}
	return w.full ? 0 : (size_t)(w.p - out);
}

/* ---- equal ---- */

static bool arg_equal(const struct fuzz_program *a, const struct fuzz_arg *x, const struct fuzz_program *b, const struct fuzz_arg *y)
{
	const struct fuzz_blob *p, *q;

	if (x->form != y->form || x->value != y->value || (x->form == FUZZ_RESULT && (x->slot != y->slot || x->index != y->index)))
		return false;
	if (x->form != FUZZ_BLOB)
		return true;
	p = &a->blobs[x->index];
	q = &b->blobs[y->index];
	if (p->addr != q->addr || p->len != q->len || p->dir != q->dir || p->place != q->place || p->nbytes != q->nbytes || p->nfixes != q->nfixes)
		return false;
	if (memcmp(a->bytes + p->bytes, b->bytes + q->bytes, p->nbytes))
		return false;
	for (unsigned i = 0; i < p->nfixes; i++) {
		const struct fuzz_fix *f = &a->fixes[p->fixes + i], *g = &b->fixes[q->fixes + i];

		if (f->size != g->size || f->off != g->off || (f->size && !arg_equal(a, &f->arg, b, &g->arg)))
			return false;
	}
	return true;
}

bool fuzz_program_equal(const struct fuzz_program *a, const struct fuzz_program *b)
{
	if (a->ncalls != b->ncalls || a->seed != b->seed || a->flags != b->flags)
		return false;
	for (unsigned i = 0; i < a->ncalls; i++) {
		const struct fuzz_call *c = &a->calls[i], *d = &b->calls[i];

		if (c->nr != d->nr || c->stream != d->stream)
			return false;
		for (unsigned k = 0; k < fuzz_row(c->nr)->nargs; k++)
			if (!arg_equal(a, &c->args[k], b, &d->args[k]))
				return false;
	}
	return true;
}
