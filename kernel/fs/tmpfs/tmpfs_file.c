/* SPDX-License-Identifier: MIT */
/*
 * Contents of tmpfs files: pages of a mapping that are the only copy.
 *
 * A file is charged for the pages that its mapping holds; the count is brought
 * up to date before a page is written, when the file is cut, and when somebody
 * asks (holes that were read or mapped have pages too).
 */
#include <kernel/errno.h>
#include <kernel/vm.h>
#include "tmpfs.h"

void tmpfs_account(struct inode *i)
{
	struct tmpfs_super *ts = i->super->fs_private;
	struct tmpfs_node *node = i->fs_private;
	uint64_t now = READ_ONCE(i->own_mapping.page_count);
	uint64_t was = __atomic_exchange_n(&node->charged, now, __ATOMIC_RELAXED);

	__atomic_add_fetch(&ts->pages, now - was, __ATOMIC_RELAXED);
}

static int tmpfs_charge(struct inode *i)
{
	struct tmpfs_super *ts = i->super->fs_private;
	uint64_t most = READ_ONCE(ts->max_pages);

	tmpfs_account(i);
	return most && READ_ONCE(ts->pages) > most ? -ENOSPC : 0;
}

/* The page is new (not uptodate) or was a hole that somebody read: it counts now. */
static int tmpfs_write_begin(struct mapping *m, struct page *p, unsigned off, unsigned n)
{
	int err = (READ_ONCE(p->flags) & PG_UPTODATE) ? 0 : tmpfs_charge(m->inode);

	if (err)
		return err;
	if (!(READ_ONCE(p->flags) & PG_UPTODATE)) {
		if (off || n < PAGE_SIZE)
			hal_page_clear(page_addr(p));
		if (off || n < PAGE_SIZE)
			__atomic_fetch_or(&p->flags, PG_UPTODATE, __ATOMIC_RELEASE);
	}
	return 0;
}

static int tmpfs_account_mapped(struct mapping *m, unsigned more)
{
	struct tmpfs_super *ts = m->inode->super->fs_private;
	uint64_t most = READ_ONCE(ts->max_pages);

	tmpfs_account(m->inode);
	return most && READ_ONCE(ts->pages) + more > most ? -ENOSPC : 0;
}

const struct mapping_ops tmpfs_mapping_ops = { .write_begin = tmpfs_write_begin, .account = tmpfs_account_mapped, .memory_only = true };

int tmpfs_resize(struct inode *i, uint64_t size)
{
	struct tmpfs_node *node = i->fs_private;

	if ((size < i->size && (node->seals & F_SEAL_SHRINK)) || (size > i->size && (node->seals & F_SEAL_GROW)))
		return -EPERM;
	if (size <= i->size) {	/* the same size: what was allocated behind it goes */
		WRITE_ONCE(i->size, size);
		mapping_truncate(&i->own_mapping, size);
		tmpfs_account(i);
	} else {
		WRITE_ONCE(i->size, size);
	}
	return 0;
}

/* What seals leave of a write at pos: a page's part that would make the file longer is refused, and with it what is behind.  [inode lock] */
static int sealed(const struct inode *i, struct uio *u, uint64_t pos)
{
	const struct tmpfs_node *node = i->fs_private;
	uint64_t end = ALIGN_DOWN(i->size, (uint64_t)PAGE_SIZE);

	if (node->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if (!(node->seals & F_SEAL_GROW) || pos + u->left <= i->size)
		return 0;
	if (pos >= end)
		return -EPERM;
	u->left = end - pos;
	return 0;
}

static int64_t tmpfs_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *i = f->inode;
	int64_t n;

	if (!u->left)
		return 0;
	rwsem_write_lock(&i->lock);
	n = generic_write_begin(f, u, pos);	/* the limit comes before the seals, which are asked for each page */
	if (!n)
		n = sealed(i, u, *pos);
	if (!n) {
		n = pagecache_write(f, u, *pos);
		if (n == -EFAULT && *pos > i->size)	/* as on Linux: there is nothing of it, but the file goes up to there */
			WRITE_ONCE(i->size, *pos);
		if (n == -ENOSPC || (n >= 0 && u->left)) {	/* the page that had no room any more is not the file's */
			mapping_truncate(&i->own_mapping, i->size);
			tmpfs_account(i);
		}
	}
	rwsem_write_unlock(&i->lock);
	if (n > 0)
		*pos += (uint64_t)n;
	return n;
}

static int tmpfs_mmap(struct file *f, struct vm_area *a)
{
	struct tmpfs_node *node = f->inode->fs_private;

	if ((a->flags & VM_SHARED) && (READ_ONCE(node->seals) & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
		if (a->flags & VM_WRITE)
			return -EPERM;
		a->flags &= ~(unsigned)VM_MAYWRITE;
	}
	a->mapping = f->mapping;
	return 0;
}

enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2 };

static int tmpfs_fallocate(struct file *f, unsigned mode, uint64_t off, uint64_t len)
{
	struct inode *i = f->inode;
	struct tmpfs_node *node = i->fs_private;
	uint64_t end = off + len;
	int err = 0;

	if (mode & ~(unsigned)(FALLOC_KEEP_SIZE | FALLOC_PUNCH_HOLE))
		return -EOPNOTSUPP;
	rwsem_write_lock(&i->lock);
	/* What only makes room changes no byte; behind the end it is refused even if the size stays. */
	if (mode & FALLOC_PUNCH_HOLE)
		err = node->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) ? -EPERM : 0;
	else if (end > i->size)
		err = vfs_size_limit(end);
	if (!err && !(mode & FALLOC_PUNCH_HOLE) && end > i->size && (node->seals & F_SEAL_GROW))
		err = -EPERM;
	if (err)
		goto out;
	if (mode & FALLOC_PUNCH_HOLE) {
		mapping_punch(i->mapping, off, end);
		tmpfs_account(i);
	}
	if (!(mode & FALLOC_PUNCH_HOLE)) {
		for (uint64_t idx = off >> PAGE_SHIFT; idx << PAGE_SHIFT < end && !err; idx++) {
			struct page *p;

			err = mapping_get_locked(i->mapping, idx, &p);
			if (err)
				break;
			if (!page_flag(p, PG_UPTODATE))	/* and it stays so until it is written or mapped: SEEK_DATA tells */
				err = tmpfs_charge(i);
			page_unlock(p);
			page_put(p);
			if (err) {
				mapping_punch(i->mapping, idx << PAGE_SHIFT, (idx + 1) << PAGE_SHIFT);
				tmpfs_account(i);
			}
			if (fatal_signal_pending(current))
				err = -EINTR;
		}
		if (!err && !(mode & FALLOC_KEEP_SIZE) && end > i->size) {
			WRITE_ONCE(i->size, end);
		} else if (err && end > i->size) {
			mapping_truncate(i->mapping, i->size);	/* what it had got behind the end */
		}
		tmpfs_account(i);
	}
	if (!err)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
out:
	rwsem_write_unlock(&i->lock);
	return err;
}

static int tmpfs_fsync(struct file *f, bool datasync) { return 0; }

static int64_t tmpfs_read(struct file *f, struct uio *u, uint64_t *pos) { return generic_file_ops.read(f, u, pos); }

const struct file_ops tmpfs_file_ops = {
	.read = tmpfs_read, .write = tmpfs_write, .llseek = vfs_llseek, .mmap = tmpfs_mmap, .fsync = tmpfs_fsync,
	.fallocate = tmpfs_fallocate,
};
