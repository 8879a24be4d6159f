/* SPDX-License-Identifier: MIT */
/*
 * rename(2), renameat2(2).
 *
 * Lock order: the super block's rename_lock if the directories differ (nothing
 * moves under us then, so ancestry can be asked), then the two directories,
 * ancestor first, by address if neither is the other's, then the two inodes
 * that are renamed: a directory before what is not one, by address among equals.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

static void lock_dirs(struct dentry *a, struct dentry *b) NO_TSA
{
	struct inode *first = a->inode, *second = b->inode;

	if (a == b) {
		rwsem_write_lock(&first->lock);
		return;
	}
	if (d_is_ancestor(b, a) || (!d_is_ancestor(a, b) && second < first)) {
		first = b->inode;
		second = a->inode;
	}
	rwsem_write_lock(&first->lock);
	rwsem_write_lock_nested(&second->lock);
}

static void unlock_dirs(struct dentry *a, struct dentry *b) NO_TSA
{
	rwsem_write_unlock(&a->inode->lock);
	if (a != b)
		rwsem_write_unlock(&b->inode->lock);
}

/* The inodes that change: s always, t if there is one. */
static void lock_subjects(struct inode *s, struct inode *t) NO_TSA
{
	bool swap;

	if (!t || t == s) {
		rwsem_write_lock_nested(&s->lock);
		return;
	}
	swap = S_ISDIR(inode_mode(t)) != S_ISDIR(inode_mode(s)) ? S_ISDIR(inode_mode(t)) : t < s;
	rwsem_write_lock_nested(swap ? &t->lock : &s->lock);
	rwsem_write_lock_nested(swap ? &s->lock : &t->lock);
}

static void unlock_subjects(struct inode *s, struct inode *t) NO_TSA
{
	if (t && t != s)
		rwsem_write_unlock(&t->lock);
	rwsem_write_unlock(&s->lock);
}

/* Both directories are locked.  Linux's vfs_rename. */
static int rename_locked(struct dentry *op, struct dentry *od, struct dentry *np, struct dentry *nd, unsigned flags)
{
	struct inode *odir = op->inode, *ndir = np->inode, *s = od->inode, *t = nd->inode;
	bool isdir = S_ISDIR(inode_mode(s)), tdir = t && S_ISDIR(inode_mode(t));
	uint32_t cookie;
	int err;

	if (s == t)
		return 0;
	err = may_delete(odir, od, isdir);
	if (err)
		return err;
	if (!t)
		err = may_create(ndir);
	else if (flags & RENAME_EXCHANGE)
		err = may_delete(ndir, nd, tdir);
	else
		err = may_delete(ndir, nd, isdir);
	if (err)
		return err;
	if (!odir->ops->rename)
		return -EPERM;
	/* A directory that changes its parent has its .. written. */
	if (op != np) {
		if (isdir)
			err = inode_permission(s, MAY_WRITE);
		if (!err && (flags & RENAME_EXCHANGE) && tdir)
			err = inode_permission(t, MAY_WRITE);
		if (err)
			return err;
	}
	inode_get(s);
	if (t)
		inode_get(t);
	lock_subjects(s, t);
	if (mount_point_here(od) || mount_point_here(nd))
		err = -EBUSY;
	else
		err = odir->ops->rename(odir, od, ndir, nd, flags);
	if (!err) {
		cookie = notify_cookie();
		notify_name(odir, od->name.name, od->name.len, IN_MOVED_FROM, cookie, isdir);
		notify_name(ndir, nd->name.name, nd->name.len, IN_MOVED_TO, cookie, isdir);
		if (flags & RENAME_EXCHANGE) {
			cookie = notify_cookie();
			notify_name(ndir, nd->name.name, nd->name.len, IN_MOVED_FROM, cookie, tdir);
			notify_name(odir, od->name.name, od->name.len, IN_MOVED_TO, cookie, tdir);
		}
		d_move(od, nd, flags & RENAME_EXCHANGE);
		if (t && tdir && !(flags & RENAME_EXCHANGE))
			d_prune_children(nd);
	}
	unlock_subjects(s, t);
	if (!err) {
		if (t && !(flags & RENAME_EXCHANGE))
			notify_self(t, IN_ATTRIB);
		notify_self(s, IN_MOVE_SELF);
	}
	if (t)
		inode_put(t);
	inode_put(s);
	return err;
}

static int do_rename(struct walk *ow, struct walk *nw, unsigned flags) NO_TSA
{
	struct dentry *op = ow->path.dentry, *np = nw->path.dentry, *od = NULL, *nd = NULL;
	struct super *s = op->super;
	int err;

	if (ow->path.mnt != nw->path.mnt)
		return -EXDEV;
	if (ow->last_type != LAST_NORM)
		return -EBUSY;
	if (nw->last_type != LAST_NORM)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	err = entry_name_check(op, &ow->last);
	if (err)
		return err;
	err = mount_want_write(ow->path.mnt);
	if (err)
		return err;
	if (op != np)
		mutex_lock(&s->rename_lock);
	lock_dirs(op, np);
	err = dir_lookup_locked(op, &ow->last, &od);
	if (!err && d_negative(od))
		err = -ENOENT;
	if (!err)
		err = entry_name_check(np, &nw->last);
	if (!err)
		err = dir_lookup_locked(np, &nw->last, &nd);
	if (err)
		goto out;
	err = -EEXIST;
	if ((flags & RENAME_NOREPLACE) && !d_negative(nd))
		goto out;
	err = -ENOENT;
	if ((flags & RENAME_EXCHANGE) && d_negative(nd))
		goto out;
	err = -ENOTDIR;
	if ((flags & RENAME_EXCHANGE) && nw->trailing && !S_ISDIR(inode_mode(nd->inode)))
		goto out;
	if (!S_ISDIR(inode_mode(od->inode)) && (ow->trailing || (!(flags & RENAME_EXCHANGE) && nw->trailing)))
		goto out;
	/* A directory cannot go below itself, nor be replaced by what is below it. */
	err = -EINVAL;
	if (op != np && d_is_ancestor(od, np))
		goto out;
	err = flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (op != np && d_is_ancestor(nd, op))
		goto out;
	err = rename_locked(op, od, np, nd, flags);
out:
	unlock_dirs(op, np);
	if (op != np)
		mutex_unlock(&s->rename_lock);
	if (!err && !(flags & RENAME_EXCHANGE))
		mount_point_gone(nd);
	if (od)
		dentry_put(od);
	if (nd)
		dentry_put(nd);
	mount_drop_write(ow->path.mnt);
	return err;
}

long sys_renameat2(int odfd, uaddr_t uold, int ndfd, uaddr_t unew, unsigned flags)
{
	struct walk *ow, *nw;
	char *old, *new = NULL;
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if ((flags & RENAME_NOREPLACE) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	err = path_name_from_user(uold, 0, &old);
	if (err)
		return err;
	err = -ENOMEM;
	ow = kmalloc(sizeof(*ow), 0);
	nw = kmalloc(sizeof(*nw), 0);
	if (!ow || !nw)
		goto out_free;
	err = walk_init(ow, odfd, old, LOOKUP_PARENT);
	if (err)
		goto out_free;
	err = walk_parent(ow);
	if (!err)	/* what is wrong with the first name comes before what is wrong with the second */
		err = path_name_from_user(unew, 0, &new);
	if (!err) {
		err = walk_init(nw, ndfd, new, LOOKUP_PARENT);
		if (!err) {
			err = walk_parent(nw);
			if (!err)
				err = do_rename(ow, nw, flags);
			walk_end(nw);
		}
	}
	walk_end(ow);
out_free:
	kfree(nw);
	kfree(ow);
	kfree(new);
	kfree(old);
	return err;
}

long sys_renameat(int odfd, uaddr_t old, int ndfd, uaddr_t new) { return sys_renameat2(odfd, old, ndfd, new, 0); }
#ifdef EFT_CPU_x86_64
long sys_rename(uaddr_t old, uaddr_t new) { return sys_renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }
#endif
