/* SPDX-License-Identifier: MIT */
/*
 * UNIX sockets inside.
 *
 * Every socket has one queue of messages to read.  Sending allocates a message
 * charged to the sender (SO_SNDBUF) and puts it on the receiver's queue; the
 * charge ends when the message is freed.  A connected socket refers to its
 * peer; both directions of a stream are two such references, so a pair is kept
 * in memory until both sides have been closed and forgotten each other.
 *
 * s.queue_lock guards what is marked [q].  Two sockets' queue locks are never
 * held together: a connection is made by filling in the new side before
 * anybody can see it, and is ended one side after the other.
 */
#ifndef UNIX_INTERNAL_H
#define UNIX_INTERNAL_H
#include "net/net_internal.h"

enum { UNIX_PATH = 108, UNIX_DGRAM_BACKLOG = 10, UNIX_CHUNK = 16384 };
enum unix_state { UNIX_CLOSED, UNIX_LISTENING, UNIX_CONNECTED };
enum { SHUT_R = 1, SHUT_W = 2 };

struct unix_addr {
	struct refcount refs;
	uint32_t hash;
	unsigned len;			/* of sun, as getsockname tells it */
	struct abi_sockaddr_un sun;
};

struct unix_socket {
	struct socket s;
	struct unix_addr *addr;		/* [q] set once */
	struct path path;		/* [s.lock] of a bound one; dentry NULL: none */
	struct list_head name_link;	/* [bucket] abstract names; empty: none */
	enum unix_state state;		/* [q] */
	struct unix_socket *peer;	/* [q] a reference */
	struct list_head queue;		/* [q] struct unix_msg */
	unsigned queue_len;		/* [q] */
	size_t queue_bytes;		/* [q] */
	struct list_head accept_queue;	/* [q] of a listener: accept_link of sockets with a reference each */
	struct list_head accept_link;	/* [q of the listener] */
	unsigned accept_len, backlog;	/* [q] */
	unsigned shutdown;		/* [q] SHUT_R, SHUT_W */
	bool dead;			/* [q] its file is gone */
	size_t charged;			/* [a] bytes of its messages in queues */
	struct list_head clients;	/* [q] datagram sockets connected to this one */
	struct list_head client_link;	/* [q of the peer] */
	struct waitq space;		/* senders of datagrams that wait for room in this queue */
	struct file *file;		/* [gc] while descriptors of it are in flight */
	unsigned in_flight;		/* [gc] references to its file in queued messages */
	struct list_head gc_link;	/* [gc] on the list of sockets in flight */
	struct unix_socket *gc_next;	/* [gc] scratch: to be looked at */
	int gc_refs;			/* [gc] scratch */
	bool gc_candidate, gc_reached;	/* [gc] scratch */
};
static inline struct unix_socket *unix_of(struct socket *s) { return container_of(s, struct unix_socket, s); }

struct unix_msg {
	struct list_head link;
	struct unix_socket *owner;	/* who sent it and is charged, with a reference */
	struct abi_ucred cred;
	unsigned nfiles;
	struct file **files;		/* in flight */
	struct user_account *sender;	/* a reference while there are files: who is charged for them */
	size_t charge;
	uint32_t off, len;		/* read so far; bytes in data */
	uint8_t data[];
};

static inline void unix_get(struct unix_socket *u) { socket_get(&u->s); }
static inline void unix_put(struct unix_socket *u) { socket_put(&u->s); }
struct unix_socket *unix_peer(struct unix_socket *u);	/* with a reference, or NULL */
void unix_wake(struct unix_socket *u, unsigned events);
static inline bool unix_writable(struct unix_socket *u)
{
	return READ_ONCE(u->charged) * 4 <= READ_ONCE(u->s.send_buf);
}

/* unix_name.c */
int unix_name_parse(const struct abi_sockaddr *a, unsigned len, struct abi_sockaddr_un *sun, unsigned *out_len) MUST_CHECK;
int unix_bind(struct socket *s, const struct abi_sockaddr *a, unsigned len);
int unix_autobind(struct unix_socket *u) MUST_CHECK;	/* 0 if it has a name */
/* The socket of that name and type, with a reference: -ECONNREFUSED, -EPROTOTYPE, path errors. */
int unix_find(const struct abi_sockaddr_un *sun, unsigned len, int type, struct unix_socket **out) MUST_CHECK;
void unix_name_release(struct unix_socket *u);
struct unix_addr *unix_addr_get(struct unix_socket *u);	/* reference, or NULL */
void unix_addr_put(struct unix_addr *a);
void unix_name_init(void);

/* unix_msg.c */
/*
 * Wait until the sender may be charged, then a message of len bytes from the uio.  -EAGAIN, -EINTR, -ENOBUFS, -EFAULT, -EPIPE,
 * -ETOOMANYREFS: m has files and the user has too many in flight.
 */
int unix_msg_create(struct unix_socket *u, struct msg *m, size_t len, uint64_t deadline, struct unix_msg **out) MUST_CHECK;
void unix_msg_free(struct unix_msg *msg);
int64_t unix_stream_send(struct socket *s, struct msg *m);
int64_t unix_dgram_send(struct socket *s, struct msg *m);
int64_t unix_stream_recv(struct socket *s, struct msg *m);
int64_t unix_dgram_recv(struct socket *s, struct msg *m);

/* unix_gc.c */
bool unix_may_attach(void);	/* false: current's user has more in flight than RLIMIT_NOFILE */
void unix_attach(struct unix_msg *msg, struct scm *scm);	/* the files go into flight */
void unix_detach(struct unix_msg *msg, struct scm *scm);	/* and land */
void unix_copy_files(struct unix_msg *msg, struct scm *scm);	/* MSG_PEEK: more references.  [q] */
void unix_gc_kick(void);
void unix_gc_init(void);
#endif
