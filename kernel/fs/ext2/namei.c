/* SPDX-License-Identifier: MIT */
/*
 * Names: create, link, remove, rename.  The VFS holds the directories' inode
 * locks, has checked permissions, and moves the dentries afterwards; here the
 * entries and link counts change.
 *
 * In each operation what can fail comes first; link counts follow the entries.
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>

int ext2_raw_clear(struct inode *inode);

static const struct qstr ext2_dotdot = { .name = "..", .len = 2 };

static int ext2_lookup(struct inode *dir, struct dentry *d)
{
	struct ext2_dirent *de;
	struct inode *inode;
	struct buffer buf;
	uint64_t ino;
	int e;

	e = ext2_dir_find(dir, &d->name, &buf, &de);
	if (e == -ENOENT)
		return 0;
	if (e)
		return e;
	ino = de->inode;
	buffer_put(&buf);
	e = ext2_iget(dir->super, ino, &inode);
	if (e) {
		if (e == -ESTALE || e == -EIO) {
			ext2_error(ext2_sb(dir->super), "directory %llu names inode %llu, which cannot be used", (unsigned long long)dir->ino,
				(unsigned long long)ino);
			e = -EIO;
		}
		return e;
	}
	d_instantiate(d, inode);
	return 0;
}

/* The inode gets its name; on failure it goes again. */
static int ext2_add_new(struct inode *dir, struct dentry *d, struct inode *inode)
{
	int e = ext2_raw_clear(inode);

	if (!e)
		e = ext2_dir_add(dir, &d->name, inode);
	if (e) {
		ext2_abort_new(inode);
		return e;
	}
	inode_mark_dirty(inode);
	inode_unlock_new(inode);
	d_instantiate(d, inode);
	return 0;
}

static int ext2_create(struct inode *dir, struct dentry *d, uint32_t mode)
{
	struct inode *inode;
	int e = ext2_new_inode(dir, (mode & ~(uint32_t)S_IFMT) | S_IFREG, &inode);

	if (e)
		return e;
	ext2_set_ops(inode);
	return ext2_add_new(dir, d, inode);
}

static int ext2_mknod(struct inode *dir, struct dentry *d, uint32_t mode, kdev_t dev)
{
	uint32_t major = KDEV_MAJOR(dev), minor = KDEV_MINOR(dev);
	struct ext2_inode *ei;
	struct inode *inode;
	int e = ext2_new_inode(dir, mode, &inode);

	if (e)
		return e;
	ei = ext2_i(inode);
	if (S_ISCHR(mode) || S_ISBLK(mode)) {
		if (major < 256 && minor < 256)
			ei->block[0] = major << 8 | minor;
		else
			ei->block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
	}
	ext2_set_ops(inode);
	return ext2_add_new(dir, d, inode);
}

static int ext2_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct ext2_sb *sb = ext2_sb(dir->super);
	size_t n = strlen(target);
	struct inode *inode;
	int e;

	if (n + 1 > sb->block_size)
		return -ENAMETOOLONG;
	e = ext2_new_inode(dir, S_IFLNK | 0777, &inode);
	if (e)
		return e;
	if (n < sizeof(ext2_i(inode)->block)) {
		memcpy(ext2_i(inode)->block, target, n);
	} else {
		struct buffer buf;
		uint32_t phys;
		bool fresh;

		e = ext2_map_create(inode, 0, &phys, &fresh);
		if (!e)
			e = buffer_get_zeroed(sb->dev, phys, sb->block_size, &buf);
		if (e) {
			ext2_abort_new(inode);
			return e;
		}
		memcpy(buf.data, target, n);
		buffer_dirty(&buf);
		buffer_put(&buf);
	}
	inode->size = n;
	ext2_set_ops(inode);
	return ext2_add_new(dir, d, inode);
}

static int ext2_readlink(struct inode *inode, char *out, size_t max)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);
	size_t n = MIN((size_t)inode->size, max - 1);
	const char *nul;

	if (ext2_is_fast_symlink(inode)) {
		memcpy(out, ei->block, n);
	} else {
		struct buffer buf;
		uint32_t phys, count;
		int e = ext2_map(inode, 0, 1, &phys, &count);

		if (!e && !phys)
			e = -EIO;
		if (!e)
			e = buffer_read(sb->dev, phys, sb->block_size, &buf);
		if (e)
			return e;
		memcpy(out, buf.data, n);
		buffer_put(&buf);
	}
	out[n] = 0;
	nul = memchr(out, 0, n);
	return (int)(nul ? (size_t)(nul - out) : n);
}

static int ext2_mkdir(struct inode *dir, struct dentry *d, uint32_t mode)
{
	struct inode *inode;
	int e;

	if (dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	e = ext2_new_inode(dir, (mode & ~(uint32_t)S_IFMT) | S_IFDIR, &inode);
	if (e)
		return e;
	e = ext2_dir_make_empty(inode, dir);
	if (e) {
		ext2_abort_new(inode);
		return e;
	}
	WRITE_ONCE(inode->nlink, 2);
	ext2_set_ops(inode);
	e = ext2_add_new(dir, d, inode);
	if (!e) {
		inode_links(dir, 1);
		inode_mark_dirty(dir);
	}
	return e;
}

static int ext2_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	int e;

	if (target->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	e = ext2_dir_add(dir, &d->name, target);
	if (e)
		return e;
	inode_links(target, 1);
	if (target->nlink == 1)		/* O_TMPFILE: its first name */
		ext2_orphan_del(target);
	inode_touch(target, ATTR_CTIME);
	inode_mark_dirty(target);
	inode_get(target);
	d_instantiate(d, target);
	return 0;
}

static void ext2_drop_link(struct inode *inode)
{
	if (inode->nlink)
		inode_links(inode, -1);
	inode_touch(inode, ATTR_CTIME);
	inode_mark_dirty(inode);
	if (!inode->nlink)
		ext2_orphan_add(inode);
}

/* The entry for d, which must still name d's inode. */
static int ext2_find_exact(struct inode *dir, struct dentry *d, struct buffer *buf, struct ext2_dirent **de)
{
	int e = ext2_dir_find(dir, &d->name, buf, de);

	if (!e && (*de)->inode != d->inode->ino) {
		buffer_put(buf);
		e = -ENOENT;
	}
	return e;
}

static int ext2_unlink(struct inode *dir, struct dentry *d)
{
	struct ext2_dirent *de;
	struct buffer buf;
	int e = ext2_find_exact(dir, d, &buf, &de);

	if (e)
		return e;
	e = ext2_dir_delete(dir, &buf, de);
	buffer_put(&buf);
	if (!e)
		ext2_drop_link(d->inode);
	return e;
}

static int ext2_rmdir(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->inode;
	int e = ext2_dir_is_empty(inode);

	if (e <= 0)
		return e ? e : -ENOTEMPTY;
	e = ext2_unlink(dir, d);
	if (e)
		return e;
	WRITE_ONCE(inode->nlink, 0);
	inode_mark_dirty(inode);
	ext2_orphan_add(inode);
	ext2_drop_link(dir);
	return 0;
}

/* ".." of a directory that moves. */
static int ext2_find_dotdot(struct inode *inode, struct buffer *buf, struct ext2_dirent **de)
{
	int e = ext2_dir_find(inode, &ext2_dotdot, buf, de);

	return e == -ENOENT ? -EIO : e;
}

static int ext2_exchange(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd)
{
	struct inode *oi = od->inode, *ni = nd->inode;
	bool odirs = S_ISDIR(inode_mode(oi)) && odir != ndir, ndirs = S_ISDIR(inode_mode(ni)) && odir != ndir;
	struct buffer ob, nb, odd = { .page = NULL }, ndd = { .page = NULL };
	struct ext2_dirent *ode, *nde, *odde = NULL, *ndde = NULL;
	int e = ext2_find_exact(odir, od, &ob, &ode);

	if (e)
		return e;
	e = ext2_find_exact(ndir, nd, &nb, &nde);
	if (e)
		goto out_ob;
	if (odirs && !e)
		e = ext2_find_dotdot(oi, &odd, &odde);
	if (ndirs && !e)
		e = ext2_find_dotdot(ni, &ndd, &ndde);
	if (!e && odirs && !ndirs && ndir->nlink >= EXT2_LINK_MAX)
		e = -EMLINK;
	if (!e && ndirs && !odirs && odir->nlink >= EXT2_LINK_MAX)
		e = -EMLINK;
	if (!e) {
		ext2_dir_set(odir, &ob, ode, ni);
		ext2_dir_set(ndir, &nb, nde, oi);
		if (odirs) {
			ext2_dir_set(oi, &odd, odde, ndir);
			inode_links(odir, -1);
			inode_links(ndir, 1);
		}
		if (ndirs) {
			ext2_dir_set(ni, &ndd, ndde, odir);
			inode_links(ndir, -1);
			inode_links(odir, 1);
		}
		inode_touch(oi, ATTR_CTIME);
		inode_touch(ni, ATTR_CTIME);
		inode_mark_dirty(oi);
		inode_mark_dirty(ni);
	}
	buffer_put(&odd);
	buffer_put(&ndd);
	buffer_put(&nb);
out_ob:
	buffer_put(&ob);
	return e;
}

static int ext2_rename(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd, unsigned flags)
{
	struct inode *inode = od->inode, *victim = nd->inode;
	bool is_dir = S_ISDIR(inode_mode(inode)), moves = is_dir && odir != ndir;
	struct buffer ob, nb, dd = { .page = NULL };
	struct ext2_dirent *ode, *nde, *dde = NULL;
	int e;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		return ext2_exchange(odir, od, ndir, nd);
	if (moves) {
		e = ext2_find_dotdot(inode, &dd, &dde);
		if (e)
			return e;
	}
	if (victim) {
		if (is_dir) {
			e = ext2_dir_is_empty(victim);
			if (e <= 0) {
				e = e ? e : -ENOTEMPTY;
				goto out;
			}
		}
		e = ext2_find_exact(ndir, nd, &nb, &nde);
		if (e)
			goto out;
		ext2_dir_set(ndir, &nb, nde, inode);
		buffer_put(&nb);
		if (is_dir) {
			/* "." of the victim, and its ".." in ndir. */
			WRITE_ONCE(victim->nlink, 0);
			inode_touch(victim, ATTR_CTIME);
			inode_mark_dirty(victim);
			ext2_orphan_add(victim);
			if (!moves)
				inode_links(ndir, -1);
		} else {
			ext2_drop_link(victim);
		}
	} else {
		if (moves && ndir->nlink >= EXT2_LINK_MAX) {
			e = -EMLINK;
			goto out;
		}
		e = ext2_dir_add(ndir, &nd->name, inode);
		if (e)
			goto out;
		if (moves)
			inode_links(ndir, 1);
	}
	/* Only now is the old entry looked for: adding may have moved it within its block's bookkeeping. */
	e = ext2_find_exact(odir, od, &ob, &ode);
	if (!e) {
		e = ext2_dir_delete(odir, &ob, ode);
		buffer_put(&ob);
	} else {
		ext2_error(ext2_sb(odir->super), "directory %llu lost an entry during a rename", (unsigned long long)odir->ino);
	}
	if (moves) {
		ext2_dir_set(inode, &dd, dde, ndir);
		inode_links(odir, -1);
	}
	inode_mark_dirty(odir);
	inode_mark_dirty(ndir);
	inode_touch(inode, ATTR_CTIME);
	inode_mark_dirty(inode);
	e = 0;
out:
	buffer_put(&dd);
	return e;
}

#define EXT2_ATTR_OPS .setattr = ext2_setattr, .getxattr = ext2_getxattr, .setxattr = ext2_setxattr, \
	.listxattr = ext2_listxattr, .removexattr = ext2_removexattr

const struct inode_ops ext2_dir_inode_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.mkdir = ext2_mkdir,
	.mknod = ext2_mknod,
	.symlink = ext2_symlink,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rmdir = ext2_rmdir,
	.rename = ext2_rename,
	EXT2_ATTR_OPS,
};
const struct inode_ops ext2_file_inode_ops = { EXT2_ATTR_OPS };
const struct inode_ops ext2_symlink_inode_ops = { .readlink = ext2_readlink, EXT2_ATTR_OPS };
const struct inode_ops ext2_special_inode_ops = { EXT2_ATTR_OPS };
