/* SPDX-License-Identifier: MIT */
/*
 * Block devices as files: the list of them, the page cache of each, and what
 * read, write, seek and ioctl on /dev/vda do.
 *
 * Every device has an inode of the internal "bdev" file system, which owns the
 * device's page cache; the inodes of device nodes, wherever they are, lead to
 * it by number.  File systems keep their metadata in the same pages
 * (buffer.c).  With blocks smaller than a page, a page may hold metadata beside
 * the data blocks of some file, which live in that file's page cache: so only
 * the sectors that were changed through this cache are written, and page->priv
 * says which (bits 0-7).
 */
#include <hal/types.h>
#include <kernel/block.h>
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>

enum { BLKROSET = 0x125d, BLKROGET = 0x125e, BLKRRPART = 0x125f, BLKGETSIZE = 0x1260, BLKFLSBUF = 0x1261, BLKRASET = 0x1262,
	BLKRAGET = 0x1263, BLKSSZGET = 0x1268, BLKBSZGET = (int)0x80081270, BLKGETSIZE64 = (int)0x80081272, BLKIOMIN = 0x1278,
	BLKIOOPT = 0x1279, BLKALIGNOFF = 0x127a, BLKPBSZGET = 0x127b, BLKROTATIONAL = 0x127e };

static struct mutex blkdevs_lock;	/* [MODULE] */
static struct list_head blkdevs = LIST_INIT(blkdevs);	/* [blkdevs_lock] */
static struct super *bdev_super;

void block_queue_init(void);

/* ---- the page cache of a device ---- */

static struct blkdev *blkdev_of_mapping(struct mapping *m)
{
	return m->inode->fs_private;
}

static int blkdev_read_pages(struct mapping *m, struct page **pages, unsigned n)
{
	struct blkdev *d = blkdev_of_mapping(m);
	struct page_io io;

	page_io_init(&io, d, BLK_READ);
	for (unsigned i = 0; i < n; i++) {
		struct page *p = pages[i];
		uint64_t sector = p->index << (PAGE_SHIFT - 9);
		uint64_t left = sector < d->sectors ? (d->sectors - sector) * BLK_SECTOR : 0;
		unsigned len = (unsigned)MIN(left, (uint64_t)PAGE_SIZE);

		page_io_begin(&io, p);
		if (len < PAGE_SIZE)
			memset((char *)page_addr(p) + len, 0, PAGE_SIZE - len);
		if (len)
			page_io_add(&io, p, 0, len, sector);
		page_io_end(&io, p);
	}
	page_io_finish(&io);
	return 0;
}

static int blkdev_write_pages(struct mapping *m, struct page **pages, unsigned n)
{
	struct blkdev *d = blkdev_of_mapping(m);
	struct page_io io;

	page_io_init(&io, d, BLK_WRITE);
	for (unsigned i = 0; i < n; i++) {
		struct page *p = pages[i];
		uint64_t sector = p->index << (PAGE_SHIFT - 9);
		unsigned unit = d->block_size / BLK_SECTOR;
		uintptr_t mask = __atomic_fetch_and((uintptr_t *)&p->priv, ~(uintptr_t)0xff, __ATOMIC_ACQ_REL) & 0xff;

		page_io_begin(&io, p);
		for (unsigned s = 0; s < PAGE_SIZE / BLK_SECTOR; s += unit)
			if ((mask >> s & ((1u << unit) - 1)) && sector + s < d->sectors)
				page_io_add(&io, p, s * BLK_SECTOR, d->block_size, sector + s);
		page_io_end(&io, p);
	}
	page_io_finish(&io);
	return 0;
}

void blkdev_page_dirty_range(struct page *p, unsigned off, unsigned n);

void blkdev_page_dirty_range(struct page *p, unsigned off, unsigned n)
{
	unsigned first = off / BLK_SECTOR, last = (off + n - 1) / BLK_SECTOR;
	uintptr_t mask = (2u << last) - (1u << first);

	__atomic_or_fetch((uintptr_t *)&p->priv, mask, __ATOMIC_RELEASE);
}

static int blkdev_write_begin(struct mapping *m, struct page *p, unsigned off, unsigned n)
{
	struct blkdev *d = blkdev_of_mapping(m);

	if (!(READ_ONCE(p->flags) & PG_UPTODATE) && n < PAGE_SIZE) {
		struct blk_request *r = blk_request_alloc(d, BLK_READ, ALLOC_NOFS);
		uint64_t sector = p->index << (PAGE_SHIFT - 9), left = d->sectors - sector;
		unsigned len = (unsigned)MIN(left * BLK_SECTOR, (uint64_t)PAGE_SIZE);
		int e;

		if (!r)
			return -ENOMEM;
		r->sector = sector;
		r->seg[0] = (struct blk_seg){ .page = p, .offset = 0, .len = len };
		r->nsegs = 1;
		e = blk_submit_wait(r);
		if (e)
			return e;
		memset((char *)page_addr(p) + len, 0, PAGE_SIZE - len);
		__atomic_or_fetch(&p->flags, PG_UPTODATE, __ATOMIC_RELEASE);
	}
	blkdev_page_dirty_range(p, off, n);
	return 0;
}

static int blkdev_page_mkwrite(struct mapping *m, struct page *p)
{
	blkdev_page_dirty_range(p, 0, PAGE_SIZE);
	return 0;
}

const struct mapping_ops blkdev_mapping_ops = {
	.read_pages = blkdev_read_pages,
	.write_pages = blkdev_write_pages,
	.write_begin = blkdev_write_begin,
	.page_mkwrite = blkdev_page_mkwrite,
};

/* ---- files ---- */

static struct blkdev *blkdev_of_file(struct file *f)
{
	return f->private;
}

static int blkdev_file_open(struct inode *inode, struct file *f)
{
	struct blkdev *d = blkdev_find_dev(inode->rdev);

	if (!d)
		return -ENXIO;
	if ((f->mode & FMODE_WRITE) && d->read_only)
		return -EROFS;
	if ((f->mode & FMODE_WRITE) && READ_ONCE(d->claimed) && (f->flags & O_EXCL))
		return -EBUSY;
	__atomic_add_fetch(&d->openers, 1, __ATOMIC_RELAXED);
	f->private = d;
	f->mapping = d->inode->mapping;
	return 0;
}

static void blkdev_file_release(struct file *f)
{
	struct blkdev *d = blkdev_of_file(f);

	/* The last one out writes what programs wrote; a mounted file system syncs by itself. */
	if (__atomic_sub_fetch(&d->openers, 1, __ATOMIC_ACQ_REL) == 0 && (f->mode & FMODE_WRITE) &&
	    (mapping_sync(d->inode->mapping, 0, UINT64_MAX) || file_errors(f)))
		klog_err("%s: write error on close", d->name);
}

static int64_t blkdev_file_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n = pagecache_read(f, u, *pos);

	if (n > 0)
		*pos += (uint64_t)n;
	return n;
}

static int64_t blkdev_file_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct blkdev *d = blkdev_of_file(f);
	uint64_t size = d->sectors * BLK_SECTOR;
	struct inode *inode = d->inode;
	size_t cut = 0;
	int64_t n;

	if (u->left == 0)
		return 0;
	if (*pos >= size)
		return -ENOSPC;
	if (u->left > size - *pos) {
		cut = u->left - (size_t)(size - *pos);
		u->left -= cut;
	}
	rwsem_write_lock(&inode->lock);
	n = pagecache_write(f, u, *pos);
	rwsem_write_unlock(&inode->lock);
	u->left += cut;
	if (n > 0) {
		*pos += (uint64_t)n;
		if (READ_ONCE(f->flags) & (O_DSYNC | O_SYNC)) {
			int e = mapping_sync(inode->mapping, *pos - (uint64_t)n, *pos);

			if (!e)
				e = blkdev_flush(d);
			if (e)
				return e;
		}
	}
	return n;
}

static int64_t blkdev_file_llseek(struct file *f, int64_t off, int whence)
{
	int64_t size = (int64_t)(blkdev_of_file(f)->sectors * BLK_SECTOR), to;

	switch (whence) {
	case SEEK_SET: to = off; break;
	case SEEK_CUR: to = (int64_t)READ_ONCE(f->pos) + off; break;
	case SEEK_END: to = size + off; break;
	case SEEK_DATA: if (off < 0 || off >= size) return -ENXIO; to = off; break;
	case SEEK_HOLE: if (off < 0 || off >= size) return -ENXIO; to = size; break;
	default: return -EINVAL;
	}
	if (to < 0 || to > size)
		return -EINVAL;
	WRITE_ONCE(f->pos, (uint64_t)to);
	return to;
}

static int blkdev_file_fsync(struct file *f, bool datasync)
{
	struct blkdev *d = blkdev_of_file(f);
	int e = mapping_sync(d->inode->mapping, 0, UINT64_MAX);

	return e ? e : blkdev_flush(d);
}

static long blkdev_file_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct blkdev *d = blkdev_of_file(f);
	uint64_t size = d->sectors * BLK_SECTOR;

	switch ((int)cmd) {
	case BLKGETSIZE64:
		return put_user(size, arg);
	case BLKGETSIZE:
		return put_user((uint64_t)d->sectors, arg);
	case BLKSSZGET:
		return put_user((int32_t)d->block_size, arg);
	case BLKPBSZGET:
	case BLKIOMIN:
		return put_user((uint32_t)d->block_size, arg);
	case BLKIOOPT:
		return put_user((uint32_t)0, arg);
	case BLKALIGNOFF:
		return put_user((int32_t)0, arg);
	case BLKBSZGET:
		return put_user((uint64_t)PAGE_SIZE, arg);
	case BLKROTATIONAL:
		return put_user((uint16_t)0, arg);
	case BLKROGET:
		return put_user((int32_t)d->read_only, arg);
	case BLKRAGET:
		return put_user((uint64_t)256, arg);
	case BLKFLSBUF:
		if (!capable(CAP_SYS_ADMIN))
			return -EACCES;
		return blkdev_file_fsync(f, false);
	case BLKRRPART:
		return -EINVAL;
	default:
		return -ENOTTY;
	}
}

const struct file_ops blkdev_file_ops = {
	.open = blkdev_file_open,
	.release = blkdev_file_release,
	.read = blkdev_file_read,
	.write = blkdev_file_write,
	.llseek = blkdev_file_llseek,
	.fsync = blkdev_file_fsync,
	.ioctl = blkdev_file_ioctl,
};

/* ---- the list ---- */

static const struct super_ops bdev_super_ops = { .sync = NULL };
static struct filesystem bdev_filesystem = { .name = "bdev" };

int blkdev_register(struct blkdev *d)
{
	struct inode *i;

	if (d->block_size < BLK_SECTOR || d->block_size > PAGE_SIZE || (d->block_size & (d->block_size - 1)))
		return -EINVAL;
	spin_init(&d->lock, LOCK_BLOCK_QUEUE);
	list_init(&d->queue);
	i = inode_new(bdev_super, d->dev);
	if (!i)
		return -ENOMEM;
	i->mode = S_IFBLK | 0600;
	i->rdev = d->dev;
	i->nlink = 1;
	i->size = d->sectors * BLK_SECTOR;
	i->blksize = PAGE_SIZE;
	i->fops = &blkdev_file_ops;
	i->fs_private = d;
	WRITE_ONCE(i->own_mapping.ops, &blkdev_mapping_ops);	/* a sync may look at it already */
	d->inode = i;
	mutex_lock(&blkdevs_lock);
	list_add_tail(&d->link, &blkdevs);
	mutex_unlock(&blkdevs_lock);
	devfs_add(d->name, S_IFBLK | 0660, d->dev);
	return 0;
}

void blkdev_unregister(struct blkdev *d)
{
	unsigned long flags;

	devfs_remove(d->name);
	mutex_lock(&blkdevs_lock);
	list_del(&d->link);
	mutex_unlock(&blkdevs_lock);
	flags = spin_lock_irqsave(&d->lock);
	WRITE_ONCE(d->gone, true);
	spin_unlock_irqrestore(&d->lock, flags);
	blk_queue_run(d);
}

struct blkdev *blkdev_find(const char *name)
{
	struct blkdev *d, *found = NULL;

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	mutex_lock(&blkdevs_lock);
	list_for_each(d, &blkdevs, link)
		if (strcmp(d->name, name) == 0) {
			found = d;
			break;
		}
	mutex_unlock(&blkdevs_lock);
	return found;
}

struct blkdev *blkdev_find_dev(kdev_t dev)
{
	struct blkdev *d, *found = NULL;

	mutex_lock(&blkdevs_lock);
	list_for_each(d, &blkdevs, link)
		if (d->dev == dev) {
			found = d;
			break;
		}
	mutex_unlock(&blkdevs_lock);
	return found;
}

bool blkdev_info(unsigned index, struct blkdev **out)
{
	struct blkdev *d;
	bool found = false;

	mutex_lock(&blkdevs_lock);
	list_for_each(d, &blkdevs, link)
		if (index-- == 0) {
			*out = d;
			found = true;
			break;
		}
	mutex_unlock(&blkdevs_lock);
	return found;
}

void block_init(void)
{
	mutex_init(&blkdevs_lock, LOCK_MODULE);
	block_queue_init();
	bdev_super = super_alloc(&bdev_filesystem);
	if (!bdev_super)
		panic("block: no memory");
	bdev_super->ops = &bdev_super_ops;
	bdev_super->block_size = PAGE_SIZE;
}
