/* SPDX-License-Identifier: MIT */
/* Values by kind: the numbers, names and structures that programs are made of. */
#include <string.h>
#include "maker.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(m, a) ((a)[below(m, (unsigned)COUNT(a))])

enum { PAGE = 4096, ELEMENTS = 4, NAME_LONG = 256 };

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

/* ---- names ---- */

static size_t path_text(struct maker *m, char *out, const char *aux)
{
	static const char *const small[] = { "a", "b", "c", "d", "d/a", "d/b", "e", "d/e", "d/e/a", "l", "m", "d/l", "f", "d/f" };
	static const char *const odd[] = { ".", "..", "./a", "d/.", "d/..", "d/../a", "a/", "d/", "a/b", "", "d//a", "l/", "l/a", "./d/e/../b", "d/e/..", "m/a" };
	static const char *const system[] = { "/", "/tmp", "/tmp/f", "/tmp/d", "/tmp/d/x", "/dev/null", "/dev/zero", "/dev/ptmx", "/dev/tty", "/dev/full",
		"/dev/console", "/dev/pts/0", "/dev/urandom", "/proc/self/maps", "/proc/self/fd/3", "/proc/self/fd", "/proc/self/status", "/proc/self/mem",
		"/proc/self/exe", "/proc/self/cwd", "/proc/self", "/proc/mounts", "/proc/1/fd", "/proc/meminfo", "/proc/self/task", "/sys", "/d/small",
		"/d/large", "/d/link", "/d", "/d/sub", "/bin/prog", "/bin/script", "/mnt", "/d/new", "/d/sub/x", "/dirlink/y", "/dev/vdb", "/dev/vdc", "/dev/vdd", "/mnt/b", "/dev/shm",
		"/proc/sys/kernel/hostname", "/proc/self/oom_score_adj", "/proc/self/comm", "/proc/self/stat", "/proc/self/smaps", "/proc/self/environ" };
	static const char *const xattrs[] = { "user.a", "user.b", "user.", "trusted.a", "security.a", "system.posix_acl_access", "system.posix_acl_default", "a", "" };
	static const char *const types[] = { "tmpfs", "proc", "ext2", "sysfs", "devpts", "devtmpfs", "nothing" };
	static const char *const queues[] = { "q", "r", "", ".", "q/r", "/q" };
	static const char *const sockets[] = { "s", "t", "d/s" };
	const char *s;

	if (!strcmp(aux, "xattr")) {
		s = PICK(m, xattrs);
	} else if (!strcmp(aux, "fstype")) {
		s = PICK(m, types);
	} else if (!strcmp(aux, "mq")) {
		s = queues[percent(m, 80) ? below(m, 2) : below(m, (unsigned)COUNT(queues))];
	} else if (!strcmp(aux, "socket")) {
		if (percent(m, 30)) {	/* abstract */
			memcpy(out, "\0x", 3);
			return 3;
		}
		s = PICK(m, sockets);
	} else if (percent(m, 2)) {
		size_t n = NAME_LONG - 1 + below(m, 2);

		memset(out, 'n', n);
		out[n] = 0;
		return n + 1;
	} else if (!m->choice->small && percent(m, 35)) {
		s = PICK(m, system);
	} else {
		s = percent(m, 80) ? PICK(m, small) : PICK(m, odd);
	}
	strcpy(out, s);
	return strlen(s) + 1;
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
		if (gives >= 0) {
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
	case ARG_ADDR: if (percent(m, 55) && resource(m, kind, aux, &a)) return a; break;
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
	return fuzz_struct_find(!strcmp(aux, "namelen") ? "sockaddr" : !strcmp(aux, "controllen") ? "cmsg" : !strcmp(aux, "iovec") ? "iovec" : "long");
}

static struct fuzz_arg structure(struct maker *m, const struct fuzz_struct *s, enum fuzz_dir dir, unsigned elements)
{
	struct fuzz_arg a;
	struct fuzz_blob *b;
	unsigned fixes = 0, used = 0;
	uint16_t index;
	char text[NAME_LONG + 8];

	for (unsigned k = 0; k < s->nfields; k++)
		if (makes_fix(s->fields[k].kind))
			fixes += s->fields[k].count;
	fixes *= elements;
	fixes = fixes > 15 ? 15 : fixes;
	b = maker_blob(m, &a, dir, NULL, (size_t)s->size * elements, (size_t)s->size * elements, dir == FUZZ_OUT ? 0 : fixes);
	if (!b || dir == FUZZ_OUT)
		return a;
	index = a.index;
	m->depth++;
	for (unsigned e = 0; e < elements; e++)
		for (unsigned k = 0; k < s->nfields; k++) {
			const struct fuzz_field *f = &s->fields[k];
			unsigned off = e * s->size + f->off, length_at;

			b = &m->p->blobs[index];
			if (f->kind == ARG_PTR) {
				const struct fuzz_field *length = k + 1 < s->nfields ? &s->fields[k + 1] : NULL;
				struct fuzz_arg to = arg_value(0);
				uint64_t n = 0;

				if (m->depth >= 3 || percent(m, 15)) {
					fix(m, b, &used, off, 8, to);
					continue;
				}
				if (!strcmp(f->aux, "len")) {	/* bytes */
					n = below(m, 4) ? below(m, 64) : below(m, 300);
					memset(text, 'A' + (int)below(m, 26), sizeof(text));
					maker_blob(m, &to, FUZZ_INOUT, text, n < sizeof(text) ? n : sizeof(text), n, 0);
				} else if (!strcmp(f->aux, "iovec")) {
					n = 1 + below(m, 3);
					to = structure(m, pointee(f->aux), FUZZ_INOUT, (unsigned)n);
				} else {
					to = structure(m, pointee(f->aux), FUZZ_INOUT, 1);
					n = to.form == FUZZ_BLOB ? m->p->blobs[to.index].len : 0;
					if (!strcmp(f->aux, "controllen"))
						n = 16 + 4 * below(m, 4);
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
					size_t n = path_text(m, text, f->aux);

					memcpy(m->p->bytes + b->bytes + off, text, off + n <= b->nbytes ? n : 0);
					break;
				} else if (f->kind != ARG_PAD && f->kind != ARG_ID && (f->count <= 4 || percent(m, 10))) {
					put_number(m, b, off, f->size, maker_number(m, f->kind, f->name, f->aux, f->flags, f->size));
				}
			}
		}
	m->depth--;
	b = &m->p->blobs[index];
	if (!strcmp(s->name, "cmsg")) {		/* SCM_RIGHTS of what there is */
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

static struct fuzz_arg any(struct maker *m, const struct fuzz_call *c, const struct syscall_desc *d)
{
	static const char *const shapes[] = { "int", "long", "flock", "owner_ex", "termios", "ints16", "bytes64", "shmid_ds" };
	uint64_t cmd = c->args[!strcmp(d->name, "semctl") ? 2 : !strcmp(d->name, "prctl") || !strcmp(d->name, "ptrace") ? 0 : 1].value;
	const char *shape = PICK(m, shapes);
	struct fuzz_arg a;
	char text[NAME_LONG + 8];
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
	if (!strcmp(d->name, "prctl") && cmd != 15 && cmd != 16 && percent(m, 80))
		return arg_value(below(m, 5));
	if (!strcmp(d->name, "prctl") && cmd == 15) {
		n = path_text(m, text, "_");
		maker_blob(m, &a, FUZZ_IN, text, n, n, 0);
		return a;
	}
	if (percent(m, 25))
		return arg_value(maker_number(m, percent(m, 50) ? ARG_INT : ARG_ADDR, "arg", "_", NULL, 8));
	if (!strcmp(d->name, "ioctl"))
		shape = cmd == 0x5401 || (cmd >= 0x5402 && cmd <= 0x5408) || cmd == 0x802c542a || cmd == 0x402c542b ? "termios" : "long";
	return structure(m, fuzz_struct_find(shape), FUZZ_INOUT, 1);
}

static struct fuzz_arg strv(struct maker *m)
{
	struct fuzz_arg a, s;
	unsigned n = below(m, 3), used = 0;
	uint16_t index;
	char text[NAME_LONG + 8];

	if (!maker_blob(m, &a, FUZZ_IN, NULL, (n + 1) * 8, (n + 1) * 8, n))
		return a;
	index = a.index;
	for (unsigned i = 0; i < n; i++) {
		size_t len = path_text(m, text, "_");

		maker_blob(m, &s, FUZZ_IN, text, len, len, 0);
		fix(m, &m->p->blobs[index], &used, i * 8, 8, s);
	}
	return a;
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
	char text[NAME_LONG + 8];
	size_t n;
	int other;

	if (fuzz_kind_points(k->kind) && k->kind != ARG_ANY && percent(m, 4)) {	/* a bad pointer, or none */
		static const uint64_t bad[] = { 0, 0, 0, 1, FUZZ_ARENA + FUZZ_ARENA_SIZE, UINT64_C(0xffff800000000000), FUZZ_MAPS };

		*a = arg_value(PICK(m, bad));
		return;
	}
	switch (k->kind) {
	case ARG_PATH: case ARG_STR:
		n = path_text(m, text, k->aux);
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
		*a = s ? structure(m, s, fuzz_kind_dir(k->kind), 1) : arg_value(0);
		break;
	case ARG_ARRAY:
		s = fuzz_struct_find(k->aux);
		n = percent(m, 95) ? 1 + below(m, ELEMENTS) : 0;
		*a = s ? structure(m, s, FUZZ_INOUT, (unsigned)n) : arg_value(0);
		if (i + 1 < d->nargs && !(m->set & 1u << (i + 1)))
			m->set |= 1u << (i + 1), c->args[i + 1] = arg_value(percent(m, 96) ? n : size_value(m));
		break;
	case ARG_ANY: *a = any(m, c, d); break;
	case ARG_LEN:
		other = arg_named(d, k->aux);
		n = !strcmp(k->aux, "sigset") ? 8 : other >= 0 && c->args[other].form == FUZZ_BLOB ? m->p->blobs[c->args[other].index].len : size_value(m);
		if (other >= 0 && !strcmp(d->args[other].aux, "sockopt"))
			n = percent(m, 80) ? 4 : below(m, 17);
		if (other >= 0 && !strcmp(d->args[other].aux, "sockaddr") && percent(m, 50))
			n = 5 + below(m, 3);
		*a = arg_value(percent(m, 96) ? n : size_value(m));
		break;
	default:
		*a = scalar(m, k->kind, k->name, k->aux, k->flags, 8);
		break;
	}
}
