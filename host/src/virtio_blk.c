/* SPDX-License-Identifier: MIT */
/*
 * Block device (virtio 1.2, 5.2) on an image file.
 *
 * Without --rw the image is never written: a cluster (4 KiB) that is written
 * goes into an unlinked sparse file, and a bitmap says which clusters are there.
 *
 * What the host has in its page cache is copied at once, on the CPU's thread
 * (RWF_NOWAIT), and so is what is written until CACHED bytes wait for a flush:
 * then the flush finds all of it, and it costs one wait.  Everything else is
 * libaio's, with O_DIRECT where the host and the alignment allow it, and
 * completes through the event loop.  A flush is for a thread that waits for nothing else;
 * with --flush=off, and of the overlay, which nobody keeps, it is nothing.
 */
#include "virtio.h"
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SECTOR = 512, CLUSTER = 4096 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { F_SEG_MAX = 1 << 2, F_BLK_SIZE = 1 << 6, F_FLUSH = 1 << 9 };

enum { DEPTH = 256, ALIGN = 512, READ_AHEAD = 256 << 20 };	/* images up to this size are read in the background */
enum { CACHED = 8 << 20, BEGIN = 64 << 10, NEAR = 64 << 10 };	/* so much in one place: the host begins to write it at once */

struct blk {
	struct vdev d;
	int fd, overlay;		/* overlay: -1 with --rw */
	int direct;			/* the same image with O_DIRECT, or -1 */
	uint64_t size;			/* bytes */
	uint64_t *written;		/* bit per cluster that is in the overlay */
	io_context_t aio;		/* [d.lock] NULL until it is needed: to end a process that has one takes the host 35 ms */
	struct loop_source done;	/* eventfd of completions */
	unsigned inflight;		/* [d.lock] struct io */
	unsigned aio_parts;		/* [d.lock] struct part */
	size_t cached;			/* [d.lock] bytes written to the host's page cache since the last flush */
	uint64_t late_from, late_to;	/* [d.lock] the place of the last of them that the host has not been told to begin with */
	size_t late;			/* [d.lock] how many bytes it has there */
	bool flush_host;		/* [I] a flush is one of the host's: with --rw, unless --flush=off */
	bool flusher;			/* [I] there is a thread for flushes */
	pthread_mutex_t flush_lock;	/* inside d.lock */
	struct io *flush;		/* [flush_lock] what it has to do */
	pthread_cond_t flush_wanted;	/* with flush_lock */
	pthread_cond_t flush_done;	/* with d.lock */
	char id[20];
};

/* A request with parts under way. */
struct io {
	struct blk *b;
	uint16_t head;
	uint8_t *status;
	uint32_t written;
	unsigned parts;			/* [d.lock] not yet completed, plus one while they are made */
	bool failed;
	struct io *next;		/* [flush_lock] b->flush */
};
struct part { struct iocb cb; struct io *io; size_t len; };

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

/*
 * The device reads memory beside the processors, as DMA does: what it reads may
 * be changing, and the driver writes it again then.  Past the sanitizer's
 * interceptor, which would call that a race.
 */
static ssize_t dma_pwrite(int fd, const char *p, size_t n, off_t off)
{
	return syscall(SYS_pwrite64, fd, p, n, off);
}

static ssize_t dma_pwritev(int fd, const struct iovec *v, unsigned n, uint64_t off)
{
	return syscall(SYS_pwritev, fd, v, (long)n, (long)off, 0L);
}

static bool all_write(int fd, const char *p, size_t n, uint64_t off)
{
	while (n) {
		ssize_t r = dma_pwrite(fd, p, n, (off_t)off);
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

/* ---- parts that the host does in the background ---- */

static void io_finish(struct io *io)
{
	struct blk *b = io->b;
	struct vq *q = &b->d.q[0];

	if (--io->parts)
		return;
	b->inflight--;
	*io->status = io->failed ? S_IOERR : S_OK;
	vq_done(&b->d, q, io->head, io->written);
	free(io);
}

/* 0 or -errno: nothing has begun. */
static int part_submit(struct io *io, int op, int fd, const struct iovec *v, unsigned n, size_t len, uint64_t off)
{
	struct part *t;
	struct iocb *cb;
	int r = io->b->aio ? 0 : io_setup(DEPTH, &io->b->aio);

	if (r < 0)
		return r;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	cb = &t->cb;
	if (op == IO_CMD_PREADV)
		io_prep_preadv(cb, fd, v, (int)n, (long long)off);
	else
		io_prep_pwritev(cb, fd, v, (int)n, (long long)off);
	io_set_eventfd(cb, io->b->done.fd);
	t->io = io;
	t->len = len;
	cb->data = t;
	io->parts++;
	r = io_submit(io->b->aio, 1, &cb);
	if (r == 1) {
		io->b->aio_parts++;
		return 0;
	}
	io->parts--;
	free(t);
	return r < 0 ? r : -EAGAIN;
}

/* d.lock held. */
static void parts_collect(struct blk *b, long min)
{
	struct io_event ev[32];
	int n;

	while ((n = io_getevents(b->aio, min, 32, ev, NULL)) > 0) {
		for (int i = 0; i < n; i++) {
			struct part *t = ev[i].data;
			b->aio_parts--;
			if ((long)ev[i].res < 0 || ev[i].res != t->len)
				t->io->failed = true;
			io_finish(t->io);
			free(t);
		}
		min = 0;
	}
}

static void on_done(void *arg, uint32_t events)
{
	struct blk *b = arg;
	uint64_t count;

	(void)events;
	pthread_mutex_lock(&b->d.lock);
	if (read(b->done.fd, &count, sizeof(count)) > 0) {
		parts_collect(b, 0);
		vq_interrupt(&b->d, &b->d.q[0]);
	}
	pthread_mutex_unlock(&b->d.lock);
}

/*
 * Flushes have a thread of their own: it is woken by the disk.  libaio would give them to a worker of the host's, which
 * wakes the event loop, which wakes the CPU.  One fdatasync is for all that waited when it began.
 */
static void *flush_thread(void *arg)
{
	struct blk *b = arg;

	for (;;) {
		struct io *all, *next;

		pthread_mutex_lock(&b->flush_lock);
		while (!(all = b->flush))
			pthread_cond_wait(&b->flush_wanted, &b->flush_lock);
		b->flush = NULL;
		pthread_mutex_unlock(&b->flush_lock);
		bool failed = fdatasync(b->fd);
		pthread_mutex_lock(&b->d.lock);
		b->d.flushes++;
		for (; all; all = next) {
			next = all->next;
			all->failed |= failed;
			io_finish(all);
		}
		pthread_cond_broadcast(&b->flush_done);
		vq_interrupt(&b->d, &b->d.q[0]);
		pthread_mutex_unlock(&b->d.lock);
	}
	return NULL;
}

static bool flush_later(struct io *io)
{
	struct blk *b = io->b;

	if (!b->flusher)
		return false;
	io->parts++;
	pthread_mutex_lock(&b->flush_lock);
	io->next = b->flush;
	b->flush = io;
	pthread_mutex_unlock(&b->flush_lock);
	pthread_cond_signal(&b->flush_wanted);
	return true;
}

/* The driver may use its memory for something else after a reset. */
static void blk_reset(struct vdev *d)
{
	struct blk *b = (struct blk *)d;

	while (b->inflight) {
		if (b->aio_parts)
			parts_collect(b, 1);
		else
			pthread_cond_wait(&b->flush_done, &b->d.lock);
	}
}

static bool aligned(const struct iovec *v, unsigned n, uint64_t off)
{
	uint64_t bits = off;

	for (unsigned i = 0; i < n; i++)
		bits |= (uintptr_t)v[i].iov_base | v[i].iov_len;
	return !(bits & (ALIGN - 1));
}

/*
 * What waits for the flush to be begun with would be all that the flush waits for.  Requests that are near each other
 * count together: a file's data lie around the blocks that say where they are.
 */
static void write_begin(struct blk *b, size_t len, uint64_t off)
{
	bool near = b->late && off <= b->late_to + NEAR && off + len + NEAR >= b->late_from;

	b->late_from = near && b->late_from < off ? b->late_from : off;
	b->late_to = near && b->late_to > off + len ? b->late_to : off + len;
	b->late = (near ? b->late : 0) + len;
	if (b->late < BEGIN)
		return;
	sync_file_range(b->fd, (off_t)b->late_from, (off_t)(b->late_to - b->late_from), SYNC_FILE_RANGE_WRITE);
	b->late = 0;
}

/* Little enough that the host never makes its writer wait: this is a CPU's thread. */
static bool write_cached(struct blk *b, const struct iovec *v, unsigned n, size_t len, uint64_t off)
{
	if (b->cached + len > CACHED || dma_pwritev(b->fd, v, n, off) != (ssize_t)len)
		return false;
	b->cached += len;
	if (b->flush_host)
		write_begin(b, len, off);
	return true;
}

/* A whole request is one of the host's: its pages are scattered, its bytes are not. */
static bool image_io(struct io *io, bool write, const struct iovec *v, unsigned n, size_t len, uint64_t off)
{
	struct blk *b = io->b;

	if (!write && preadv2(b->fd, v, (int)n, (off_t)off, RWF_NOWAIT) == (ssize_t)len)
		return true;
	if (write && write_cached(b, v, n, len, off))
		return true;
	if (b->direct >= 0 && aligned(v, n, off) &&
	    part_submit(io, write ? IO_CMD_PWRITEV : IO_CMD_PREADV, b->direct, v, n, len, off) == 0)
		return true;
	for (; n; n--, v++) {
		if (!(write ? all_write(b->fd, v->iov_base, v->iov_len, off) : all_read(b->fd, v->iov_base, v->iov_len, off)))
			return false;
		off += v->iov_len;
	}
	return true;
}

static bool image_read(struct io *io, char *p, size_t n, uint64_t off)
{
	struct iovec v = { p, n };

	return image_io(io, false, &v, 1, n, off);
}

static bool blk_read(struct io *io, char *p, size_t n, uint64_t off)
{
	struct blk *b = io->b;

	while (n) {
		/* The longest run that comes from one of the two. */
		bool o = in_overlay(b, off / CLUSTER);
		size_t run = CLUSTER - off % CLUSTER;
		while (run < n && in_overlay(b, (off + run) / CLUSTER) == o)
			run += CLUSTER;
		if (run > n)
			run = n;
		if (!(o ? all_read(b->overlay, p, run, off) : image_read(io, p, run, off)))
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

static bool blk_write(struct blk *b, char *p, size_t n, uint64_t off)
{
	uint64_t first = off / CLUSTER, last = (off + n - 1) / CLUSTER;
	if ((off % CLUSTER && !cluster_fill(b, first)) || ((off + n) % CLUSTER && !cluster_fill(b, last)))
		return false;
	if (!all_write(b->overlay, p, n, off))
		return false;
	for (uint64_t c = first; c <= last; c++)
		b->written[c / 64] |= UINT64_C(1) << c % 64;
	return true;
}

/* Is all of it in the image itself? */
static bool in_image(const struct blk *b, bool write, size_t len, uint64_t off)
{
	if (b->overlay < 0 || !len)
		return true;
	if (write)
		return false;
	for (uint64_t c = off / CLUSTER; c <= (off + len - 1) / CLUSTER; c++)
		if (in_overlay(b, c))
			return false;
	return true;
}

static uint8_t blk_do(struct io *io, struct vq_request *r, uint32_t type, uint64_t sector)
{
	struct blk *b = io->b;
	/* Header and status byte are cut off already: what is left on one side is the data. */
	uint64_t off;
	size_t len = type == T_OUT ? r->out_len : r->in_len;
	unsigned first = type == T_OUT ? 0 : r->out, n = type == T_OUT ? r->out : r->in;

	switch (type) {
	case T_IN:
	case T_OUT:
		if (len % SECTOR || sector > b->size / SECTOR || len > b->size - sector * SECTOR)
			return S_IOERR;
		off = sector * SECTOR;
		if (in_image(b, type == T_OUT, len, off)) {
			if (len && !image_io(io, type == T_OUT, &r->iov[first], n, len, off))
				return S_IOERR;
		} else {
			for (unsigned i = first; i < first + n; i++) {
				struct iovec *v = &r->iov[i];
				if (v->iov_len && !(type == T_IN ? blk_read(io, v->iov_base, v->iov_len, off) :
						blk_write(b, v->iov_base, v->iov_len, off)))
					return S_IOERR;
				off += v->iov_len;
			}
		}
		if (type == T_IN)
			io->written += (uint32_t)len;
		return S_OK;
	case T_FLUSH:
		b->cached = b->late = 0;
		if (!b->flush_host || flush_later(io))
			return S_OK;
		b->d.flushes++;
		return fdatasync(b->fd) ? S_IOERR : S_OK;
	case T_GET_ID:
		if (n && r->iov[first].iov_len) {
			size_t k = r->iov[first].iov_len < sizeof(b->id) ? r->iov[first].iov_len : sizeof(b->id);
			memcpy(r->iov[first].iov_base, b->id, k);
			io->written += (uint32_t)k;
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
		if (!cut_front(&r, &head, sizeof(head)) || !r.in) {
			vdev_break(d, "block request without header or status");
			break;
		}
		/* The last writable byte is the status. */
		struct iovec *last = &r.iov[r.out + r.in - 1];
		uint8_t *status = (uint8_t *)last->iov_base + last->iov_len - 1;
		last->iov_len--;
		r.in_len--;
		struct io *io = calloc(1, sizeof(*io));
		if (!io) {
			*status = S_IOERR;
			vq_done(d, q, r.head, 1);
			any = true;
			continue;
		}
		*io = (struct io){ .b = b, .head = r.head, .status = status, .written = 1, .parts = 1 };
		b->inflight++;
		uint8_t s = blk_do(io, &r, head.type, head.sector);
		if (s == S_UNSUPP) {
			*status = s;
			vq_done(d, q, r.head, 1);
			b->inflight--;
			free(io);
			any = true;
			continue;
		}
		io->failed |= s != S_OK;
		any |= io->parts == 1;
		io_finish(io);
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

static void flusher_start(struct blk *b)
{
	pthread_t t;

	pthread_mutex_init(&b->flush_lock, NULL);
	pthread_cond_init(&b->flush_wanted, NULL);
	pthread_cond_init(&b->flush_done, NULL);
	b->flusher = !pthread_create(&t, NULL, flush_thread, b);
}

void blk_add(const char *path, bool rw, bool flush)
{
	static const struct vdev_ops ops = { .id = 2, .queues = 1, .features = F_SEG_MAX | F_BLK_SIZE | F_FLUSH,
		.notify = blk_notify, .reset = blk_reset };
	struct blk *b = calloc(1, sizeof(*b));

	if (!b)
		fatal("out of memory");
	b->overlay = b->direct = -1;
	b->fd = open(path, (rw ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (b->fd < 0)
		fatal("%s: %s", path, strerror(errno));
	image_check(b, path);
	b->direct = open(path, (rw ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_DIRECT);
	b->done = (struct loop_source){ eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), on_done, b, 0, false };
	if (b->done.fd < 0 || loop_watch(&b->done, EPOLLIN))
		fatal("%s: cannot set up asynchronous I/O: %s", path, strerror(errno));
	if (b->size <= READ_AHEAD)
		posix_fadvise(b->fd, 0, 0, POSIX_FADV_WILLNEED);
	if (!rw) {
		b->overlay = overlay_open();
		b->written = calloc((b->size / CLUSTER + 64) / 64, 8);
		if (b->overlay < 0 || !b->written || ftruncate(b->overlay, (off_t)b->size))
			fatal("%s: cannot make the overlay: %s", path, strerror(errno));
	}
	b->flush_host = rw && flush;
	if (b->flush_host)
		flusher_start(b);	/* before the first CPU: bound to none, no interrupts */
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
