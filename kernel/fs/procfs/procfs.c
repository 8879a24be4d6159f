/* SPDX-License-Identifier: MIT */
/*
 * procfs (proc(5)): inodes made from tables when they are looked up.
 *
 * Constant entries are cached like any file's; what belongs to a task is not
 * (DENTRY_NOCACHE): a number may belong to another task at the next look.
 * Such an inode holds a reference on the struct pid, which is never reused.
 *
 * A file's text is made as a whole when it is read from offset 0 and kept by
 * the open file, so that a reader in small pieces sees one state.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/vm.h>
#include "procfs.h"

static const struct inode_ops proc_dir_ops, proc_file_ops_i, proc_link_ops;
static const struct file_ops proc_dir_fops, proc_file_fops;

struct proc_inode *proc_i(const struct inode *i) { return i->fs_private; }

struct task *proc_task(const struct inode *i)
{
	struct proc_inode *pi = proc_i(i);

	return pi->pid ? pid_task(pi->pid) : NULL;
}

bool proc_may_trace(struct task *t)
{
	const struct cred *c = current->cred;
	struct cred *tc;
	bool ok;

	if (!t->process || t->process == current->process || !c || capable(CAP_SYS_PTRACE))
		return true;
	tc = task_cred_get(t);
	ok = tc && task_dumpable(t) && c->fsuid == tc->euid && c->fsuid == tc->suid && c->fsuid == tc->uid && c->fsgid == tc->egid &&
	     c->fsgid == tc->sgid && c->fsgid == tc->gid;
	if (tc)
		cred_put(tc);
	return ok;
}

uint64_t proc_vm(struct task *t)
{
	struct vm_space *vm = vm_get_task(t);
	uint64_t id = vm ? vm->id : 0;

	if (vm)
		vm_put(vm);
	return id;
}

static uint64_t proc_ino(const struct proc_node *n, struct pid *pid, bool thread, int fd)
{
	uint64_t h = (uintptr_t)n >> 3;

	h = (h ^ (pid ? (uint64_t)pid->nr << 20 : 0) ^ (thread ? 1ull << 50 : 0) ^ (uint64_t)(unsigned)fd << 1) * 0x9e3779b97f4a7c15ull;
	return (h >> 20) | 1ull << 32;
}

int proc_instantiate(struct super *s, struct dentry *d, const struct proc_node *n, struct pid *pid, bool thread, int fd)
{
	struct proc_inode *pi = kzalloc(sizeof(*pi), 0);
	struct inode *i = pi ? inode_new(s, 0) : NULL;

	if (!i) {
		kfree(pi);
		pid_put(pid);
		return -ENOMEM;
	}
	*pi = (struct proc_inode){ .node = n, .pid = pid, .thread = thread, .fd = fd };
	i->ino = proc_ino(n, pid, thread, fd);
	i->fs_private = pi;
	i->mode = n->mode;
	i->atime = i->mtime = i->ctime = inode_now();
	i->blksize = 1024;
	switch (n->mode & S_IFMT) {
	case S_IFDIR:
		i->ops = &proc_dir_ops;
		i->fops = &proc_dir_fops;
		WRITE_ONCE(i->nlink, 2);	/* a remount looks at all that there are */
		for (unsigned k = 0; k < n->nchildren; k++)
			inode_links(i, S_ISDIR(n->children[k].mode));
		break;
	case S_IFLNK:
		i->ops = &proc_link_ops;
		i->size = n->link && !(n->flags & PROC_NO_SIZE) ? 64 : 0;
		break;
	default:
		i->ops = &proc_file_ops_i;
		i->fops = n->fops ? n->fops : &proc_file_fops;
		break;
	}
	if (pid)
		d->flags |= DENTRY_NOCACHE;
	if (i->ops->getattr)
		(void)i->ops->getattr(i);
	d_instantiate(d, i);
	return 0;
}

void proc_evict(struct inode *i)
{
	struct proc_inode *pi = i->fs_private;

	if (!pi)
		return;
	pid_put(pi->pid);
	kfree(pi);
	i->fs_private = NULL;
}

/* What belongs to a task belongs to its effective user, unless it may not be dumped. */
static int proc_getattr(struct inode *i)
{
	struct proc_inode *pi = proc_i(i);
	struct task *t;
	struct cred *c;

	if (!pi->pid)
		return 0;
	t = proc_task(i);
	if (!t)
		return -ENOENT;
	c = pi->node == &proc_pid_dir || pi->node == &proc_tid_dir || (READ_ONCE(t->vm) && task_dumpable(t)) ? task_cred_get(t) : NULL;
	WRITE_ONCE(i->uid, c ? c->euid : 0);
	WRITE_ONCE(i->gid, c ? c->egid : 0);
	if (c)
		cred_put(c);
	task_put(t);
	return 0;
}

static int proc_setattr(struct inode *i, const struct inode_attr *a)
{
	/* open(2) with O_TRUNC of a setting: nothing to cut. */
	if (a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	return 0;
}

/* ---- directories ---- */

static bool proc_gone(const struct inode *i)
{
	struct task *t = proc_i(i)->pid ? proc_task(i) : NULL;

	if (t)
		task_put(t);
	return !t && proc_i(i)->pid;
}

static int proc_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_inode *pi = proc_i(dir);
	const struct proc_node *n = pi->node;

	if (pi->pid)
		d->flags |= DENTRY_NOCACHE;
	if (proc_gone(dir))
		return -ENOENT;
	for (unsigned k = 0; k < n->nchildren; k++) {
		const struct proc_node *c = &n->children[k];

		if (strlen(c->name) != d->name.len || memcmp(c->name, d->name.name, d->name.len) ||
		    ((c->flags & PROC_GROUP_ONLY) && pi->thread))
			continue;
		if (pi->pid)
			pid_get(pi->pid);
		return proc_instantiate(dir->super, d, c, pi->pid, pi->thread, pi->pid ? -1 : pi->fd);
	}
	return n->lookup ? n->lookup(dir, d) : 0;
}

static int proc_iterate(struct file *f, struct dir_context *ctx)
{
	struct proc_inode *pi = proc_i(f->inode);
	const struct proc_node *n = pi->node;

	if (proc_gone(f->inode))
		return -ENOENT;
	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, f->inode->ino, DT_DIR))
			return 0;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		struct dentry *up = dentry_get_parent(f->path.dentry);
		uint64_t ino = up->inode->ino;

		dentry_put(up);
		if (!ctx->emit(ctx, "..", 2, ino, DT_DIR))
			return 0;
		ctx->pos = 2;
	}
	while (ctx->pos - 2 < n->nchildren) {
		const struct proc_node *c = &n->children[ctx->pos - 2];

		if (!((c->flags & PROC_GROUP_ONLY) && pi->thread) &&
		    !ctx->emit(ctx, c->name, (unsigned)strlen(c->name), proc_ino(c, pi->pid, pi->thread, pi->pid ? -1 : pi->fd), MODE_TO_DT(c->mode)))
			return 0;
		ctx->pos++;
	}
	return n->iterate ? n->iterate(f, ctx) : 0;
}

static int proc_permission(struct inode *i, unsigned mask)
{
	struct proc_inode *pi = proc_i(i);
	const struct cred *c = current->cred;
	uint32_t mode = inode_mode(i);
	struct task *t;
	bool ok = true;

	if (pi->node->flags & PROC_PTRACE) {
		t = proc_task(i);
		if (!t)
			return -ESRCH;
		ok = proc_may_trace(t);
		task_put(t);
	}
	if (!ok)
		return -EACCES;
	if (!c || capable(CAP_DAC_OVERRIDE))
		return (mask & MAY_EXEC) && !(mode & 0111) ? -EACCES : 0;
	if (c->fsuid == READ_ONCE(i->uid))
		mode >>= 6;
	else if (cred_in_group_fs(READ_ONCE(i->gid)))
		mode >>= 3;
	return mask & 7 & ~mode ? -EACCES : 0;
}

/* ---- links ---- */

static int proc_readlink(struct inode *i, char *buf, size_t max)
{
	struct proc_inode *pi = proc_i(i);
	const struct proc_node *n = pi->node;
	struct task *t;
	struct path p;
	char *name;
	int ret;

	if (n->target)
		return (int)MIN(strlcpy(buf, n->target, max), max - 1);
	if (n->readlink)
		return n->readlink(current, buf, max);
	t = proc_task(i);
	if (!t)
		return -ENOENT;
	ret = proc_may_trace(t) ? n->link(t, pi->fd, &p) : -EACCES;
	task_put(t);
	if (ret)
		return ret;
	name = path_name(&p, buf, max);
	path_put(&p);
	if (!name)
		return -ENAMETOOLONG;
	ret = (int)strlen(name);
	memmove(buf, name, (size_t)ret + 1);
	return ret;
}

static int proc_get_link(struct inode *i, struct path *out)
{
	struct proc_inode *pi = proc_i(i);
	struct task *t;
	int err;

	if (!pi->node->link)
		return -EINVAL;		/* has a text */
	t = proc_task(i);
	if (!t)
		return -ENOENT;
	err = proc_may_trace(t) ? pi->node->link(t, pi->fd, out) : -EACCES;
	task_put(t);
	return err;
}

/* ---- files ---- */

void seq_write(struct seq *s, const void *p, size_t n)
{
	if (s->error)
		return;
	if (s->max - s->len < n + 1) {
		size_t max = MAX(s->max * 2, s->len + n + 1);
		char *b = krealloc(s->buf, MAX(max, (size_t)1024), 0);

		if (!b) {
			s->error = -ENOMEM;
			return;
		}
		s->buf = b;
		s->max = MAX(max, (size_t)1024);
	}
	memcpy(s->buf + s->len, p, n);
	s->len += n;
	s->buf[s->len] = '\0';
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	seq_write(s, line, MIN((size_t)n, sizeof(line) - 1));
}

void seq_escape(struct seq *s, const char *t, const char *escape)
{
	for (; *t; t++) {
		if (*t == '\\' || strchr(escape, *t))
			seq_printf(s, "\\%03o", (unsigned)(uint8_t)*t);
		else
			seq_write(s, t, 1);
	}
}

void seq_path_from(struct seq *s, const struct path *root, const struct path *p, const char *escape)
{
	char *buf = kmalloc(PATH_MAX, 0), *name;

	if (!buf) {
		s->error = -ENOMEM;
		return;
	}
	name = root ? path_name_from(root, p, buf, PATH_MAX) : path_name(p, buf, PATH_MAX);
	if (name)
		seq_escape(s, name, escape);
	kfree(buf);
}

void seq_path(struct seq *s, const struct path *p, const char *escape) { seq_path_from(s, NULL, p, escape); }

/* What an open file shows.  Its offset is locked while it is read, but pread(2) has one of its own. */
struct text { struct mutex lock; struct seq s; /* [lock] */ uint64_t vm; /* [I] PROC_OF_VM: proc_vm() when it was opened */ };

static int proc_open(struct inode *i, struct file *f)
{
	const struct proc_node *n = proc_i(i)->node;
	struct text *text;
	struct task *t;
	uint64_t vm = 0;
	bool ok;

	if (n->flags & PROC_PTRACE) {
		t = proc_task(i);
		if (!t)
			return -ESRCH;
		vm = proc_vm(t);
		ok = proc_may_trace(t);		/* that program, or a later one, of which nothing will be shown */
		task_put(t);
		if (!ok)
			return -EACCES;
	}
	text = kzalloc(sizeof(*text), 0);
	if (!text)
		return -ENOMEM;
	mutex_init(&text->lock, LOCK_PROC_TEXT);
	text->vm = vm;
	f->private = text;
	return 0;
}

static void proc_release(struct file *f)
{
	struct text *text = f->private;

	kfree(text->s.buf);
	kfree(text);
}

/* What was made may tell of a program that has been executed since the file was opened: is it this reader's to see? */
static int text_check(const struct proc_node *n, struct task *t, struct text *text)
{
	if (n->flags & PROC_OF_VM) {
		if (proc_vm(t) != text->vm)
			text->s.len = 0;
		return 0;
	}
	return n->flags & PROC_PTRACE && !proc_may_trace(t) ? -EACCES : 0;
}

/* [text] */
static int64_t text_read(struct proc_inode *pi, struct file *f, struct text *text, struct uio *u, uint64_t *pos)
{
	struct seq *s = &text->s;
	struct task *t = NULL;
	size_t n;
	int err;

	if (*pos == 0 || !s->buf) {
		s->len = 0;
		s->error = 0;
		if (pi->pid && !(t = proc_task(f->inode)))
			return -ESRCH;
		err = pi->node->show_nr ? pi->node->show_nr(s, pi->fd) : pi->node->show(s, t);
		if (!err && t)
			err = text_check(pi->node, t, text);
		if (t)
			task_put(t);
		if (!err)
			err = s->error;
		if (err) {
			s->len = 0;
			return err;
		}
	}
	if (*pos >= s->len)
		return 0;
	n = uio_copy_to(u, s->buf + *pos, MIN(u->left, s->len - *pos));
	if (!n && u->left)
		return -EFAULT;
	*pos += n;
	return (int64_t)n;
}

static int64_t proc_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct proc_inode *pi = proc_i(f->inode);
	struct text *text = f->private;
	int64_t n;

	if (!pi->node->show && !pi->node->show_nr)
		return -EINVAL;
	mutex_lock(&text->lock);
	n = text_read(pi, f, text, u, pos);
	mutex_unlock(&text->lock);
	return n;
}

static int64_t proc_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct proc_inode *pi = proc_i(f->inode);
	size_t n = MIN(u->left, PAGE_SIZE - 1);
	struct task *t = NULL;
	char *text;
	int err;

	if (!pi->node->store && !pi->node->store_nr)
		return -EIO;
	text = kmalloc(n + 1, 0);
	if (!text)
		return -ENOMEM;
	if (uio_copy_from(u, text, n) < n) {
		kfree(text);
		return -EFAULT;
	}
	text[n] = '\0';
	if (pi->pid && !(t = proc_task(f->inode)))
		err = -ESRCH;
	else if (pi->node->store_nr)
		err = pi->node->store_nr(pi->fd, text, n);
	else
		err = pi->node->store(t, text, n);
	if (t)
		task_put(t);
	kfree(text);
	if (err)
		return err;
	*pos += n;
	return (int64_t)n;
}

static const struct inode_ops proc_dir_ops = { .lookup = proc_lookup, .getattr = proc_getattr, .setattr = proc_setattr,
	.permission = proc_permission };
static const struct inode_ops proc_file_ops_i = { .getattr = proc_getattr, .setattr = proc_setattr, .permission = proc_permission };
static const struct inode_ops proc_link_ops = { .readlink = proc_readlink, .get_link = proc_get_link, .getattr = proc_getattr,
	.setattr = proc_setattr, .permission = proc_permission };
static const struct file_ops proc_dir_fops = { .iterate = proc_iterate, .llseek = vfs_llseek };
static const struct file_ops proc_file_fops = { .open = proc_open, .release = proc_release, .read = proc_read, .write = proc_write,
	.llseek = vfs_llseek };

/* ---- the root: processes by number, then the system's files ---- */

bool parse_number(const struct qstr *q, unsigned *out)
{
	uint64_t v = 0;

	if (!q->len || (q->len > 1 && q->name[0] == '0'))
		return false;
	for (unsigned i = 0; i < q->len; i++) {
		if (q->name[i] < '0' || q->name[i] > '9' || v > INT32_MAX / 10)
			return false;
		v = v * 10 + (uint64_t)(q->name[i] - '0');
	}
	*out = (unsigned)v;
	return v <= INT32_MAX;
}

static int root_lookup(struct inode *dir, struct dentry *d)
{
	struct pid *pid;
	struct task *t;
	unsigned nr;

	if (!parse_number(&d->name, &nr))
		return 0;
	d->flags |= DENTRY_NOCACHE;
	t = task_find((pid_t)nr);
	if (!t)
		return 0;
	pid = t->process ? pid_find((pid_t)nr) : NULL;
	task_put(t);
	/* A thread's number is found, but not listed. */
	return pid ? proc_instantiate(dir->super, d, &proc_pid_dir, pid, false, -1) : 0;
}

static int root_iterate(struct file *f, struct dir_context *ctx)
{
	const uint64_t first = 2 + proc_system_count;

	for (;;) {
		pid_t nr = pid_next((pid_t)(ctx->pos - first), NULL);
		char name[16];
		int n;

		if (!nr)
			return 0;
		n = ksnprintf(name, sizeof(name), "%d", nr);
		if (!ctx->emit(ctx, name, (unsigned)n, (uint64_t)nr | 1ull << 40, DT_DIR))
			return 0;
		ctx->pos = first + (uint64_t)nr + 1;
	}
}

static struct proc_node proc_root = { .name = "/", .mode = S_IFDIR | 0555, .lookup = root_lookup, .iterate = root_iterate };

static int proc_statfs(struct super *s, struct abi_statfs *out)
{
	out->f_type = 0x9fa0;
	return 0;
}
static const struct super_ops proc_super_ops = { .evict_inode = proc_evict, .statfs = proc_statfs };

int proc_make_super(const struct filesystem *fs, const struct proc_node *root, const struct super_ops *ops, struct super **out)
{
	struct super *s = super_alloc(fs);
	struct proc_inode *pi = kzalloc(sizeof(*pi), 0);
	struct inode *i = s && pi ? inode_new(s, 0) : NULL;

	if (!i) {
		kfree(pi);
		if (s)
			super_put(s);
		return -ENOMEM;
	}
	s->block_size = 1024;
	WRITE_ONCE(s->flags, SUPER_NOEXEC);
	store_release(&s->ops, ops);	/* a sync(2) may look at it already */
	pi->node = root;
	pi->fd = -1;
	i->fs_private = pi;
	i->ino = 1;
	i->mode = root->mode;
	i->nlink = 2;
	i->atime = i->mtime = i->ctime = inode_now();
	i->ops = &proc_dir_ops;
	i->fops = &proc_dir_fops;
	s->root = d_make_root(i);
	if (!s->root) {
		super_put(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

static int proc_mount(const struct filesystem *fs, const char *source, unsigned flags, const char *data, struct super **out)
{
	return proc_make_super(fs, &proc_root, &proc_super_ops, out);
}

struct pid *procfs_pid(struct file *f)
{
	struct inode *i = f->path.dentry ? f->path.dentry->inode : NULL;

	return i && i->super && i->super->fs->mount == proc_mount && proc_i(i)->node == &proc_pid_dir ? proc_i(i)->pid : NULL;
}

static struct filesystem proc_type = { .name = "proc", .mount = proc_mount };

void procfs_init(void)
{
	proc_root.children = proc_system_nodes;
	proc_root.nchildren = proc_system_count;
	filesystem_register(&proc_type);
}
