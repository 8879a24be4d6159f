/* SPDX-License-Identifier: MIT */
/* Internet sockets of one machine: creation, and what streams and datagrams share. */
#include "net/inet_internal.h"

struct inet_socket *inet_alloc(int family, int type)
{
	struct inet_socket *u = kzalloc(sizeof(*u), 0);

	if (!u)
		return NULL;
	socket_init_common(&u->s, type == SOCK_STREAM ? &inet_stream_ops : &inet_dgram_ops, family, type,
		type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP);
	list_init(&u->port_link);
	list_init(&u->queue);
	list_init(&u->accept_queue);
	list_init(&u->waiting);
	list_init(&u->accept_link);
	if (family == AF_INET) {	/* the unspecified address of its family */
		u->local.addr.b[10] = u->local.addr.b[11] = 0xff;
		u->remote = u->local;
	}
	return u;
}

static int create(int family, int type, int protocol, struct socket **out)
{
	struct inet_socket *u;

	if (protocol < 0 || protocol > 255)
		return -EINVAL;
	if (type == SOCK_RAW)	/* there is no wire to be raw on */
		return capable(CAP_NET_RAW) ? -EPROTONOSUPPORT : -EPERM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (protocol && protocol != (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP))
		return -EPROTONOSUPPORT;
	u = inet_alloc(family, type);
	if (!u)
		return -ENOMEM;
	*out = &u->s;
	return 0;
}
static int create_v4(int type, int protocol, struct socket **out) { return create(AF_INET, type, protocol, out); }
static int create_v6(int type, int protocol, struct socket **out) { return create(AF_INET6, type, protocol, out); }

void inet_destroy(struct socket *s) { kfree(inet_of(s)); }

void inet_wake(struct inet_socket *u, unsigned events)
{
	waitq_wake_key(&u->s.wait, events & (POLLHUP | POLLERR) ? 0 : 1, events);
	sigio_send(&u->s.sigio, events & INET_ALL_EVENTS);
}

int inet_seg_create(struct msg *m, size_t len, struct inet_seg **out)
{
	struct inet_seg *seg = kmalloc(sizeof(*seg) + len, 0);

	if (!seg)
		return -ENOBUFS;
	*seg = (struct inet_seg){ .len = (uint32_t)len, .charge = sizeof(*seg) + len };
	if (len && uio_copy_from(m->uio, seg->data, len) < len) {
		kfree(seg);
		return -EFAULT;
	}
	*out = seg;
	return 0;
}

void inet_seg_free(struct inet_seg *seg)
{
	struct inet_socket *u = seg->owner;

	if (u) {
		__atomic_sub_fetch(&u->charged, seg->charge, __ATOMIC_RELAXED);
		if (inet_writable(u) && waitq_active(&u->s.wait))
			waitq_wake_key(&u->s.wait, 1, INET_WRITE_EVENTS);
		inet_put(u);
	}
	kfree(seg);
}

void inet_drop_queue(struct inet_socket *u)
{
	struct list_head segs = LIST_INIT(segs);

	spin_lock(&u->s.queue_lock);
	list_splice_tail(&u->queue, &segs);
	WRITE_ONCE(u->queue_bytes, 0);
	WRITE_ONCE(u->queue_len, 0);
	spin_unlock(&u->s.queue_lock);
	while (!list_empty(&segs)) {
		struct inet_seg *seg = list_first(&segs, struct inet_seg, link);

		list_del(&seg->link);
		inet_seg_free(seg);
	}
}

int inet_getname(struct socket *s, struct abi_sockaddr *a, bool peer)
{
	struct inet_socket *u = inet_of(s);
	struct inet_name n;
	bool there;

	spin_lock(&s->queue_lock);
	there = !peer || (u->has_remote && (s->type == SOCK_DGRAM || u->state == INET_CONNECTED));
	n = peer ? u->remote : u->local;
	spin_unlock(&s->queue_lock);
	return there ? inet_name_put(u, &n, a) : -ENOTCONN;
}

enum { SIOCINQ = 0x541b, SIOCOUTQ = 0x5411, SIOCATMARK = 0x8905 };

long inet_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct inet_socket *u = inet_of(s);
	int32_t n = 0;
	int err = 0;

	switch (cmd) {
	case SIOCOUTQ:
		n = (int32_t)READ_ONCE(u->charged);
		break;
	case SIOCINQ:
		spin_lock(&s->queue_lock);
		if (u->state == INET_LISTENING)
			err = -EINVAL;
		else if (s->type == SOCK_STREAM)
			n = (int32_t)u->queue_bytes;
		else if (!list_empty(&u->queue))
			n = (int32_t)list_first(&u->queue, struct inet_seg, link)->len;
		spin_unlock(&s->queue_lock);
		break;
	case SIOCATMARK:
		break;
	default:
		return -ENOTTY;
	}
	return err ? err : put_user(n, arg);
}

static const struct socket_family v4 = { AF_INET, create_v4 }, v6 = { AF_INET6, create_v6 };

void inet_init(void)
{
	inet_name_init();
	socket_family_register(&v4);
	socket_family_register(&v6);
}
