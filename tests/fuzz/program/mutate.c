/* SPDX-License-Identifier: MIT */
/*
 * Making and changing programs.  A change makes a new program out of the old
 * one, call by call; the result goes through bytes once, so that what leaves
 * here is exactly what decoding gives.
 */
#include <string.h>
#include "maker.h"

enum { GONE = 0xffff, TRIES = 20, STEM = 5 };

static bool allowed_default(const struct syscall_desc *d) { return d->level != LEVEL_ABSENT; }
static const struct fuzz_choice choice_default = { .allowed = allowed_default, .max_calls = 24, .streams = 3, .races = 5 };

bool maker_allowed(const struct maker *m, const struct syscall_desc *d)
{
	return d->x86_64 >= 0 && (m->choice->allowed ? m->choice->allowed(d) : allowed_default(d));
}

static void maker_init(struct maker *m, struct fuzz_program *p, uint64_t seed, const struct fuzz_choice *c)
{
	*m = (struct maker){ .p = p, .rand = { seed ^ UINT64_C(0x5851f42d4c957f2d) }, .choice = c ? c : &choice_default };
}

/* ---- calls ---- */

static bool has_resource(const struct fuzz_program *p, enum arg_kind kind, const char *aux)
{
	for (unsigned i = 0; i < p->ncalls; i++) {
		const struct syscall_desc *d = fuzz_row(p->calls[i].nr);
		int gives = fuzz_gives(p->calls[i].nr);
		const struct fuzz_struct *s = gives >= 0 ? fuzz_struct_find(d->args[gives].aux) : NULL;
		const char *x;

		if (fuzz_returns(d, &x) == kind && (!strcmp(aux, "_") || !strcmp(aux, x)))
			return true;
		if (s && s->fields[0].kind == kind && (!strcmp(aux, "_") || !strcmp(aux, s->fields[0].aux)))
			return true;
	}
	return false;
}

static const struct syscall_desc *producer(struct maker *m, enum arg_kind kind, const char *aux)
{
	const struct syscall_desc *found = NULL;
	unsigned n = 0;

	if (kind == ARG_FD && !strcmp(aux, "_") && percent(m, 50))	/* files most of all */
		aux = "_";
	for (size_t i = 0; i < fuzz_rows(); i++) {
		const struct syscall_desc *d = fuzz_row_at(i);
		const struct fuzz_struct *s;
		const char *x;
		int gives;
		bool takes = false;

		if (!maker_allowed(m, d))
			continue;
		gives = fuzz_gives((unsigned)d->x86_64);
		s = gives >= 0 ? fuzz_struct_find(d->args[gives].aux) : NULL;
		if (!(fuzz_returns(d, &x) == kind && (!strcmp(aux, "dir") || !strcmp(aux, x))) && !(s && s->fields[0].kind == kind && !strcmp(aux, s->fields[0].aux)))
			continue;
		for (unsigned a = 0; a < d->nargs; a++)
			takes |= d->args[a].kind == kind;
		if (takes)	/* dup and the like need one themselves */
			continue;
		if (!below(m, ++n))
			found = d;
	}
	return found;
}

/* The arguments of a call, its length arguments last. */
static void make_args(struct maker *m, struct fuzz_call *c, const struct syscall_desc *d)
{
	m->set = m->gives;
	for (unsigned i = 0; i < d->nargs; i++)
		if (m->gives & 1u << i)
			c->args[i] = m->given[i];
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < d->nargs; i++)
			if (!(m->set & 1u << i) && (pass || d->args[i].kind != ARG_LEN)) {
				m->set |= 1u << i;
				maker_arg(m, c, d, i);
			}
}

/* What is right more often than kinds alone would make it. */
static void usual(struct maker *m, struct fuzz_call *c, const struct syscall_desc *d)
{
	static const uint64_t forks[] = { 17, 17, 0x4111, 0x111, 0x10f00, 0x3d0f00, 0x50f00, 0x611, 0x10000011, 0x1200011 };

	if (!strcmp(d->name, "mmap")) {
		if (percent(m, 75)) {
			c->args[1] = arg_value((1 + below(m, 8)) * 4096);
			c->args[2] = arg_value(percent(m, 70) ? 3 : below(m, 8));
			c->args[3] = arg_value((percent(m, 25) ? 1 : 2) | (percent(m, 65) ? 0x20 : 0) | (percent(m, 45) ? 0x10 : 0) | (percent(m, 5) ? 0x8000 : 0));
			c->args[5] = arg_value(below(m, 3) * 4096);
		}
		if (c->args[3].value & 0x10 && c->args[0].form == FUZZ_VALUE && c->args[0].value < FUZZ_WORDS)
			c->args[0] = arg_value(FUZZ_MAPS + 4096 * below(m, 8));
	} else if (!strcmp(d->name, "clone") && percent(m, 90)) {
		c->args[0] = arg_value(forks[below(m, sizeof(forks) / sizeof(forks[0]))]);
		c->args[1] = arg_value(0);
	} else if ((!strcmp(d->name, "socket") || !strcmp(d->name, "socketpair")) && percent(m, 92)) {
		static const uint64_t types[] = { 1, 2, 5, 1, 5 };	/* the flag set has only bits: 4 is not SEQPACKET */

		bool inet = !m->choice->small && !d->name[6] && percent(m, 30);

		c->args[0] = arg_value(!inet ? 1 : percent(m, 65) ? 2 : 10);
		c->args[1] = arg_value((inet ? 1 + below(m, 2) : types[below(m, 5)]) | (percent(m, 60) ? 04000u : 0));
		c->args[2] = arg_value(0);
	} else if (!strcmp(d->name, "open") || !strcmp(d->name, "openat")) {
		unsigned f = d->name[4] ? 2 : 1;

		if (percent(m, 60))
			c->args[f] = arg_value((percent(m, 60) ? 2u : below(m, 3)) | (percent(m, 60) ? 0100u : 0) | (percent(m, 15) ? 02000u : 0) |
				(percent(m, 15) ? 01000u : 0) | (percent(m, 15) ? 04000u : 0));
		if (percent(m, 70))
			c->args[f + 1] = arg_value(0666);
	}
}

bool maker_call(struct maker *m, const struct syscall_desc *d, unsigned stream)
{
	struct fuzz_program *p = m->p;
	struct fuzz_call *c;

	for (unsigned i = 0; m->depth == 0 && i < d->nargs; i++) {
		enum arg_kind k = d->args[i].kind;

		if ((k == ARG_FD || k == ARG_TIMER || k == ARG_WATCH || k == ARG_IPC || (k == ARG_ADDR && !strcmp(d->args[i].aux, "aio") && !m->choice->small)) && !has_resource(p, k, d->args[i].aux) && percent(m, 75)) {
			const struct syscall_desc *by = producer(m, k, d->args[i].aux);
			unsigned gives = m->gives;

			m->depth = 1;
			m->gives = 0;	/* what is given is for this call */
			if (by && !maker_call(m, by, stream)) {
				m->depth = 0;
				return false;
			}
			m->depth = 0;
			m->gives = gives;
		}
	}
	if (p->ncalls >= FUZZ_PROGRAM_CALLS || p->nblobs + 24 > FUZZ_PROGRAM_BLOBS || p->nfixes + 48 > FUZZ_PROGRAM_FIXES || p->nbytes + 1024 > FUZZ_PROGRAM_BYTES)
		return false;
	c = &p->calls[p->ncalls];
	memset(c, 0, sizeof(*c));
	c->stream = (uint8_t)stream;
	c->nr = (uint16_t)d->x86_64;
	c->blobs = p->nblobs;
	make_args(m, c, d);
	if (!m->gives)
		usual(m, c, d);
	c->nblobs = (uint16_t)(p->nblobs - c->blobs);
	p->ncalls++;
	return true;
}

/* Calls whose names have a beginning or an end in common are about the same state: setgroups and getgroups, timer_create and timer_settime. */
static bool related(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), n = 0;

	while (n < STEM && a[n] && a[n] == b[n])
		n++;
	if (n == STEM)
		return true;
	for (n = 0; n < STEM && n < na && n < nb && a[na - 1 - n] == b[nb - 1 - n];)
		n++;
	return n == STEM;
}

static const struct syscall_desc *row_related(struct maker *m)
{
	const char *to = fuzz_row(m->p->calls[below(m, m->p->ncalls)].nr)->name;
	const struct syscall_desc *d, *found = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < fuzz_rows(); i++) {
		d = fuzz_row_at(i);
		if (related(d->name, to) && maker_allowed(m, d) && !below(m, ++n))
			found = d;
	}
	return found;
}

const struct syscall_desc *maker_row(struct maker *m)
{
	const struct syscall_desc *d = NULL;

	if (m->p->ncalls && !m->choice->small && !m->choice->single && percent(m, 20)) {
		d = row_related(m);
		if (d)
			return d;
	}
	for (unsigned i = 0; i < TRIES; i++) {
		d = fuzz_row_at(below(m, (unsigned)fuzz_rows()));
		if (!maker_allowed(m, d))
			continue;
		/* Those that end the stream are rare. */
		if ((!strncmp(d->name, "exit", 4) || !strncmp(d->name, "execve", 6) || !strcmp(d->name, "reboot") || !strcmp(d->name, "pause") ||
		     !strcmp(d->name, "rt_sigreturn") || !strcmp(d->name, "rt_sigsuspend")) && !percent(m, 10))
			continue;
		return d;
	}
	return NULL;
}

/* ---- through bytes ---- */

static uint8_t scratch[FUZZ_ENCODED_MAX];

static void normalise(struct fuzz_program *p)
{
	size_t n = fuzz_encode(p, scratch, sizeof(scratch));

	fuzz_decode(scratch, n, p);
}

static unsigned pick_stream(struct maker *m)
{
	unsigned n = m->choice->streams;

	return n > 1 && percent(m, 40) ? below(m, n) : 0;
}

void fuzz_generate(struct fuzz_program *p, uint64_t seed, const struct fuzz_choice *choice)
{
	struct maker m;
	unsigned want;

	maker_init(&m, p, seed, choice);
	memset(p, 0, offsetof(struct fuzz_program, calls));
	p->seed = (uint16_t)rand64(&m.rand);
	want = 1 + below(&m, m.choice->max_calls ? m.choice->max_calls : choice_default.max_calls);
	for (unsigned i = 0; p->ncalls < want && i < 4 * want; i++) {
		const struct syscall_desc *d;

		if (percent(&m, m.choice->races) && maker_race(&m, 0))
			continue;
		if (!m.choice->small && !m.choice->single && percent(&m, 12) && maker_object(&m, pick_stream(&m)))
			continue;
		if (percent(&m, 6) && maker_idiom(&m, pick_stream(&m)))
			continue;
		d = maker_row(&m);
		if (d && !maker_call(&m, d, pick_stream(&m)))
			break;
	}
	normalise(p);
}

/* ---- copying ---- */

static struct fuzz_program work;	/* the program under construction */

static void copy_arg(const struct fuzz_program *from, struct fuzz_arg *a, const uint16_t *map);

static bool copy_blob(const struct fuzz_program *from, uint16_t *index, const uint16_t *map)
{
	const struct fuzz_blob *b = &from->blobs[*index];
	struct fuzz_program *p = &work;
	struct fuzz_blob *n;

	if (p->nblobs == FUZZ_PROGRAM_BLOBS || p->nfixes + b->nfixes > FUZZ_PROGRAM_FIXES || p->nbytes + b->nbytes > FUZZ_PROGRAM_BYTES)
		return false;
	*index = p->nblobs++;
	n = &p->blobs[*index];
	*n = *b;
	n->bytes = p->nbytes;
	n->fixes = p->nfixes;
	memcpy(p->bytes + p->nbytes, from->bytes + b->bytes, b->nbytes);
	memcpy(p->fixes + p->nfixes, from->fixes + b->fixes, b->nfixes * sizeof(p->fixes[0]));
	p->nbytes = (uint16_t)(p->nbytes + b->nbytes);
	p->nfixes = (uint16_t)(p->nfixes + b->nfixes);
	for (unsigned i = 0; i < b->nfixes; i++)
		copy_arg(from, &p->fixes[p->blobs[*index].fixes + i].arg, map);
	return true;
}

static void copy_arg(const struct fuzz_program *from, struct fuzz_arg *a, const uint16_t *map)
{
	if (a->form == FUZZ_RESULT) {
		if (map[a->index] == GONE)
			*a = arg_value(a->value);
		else
			a->index = map[a->index];
	} else if (a->form == FUZZ_BLOB && !copy_blob(from, &a->index, map)) {
		*a = arg_value(0);
	}
}

/* Appends call i of `from` to the work; map: where its calls have gone. */
static bool copy_call(const struct fuzz_program *from, unsigned i, uint16_t *map)
{
	struct fuzz_call *c = &work.calls[work.ncalls];

	if (work.ncalls == FUZZ_PROGRAM_CALLS)
		return false;
	*c = from->calls[i];
	c->blobs = work.nblobs;
	for (unsigned k = 0; k < fuzz_row(c->nr)->nargs; k++)
		copy_arg(from, &c->args[k], map);
	c->nblobs = (uint16_t)(work.nblobs - c->blobs);
	map[i] = work.ncalls++;
	return true;
}

static void work_begin(const struct fuzz_program *like, uint16_t *map)
{
	memset(&work, 0, offsetof(struct fuzz_program, calls));
	work.flags = like->flags;
	work.seed = like->seed;
	memset(map, 0xff, FUZZ_PROGRAM_CALLS * sizeof(*map));
}

static void work_end(struct fuzz_program *p)
{
	size_t n = fuzz_encode(&work, scratch, sizeof(scratch));

	if (n)
		fuzz_decode(scratch, n, p);
}

void fuzz_drop_call(struct fuzz_program *p, unsigned drop)
{
	uint16_t map[FUZZ_PROGRAM_CALLS];

	work_begin(p, map);
	for (unsigned i = 0; i < p->ncalls; i++)
		if (i != drop)
			copy_call(p, i, map);
	work_end(p);
}

/* ---- changes ---- */

/* One number made a little different. */
static void nudge(struct maker *m, uint64_t *v)
{
	switch (below(m, 6)) {
	case 0: *v += 1 + below(m, 4); break;
	case 1: *v -= 1 + below(m, 4); break;
	case 2: *v ^= UINT64_C(1) << below(m, 32); break;
	case 3: *v = 0 - *v; break;
	case 4: *v = *v << 1 | below(m, 2); break;
	default: *v = rand64(&m->rand) >> below(m, 64); break;
	}
}

static void change_in_place(struct maker *m, unsigned i)
{
	struct fuzz_call *c = &work.calls[i];
	const struct syscall_desc *d = fuzz_row(c->nr);
	unsigned k = below(m, d->nargs);
	struct fuzz_arg *a = &c->args[k];

	if (c->nblobs && percent(m, 50)) {
		struct fuzz_blob *b = &work.blobs[c->blobs + below(m, c->nblobs)];

		if (b->nfixes && percent(m, 40)) {
			struct fuzz_fix *f = &work.fixes[b->fixes + below(m, b->nfixes)];

			nudge(m, &f->arg.value);
			if (f->arg.form == FUZZ_RESULT && percent(m, 50))
				f->arg.form = FUZZ_VALUE;
		} else if (b->nbytes && percent(m, 70)) {
			uint8_t *at = &work.bytes[b->bytes + below(m, b->nbytes)];

			*at = percent(m, 50) ? (uint8_t)below(m, 256) : (uint8_t)(*at ^ 1u << below(m, 8));
		} else if (percent(m, 30)) {
			b->place = (uint8_t)below(m, 4);
		} else {
			uint64_t len = b->len;

			nudge(m, &len);
			len %= FUZZ_BLOB_MAX + 1;
			b->len = (uint16_t)len;
			b->nbytes = b->nbytes > b->len ? b->len : b->nbytes;
			for (unsigned x = 0; x < b->nfixes; x++)
				if (work.fixes[b->fixes + x].off + work.fixes[b->fixes + x].size > b->len)
					work.fixes[b->fixes + x] = (struct fuzz_fix){ 0 };
		}
		return;
	}
	if (!d->nargs)
		return;
	if (a->form == FUZZ_RESULT && percent(m, 60)) {
		a->slot = (uint8_t)below(m, FUZZ_SLOTS);
		a->index = (uint16_t)below(m, i ? i : 1);
		if (!i)
			*a = arg_value(0);
	} else if (d->args[k].kind == ARG_FLAGS && percent(m, 70)) {
		const struct flag_name *f = d->args[k].flags;
		unsigned n = 0;

		while (f[n].name)
			n++;
		a->value ^= f[below(m, n)].bit;
	} else {
		nudge(m, &a->value);
		if (a->form == FUZZ_BLOB && percent(m, 90))
			a->value = 0;
	}
}

/* A call with one of its arguments made anew: appended in place of a copy. */
static bool remake(struct maker *m, const struct fuzz_program *from, unsigned i, uint16_t *map)
{
	const struct syscall_desc *d = fuzz_row(from->calls[i].nr);
	struct fuzz_call *c = &work.calls[work.ncalls];
	unsigned k = d->nargs ? below(m, d->nargs) : 0;

	if (!copy_call(from, i, map))
		return false;
	if (d->nargs) {
		work.ncalls--;		/* so that it does not take its own result */
		m->set = ~0u;
		maker_arg(m, c, d, k);
		work.ncalls++;
		c->nblobs = (uint16_t)(work.nblobs - c->blobs);
	}
	return true;
}

enum change { INSERT, REMOVE, REPEAT, MOVE, ARGUMENT, REMAKE, SPLICE, STREAM, SEED, CHANGES };

static void change(struct maker *m, struct fuzz_program *p, const struct fuzz_program *other)
{
	static const uint8_t weights[] = { INSERT, INSERT, INSERT, INSERT, REMOVE, REMOVE, REPEAT, MOVE, ARGUMENT, ARGUMENT, ARGUMENT, ARGUMENT,
		REMAKE, REMAKE, REMAKE, REMAKE, SPLICE, STREAM, SEED };
	enum change what = weights[below(m, sizeof(weights))];
	unsigned n = p->ncalls, at = below(m, n + (what == INSERT)), from = below(m, n), count = 1;
	uint16_t map[FUZZ_PROGRAM_CALLS], other_map[FUZZ_PROGRAM_CALLS];

	if (!n)
		what = INSERT;
	if (what == SPLICE && (!other || !other->ncalls))
		what = INSERT;
	if (what == INSERT && percent(m, 50))
		at = n;
	work_begin(p, map);
	m->p = &work;
	if (what == REMOVE && percent(m, 30))
		count = 1 + below(m, n / 2 + 1);
	for (unsigned i = 0; i <= n; i++) {
		if (i == at) {
			const struct syscall_desc *d;

			switch (what) {
			case INSERT:
				if (percent(m, m->choice->races) && maker_race(m, i < n ? p->calls[i].stream : 0))
					break;
				if (!m->choice->small && !m->choice->single && percent(m, 25) && maker_object(m, i < n ? p->calls[i].stream : n ? p->calls[n - 1].stream : 0))
					break;
				if (percent(m, 12) && maker_idiom(m, i < n ? p->calls[i].stream : n ? p->calls[n - 1].stream : 0))
					break;
				for (unsigned k = 1 + (percent(m, 30) ? below(m, 4) : 0); k-- > 0;) {
					d = maker_row(m);
					if (d)
						maker_call(m, d, i < n ? p->calls[i].stream : n ? p->calls[percent(m, 70) ? n - 1 : below(m, n)].stream : 0);
				}
				break;
			case REPEAT: case MOVE:
				for (unsigned k = from; k < n && k < from + 1 + below(m, 2); k++) {
					uint16_t keep = map[k];

					copy_call(p, k, map);
					if (keep != GONE)
						map[k] = keep;
				}
				break;
			case SPLICE:
				memset(other_map, 0xff, sizeof(other_map));
				for (unsigned k = below(m, other->ncalls), e = k + 1 + below(m, 8); k < e && k < other->ncalls; k++)
					copy_call(other, k, other_map);
				break;
			default: break;
			}
		}
		if (i == n)
			break;
		if (what == REMOVE && i >= at && i < at + count)
			continue;
		if (what == MOVE && i == from && i > at)
			continue;
		if (what == REMAKE && i == at) {
			remake(m, p, i, map);
			continue;
		}
		copy_call(p, i, map);
	}
	if (what == ARGUMENT)
		change_in_place(m, at);
	if (what == STREAM)
		work.calls[at].stream = (uint8_t)below(m, m->choice->streams ? m->choice->streams : 1);
	if (what == SEED) {
		if (percent(m, 50))
			work.seed = (uint16_t)rand64(&m->rand);
		else
			work.flags = (uint8_t)rand64(&m->rand);
	}
	work_end(p);
}

void fuzz_mutate(struct fuzz_program *p, const struct fuzz_program *other, uint64_t seed, const struct fuzz_choice *choice)
{
	struct maker m;
	unsigned n;

	maker_init(&m, &work, seed, choice);
	n = 1 + (percent(&m, 40) ? below(&m, 4) : 0);
	while (n--)
		change(&m, p, other);
}
