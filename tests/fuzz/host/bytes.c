/* SPDX-License-Identifier: MIT */
/*
 * A plain reading of bytes as calls, until the typed program model is there:
 * two bytes choose the call, one or more each argument.
 */
#include <string.h>
#include <kernel/syscall.h>
#include "bytes.h"

static const char *const paths[] = { "/tmp/f", "/tmp/d", "/tmp/a", "/tmp/b", "/tmp/d/x", "/d/small", "/d/large", "/bin/prog", "/bin/script", "/dev/null", "/dev/zero", "/proc/self/maps", "/proc/self/fd/3", "/dev/ptmx", "/tmp", "." };

static size_t rows(void)
{
	static size_t n;

	if (!n)
		n = fuzz_syscalls();
	return n;
}

static uint8_t take(struct bytes *b) { return b->pos < b->size ? b->data[b->pos++] : 0; }

static uint64_t number(struct bytes *b)
{
	static const int64_t special[] = { 0, 1, 2, 4096, -1, 4095, 65536, INT64_MAX, INT64_MIN, INT32_MAX, 0x7fffffffffff, 1 << 20 };
	uint8_t v = take(b);

	if (v < 192)
		return v & 63;
	return (uint64_t)special[v % (sizeof(special) / sizeof(special[0]))];
}

static uint64_t argument(struct bytes *b, const struct arg_desc *a, unsigned i)
{
	uint64_t at = FUZZ_ARENA + 0x800 * i, v = 0;
	uint8_t c;

	switch (a->kind) {
	case ARG_FD: return take(b) & 15;
	case ARG_DIRFD: c = take(b); return c & 1 ? (uint64_t)-100 : (uint64_t)(c >> 1 & 7);
	case ARG_PID: c = take(b); return c < 64 ? 0 : c < 128 ? 2 : (uint64_t)(c & 7);
	case ARG_SIG: return take(b) % 66;
	case ARG_PATH: case ARG_STR: {
		const char *s = paths[take(b) & 15];

		fuzz_user_write(at, s, strlen(s) + 1);
		return at;
	}
	case ARG_FLAGS: case ARG_ENUM:
		for (const struct flag_name *f = a->flags; f && f->name; f++)
			if (take(b) < 50) {
				v |= f->bit;
				if (a->kind == ARG_ENUM)
					break;
			}
		return v;
	case ARG_ADDR: case ARG_IN: case ARG_OUT: case ARG_INOUT: case ARG_BUF_IN: case ARG_BUF_OUT: case ARG_STRV:
		c = take(b);
		if (c > 240)
			return number(b);
		if (c < 20)
			return 0;
		for (unsigned n = 0; n < (c & 7); n++) {
			v = number(b);
			fuzz_user_write(at + n * 8, &v, 8);
		}
		return at;
	default:
		return number(b);
	}
}

bool bytes_next(void *arg, unsigned stream, struct fuzz_step *out)
{
	struct bytes *b = arg;
	const struct syscall_desc *d;

	(void)stream;
	for (;;) {
		if (b->pos >= b->size || b->calls >= BYTES_CALLS)
			return false;
		d = fuzz_syscall((size_t)(take(b) | take(b) << 8) % rows());
		if (d->call && d->x86_64 >= 0)
			break;
	}
	b->calls++;
	*out = (struct fuzz_step){ .nr = (uint32_t)d->x86_64 };
	for (unsigned i = 0; i < d->nargs; i++)
		out->args[i] = argument(b, &d->args[i], i);
	return true;
}

void bytes_result(void *arg, unsigned stream, int64_t result)
{
	(void)arg;
	(void)stream;
	(void)result;
}
