/* SPDX-License-Identifier: MIT */
/*
 * Orphans: inodes without a name that are still in use.  The disk lists them,
 * so that what a machine had open when it died is freed at the next mount.
 *
 * The list is ext3's, which e2fsck knows: the super block names the first,
 * and the deletion time of each, which it does not have yet, names the next.
 * In memory the same list goes through ext2_inode.orphan_link, newest first.
 *
 * An inode is put on the list when its last name goes, and taken off when it
 * is freed or gets a name again (linkat of an O_TMPFILE file).  The inode and
 * the super block reach the disk in the same pass of a sync; were only one of
 * them there, recovery meets a number that names nothing, or an inode that has
 * names, and stops or goes on.
 */
#include "ext2.h"
#include <kernel/errno.h>
#include <kernel/print.h>

static void set_next(struct ext2_inode *ei, uint32_t next)
{
	mutex_lock(&ei->raw_lock);
	ei->dtime = next;
	mutex_unlock(&ei->raw_lock);
}

static void set_first(struct ext2_sb *sb, uint32_t ino)
{
	mutex_lock(&sb->lock);
	sb->es->s_last_orphan = ino;
	buffer_dirty(&sb->sb_buf);
	mutex_unlock(&sb->lock);
}

void ext2_orphan_add(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);

	if (!READ_ONCE(sb->writing) || inode->ino < sb->first_ino)
		return;
	mutex_lock(&sb->orphan_lock);
	if (list_empty(&ei->orphan_link)) {
		set_next(ei, sb->es->s_last_orphan);
		ei->inode = inode;
		list_add(&ei->orphan_link, &sb->orphans);
		if (ext2_write_inode(inode) == 0)
			set_first(sb, (uint32_t)inode->ino);
		else	/* it cannot be listed: then it is e2fsck's */
			list_del_init(&ei->orphan_link);
	}
	mutex_unlock(&sb->orphan_lock);
}

void ext2_orphan_del(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);
	struct ext2_inode *ei = ext2_i(inode);

	mutex_lock(&sb->orphan_lock);
	if (!list_empty(&ei->orphan_link)) {
		uint32_t next = ei->dtime;

		if (ei->orphan_link.prev == &sb->orphans) {
			set_first(sb, next);
		} else {
			struct ext2_inode *prev = list_entry(ei->orphan_link.prev, struct ext2_inode, orphan_link);

			set_next(prev, next);
			if (ext2_write_dtime(prev->inode))
				ext2_error(sb, "the list of orphans cannot be written");
		}
		list_del_init(&ei->orphan_link);
		set_next(ei, 0);
	}
	mutex_unlock(&sb->orphan_lock);
}

void ext2_orphan_forget(struct inode *inode)
{
	struct ext2_sb *sb = ext2_sb(inode->super);

	mutex_lock(&sb->orphan_lock);
	list_del_init(&ext2_i(inode)->orphan_link);
	mutex_unlock(&sb->orphan_lock);
}

void ext2_orphans_recover(struct ext2_sb *sb)
{
	uint32_t ino = sb->es->s_last_orphan, freed = 0;

	if (!ino || !list_empty(&sb->orphans))	/* these are in use: writable again after a read-only remount */
		return;
	set_first(sb, 0);
	if (sb->es->s_state & EXT2_ERROR_FS) {
		klog_warn("ext2 %s: has errors: its orphans are left to e2fsck", sb->dev->name);
		return;
	}
	WRITE_ONCE(sb->recovering, true);
	/* A list that runs in a circle meets inodes that have been freed. */
	while (ino) {
		struct inode *inode;

		if (ino < sb->first_ino || ino > sb->inodes_count || ext2_iget(sb->super, ino, &inode)) {
			klog_warn("ext2 %s: the list of orphans names inode %u: the rest is left to e2fsck", sb->dev->name, ino);
			break;
		}
		ino = inode->nlink ? 0 : ext2_i(inode)->dtime;
		set_next(ext2_i(inode), 0);
		freed += inode->nlink == 0;
		inode_put(inode);	/* the last reference frees it */
	}
	WRITE_ONCE(sb->recovering, false);
	if (freed)
		klog_info("ext2 %s: %u files without a name freed", sb->dev->name, freed);
}
