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
	"reboot", "mount", "umount2", "chroot", "pivot_root", "ptrace", "seccomp", "personality", "syslog", "sethostname", "setdomainname",
	"clock_settime", "settimeofday", "adjtimex", "clock_adjtime", "sync", "syncfs", "vhangup", "sched_setscheduler", "sched_setparam",
	"sched_setattr", "sched_setaffinity", "ioprio_set", "mlockall", "setns", "unshare", "process_vm_writev", "process_vm_readv",
	/* the harness's own code, stack or thread pointer */
	"execve", "execveat", "clone", "clone3", "rt_sigreturn", "restart_syscall", "rseq", "arch_prctl", "set_robust_list", "get_robust_list",
	"brk", "remap_file_pages", "membarrier", "rt_sigsuspend", "pause", "sigaltstack",
	/* say something of the machine or of the time */
	"getrandom", "sysinfo", "uname", "getcpu", "times", "time", "getrusage", "sched_getaffinity", "sched_rr_get_interval", "sched_getattr",
	"alarm", "setitimer", "timer_settime", "clock_nanosleep", "nanosleep", "getppid",
	/* block: no time for it */
	"flock",
};

bool diff_takes(const struct syscall_desc *d)
{
	if (d->level == LEVEL_ABSENT)
		return false;
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
		if (!strcmp(d->name, left_out[i]))
			return false;
	return true;
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
	static const int64_t self[] = { 0, 3, 99, 3 }, unix_only[] = { 1 },
		prctls[] = { 1, 2, 3, 4, 7, 8, 15, 16, 23, 27, 36, 37, 38, 39 };

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
		    !strcmp(d->name, "pidfd_open") || !strcmp(d->name, "capset"))
			for (unsigned k = 0; k < d->nargs; k++)
				if (d->args[k].kind == ARG_PID && c->args[k].form != FUZZ_RESULT)
					only(&c->args[k], self, 4);
		if (!strcmp(d->name, "tkill") || !strcmp(d->name, "tgkill") || !strcmp(d->name, "rt_tgsigqueueinfo"))
			for (unsigned k = 0; k < d->nargs; k++)
				if (d->args[k].kind == ARG_PID)
					only(&c->args[k], self, 3);
		if (!strcmp(d->name, "socket") || !strcmp(d->name, "socketpair"))
			only(&c->args[0], unix_only, 1);
		if (!strcmp(d->name, "prctl"))
			only(&c->args[0], prctls, sizeof(prctls) / sizeof(prctls[0]));
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
	return d->what == DIFF_RESULT && d->lin_result >= 0 && d->eft_result >= 0 && fuzz_returns(d->row, NULL) == ARG_IPC;
}

static bool kcmp_order(const struct difference *d)
{
	return d->what == DIFF_RESULT && is(d, "kcmp") && d->lin_result > 0 && d->eft_result > 0;
}

struct diff_allowed diff_allowed[] = {
	{ "address", "where a mapping goes is the kernel's choice", address, 0 },
	{ "ipc-id", "System V identifiers are the kernel's choice", ipc_id, 0 },
	{ "kcmp-order", "which of two different objects comes first is the kernel's choice", kcmp_order, 0 },
	{ 0 }
};
