/* SPDX-License-Identifier: MIT */
/* Shared by pipe.c, fifo.c and pipe_splice.c. */
#ifndef PIPE_INTERNAL_H
#define PIPE_INTERNAL_H
#include <kernel/pipe.h>
#include "ipc/ipc_internal.h"


extern const struct file_ops pipe_file_ops;
struct pipe *pipe_create(void);		/* NULL: no memory */
void pipe_put(struct pipe *p);
void pipe_release(struct file *f);
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
void pipe_pop(struct pipe *p);		/* the lock is held */
/* User segments of current's as pages of the pipe's: waits for some room, gives what there is room for.  Bytes, -EAGAIN, -EPIPE, -EFAULT ... */
int64_t pipe_give(struct pipe *p, struct uio *u, bool nonblock);
void fifo_put(struct inode *inode, struct pipe *p);	/* an open file's reference */
#endif
