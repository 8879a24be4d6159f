/* SPDX-License-Identifier: MIT */
/* Values by kind: the numbers, names and structures that programs are made of. */
#include <string.h>
#include "maker.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(m, a) ((a)[below(m, (unsigned)COUNT(a))])

enum { PAGE = 4096, ELEMENTS = 4 };

/* ---- numbers ---- */

static uint64_t size_value(struct maker *m)
{
	static const uint64_t sizes[] = { 0, 1, 2, 3, 7, 8, 15, 16, 63, 64, 100, 255, 256, 1000, 1023, 1024, 1025, 4095, 4096, 4097, 8192, 12288,
		65535, 65536, 65537, 70000, 1 << 20 };
	static const uint64_t extreme[] = { INT32_MAX, UINT32_MAX, (uint64_t)INT64_MAX, ~UINT64_C(0), UINT64_C(1) << 32, UINT64_C(1) << 40, UINT64_C(1) << 47 };

	if (percent(m, 4))
		return PICK(m, extreme);
	return percent(m, 70) ? sizes[below(m, 18)] : PICK(m, sizes);
}

static uint64_t offset_value(struct maker *m)
{
	static const int64_t offsets[] = { 0, 0, 1, 5, 16, 100, 1000, 4096, 4097, 8192, 12288, 13000, 65536, 70000, 274432, -1, 1 << 20, INT32_MAX,
		INT64_C(1) << 33, INT64_MAX, INT64_MIN };
	unsigned n = m->choice->small ? 16 : (unsigned)COUNT(offsets);

	return (uint64_t)offsets[percent(m, 75) ? below(m, 9) : below(m, n)];
}

static uint64_t flags_value(struct maker *m, const struct flag_name *f)
{
	unsigned n = 0, want = percent(m, 25) ? 0 : 1 + below(m, percent(m, 80) ? 3 : 8);
	uint64_t v = 0;

	while (f[n].name)
		n++;
	while (n && want--)
		v |= f[below(m, n)].bit;
	if (percent(m, 2))
		v ^= UINT64_C(1) << below(m, 34);
	return v;
}

static uint64_t enum_value(struct maker *m, const struct flag_name *f)
{
	static const int64_t odd[] = { -1, 99, 1 << 20, INT32_MAX };
	unsigned n = 0;

	while (f[n].name)
		n++;
	return n && !percent(m, 3) ? f[below(m, n)].bit : (uint64_t)PICK(m, odd);
}

uint64_t maker_number(struct maker *m, enum arg_kind kind, const char *name, const char *aux, const struct flag_name *flags, uint64_t type_max)
{
	static const int64_t ints[] = { 0, 0, 1, 1, 2, 3, 4, 5, 8, 10, 16, 64, 100, 255, -1, -2, 1000, 32767, 65535, 1 << 20, INT32_MAX, INT32_MIN };
	static const uint32_t modes[] = { 0, 0600, 0644, 0666, 0755, 0777, 01777, 02755, 04755, 0444, 0222, 07777 };
	static const uint32_t types[] = { 0100000, 0010000, 0140000, 0, 0040000, 0120000, 0020000 };
	static const uint32_t ids[] = { 0, 0, 1, 1000, 65534, UINT32_MAX };
	static const uint64_t addresses[] = { 0, FUZZ_MAPS, FUZZ_MAPS + PAGE, FUZZ_MAPS + 2 * PAGE, FUZZ_MAPS + 4 * PAGE, FUZZ_MAPS + 0x200000,
		FUZZ_WORDS + PAGE, FUZZ_ARENA + 0x40000, FUZZ_MAPS + 1, UINT64_C(0x7ffffffff000), UINT64_C(0xffff800000000000), 1, ~UINT64_C(0) };

	(void)type_max;
	switch (kind) {
	case ARG_FLAGS: return flags_value(m, flags);
	case ARG_ENUM: return enum_value(m, flags);
	case ARG_SIZE: return size_value(m);
	case ARG_LONG: case ARG_TIME:
		if (kind == ARG_TIME)
			return percent(m, 90) ? (strstr(name, "nsec") || strstr(name, "usec") ? below(m, 1000) * 100 : below(m, 2)) : (uint64_t)(int64_t)PICK(m, ints);
		return offset_value(m);
	case ARG_MODE:
		if (!strcmp(aux, "mknod"))
			return PICK(m, types) | PICK(m, modes);
		if (!strcmp(aux, "ipc"))
			return (percent(m, 80) ? 01000u : 0) | (percent(m, 20) ? 02000u : 0) | (percent(m, 90) ? 0666u : PICK(m, modes));
		return PICK(m, modes);
	case ARG_SIG: {
		static const uint8_t quiet[] = { 0, 17, 18, 23, 28, 10, 12, 14, 34, 64 };

		return percent(m, 70) ? PICK(m, quiet) : below(m, 66);
	}
	case ARG_FD: return percent(m, 85) ? below(m, 10) : (uint64_t)(int64_t)PICK(m, ints);
	case ARG_DIRFD: return percent(m, 90) ? (uint64_t)-100 : below(m, 10);
	case ARG_PID: return percent(m, 60) ? 0 : (uint64_t)(int64_t)(int)(below(m, 8)) - 2;
	case ARG_TIMER: case ARG_WATCH: return below(m, 4);
	case ARG_IPC: return below(m, 2);
	case ARG_ADDR: return addresses[percent(m, 80) ? below(m, 8) : below(m, (unsigned)COUNT(addresses))];
	case ARG_HEX:
		if (!strcmp(aux, "signals"))
			return percent(m, 30) ? 0 : percent(m, 20) ? ~UINT64_C(0) : UINT64_C(1) << below(m, 64) | UINT64_C(1) << (percent(m, 50) ? 16 : 9);
		if (!strcmp(aux, "handler"))
			return percent(m, 30) ? 0 : percent(m, 50) ? 1 : m->choice->small ? 1 : FUZZ_HANDLER;
		if (!strcmp(aux, "restorer"))
			return FUZZ_HANDLER;
		if (!strcmp(aux, "cap_version"))
			return percent(m, 80) ? 0x20080522 : 0x19980330;
		if (!strcmp(aux, "fds"))
			return percent(m, 80) ? below(m, 256) : rand64(&m->rand);
		return percent(m, 85) ? below(m, 4) : rand64(&m->rand) >> below(m, 64);
	default:
		if (!strcmp(name, "uid") || !strcmp(name, "gid") || !strcmp(name + 1, "uid") || !strcmp(name + 1, "gid"))
			return (uint64_t)(int64_t)(int32_t)PICK(m, ids);
		if (!strcmp(aux, "sem_num") || !strcmp(name, "num"))
			return below(m, 4);
		if (!strcmp(name, "key"))
			return below(m, 4);
		if (!strcmp(name, "timeout"))
			return percent(m, 90) ? below(m, 2) : (uint64_t)-1;
		return (uint64_t)ints[percent(m, 80) ? below(m, 10) : below(m, (unsigned)COUNT(ints))];
	}
}

/* ---- blobs ---- */

struct fuzz_blob *maker_blob(struct maker *m, struct fuzz_arg *a, enum fuzz_dir dir, const void *content, size_t nbytes, size_t len, unsigned fixes)
{
	struct fuzz_program *p = m->p;
	struct fuzz_blob *b;

	*a = arg_value(0);
	if (len > FUZZ_BLOB_MAX)
		len = FUZZ_BLOB_MAX;
	nbytes = nbytes > len ? len : nbytes;
	if (p->nblobs >= FUZZ_PROGRAM_BLOBS || p->nfixes + fixes > FUZZ_PROGRAM_FIXES || p->nbytes + nbytes > FUZZ_PROGRAM_BYTES)
		return NULL;
	b = &p->blobs[p->nblobs];
	*b = (struct fuzz_blob){ .len = (uint16_t)len, .bytes = p->nbytes, .nbytes = (uint16_t)(dir == FUZZ_OUT ? 0 : nbytes), .fixes = p->nfixes,
		.nfixes = (uint16_t)fixes, .dir = (uint8_t)dir };
	if (percent(m, 6))
		b->place = (uint8_t)(1 + below(m, 3));
	if (b->nbytes) {
		if (content)
			memcpy(p->bytes + p->nbytes, content, nbytes);
		else
			memset(p->bytes + p->nbytes, 0, nbytes);
	}
	p->nbytes = (uint16_t)(p->nbytes + b->nbytes);
	memset(&p->fixes[p->nfixes], 0, fixes * sizeof(p->fixes[0]));
	p->nfixes = (uint16_t)(p->nfixes + fixes);
	a->form = FUZZ_BLOB;
	a->index = p->nblobs++;
	return b;
}

/* ---- resources ---- */

/* Something of that kind that an earlier call gave. */
static bool resource(struct maker *m, enum arg_kind kind, const char *aux, struct fuzz_arg *a)
{
	struct { uint16_t call; uint8_t slot; bool exact; } found[32];
	unsigned n = 0, exact = 0, pick;

	for (unsigned i = m->p->ncalls; i-- > 0 && n < COUNT(found) - 2;) {
		const struct syscall_desc *d = fuzz_row(m->p->calls[i].nr);
		const char *x;
		int gives = fuzz_gives(m->p->calls[i].nr);

		if (fuzz_returns(d, &x) == kind && (kind != ARG_IPC || !strcmp(x, aux))) {
			found[n].exact = !strcmp(x, aux);
			exact += found[n].exact;
			found[n].call = (uint16_t)i;
			found[n++].slot = 0;
		}
		if (gives >= 0 && !(m->choice->small && kind == ARG_ADDR)) {
			const struct fuzz_struct *s = fuzz_struct_find(d->args[gives].aux);

			if (s->fields[0].kind == kind)
				for (unsigned k = 0; k < s->nfields; k++) {
					found[n].exact = !strcmp(s->fields[k].aux, aux);
					exact += found[n].exact;
					found[n].call = (uint16_t)i;
					found[n++].slot = (uint8_t)(k + 1);
				}
		}
	}
	if (!n)
		return false;
	if (exact && percent(m, 88)) {
		pick = below(m, exact);
		for (unsigned i = 0;; i++)
			if (found[i].exact && !pick--) {
				pick = i;
				break;
			}
	} else {
		pick = percent(m, 50) ? below(m, n < 3 ? n : 3) : below(m, n);
	}
	*a = (struct fuzz_arg){ .form = FUZZ_RESULT, .index = found[pick].call, .slot = found[pick].slot, .value = (uint64_t)-1 };
	return true;
}

static struct fuzz_arg scalar(struct maker *m, enum arg_kind kind, const char *name, const char *aux, const struct flag_name *flags, unsigned size)
{
	struct fuzz_arg a;

	switch (kind) {
	case ARG_FD: case ARG_TIMER: case ARG_WATCH: case ARG_IPC:
		if (percent(m, 88) && resource(m, kind, aux, &a))
			return a;
		break;
	case ARG_DIRFD: if (percent(m, 20) && resource(m, ARG_FD, "dir", &a)) return a; break;
	case ARG_PID: if (percent(m, 45) && resource(m, kind, aux, &a)) return a; break;
	case ARG_ADDR:
		if (!strcmp(aux, "aio") && m->choice->small)
			return arg_value(maker_number(m, ARG_HEX, name, aux, flags, size));
		if (percent(m, strcmp(aux, "aio") ? 55 : 90) && resource(m, kind, aux, &a))
			return a;
		break;
	default: break;
	}
	return arg_value(maker_number(m, kind, name, aux, flags, size));
}

/* ---- structures ---- */

static void fix(struct maker *m, struct fuzz_blob *b, unsigned *used, unsigned off, unsigned size, struct fuzz_arg a)
{
	if (*used < b->nfixes)
		m->p->fixes[b->fixes + (*used)++] = (struct fuzz_fix){ .arg = a, .off = (uint16_t)off, .size = (uint8_t)size };
}

static void put_number(struct maker *m, const struct fuzz_blob *b, unsigned off, unsigned size, uint64_t v)
{
	if (off + size <= b->nbytes)
		memcpy(m->p->bytes + b->bytes + off, &v, size);
}

static bool makes_fix(enum arg_kind k) { return k == ARG_FD || k == ARG_PID || k == ARG_PTR || k == ARG_TIMER || k == ARG_IPC; }

static const struct fuzz_struct *pointee(const char *aux)
{
	const struct fuzz_struct *s = fuzz_struct_find(!strcmp(aux, "namelen") ? "sockaddr" : !strcmp(aux, "controllen") ? "cmsg" : aux);

	return s ? s : fuzz_struct_find("long");
}

/* A filter of seccomp's: loads of its data, tests, and what is to happen. */
static struct fuzz_arg filter(struct maker *m, unsigned n)
{
	static const uint16_t codes[] = { 0x20 /* ld abs */, 0x20, 0x15 /* jeq */, 0x25, 0x35, 0x45, 0x05 /* ja */, 0x54 /* and */, 0x04, 0x14, 0x24, 0x34, 0x44, 0x64, 0x74,
		0x84, 0xa4, 0x07 /* tax */, 0x87, 0x00 /* ld imm */, 0x01, 0x60 /* ld mem */, 0x61, 0x02 /* st */, 0x03, 0x80 /* len */, 0x81, 0x1d, 0x3d, 0x0c, 0x5c, 0x3c, 0x16 /* ret a */,
		0x28, 0xb1, 0x40 };
	static const uint32_t what[] = { 0x7fff0000 /* allow */, 0x7fff0000, 0x7fff0000, 0x00050001 /* errno */, 0x00050016, 0x00030007 /* trap */, 0x7ff00003 /* trace */,
		0x7ffc0000 /* log */, 0, 0x80000000, 0x7fc00000 };
	struct fuzz_arg a;
	struct fuzz_blob *b = maker_blob(m, &a, FUZZ_IN, NULL, n * 8u, n * 8u, 0);

	for (unsigned i = 0; b && i < n; i++) {
		bool last = i + 1 == n && percent(m, 96), ret = last || percent(m, 15);
		uint16_t code = ret ? 0x06 : PICK(m, codes);
		uint8_t jumps[2] = { (uint8_t)below(m, n - i), (uint8_t)below(m, n - i) };
		uint32_t k = ret ? PICK(m, what) : code == 0x20 ? 4 * below(m, 16) : percent(m, 80) ? below(m, 64) : (uint32_t)rand64(&m->rand);
		uint8_t *at = m->p->bytes + b->bytes + 8u * i;

		if (8u * i + 8 > b->nbytes)
			break;
		memcpy(at, &code, 2);
		memcpy(at + 2, jumps, 2);
		memcpy(at + 4, &k, 4);
	}
	return a;
}

/* The family of the socket that c is about; AF_UNIX when it cannot be told. */
static unsigned family_of(struct maker *m, const struct fuzz_call *c)
{
	const struct fuzz_arg *a = c ? &c->args[0] : NULL;

	for (unsigned hops = 0; a && a->form == FUZZ_RESULT && hops < 4; hops++) {
		const struct fuzz_call *by = &m->p->calls[a->index];

		if (!strncmp(fuzz_row(by->nr)->name, "socket", 6))
			return (unsigned)by->args[0].value;
		a = &by->args[0];
	}
	return 1;
}

static void inet_name(struct maker *m, struct fuzz_blob *b, unsigned family)
{
	uint8_t *at = m->p->bytes + b->bytes;
	static const uint8_t v4[][4] = { { 127, 0, 0, 1 }, { 127, 0, 0, 1 }, { 0, 0, 0, 0 }, { 127, 0, 0, 2 }, { 10, 0, 0, 1 }, { 224, 0, 0, 1 }, { 255, 255, 255, 255 } };
	unsigned port = percent(m, 85) ? 1000 + below(m, 3) : percent(m, 50) ? 0 : below(m, 65536);

	if (b->nbytes < 28)
		return;
	memset(at, 0, b->nbytes);
	at[0] = (uint8_t)family;
	at[2] = (uint8_t)(port >> 8);
	at[3] = (uint8_t)port;
	if (family == 2) {
		memcpy(at + 4, v4[below(m, sizeof(v4) / sizeof(v4[0]))], 4);
	} else if (percent(m, 25)) {	/* mapped */
		at[18] = at[19] = 0xff;
		memcpy(at + 20, v4[below(m, 3)], 4);
	} else if (percent(m, 70)) {
		at[23] = 1;
	}
	if (percent(m, 4))
		at[below(m, 28)] = (uint8_t)below(m, 256);
}

/* How many bytes of ancillary data are said to be there: what the one message has, its padding; or too few, or others. */
static uint64_t control_length(struct maker *m, const struct fuzz_arg *a)
{
	uint64_t len = 0;

	if (a->form == FUZZ_BLOB && m->p->blobs[a->index].nbytes >= sizeof(len))
		memcpy(&len, m->p->bytes + m->p->blobs[a->index].bytes, sizeof(len));
	if (len > 64 || percent(m, 20))
		return 16 + 4 * below(m, 5);
	return percent(m, 50) ? len : (len + 7) & ~UINT64_C(7);
}

static struct fuzz_arg structure(struct maker *m, const struct fuzz_struct *s, enum fuzz_dir dir, unsigned elements)
{
	struct fuzz_arg a;
	struct fuzz_blob *b;
	unsigned fixes = 0, used = 0;
	uint16_t index;
	char text[TEXT_MAX];

	for (unsigned k = 0; k < s->nfields; k++)
		if (makes_fix(s->fields[k].kind))
			fixes += s->fields[k].count;
	fixes *= elements;
	fixes = fixes > 15 ? 15 : fixes;
	b = maker_blob(m, &a, dir, NULL, (size_t)s->size * elements, (size_t)s->size * elements, dir == FUZZ_OUT ? 0 : fixes);
	if (!b || dir == FUZZ_OUT)
		return a;
	index = a.index;
	m->nest++;
	for (unsigned e = 0; e < elements; e++)
		for (unsigned k = 0; k < s->nfields; k++) {
			const struct fuzz_field *f = &s->fields[k];
			unsigned off = e * s->size + f->off, length_at;

			b = &m->p->blobs[index];
			if (f->kind == ARG_PTR) {
				const struct fuzz_field *length = k + 1 < s->nfields ? &s->fields[k + 1] : NULL;
				struct fuzz_arg to = arg_value(0);
				uint64_t n = 0;

				/* A name to send to is of no use to a connected socket. */
				if (m->nest >= 3 || percent(m, !strcmp(f->aux, "namelen") ? 60 : 15)) {
					fix(m, b, &used, off, 8, to);
					if (length && length->kind == ARG_SIZE && percent(m, 80)) {	/* nothing, and none of it */
						put_number(m, b, e * s->size + length->off, length->size, 0);
						k++;
					}
					continue;
				}
				if (!strcmp(f->aux, "len")) {	/* bytes */
					n = below(m, 4) ? below(m, 64) : below(m, 300);
					memset(text, 'A' + (int)below(m, 26), sizeof(text));
					maker_blob(m, &to, FUZZ_INOUT, text, n < sizeof(text) ? n : sizeof(text), n, 0);
				} else if (!strcmp(f->aux, "iovec")) {
					n = 1 + below(m, 3);
					to = structure(m, pointee(f->aux), FUZZ_INOUT, (unsigned)n);
				} else if (!strcmp(f->aux, "sock_filter")) {
					unsigned insns = percent(m, 97) ? 1 + below(m, 9) : below(m, 80);

					to = filter(m, insns);
					put_number(m, &m->p->blobs[index], e * s->size, 2, percent(m, 96) ? insns : below(m, 65536));
				} else {
					to = structure(m, pointee(f->aux), FUZZ_INOUT, 1);
					n = to.form == FUZZ_BLOB ? m->p->blobs[to.index].len : 0;
					if (!strcmp(f->aux, "controllen"))
						n = control_length(m, &to);
				}
				b = &m->p->blobs[index];
				fix(m, b, &used, off, 8, to);
				if (length && length->kind == ARG_SIZE) {
					length_at = e * s->size + length->off;
					put_number(m, b, length_at, length->size, percent(m, 96) ? n : size_value(m));
					k++;
				}
				continue;
			}
			for (unsigned i = 0; i < f->count; i++, off += f->size) {
				if (makes_fix(f->kind)) {
					fix(m, b, &used, off, f->size, scalar(m, f->kind, f->name, f->aux, f->flags, f->size));
				} else if (f->kind == ARG_STR) {
					size_t n = maker_text(m, text, f->aux);

					memcpy(m->p->bytes + b->bytes + off, text, off + n <= b->nbytes ? n : 0);
					break;
				} else if (f->kind != ARG_PAD && f->kind != ARG_ID && (f->count <= 4 || percent(m, 10))) {
					put_number(m, b, off, f->size, maker_number(m, f->kind, f->name, f->aux, f->flags, f->size));
				}
			}
		}
	m->nest--;
	b = &m->p->blobs[index];
	if (!strcmp(s->name, "sock_fprog") && b->nfixes && m->p->fixes[b->fixes].arg.form != FUZZ_BLOB) {
		put_number(m, b, 0, 2, below(m, 3));
	} else if (!strcmp(s->name, "futex_waiter") && !m->choice->small) {
		for (unsigned e = 0; e < elements && e < b->nfixes; e++) {
			m->p->fixes[b->fixes + e].arg = arg_value(FUZZ_WORDS + 4 * below(m, 3));
			put_number(m, b, e * s->size, 8, percent(m, 80) ? 0 : below(m, 3));
			put_number(m, b, e * s->size + 16, 4, 2 | (percent(m, 30) ? 128 : 0));
		}
	} else if (!strcmp(s->name, "file_handle")) {
		put_number(m, b, 0, 4, percent(m, 90) ? 8 : below(m, 140));
		put_number(m, b, 4, 4, percent(m, 90) ? 1 : below(m, 4));
		put_number(m, b, 8, 4, 2 + below(m, 24));
	} else if (!strcmp(s->name, "rlimit") && percent(m, 40)) {
		put_number(m, b, 0, 8, percent(m, 50) ? 1 << 20 : ~UINT64_C(0));
		put_number(m, b, 8, 8, ~UINT64_C(0));
	} else if (!strcmp(s->name, "iocb")) {
		put_number(m, b, 20, 4, percent(m, 90) ? 0 : below(m, 32));
		put_number(m, b, 32, 4, 0);
	} else if (!strcmp(s->name, "termios") && percent(m, 80)) {
		static const uint8_t cc[] = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22 };

		put_number(m, b, 0, 4, rand64(&m->rand) & 07777);
		put_number(m, b, 4, 4, percent(m, 70) ? 5 : rand64(&m->rand) & 077777);
		put_number(m, b, 8, 4, 0xbf);
		put_number(m, b, 12, 4, percent(m, 40) ? 0x8a3b : rand64(&m->rand) & 0xffff);
		for (unsigned i = 0; i < sizeof(cc); i++)
			put_number(m, b, 17 + i, 1, percent(m, 95) ? cc[i] : below(m, 128));
	} else if (!strcmp(s->name, "cmsg")) {		/* SCM_RIGHTS of what there is */
		put_number(m, b, 0, 8, 16 + 4 * (1 + below(m, 3)));
		put_number(m, b, 8, 4, 1);
		put_number(m, b, 12, 4, percent(m, 90) ? 1 : 2);
	} else if (!strcmp(s->name, "socklen")) {
		put_number(m, b, 0, 4, percent(m, 80) ? 110 : below(m, 200));
	} else if (!strcmp(s->name, "sockaddr") && percent(m, 95)) {
		put_number(m, b, 0, 2, 1);
	} else if (!strcmp(s->name, "sched_attr") && percent(m, 90)) {
		put_number(m, b, 0, 4, 48);
	} else if (!strcmp(s->name, "clone_args") && percent(m, 90)) {
		static const uint64_t usual[] = { 0, 0x100, 0x4100, 0x10f00, 0x50f00, 0x600, 0x300 };

		put_number(m, b, 0, 8, PICK(m, usual));
		put_number(m, b, 32, 8, percent(m, 90) ? 17 : 0);
		put_number(m, b, 40, 8, 0);
		put_number(m, b, 48, 8, 0);
		for (unsigned off = 64; off < 88; off += 8)
			put_number(m, b, off, 8, 0);
	}
	return a;
}

/* What a request to a traced task takes: where (i == 2) and what (i == 3). */
static struct fuzz_arg trace_arg(struct maker *m, uint64_t request, unsigned i)
{
	static const uint16_t notes[] = { 1, 2, 0x202, 0x404, 5 };
	struct fuzz_arg a;

	switch (request) {
	case 1: case 2: case 4: case 5:		/* PEEK, POKE */
		return i == 2 ? arg_value(FUZZ_ARENA + 8 * below(m, 4)) : arg_value(rand64(&m->rand));
	case 3: case 6:				/* of the user area: registers */
		return arg_value(i == 2 ? 8 * below(m, 30) : percent(m, 70) ? FUZZ_PC : rand64(&m->rand));
	case 0x4204: case 0x4205:		/* register sets */
		return i == 2 ? arg_value(PICK(m, notes)) : structure(m, fuzz_struct_find("iovec"), FUZZ_INOUT, 1);
	case 0x4200: case 0x4206:		/* options */
		return i == 2 ? arg_value(0) : arg_value(percent(m, 50) ? 1u << below(m, 9) : below(m, 0x200) | (percent(m, 20) ? 1 << 20 : 0));
	case 0x4203: return i == 2 ? arg_value(0) : structure(m, fuzz_struct_find("siginfo"), FUZZ_INOUT, 1);
	case 0x420a: case 0x420b: return i == 2 ? arg_value(8) : structure(m, fuzz_struct_find("sigset"), FUZZ_INOUT, 1);
	case 12: case 13: case 14: case 15: case 0x4201: case 0x4202:
		if (i == 2)
			return arg_value(0);
		maker_blob(m, &a, FUZZ_INOUT, NULL, 0, 512, 0);
		return a;
	default: return arg_value(i == 2 || percent(m, 60) ? 0 : below(m, 66));	/* a signal */
	}
}

static struct fuzz_arg any(struct maker *m, const struct fuzz_call *c, const struct syscall_desc *d, unsigned index)
{
	static const char *const shapes[] = { "int", "long", "flock", "owner_ex", "termios", "ints16", "bytes64", "shmid_ds" };
	uint64_t cmd = c->args[!strcmp(d->name, "semctl") ? 2 : !strcmp(d->name, "prctl") || !strcmp(d->name, "ptrace") ? 0 : 1].value;
	const char *shape = PICK(m, shapes);
	struct fuzz_arg a;
	char text[TEXT_MAX];
	size_t n;

	if (!strcmp(d->name, "fcntl")) {
		if ((cmd >= 5 && cmd <= 7) || (cmd >= 36 && cmd <= 38)) {
			a = structure(m, fuzz_struct_find("flock"), FUZZ_INOUT, 1);
			if (a.form == FUZZ_BLOB) {
				struct fuzz_blob *b = &m->p->blobs[a.index];

				put_number(m, b, 0, 2, below(m, 4));
				put_number(m, b, 2, 2, below(m, 4));
			}
			return a;
		}
		if (cmd == 15 || cmd == 16)
			return structure(m, fuzz_struct_find("owner_ex"), FUZZ_INOUT, 1);
		if (cmd == 4)
			return arg_value((percent(m, 50) ? 04000u : 0) | (percent(m, 40) ? 02000u : 0) | (percent(m, 5) ? 040000u : 0));
		if (cmd == 0 || cmd == 1030 || cmd == 2)
			return arg_value(below(m, 12));
		if (cmd == 1031)
			return arg_value(size_value(m));
		return arg_value(below(m, 10));
	}
	if (!strcmp(d->name, "semctl")) {
		if (cmd == 16)
			return arg_value(below(m, 5));
		shape = cmd == 13 || cmd == 17 ? "ints16" : "shmid_ds";
	}
	if (!strcmp(d->name, "ptrace") && percent(m, 92))
		return trace_arg(m, cmd, index);
	if (!strcmp(d->name, "prctl") && cmd == 22 && percent(m, 80))	/* PR_SET_SECCOMP */
		return index == 1 ? arg_value(1 + below(m, 2)) : structure(m, fuzz_struct_find("sock_fprog"), FUZZ_IN, 1);
	if (!strcmp(d->name, "prctl") && cmd != 15 && cmd != 16 && percent(m, 80))
		return arg_value(below(m, 5));
	if (!strcmp(d->name, "prctl") && cmd == 15) {
		n = maker_text(m, text, "_");
		maker_blob(m, &a, FUZZ_IN, text, n, n, 0);
		return a;
	}
	if (percent(m, 25))
		return arg_value(maker_number(m, percent(m, 50) ? ARG_INT : ARG_ADDR, "arg", "_", NULL, 8));
	if (!strcmp(d->name, "ioctl") && (cmd == 0x5441 || (cmd >= 0x5409 && cmd <= 0x540b) || cmd == 0x5425) && percent(m, 90))
		return arg_value(cmd == 0x5441 ? 0402 : below(m, 4));
	if (!strcmp(d->name, "ioctl"))
		shape = cmd == 0x5401 || (cmd >= 0x5402 && cmd <= 0x5408) || cmd == 0x802c542a || cmd == 0x402c542b ? "termios" : "long";
	return structure(m, fuzz_struct_find(shape), FUZZ_INOUT, 1);
}

static struct fuzz_arg strv(struct maker *m)
{
	struct fuzz_arg a, s;
	unsigned n = below(m, 3), used = 0;
	uint16_t index;
	char text[TEXT_MAX];

	if (!maker_blob(m, &a, FUZZ_IN, NULL, (n + 1) * 8, (n + 1) * 8, n))
		return a;
	index = a.index;
	for (unsigned i = 0; i < n; i++) {
		size_t len = maker_text(m, text, "_");

		maker_blob(m, &s, FUZZ_IN, text, len, len, 0);
		fix(m, &m->p->blobs[index], &used, i * 8, 8, s);
	}
	return a;
}

/* Structures of calls that do more than a scratch tree holds: then the argument is only a number, as an address is. */
static bool beyond(const struct maker *m, const char *name)
{
	static const char *const names[] = { "xattr_args", "cachestat_range", "cachestat", "file_handle", "mount_attr", "iocb_pointer", "iocb", "io_event", "io_events" };

	for (size_t i = 0; m->choice->small && i < COUNT(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static int arg_named(const struct syscall_desc *d, const char *name)
{
	for (unsigned i = 0; i < d->nargs; i++)
		if (!strcmp(d->args[i].name, name))
			return (int)i;
	return -1;
}

void maker_arg(struct maker *m, struct fuzz_call *c, const struct syscall_desc *d, unsigned i)
{
	const struct arg_desc *k = &d->args[i];
	struct fuzz_arg *a = &c->args[i];
	const struct fuzz_struct *s;
	char text[TEXT_MAX];
	size_t n;
	int other;

	if (fuzz_kind_points(k->kind) && k->kind != ARG_ANY && percent(m, 4)) {	/* a bad pointer, or none */
		static const uint64_t bad[] = { 0, 0, 0, 1, FUZZ_ARENA + FUZZ_ARENA_SIZE, UINT64_C(0xffff800000000000), FUZZ_MAPS };

		*a = arg_value(PICK(m, bad));
		return;
	}
	switch (k->kind) {
	case ARG_PATH: case ARG_STR:
		if (!strcmp(k->aux, "fsvalue") && (m->choice->small || percent(m, 20))) {
			*a = scalar(m, ARG_ADDR, k->name, "_", NULL, 8);
			break;
		}
		n = maker_text(m, text, k->aux);
		maker_blob(m, a, FUZZ_IN, text, n, n, 0);
		break;
	case ARG_STRV: *a = strv(m); break;
	case ARG_BUF_IN: case ARG_BUF_OUT:
		other = arg_named(d, k->aux);
		n = size_value(m);
		if (k->kind == ARG_BUF_OUT) {
			maker_blob(m, a, FUZZ_OUT, NULL, 0, n, 0);
		} else {
			memset(text, 'a' + (int)below(m, 26), sizeof(text));
			for (unsigned x = 0; x < 4; x++)
				text[below(m, sizeof(text))] = (char)below(m, 256);
			maker_blob(m, a, FUZZ_IN, text, n < sizeof(text) ? n : sizeof(text), n, 0);
		}
		if (other >= 0 && !(m->set & 1u << other))
			m->set |= 1u << other, c->args[other] = arg_value(percent(m, 94) ? (a->form == FUZZ_BLOB ? m->p->blobs[a->index].len : n) : size_value(m));
		break;
	case ARG_IN: case ARG_OUT: case ARG_INOUT:
		s = fuzz_struct_find(k->aux);
		if (beyond(m, k->aux)) {
			*a = scalar(m, ARG_ADDR, k->name, "_", NULL, 8);
			break;
		}
		if (!strncmp(k->name, "uaddr", 5) && percent(m, 85)) {
			*a = arg_value(FUZZ_WORDS + 4 * below(m, 3));
			break;
		}
		if (k->kind != ARG_OUT && !strcmp(k->aux, "timespec") && percent(m, 20)) {
			*a = arg_value(0);
			break;
		}
		if (!strcmp(k->name, "oact") || !strcmp(k->name, "oset") || !strcmp(k->name, "rusage"))
			if (percent(m, 40)) {
				*a = arg_value(0);
				break;
			}
		if (!strcmp(k->aux, "file_handle") && percent(m, 60)) {	/* what a call wrote there another finds there */
			*a = arg_value(FUZZ_WORDS + 0x400 + 16 * below(m, 2));
			break;
		}
		*a = s ? structure(m, s, fuzz_kind_dir(k->kind), 1) : arg_value(0);
		if (!strcmp(k->aux, "sockaddr") && a->form == FUZZ_BLOB && k->kind == ARG_IN && family_of(m, c) != 1 && percent(m, 95))
			inet_name(m, &m->p->blobs[a->index], family_of(m, c));
		break;
	case ARG_ARRAY:
		s = fuzz_struct_find(k->aux);
		if (beyond(m, k->aux)) {
			*a = scalar(m, ARG_ADDR, k->name, "_", NULL, 8);
			break;
		}
		n = percent(m, 95) ? 1 + below(m, ELEMENTS) : 0;
		*a = s ? structure(m, s, FUZZ_INOUT, (unsigned)n) : arg_value(0);
		if (i && !strcmp(k->aux, "iocb_pointer"))
			c->args[i - 1] = arg_value(percent(m, 96) ? n : size_value(m));
		if (i + 1 < d->nargs && d->args[i + 1].kind != ARG_FLAGS && d->args[i + 1].kind != ARG_HEX && !(m->set & 1u << (i + 1)))
			m->set |= 1u << (i + 1), c->args[i + 1] = arg_value(percent(m, 96) ? n : size_value(m));
		break;
	case ARG_ANY: *a = any(m, c, d, i); break;
	case ARG_LEN:
		other = arg_named(d, k->aux);
		n = !strcmp(k->aux, "sigset") ? 8 : other >= 0 && c->args[other].form == FUZZ_BLOB ? m->p->blobs[c->args[other].index].len : size_value(m);
		if (other >= 0 && !strcmp(d->args[other].aux, "sockopt"))
			n = percent(m, 80) ? 4 : below(m, 17);
		if (other >= 0 && !strcmp(d->args[other].aux, "sockaddr") && family_of(m, c) != 1)
			n = family_of(m, c) == 2 ? 16 : 28;
		else if (other >= 0 && !strcmp(d->args[other].aux, "sockaddr") && percent(m, 50))
			n = 5 + below(m, 3);
		*a = arg_value(percent(m, 96) ? n : size_value(m));
		break;
	default:
		*a = scalar(m, k->kind, k->name, k->aux, k->flags, 8);
		break;
	}
}
