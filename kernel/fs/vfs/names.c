/* SPDX-License-Identifier: MIT */
/*
 * Calls that make and remove names: mkdir, mknod, symlink, link, unlink, rmdir.
 * rename(2) is in rename.c.
 *
 * All follow one pattern: walk to the parent, lock its inode, look the last
 * component up, check, call the file system.  The dentry leaves the hash when
 * its name is removed.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

static void created(struct new_entry *e, bool dir)
{
	struct dentry *d = e->dentry;

	/* A dentry outside of the hash, say of a file system that keeps it out, is found by the next look-up. */
	notify_name(e->parent.dentry->inode, d->name.name, d->name.len, IN_CREATE, 0, dir);
}

int vfs_mkdir(int dfd, const char *name, uint32_t mode)
{
	struct new_entry e;
	struct inode *dir;
	int err = entry_prepare(dfd, name, true, &e);

	if (err)
		return err;
	dir = e.parent.dentry->inode;
	err = may_create(dir);
	if (!err)
		err = dir->ops->mkdir ? dir->ops->mkdir(dir, e.dentry, S_IFDIR | (mode & 01777 & ~current_umask())) : -EPERM;
	if (!err)
		created(&e, true);
	entry_finish(&e);
	return err;
}

int vfs_mknod(int dfd, const char *name, uint32_t mode, kdev_t dev)
{
	struct new_entry e;
	struct inode *dir;
	int err;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	err = entry_prepare(dfd, name, false, &e);
	if (err)
		return err;
	dir = e.parent.dentry->inode;
	err = may_create(dir);
	/* Character device 0 is nothing, but a mark that overlay file systems use: anybody may make it. */
	if (!err && (S_ISCHR(mode) || S_ISBLK(mode)) && !(S_ISCHR(mode) && !dev) && current->cred && !capable(CAP_MKNOD))
		err = -EPERM;
	mode = (mode & S_IFMT) | (mode & 07777 & ~current_umask());
	if (err)
		;
	else if (S_ISREG(mode))
		err = dir->ops->create ? dir->ops->create(dir, e.dentry, mode) : -EACCES;
	else
		err = dir->ops->mknod ? dir->ops->mknod(dir, e.dentry, mode, S_ISCHR(mode) || S_ISBLK(mode) ? dev : 0) : -EPERM;
	if (!err)
		created(&e, false);
	entry_finish(&e);
	return err;
}

int vfs_mksock(const char *name, uint32_t mode, struct path *out)
{
	struct new_entry e;
	struct inode *dir;
	int err = entry_prepare(AT_FDCWD, name, false, &e);

	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	dir = e.parent.dentry->inode;
	err = may_create(dir);
	if (!err)
		err = dir->ops->mknod ? dir->ops->mknod(dir, e.dentry, S_IFSOCK | (mode & 07777 & ~current_umask()), 0) : -EPERM;
	if (!err) {
		created(&e, false);
		*out = (struct path){ .mnt = e.parent.mnt, .dentry = e.dentry };
		path_get(out);
	}
	entry_finish(&e);
	return err;
}

int vfs_symlink(const char *target, int dfd, const char *name)
{
	struct new_entry e;
	struct inode *dir;
	int err = entry_prepare(dfd, name, false, &e);

	if (err)
		return err;
	dir = e.parent.dentry->inode;
	err = may_create(dir);
	if (!err)
		err = dir->ops->symlink ? dir->ops->symlink(dir, e.dentry, target) : -EPERM;
	if (!err)
		created(&e, false);
	entry_finish(&e);
	return err;
}

/*
 * unlink and rmdir: the parent is write-locked, then the victim (a child after
 * its directory), so that nothing is made in a directory that is being removed.
 */
int entry_remove(const struct path *parent, const struct qstr *name, bool trailing, bool isdir)
{
	struct inode *dir = parent->dentry->inode, *victim = NULL;
	struct dentry *d = NULL;
	int err = mount_want_write(parent->mnt);

	if (err)
		return err;
	rwsem_write_lock(&dir->lock);
	err = dir_lookup_locked(parent->dentry, name, &d);
	if (!err && trailing && !isdir)
		err = d_negative(d) ? -ENOENT : S_ISDIR(inode_mode(d->inode)) ? -EISDIR : -ENOTDIR;
	if (!err)
		err = may_delete(dir, d, isdir);
	if (!err) {
		victim = d->inode;
		inode_get(victim);
		rwsem_write_lock_nested(&victim->lock);
		if (mount_point_here(d))
			err = -EBUSY;
		else if (isdir)
			err = dir->ops->rmdir ? dir->ops->rmdir(dir, d) : -EPERM;
		else
			err = dir->ops->unlink ? dir->ops->unlink(dir, d) : -EPERM;
		if (!err) {
			d_drop(d);
			if (isdir)
				d_prune_children(d);
		}
		rwsem_write_unlock(&victim->lock);
	}
	rwsem_write_unlock(&dir->lock);
	if (!err) {
		mount_point_gone(d);
		if (!isdir)
			notify_self(victim, IN_ATTRIB);
		if (READ_ONCE(victim->nlink) == 0 && !dentry_shared(d))	/* else with the last who has it open: dentry_put() */
			notify_self(victim, IN_DELETE_SELF);
		notify_name(dir, d->name.name, d->name.len, IN_DELETE, 0, isdir);
	}
	if (victim)
		inode_put(victim);
	if (d)
		dentry_put(d);
	mount_drop_write(parent->mnt);
	return err;
}

static int do_remove(int dfd, const char *name, bool isdir)
{
	struct walk *w = kmalloc(sizeof(*w), 0);
	int err;

	if (!w)
		return -ENOMEM;
	err = walk_init(w, dfd, name, LOOKUP_PARENT);
	if (err)
		goto out_free;
	err = walk_parent(w);
	if (err)
		goto out_end;
	if (w->last_type != LAST_NORM) {
		if (!isdir)
			err = -EISDIR;
		else
			err = w->last_type == LAST_DOTDOT ? -ENOTEMPTY : w->last_type == LAST_DOT ? -EINVAL : -EBUSY;
		goto out_end;
	}
	err = entry_name_check(w->path.dentry, &w->last);
	if (!err)
		err = entry_remove(&w->path, &w->last, w->trailing, isdir);
out_end:
	walk_end(w);
out_free:
	kfree(w);
	return err;
}

int vfs_link(const struct path *old, int ndfd, const char *name)
{
	struct new_entry e;
	struct inode *dir, *i = old->dentry->inode;
	int err = entry_prepare(ndfd, name, false, &e);

	if (err)
		return err;
	dir = e.parent.dentry->inode;
	err = -EXDEV;
	if (old->mnt != e.parent.mnt)
		goto out;
	err = may_link(i);
	if (!err)
		err = may_create(dir);
	if (err)
		goto out;
	err = -EPERM;
	if ((inode_flags(i) & (INODE_APPEND | INODE_IMMUTABLE)) || !dir->ops->link || S_ISDIR(inode_mode(i)))
		goto out;
	/* A directory before its entry: i is no directory, so this cannot deadlock with another link or rename. */
	rwsem_write_lock_nested(&i->lock);
	if (i->nlink == 0 && !(i->flags & INODE_LINKABLE))
		err = -ENOENT;
	else
		err = dir->ops->link(dir, e.dentry, i);
	if (!err)
		WRITE_ONCE(i->flags, i->flags & ~(unsigned)INODE_LINKABLE);
	rwsem_write_unlock(&i->lock);
	if (!err) {
		notify_self(i, IN_ATTRIB);
		created(&e, false);
	}
out:
	entry_finish(&e);
	return err;
}

/* ---- system calls ---- */

long sys_mkdirat(int dfd, uaddr_t uname, unsigned mode)
{
	char *name;
	long err = path_name_from_user(uname, 0, &name);

	if (err)
		return err;
	err = vfs_mkdir(dfd, name, mode);
	kfree(name);
	return err;
}

/* Linux's encoding of a device number in mknod(2) and stat(2): 12 bits of major, 20 of minor. */
static kdev_t dev_decode(unsigned dev)
{
	return KDEV((dev & 0xfff00) >> 8, (dev & 0xff) | (dev >> 12 & 0xfff00));
}

long sys_mknodat(int dfd, uaddr_t uname, unsigned mode, unsigned dev)
{
	char *name;
	long err;

	switch (mode & S_IFMT) {
	case 0: case S_IFREG: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK: break;
	case S_IFDIR: return -EPERM;
	default: return -EINVAL;
	}
	err = path_name_from_user(uname, 0, &name);
	if (err)
		return err;
	err = vfs_mknod(dfd, name, mode, dev_decode(dev));
	kfree(name);
	return err;
}

long sys_symlinkat(uaddr_t utarget, int dfd, uaddr_t uname)
{
	char *name, *target;
	long err = path_name_from_user(utarget, 0, &target);

	if (err)
		return err;
	err = path_name_from_user(uname, 0, &name);
	if (!err) {
		err = vfs_symlink(target, dfd, name);
		kfree(name);
	}
	kfree(target);
	return err;
}

long sys_linkat(int odfd, uaddr_t uold, int ndfd, uaddr_t unew, unsigned flags)
{
	struct path old;
	char *name;
	long err;
	unsigned look = 0;

	if (flags & ~(unsigned)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		look |= LOOKUP_EMPTY | LOOKUP_OPENER;	/* Linux 6.10 */
	if (flags & AT_SYMLINK_FOLLOW)
		look |= LOOKUP_FOLLOW;
	err = path_lookup_user(odfd, uold, look, &old);
	if (err)
		return err;
	err = path_name_from_user(unew, 0, &name);
	if (!err) {
		err = vfs_link(&old, ndfd, name);
		kfree(name);
	}
	path_put(&old);
	return err;
}

int vfs_unlink_name(const char *name) { return do_remove(AT_FDCWD, name, false); }

long sys_unlinkat(int dfd, uaddr_t uname, unsigned flags)
{
	char *name;
	long err;

	if (flags & ~(unsigned)AT_REMOVEDIR)
		return -EINVAL;
	err = path_name_from_user(uname, 0, &name);
	if (err)
		return err;
	err = do_remove(dfd, name, flags & AT_REMOVEDIR);
	kfree(name);
	return err;
}

#ifdef EFT_CPU_x86_64
long sys_mkdir(uaddr_t name, unsigned mode) { return sys_mkdirat(AT_FDCWD, name, mode); }
long sys_mknod(uaddr_t name, unsigned mode, unsigned dev) { return sys_mknodat(AT_FDCWD, name, mode, dev); }
long sys_symlink(uaddr_t target, uaddr_t name) { return sys_symlinkat(target, AT_FDCWD, name); }
long sys_link(uaddr_t old, uaddr_t new) { return sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }
long sys_unlink(uaddr_t name) { return sys_unlinkat(AT_FDCWD, name, 0); }
long sys_rmdir(uaddr_t name) { return sys_unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
#endif
