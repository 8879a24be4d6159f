/* SPDX-License-Identifier: MIT */
/* Programs as strace-like text. */
#include <string.h>
#include "program.h"

enum { SHOWN = 64 };

static const char *const errors[] = { [1] = "EPERM", [2] = "ENOENT", [3] = "ESRCH", [4] = "EINTR", [5] = "EIO", [6] = "ENXIO", [7] = "E2BIG",
	[8] = "ENOEXEC", [9] = "EBADF", [10] = "ECHILD", [11] = "EAGAIN", [12] = "ENOMEM", [13] = "EACCES", [14] = "EFAULT", [15] = "ENOTBLK",
	[16] = "EBUSY", [17] = "EEXIST", [18] = "EXDEV", [19] = "ENODEV", [20] = "ENOTDIR", [21] = "EISDIR", [22] = "EINVAL", [23] = "ENFILE",
	[24] = "EMFILE", [25] = "ENOTTY", [26] = "ETXTBSY", [27] = "EFBIG", [28] = "ENOSPC", [29] = "ESPIPE", [30] = "EROFS", [31] = "EMLINK",
	[32] = "EPIPE", [33] = "EDOM", [34] = "ERANGE", [35] = "EDEADLK", [36] = "ENAMETOOLONG", [37] = "ENOLCK", [38] = "ENOSYS",
	[39] = "ENOTEMPTY", [40] = "ELOOP", [42] = "ENOMSG", [43] = "EIDRM", [61] = "ENODATA", [62] = "ETIME", [71] = "EPROTO", [75] = "EOVERFLOW",
	[88] = "ENOTSOCK", [89] = "EDESTADDRREQ", [90] = "EMSGSIZE", [91] = "EPROTOTYPE", [92] = "ENOPROTOOPT", [93] = "EPROTONOSUPPORT",
	[94] = "ESOCKTNOSUPPORT", [95] = "EOPNOTSUPP", [97] = "EAFNOSUPPORT", [98] = "EADDRINUSE", [99] = "EADDRNOTAVAIL", [103] = "ECONNABORTED",
	[104] = "ECONNRESET", [105] = "ENOBUFS", [106] = "EISCONN", [107] = "ENOTCONN", [108] = "ESHUTDOWN", [110] = "ETIMEDOUT",
	[111] = "ECONNREFUSED", [114] = "EALREADY", [115] = "EINPROGRESS" };

static void text(FILE *f, const uint8_t *p, size_t n, bool cut)
{
	fputc('"', f);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			fputs("\\n", f);
		else if (p[i] == '"' || p[i] == '\\')
			fprintf(f, "\\%c", p[i]);
		else if (p[i] >= 32 && p[i] < 127)
			fputc(p[i], f);
		else
			fprintf(f, "\\x%02x", p[i]);
	}
	fputs(cut ? "\"..." : "\"", f);
}

static void names(FILE *f, uint64_t v, const struct flag_name *n, bool bits)
{
	const char *sep = "";

	for (; n->name; n++)
		if (bits ? n->bit && (v & n->bit) == n->bit : (int)n->bit == (int)v) {
			fprintf(f, "%s%s", sep, n->name);
			if (!bits)
				return;
			sep = "|";
			v &= ~n->bit;
		}
	if (v || !*sep)
		fprintf(f, "%s%#llx", sep, (unsigned long long)v);
}

static void argument(FILE *f, const struct fuzz_program *p, const struct fuzz_arg *a, enum arg_kind kind, const char *aux, const struct flag_name *flags);

static void blob(FILE *f, const struct fuzz_program *p, const struct fuzz_blob *b, enum arg_kind kind, const char *aux)
{
	const struct fuzz_struct *s = fuzz_struct_find(aux);
	static const char *const places[] = { "", "@odd", "@page", "@end" };

	fprintf(f, "%#llx%s=", (unsigned long long)b->addr, places[b->place]);
	if (b->dir == FUZZ_OUT) {
		fprintf(f, "[%u]", b->len);
		return;
	}
	if (!b->nfixes && (kind == ARG_PATH || kind == ARG_STR || kind == ARG_BUF_IN || kind == ARG_PTR || !s)) {
		bool terminated = (kind == ARG_PATH || kind == ARG_STR) && b->nbytes && !p->bytes[b->bytes + b->nbytes - 1];
		size_t n = b->nbytes - (terminated ? 1u : 0);

		text(f, p->bytes + b->bytes, n < SHOWN ? n : SHOWN, n > SHOWN || (b->len > b->nbytes && b->nbytes));
		if (b->len > SHOWN)
			fprintf(f, "[%u]", b->len);
		return;
	}
	fprintf(f, "{");
	for (unsigned at = 0, k = 0; at < b->len;) {	/* words, with what is not content in its place */
		const struct fuzz_fix *fix = NULL;
		uint64_t v = 0;
		unsigned size = b->len - at >= 8 && !(at & 7) ? 8 : b->len - at >= 4 ? 4 : 1;
		const struct fuzz_field *field = NULL;

		for (unsigned i = 0; i < b->nfixes; i++)
			if (p->fixes[b->fixes + i].size && p->fixes[b->fixes + i].off == at)
				fix = &p->fixes[b->fixes + i];
		for (unsigned i = 0; s && s->size && i < s->nfields; i++)
			if (s->fields[i].off == at % s->size)
				field = &s->fields[i];
		if (field)
			size = field->size;
		if (fix)
			size = fix->size;
		if (at >= b->nbytes && !fix) {
			fprintf(f, "%s0...", k ? ", " : "");
			break;
		}
		fprintf(f, "%s", k++ ? ", " : "");
		if (field)
			fprintf(f, "%s=", field->name);
		if (fix) {
			argument(f, p, &fix->arg, field ? field->kind : ARG_HEX, field ? field->aux : "_", NULL);
		} else {
			for (unsigned i = 0; i < size && at + i < b->nbytes; i++)
				v |= (uint64_t)p->bytes[b->bytes + at + i] << (8 * i);
			if (field && field->flags)
				names(f, v, field->flags, field->kind == ARG_FLAGS);
			else
				fprintf(f, v < 4096 ? "%llu" : "%#llx", (unsigned long long)v);
		}
		at += size;
	}
	fprintf(f, "}");
}

static void argument(FILE *f, const struct fuzz_program *p, const struct fuzz_arg *a, enum arg_kind kind, const char *aux, const struct flag_name *flags)
{
	if (a->form == FUZZ_RESULT) {
		fprintf(f, a->slot ? "r%u[%u]" : "r%u", a->index, a->slot - 1u);
		return;
	}
	if (a->form == FUZZ_BLOB) {
		blob(f, p, &p->blobs[a->index], kind, aux);
		if (a->value)
			fprintf(f, "+%#llx", (unsigned long long)a->value);
		return;
	}
	if (flags) {
		names(f, a->value, flags, kind == ARG_FLAGS);
		return;
	}
	switch (kind) {
	case ARG_DIRFD: fprintf(f, (int)a->value == -100 ? "AT_FDCWD" : "%d", (int)a->value); break;
	case ARG_INT: case ARG_FD: case ARG_PID: case ARG_SIG: case ARG_TIMER: case ARG_WATCH: case ARG_IPC: fprintf(f, "%d", (int)a->value); break;
	case ARG_MODE: fprintf(f, "%#o", (unsigned)a->value); break;
	case ARG_LONG: case ARG_SIZE: case ARG_LEN: fprintf(f, "%lld", (long long)a->value); break;
	default: fprintf(f, a->value ? "%#llx" : "0", (unsigned long long)a->value); break;
	}
}

static void result(FILE *f, int64_t r)
{
	if (r < 0 && r > -4096)
		fprintf(f, "-1 %s", -r < (int64_t)(sizeof(errors) / sizeof(errors[0])) && errors[-r] ? errors[-r] : "E?");
	else
		fprintf(f, r > 1 << 24 ? "%#llx" : "%lld", (long long)r);
}

void fuzz_print_strace(FILE *f, const struct fuzz_program *p, const struct fuzz_state *results)
{
	fprintf(f, "# %u calls, seed %#x, flags %#x\n", p->ncalls, p->seed, p->flags);
	for (unsigned i = 0; i < p->ncalls; i++) {
		const struct fuzz_call *c = &p->calls[i];
		const struct syscall_desc *d = fuzz_row(c->nr);

		if (c->stream)
			fprintf(f, "[%u] ", c->stream);
		fprintf(f, "r%u = %s(", i, d->name);
		for (unsigned k = 0; k < d->nargs; k++) {
			fputs(k ? ", " : "", f);
			argument(f, p, &c->args[k], d->args[k].kind, d->args[k].aux, d->args[k].flags);
		}
		fputc(')', f);
		if (results && results->done[i] == 2) {
			fputs(" = ", f);
			result(f, results->values[i][0]);
		} else if (results) {
			fputs(results->done[i] ? " ..." : " (not made)", f);
		}
		fputc('\n', f);
	}
}
