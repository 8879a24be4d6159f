/* SPDX-License-Identifier: MIT */
/* What a read or write moves bytes to or from: user segments, or one kernel buffer. */
#ifndef KERNEL_UIO_H
#define KERNEL_UIO_H
#include <hal/types.h>
#include <kernel/compiler.h>

enum { UIO_APPEND = 1, UIO_NOAPPEND = 2, UIO_NOSIGNAL = 4 /* no SIGPIPE */ };
struct uio_seg { uaddr_t base; uint64_t len; };
struct uio {
	const struct uio_seg *seg;	/* user segments; NULL: kernel buffer */
	unsigned nsegs;
	size_t seg_off;			/* done of the first segment */
	uint8_t *kbuf;
	size_t left;			/* bytes still to move */
	bool nofault;			/* stop at a page that is not at hand (a page is locked) */
	uint8_t how;			/* UIO_*: what a write asks for besides what its file says */
};
void uio_init_user(struct uio *u, struct uio_seg *one, uaddr_t base, size_t len);
void uio_init_segs(struct uio *u, const struct uio_seg *segs, unsigned n, size_t total);
void uio_init_kernel(struct uio *u, void *buf, size_t len);
/* Move up to n bytes and advance; return the bytes moved (short: fault).  May sleep. */
size_t uio_copy_to(struct uio *u, const void *src, size_t n);	/* a read(2): kernel to uio */
size_t uio_copy_from(struct uio *u, void *dst, size_t n);	/* a write(2): uio to kernel */
size_t uio_zero(struct uio *u, size_t n);
/* Fault in up to n bytes of it ahead, for copies made with a page locked. -EFAULT: not one byte. */
int uio_fault_in(struct uio *u, size_t n, bool for_write);
/* n bytes of it were moved by other means. */
void uio_advance(struct uio *u, size_t n);
void uio_revert(struct uio *u, size_t n);	/* take n bytes back (not across uio_init) */
enum { UIO_MAX_SEGS = 1024 };
/* Import an iovec array: checks as readv(2).  *segs is kmalloc'd if n > 8 (fast[] otherwise). Bytes or -errno. */
int64_t uio_import(struct uio *u, uaddr_t iov, uint64_t n, struct uio_seg fast[8], struct uio_seg **segs);
#endif
