/* SPDX-License-Identifier: MIT */
/*
 * mount(2) and umount2(2): what they ask of the mount tree (mount.c).
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

/* Where mount(2) may hang something in. */
static int own_target_check(struct path *at, bool dir) REQUIRES(&mount_mutex)
{
	int err = mount_target_check(at, dir);

	return err == -ENOENT || mount_is_ours(at->mnt) ? err : -EINVAL;
}

static int mount_new(const char *source, struct path *at, const char *type, unsigned flags, const char *data)
{
	struct mount *m;
	int err = mount_make(source, type, mount_atime(flags), data, &m);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = own_target_check(at, S_ISDIR(inode_mode(m->root->inode)));
	/* The same file system twice at one place. */
	if (!err && at->mnt->super == m->super && at->mnt->root == at->dentry)
		err = -EBUSY;
	if (!err)
		err = mount_graft(m, at->mnt, at->dentry);
	mutex_unlock(&mount_mutex);
	if (err)
		mount_put(m);
	return err;
}

/* What is bound or moved. */
static int source_path(const char *source, struct path *from)
{
	return source && *source ? path_lookup(AT_FDCWD, source, LOOKUP_FOLLOW, from) : -EINVAL;
}

static int mount_bind(const char *source, struct path *at, unsigned flags)
{
	struct path from;
	struct mount *m;
	int err;

	err = source_path(source, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = mount_ns_loops(from.dentry) ? -EINVAL : own_target_check(at, S_ISDIR(inode_mode(from.dentry->inode)));
	/* The copy is complete before it is hung in: it may be below what is copied. */
	if (!err)
		err = mount_clone(&from, flags & MS_REC, &m);
	if (!err) {
		err = mount_graft(m, at->mnt, at->dentry);
		if (err)
			mount_take_out(m, false);
	}
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

static int mount_move(const char *source, struct path *at)
{
	struct path from;
	int err;

	err = source_path(source, &from);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	err = mount_is_ours(from.mnt) ? mount_move_path(&from, at) : -EINVAL;
	mutex_unlock(&mount_mutex);
	path_put(&from);
	return err;
}

static int mount_remount(struct path *at, unsigned flags, const char *data)
{
	struct mount *m = at->mnt;
	int err = 0;

	if (at->dentry != m->root)
		return -EINVAL;
	mutex_lock(&mount_mutex);
	if (!mount_is_ours(m))
		err = -EINVAL;
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		flags |= m->flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME);
	else
		flags = mount_atime(flags);
	if (!err && !(flags & MS_BIND))	/* which MS_DIRSYNC is not for */
		err = super_remount(m->super, (flags & ~(unsigned)MS_DIRSYNC) | (READ_ONCE(m->super->flags) & MS_DIRSYNC), data);
	if (!err && (flags & MS_BIND) && (flags & MS_RDONLY) && !(m->flags & MS_RDONLY)) {
		__atomic_fetch_or(&m->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&m->writers, __ATOMIC_SEQ_CST)) {
			__atomic_fetch_and(&m->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
			err = -EBUSY;
		}
	}
	if (!err)
		__atomic_store_n(&m->flags, flags & MOUNT_FLAGS, __ATOMIC_SEQ_CST);
	mutex_unlock(&mount_mutex);
	return err;
}

static int mount_change_type(const struct path *at, unsigned flags)
{
	int err;

	if (at->dentry != at->mnt->root || (flags & ~(MS_PROPAGATION | MS_REC | MS_SILENT)))
		return -EINVAL;
	mutex_lock(&mount_mutex);
	/* Another name space's, too. */
	err = at->mnt->ns ? mount_set_propagation(at->mnt, flags & MS_REC, flags & MS_PROPAGATION) : -EINVAL;
	mutex_unlock(&mount_mutex);
	return err;
}

/* mount(2) with everything in kernel memory; `at` is consumed. */
static int do_mount(const char *source, struct path *at, const char *type, unsigned flags, const char *data)
{
	int err;

	/* Discard magic. */
	if ((flags & 0xffff0000u) == 0xc0ed0000u)
		flags &= 0xffff;
	if (flags & MS_NOUSER)
		err = -EINVAL;
	else if (flags & MS_REMOUNT)
		err = mount_remount(at, flags, data);
	else if (flags & MS_BIND)
		err = mount_bind(source, at, flags);
	else if (flags & MS_PROPAGATION)
		err = mount_change_type(at, flags);
	else if (flags & MS_MOVE)
		err = mount_move(source, at);
	else
		err = mount_new(source, at, type, flags, data);
	path_put(at);
	return err;
}

int vfs_mount(const char *source, const char *target, const char *fstype, unsigned flags, const char *data)
{
	struct path at;
	int err = path_lookup(AT_FDCWD, target, LOOKUP_FOLLOW, &at);

	return err ? err : do_mount(source, &at, fstype, flags, data);
}

int vfs_mount_root(const char *source, const char *fstype, unsigned flags)
{
	struct fs_context *c = &init_fs_context;
	struct mount *m;
	int err = mount_make(source, fstype, mount_atime(flags), NULL, &m);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	init_mount_ns.root = m;
	mount_ns_enter(m, &init_mount_ns);
	mutex_unlock(&mount_mutex);
	c->ns = &init_mount_ns;
	c->root = (struct path){ .mnt = m, .dentry = m->root };
	c->cwd = c->root;
	path_get(&c->root);
	path_get(&c->cwd);
	return 0;
}

/* [mount_mutex] MNT_EXPIRE: 0 when it was asked before and nobody has used the mount since; -EBUSY, -EAGAIN. */
static int umount_expired(struct mount *m, unsigned flags)
{
	if (m == current->fs->root.mnt || (flags & (MNT_FORCE | MNT_DETACH)))
		return -EINVAL;
	if (ref_read(&m->refs) > 2)
		return -EBUSY;
	return __atomic_exchange_n(&m->expiring, true, __ATOMIC_RELAXED) ? 0 : -EAGAIN;
}

static int do_umount(struct path *p, unsigned flags)
{
	struct mount *m = p->mnt;
	struct super *s = m->super;
	int err = 0;

	mutex_lock(&mount_mutex);
	if (!mount_is_ours(m)) {
		err = -EINVAL;
	} else if (flags & MNT_EXPIRE && (err = umount_expired(m, flags))) {
		;
	} else if (m == current->fs->root.mnt && !(flags & MNT_DETACH)) {
		/* The root cannot go; asked to, it becomes read-only. */
		err = super_remount(m->super, READ_ONCE(m->super->flags) | MS_RDONLY, NULL);
	} else if (m->parent == m) {
		err = -EINVAL;
	} else if (flags & MNT_DETACH) {
		mount_take_out(m, true);
	} else if (mount_is_busy(m, 2)) {	/* the tree's reference and p's */
		err = -EBUSY;
	/* A walk may have found it since: then it is a lazy unmount of something that nobody had open. */
	} else if (mount_take_out(m, true) == s->mounts) {
		mutex_unlock(&mount_mutex);
		(void)super_sync(s);
		path_put(p);
		work_flush();	/* the super is gone when umount returns */
		return 0;
	}
	mutex_unlock(&mount_mutex);
	dentry_put(p->dentry);
	mount_put_quietly(m);
	return err;
}

long sys_umount2(uaddr_t name, unsigned flags)
{
	unsigned look = flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct path p;
	int err;

	if (flags & ~(unsigned)(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = path_lookup_user(AT_FDCWD, name, look, &p);
	if (err)
		return err;
	if (!capable(CAP_SYS_ADMIN))
		err = -EPERM;
	else if (p.dentry != p.mnt->root)
		err = -EINVAL;
	else
		return do_umount(&p, flags);
	path_put(&p);
	return err;
}

/* A string argument that may be absent. */
static int optional_string(uaddr_t u, size_t max, char **out)
{
	*out = NULL;
	return u ? fs_string_from_user(u, max, out) : 0;
}

long sys_mount(uaddr_t source, uaddr_t target, uaddr_t type, uint64_t flags, uaddr_t data)
{
	char *ksource = NULL, *ktype = NULL, *kdata = NULL;
	struct path at;
	int err = optional_string(type, PAGE_SIZE, &ktype);

	if (!err)
		err = optional_string(source, PATH_MAX, &ksource);
	if (!err && data) {
		kdata = kzalloc(PAGE_SIZE, 0);
		if (!kdata)
			err = -ENOMEM;
		else if (!copy_from_user_partial(kdata, data, PAGE_SIZE - 1))
			err = -EFAULT;
	}
	if (!err)
		err = path_lookup_user(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
	if (!err && !capable(CAP_SYS_ADMIN)) {
		path_put(&at);
		err = -EPERM;
	}
	if (!err)
		err = do_mount(ksource, &at, ktype, (unsigned)flags, kdata);
	kfree(ksource);
	kfree(ktype);
	kfree(kdata);
	return err;
}
