/* SPDX-License-Identifier: MIT */
/* /proc/PID and /proc/PID/task/TID: what is known about a task (proc(5)). */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/tty.h>
#include <kernel/vm.h>
#include "procfs.h"

enum { USER_HZ = 100 };
static unsigned long long ticks(uint64_t ns) { return ns / (NSEC_PER_SEC / USER_HZ); }

/* What stat and status need of the process tree, collected under its lock. */
struct ids { pid_t pid, tgid, ppid, pgrp, session, tpgid, tracer; kdev_t tty; unsigned threads; };

static void ids_get(struct task *t, struct ids *d)
{
	struct process *p = t->process;
	unsigned long flags;

	*d = (struct ids){ .pid = task_tid(t), .tpgid = -1, .threads = 1 };
	if (!p)
		return;
	flags = spin_lock_irqsave(&process_tree_lock);
	d->tgid = p->pid[PID_PROCESS] ? p->pid[PID_PROCESS]->nr : 0;
	d->ppid = p->parent && p->parent->pid[PID_PROCESS] ? p->parent->pid[PID_PROCESS]->nr : 0;
	d->pgrp = p->pid[PID_PGRP] ? p->pid[PID_PGRP]->nr : 0;
	d->session = p->pid[PID_SESSION] ? p->pid[PID_SESSION]->nr : 0;
	d->threads = READ_ONCE(p->thread_count);
	if (!d->threads)
		d->threads = 1;
	if (p->tty) {
		d->tty = tty_device(p->tty);
		d->tpgid = tty_foreground(p->tty);
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
}

/* What a task changes of itself, or others of it, under locks that are not for us: each is right, together they may be of different moments. */
struct seen {
	char comm[TASK_COMM_LEN];
	int nice, policy, rt_priority;
	bool no_new_privs;
	unsigned personality;
	uint64_t affinity, switches[2], rss_limit, pending_limit;
	uint64_t min_faults, maj_faults, user_ns, system_ns;	/* of children that have been waited for */
};

static RACY void seen_get(const struct task *t, struct seen *s)
{
	const struct process *p = t->process;

	*s = (struct seen){
		.nice = t->se.nice, .policy = t->se.policy, .rt_priority = t->se.rt_priority, .no_new_privs = t->no_new_privs,
		.personality = t->personality, .affinity = t->se.affinity, .switches = { t->nvcsw, t->nivcsw },
	};
	task_comm_get(t, s->comm);
	if (!p)
		return;
	s->rss_limit = p->rlimit[RLIMIT_RSS].cur;
	s->pending_limit = p->rlimit[RLIMIT_SIGPENDING].cur;
	s->min_faults = p->children_min_faults;
	s->maj_faults = p->children_maj_faults;
	s->user_ns = p->children_user_ns;
	s->system_ns = p->children_system_ns;
}

static int64_t rss_file(const struct vm_space *vm) { return READ_ONCE(vm->rss_file) + READ_ONCE(vm->rss_shmem); }
static int64_t rss_of(const struct vm_space *vm) { return READ_ONCE(vm->rss_anon) + rss_file(vm); }

static unsigned dev_number(kdev_t d) { return KDEV_MAJOR(d) << 8 | (KDEV_MINOR(d) & 0xff) | (KDEV_MINOR(d) & ~0xffu) << 12; }

struct sigs { uint64_t pending, shared, blocked, ignored, caught; unsigned queued; };

static void sigs_get(struct task *t, struct sigs *g)
{
	struct sighand *sh;
	unsigned long flags;

	memset(g, 0, sizeof(*g));
	if (!t->process)
		return;
	sh = process_siglock(t->process, &flags);
	g->pending = t->pending.set;
	g->shared = t->process->shared_pending.set;
	g->blocked = t->sigmask;
	for (int i = 0; i < 64; i++) {
		if (sh->action[i].handler == SIG_IGN)
			g->ignored |= 1ull << i;
		else if (sh->action[i].handler != SIG_DFL)
			g->caught |= 1ull << i;
	}
	process_sigunlock(sh, flags);
}

static int show_stat(struct seq *s, struct task *t)
{
	struct vm_space *vm = vm_get_task(t);
	bool trace = proc_may_trace(t);
	uint64_t utime, stime;
	struct ids d;
	struct sigs g;
	unsigned task_flags = READ_ONCE(t->flags);
	struct seen own;
	int prio;

	ids_get(t, &d);
	seen_get(t, &own);
	sigs_get(t, &g);
	if (t->process)
		process_times(t->process, &utime, &stime);
	else
		task_times(t, &utime, &stime);
	prio = own.policy == SCHED_FIFO || own.policy == SCHED_RR ? -1 - own.rt_priority : 20 + own.nice;
	if (READ_ONCE(t->se.pi_priority))
		prio = MIN(prio, -1 - READ_ONCE(t->se.pi_priority));
	seq_printf(s, "%d (%s) %c %d %d %d %u %d %u ", d.pid, own.comm, task_state_char(t), d.ppid, d.pgrp, d.session, dev_number(d.tty), d.tpgid,
		   task_flags & TASKF_KTHREAD ? 0x200000u : task_flags & TASKF_FORKNOEXEC ? 0x40u : 0u);
	seq_printf(s, "%llu %llu %llu %llu %llu %llu %lld %lld ", (unsigned long long)READ_ONCE(t->min_faults),
		   (unsigned long long)own.min_faults, (unsigned long long)READ_ONCE(t->maj_faults), (unsigned long long)own.maj_faults, ticks(utime),
		   ticks(stime), (long long)ticks(own.user_ns), (long long)ticks(own.system_ns));
	seq_printf(s, "%d %d %u 0 %llu %llu %lld %llu ", prio, own.nice, d.threads, ticks(READ_ONCE(t->start_ns)),
		   vm ? (unsigned long long)READ_ONCE(vm->total_pages) << PAGE_SHIFT : 0ull,
		   vm ? (long long)rss_of(vm) : 0ll, (unsigned long long)own.rss_limit);
	seq_printf(s, "%llu %llu %llu 0 0 %llu %llu %llu %llu 0 0 0 17 %u %u %u 0 0 0 ", vm && trace ? (unsigned long long)vm->start_code : 1ull,
		   vm && trace ? (unsigned long long)vm->end_code : 1ull, vm && trace ? (unsigned long long)vm->stack_top : 0ull,
		   (unsigned long long)(g.pending & 0x7fffffff), (unsigned long long)(g.blocked & 0x7fffffff),
		   (unsigned long long)(g.ignored & 0x7fffffff), (unsigned long long)(g.caught & 0x7fffffff), READ_ONCE(t->se.cpu), (unsigned)own.rt_priority, (unsigned)own.policy);
	if (vm && trace)
		seq_printf(s, "%llu %llu %llu %llu %llu %llu %llu %d\n", (unsigned long long)vm->start_data, (unsigned long long)vm->end_data,
			   (unsigned long long)vm->brk_start, (unsigned long long)vm->arg_start, (unsigned long long)vm->arg_end,
			   (unsigned long long)vm->env_start, (unsigned long long)vm->env_end, READ_ONCE(t->exit_code));
	else
		seq_puts(s, "0 0 0 0 0 0 0 0\n");
	if (vm)
		vm_put(vm);
	return 0;
}

static int show_statm(struct seq *s, struct task *t)
{
	struct vm_space *vm = vm_get_task(t);

	if (!vm) {
		seq_puts(s, "0 0 0 0 0 0 0\n");
		return 0;
	}
	seq_printf(s, "%llu %lld %lld %llu 0 %llu 0\n", (unsigned long long)READ_ONCE(vm->total_pages), (long long)rss_of(vm), (long long)rss_file(vm),
		   (unsigned long long)(DIV_ROUND_UP(vm->end_code, PAGE_SIZE) - vm->start_code / PAGE_SIZE),
		   (unsigned long long)READ_ONCE(vm->data_pages));
	vm_put(vm);
	return 0;
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R': return "running";
	case 'S': return "sleeping";
	case 'D': return "disk sleep";
	case 'T': return "stopped";
	case 't': return "tracing stop";
	case 'Z': return "zombie";
	case 'X': return "dead";
	default: return "idle";
	}
}

/* A task may let go of its context at any moment; the memory outlives a grace period. */
static unsigned umask_of(struct task *t)
{
	struct fs_context *c;
	unsigned mask;

	rcu_read_lock();
	c = rcu_dereference(t->fs);
	mask = c ? READ_ONCE(c->umask) : 0;
	rcu_read_unlock();
	return mask;
}

static int show_status(struct seq *s, struct task *t)
{
	const unsigned long long kb = PAGE_SIZE / 1024;
	struct vm_space *vm = vm_get_task(t);
	struct cred *c = task_cred_get(t);
	char state = task_state_char(t);
	unsigned fds = files_max(t);
	struct seen own;
	struct ids d;
	struct sigs g;

	ids_get(t, &d);
	sigs_get(t, &g);
	seen_get(t, &own);
	seq_printf(s, "Name:\t");
	seq_escape(s, own.comm, "\n");
	seq_printf(s, "\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", umask_of(t), state,
		   state_name(state), d.tgid ? d.tgid : d.pid, d.pid, d.ppid, d.tracer);
	if (c) {
		seq_printf(s, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
		seq_printf(s, "FDSize:\t%u\nGroups:\t", ALIGN_UP(MAX(fds, 64u), 64u));
		for (unsigned i = 0; i < c->ngroups; i++)
			seq_printf(s, "%u ", c->groups[i]);
		seq_puts(s, "\n");
	}
	seq_printf(s, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t%d\n", d.tgid ? d.tgid : d.pid, d.pid, d.pgrp, d.session, !vm);
	if (vm) {
		int64_t rss = rss_of(vm);
		unsigned long long total = READ_ONCE(vm->total_pages) * kb;

		seq_printf(s, "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\nVmPin:\t       0 kB\nVmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\n",
			   total, total, (unsigned long long)READ_ONCE(vm->locked_pages) * kb, (unsigned long long)MAX(READ_ONCE(vm->max_rss), rss) * kb,
			   (unsigned long long)rss * kb);
		seq_printf(s, "RssAnon:\t%8llu kB\nRssFile:\t%8llu kB\nRssShmem:\t%8llu kB\nVmData:\t%8llu kB\nVmStk:\t%8llu kB\n",
			   (unsigned long long)READ_ONCE(vm->rss_anon) * kb, (unsigned long long)READ_ONCE(vm->rss_file) * kb,
			   (unsigned long long)READ_ONCE(vm->rss_shmem) * kb, (unsigned long long)READ_ONCE(vm->data_pages) * kb, 132ull);
		seq_printf(s, "VmExe:\t%8llu kB\nVmLib:\t%8llu kB\nVmPTE:\t%8llu kB\nVmSwap:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t0\n",
			   (unsigned long long)(vm->end_code - vm->start_code) / 1024, 0ull, 0ull);
		vm_put(vm);
	}
	seq_printf(s, "Threads:\t%u\nSigQ:\t%u/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n", d.threads,
		   g.queued, (unsigned long long)own.pending_limit, (unsigned long long)g.pending,
		   (unsigned long long)g.shared, (unsigned long long)g.blocked, (unsigned long long)g.ignored, (unsigned long long)g.caught);
	if (c)
		seq_printf(s, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n", (unsigned long long)c->cap_inheritable,
			   (unsigned long long)c->cap_permitted, (unsigned long long)c->cap_effective, (unsigned long long)c->cap_bounding,
			   (unsigned long long)c->cap_ambient);
	seq_printf(s, "NoNewPrivs:\t%d\nSeccomp:\t%u\nSeccomp_filters:\t%u\nSpeculation_Store_Bypass:\tunknown\nCpus_allowed:\t%llx\n", own.no_new_privs,
		   (unsigned)READ_ONCE(t->seccomp_mode), seccomp_filters(t),
		   (unsigned long long)(own.affinity & (cpu_count < 64 ? (1ull << cpu_count) - 1 : ~0ull)));
	seq_printf(s, "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		   (unsigned long long)own.switches[0], (unsigned long long)own.switches[1]);
	if (c)
		cred_put(c);
	return 0;
}

/* Bytes [start, end) of the program's memory. */
static int show_memory(struct seq *s, struct task *t, bool env)
{
	struct vm_space *vm = vm_get_task(t);
	char *buf = kmalloc(PAGE_SIZE, 0);
	uaddr_t at, end;

	if (vm && buf) {
		at = env ? vm->env_start : vm->arg_start;
		end = env ? vm->env_end : vm->arg_end;
		while (at < end) {
			size_t n = vm_access(vm, at, buf, MIN((uint64_t)PAGE_SIZE, end - at), false, true);

			if (!n)
				break;
			seq_write(s, buf, n);
			at += n;
		}
		/* setproctitle(3): a title that overwrote the last NUL goes on into the environment up to a NUL of its own. */
		if (!env && s->len && s->buf[s->len - 1] && vm->env_end > vm->arg_end) {
			s->len = strnlen(s->buf, s->len);
			if (s->len == end - vm->arg_start) {
				size_t n = vm_access(vm, end, buf, MIN((uint64_t)PAGE_SIZE, vm->env_end - end), false, true);

				seq_write(s, buf, strnlen(buf, n));
			}
		}
	}
	kfree(buf);
	if (vm)
		vm_put(vm);
	return 0;
}

static int show_cmdline(struct seq *s, struct task *t) { return show_memory(s, t, false); }
static int show_environ(struct seq *s, struct task *t) { return show_memory(s, t, true); }

static int show_comm(struct seq *s, struct task *t)
{
	struct seen own;

	seen_get(t, &own);
	seq_printf(s, "%s\n", own.comm);
	return 0;
}

static int store_comm(struct task *t, char *text, size_t n)
{
	if (t->process != current->process)
		return -EINVAL;
	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	task_comm_set(t, text);
	return 0;
}

static int show_auxv(struct seq *s, struct task *t)
{
	struct vm_space *vm = vm_get_task(t);

	if (vm) {
		seq_write(s, vm->auxv, MIN(vm->auxv_words, (unsigned)ARRAY_SIZE(vm->auxv)) * sizeof(vm->auxv[0]));
		vm_put(vm);
	}
	return 0;
}

static int show_limits(struct seq *s, struct task *t)
{
	static const struct { enum rlimit_id id; const char *name, *unit; } rows[] = {
		{ RLIMIT_CPU, "Max cpu time", "seconds" }, { RLIMIT_FSIZE, "Max file size", "bytes" }, { RLIMIT_DATA, "Max data size", "bytes" },
		{ RLIMIT_STACK, "Max stack size", "bytes" }, { RLIMIT_CORE, "Max core file size", "bytes" }, { RLIMIT_RSS, "Max resident set", "bytes" },
		{ RLIMIT_NPROC, "Max processes", "processes" }, { RLIMIT_NOFILE, "Max open files", "files" },
		{ RLIMIT_MEMLOCK, "Max locked memory", "bytes" }, { RLIMIT_AS, "Max address space", "bytes" }, { RLIMIT_LOCKS, "Max file locks", "locks" },
		{ RLIMIT_SIGPENDING, "Max pending signals", "signals" }, { RLIMIT_MSGQUEUE, "Max msgqueue size", "bytes" },
		{ RLIMIT_NICE, "Max nice priority", "" }, { RLIMIT_RTPRIO, "Max realtime priority", "" }, { RLIMIT_RTTIME, "Max realtime timeout", "us" },
	};
	struct rlimit lim[RLIMIT_COUNT];
	struct sighand *sh;
	unsigned long flags;

	if (!t->process)
		return -ESRCH;
	sh = process_siglock(t->process, &flags);
	memcpy(lim, t->process->rlimit, sizeof(lim));
	process_sigunlock(sh, flags);
	seq_printf(s, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char v[2][24];

		for (int k = 0; k < 2; k++) {
			uint64_t x = k ? lim[rows[i].id].max : lim[rows[i].id].cur;

			if (x == RLIM_INFINITY)
				strlcpy(v[k], "unlimited", sizeof(v[k]));
			else
				ksnprintf(v[k], sizeof(v[k]), "%llu", (unsigned long long)x);
		}
		seq_printf(s, "%-25s %-20s %-20s %-10s\n", rows[i].name, v[0], v[1], rows[i].unit);
	}
	return 0;
}

static int show_io(struct seq *s, struct task *t)
{
	struct process *p = t->process;

	if (p)
		seq_printf(s, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
			   (unsigned long long)READ_ONCE(p->read_chars), (unsigned long long)READ_ONCE(p->write_chars),
			   (unsigned long long)READ_ONCE(p->read_calls), (unsigned long long)READ_ONCE(p->write_calls));
	return 0;
}

static int show_wchan(struct seq *s, struct task *t)
{
	seq_puts(s, "0");
	return 0;
}

static int show_oom_score_adj(struct seq *s, struct task *t)
{
	seq_printf(s, "%d\n", t->process ? READ_ONCE(t->process->oom_score_adj) : 0);
	return 0;
}

static int store_oom_score_adj(struct task *t, char *text, size_t n)
{
	bool neg = text[0] == '-';
	uint64_t v;
	int adj;

	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (parse_u64(text + neg, 10, &v) || v > 1000 || !t->process)
		return -EINVAL;
	adj = neg ? -(int)v : (int)v;
	if (adj < READ_ONCE(t->process->oom_score_adj) && !capable(CAP_SYS_RESOURCE))
		return -EACCES;
	oom_set_score_adj(t, adj);
	return 0;
}

/* Fault injection as on Linux (Documentation/fault-injection): the n-th allocation from now on fails, once. */
static int show_fail_nth(struct seq *s, struct task *t)
{
	seq_printf(s, "%u\n", READ_ONCE(t->fail_nth));
	return 0;
}

static int store_fail_nth(struct task *t, char *text, size_t n)
{
	uint64_t v;

	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (parse_u64(text, 0, &v) || v > INT32_MAX)
		return -EINVAL;
	WRITE_ONCE(t->fail_nth, (unsigned)v);
	return 0;
}

static int show_oom_score(struct seq *s, struct task *t)
{
	struct vm_space *vm = vm_get_task(t);
	struct mem_info mi;
	int64_t score = 0;

	mem_info_get(&mi);
	if (vm) {
		score = rss_of(vm) * 1000 / (int64_t)MAX(mi.total_pages, (uint64_t)1) + READ_ONCE(t->process->oom_score_adj);
		vm_put(vm);
	}
	seq_printf(s, "%lld\n", (long long)MAX(score, (int64_t)0));
	return 0;
}

static int show_schedstat(struct seq *s, struct task *t)
{
	struct seen own;

	seen_get(t, &own);
	seq_printf(s, "%llu 0 %llu\n", (unsigned long long)task_runtime_ns(t), (unsigned long long)(own.switches[0] + own.switches[1]));
	return 0;
}

static int show_personality(struct seq *s, struct task *t)
{
	struct seen own;

	seen_get(t, &own);
	seq_printf(s, "%08x\n", own.personality);
	return 0;
}

static int show_cgroup(struct seq *s, struct task *t)
{
	seq_puts(s, "0::/\n");
	return 0;
}

static int show_uid_map(struct seq *s, struct task *t)
{
	seq_printf(s, "%10u %10u %10u\n", 0u, 0u, ~0u);
	return 0;
}

/* ---- links ---- */

struct fs_context *proc_fs_context(struct task *t)
{
	struct fs_context *c;

	rcu_read_lock();
	c = rcu_dereference(t->fs);
	if (c && !ref_get_unless_zero(&c->refs))
		c = NULL;
	rcu_read_unlock();
	return c;
}

static int fs_link(struct task *t, bool root, struct path *out)
{
	struct fs_context *c = proc_fs_context(t);
	int err = -ENOENT;

	if (!c)
		return err;
	spin_lock(&c->lock);
	*out = root ? c->root : c->cwd;
	if (out->dentry) {
		path_get(out);
		err = 0;
	}
	spin_unlock(&c->lock);
	fs_context_put(c);
	return err;
}

static int link_root(struct task *t, int fd, struct path *out) { return fs_link(t, true, out); }
static int link_cwd(struct task *t, int fd, struct path *out) { return fs_link(t, false, out); }

static int link_exe(struct task *t, int fd, struct path *out)
{
	struct vm_space *vm = vm_get_task(t);
	int err = -ENOENT;

	if (!vm)
		return err;
	rwsem_read_lock(&vm->lock);
	if (vm->exe) {
		*out = vm->exe->path;
		path_get(out);
		err = 0;
	}
	rwsem_read_unlock(&vm->lock);
	vm_put(vm);
	return err;
}

static int link_mnt_ns(struct task *t, int fd, struct path *out)
{
	struct mount_ns *ns = mount_ns_of_task(t);
	int err = ns ? nsfs_path(ns, out) : -ENOENT;

	if (ns)
		mount_ns_put(ns);
	return err;
}

static const struct proc_node ns_nodes[] = {
	{ .name = "mnt", .mode = S_IFLNK | 0777, .link = link_mnt_ns, .flags = PROC_NO_SIZE },
};

const struct proc_node proc_pid_nodes[] = {
	PROC_FILE("stat", 0444, show_stat),
	PROC_FILE("statm", 0444, show_statm),
	PROC_FILE("status", 0444, show_status),
	PROC_FILE("cmdline", 0444, show_cmdline),
	{ .name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm },
	{ .name = "environ", .mode = S_IFREG | 0400, .show = show_environ, .flags = PROC_PTRACE | PROC_OF_VM },
	{ .name = "maps", .mode = S_IFREG | 0444, .show = proc_show_maps, .flags = PROC_PTRACE | PROC_OF_VM },
	{ .name = "smaps", .mode = S_IFREG | 0444, .show = proc_show_smaps, .flags = PROC_PTRACE | PROC_OF_VM },
	{ .name = "smaps_rollup", .mode = S_IFREG | 0444, .show = proc_show_smaps_rollup, .flags = PROC_PTRACE | PROC_OF_VM },
	{ .name = "mem", .mode = S_IFREG | 0600, .fops = &proc_mem_fops, .flags = PROC_PTRACE },
	{ .name = "auxv", .mode = S_IFREG | 0400, .show = show_auxv, .flags = PROC_PTRACE | PROC_OF_VM },
	{ .name = "fd", .mode = S_IFDIR | 0500, .lookup = proc_fd_lookup, .iterate = proc_fd_iterate, .flags = PROC_PTRACE },
	{ .name = "fdinfo", .mode = S_IFDIR | 0555, .lookup = proc_fdinfo_lookup, .iterate = proc_fdinfo_iterate, .flags = PROC_PTRACE },
	{ .name = "task", .mode = S_IFDIR | 0555, .lookup = proc_task_lookup, .iterate = proc_task_iterate, .flags = PROC_GROUP_ONLY },
	{ .name = "cwd", .mode = S_IFLNK | 0777, .link = link_cwd },
	{ .name = "root", .mode = S_IFLNK | 0777, .link = link_root },
	{ .name = "exe", .mode = S_IFLNK | 0777, .link = link_exe },
	{ .name = "ns", .mode = S_IFDIR | 0511, .children = ns_nodes, .nchildren = ARRAY_SIZE(ns_nodes) },
	PROC_FILE("mounts", 0444, proc_show_mounts),
	PROC_FILE("mountinfo", 0444, proc_show_mountinfo),
	PROC_FILE("limits", 0444, show_limits),
	{ .name = "io", .mode = S_IFREG | 0400, .show = show_io, .flags = PROC_PTRACE },
	PROC_FILE("wchan", 0444, show_wchan),
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, .show = show_oom_score_adj, .store = store_oom_score_adj },
	PROC_FILE("oom_score", 0444, show_oom_score),
	{ .name = "fail-nth", .mode = S_IFREG | 0644, .show = show_fail_nth, .store = store_fail_nth },
	PROC_FILE("schedstat", 0444, show_schedstat),
	{ .name = "personality", .mode = S_IFREG | 0400, .show = show_personality, .flags = PROC_PTRACE },
	PROC_FILE("cgroup", 0444, show_cgroup),
	PROC_FILE("uid_map", 0444, show_uid_map),
	PROC_FILE("gid_map", 0444, show_uid_map),
};
const unsigned proc_pid_count = ARRAY_SIZE(proc_pid_nodes);
const struct proc_node proc_pid_dir = { .name = "pid", .mode = S_IFDIR | 0555, .children = proc_pid_nodes, .nchildren = ARRAY_SIZE(proc_pid_nodes) };
const struct proc_node proc_tid_dir = { .name = "tid", .mode = S_IFDIR | 0555, .children = proc_pid_nodes, .nchildren = ARRAY_SIZE(proc_pid_nodes) };
