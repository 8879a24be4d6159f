/* SPDX-License-Identifier: MIT */
/*
 * Block device (virtio 1.2, 5.2) on an image file.
 *
 * Without --rw the image is never written: a cluster (4 KiB) that is written
 * goes into an unlinked sparse file, and a bitmap says which clusters are there.
 */
#include "virtio.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, CLUSTER = 4096 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { F_SEG_MAX = 1 << 2, F_BLK_SIZE = 1 << 6, F_FLUSH = 1 << 9 };

struct blk {
	struct vdev d;
	int fd, overlay;		/* overlay: -1 with --rw */
	uint64_t size;			/* bytes */
	uint64_t *written;		/* bit per cluster that is in the overlay */
	char id[20];
};

static bool in_overlay(const struct blk *b, uint64_t cluster) { return b->written[cluster / 64] >> cluster % 64 & 1; }

static bool all_read(int fd, char *p, size_t n, uint64_t off)
{
	while (n) {
		ssize_t r = pread(fd, p, n, (off_t)off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;	/* also: the image has been truncated under us */
		p += r;
		n -= (size_t)r;
		off += (uint64_t)r;
	}
	return true;
}

static bool all_write(int fd, const char *p, size_t n, uint64_t off)
{
	while (n) {
		ssize_t r = pwrite(fd, p, n, (off_t)off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
		off += (uint64_t)r;
	}
	return true;
}

static bool blk_read(struct blk *b, char *p, size_t n, uint64_t off)
{
	if (b->overlay < 0)
		return all_read(b->fd, p, n, off);
	while (n) {
		/* The longest run that comes from one of the two. */
		bool o = in_overlay(b, off / CLUSTER);
		size_t run = CLUSTER - off % CLUSTER;
		while (run < n && in_overlay(b, (off + run) / CLUSTER) == o)
			run += CLUSTER;
		if (run > n)
			run = n;
		if (!all_read(o ? b->overlay : b->fd, p, run, off))
			return false;
		p += run;
		n -= run;
		off += run;
	}
	return true;
}

/* Make the cluster that a write covers in part whole in the overlay. */
static bool cluster_fill(struct blk *b, uint64_t cluster)
{
	char buf[CLUSTER];
	uint64_t off = cluster * CLUSTER;
	size_t n = b->size - off < CLUSTER ? (size_t)(b->size - off) : CLUSTER;

	if (in_overlay(b, cluster))
		return true;
	return all_read(b->fd, buf, n, off) && all_write(b->overlay, buf, n, off);
}

static bool blk_write(struct blk *b, const char *p, size_t n, uint64_t off)
{
	if (b->overlay < 0)
		return all_write(b->fd, p, n, off);
	uint64_t first = off / CLUSTER, last = (off + n - 1) / CLUSTER;
	if ((off % CLUSTER && !cluster_fill(b, first)) || ((off + n) % CLUSTER && !cluster_fill(b, last)))
		return false;
	if (!all_write(b->overlay, p, n, off))
		return false;
	for (uint64_t c = first; c <= last; c++)
		b->written[c / 64] |= UINT64_C(1) << c % 64;
	return true;
}

static uint8_t blk_do(struct blk *b, struct vq_request *r, uint32_t type, uint64_t sector, uint32_t *written)
{
	/* The data lies behind the header on one side, before the status byte on the other; both are cut off already. */
	uint64_t off;
	size_t len = type == T_OUT ? r->out_len : r->in_len;
	unsigned first = type == T_OUT ? 0 : r->out, n = type == T_OUT ? r->out : r->in;

	switch (type) {
	case T_IN:
	case T_OUT:
		if (len % SECTOR || sector > b->size / SECTOR || len > b->size - sector * SECTOR)
			return S_IOERR;
		off = sector * SECTOR;
		for (unsigned i = first; i < first + n; i++) {
			struct iovec *v = &r->iov[i];
			if (v->iov_len && !(type == T_IN ? blk_read(b, v->iov_base, v->iov_len, off) :
					blk_write(b, v->iov_base, v->iov_len, off)))
				return S_IOERR;
			off += v->iov_len;
		}
		if (type == T_IN)
			*written += (uint32_t)len;
		return S_OK;
	case T_FLUSH:
		return b->overlay < 0 && fdatasync(b->fd) ? S_IOERR : S_OK;
	case T_GET_ID:
		if (n && r->iov[first].iov_len) {
			size_t k = r->iov[first].iov_len < sizeof(b->id) ? r->iov[first].iov_len : sizeof(b->id);
			memcpy(r->iov[first].iov_base, b->id, k);
			*written += (uint32_t)k;
		}
		return S_OK;
	}
	return S_UNSUPP;
}

/* Take n bytes off the front of the readable part. */
static bool cut_front(struct vq_request *r, void *to, size_t n)
{
	if (r->out_len < n)
		return false;
	for (unsigned i = 0; i < r->out && n; i++) {
		struct iovec *v = &r->iov[i];
		size_t k = v->iov_len < n ? v->iov_len : n;
		memcpy(to, v->iov_base, k);
		to = (char *)to + k;
		v->iov_base = (char *)v->iov_base + k;
		v->iov_len -= k;
		r->out_len -= k;
		n -= k;
	}
	return true;
}

static void blk_notify(struct vdev *d, unsigned queue)
{
	static _Thread_local struct vq_request r;
	struct blk *b = (struct blk *)d;
	struct vq *q = &d->q[queue];
	bool any = false;

	while (vq_take(d, q, &r) > 0) {
		struct { uint32_t type, reserved; uint64_t sector; } head;
		uint32_t written = 1;
		if (!cut_front(&r, &head, sizeof(head)) || !r.in) {
			vdev_break(d, "block request without header or status");
			break;
		}
		/* The last writable byte is the status. */
		struct iovec *last = &r.iov[r.out + r.in - 1];
		uint8_t *status = (uint8_t *)last->iov_base + last->iov_len - 1;
		last->iov_len--;
		r.in_len--;
		*status = blk_do(b, &r, head.type, head.sector, &written);
		vq_done(d, q, r.head, written);
		any = true;
	}
	if (any)
		vq_interrupt(d, q);
}

static int overlay_open(void)
{
	const char *dir = getenv("TMPDIR");
	int fd = open(dir && *dir ? dir : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = memfd_create("eft-overlay", MFD_CLOEXEC);
	return fd;
}

/* What a driver and a user can be told about an image before anything runs. */
static void image_check(struct blk *b, const char *path)
{
	struct stat st;

	if (fstat(b->fd, &st))
		fatal("%s: %s", path, strerror(errno));
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(b->fd, BLKGETSIZE64, &b->size))
			fatal("%s: %s", path, strerror(errno));
	} else if (S_ISREG(st.st_mode)) {
		b->size = (uint64_t)st.st_size;
	} else {
		fatal("%s: not an image file", path);
	}
	if (b->size < SECTOR)
		fatal("%s: the image is empty", path);
	b->size &= ~(uint64_t)(SECTOR - 1);
	/* An ext2 file system that says it is longer than its file: cut short by a copy. */
	unsigned char sb[1024];
	if (b->size >= 2048 && all_read(b->fd, (char *)sb, sizeof(sb), 1024) && sb[56] == 0x53 && sb[57] == 0xef) {
		uint64_t blocks = sb[4] | sb[5] << 8 | sb[6] << 16 | (uint64_t)sb[7] << 24;
		unsigned shift = sb[24];
		if (shift <= 6 && blocks << (10 + shift) > b->size)
			fatal("%s: truncated: the file system has %llu KiB, the file %llu KiB", path,
				(unsigned long long)(blocks << shift), (unsigned long long)(b->size >> 10));
	}
}

void blk_add(const char *path, bool rw)
{
	static const struct vdev_ops ops = { .id = 2, .queues = 1, .features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH,
		.notify = blk_notify };
	struct blk *b = calloc(1, sizeof(*b));

	if (!b)
		fatal("out of memory");
	b->overlay = -1;
	b->fd = open(path, (rw ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (b->fd < 0)
		fatal("%s: %s", path, strerror(errno));
	image_check(b, path);
	if (!rw) {
		b->overlay = overlay_open();
		b->written = calloc((b->size / CLUSTER + 64) / 64, 8);
		if (b->overlay < 0 || !b->written || ftruncate(b->overlay, (off_t)b->size))
			fatal("%s: cannot make the overlay: %s", path, strerror(errno));
	}
	uint64_t sectors = b->size / SECTOR;
	uint32_t seg_max = VQ_SIZE_MAX - 2, blk_size = SECTOR;
	memcpy(b->d.config, &sectors, 8);
	memcpy(b->d.config + 12, &seg_max, 4);
	memcpy(b->d.config + 20, &blk_size, 4);
	b->d.config_len = 60;
	const char *name = strrchr(path, '/');
	strncpy(b->id, name ? name + 1 : path, sizeof(b->id) - 1);
	vdev_add(&b->d, &ops, 0);
}
