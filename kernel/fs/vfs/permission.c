/* SPDX-License-Identifier: MIT */
/*
 * Who may do what to an inode: mode bits against the file-system ids, then
 * capabilities (path_resolution(7), capabilities(7)).  Errors come in Linux's
 * order: EROFS and EPERM (immutable) before EACCES.
 */
#include <kernel/errno.h>
#include "vfs_internal.h"

static bool caps_has(uint64_t caps, enum cap c) { return caps >> c & 1; }

int inode_permission_cred(struct inode *i, unsigned mask, const struct cred *c, uint32_t uid, uint32_t gid, uint64_t caps)
{
	uint32_t mode = inode_mode(i), all = mode, group = READ_ONCE(i->gid);
	unsigned want = mask & (MAY_READ | MAY_WRITE | MAY_EXEC);

	if ((mask & MAY_WRITE) && (READ_ONCE(i->super->flags) & MS_RDONLY) && (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
		return -EROFS;
	if ((mask & MAY_WRITE) && (inode_flags(i) & INODE_IMMUTABLE))
		return -EPERM;
	if (i->ops && i->ops->permission)
		return i->ops->permission(i, mask);
	if (uid == READ_ONCE(i->uid))
		mode >>= 6;
	else if (gid == group || (c && cred_in_group(c, group)))
		mode >>= 3;
	if (!(want & ~mode & 7))
		return 0;
	if (S_ISDIR(all)) {
		if (!(want & MAY_WRITE) && caps_has(caps, CAP_DAC_READ_SEARCH))
			return 0;
		return caps_has(caps, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (want == MAY_READ && caps_has(caps, CAP_DAC_READ_SEARCH))
		return 0;
	/* Executing needs one execute bit, even of root. */
	if ((!(want & MAY_EXEC) || (all & 0111)) && caps_has(caps, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, unsigned mask)
{
	const struct cred *c = current->cred;

	if (!c)		/* a kernel thread */
		return 0;
	return inode_permission_cred(i, mask, c, c->fsuid, c->fsgid, c->cap_effective);
}

bool inode_owner_or_capable(const struct inode *i)
{
	return !current->cred || current->cred->fsuid == READ_ONCE(i->uid) || capable(CAP_FOWNER);
}

bool inode_is_sticky_denied(struct inode *dir, struct inode *victim)
{
	const struct cred *c = current->cred;

	if (!(inode_mode(dir) & S_ISVTX) || !c || c->fsuid == READ_ONCE(victim->uid) || c->fsuid == READ_ONCE(dir->uid))
		return false;
	return !capable(CAP_FOWNER);
}

bool cred_in_group_fs(uint32_t gid)
{
	const struct cred *c = current->cred;

	return !c || c->fsgid == gid || cred_in_group(c, gid);
}

int may_create(struct inode *dir)
{
	if (dir->nlink == 0)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

bool protected_hardlinks, protected_symlinks;
unsigned protected_fifos, protected_regular;

int may_follow(const struct inode *dir, const struct inode *link)
{
	enum { ANYBODYS = S_ISVTX | 0002 };

	if (!READ_ONCE(protected_symlinks) || !current->cred || current->cred->fsuid == READ_ONCE(link->uid))
		return 0;
	return (inode_mode(dir) & ANYBODYS) == ANYBODYS && READ_ONCE(dir->uid) != READ_ONCE(link->uid) ? -EACCES : 0;
}

int may_create_over(uint32_t dir_mode, uint32_t dir_uid, const struct inode *i)
{
	/* Of what is neither, everything in a directory of anybody's is refused. */
	unsigned level = S_ISREG(inode_mode(i)) ? READ_ONCE(protected_regular) : S_ISFIFO(inode_mode(i)) ? READ_ONCE(protected_fifos) : 1;
	uint32_t owner = READ_ONCE(i->uid);

	if (!(dir_mode & S_ISVTX) || !level || !current->cred || owner == dir_uid || owner == current->cred->fsuid)
		return 0;
	return dir_mode & 0002 || (level > 1 && dir_mode & 0020) ? -EACCES : 0;
}

/* Whoever is not the owner must be able to read and write it, and it must be nothing that is dangerous to keep. */
int may_link(struct inode *i)
{
	if (!READ_ONCE(protected_hardlinks) || inode_owner_or_capable(i))
		return 0;
	if (!S_ISREG(inode_mode(i)) || inode_mode(i) & S_ISUID || (inode_mode(i) & (S_ISGID | 010)) == (S_ISGID | 010))
		return -EPERM;
	return inode_permission(i, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

int may_delete(struct inode *dir, struct dentry *victim, bool isdir)
{
	struct inode *i = victim->inode;
	int err;

	if (!i)
		return -ENOENT;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if (inode_flags(dir) & INODE_APPEND)
		return -EPERM;
	if (inode_is_sticky_denied(dir, i) || (inode_flags(i) & (INODE_APPEND | INODE_IMMUTABLE)))
		return -EPERM;
	if (isdir && !S_ISDIR(inode_mode(i)))
		return -ENOTDIR;
	if (!isdir && S_ISDIR(inode_mode(i)))
		return -EISDIR;
	if (isdir && mount_point_here(victim))
		return -EBUSY;
	return dir->nlink == 0 ? -ENOENT : 0;
}
