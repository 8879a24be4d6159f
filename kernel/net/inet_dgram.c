/* SPDX-License-Identifier: MIT */
/*
 * UDP sockets of one machine (udp(7)).  A datagram that does not fit the
 * receiver's buffer is lost, as over a wire.  A connected sender learns from
 * its next call that nobody has the port (what ICMP would tell).
 */
#include "net/inet_internal.h"

static void dgram_release(struct socket *s)
{
	struct inet_socket *u = inet_of(s);

	inet_unbind(u);
	spin_lock(&s->queue_lock);
	WRITE_ONCE(u->dead, true);
	spin_unlock(&s->queue_lock);
	inet_drop_queue(u);
	inet_put(u);
}

static int dgram_connect(struct socket *s, const struct abi_sockaddr *a, unsigned len, bool nonblock)
{
	struct inet_socket *u = inet_of(s);
	struct inet_name dst;
	int err = 0;

	if (len < sizeof(a->family))
		return -EINVAL;
	mutex_lock(&s->lock);
	if (a->family == AF_UNSPEC) {
		inet_set_remote(u, NULL);
	} else {
		err = inet_name_parse(u, a, len, &dst);
		if (!err)
			err = inet_route(u, &dst);
		if (!err)
			err = inet_autobind(u);
		if (!err)
			inet_set_remote(u, &dst);
	}
	mutex_unlock(&s->lock);
	return err;
}

static int dgram_shutdown(struct socket *s, int how)
{
	struct inet_socket *u = inet_of(s);
	int err = 0;

	spin_lock(&s->queue_lock);
	if (!u->has_remote)
		err = -ENOTCONN;
	WRITE_ONCE(u->ended, u->ended | (how == SHUT_RD ? INET_RCV : how == SHUT_WR ? INET_SND : INET_BOTH));
	spin_unlock(&s->queue_lock);
	waitq_wake_key(&s->wait, 0, INET_ALL_EVENTS);
	return err;
}

static unsigned dgram_poll(struct socket *s, struct poll_table *pt)
{
	struct inet_socket *u = inet_of(s);
	unsigned ev = INET_WRITE_EVENTS;

	poll_wait(pt, &s->wait);
	if (READ_ONCE(s->error))
		ev |= POLLERR;
	if (READ_ONCE(u->ended) & INET_RCV)
		ev |= POLLRDHUP | INET_READ_EVENTS;
	if (READ_ONCE(u->ended) == INET_BOTH)
		ev |= POLLHUP;
	if (READ_ONCE(u->queue_len))
		ev |= INET_READ_EVENTS;
	return ev;
}

/* To whom; u has a port afterwards. */
static int destination(struct inet_socket *u, struct msg *m, struct inet_name *to, struct inet_name *from)
{
	int err = 0;

	mutex_lock(&u->s.lock);
	if (m->name) {
		err = inet_name_parse(u, m->name, m->namelen, to);
		if (!err && !to->port)
			err = -EINVAL;
		if (!err)
			err = inet_route(u, to);
	} else if (u->has_remote) {
		*to = u->remote;
	} else {
		err = -EDESTADDRREQ;
	}
	if (!err)
		err = inet_autobind(u);
	*from = u->local;
	mutex_unlock(&u->s.lock);
	if (!err && inet_is_any(&from->addr))
		inet_source_for(to, &from->addr);
	return err;
}

static int64_t dgram_send(struct socket *s, struct msg *m)
{
	struct inet_socket *u = inet_of(s), *r;
	size_t len = m->uio->left;
	struct inet_name to, from;
	struct inet_seg *seg;
	bool lost = false;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (len > INET_DGRAM_MAX)
		return -EMSGSIZE;
	if (READ_ONCE(u->ended) & INET_SND)
		return socket_broken_pipe(s, m->flags);
	err = destination(u, m, &to, &from);
	if (!err)
		err = socket_take_error(s);
	if (!err)
		err = inet_seg_create(m, len, &seg);
	if (err)
		return err;
	seg->from = from;
	r = inet_lookup(SOCK_DGRAM, &to, &from);
	if (!r) {
		inet_seg_free(seg);
		if (READ_ONCE(u->has_remote)) {
			WRITE_ONCE(s->error, ECONNREFUSED);
			inet_wake(u, POLLERR | INET_READ_EVENTS);
		}
		return (int64_t)len;
	}
	spin_lock(&r->s.queue_lock);
	lost = r->dead || r->queue_bytes + seg->charge > READ_ONCE(r->s.recv_buf) || (r->ended & INET_RCV);
	if (!lost) {
		list_add_tail(&seg->link, &r->queue);
		WRITE_ONCE(r->queue_len, r->queue_len + 1);
		WRITE_ONCE(r->queue_bytes, r->queue_bytes + seg->charge);
	}
	spin_unlock(&r->s.queue_lock);
	if (lost)
		inet_seg_free(seg);
	else
		inet_wake(r, INET_READ_EVENTS);
	inet_put(r);
	return (int64_t)len;
}

static bool readable(struct inet_socket *u)
{
	return READ_ONCE(u->queue_len) || READ_ONCE(u->s.error) || (READ_ONCE(u->ended) & INET_RCV);
}

/* [s.lock, for readers] The first datagram, off the queue unless peeking; NULL and *err: 1 end of file, 0 none yet. */
static struct inet_seg *first(struct inet_socket *u, bool peek, int *err)
{
	struct inet_seg *seg = NULL;

	*err = socket_take_error(&u->s);
	if (*err)
		return NULL;
	spin_lock(&u->s.queue_lock);
	if (!list_empty(&u->queue)) {
		seg = list_first(&u->queue, struct inet_seg, link);
		if (!peek) {
			list_del(&seg->link);
			WRITE_ONCE(u->queue_len, u->queue_len - 1);
			WRITE_ONCE(u->queue_bytes, u->queue_bytes - seg->charge);
		}
	} else if (u->ended & INET_RCV) {
		*err = 1;
	}
	spin_unlock(&u->s.queue_lock);
	return seg;
}

static int64_t dgram_recv(struct socket *s, struct msg *m)
{
	struct inet_socket *u = inet_of(s);
	uint64_t deadline = socket_deadline(READ_ONCE(s->recv_timeout_ns), m->flags & MSG_DONTWAIT);
	bool peek = m->flags & MSG_PEEK;
	struct inet_seg *seg;
	int64_t ret;
	size_t n;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	for (;;) {
		mutex_lock(&s->lock);
		seg = first(u, peek, &err);
		if (seg || err)
			break;
		mutex_unlock(&s->lock);
		if (!deadline)
			return -EAGAIN;
		err = wait_event_interruptible_until(&s->wait, readable(u), deadline);
		if (err)
			return socket_wait_error(err, deadline);
	}
	if (!seg) {
		mutex_unlock(&s->lock);
		m->namelen = 0;
		return err > 0 ? 0 : err;
	}
	n = MIN((size_t)seg->len, m->uio->left);
	ret = m->flags & MSG_TRUNC ? (int64_t)seg->len : (int64_t)n;
	if (seg->len > n)
		m->out_flags |= MSG_TRUNC;
	if (m->name)
		m->namelen = (unsigned)inet_name_put(u, &seg->from, m->name);
	if (uio_copy_to(m->uio, seg->data, n) < n)
		ret = -EFAULT;
	mutex_unlock(&s->lock);
	if (!peek)
		inet_seg_free(seg);
	return ret;
}

const struct socket_ops inet_dgram_ops = { .release = dgram_release, .bind = inet_bind, .connect = dgram_connect, .getname = inet_getname,
	.poll = dgram_poll, .ioctl = inet_ioctl, .shutdown = dgram_shutdown, .setsockopt = inet_setsockopt, .getsockopt = inet_getsockopt,
	.sendmsg = dgram_send, .recvmsg = dgram_recv, .destroy = inet_destroy };
