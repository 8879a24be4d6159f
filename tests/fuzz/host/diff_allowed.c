/* SPDX-License-Identifier: MIT */
/*
 * The differential: which calls take part, how a program is tamed so that the
 * host can run it, and the differences that are allowed, each with its reason.
 */
#include <string.h>
#include "diff_compare.h"

/* ---- which calls ---- */

/* Every row that is not here takes part if it is not ABSENT. */
static const char *const left_out[] = {
	/* would reach the host's machine, or the harness */
	"reboot", "mount", "umount2", "move_mount", "chroot", "pivot_root", "ptrace", "seccomp", "personality", "syslog", "sethostname", "setdomainname",
	"clock_settime", "settimeofday", "adjtimex", "clock_adjtime", "sync", "syncfs", "vhangup", "sched_setscheduler", "sched_setparam",
	"sched_setattr", "sched_setaffinity", "ioprio_set", "mlockall", "setns", "unshare", "process_vm_writev", "process_vm_readv",
	/* the harness's own code, stack or thread pointer */
	"execve", "execveat", "clone", "clone3", "rt_sigreturn", "restart_syscall", "rseq", "arch_prctl", "set_robust_list", "get_robust_list",
	"brk", "remap_file_pages", "membarrier", "rt_sigsuspend", "pause", "sigaltstack",
	/* say something of the machine or of the time */
	"getrandom", "sysinfo", "uname", "getcpu", "times", "time", "getrusage", "sched_getaffinity", "sched_rr_get_interval", "sched_getattr",
	"ustat", "pkey_mprotect", "mincore", "alarm", "setitimer", "timer_settime", "clock_nanosleep", "nanosleep", "getppid",
	/* block: no time for it */
	"flock",
};

static bool takes(const struct syscall_desc *d)
{
	if (d->level == LEVEL_ABSENT)
		return false;
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (!strcmp(d->name, left_out[i]))
			return false;
	return true;
}

/* Asked for every row whenever something has to be found that makes a descriptor. */
bool diff_takes(const struct syscall_desc *d)
{
	static uint8_t known[FUZZ_NUMBERS];	/* 1: no, 2: yes */

	if (d->x86_64 < 0 || d->x86_64 >= FUZZ_NUMBERS)
		return takes(d);
	if (!known[d->x86_64])
		known[d->x86_64] = takes(d) ? 2 : 1;
	return known[d->x86_64] == 2;
}

static struct fuzz_arg *arg_of(struct fuzz_call *c, const struct syscall_desc *d, const char *name)
{
	for (unsigned i = 0; i < d->nargs; i++)
		if (!strcmp(d->args[i].name, name))
			return &c->args[i];
	return NULL;
}

/* Only these values of that argument. */
static void only(struct fuzz_arg *a, const int64_t *values, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a->form == FUZZ_VALUE && (int64_t)(int32_t)a->value == values[i])
			return;
	*a = (struct fuzz_arg){ .value = (uint64_t)values[a->value % n], .form = FUZZ_VALUE };
}

/* A process: ourselves, or a child that an earlier call made; one that it did not make is nobody. */
static void only_own(const struct fuzz_program *p, struct fuzz_arg *a)
{
	static const int64_t self[] = { 0, 3, 99, 3 };

	if (a->form == FUZZ_RESULT && !a->slot && strstr(fuzz_row(p->calls[a->index].nr)->name, "fork"))
		a->value = 99;
	else
		only(a, self, 4);
}

/* Seconds far away, or none: nothing may depend on the host's speed. */
static void tame_time(struct fuzz_program *p, const struct fuzz_arg *a, unsigned fields)
{
	const struct fuzz_blob *b = &p->blobs[a->index];

	if (a->form != FUZZ_BLOB)
		return;
	for (unsigned i = 0; i < fields; i++) {
		int64_t v = 0;

		if (i * 8 + 8 > b->nbytes)
			return;
		memcpy(&v, p->bytes + b->bytes + i * 8, 8);
		if (v >= 0)
			v = i & 1 ? (v >= 1000000000 ? v : 0) : v ? 100000 : 0;
		memcpy(p->bytes + b->bytes + i * 8, &v, 8);
	}
}

void diff_tame(struct fuzz_program *p)
{
	static const int64_t self[] = { 0, 3, 99, 3 }, unix_only[] = { 1 }, process_or_group[] = { 0, 1 },
		whences[] = { 0, 1, 2 }, prctls[] = { 1, 2, 3, 4, 7, 8, 15, 16, 23, 27, 36, 37, 38, 39 };

	for (unsigned i = 0; i < p->ncalls;) {
		struct fuzz_call *c = &p->calls[i];
		const struct syscall_desc *d = fuzz_row(c->nr);
		struct fuzz_arg *a;

		c->stream = 0;
		if (!diff_takes(d)) {
			fuzz_drop_call(p, i);
			continue;
		}
		/* No device nodes; signals to ourselves only. */
		if (!strncmp(d->name, "mknod", 5)) {
			a = arg_of(c, d, "mode");
			if ((a->value & 0170000) == 0020000 || (a->value & 0170000) == 0060000 || a->form != FUZZ_VALUE)
				*a = (struct fuzz_arg){ .value = 0010666 };
		}
		if (!strcmp(d->name, "kill") || !strcmp(d->name, "rt_sigqueueinfo") || !strcmp(d->name, "setpriority") || !strcmp(d->name, "prlimit64") ||
		    !strcmp(d->name, "pidfd_open") || !strcmp(d->name, "capset") || !strcmp(d->name, "kcmp"))
			for (unsigned k = 0; k < d->nargs; k++)
				if (d->args[k].kind == ARG_PID)
					only_own(p, &c->args[k]);
		if (!strcmp(d->name, "tkill") || !strcmp(d->name, "tgkill") || !strcmp(d->name, "rt_tgsigqueueinfo"))
			for (unsigned k = 0; k < d->nargs; k++)
				if (d->args[k].kind == ARG_PID)
					only(&c->args[k], self, 3);
		if (!strcmp(d->name, "socket") || !strcmp(d->name, "socketpair"))
			only(&c->args[0], unix_only, 1);
		if (!strcmp(d->name, "prctl"))
			only(&c->args[0], prctls, sizeof(prctls) / sizeof(prctls[0]));
		if (!strcmp(d->name, "getpriority") || !strcmp(d->name, "setpriority") || !strcmp(d->name, "ioprio_get"))
			{
			only(arg_of(c, d, "who"), self, 1);
			if (d->name[0] != 'i')	/* not those of a user, which the machine has more of */
				only(arg_of(c, d, "which"), process_or_group, 2);
			if (d->name[0] == 'i')
				only(arg_of(c, d, "which"), unix_only, 1);
		}
		/* Where a hole begins is a matter of the size of blocks. */
		if (!strcmp(d->name, "lseek") && p->flags & DIFF_EXT2)
			only(arg_of(c, d, "whence"), whences, 3);
		/* No limit of time, which is virtual on one side, nor of what a user has, who has more on the other. */
		if ((!strcmp(d->name, "setrlimit") || !strcmp(d->name, "prlimit64")) && (a = arg_of(c, d, "resource")) &&
		    (a->form != FUZZ_VALUE || !(int32_t)a->value || (int32_t)a->value == 6 || (int32_t)a->value == 11))
			*a = (struct fuzz_arg){ .value = 1, .form = FUZZ_VALUE };
		if (!strcmp(d->name, "capget") && c->args[0].form == FUZZ_BLOB && p->blobs[c->args[0].index].nbytes >= 8)
			memset(p->bytes + p->blobs[c->args[0].index].bytes + 4, 0, 4), p->blobs[c->args[0].index].nfixes = 0;
		/* The numbers in a list are the file system's: none of them into another call's arguments. */
		if (!strncmp(d->name, "getdents", 8) && c->args[1].form == FUZZ_BLOB) {
			const struct fuzz_blob *b = &p->blobs[c->args[1].index];
			uint64_t room = c->args[1].value < b->len ? b->len - c->args[1].value : 0;

			if (b->place != FUZZ_PLACE_END && (c->args[2].form != FUZZ_VALUE || c->args[2].value > room))
				c->args[2] = (struct fuzz_arg){ .value = room, .form = FUZZ_VALUE };
		}
		for (unsigned k = 0; k < d->nargs; k++)	/* the machine's own program, which is elsewhere on the host */
			if ((fuzz_kind_points(d->args[k].kind) || d->args[k].kind == ARG_ADDR) && c->args[k].form == FUZZ_VALUE && c->args[k].value >= 0x10000 && c->args[k].value < FUZZ_ARENA)
				c->args[k].value = d->args[k].kind == ARG_ADDR ? 0x1000 : 1;
		for (unsigned k = 0; k < d->nargs; k++) {
			const struct fuzz_struct *s = fuzz_struct_find(d->args[k].aux);

			if (s && (d->args[k].kind == ARG_IN || d->args[k].kind == ARG_INOUT) && s->fields[0].kind == ARG_TIME)
				tame_time(p, &c->args[k], s->nfields);
			if (!strcmp(d->args[k].name, "timeout") && d->args[k].kind == ARG_INT && c->args[k].form == FUZZ_VALUE && c->args[k].value)
				c->args[k].value = 0;
		}
		i++;
	}
}

/* ---- what may differ ---- */

int64_t diff_number(const struct difference *d, const char *arg)
{
	for (unsigned i = 0; i < d->row->nargs; i++)
		if (!strcmp(d->row->args[i].name, arg)) {
			const struct fuzz_arg *a = &d->prog->calls[d->call].args[i];

			return a->form == FUZZ_VALUE ? (int64_t)a->value : -1;
		}
	return -1;
}

static bool is(const struct difference *d, const char *name) { return d->row && !strcmp(d->row->name, name); }

static bool address(const struct difference *d)
{
	return d->what == DIFF_RESULT && d->lin_result >= 0 && d->eft_result >= 0 && fuzz_returns(d->row, NULL) == ARG_ADDR;
}

static bool ipc_id(const struct difference *d)
{
	if (d->what != DIFF_RESULT)
		return false;
	if (d->lin_result >= 0 && d->eft_result >= 0 && fuzz_returns(d->row, NULL) == ARG_IPC)
		return true;
	if (d->lin_result == -22 && d->eft_result == -43)	/* removed: whether another has its place yet */
		return true;
	for (unsigned i = 0; i < d->row->nargs; i++) {	/* indices, which xxx_STAT takes */
		int64_t cmd = diff_number(d, "cmd") & ~0x100;

		if (d->row->args[i].kind == ARG_IPC && cmd == 3 && d->lin_result >= 0 && d->eft_result >= 0)	/* IPC_INFO: the highest index */
			return true;
		if (d->row->args[i].kind == ARG_IPC && ((is(d, "semctl") && cmd >= 18) || (is(d, "msgctl") && cmd >= 11) || (is(d, "shmctl") && cmd >= 13)))
			return true;
	}
	/* A number that no call returned as an identifier: which object has it, if any. */
	for (unsigned i = 0; i < d->row->nargs; i++) {
		const struct fuzz_arg *a = &d->prog->calls[d->call].args[i];

		if (d->row->args[i].kind != ARG_IPC)
			continue;
		if (a->form == FUZZ_VALUE && ((int32_t)a->value > 0 || (d->lin_result < 0 && d->eft_result < 0)))
			return true;
		if (a->form == FUZZ_RESULT && fuzz_returns(fuzz_row(d->prog->calls[a->index].nr), NULL) != ARG_IPC)
			return true;
	}
	return false;
}

static bool kcmp_order(const struct difference *d)
{
	return d->what == DIFF_RESULT && is(d, "kcmp") && d->lin_result > 0 && d->eft_result > 0;
}

/* The table of flags says that it is not there. */
static bool unsupported(const struct difference *d)
{
	if (d->what == DIFF_STATUS || d->what == DIFF_FILES)
		return false;
	for (unsigned i = 0; i < d->row->nargs; i++) {
		const struct fuzz_arg *a = &d->prog->calls[d->call].args[i];

		for (const struct flag_name *f = d->row->args[i].flags; f && f->name && a->form == FUZZ_VALUE; f++)
			if (!f->supported && f->bit && (d->row->args[i].kind == ARG_FLAGS ? (a->value & f->bit) == f->bit : (uint32_t)a->value == (uint32_t)f->bit))
				return true;
	}
	return false;
}

static bool alarm_clock(const struct difference *d)
{
	int64_t c = d->row ? diff_number(d, "clock") : -1;

	return d->what == DIFF_RESULT && (c == 8 || c == 9);
}

static bool text_of(const struct difference *d, const char *arg, const char *prefix)
{
	for (unsigned i = 0; i < d->row->nargs; i++) {
		const struct fuzz_arg *a = &d->prog->calls[d->call].args[i];
		const struct fuzz_blob *b = &d->prog->blobs[a->index];

		if (!strcmp(d->row->args[i].name, arg) && a->form == FUZZ_BLOB && b->nbytes > strlen(prefix))
			return !memcmp(d->prog->bytes + b->bytes, prefix, strlen(prefix));
	}
	return false;
}

static bool acl(const struct difference *d) { return d->what == DIFF_RESULT && d->eft_result == -95 && strstr(d->row->name, "setxattr") && text_of(d, "name", "system.posix_acl"); }

/* Which call before this one made the descriptor fd: it returned it, or wrote it to its first argument. */
static const char *maker_of(const struct difference *d, int64_t fd)
{
	for (unsigned i = d->call; fd >= 0 && i-- > 0;) {
		const struct syscall_desc *r = fuzz_row(d->prog->calls[i].nr);
		const struct fuzz_arg *from = &d->prog->calls[i].args[0];

		if (d->lin->done[i] != 2 || d->lin->result[i] < 0)
			continue;
		if (fuzz_returns(r, NULL) == ARG_FD && d->lin->result[i] == fd && (strcmp(r->name, "fcntl") || !d->prog->calls[i].args[1].value || d->prog->calls[i].args[1].value == 1030)) {
			if (!strcmp(r->name, "pidfd_getfd"))
				from++;
			else if (strncmp(r->name, "dup", 3) && strcmp(r->name, "fcntl"))
				return r->name;
			fd = from->form == FUZZ_RESULT ? d->lin->result[from->index] : (int64_t)(int32_t)from->value;
		}
		if (!strcmp(r->name, "socketpair"))	/* which numbers the two got is not looked at: those after a program's others */
			for (unsigned o = 0; o < d->lin->nouts; o++) {
				int32_t pair[2];

				if (d->lin->outs[o].call != i || d->lin->outs[o].len < sizeof(pair))
					continue;
				memcpy(pair, d->lin->data + d->lin->outs[o].off, sizeof(pair));
				if (fd == pair[0] || fd == pair[1])
					return r->name;
			}
	}
	return "";
}

/* The number of a descriptor on Linux. */
static int64_t descriptor(const struct difference *d, const struct fuzz_arg *a)
{
	if (a->form != FUZZ_RESULT)
		return (int64_t)(int32_t)a->value;
	for (unsigned o = 0; a->slot && o < d->lin->nouts; o++) {	/* one of a pair that was written */
		int32_t pair[2];

		if (d->lin->outs[o].call != a->index || d->lin->outs[o].len < sizeof(pair))
			continue;
		memcpy(pair, d->lin->data + d->lin->outs[o].off, sizeof(pair));
		return pair[a->slot == 2];
	}
	return a->slot ? -1 : d->lin->result[a->index];
}

static const char *maker(const struct difference *d, const char *arg)
{
	for (unsigned i = 0; i < d->row->nargs; i++) {
		const struct fuzz_arg *a = &d->prog->calls[d->call].args[i];

		if (strcmp(d->row->args[i].name, arg))
			continue;
		return maker_of(d, descriptor(d, a));
	}
	return "";
}

/* Any of its descriptors. */
static bool of(const struct difference *d, const char *name)
{
	for (unsigned i = 0; i < d->row->nargs; i++)
		if ((d->row->args[i].kind == ARG_FD || d->row->args[i].kind == ARG_DIRFD) && !strcmp(maker(d, d->row->args[i].name), name))
			return true;
	return false;
}

/* How far behind its blob's beginning what an argument points to begins; before it: negative. */
static int64_t shift(const struct difference *d)
{
	for (unsigned i = 0; i < d->row->nargs; i++)
		if (d->prog->calls[d->call].args[i].form == FUZZ_BLOB && d->prog->calls[d->call].args[i].index == d->blob)
			return (int64_t)d->prog->calls[d->call].args[i].value;
	return 0;
}

/* Where in what the argument points to the memory differs. */
static int64_t place(const struct difference *d) { return (int64_t)d->offset - shift(d); }

static bool directory(const struct difference *d)
{
	int64_t mode = shift(d) + 25;

	for (unsigned i = 0; i < d->lin->nouts; i++)
		if (d->lin->outs[i].call == d->call && d->lin->outs[i].blob == d->blob && mode >= 0 && d->lin->outs[i].len > mode)
			return (d->lin->data[d->lin->outs[i].off + mode] & 0xf0) == 0x40;
	return false;
}

static bool fs_kind(const struct difference *d)
{
	return d->what == DIFF_MEMORY && (is(d, "statfs") || is(d, "fstatfs") || (is(d, "ioctl") && (diff_number(d, "cmd") == 2 /* FIGETBSZ */ || diff_number(d, "cmd") == 0x5460 /* FIOQSIZE */)));
}


/* struct stat and statx: the size of directories, and blocks, are the file system's. */
static bool stat_size(const struct difference *d)
{
	if (d->what != DIFF_MEMORY)
		return false;
	if (is(d, "statx"))	/* blksize; size and blocks; which attributes there are */
		return place(d) < 16 || (place(d) >= 40 && place(d) < 64);
	return (is(d, "stat") || is(d, "lstat") || is(d, "fstat") || is(d, "newfstatat")) && place(d) >= 48 && place(d) < 72 &&
		(place(d) >= 56 || directory(d));
}

static bool ipc_info(const struct difference *d)
{
	int64_t c = d->row ? diff_number(d, "cmd") & ~0x100 : 0;

	return d->what == DIFF_MEMORY && (((is(d, "semctl") && (c == 3 || c == 19 || c == 2 || c == 18 || c == 20)) || (is(d, "msgctl") && (c == 3 || c == 12)) ||
		(is(d, "shmctl") && (c == 3 || c == 14))));
}

static bool shm_memory(const struct difference *d)
{
	if (d->what == DIFF_RESULT && is(d, "shmctl") && d->lin_result == -12 && diff_number(d, "cmd") == 11 /* SHM_LOCK: what the user has locked elsewhere */)
		return true;
	return d->what == DIFF_RESULT && is(d, "shmget") && (d->lin_result == -12 || (diff_number(d, "flags") & 04000));
}
static bool notify_thread(const struct difference *d) { return d->what == DIFF_RESULT && is(d, "mq_notify") && d->eft_result == -38; }
static bool pidfs(const struct difference *d) { return d->row && (d->what == DIFF_RESULT || (d->what == DIFF_MEMORY && strstr(d->row->name, "stat"))) && of(d, "pidfd_open"); }
static bool ext2_cannot(const struct difference *d)
{
	/* What it can, it may not: a limit, and the signal. */
	if (d->what == DIFF_BLOCKED && d->prog->flags & DIFF_EXT2 && is(d, "fallocate") && d->lin_result == -95)
		return true;
	return d->what == DIFF_RESULT && d->prog->flags & DIFF_EXT2 && ((is(d, "fallocate") && (d->eft_result == -95 || d->lin_result == -95)) ||
		(is(d, "fcntl") && (diff_number(d, "cmd") == 1033 || diff_number(d, "cmd") == 1034)) || (is(d, "lseek") && diff_number(d, "whence") >= 2 && d->lin_result == -22));
}

static bool page_zero(const struct difference *d)
{
	return d->what == DIFF_RESULT && (is(d, "mremap") || is(d, "shmat") || is(d, "mmap")) && d->eft_result == -1;
}
enum { MACHINE_BYTES = 16 << 20 };	/* about; mmap(2) promises no more than there is at all */

/* Also: the harness has more than a limit of memory that is still too large for the program here. */
static bool promise(const struct difference *d)
{
	if (d->what != DIFF_RESULT)
		return false;
	if (is(d, "fallocate") && d->eft_result == -28 && diff_number(d, "len") > MACHINE_BYTES / 2)
		return true;
	if (d->lin_result != -12 && d->eft_result != -12)
		return false;
	if (is(d, "mremap") && d->eft_result == -12)
		return true;
	if (is(d, "mmap") && diff_number(d, "len") > MACHINE_BYTES)	/* more than the machine has at all */
		return true;
	for (unsigned i = 0; i < d->call; i++) {
		const char *n = fuzz_row(d->prog->calls[i].nr)->name;

		/* A prlimit that could not tell what was before has set the new one. */
		if ((!strcmp(n, "setrlimit") || !strcmp(n, "prlimit64")) && (d->lin->result[i] == 0 || d->lin->result[i] == -14) && fuzz_returns(d->row, NULL) == ARG_ADDR)
			return true;
	}
	return false;
}
/* How many bytes the call that gave this address mapped there; 1: it does not say; 0: no call gave it. */
static uint64_t placed(const struct difference *d, const struct fuzz_arg *a)
{
	const struct fuzz_call *c = &d->prog->calls[a->index];
	const struct fuzz_arg *len = NULL;

	if (a->form != FUZZ_RESULT || d->lin->done[a->index] != 2 || d->lin->result[a->index] == -1 || (uint64_t)d->lin->result[a->index] > -4096ull)
		return 0;
	if (!strcmp(fuzz_row(c->nr)->name, "mmap"))
		len = &c->args[1];
	if (!strcmp(fuzz_row(c->nr)->name, "mremap"))
		len = &c->args[2];
	return len && len->form == FUZZ_VALUE ? (len->value + 4095) & ~4095ull : 1;
}

enum { PROGRAM_AT = 0x400000 };

/* An address that the kernel chose, and more than what was mapped there; or all that the harness has mapped. */
static bool neighbours(const struct difference *d)
{
	const struct fuzz_arg *a = d->row ? d->prog->calls[d->call].args : NULL;
	uint64_t most = 0;

	if (d->what != DIFF_RESULT && d->what != DIFF_BLOCKED)
		return false;
	for (unsigned i = 1; i < 3 && i < d->row->nargs; i++)
		if (a[i].form == FUZZ_VALUE && d->row->args[i].kind != ARG_FLAGS && d->row->args[i].kind != ARG_ADDR && a[i].value > most)
			most = a[i].value;
	/* The harness cannot go on without what it has unmapped. */
	for (unsigned i = 0; d->what == DIFF_BLOCKED && i < d->call; i++)
		if (!strcmp(fuzz_row(d->prog->calls[i].nr)->name, "munmap") && d->lin->result[i] == 0 && d->prog->calls[i].args[1].value > 1 << 28)
			return true;
	if (is(d, "shmat") && diff_number(d, "flags") & 040000 /* SHM_REMAP */ && placed(d, &a[1]))	/* the segment may be larger */
		return true;
	if ((is(d, "madvise") || !strncmp(d->row->name, "mlock", 5) || is(d, "munlock") || is(d, "mprotect") || is(d, "msync") || is(d, "mremap") || is(d, "munmap")) && most > 1 << 28)
		return true;
	/* The machine's own program is in the way, the harness is not. */
	if (d->row->args[0].kind == ARG_ADDR && a[0].form == FUZZ_VALUE && a[0].value < PROGRAM_AT && a[0].value + most > PROGRAM_AT)
		return true;
	for (unsigned i = 0; i < d->row->nargs; i++) {
		uint64_t n = d->row->args[i].kind == ARG_ADDR ? placed(d, &a[i]) : 0;

		if (n && most > n)
			return true;
	}
	return false;
}

static bool null_path(const struct difference *d)
{
	return d->what == DIFF_RESULT && (is(d, "newfstatat") || is(d, "statx")) && (d->eft_result == -14 || !diff_number(d, "path"));
}

/* Said by openat2, or by cachestat into a mapping of a file. */
static bool cached_only(const struct difference *d)
{
	for (unsigned i = 0; d->what == DIFF_FILES && i < d->prog->ncalls; i++) {
		const struct fuzz_call *c = &d->prog->calls[i];

		if (!strcmp(fuzz_row(c->nr)->name, "cachestat") && !d->lin->result[i] && c->args[2].form == FUZZ_RESULT)
			return true;
	}
	return d->what == DIFF_RESULT && is(d, "openat2") && d->eft_result == -11;
}
static bool lease(const struct difference *d) { return d->what == DIFF_RESULT && is(d, "fcntl") && (diff_number(d, "cmd") == 1024 || diff_number(d, "cmd") == 1026); }

/* The size of a handle, and the number of a mount, are the machine's: also in a file whose mapping they are written to. */
static bool file_handles(const struct difference *d)
{
	if (d->what == DIFF_MEMORY && is(d, "name_to_handle_at"))
		return true;
	for (unsigned i = 0; d->what == DIFF_FILES && i < d->prog->ncalls; i++) {
		const struct fuzz_call *c = &d->prog->calls[i];

		if (!strcmp(fuzz_row(c->nr)->name, "name_to_handle_at") && (c->args[2].form == FUZZ_RESULT || c->args[3].form == FUZZ_RESULT))
			return true;
	}
	return d->what == DIFF_RESULT && ((is(d, "name_to_handle_at") && d->eft_result == -95) || (is(d, "open_by_handle_at") && d->eft_result == -116));
}
static bool sched_ext(const struct difference *d) { return d->what == DIFF_RESULT && diff_number(d, "policy") == 7; }
/* How much calls before this one have written there, and this one. */
static int64_t written(const struct difference *d)
{
	int64_t n = 0;

	for (unsigned i = 0; i <= d->call && i < d->prog->ncalls; i++) {
		const char *name = fuzz_row(d->prog->calls[i].nr)->name;

		if (d->lin->done[i] == 2 && d->lin->result[i] > 0 && (strstr(name, "write") || !strcmp(name, "sendfile") || !strcmp(name, "copy_file_range") || !strcmp(name, "splice")))
			n += d->lin->result[i];
	}
	return n;
}

/* The disk of the machine has less room. */
static bool ext2_full(const struct difference *d)
{
	bool less = (d->what == DIFF_RESULT || d->what == DIFF_MEMORY) && d->eft_result >= 0 && d->eft_result < d->lin_result;

	return (less || d->what == DIFF_FILES) && d->prog->flags & DIFF_EXT2 && written(d) > 1 << 19;
}

static bool ext2_limit(const struct difference *d) { return ext2_full(d) || ( d->what == DIFF_RESULT && d->prog->flags & DIFF_EXT2 && (d->eft_result == -27 || d->eft_result == -75 || (is(d, "lseek") && d->eft_result == -22 && d->lin_result > INT64_C(1) << 34) || (d->eft_result == -28 && strstr(d->row->name, "xattr")))); }

/* The owner that the word names is a process of the harness. */
static bool futex_owner(const struct difference *d)
{
	int64_t op = d->row ? diff_number(d, "op") & 127 : 0;

	return (d->what == DIFF_RESULT || d->what == DIFF_BLOCKED) && is(d, "futex") && (op == 6 || op == 8 || op == 13) && d->lin_result == -1;
}

/* Up to where an earlier or this write came before it met memory that is not there. */
static bool fault_midway(const struct difference *d)
{
	bool both = d->what == DIFF_RESULT && d->lin_result >= 0 && d->eft_result >= 0;
	/* How long the file is: where a hole begins, whether there is anything to read or to copy. */
	bool place = d->what == DIFF_RESULT && (is(d, "lseek") || strstr(d->row->name, "read") || is(d, "copy_file_range") || is(d, "sendfile") || is(d, "splice"));
	const struct fuzz_arg *buffer = d->row ? &d->prog->calls[d->call].args[1] : NULL;

	/* Memory behind the end of the file, until the file has grown. */
	if (d->what == DIFF_RESULT && d->eft_result == -14 && strstr(d->row->name, "write") && buffer->form == FUZZ_RESULT)
		return true;

	for (unsigned i = 0; i < d->call && i < d->prog->ncalls; i++) {
		const char *n = fuzz_row(d->prog->calls[i].nr)->name;

		if (d->lin->done[i] == 2 && d->eft->done[i] == 2 && (d->lin->result[i] == -14 || d->eft->result[i] == -14) && (strstr(n, "write") || strstr(n, "splice")))
			if (d->what != DIFF_RESULT || both || place)
				return true;
	}
	if (d->what == DIFF_FILES)	/* of the last call */
		for (unsigned i = d->call; i < d->prog->ncalls; i++)
			if (strstr(fuzz_row(d->prog->calls[i].nr)->name, "write") && (d->lin->result[i] == -14 || d->eft->result[i] == -14))
				return true;
	return d->what == DIFF_RESULT && strstr(d->row->name, "writev") && (d->lin_result == -14 || d->eft_result == -14 || both);
}

/* The name that an open before this call gave for the descriptor; NULL: another call made it. */
static const struct fuzz_blob *opened(const struct difference *d, unsigned before, int64_t fd)
{
	for (unsigned i = before; i-- > 0;) {
		const struct fuzz_call *c = &d->prog->calls[i];
		const char *n = fuzz_row(c->nr)->name;
		const struct fuzz_arg *name = &c->args[strncmp(n, "openat", 6) ? 0 : 1];

		if (d->lin->done[i] != 2 || d->lin->result[i] != fd || fuzz_returns(fuzz_row(c->nr), NULL) != ARG_FD)
			continue;
		return (!strncmp(n, "open", 4) || !strcmp(n, "creat")) && name->form == FUZZ_BLOB ? &d->prog->blobs[name->index] : NULL;
	}
	return NULL;
}

/* One open file, or one name opened twice. */
static bool same_file(const struct difference *d, unsigned call, int64_t a, int64_t b)
{
	const struct fuzz_blob *m = opened(d, call, a), *n = opened(d, call, b);

	return a == b || (m && n && m->nbytes == n->nbytes && !memcmp(d->prog->bytes + m->bytes, d->prog->bytes + n->bytes, m->nbytes));
}

/* The buffer is a mapping, perhaps of the very file and of the same bytes, which are read while they are written; or sendfile has the same file twice. */
static bool copies_itself(const struct difference *d)
{
	if (d->what == DIFF_BLOCKED || d->what == DIFF_STATUS)
		return false;
	for (unsigned i = 0; i < d->prog->ncalls && i <= d->call; i++) {
		const struct fuzz_call *c = &d->prog->calls[i];
		const char *n = fuzz_row(c->nr)->name;
		bool at = !strcmp(n, "pread64") || !strcmp(n, "pwrite64");

		/* A pipe of the memory that it is read into, or in which another call has meanwhile left what is the machine's. */
		if (!strcmp(n, "vmsplice") && d->lin->result[i] > 0 && d->what == DIFF_MEMORY && (strstr(d->row->name, "read") || (is(d, "vmsplice") && i < d->call)))
			return true;
		if (!strcmp(n, "sendfile") && d->lin->result[i] > 0 && same_file(d, i, descriptor(d, &c->args[0]), descriptor(d, &c->args[1])))
			return true;
		if ((at || !strcmp(n, "read") || !strcmp(n, "write")) && c->args[1].form == FUZZ_RESULT && d->lin->result[i] > 0 &&
		    !strcmp(fuzz_row(d->prog->calls[c->args[1].index].nr)->name, "mmap") && (!at || c->args[3].form != FUZZ_VALUE || c->args[3].value < (uint64_t)d->lin->result[i]))
			return true;
	}
	return false;
}

static bool descriptor_table(const struct difference *d)
{
	return d->what == DIFF_RESULT && (is(d, "select") || is(d, "pselect6")) && (d->lin_result == -9 || d->eft_result == -9) && diff_number(d, "n") > 64;
}

static bool socket_buffer(const struct difference *d)
{
	bool set = false;

	if (d->what == DIFF_MEMORY && is(d, "ioctl") && diff_number(d, "cmd") == 0x5411 /* SIOCOUTQ */)
		return true;
	if (d->what == DIFF_MEMORY && is(d, "sendmmsg") && d->offset % 64 >= 56 && d->offset % 64 < 60)	/* of each message, how much */
		return true;
	if (d->what == DIFF_RESULT && is(d, "sendmmsg") && d->lin_result > 64 && d->eft_result > 64)
		return true;
	if (d->what != DIFF_RESULT || (!strstr(d->row->name, "write") && !strstr(d->row->name, "send") && !strstr(d->row->name, "read") && !strstr(d->row->name, "recv")))
		return false;
	for (unsigned i = 0; i < d->call; i++)	/* how much was asked for */
		set |= !strcmp(fuzz_row(d->prog->calls[i].nr)->name, "setsockopt");
	return d->lin_result > (set ? 0 : 4096) && d->eft_result > (set ? 0 : 4096) && (of(d, "socketpair") || of(d, "socket") || of(d, "accept") || of(d, "accept4"));
}

static bool pkey_lost(const struct difference *d)
{
	return d->what == DIFF_RESULT && is(d, "pkey_alloc") && d->lin_result == -28 && d->eft_result == -22;
}

/* Where a directory's list is: a number of the file system's.  So is what is listed from a place that the program made up. */
static bool directory_position(const struct difference *d)
{
	bool listed = false, placed = false;

	for (unsigned i = 0; i < d->call; i++) {
		const char *n = fuzz_row(d->prog->calls[i].nr)->name;

		listed |= !strncmp(n, "getdents", 8) && d->lin->result[i] > 0;
		placed |= !strcmp(n, "lseek") && d->lin->result[i] > 0;
	}
	if (placed && (d->what == DIFF_RESULT || d->what == DIFF_MEMORY) && !strncmp(d->row->name, "getdents", 8) && (d->lin_result >= 0 || d->lin_result == -22) && (d->eft_result >= 0 || d->eft_result == -22))
		return true;
	return listed && d->what == DIFF_RESULT && is(d, "lseek") && d->lin_result > 0 && d->eft_result > 0;
}

static bool makes_name(const char *call)
{
	static const char *const made[] = { "open", "openat", "openat2", "creat", "mkdir", "mkdirat", "mknod", "mknodat", "link", "linkat", "symlink", "symlinkat",
		"rename", "renameat", "renameat2", "bind" };

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		if (!strcmp(made[i], call))
			return true;
	return false;
}

/* A name that the kernel gave: five digits behind a zero byte. */
static bool chosen_name(const struct diff_run *r, const struct difference *d, unsigned at)
{
	for (unsigned i = 0; i < r->nouts; i++) {
		const uint8_t *p = r->data + r->outs[i].off + at;

		if (r->outs[i].call != d->call || r->outs[i].blob != d->blob || at + 8 > r->outs[i].len)
			continue;
		return p[0] == 1 && !p[1] && !p[2] && strspn((const char *)p + 3, "0123456789abcdef") >= 5;
	}
	return false;
}

static bool autobind(const struct difference *d)
{
	for (unsigned k = 3; d->what == DIFF_MEMORY && k < 8 && k <= d->offset; k++)
		if (chosen_name(d->lin, d, d->offset - k) && chosen_name(d->eft, d, d->offset - k))
			return true;
	return false;
}

/* A name made since the directory was opened, or since its end was reached: more is listed here, or does not fit. */
static bool listed_late(const struct difference *d)
{
	if ((d->what != DIFF_RESULT && d->what != DIFF_MEMORY) || strncmp(d->row->name, "getdents", 8) || d->lin_result < 0 || (d->what == DIFF_MEMORY && d->lin_result == d->eft_result) || (d->eft_result < d->lin_result && d->eft_result != -22))
		return false;
	for (unsigned i = 0; i < d->call; i++)
		if (d->lin->done[i] == 2 && d->lin->result[i] >= 0 && makes_name(fuzz_row(d->prog->calls[i].nr)->name))
			return true;
	return false;
}

static bool core_file(const struct difference *d) { return d->what == DIFF_FILES && !strncmp(d->lin_text, "core mode 100600 ", 17) && !strncmp(d->eft_text, "core mode 100600 ", 17); }

static bool expirations(const struct difference *d)
{
	return d->what == DIFF_MEMORY && strstr(d->row->name, "read") && place(d) < 8 && of(d, "timerfd_create");
}

static const uint8_t *output(const struct diff_run *r, const struct difference *d, uint32_t *len)
{
	for (unsigned i = 0; i < r->nouts; i++)
		if (r->outs[i].call == d->call && r->outs[i].blob == d->blob) {
			*len = r->outs[i].len;
			return r->data + r->outs[i].off;
		}
	*len = 0;
	return NULL;
}

/* The number that the two events of a rename share; both sides have one. */
static bool rename_cookie(const struct difference *d)
{
	uint32_t len, elen, name;
	const uint8_t *l = output(d->lin, d, &len), *e = output(d->eft, d, &elen);

	if (d->what != DIFF_MEMORY || !strstr(d->row->name, "read") || !of(d, "inotify_init1") || shift(d) < 0)
		return false;
	for (uint32_t at = (uint32_t)shift(d); at + 16 <= len && at + 16 <= elen && at <= d->offset; at += 16 + name) {
		static const uint8_t none[4];

		memcpy(&name, l + at + 12, 4);
		if (d->offset >= at + 8 && d->offset < at + 12)
			return memcmp(l + at + 8, none, 4) && memcmp(e + at + 8, none, 4);
		if (name > len)
			return false;
	}
	return false;
}

static bool nameless_lock(const struct difference *d)
{
	static const char *const makers[] = { "eventfd", "eventfd2", "epoll_create", "epoll_create1", "timerfd_create", "signalfd", "signalfd4", "inotify_init", "inotify_init1", "fsopen" };
	int64_t cmd = d->row ? diff_number(d, "cmd") : 0;

	if (!d->row || (!is(d, "flock") && !(is(d, "fcntl") && ((cmd >= 5 && cmd <= 7) || (cmd >= 36 && cmd <= 38)))))
		return false;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (of(d, makers[i]))
			return true;
	return false;
}

struct diff_allowed diff_allowed[] = {
	{ "unsupported", "a flag or a command that kernel/syscall/flags.def says is not there", unsupported, 0 },
	{ "alarm-clock", "the host has no clock that wakes it", alarm_clock, 0 },
	{ "acl", "there are no access control lists", acl, 0 },
	{ "fs-kind", "which file system it is", fs_kind, 0 },
	{ "stat-size", "the size of a directory, and of blocks, is the file system's", stat_size, 0 },
	{ "ipc-info", "limits and times of System V IPC", ipc_info, 0 },
	{ "shm-memory", "how much memory may be promised; huge pages", shm_memory, 0 },
	{ "cached-only", "RESOLVE_CACHED, cachestat: what is cached is the kernel's choice", cached_only, 0 },
	{ "mq-notify-thread", "needs a netlink socket", notify_thread, 0 },
	{ "pidfs", "pidfds are files of a file system since Linux 6.9", pidfs, 0 },
	{ "ext2-cannot", "what fallocate can, seals, ends of directories: the host's directory is a tmpfs", ext2_cannot, 0 },
	{ "page-zero", "nobody maps page 0", page_zero, 0 },
	{ "promise", "how much memory may be promised", promise, 0 },
	{ "neighbours", "what lies behind a mapping that the kernel placed", neighbours, 0 },
	{ "null-path", "AT_EMPTY_PATH without a path, of Linux 6.11", null_path, 0 },
	{ "lease", "no leases, no F_NOTIFY: in which order that is said", lease, 0 },
	{ "address", "where a mapping goes is the kernel's choice", address, 0 },
	{ "ipc-id", "System V identifiers are the kernel's choice", ipc_id, 0 },
	{ "kcmp-order", "which of two different objects comes first is the kernel's choice", kcmp_order, 0 },
	{ "file-handles", "on tmpfs there are none, which is said before anybody looks; how long one is, and the number of its mount, are the machine's", file_handles, 0 },
	{ "sched-ext", "SCHED_EXT, of Linux 6.12: not there", sched_ext, 0 },
	{ "ext2-limit", "how large a file, an attribute and a disk of ext2 get: the host's directory is a tmpfs", ext2_limit, 0 },
	{ "futex-owner", "which process of the harness a PI futex's word happens to name", futex_owner, 0 },
	{ "fault-midway", "how much of a write is there when its memory ends midway: Linux counts in pages, and tmpfs grows first", fault_midway, 0 },
	{ "directory-position", "where in a directory its list has come to, and what is listed from a made-up place: numbers of the file system's", directory_position, 0 },
	{ "listed-late", "whether a name is listed that was made after the directory was opened: the host's tmpfs ends where it ended then", listed_late, 0 },
	{ "copies-itself", "a read or a write whose buffer is a mapping of the same bytes of the file, a sendfile from a file to itself, a pipe of memory read into that memory: in which order bytes are copied is the machine's", copies_itself, 0 },
	{ "expirations", "how often a timer has expired that began at an absolute time long ago: the machine has another clock", expirations, 0 },
	{ "core-file", "what a core file says of the machine, and of the harness's own memory", core_file, 0 },
	{ "autobind", "the name of a socket that was bound to none is the kernel's choice", autobind, 0 },
	{ "descriptor-table", "select looks at descriptors up to the size of the table, which is as large as it was once", descriptor_table, 0 },
	{ "socket-buffer", "how much fits into a socket's buffer: what a message costs", socket_buffer, 0 },
	{ "pkey-lost", "without protection keys the first pkey_alloc with rights fails, and Linux has none left after it", pkey_lost, 0 },
	{ "rename-cookie", "the number that the two events of a rename share is the kernel's choice", rename_cookie, 0 },
	{ "nameless-lock", "eventfds, epolls, timers and their like have one inode on Linux, so that a lock on one is in the way of all others; here each has its own", nameless_lock, 0 },
	{ 0 }
};
