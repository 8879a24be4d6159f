/* SPDX-License-Identifier: MIT */
/* The differential: comparing what two runs left. */
#include <string.h>
#include "diff_compare.h"

/* Does this byte of the blob depend on the clock or the machine? */
static bool masked(const struct fuzz_struct *s, unsigned off)
{
	off %= s->size;
	for (unsigned i = 0; i < s->nfields; i++)
		if (off >= s->fields[i].off && off < s->fields[i].off + (unsigned)s->fields[i].size * s->fields[i].count)
			return s->fields[i].kind == ARG_TIME || s->fields[i].kind == ARG_ID || s->fields[i].kind == ARG_TIMER;
	return false;	/* padding: nothing leaks through it */
}

/* ---- directory entries: their order, numbers and positions are the file system's ---- */

static uint64_t names_sum(const uint8_t *p, int64_t n, bool old)
{
	unsigned head = old ? 18 : 19;
	uint64_t sum = 0;

	for (int64_t i = 0; i + head < n;) {
		uint16_t len;

		memcpy(&len, p + i + 16, 2);
		if (len < head || i + len > n)
			break;
		sum += diff_hash(1, p + i + head, strnlen((const char *)p + i + head, len - head)) + (old ? p[i + len - 1] : p[i + 18]);
		i += len;
	}
	return sum;
}

/* Names of attributes: their order is the file system's, too. */
static uint64_t list_sum(const uint8_t *p, int64_t n)
{
	uint64_t sum = 0;

	for (int64_t i = 0, len; i < n; i += len + 1) {
		len = (int64_t)strnlen((const char *)p + i, (size_t)(n - i));
		sum += diff_hash(1, p + i, (size_t)len);
	}
	return sum;
}

/* The layout of an argument that points to one or to an array of them; NULL: bytes. */
static const struct fuzz_struct *layout(const struct difference *d, unsigned arg)
{
	enum arg_kind k = d->row->args[arg].kind;

	return k == ARG_IN || k == ARG_OUT || k == ARG_INOUT || k == ARG_ARRAY ? fuzz_struct_find(d->row->args[arg].aux) : NULL;
}

/* Of this address, or what is written there for another argument that overlaps it. */
static bool masked_at(const struct difference *d, uint64_t addr)
{
	for (unsigned i = 0; i < d->row->nargs; i++) {
		const struct fuzz_arg *a = &d->prog->calls[d->call].args[i];
		const struct fuzz_struct *s = a->form == FUZZ_BLOB ? layout(d, i) : NULL;
		uint64_t at;

		if (!s)
			continue;
		at = d->prog->blobs[a->index].addr + a->value;
		if (addr >= at && addr < d->prog->blobs[a->index].addr + d->prog->blobs[a->index].len && masked(s, (unsigned)(addr - at)))
			return true;
	}
	return false;
}

/* Where in its blob a list begins; one that begins before it is behind its end. */
static uint64_t list_at(const struct difference *d)
{
	for (unsigned i = 0; i < d->row->nargs; i++)
		if (d->prog->calls[d->call].args[i].form == FUZZ_BLOB && d->prog->calls[d->call].args[i].index == d->blob)
			return d->prog->calls[d->call].args[i].value;
	return 0;
}

/* The first difference behind `from`. */
static bool memory_differs(struct difference *d, const struct diff_out *l, const struct diff_out *e, unsigned from)
{
	const uint8_t *a = d->lin->data + l->off, *b = d->eft->data + e->off;
	unsigned n = l->len < e->len ? l->len : e->len;
	uint64_t at = list_at(d);

	if (strstr(d->row->name, "listxattr") && d->lin_result > 0 && d->lin_result == d->eft_result)
		return !from && at <= n && (uint64_t)d->lin_result <= n - at && list_sum(a + at, d->lin_result) != list_sum(b + at, d->eft_result);
	if (!strncmp(d->row->name, "getdents", 8) && d->lin_result >= 0)
		return !from && at <= n && (uint64_t)d->lin_result <= l->len - at && d->eft_result <= (int64_t)(e->len - at) &&
			names_sum(a + at, d->lin_result, !d->row->name[8]) != names_sum(b + at, d->eft_result, !d->row->name[8]);
	for (unsigned i = from; i < n; i++)
		if (a[i] != b[i] && !masked_at(d, d->prog->blobs[l->blob].addr + i)) {
			d->offset = i;
			return true;
		}
	d->offset = n;
	return from <= n && l->len != e->len;
}

void (*diff_explained)(const struct diff_allowed *a, const struct difference *d);

static bool allowed(struct difference *d)
{
	for (struct diff_allowed *a = diff_allowed; a->name; a++)
		if (a->match(d)) {
			a->seen++;
			if (diff_explained)
				diff_explained(a, d);
			return true;
		}
	return false;
}

static bool tree_differs(struct difference *d)
{
	const char *l = d->lin->tree, *e = d->eft->tree;
	const char *l_end = l + d->lin->ntree, *e_end = e + d->eft->ntree;

	while (l < l_end && e < e_end) {
		size_t nl = strcspn(l, "\n"), ne = strcspn(e, "\n");

		if (nl != ne || memcmp(l, e, nl))
			break;
		l += nl + 1;
		e += ne + 1;
	}
	d->lin_text = l < l_end ? l : "(nothing)\n";
	d->eft_text = e < e_end ? e : "(nothing)\n";
	return l < l_end || e < e_end;
}

void diff_compare(const struct fuzz_program *p, const struct diff_run *lin, const struct diff_run *eft, struct difference *d)
{
	unsigned out = 0;

	*d = (struct difference){ .prog = p, .lin = lin, .eft = eft };
	if (lin->status == DIFF_LOST || eft->status == DIFF_LOST || (p->ncalls && !lin->done[0]))	/* or the host had no room for it */
		return;
	for (unsigned i = 0; i < p->ncalls; i++) {
		d->call = i;
		d->row = fuzz_row(p->calls[i].nr);
		d->lin_result = lin->result[i];
		d->eft_result = eft->result[i];
		if (lin->done[i] != 2 && lin->status == DIFF_LATE) {
			d->what = DIFF_SAME;
			return;
		}
		d->what = DIFF_BLOCKED;
		if (lin->done[i] != eft->done[i]) {
			if (allowed(d))
				d->what = DIFF_SAME;
			return;
		}
		if (lin->done[i] != 2)
			break;
		d->what = DIFF_RESULT;
		if (d->lin_result != d->eft_result) {
			if (!allowed(d))
				return;
			if ((d->lin_result < 0) != (d->eft_result < 0)) {	/* from here on they do different things */
				d->what = DIFF_SAME;
				return;
			}
		}
		d->what = DIFF_MEMORY;
		for (; out < lin->nouts && out < eft->nouts && lin->outs[out].call == i && eft->outs[out].call == i; out++) {
			d->blob = lin->outs[out].blob;
			for (unsigned from = 0; d->lin_result >= 0 && memory_differs(d, &lin->outs[out], &eft->outs[out], from); from = d->offset + 1)
				if (!allowed(d))
					return;
		}
	}
	d->row = NULL;
	d->what = DIFF_STATUS;
	if (lin->status == DIFF_LATE) {
		d->what = DIFF_SAME;
		return;
	}
	if (lin->status != eft->status && !allowed(d))
		return;
	d->what = DIFF_FILES;
	if (tree_differs(d) && !allowed(d))
		return;
	d->what = DIFF_SAME;
}
