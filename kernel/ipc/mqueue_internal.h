/* SPDX-License-Identifier: MIT */
/* POSIX message queues: a queue (mqueue.c) is the contents of an inode (mqueue_fs.c). */
#ifndef MQUEUE_INTERNAL_H
#define MQUEUE_INTERNAL_H
#include <abi/ipc.h>
#include "ipc/ipc_internal.h"

enum { MQ_TEXT = 80 /* length of a queue as a file */ };
struct abi_sigevent { uint64_t value; int32_t signo, notify; uint8_t pad[48]; };

struct mqueue {
	int64_t max_msgs, msg_size;	/* [I] */
	struct mutex lock;		/* [IPC_OBJECT] */
	struct list_head msgs;		/* [lock] highest priority first */
	int64_t count;			/* [lock], read without */
	uint64_t bytes;			/* [lock] */
	unsigned receivers;		/* [lock] asleep in a receive */
	struct process *notify;		/* [lock] a reference; NULL: nobody registered */
	struct abi_sigevent event;	/* [lock] */
	struct waitq read_wait, write_wait;
	struct user_account *owner;	/* [I] a reference: who is charged for it */
	int64_t cost;			/* [I] bytes */
};
/* attr NULL: the usual ones.  -EINVAL: not such as current may ask for; -EMFILE: over RLIMIT_MSGQUEUE; -ENOMEM. */
int mqueue_create(const struct abi_mq_attr *attr, struct mqueue **out) MUST_CHECK;
void mqueue_free(struct mqueue *q);
extern const struct file_ops mqueue_file_ops;	/* file.private: the queue */

/*
 * mq_open(3), mq_unlink(3) of a name without its slash.  attr NULL: the usual ones.  A new file, or -EACCES (also a name that is a
 * path), -ENAMETOOLONG, -ENOENT, -EEXIST, -EINVAL, -ENOSPC (too many queues), -EROFS, what mqueue_create() says.
 */
int mqueue_fs_open(const char *name, unsigned o_flags, unsigned mode, const struct abi_mq_attr *attr, struct file **out) MUST_CHECK;
int mqueue_fs_unlink(const char *name) MUST_CHECK;
#endif
