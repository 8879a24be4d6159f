/* SPDX-License-Identifier: MIT */
/*
 * Addresses and ports of internet sockets.
 *
 * Sockets with a port are in a hash table by type and port.  Several may share
 * one: with different addresses, with SO_REUSEADDR or SO_REUSEPORT on all of
 * them, or as the connections of one listener.
 */
#include <kernel/random.h>
#include "net/inet_internal.h"

enum { BUCKETS = 1024, PORT_FIRST = 32768, PORT_END = 61000, PORT_PRIVILEGED = 1024 };
static struct bucket {
	struct spinlock lock;		/* [INET_PORTS] */
	struct list_head sockets;	/* [lock] those that got their port by themselves: found by inet_lookup() */
	struct list_head shared;	/* [lock] connections of a listener: only in the way of a bind */
} bucket[BUCKETS];

struct abi_sockaddr_in { uint16_t family, port; uint8_t addr[4]; uint8_t zero[8]; };
struct abi_sockaddr_in6 { uint16_t family, port; uint32_t flow; uint8_t addr[16]; uint32_t scope; };
enum { IN6_LEN_MIN = 24 };	/* RFC 2133: without the scope */

static unsigned bucket_of(int type, uint16_t port) { return (port ^ (type == SOCK_STREAM ? 0u : 512u)) % BUCKETS; }
static uint16_t swap16(uint16_t v) { return __builtin_bswap16(v); }

/* ---- addresses ---- */

static bool is_v4(const struct inet_addr *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(a->b, prefix, sizeof(prefix));
}
bool inet_same_addr(const struct inet_addr *a, const struct inet_addr *b) { return !memcmp(a, b, sizeof(*a)); }
bool inet_is_any(const struct inet_addr *a)
{
	static const uint8_t zero[16];

	return is_v4(a) ? !memcmp(a->b + 12, zero, 4) : !memcmp(a->b, zero, 16);
}
static bool is_loopback(const struct inet_addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return is_v4(a) ? a->b[12] == 127 : !memcmp(a->b, one, 16);
}
static bool is_broadcast(const struct inet_addr *a) { return is_v4(a) && a->b[12] == 255 && a->b[13] == 255 && a->b[14] == 255 && a->b[15] == 255; }
static bool is_multicast(const struct inet_addr *a) { return is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff; }

static void from_v4(struct inet_addr *a, const uint8_t v4[4])
{
	*a = (struct inet_addr){ .b = { [10] = 0xff, [11] = 0xff, v4[0], v4[1], v4[2], v4[3] } };
}

int inet_name_parse(struct inet_socket *u, const struct abi_sockaddr *a, unsigned len, struct inet_name *out)
{
	if (u->s.family == AF_INET) {
		const struct abi_sockaddr_in *in = (const void *)a;

		if (len < sizeof(*in))
			return -EINVAL;
		if (in->family != AF_INET)
			return -EAFNOSUPPORT;
		from_v4(&out->addr, in->addr);
		out->port = swap16(in->port);
	} else {
		const struct abi_sockaddr_in6 *in = (const void *)a;

		if (len < IN6_LEN_MIN)
			return -EINVAL;
		if (in->family != AF_INET6)
			return -EAFNOSUPPORT;
		memcpy(out->addr.b, in->addr, sizeof(in->addr));
		out->port = swap16(in->port);
	}
	return 0;
}

int inet_name_put(struct inet_socket *u, const struct inet_name *n, struct abi_sockaddr *a)
{
	if (u->s.family == AF_INET) {
		struct abi_sockaddr_in in = { .family = AF_INET, .port = swap16(n->port) };

		memcpy(in.addr, n->addr.b + 12, 4);
		memcpy(a, &in, sizeof(in));
		return sizeof(in);
	}
	struct abi_sockaddr_in6 in6 = { .family = AF_INET6, .port = swap16(n->port) };

	memcpy(in6.addr, n->addr.b, 16);
	memcpy(a, &in6, sizeof(in6));
	return sizeof(in6);
}

int inet_route(struct inet_socket *u, struct inet_name *dst)
{
	if (inet_is_any(&dst->addr)) {
		inet_source_for(dst, &dst->addr);
		return 0;
	}
	if (is_v4(&dst->addr) && u->s.family == AF_INET6 && READ_ONCE(u->v6only))
		return -ENETUNREACH;
	if (is_broadcast(&dst->addr) && u->s.type == SOCK_DGRAM && !READ_ONCE(u->s.broadcast))
		return -EACCES;
	return is_loopback(&dst->addr) ? 0 : -ENETUNREACH;
}

void inet_source_for(const struct inet_name *dst, struct inet_addr *src)
{
	static const uint8_t loopback[4] = { 127, 0, 0, 1 };

	if (is_v4(&dst->addr))
		from_v4(src, loopback);
	else
		*src = (struct inet_addr){ .b = { [15] = 1 } };
}

/* ---- ports ---- */

/* Does what is sent to one of the two addresses also fit the other? */
static bool overlap(const struct inet_socket *a, const struct inet_addr *x, const struct inet_socket *b)
{
	const struct inet_addr *y = &b->local.addr;

	if (is_v4(x) != is_v4(y)) {	/* only an unspecified IPv6 address that takes IPv4, too */
		const struct inet_socket *six = is_v4(x) ? b : a;

		return inet_is_any(is_v4(x) ? y : x) && !READ_ONCE(six->v6only);
	}
	return inet_is_any(x) || inet_is_any(y) || inet_same_addr(x, y);
}

/* [bucket] */
static bool conflicts_with(const struct list_head *list, struct inet_socket *u, const struct inet_name *n)
{
	struct inet_socket *o;

	list_for_each(o, list, port_link) {
		if (o == u || o->s.type != u->s.type || o->local.port != n->port || !overlap(u, &n->addr, o))
			continue;
		if (READ_ONCE(u->s.reuse_addr) && READ_ONCE(o->s.reuse_addr) && READ_ONCE(o->state) != INET_LISTENING)
			continue;
		if (READ_ONCE(u->s.reuse_port) && READ_ONCE(o->s.reuse_port))
			continue;
		return true;
	}
	return false;
}

/* [bucket] May u not have this address and port beside those that have it? */
static bool conflicts(struct inet_socket *u, const struct inet_name *n)
{
	const struct bucket *b = &bucket[bucket_of(u->s.type, n->port)];

	return conflicts_with(&b->sockets, u, n) || conflicts_with(&b->shared, u, n);
}

/* [s.lock] Takes the name, if it is free. */
static bool take(struct inet_socket *u, const struct inet_name *n, bool addr_chosen)
{
	unsigned b = bucket_of(u->s.type, n->port);
	bool free;

	spin_lock(&bucket[b].lock);
	free = !conflicts(u, n);
	if (free) {
		spin_lock(&u->s.queue_lock);
		u->local = *n;
		u->bound_addr = addr_chosen;
		spin_unlock(&u->s.queue_lock);
		list_add_tail(&u->port_link, &bucket[b].sockets);
	}
	spin_unlock(&bucket[b].lock);
	return free;
}

static int take_any_port(struct inet_socket *u, struct inet_name n, bool addr_chosen)
{
	unsigned range = PORT_END - PORT_FIRST, at = (unsigned)(random_u64() % range);

	for (unsigned i = 0; i < range; i++) {
		n.port = (uint16_t)(PORT_FIRST + (at + i) % range);
		if (take(u, &n, addr_chosen))
			return 0;
	}
	return -EADDRINUSE;
}

int inet_autobind(struct inet_socket *u)
{
	return u->local.port || take_any_port(u, u->local, false) == 0 ? 0 : -EAGAIN;
}

int inet_bind(struct socket *s, const struct abi_sockaddr *a, unsigned len)
{
	struct inet_socket *u = inet_of(s);
	struct abi_sockaddr copy = *a;
	struct inet_name n;
	int err;

	if (s->family == AF_INET && len >= sizeof(struct abi_sockaddr_in) && a->family == AF_UNSPEC) {
		const struct abi_sockaddr_in *in = (const void *)a;	/* once allowed, with the unspecified address */

		if (in->addr[0] | in->addr[1] | in->addr[2] | in->addr[3])
			return -EAFNOSUPPORT;
		copy.family = AF_INET;
	}
	err = inet_name_parse(u, &copy, len, &n);
	if (err)
		return err;
	if (is_v4(&n.addr) && s->family == AF_INET6 && READ_ONCE(u->v6only))
		return -EINVAL;
	if (!inet_is_any(&n.addr) && !is_loopback(&n.addr) && !is_broadcast(&n.addr) && !is_multicast(&n.addr))
		return -EADDRNOTAVAIL;
	if (n.port && n.port < PORT_PRIVILEGED && !capable(CAP_NET_BIND_SERVICE))
		return -EACCES;
	mutex_lock(&s->lock);
	if (u->local.port || READ_ONCE(u->state) != INET_CLOSED)
		err = -EINVAL;
	else if (!n.port)
		err = take_any_port(u, n, !inet_is_any(&n.addr));
	else
		err = take(u, &n, !inet_is_any(&n.addr)) ? 0 : -EADDRINUSE;
	mutex_unlock(&s->lock);
	return err;
}

void inet_set_remote(struct inet_socket *u, const struct inet_name *remote)
{
	unsigned b = bucket_of(u->s.type, u->local.port);

	spin_lock(&bucket[b].lock);
	spin_lock(&u->s.queue_lock);
	WRITE_ONCE(u->has_remote, remote != NULL);
	if (remote) {
		u->remote = *remote;
		if (inet_is_any(&u->local.addr))
			inet_source_for(remote, &u->local.addr);
	} else if (!u->bound_addr) {
		u->local.addr = (struct inet_addr){ .b = { [10] = u->s.family == AF_INET ? 0xff : 0, [11] = u->s.family == AF_INET ? 0xff : 0 } };
	}
	spin_unlock(&u->s.queue_lock);
	spin_unlock(&bucket[b].lock);
}

void inet_share_port(struct inet_socket *u, struct inet_socket *listener)
{
	unsigned b = bucket_of(u->s.type, u->local.port);

	u->s.reuse_addr = READ_ONCE(listener->s.reuse_addr);
	u->s.reuse_port = READ_ONCE(listener->s.reuse_port);
	spin_lock(&bucket[b].lock);
	list_add_tail(&u->port_link, &bucket[b].shared);
	spin_unlock(&bucket[b].lock);
}

int inet_listen_conflict(struct inet_socket *u)
{
	unsigned b = bucket_of(u->s.type, u->local.port);
	int err = 0;

	spin_lock(&bucket[b].lock);
	if (conflicts(u, &u->local))
		err = -EADDRINUSE;
	spin_unlock(&bucket[b].lock);
	return err;
}

/* [bucket] How well o fits; -1: not at all. */
static int fit(const struct inet_socket *o, int type, const struct inet_name *to, const struct inet_name *from)
{
	int score = 0;

	if (o->s.type != type || o->local.port != to->port)
		return -1;
	if (type == SOCK_STREAM && READ_ONCE(o->state) != INET_LISTENING)
		return -1;
	if (inet_is_any(&o->local.addr)) {
		if (is_v4(&o->local.addr) != is_v4(&to->addr) && (is_v4(&o->local.addr) || READ_ONCE(o->v6only)))
			return -1;
	} else {
		if (!inet_same_addr(&o->local.addr, &to->addr))
			return -1;
		score += 2;
	}
	if (type == SOCK_DGRAM && o->has_remote) {
		if (o->remote.port != from->port || !inet_same_addr(&o->remote.addr, &from->addr))
			return -1;
		score += 4;
	}
	return score;
}

struct inet_socket *inet_lookup(int type, const struct inet_name *to, const struct inet_name *from)
{
	unsigned b = bucket_of(type, to->port), ties = 0;
	struct inet_socket *o, *best = NULL;
	int best_score = -1;

	spin_lock(&bucket[b].lock);
	list_for_each(o, &bucket[b].sockets, port_link) {
		int score = fit(o, type, to, from);

		if (score > best_score) {
			best = o, best_score = score, ties = 1;
		} else if (score >= 0 && score == best_score && READ_ONCE(o->s.reuse_port)) {
			/* One of those that share the port, by who sends: the same sender, the same receiver. */
			if ((from->port * 40503u >> 4) % ++ties == 0)
				best = o;
		}
	}
	if (best)
		inet_get(best);
	spin_unlock(&bucket[b].lock);
	return best;
}

void inet_unbind(struct inet_socket *u)
{
	unsigned b = bucket_of(u->s.type, u->local.port);

	if (!u->local.port)
		return;
	spin_lock(&bucket[b].lock);
	if (!list_empty(&u->port_link))
		list_del_init(&u->port_link);
	spin_unlock(&bucket[b].lock);
}

void inet_name_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_init(&bucket[i].lock, LOCK_INET_PORTS);
		list_init(&bucket[i].sockets);
		list_init(&bucket[i].shared);
	}
}
