/* SPDX-License-Identifier: MIT */
/*
 * Internet sockets of one machine, inside (ip(7), ipv6(7), tcp(7), udp(7)).
 *
 * Everything here happens between sockets of this machine: 127.0.0.0/8 and
 * ::1.  No packets are made.  A stream's connection is two sockets that refer
 * to each other, and a byte sent is in the other's queue at once; what the
 * protocol would do on a wire (FIN, RST, a full backlog, an unreachable port)
 * is done to the other socket directly.  Any other destination is not
 * reachable.
 *
 * Addresses are IPv6 throughout, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
 *
 * s.queue_lock guards what is marked [q].  Two sockets' queue locks are never
 * held together.  A port's bucket lock [INET_PORTS] comes before it; names
 * change with both held, so either is enough to read them.
 */
#ifndef INET_INTERNAL_H
#define INET_INTERNAL_H
#include "net/net_internal.h"

enum { IPPROTO_IP = 0, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_IPV6 = 41 };
enum inet_state { INET_CLOSED, INET_LISTENING, INET_CONNECTING, INET_CONNECTED };
enum { INET_RCV = 1, INET_SND = 2, INET_BOTH = 3 };	/* directions that have ended */
enum { INET_CHUNK = 16384, INET_DGRAM_MAX = 65507 };
#define INET_READ_EVENTS (POLLIN | POLLRDNORM)
#define INET_WRITE_EVENTS (POLLOUT | POLLWRNORM)
#define INET_ALL_EVENTS (INET_READ_EVENTS | INET_WRITE_EVENTS | POLLHUP | POLLRDHUP | POLLERR)

struct inet_addr { uint8_t b[16]; };
struct inet_name { struct inet_addr addr; uint16_t port; };	/* port in host order; 0: none */

struct inet_socket {
	struct socket s;
	struct inet_name local, remote;	/* [q and INET_PORTS] */
	bool has_remote;		/* [q and INET_PORTS] */
	bool bound_addr;		/* [q] bind(2) chose the address: a disconnect keeps it */
	bool v6only;			/* [a] */
	struct list_head port_link;	/* [INET_PORTS] */
	enum inet_state state;		/* [q] of a stream */
	bool connect_pending;		/* [q] a connect(2) that did not wait has not been told its end */
	struct inet_socket *peer;	/* [q] of a stream: a reference */
	struct list_head queue;		/* [q] struct inet_seg to read */
	size_t queue_bytes;		/* [q] */
	unsigned queue_len;		/* [q] */
	struct list_head accept_queue;	/* [q] of a listener: sockets with a reference each, by accept_link */
	struct list_head waiting;	/* [q] of a listener: those for whom the queue was full */
	struct list_head accept_link;	/* [q of the listener] */
	bool waits;			/* [q of the listener] among those that wait */
	struct inet_socket *listener;	/* [q] of one that waits, or did a moment ago: a reference */
	unsigned accept_len, backlog;	/* [q] */
	unsigned ended;			/* [q] INET_RCV, INET_SND */
	bool dead;			/* [q] its file is gone */
	size_t charged;			/* [a] bytes of its segments in queues */
	int32_t option[24];		/* [a] inet_option.c: values that are kept and told back */
};
static inline struct inet_socket *inet_of(struct socket *s) { return container_of(s, struct inet_socket, s); }
static inline void inet_get(struct inet_socket *u) { socket_get(&u->s); }
static inline void inet_put(struct inet_socket *u) { socket_put(&u->s); }

/* Part of a stream, or a datagram. */
struct inet_seg {
	struct list_head link;
	struct inet_socket *owner;	/* who is charged, with a reference; NULL: nobody */
	struct inet_name from;		/* datagrams */
	size_t charge;
	uint32_t off, len;
	uint8_t data[];
};

/* inet.c */
struct inet_socket *inet_alloc(int family, int type);	/* NULL: no memory */
void inet_wake(struct inet_socket *u, unsigned events);	/* pollers, sleepers, SIGIO */
/* A segment of len bytes from the uio, not charged yet.  -ENOBUFS, -EFAULT. */
int inet_seg_create(struct msg *m, size_t len, struct inet_seg **out) MUST_CHECK;
void inet_seg_free(struct inet_seg *seg);
void inet_drop_queue(struct inet_socket *u);
static inline bool inet_writable(struct inet_socket *u) { return READ_ONCE(u->charged) * 3 < (size_t)READ_ONCE(u->s.send_buf) * 2; }

/* inet_name.c */
/* From a sockaddr of u's family.  -EINVAL: too short, -EAFNOSUPPORT: another family. */
int inet_name_parse(struct inet_socket *u, const struct abi_sockaddr *a, unsigned len, struct inet_name *out) MUST_CHECK;
int inet_name_put(struct inet_socket *u, const struct inet_name *n, struct abi_sockaddr *a);	/* returns its length */
bool inet_is_any(const struct inet_addr *a);
bool inet_same_addr(const struct inet_addr *a, const struct inet_addr *b);
/* Makes the destination one that can be reached: "any" is the loopback.  -ENETUNREACH, -EACCES (broadcast). */
int inet_route(struct inet_socket *u, struct inet_name *dst) MUST_CHECK;
void inet_source_for(const struct inet_name *dst, struct inet_addr *src);
int inet_bind(struct socket *s, const struct abi_sockaddr *a, unsigned len);
int inet_autobind(struct inet_socket *u) MUST_CHECK;	/* [s.lock] 0 if it has a port; -EAGAIN: none is free */
void inet_set_remote(struct inet_socket *u, const struct inet_name *remote);	/* NULL: none; chooses the source address */
void inet_share_port(struct inet_socket *u, struct inet_socket *listener);	/* u, new, is one more on its port */
int inet_listen_conflict(struct inet_socket *u);	/* -EADDRINUSE: somebody else listens there */
/* Who gets what comes from `from` for `to`: a listener or a datagram socket, with a reference; NULL: nobody. */
struct inet_socket *inet_lookup(int type, const struct inet_name *to, const struct inet_name *from);
void inet_unbind(struct inet_socket *u);
void inet_name_init(void);

/* inet_stream.c */
extern const struct socket_ops inet_stream_ops;
/* inet_dgram.c */
extern const struct socket_ops inet_dgram_ops;
/* inet_option.c */
int inet_setsockopt(struct socket *s, int level, int name, uaddr_t value, unsigned len);
int inet_getsockopt(struct socket *s, int level, int name, uaddr_t value, uaddr_t len);
/* inet.c: what both types share */
void inet_destroy(struct socket *s);
int inet_getname(struct socket *s, struct abi_sockaddr *a, bool peer);
long inet_ioctl(struct socket *s, unsigned cmd, uint64_t arg);
#endif
