/* SPDX-License-Identifier: MIT */
/*
 * Races: two tasks that share everything use one object at a time; often one
 * of them ends it.  Which calls meet is not said, only that they do: the
 * schedule (machine/schedule.c) and the number of tries do the rest.
 *
 * Half of the races are of any object that calls of the table take.  The other
 * half are of the objects below, with the calls that matter to them: of all
 * that take a descriptor, few do anything to a pipe, and two of those have to
 * come together.  One task alone does such things, too (maker_object).
 */
#include <string.h>
#include "maker.h"

enum { THREAD = 0x3d0f00, FILES = 0x411, SHARED = 0x10f00, TRIES = 40 };

/* ---- the objects ---- */

enum { SETS = 3, OPS = 14, SETPIPE = 1031, ADD_SEALS = 1033, NONBLOCK = 04000, RDWR = 2, TOUCH = 0102 };

struct set { uint8_t arg, given; uint64_t value; };
struct op {
	const char *call;
	uint8_t slots;			/* which of what makes the object gives, a bit each; 0: any */
	uint8_t arg;			/* where it goes, from 1; 0: to the first argument of its kind */
	struct set set[SETS];
};
struct subject {
	const char *call, *path;	/* what makes it */
	struct set set[SETS];
	uint8_t slots;
	enum arg_kind kind;
	struct op ops[OPS];
};

#define SET(a, v) { a, 1, (uint64_t)(v) }
#define OP(c, ...) { c, 0, 0, { __VA_ARGS__ } }
#define OP1(c, ...) { c, 2, 0, { __VA_ARGS__ } }	/* of a pair, the first */
#define OP2(c, ...) { c, 4, 0, { __VA_ARGS__ } }
#define WATCH { "epoll_ctl", 0, 3, { SET(1, 1) } }	/* added to an epoll instance */

static const struct subject subjects[] = {
	{ "pipe2", NULL, { SET(1, NONBLOCK) }, 6, ARG_FD, { OP1("read"), OP2("write"), OP("fcntl", SET(1, SETPIPE), SET(2, 4096)), OP("fcntl", SET(1, SETPIPE), SET(2, 65536)),
		OP2("vmsplice"), OP1("splice", SET(1, 0), SET(3, 0)), OP1("tee"), OP("close"), OP("poll"), OP("ioctl", SET(1, 0x541b)), OP2("write"), OP1("read"), WATCH } },
	{ "socketpair", NULL, { SET(0, 1), SET(1, 1 | NONBLOCK), SET(2, 0) }, 6, ARG_FD, { OP("sendmsg"), OP("recvmsg"), OP("sendto", SET(4, 0)), OP("recvfrom"), OP("shutdown"),
		OP("close"), OP("setsockopt"), OP("getsockopt"), OP("ioctl"), OP("fcntl"), OP("getsockname"), OP("splice", SET(1, 0), SET(3, 0)) } },
	{ "socketpair", NULL, { SET(0, 1), SET(1, 5 | NONBLOCK), SET(2, 0) }, 6, ARG_FD, { OP("sendmsg"), OP("recvmsg"), OP("sendmmsg"), OP("recvmmsg"), OP("shutdown"),
		OP("close"), OP("connect"), OP("setsockopt"), OP("getpeername"), OP("read"), OP("write") } },
	{ "socket", NULL, { SET(0, 1), SET(1, 1 | NONBLOCK), SET(2, 0) }, 1, ARG_FD, { OP("bind"), OP("listen"), OP("accept4"), OP("connect"), OP("getsockname"), OP("close"), WATCH,
		OP("shutdown"), OP("setsockopt"), OP("sendmsg") } },
	{ "socket", NULL, { SET(0, 2), SET(1, 1 | NONBLOCK), SET(2, 0) }, 1, ARG_FD, { OP("bind"), OP("listen"), OP("accept4"), OP("connect"), OP("sendto"), OP("recvfrom"),
		OP("close"), OP("shutdown"), OP("setsockopt"), OP("getsockopt"), OP("getpeername") } },
	{ "socket", NULL, { SET(0, 2), SET(1, 2 | NONBLOCK), SET(2, 0) }, 1, ARG_FD, { OP("bind"), OP("connect"), OP("sendto"), OP("sendmsg"), OP("recvmsg"), OP("close"),
		OP("shutdown"), OP("setsockopt"), OP("getsockname") } },
	{ "eventfd2", NULL, { SET(1, NONBLOCK) }, 1, ARG_FD, { OP("read"), OP("write"), WATCH, OP("close"), OP("poll"), OP("fcntl") } },
	{ "epoll_create1", NULL, { SET(0, 0) }, 1, ARG_FD, { OP("epoll_ctl", SET(1, 1)), OP("epoll_ctl", SET(1, 2)), OP("epoll_ctl", SET(1, 3)),
		OP("epoll_pwait", SET(3, 0), SET(4, 0)), OP("close"), OP("poll"), OP("dup2") } },
	{ "timerfd_create", NULL, { SET(1, NONBLOCK) }, 1, ARG_FD, { OP("timerfd_settime"), OP("timerfd_gettime"), OP("read"), OP("close"), WATCH, OP("poll") } },
	{ "signalfd4", NULL, { SET(0, -1), SET(3, NONBLOCK) }, 1, ARG_FD, { OP("read"), OP("signalfd4"), OP("close"), OP("poll"), WATCH } },
	{ "inotify_init1", NULL, { SET(0, NONBLOCK) }, 1, ARG_FD, { OP("inotify_add_watch"), OP("inotify_add_watch"), OP("inotify_rm_watch"), OP("read"), OP("close"), OP("poll") } },
	{ "timer_create", NULL, { { 0 } }, 2, ARG_TIMER, { OP("timer_settime"), OP("timer_settime"), OP("timer_gettime"), OP("timer_getoverrun"), OP("timer_delete") } },
	{ "open", "/tmp/f", { SET(1, TOUCH), SET(2, 0644) }, 1, ARG_FD, { OP("read"), OP("write"), OP("pwrite64"), OP("ftruncate"), OP("fallocate"), OP("lseek"), OP("sendfile"),
		OP("flock"), OP("fcntl"), OP("copy_file_range"), OP("close"), OP("fsetxattr"), OP("fchmod") } },
	{ "open", "/d/small", { SET(1, RDWR), SET(2, 0) }, 1, ARG_FD, { OP("read"), OP("write"), OP("pwrite64"), OP("ftruncate"), OP("fallocate"), OP("fsync"), OP("fsetxattr"),
		OP("fgetxattr"), OP("flock"), OP("close"), OP("sync_file_range"), OP("fchown") } },
	{ "open", "/tmp", { SET(1, 0), SET(2, 0) }, 1, ARG_FD, { OP("getdents64"), OP("lseek"), OP("fchdir"), OP("fchmod"), OP("close"), OP("unlinkat"), OP("mkdirat"), OP("openat") } },
	{ "open", "/dev/ptmx", { SET(1, RDWR | 0400 | NONBLOCK) }, 1, ARG_FD, { OP("read"), OP("write"), OP("ioctl"), OP("ioctl"), OP("ioctl", SET(1, 0x5402)), OP("close"), OP("poll"), OP("fcntl") } },
	{ "memfd_create", NULL, { SET(1, 2) }, 1, ARG_FD, { OP("write"), OP("read"), OP("ftruncate"), OP("fallocate"), OP("fcntl", SET(1, ADD_SEALS)), OP("sendfile"), OP("splice", SET(3, 0)),
		OP("mmap", SET(0, 0), SET(2, 3), SET(3, 1)), OP("close") } },
	{ "mmap", NULL, { SET(0, 0), SET(1, 4 << 12), SET(3, 0x22) }, 1, ARG_ADDR, { OP("munmap"), OP("mprotect"), OP("mremap"), OP("madvise"), OP("msync"), OP("mincore"), OP("mlock"),
		OP("munlock"), OP("mseal"), OP("remap_file_pages") } },
	{ "semget", NULL, { SET(0, 0), SET(1, 3), SET(2, 01666) }, 1, ARG_IPC, { OP("semop"), OP("semop"), OP("semtimedop"), OP("semctl"), OP("semctl", SET(2, 0)) } },
	{ "msgget", NULL, { SET(0, 0), SET(1, 01666) }, 1, ARG_IPC, { OP("msgsnd"), OP("msgrcv"), OP("msgsnd"), OP("msgctl"), OP("msgctl", SET(1, 0)) } },
	{ "shmget", NULL, { SET(0, 0), SET(1, 8192), SET(2, 01666) }, 1, ARG_IPC, { OP("shmat"), OP("shmat"), OP("shmctl"), OP("shmctl", SET(1, 0)) } },
	{ "mq_open", NULL, { SET(1, TOUCH | NONBLOCK), SET(2, 0644) }, 1, ARG_FD, { OP("mq_timedsend"), OP("mq_timedreceive"), OP("mq_notify"), OP("mq_getsetattr"), OP("close"), OP("poll") } },
	{ "fork", NULL, { { 0 } }, 1, ARG_PID, { OP("kill"), OP("wait4"), OP("ptrace"), OP("pidfd_open"), OP("setpgid"), OP("getsid"), OP("waitid", SET(0, 1)), OP("process_vm_readv"),
		OP("prlimit64"), OP("sched_setaffinity"), OP("tgkill") } },
};

static int takes(const struct syscall_desc *d, enum arg_kind kind)
{
	for (unsigned i = 0; i < d->nargs; i++)
		if (d->args[i].kind == kind)
			return (int)i;
	return -1;
}

static void give(struct maker *m, const struct set *s)
{
	m->gives = 0;
	for (unsigned i = 0; i < SETS && s[i].given; i++)
		if (!percent(m, 3)) {
			m->given[s[i].arg] = arg_value(s[i].value);
			m->gives |= 1u << s[i].arg;
		}
}

/* ---- the other task ---- */

static bool has_thread(const struct maker *m)
{
	for (unsigned i = 0; i < m->p->ncalls; i++)
		if (!strncmp(fuzz_row(m->p->calls[i].nr)->name, "clone", 5))
			return true;
	return false;
}

static bool make_thread(struct maker *m, unsigned stream)
{
	static const uint64_t threads[] = { THREAD, THREAD, FILES, SHARED };
	bool made;

	m->gives = 3;
	m->given[0] = arg_value(threads[below(m, sizeof(threads) / sizeof(threads[0]))]);
	m->given[1] = arg_value(0);
	made = maker_call(m, fuzz_row_named("clone"), stream);
	m->gives = 0;
	return made;
}

/* ---- one of the objects, used by a task or raced for ---- */

/* An object that the program has already: its subject, and the call that made it; NULL: none. */
static const struct subject *subject_there(struct maker *m, unsigned *made)
{
	unsigned n = m->p->ncalls, from = below(m, n), found = 0;
	const struct subject *s = NULL;

	for (unsigned k = 0; k < n && !s; k++) {
		unsigned i = (from + k) % n;
		const char *name = fuzz_row(m->p->calls[i].nr)->name;

		for (size_t j = 0; j < sizeof(subjects) / sizeof(subjects[0]); j++)
			if (!strcmp(subjects[j].call, name) && !below(m, ++found)) {
				s = &subjects[j];
				*made = i;
			}
	}
	return s;
}

static bool subject(struct maker *m, unsigned stream, bool race)
{
	unsigned made = 0, nops = 0;
	const struct subject *s = percent(m, 60) ? subject_there(m, &made) : NULL;
	bool there = s != NULL;
	const struct syscall_desc *d;

	if (!s)
		s = &subjects[below(m, sizeof(subjects) / sizeof(subjects[0]))];
	d = fuzz_row_named(s->call);
	while (nops < OPS && s->ops[nops].call)
		nops++;
	if (!d || !maker_allowed(m, d))
		return false;
	if (!there) {
		give(m, s->set);
		if (!maker_call(m, d, stream))
			return false;
		made = m->p->ncalls - 1u;
		if (s->path)
			maker_path(m, &m->p->calls[made], d, s->path);
	}
	if (race && !has_thread(m) && !make_thread(m, stream))
		return true;
	for (unsigned n = 2 + below(m, 5), i = 0; i < n; i++) {
		const struct op *op = &s->ops[below(m, nops)];
		const struct syscall_desc *o = fuzz_row_named(op->call);
		unsigned slots = op->slots ? op->slots : s->slots, slot = 0;
		int arg = !o ? -1 : op->arg ? op->arg - 1 : takes(o, s->kind);

		if (arg < 0 || !maker_allowed(m, o))
			continue;
		for (unsigned seen = 0, k = 0; k < FUZZ_SLOTS; k++)
			if (slots >> k & 1 && !below(m, ++seen))
				slot = k;
		give(m, op->set);
		m->given[arg] = (struct fuzz_arg){ .form = FUZZ_RESULT, .index = (uint16_t)made, .slot = (uint8_t)slot, .value = (uint64_t)-1 };
		m->gives |= 1u << arg;
		if (!maker_call(m, o, race && (!i || percent(m, 50)) ? (stream + 1) % FUZZ_PROGRAM_STREAMS : stream))
			break;
	}
	m->gives = 0;
	return true;
}

/* ---- a race at any object ---- */

/* Calls after which the object is not there any more. */
static const char *const ends[] = { "close", "dup2", "dup3", "close_range", "shutdown", "timer_delete", "inotify_rm_watch", "semctl", "msgctl", "shmctl", "munmap", "mremap",
	"madvise", "epoll_ctl", "exit", "kill" };

static bool is_end(const struct syscall_desc *d)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!strcmp(ends[i], d->name))
			return true;
	return false;
}

static const struct syscall_desc *row_taking(struct maker *m, enum arg_kind kind, bool end)
{
	const struct syscall_desc *d, *found = NULL;
	unsigned n = 0;

	if (!end) {
		for (unsigned i = 0; i < TRIES; i++) {
			d = maker_row(m);
			if (d && takes(d, kind) >= 0)
				return d;
		}
		return NULL;
	}
	for (size_t i = 0; i < fuzz_rows(); i++) {
		d = fuzz_row_at(i);
		if (maker_allowed(m, d) && is_end(d) && takes(d, kind) >= 0 && !below(m, ++n))
			found = d;
	}
	return found;
}

static bool any_race(struct maker *m, unsigned stream)
{
	static const enum arg_kind kinds[] = { ARG_FD, ARG_FD, ARG_FD, ARG_FD, ARG_ADDR, ARG_TIMER, ARG_IPC, ARG_WATCH, ARG_PID };
	enum arg_kind kind = kinds[below(m, sizeof(kinds) / sizeof(kinds[0]))];
	const struct syscall_desc *a = row_taking(m, kind, false), *b;
	unsigned first = m->p->ncalls, at;
	struct fuzz_arg object;

	if (!a || !maker_call(m, a, stream))
		return false;
	at = m->p->ncalls - 1u;		/* what it needs is before it */
	object = m->p->calls[at].args[takes(a, kind)];
	if (object.form == FUZZ_BLOB)
		return true;
	if (!has_thread(m)) {
		(void)make_thread(m, stream);
		m->gives = 1u << takes(a, kind);	/* again, now that there is somebody */
		m->given[takes(a, kind)] = object;
		(void)maker_call(m, a, stream);
		m->gives = 0;
	}
	for (unsigned n = 1 + below(m, 3); n-- > 0 && m->p->ncalls - first < 8;) {
		b = row_taking(m, kind, percent(m, 50));
		if (!b)
			break;
		m->gives = 1u << takes(b, kind);
		m->given[takes(b, kind)] = object;
		if (!maker_call(m, b, percent(m, 70) ? (stream + 1) % FUZZ_PROGRAM_STREAMS : stream))
			break;
		m->gives = 0;
	}
	m->gives = 0;
	return true;
}

bool maker_race(struct maker *m, unsigned stream)
{
	const struct syscall_desc *thread = fuzz_row_named("clone");

	if (m->choice->single || !thread || !maker_allowed(m, thread))
		return false;
	return percent(m, 50) ? subject(m, stream, true) : any_race(m, stream);
}

bool maker_object(struct maker *m, unsigned stream) { return subject(m, stream, false); }
