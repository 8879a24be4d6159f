/* SPDX-License-Identifier: MIT */
/*
 * Mounting by descriptors: open_tree(2), move_mount(2), mount_setattr(2).
 * What makes a mount out of a file system is fs_config.c.
 *
 * A mount that is in no tree (a clone, or fsmount's) belongs to the file that
 * was made for it: the tree's reference on the mount is the file's until
 * move_mount() hangs it in; else mount_dissolve() drops it when the file is
 * closed.  FMODE_DISSOLVE stays set: whether the mount has been attached is
 * seen from the mount itself.
 *
 * Refused: MOVE_MOUNT_BENEATH, idmapped mounts.
 */
#include <kernel/errno.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { OPEN_TREE_CLONE = 1, AT_RECURSIVE = 0x8000 };
enum { MOVE_F_SYMLINKS = 1, MOVE_F_EMPTY = 4, MOVE_T_SYMLINKS = 0x10, MOVE_T_EMPTY = 0x40, MOVE_SET_GROUP = 0x100, MOVE_KNOWN = 0x177 };
enum { ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NODEV = 4, ATTR_NOEXEC = 8, ATTR_ATIME_MASK = 0x70, ATTR_NOATIME_ = 0x10, ATTR_STRICTATIME = 0x20,
	ATTR_NODIRATIME = 0x80, ATTR_NOSYMFOLLOW = 0x200000, ATTR_KNOWN = 0x2000ff };
struct abi_mount_attr { uint64_t set, clr, propagation, userns_fd; };

static unsigned look_flags(unsigned flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

/* Mount flags of MOUNT_ATTR_* bits; -EINVAL: unknown ones, or a time that is none. */
int mount_attr_flags(uint64_t attr, unsigned *out)
{
	static const struct { unsigned attr, ms; } map[] = {
		{ ATTR_RDONLY, MS_RDONLY }, { ATTR_NOSUID, MS_NOSUID }, { ATTR_NODEV, MS_NODEV }, { ATTR_NOEXEC, MS_NOEXEC },
		{ ATTR_NODIRATIME, MS_NODIRATIME }, { ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
	};
	unsigned ms = 0;

	if (attr & ~(uint64_t)ATTR_KNOWN)
		return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (attr & map[i].attr)
			ms |= map[i].ms;
	switch (attr & ATTR_ATIME_MASK) {
	case 0: ms |= MS_RELATIME; break;
	case ATTR_NOATIME_: ms |= MS_NOATIME; break;
	case ATTR_STRICTATIME: break;
	default: return -EINVAL;
	}
	*out = ms;
	return 0;
}

int mount_open_detached(struct mount *m, bool cloexec)
{
	struct path p = { .mnt = m, .dentry = m->root };
	struct file *f;
	int err;

	mutex_lock(&mount_mutex);
	err = mount_ns_for_tree(m);
	if (err)
		mount_take_out(m, false);
	mutex_unlock(&mount_mutex);
	if (err)
		return err;
	err = file_open_path(&p, O_PATH, &f);
	if (!err) {
		f->mode |= FMODE_DISSOLVE;
		err = fd_add(f, cloexec ? O_CLOEXEC : 0);
		if (err < 0)
			file_put(f);	/* dissolves it */
		return err;
	}
	mount_dissolve(m);
	return err;
}

void mount_dissolve(struct mount *m)
{
	mutex_lock(&mount_mutex);
	if (m->ns && m->ns->anonymous && m->parent == m)
		mount_take_out(m, false);
	mutex_unlock(&mount_mutex);
}

long sys_open_tree(int dfd, uaddr_t name, unsigned flags)
{
	struct path p;
	struct mount *m;
	struct file *f;
	int err;

	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | O_CLOEXEC))
		return -EINVAL;
	if ((flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
		return -EINVAL;
	if ((flags & OPEN_TREE_CLONE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(dfd, name, look_flags(flags), &p);
	if (err)
		return err;
	if (flags & OPEN_TREE_CLONE) {
		mutex_lock(&mount_mutex);
		err = mount_clone(&p, flags & AT_RECURSIVE, &m);
		mutex_unlock(&mount_mutex);
		if (!err)
			err = mount_open_detached(m, flags & O_CLOEXEC);
	} else {
		err = file_open_path(&p, O_PATH, &f);
		if (!err) {
			err = fd_add(f, flags & O_CLOEXEC);
			if (err < 0)
				file_put(f);
		}
	}
	path_put(&p);
	return err;
}

long sys_move_mount(int from_dfd, uaddr_t from_name, int to_dfd, uaddr_t to_name, unsigned flags)
{
	struct path from, to;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(unsigned)MOVE_KNOWN)
		return -EINVAL;
	err = path_lookup_user(from_dfd, from_name, (flags & MOVE_F_SYMLINKS ? LOOKUP_FOLLOW : 0) | (flags & MOVE_F_EMPTY ? LOOKUP_EMPTY : 0), &from);
	if (err)
		return err;
	err = path_lookup_user(to_dfd, to_name, (flags & MOVE_T_SYMLINKS ? LOOKUP_FOLLOW : 0) | (flags & MOVE_T_EMPTY ? LOOKUP_EMPTY : 0), &to);
	if (!err) {
		mutex_lock(&mount_mutex);
		err = flags & MOVE_SET_GROUP ? mount_join_group(&from, &to) : mount_move_path(&from, &to);
		mutex_unlock(&mount_mutex);
		path_put(&to);
	}
	path_put(&from);
	return err;
}

/* ---- mount_setattr ---- */

/* Sets and clears flags of m, or of it and all below: of every one or, if one is busy, of none. */
static int tree_set_flags(struct mount *top, bool recursive, unsigned set, unsigned clr) REQUIRES(&mount_mutex)
{
	struct mount *m, *busy = NULL;

	for (m = top; m && (set & MS_RDONLY); m = recursive ? mount_next(m, top) : NULL) {
		if (m->flags & MS_RDONLY)
			continue;
		__atomic_fetch_or(&m->flags, MS_RDONLY, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&m->writers, __ATOMIC_SEQ_CST)) {
			__atomic_fetch_and(&m->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
			busy = m;
			break;
		}
		m->turned_readonly = true;
	}
	for (m = top; m; m = recursive ? mount_next(m, top) : NULL) {
		if (busy && m->turned_readonly)
			__atomic_fetch_and(&m->flags, ~(unsigned)MS_RDONLY, __ATOMIC_SEQ_CST);
		m->turned_readonly = false;
		if (!busy)
			__atomic_store_n(&m->flags, (m->flags & ~clr) | set, __ATOMIC_SEQ_CST);
	}
	return busy ? -EBUSY : 0;
}

long sys_mount_setattr(int dfd, uaddr_t name, unsigned flags, uaddr_t uattr, size_t size)
{
	struct abi_mount_attr a = { 0 };
	unsigned set, clr;
	struct path p;
	int err;

	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < sizeof(a))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = copy_struct_from_user(&a, sizeof(a), uattr, size);
	if (err)
		return err;
	if (!a.set && !a.clr && !a.propagation)
		return 0;
	if ((a.propagation & ~(uint64_t)MS_PROPAGATION) || (a.propagation & (a.propagation - 1)) || ((a.set | a.clr) & ~(uint64_t)ATTR_KNOWN))
		return -EINVAL;
	/* The time is a value, not bits: it is cleared as a whole or not at all. */
	if (a.clr & ATTR_ATIME_MASK ? (a.clr & ATTR_ATIME_MASK) != ATTR_ATIME_MASK : (a.set & ATTR_ATIME_MASK) != 0)
		return -EINVAL;
	err = mount_attr_flags(a.set, &set);
	if (!err)
		err = mount_attr_flags(a.clr & ~(uint64_t)ATTR_ATIME_MASK, &clr);
	if (err)
		return err;
	clr &= ~(unsigned)MS_RELATIME;
	if (a.clr & ATTR_ATIME_MASK)
		clr |= MS_RELATIME | MS_NOATIME;
	else
		set &= ~(unsigned)MS_RELATIME;
	err = path_lookup_user(dfd, name, look_flags(flags), &p);
	if (err)
		return err;
	mutex_lock(&mount_mutex);
	if (p.dentry != p.mnt->root || !mount_is_ours_or_loose(p.mnt))
		err = -EINVAL;
	else
		err = tree_set_flags(p.mnt, flags & AT_RECURSIVE, set, clr);
	if (!err && a.propagation)
		err = mount_set_propagation(p.mnt, flags & AT_RECURSIVE, (unsigned)a.propagation);
	mutex_unlock(&mount_mutex);
	path_put(&p);
	return err;
}
