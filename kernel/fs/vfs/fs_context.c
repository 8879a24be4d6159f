/* SPDX-License-Identifier: MIT */
/*
 * A task's root, working directory and file-creation mask, shared by
 * CLONE_FS; the calls that change them.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

struct fs_context init_fs_context = { .refs = { 1 }, .lock = SPINLOCK_INIT(FS_CONTEXT), .umask = 022 };

struct fs_context *fs_context_copy(struct fs_context *old)
{
	struct fs_context *c = kzalloc(sizeof(*c), 0);

	if (!c)
		return NULL;
	ref_init(&c->refs);
	c->tasks = 1;
	spin_init(&c->lock, LOCK_FS_CONTEXT);
	spin_lock(&old->lock);
	c->root = old->root;
	c->cwd = old->cwd;
	c->umask = old->umask;
	c->ns = old->ns;
	if (c->ns)
		mount_ns_get(c->ns);
	if (c->root.dentry) {
		path_get(&c->root);
		path_get(&c->cwd);
	}
	spin_unlock(&old->lock);
	return c;
}

void fs_context_share(struct fs_context *c)
{
	__atomic_add_fetch(&c->tasks, 1, __ATOMIC_RELAXED);
	ref_get(&c->refs);
}

void fs_context_leave(struct fs_context *c)
{
	__atomic_sub_fetch(&c->tasks, 1, __ATOMIC_RELAXED);
	fs_context_put(c);
}

static void fs_context_free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct fs_context, rcu));
}

void fs_context_put(struct fs_context *c)
{
	if (!ref_put(&c->refs))
		return;
	if (c->root.dentry) {
		path_put(&c->root);
		path_put(&c->cwd);
	}
	if (c->ns)
		mount_ns_put(c->ns);
	/* pivot_root() and procfs look at the contexts of others. */
	rcu_call(&c->rcu, fs_context_free_rcu);
}

/* Takes the reference. */
static void set_cwd(struct path p)
{
	struct fs_context *c = current->fs;
	struct path old;

	spin_lock(&c->lock);
	old = c->cwd;
	fs_context_change(c, &c->cwd, &p);
	spin_unlock(&c->lock);
	path_put(&old);
}

long sys_chdir(uaddr_t name)
{
	struct path p;
	int err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_EXEC);
	if (err) {
		path_put(&p);
		return err;
	}
	set_cwd(p);
	return 0;
}

long sys_fchdir(int fd)
{
	struct file *f = fd_get_any(fd);
	int err;

	if (!f)
		return -EBADF;
	if (!S_ISDIR(inode_mode(f->inode)))
		err = -ENOTDIR;
	else
		err = inode_permission(f->inode, MAY_EXEC);
	if (!err) {
		path_get(&f->path);
		set_cwd(f->path);
	}
	file_put(f);
	return err;
}

long sys_chroot(uaddr_t name)
{
	struct fs_context *c = current->fs;
	struct path p, old;
	int err = path_lookup_user(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (err)
		return err;
	err = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!err && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (err) {
		path_put(&p);
		return err;
	}
	spin_lock(&c->lock);
	old = c->root;
	fs_context_change(c, &c->root, &p);
	spin_unlock(&c->lock);
	path_put(&old);
	return 0;
}

long sys_getcwd(uaddr_t ubuf, size_t size)
{
	struct path cwd;
	char *buf = kmalloc(PATH_MAX, 0), *name;
	long ret;
	size_t n;

	if (!buf)
		return -ENOMEM;
	spin_lock(&current->fs->lock);
	cwd = current->fs->cwd;
	path_get(&cwd);
	spin_unlock(&current->fs->lock);
	if (d_unlinked(cwd.dentry)) {
		ret = -ENOENT;
	} else if (!(name = path_name(&cwd, buf, PATH_MAX))) {
		ret = -ENAMETOOLONG;
	} else {
		n = strlen(name) + 1;
		if (n > size)
			ret = -ERANGE;
		else
			ret = copy_to_user(ubuf, name, n) ? -EFAULT : (long)n;
	}
	path_put(&cwd);
	kfree(buf);
	return ret;
}

long sys_umask(unsigned mask)
{
	struct fs_context *c = current->fs;
	uint32_t old;

	spin_lock(&c->lock);
	old = c->umask;
	WRITE_ONCE(c->umask, mask & 0777);
	spin_unlock(&c->lock);
	return old;
}
