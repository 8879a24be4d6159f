/* SPDX-License-Identifier: MIT */
/* Moving bytes between the kernel and a list of user segments, or one kernel buffer. */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include "mm/user_mem.h"

void uio_init_user(struct uio *u, struct uio_seg *one, uaddr_t base, size_t len)
{
	one->base = base;
	one->len = len;
	uio_init_segs(u, one, 1, len);
}

void uio_init_segs(struct uio *u, const struct uio_seg *segs, unsigned n, size_t total)
{
	*u = (struct uio){ .seg = segs, .nsegs = n, .left = total };
	uaccess_expect(total);
}

void uio_init_kernel(struct uio *u, void *buf, size_t len)
{
	*u = (struct uio){ .kbuf = buf, .left = len };
}

void uio_advance(struct uio *u, size_t n)
{
	u->left -= n;
	u->seg_off += n;
	while (u->nsegs && u->seg_off >= u->seg->len && u->left) {
		u->seg_off -= u->seg->len;
		u->seg++;
		u->nsegs--;
	}
}

enum move { MOVE_TO, MOVE_FROM, MOVE_ZERO };

static size_t move_kernel(struct uio *u, enum move how, void *k, size_t n)
{
	/* The other side may be a page of a file, which others read and write meanwhile. */
	if (how == MOVE_TO)
		user_mem_copy(u->kbuf, k, n);
	else if (how == MOVE_FROM)
		user_mem_copy(k, u->kbuf, n);
	else
		user_mem_zero(u->kbuf, n);
	u->kbuf += n;
	u->left -= n;
	return n;
}

static size_t move_segment(struct uio *u, enum move how, char *k, uaddr_t at, size_t n)
{
	static const char zeros[256];
	size_t done = 0;

	switch (how) {
	case MOVE_TO:
		return u->nofault ? copy_to_user_nofault(at, k, n) : copy_to_user_partial(at, k, n);
	case MOVE_FROM:
		return u->nofault ? copy_from_user_nofault(k, at, n) : copy_from_user_partial(k, at, n);
	default:
		while (done < n) {
			size_t part = MIN(n - done, sizeof(zeros));
			size_t got = u->nofault ? copy_to_user_nofault(at + done, zeros, part)
						: copy_to_user_partial(at + done, zeros, part);

			done += got;
			if (got < part)
				break;
		}
		return done;
	}
}

static size_t uio_move(struct uio *u, enum move how, void *k, size_t n)
{
	size_t done = 0;

	n = MIN(n, u->left);
	if (!u->seg)
		return move_kernel(u, how, k, n);
	uio_advance(u, 0);	/* past empty segments */
	while (done < n) {
		size_t part = MIN(n - done, u->seg->len - u->seg_off);
		size_t got = move_segment(u, how, (char *)k + done, u->seg->base + u->seg_off, part);

		uio_advance(u, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

size_t uio_copy_to(struct uio *u, const void *src, size_t n)
{
	return uio_move(u, MOVE_TO, (void *)(uintptr_t)src, n);
}

size_t uio_copy_from(struct uio *u, void *dst, size_t n)
{
	return uio_move(u, MOVE_FROM, dst, n);
}

size_t uio_zero(struct uio *u, size_t n)
{
	return uio_move(u, MOVE_ZERO, NULL, n);
}

/* Touch one byte; writing what is there is not allowed (another thread may change it), so write faults are asked for. */
static bool touch(uaddr_t at, bool for_write)
{
	uint8_t byte;
	uint32_t old;

	if (!for_write)
		return copy_from_user_partial(&byte, at, 1) == 1;
	/* A compare-and-exchange of a word with itself takes the write fault and changes nothing. */
	if (user_load32(at & ~(uaddr_t)3, &old))
		return false;
	return user_cmpxchg32(at & ~(uaddr_t)3, old, old, &old) == 0;
}

int uio_fault_in(struct uio *u, size_t n, bool for_write)
{
	size_t done = 0;
	size_t off = u->seg_off;

	n = MIN(n, u->left);
	if (!u->seg || !n)
		return 0;
	for (unsigned i = 0; i < u->nsegs && done < n; i++) {
		uaddr_t base = u->seg[i].base + off, at = base;
		size_t len;

		if (u->seg[i].len <= off) {
			off -= u->seg[i].len;
			continue;
		}
		len = MIN(u->seg[i].len - off, n - done);
		while (at < base + len) {
			if (!user_range_ok(at, 1) || !touch(at, for_write))
				return done + (at - base) ? 0 : -EFAULT;
			at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE;
		}
		done += len;
		off = 0;
	}
	return 0;
}

void uio_revert(struct uio *u, size_t n)
{
	u->left += n;
	if (!u->seg) {
		u->kbuf -= n;
		return;
	}
	while (u->seg_off < n) {
		n -= u->seg_off;
		u->seg--;
		u->nsegs++;
		u->seg_off = u->seg->len;
	}
	u->seg_off -= n;
}

int64_t uio_import(struct uio *u, uaddr_t iov, uint64_t n, struct uio_seg fast[8], struct uio_seg **segs)
{
	struct uio_seg *s = fast;
	uint64_t total = 0;
	const uint64_t max = 0x7ffff000;	/* MAX_RW_COUNT */
	int err = -EINVAL;

	*segs = fast;
	if (n > UIO_MAX_SEGS)
		return -EINVAL;
	if (n > 8) {
		s = kmalloc(n * sizeof(*s), 0);
		if (!s)
			return -ENOMEM;
	}
	/* struct iovec is two words: the same as struct uio_seg. */
	if (n && copy_from_user(s, iov, n * sizeof(*s))) {
		/* A length that is none comes before memory that ends behind it. */
		for (uint64_t i = 0; i < n && !copy_from_user(s, iov + i * sizeof(*s), sizeof(*s)); i++)
			if ((int64_t)s[0].len < 0)
				goto free_segs;
		err = -EFAULT;
		goto free_segs;
	}
	for (uint64_t i = 0; i < n; i++)	/* of all of them before any of the addresses */
		if ((int64_t)s[i].len < 0)
			goto free_segs;
	if (n == 1)		/* what is too much is cut off before it is looked at */
		s[0].len = MIN(s[0].len, max);
	for (uint64_t i = 0; i < n; i++) {
		if (!user_range_ok(s[i].base, s[i].len)) {
			err = -EFAULT;
			goto free_segs;
		}
		if (s[i].len > max - total)
			s[i].len = max - total;
		total += s[i].len;
	}
	*segs = s;
	uio_init_segs(u, s, (unsigned)n, total);
	return (int64_t)total;
free_segs:
	if (s != fast)
		kfree(s);
	return err;
}
