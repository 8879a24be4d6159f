/* SPDX-License-Identifier: MIT */
/*
 * Pipes: a ring of references to pages.  Bytes travel from write to read
 * through pages of the pipe's own; splice(2) puts in and takes out pages of
 * somebody else.
 */
#ifndef KERNEL_PIPE_H
#define KERNEL_PIPE_H
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/sigio.h>
#include <kernel/wait.h>

struct file;
struct inode;
struct user_account;
/* Slots of a pipe, of one whose user has more than PIPE_USER_SLOTS already; procfs shows the limits in sys/fs. */
enum { PIPE_BUF = 4096, PIPE_SLOTS = 16, PIPE_SLOTS_MIN = 2, PIPE_USER_SLOTS = 16384, PIPE_MAX_BYTES = 1 << 20 };
enum { PIPE_MERGE = 1 /* the page is the pipe's: more may be appended */, PIPE_PACKET = 2 /* ends a packet (O_DIRECT) */ };

struct pipe_buf { struct page *page; uint32_t off, len, flags; };
struct pipe {
	struct refcount refs;		/* its files, and the FIFO's inode */
	struct mutex lock;		/* [PIPE] */
	struct waitq read_wait, write_wait, hold_wait;
	struct pipe_buf *ring;		/* [lock] */
	unsigned slots;			/* [lock] a power of two */
	unsigned head, tail;		/* [lock] run freely; head - tail slots are in use */
	unsigned readers, writers;	/* [lock] open files */
	unsigned reader_opens, writer_opens;	/* [lock] ever: FIFO opens wait for a change */
	struct sigio_list read_sigio, write_sigio;
	struct page *spare;		/* [lock] of the last empty buffer */
	struct user_account *user;	/* [I] a reference: who made it and is charged for its slots */
	bool held;			/* [lock] a splice(2) has the first buffer in hand: nobody else takes anything */
	bool anonymous;			/* [I] made by pipe(2) */
};

/* NULL: not a pipe or FIFO. */
struct pipe *pipe_of(struct file *f);
/* Wait for data / for a free slot with p->lock held (dropped while asleep).  0 or: read: 1 at end of file; write: -EPIPE
 * (SIGPIPE is sent); -EAGAIN, -ERESTARTSYS. */
int pipe_wait_data(struct pipe *p, bool nonblock) REQUIRES(&p->lock) MUST_CHECK;
int pipe_wait_slot(struct pipe *p, bool nonblock) REQUIRES(&p->lock) MUST_CHECK;

/*
 * Give up to max bytes of the first buffer to `take`, which may sleep for long: the pipe is not locked, but nobody
 * else takes anything meanwhile.  It returns how many it took, which then are gone from the pipe, or -errno.
 * Waits for data.  Bytes, 0 at end of file, -errno.
 */
int64_t pipe_take(struct pipe *p, size_t max, bool nonblock, int64_t (*take)(void *arg, const void *data, size_t n), void *arg);
/* Append a piece of a page (takes a reference of its own); waits for a slot.  len or -errno. */
int64_t pipe_append_page(struct pipe *p, struct page *page, unsigned off, unsigned len, bool nonblock);
/* tee(2), splice(2) between two pipes: share or move buffers.  Bytes or -errno. */
int64_t pipe_tee(struct pipe *from, struct pipe *to, size_t max, bool nonblock);
int64_t pipe_move(struct pipe *from, struct pipe *to, size_t max, bool nonblock);
/* F_GETPIPE_SZ, F_SETPIPE_SZ: bytes or -EBADF (no pipe), -EBUSY, -EPERM, -ENOMEM, -EINVAL. */
long pipe_get_size(struct file *f);
long pipe_set_size(struct file *f, uint64_t bytes);
struct uio;
/* vmsplice(2): a write or a read of the pipe that may be told not to block. */
int64_t pipe_vmsplice(struct file *f, struct uio *u, bool write, bool nonblock);
#endif
