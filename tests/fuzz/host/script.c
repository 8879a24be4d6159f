/* SPDX-License-Identifier: MIT */
/*
 * A script is calls with their data, known before the run.  It wraps the
 * source of a typed program: stream 0 makes the script's first half, then its
 * own calls, then the second half; other streams are the program's alone.
 *
 * Data goes into the arena behind the blobs of typed programs, anew for each
 * call: an execve() in between gives an empty arena.
 */
#include <stdlib.h>
#include <string.h>
#include "programs.h"
#include "script.h"

enum { DATA_AT = 0x20000, DATA_END = 0x78000 };

struct call { uint32_t nr; uint64_t args[6]; unsigned results, data, ndata; };
struct data { const void *p; size_t n; uint64_t at; };

static struct call calls[SCRIPT_CALLS];
static struct data data[SCRIPT_DATA];
static int64_t values[SCRIPT_CALLS];
static unsigned ncalls, ndata, half;
static unsigned pending;		/* data that belongs to the next call begins here */
static unsigned at;			/* the next call of the run */
static bool in_script;			/* stream 0's last call was one of these */
static struct fuzz_source inner;

void script_begin(void)
{
	ncalls = ndata = pending = 0;
	half = SCRIPT_CALLS;
}

uint64_t script_bytes(const void *p, size_t n)
{
	uint64_t where = pending == ndata ? FUZZ_ARENA + DATA_AT : (data[ndata - 1].at + data[ndata - 1].n + 15) & ~UINT64_C(15);

	if (ndata == SCRIPT_DATA || where + n > FUZZ_ARENA + DATA_END)
		return FUZZ_ARENA;
	data[ndata++] = (struct data){ p, n, where };
	return where;
}

uint64_t script_text(const char *s) { return script_bytes(s, strlen(s) + 1); }

unsigned script_call(unsigned results, unsigned nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	if (ncalls == SCRIPT_CALLS)
		abort();
	calls[ncalls] = (struct call){ nr, { a0, a1, a2, a3, a4, a5 }, results, pending, ndata - pending };
	pending = ndata;
	return ncalls++;
}

void script_after(void) { half = ncalls; }

static void make(struct fuzz_step *out)
{
	const struct call *c = &calls[at];

	for (unsigned i = 0; i < c->ndata; i++) {
		const struct data *d = &data[c->data + i];

		(void)fuzz_user_write(d->at, d->p, d->n);
	}
	*out = (struct fuzz_step){ .nr = c->nr };
	for (unsigned i = 0; i < 6; i++)
		out->args[i] = c->results >> i & 1 && c->args[i] < at ? (uint64_t)values[c->args[i]] : c->args[i];
}

static bool next(void *arg, unsigned stream, struct fuzz_step *out)
{
	unsigned end = half < ncalls ? half : ncalls;

	(void)arg;
	if (stream)
		return inner.next && inner.next(inner.arg, stream, out);
	in_script = true;
	if (at < end) {
		make(out);
		return true;
	}
	if (at == end && inner.next && inner.next(inner.arg, stream, out)) {
		in_script = false;
		return true;
	}
	if (at == end)
		inner.next = NULL;	/* it has ended */
	if (at == ncalls)
		return false;
	make(out);
	return true;
}

static void result(void *arg, unsigned stream, int64_t value)
{
	(void)arg;
	if (stream || !in_script) {
		inner.result(inner.arg, stream, value);
	} else if (at < ncalls) {
		values[at++] = value;
	}
}

void script_run(struct fuzz_run *r, const uint8_t *program, size_t size)
{
	static const uint8_t nothing;

	programs_source(program ? program : &nothing, size, r);
	inner = r->source;
	at = 0;
	in_script = true;
	r->source = (struct fuzz_source){ next, result, NULL };
	engine_run(r);
}
