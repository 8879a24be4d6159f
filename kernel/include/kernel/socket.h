/* SPDX-License-Identifier: MIT */
/*
 * Sockets: what every address family shares, and what one implements.
 *
 * A family registers itself; its create() makes sockets that embed a struct
 * socket and carry the operations.  The system calls, options of SOL_SOCKET,
 * messages with their ancillary data, and the file are above; names,
 * connections and queues below.
 */
#ifndef KERNEL_SOCKET_H
#define KERNEL_SOCKET_H
#include <abi/socket.h>
#include <kernel/cred.h>
#include <kernel/lock.h>
#include <kernel/sigio.h>
#include <kernel/uio.h>
#include <kernel/wait.h>

struct file;
struct poll_table;
struct socket;

/* Ancillary data between two sockets of one machine. */
struct scm {
	struct abi_ucred cred;
	bool have_cred;			/* the sender gave it */
	unsigned nfiles;
	struct file **files;		/* references; kmalloc'd */
};
void scm_drop(struct scm *scm);		/* the files, from any process context */

/* One sendmsg or recvmsg. */
struct msg {
	struct uio *uio;
	struct abi_sockaddr *name;	/* NULL: none given / not wanted */
	unsigned namelen;		/* recv: out, 0: unnamed */
	unsigned flags;			/* MSG_*; recv: MSG_TRUNC etc. are set in out_flags */
	unsigned out_flags;
	struct scm *scm;		/* send: what is passed; recv: what was */
};

struct socket_ops {
	void (*release)(struct socket *s);	/* its file is gone; drops the reference */
	int (*bind)(struct socket *s, const struct abi_sockaddr *a, unsigned len);
	int (*connect)(struct socket *s, const struct abi_sockaddr *a, unsigned len, bool nonblock);
	int (*socketpair)(struct socket *a, struct socket *b);
	int (*listen)(struct socket *s, unsigned backlog);
	int (*accept)(struct socket *s, struct socket **out, bool nonblock);	/* with a reference for the new file */
	int (*getname)(struct socket *s, struct abi_sockaddr *a, bool peer);	/* length or -errno */
	unsigned (*poll)(struct socket *s, struct poll_table *pt);
	long (*ioctl)(struct socket *s, unsigned cmd, uint64_t arg);	/* -ENOTTY */
	int (*shutdown)(struct socket *s, int how);
	int (*setsockopt)(struct socket *s, int level, int name, uaddr_t value, unsigned len);	/* other levels than SOL_SOCKET */
	int (*getsockopt)(struct socket *s, int level, int name, uaddr_t value, uaddr_t len);
	int (*send_check)(struct socket *s);	/* optional: an error that comes before those of ancillary data */
	int64_t (*sendmsg)(struct socket *s, struct msg *m);
	int64_t (*recvmsg)(struct socket *s, struct msg *m);
	void (*destroy)(struct socket *s);	/* the last reference is gone */
};
struct socket {
	struct refcount refs;
	const struct socket_ops *ops;	/* [I] */
	int family, type, protocol;	/* [I] */
	uint32_t mode;			/* [a] of its file, when it is bound: the name gets it */
	struct mutex lock;		/* [SOCKET] one bind, connect or listen at a time */
	struct spinlock queue_lock;	/* [SOCKET_QUEUE] the family's queues and connection state */
	struct sigio_list sigio;
	struct waitq wait;		/* keys: POLLIN, POLLOUT ... */
	int error;			/* [a] SO_ERROR: reported once */
	uint64_t recv_timeout_ns, send_timeout_ns;	/* [a] 0: none; or SOCKET_NO_WAIT */
	uint32_t send_buf, recv_buf;	/* [a] limits, bytes */
	uint32_t recv_low;		/* [a] SO_RCVLOWAT */
	int32_t peek_off;		/* [a] -1: off */
	bool pass_cred, reuse_addr, reuse_port, broadcast, keep_alive, oob_inline, dont_route, debug;	/* [a] */
	int32_t priority;		/* [a] */
	struct abi_linger linger;	/* [a] */
	bool listening;			/* [queue_lock] */
	struct abi_ucred peer_cred;	/* [queue_lock] */
};
/* create(): type without flags; 0 and a socket with one reference, or -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EPERM, -ENOMEM. */
struct socket_family { int family; int (*create)(int type, int protocol, struct socket **out); };
void socket_family_register(const struct socket_family *f);
void socket_init_common(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol);
static inline void socket_get(struct socket *s) { ref_get(&s->refs); }
void socket_put(struct socket *s);
struct socket *socket_of(struct file *f);	/* NULL: not a socket */
int socket_take_error(struct socket *s);	/* 0 or -errno, once */
void socket_own_cred(struct abi_ucred *c);	/* current's */
/* A time-out below zero, as setsockopt(2) takes it: told as none, but nobody waits. */
enum { SOCKET_NO_WAIT = 1 };
/* Deadlines of this call; and how a wait's end is reported: -EAGAIN after a time-out, -EINTR instead of a restart if there is one. */
uint64_t socket_deadline(uint64_t timeout_ns, bool nonblock);
int socket_wait_error(int err, uint64_t deadline);
/* -EPIPE, with SIGPIPE for streams unless MSG_NOSIGNAL. */
int socket_broken_pipe(struct socket *s, unsigned flags);
void unix_init(void);
void inet_init(void);
#endif
