/* SPDX-License-Identifier: MIT */
/* /proc/PID/fd, fdinfo and task: entries by number. */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "procfs.h"

static int fd_link(struct task *t, int fd, struct path *out)
{
	struct file *f = fd_get_task(t, fd);

	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

/* The owner's bits of a link say how the file is open. */
static const struct proc_node fd_nodes[4] = {
	{ .name = "fd", .mode = S_IFLNK | 0100, .link = fd_link },
	{ .name = "fd", .mode = S_IFLNK | 0500, .link = fd_link },
	{ .name = "fd", .mode = S_IFLNK | 0300, .link = fd_link },
	{ .name = "fd", .mode = S_IFLNK | 0700, .link = fd_link },
};

int proc_fd_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_inode *pi = proc_i(dir);
	struct task *t;
	struct file *f;
	unsigned fd, kind;

	if (!parse_number(&d->name, &fd))
		return 0;
	t = proc_task(dir);
	if (!t)
		return 0;
	f = proc_may_trace(t) ? fd_get_task(t, (int)fd) : NULL;
	task_put(t);
	if (!f)
		return 0;
	kind = (f->mode & (FMODE_READ | FMODE_PATH) ? 1 : 0) | (f->mode & (FMODE_WRITE | FMODE_PATH) ? 2 : 0);
	file_put(f);
	pid_get(pi->pid);
	return proc_instantiate(dir->super, d, &fd_nodes[kind], pi->pid, pi->thread, (int)fd);
}

static int fd_iterate(struct file *dir, struct dir_context *ctx, unsigned type)
{
	struct task *t = proc_task(dir->inode);
	unsigned max;

	if (!t)
		return -ENOENT;
	max = proc_may_trace(t) ? files_max(t) : 0;
	for (; ctx->pos - 2 < max; ctx->pos++) {
		struct file *f = fd_get_task(t, (int)(ctx->pos - 2));
		char name[16];
		int n;

		if (!f)
			continue;
		file_put(f);
		n = ksnprintf(name, sizeof(name), "%u", (unsigned)(ctx->pos - 2));
		if (!ctx->emit(ctx, name, (unsigned)n, ctx->pos + 1, type))
			break;
	}
	task_put(t);
	return 0;
}

int proc_fd_iterate(struct file *f, struct dir_context *ctx) { return fd_iterate(f, ctx, DT_LNK); }
int proc_fdinfo_iterate(struct file *f, struct dir_context *ctx) { return fd_iterate(f, ctx, DT_REG); }

/* ---- fdinfo ---- */

static int fdinfo_open(struct inode *i, struct file *f)
{
	return 0;
}

static int64_t fdinfo_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct task *t = proc_task(f->inode);
	struct seq s = { 0 };
	struct file *of;
	int64_t n = 0;
	char *extra;

	if (!t)
		return -ESRCH;
	of = fd_get_task(t, proc_i(f->inode)->fd);
	task_put(t);
	if (!of)
		return -ENOENT;
	seq_printf(&s, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (unsigned long long)READ_ONCE(of->pos), READ_ONCE(of->flags), of->path.mnt ? of->path.mnt->id : 0,
		   (unsigned long long)of->inode->ino);
	if (of->ops && of->ops->show_fdinfo && (extra = kzalloc(PAGE_SIZE, 0))) {
		of->ops->show_fdinfo(of, extra, PAGE_SIZE);
		seq_puts(&s, extra);
		kfree(extra);
	}
	file_put(of);
	if (s.error)
		n = s.error;
	else if (*pos < s.len)
		n = (int64_t)uio_copy_to(u, s.buf + *pos, MIN(u->left, s.len - *pos));
	if (n > 0)
		*pos += (uint64_t)n;
	kfree(s.buf);
	return n;
}

static const struct file_ops fdinfo_fops = { .open = fdinfo_open, .read = fdinfo_read, .llseek = vfs_llseek };
static const struct proc_node fdinfo_node = { .name = "fdinfo", .mode = S_IFREG | 0444, .flags = PROC_PTRACE, .fops = &fdinfo_fops };

int proc_fdinfo_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_inode *pi = proc_i(dir);
	struct task *t;
	struct file *f;
	unsigned fd;

	if (!parse_number(&d->name, &fd) || !(t = proc_task(dir)))
		return 0;
	f = fd_get_task(t, (int)fd);
	task_put(t);
	if (!f)
		return 0;
	file_put(f);
	pid_get(pi->pid);
	return proc_instantiate(dir->super, d, &fdinfo_node, pi->pid, pi->thread, (int)fd);
}

/* ---- task/: the threads ---- */

int proc_task_lookup(struct inode *dir, struct dentry *d)
{
	struct task *leader, *t;
	struct pid *pid;
	unsigned nr;
	bool same;

	if (!parse_number(&d->name, &nr) || !(leader = proc_task(dir)))
		return 0;
	t = task_find((pid_t)nr);
	same = t && t->process == leader->process;
	if (t)
		task_put(t);
	task_put(leader);
	pid = same ? pid_find((pid_t)nr) : NULL;
	return pid ? proc_instantiate(dir->super, d, &proc_tid_dir, pid, true, -1) : 0;
}

int proc_task_iterate(struct file *f, struct dir_context *ctx)
{
	struct task *leader = proc_task(f->inode);

	if (!leader)
		return -ENOENT;
	for (;;) {
		pid_t nr = pid_next((pid_t)(ctx->pos - 2), leader->process);
		char name[16];
		int n;

		if (!nr)
			break;
		n = ksnprintf(name, sizeof(name), "%d", nr);
		if (!ctx->emit(ctx, name, (unsigned)n, (uint64_t)nr | 1ull << 41, DT_DIR))
			break;
		ctx->pos = 2 + (uint64_t)nr + 1;
	}
	task_put(leader);
	return 0;
}
