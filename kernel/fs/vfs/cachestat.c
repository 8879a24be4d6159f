/* SPDX-License-Identifier: MIT */
/* cachestat(2): how much of a file's range is cached, dirty, being written. */
#include <kernel/errno.h>
#include <kernel/pagecache.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

struct abi_cachestat_range { uint64_t off, len; };
struct abi_cachestat { uint64_t cache, dirty, writeback, evicted, recently_evicted; };

/* The pages of indices [first, last], in steps that do not keep writers out for long.  What was evicted is not remembered. */
static void count_pages(struct mapping *m, uint64_t first, uint64_t last, struct abi_cachestat *c)
{
	enum { STEP = 1024 };
	uint64_t at = first;

	for (bool more = true; more;) {
		spin_lock(&m->lock);
		for (unsigned i = 0; more && i < STEP; i++) {
			struct page *p = at <= last ? radix_next(&m->pages, &at) : NULL;

			more = p && at <= last;
			if (!more)
				break;
			c->cache++;
			c->dirty += page_flag(p, PG_DIRTY) != 0;
			c->writeback += page_flag(p, PG_WRITEBACK) != 0;
			more = at++ != UINT64_MAX;
		}
		spin_unlock(&m->lock);
	}
}

long sys_cachestat(int fd, uaddr_t urange, uaddr_t ustat, unsigned flags)
{
	struct abi_cachestat c = { 0 };
	struct abi_cachestat_range r;
	struct file *f = fd_get(fd);
	uint64_t last;
	long err = -EBADF;

	if (!f)
		return -EBADF;
	err = -EFAULT;
	if (copy_from_user(&r, urange, sizeof(r)))
		goto out;
	err = -EPERM;
	if (!(f->mode & FMODE_WRITE) && !inode_owner_or_capable(f->inode) && inode_permission(f->inode, MAY_WRITE))
		goto out;
	err = -EINVAL;
	if (flags)
		goto out;
	last = r.len ? (r.off + r.len - 1) >> PAGE_SHIFT : UINT64_MAX;
	if (f->mapping)
		count_pages(f->mapping, r.off >> PAGE_SHIFT, last, &c);
	err = copy_to_user(ustat, &c, sizeof(c));
out:
	file_put(f);
	return err;
}
