/* SPDX-License-Identifier: MIT */
/*
 * TCP sockets of one machine (tcp(7), RFC 9293 for what ends a connection).
 *
 * connect() makes the server's socket and puts it on the listener's queue; if
 * that is full, on the list of those that wait, and the client stays in
 * INET_CONNECTING until accept() makes room, or it gives up.
 *
 * Ends: a shutdown or close of one side is the end of file of the other (FIN).
 * A close with unread data, or with SO_LINGER of 0 s, resets: the other gets
 * ECONNRESET.  Who sends to a socket that was closed is reset afterwards: that
 * send succeeds, the next one is EPIPE.
 */
#include "net/inet_internal.h"

/*
 * ---- ends ----
 *
 * What one side of a connection does to the other names itself (from): meanwhile the other may have left, and have begun its next
 * connection, which is none of the first one's business.
 */

/* The other side reset the connection. */
static void reset(struct inet_socket *u, const struct inet_socket *from, int error)
{
	struct inet_socket *peer;

	spin_lock(&u->s.queue_lock);
	peer = u->peer;
	if (peer != from) {
		spin_unlock(&u->s.queue_lock);
		return;
	}
	WRITE_ONCE(u->ended, INET_BOTH);
	WRITE_ONCE(u->state, INET_CLOSED);
	WRITE_ONCE(u->peer, NULL);
	WRITE_ONCE(u->s.error, error);
	spin_unlock(&u->s.queue_lock);
	inet_put(peer);
	inet_wake(u, INET_ALL_EVENTS);
}

static void end_of_file(struct inet_socket *u, const struct inet_socket *from)
{
	bool of_this;

	spin_lock(&u->s.queue_lock);
	of_this = u->peer == from;
	if (of_this)
		WRITE_ONCE(u->ended, u->ended | INET_RCV);
	spin_unlock(&u->s.queue_lock);
	if (of_this)
		inet_wake(u, INET_READ_EVENTS | POLLRDHUP | POLLHUP);
}

static void stream_close(struct inet_socket *u, bool hard);

/* e, off the list of those that wait, does not need its listener any more. */
static void forget_listener(struct inet_socket *e)
{
	struct inet_socket *l;

	spin_lock(&e->s.queue_lock);
	l = e->listener;
	e->listener = NULL;
	spin_unlock(&e->s.queue_lock);
	if (l)
		inet_put(l);
}

/* The end of e, off the list of those that wait.  Its client, with the reference, or NULL. */
static struct inet_socket *drop_waiting(struct inet_socket *e)
{
	struct inet_socket *client;

	forget_listener(e);
	spin_lock(&e->s.queue_lock);
	client = e->peer;
	WRITE_ONCE(e->peer, NULL);
	spin_unlock(&e->s.queue_lock);
	stream_close(e, true);
	return client;
}

/* The client of e gives up: is e still waiting for room in the queue, it goes. */
static void give_up(struct inet_socket *e)
{
	struct inet_socket *l, *client;
	bool waited;

	spin_lock(&e->s.queue_lock);
	l = e->listener;
	if (l)
		inet_get(l);
	spin_unlock(&e->s.queue_lock);
	if (!l)
		return;
	spin_lock(&l->s.queue_lock);
	waited = e->waits;
	e->waits = false;
	if (waited)
		list_del_init(&e->accept_link);
	spin_unlock(&l->s.queue_lock);
	inet_put(l);
	client = waited ? drop_waiting(e) : NULL;
	if (client)
		inet_put(client);
}

/* Drops u's part of its connection, and tells the other side. */
static void disconnect(struct inet_socket *u, bool hard)
{
	struct inet_socket *peer;
	bool was_connecting, unread;

	spin_lock(&u->s.queue_lock);
	peer = u->peer;
	WRITE_ONCE(u->peer, NULL);
	was_connecting = u->state == INET_CONNECTING;
	unread = u->queue_len != 0;
	WRITE_ONCE(u->state, INET_CLOSED);
	spin_unlock(&u->s.queue_lock);
	inet_drop_queue(u);
	if (!peer)
		return;
	if (was_connecting)
		give_up(peer);
	if (hard || unread || was_connecting)
		reset(peer, u, ECONNRESET);
	else
		end_of_file(peer, u);
	inet_put(peer);
}

/* Those that nobody accepted, and those that waited for that. */
static void close_listener(struct inet_socket *u)
{
	struct list_head embryos = LIST_INIT(embryos), waiting = LIST_INIT(waiting);
	struct inet_socket *e;

	spin_lock(&u->s.queue_lock);
	WRITE_ONCE(u->s.listening, false);
	WRITE_ONCE(u->state, INET_CLOSED);
	list_splice_tail(&u->accept_queue, &embryos);
	list_for_each(e, &u->waiting, accept_link)
		e->waits = false;
	list_splice_tail(&u->waiting, &waiting);
	WRITE_ONCE(u->accept_len, 0);
	spin_unlock(&u->s.queue_lock);
	while (!list_empty(&embryos)) {
		e = list_first(&embryos, struct inet_socket, accept_link);
		list_del_init(&e->accept_link);
		stream_close(e, true);
	}
	while (!list_empty(&waiting)) {
		struct inet_socket *client;

		e = list_first(&waiting, struct inet_socket, accept_link);
		list_del_init(&e->accept_link);
		client = drop_waiting(e);
		if (client) {
			reset(client, e, ECONNREFUSED);
			inet_put(client);
		}
	}
}

static void stream_close(struct inet_socket *u, bool hard)
{
	inet_unbind(u);
	if (READ_ONCE(u->state) == INET_LISTENING)
		close_listener(u);
	spin_lock(&u->s.queue_lock);
	WRITE_ONCE(u->dead, true);
	WRITE_ONCE(u->ended, INET_BOTH);
	spin_unlock(&u->s.queue_lock);
	disconnect(u, hard);
	inet_put(u);
}

static void stream_release(struct socket *s)
{
	stream_close(inet_of(s), s->linger.onoff && s->linger.linger == 0);
}

static int stream_shutdown(struct socket *s, int how)
{
	struct inet_socket *u = inet_of(s), *peer = NULL;
	unsigned mine = how == SHUT_RD ? INET_RCV : how == SHUT_WR ? INET_SND : INET_BOTH;
	int err = 0;

	if (READ_ONCE(u->state) == INET_LISTENING) {
		if (mine & INET_RCV) {
			close_listener(u);
			waitq_wake_key(&s->wait, 0, INET_ALL_EVENTS);
		}
		return 0;
	}
	spin_lock(&s->queue_lock);
	if (u->state == INET_CLOSED && !u->peer) {
		err = -ENOTCONN;
	} else {
		if ((mine & INET_SND) && !(u->ended & INET_SND) && u->peer) {
			peer = u->peer;
			inet_get(peer);
		}
		WRITE_ONCE(u->ended, u->ended | mine);
	}
	spin_unlock(&s->queue_lock);
	if (err)
		return err;
	if (peer) {
		end_of_file(peer, u);
		inet_put(peer);
	}
	waitq_wake_key(&s->wait, 0, INET_ALL_EVENTS);
	return 0;
}

/* ---- connections ---- */

static int stream_listen(struct socket *s, unsigned backlog)
{
	struct inet_socket *u = inet_of(s);
	int err = 0;

	mutex_lock(&s->lock);
	if (READ_ONCE(u->state) == INET_LISTENING) {	/* the other side may be resetting it */
		WRITE_ONCE(u->backlog, backlog);
	} else if (READ_ONCE(u->state) != INET_CLOSED || READ_ONCE(u->peer)) {
		err = -EINVAL;
	} else {
		err = inet_autobind(u) ? -EADDRINUSE : inet_listen_conflict(u);
		if (!err) {
			spin_lock(&s->queue_lock);
			WRITE_ONCE(u->ended, 0);
			WRITE_ONCE(u->backlog, backlog);
			WRITE_ONCE(u->state, INET_LISTENING);
			WRITE_ONCE(s->listening, true);
			spin_unlock(&s->queue_lock);
		}
	}
	mutex_unlock(&s->lock);
	return err;
}

/* Puts the server's side on the listener's queue, or among those that wait.  -ECONNREFUSED: it does not listen any more. */
static int enqueue_embryo(struct inet_socket *l, struct inet_socket *n, bool *waits)
{
	int err = 0;

	spin_lock(&l->s.queue_lock);
	*waits = l->accept_len > READ_ONCE(l->backlog);
	if (l->state != INET_LISTENING) {
		err = -ECONNREFUSED;
	} else if (*waits) {
		inet_get(l);
		n->listener = l;
		n->waits = true;
		list_add_tail(&n->accept_link, &l->waiting);
	} else {
		list_add_tail(&n->accept_link, &l->accept_queue);
		WRITE_ONCE(l->accept_len, l->accept_len + 1);
	}
	spin_unlock(&l->s.queue_lock);
	return err;
}

/* u, of an embryo that waited, is connected now. */
static void promoted(struct inet_socket *n)
{
	struct inet_socket *client;

	spin_lock(&n->s.queue_lock);
	client = n->peer;
	if (client)
		inet_get(client);
	spin_unlock(&n->s.queue_lock);
	if (!client)
		return;		/* closed meanwhile: what accept() gives out is at its end */
	spin_lock(&client->s.queue_lock);
	if (client->state == INET_CONNECTING && client->peer == n)
		WRITE_ONCE(client->state, INET_CONNECTED);
	spin_unlock(&client->s.queue_lock);
	inet_wake(client, INET_WRITE_EVENTS);
	inet_put(client);
}

/* [s.lock] Begins: afterwards u is connected or connecting.  -ECONNREFUSED, -ENOMEM. */
static int start_connect(struct inet_socket *u, const struct inet_name *dst)
{
	struct inet_socket *l = inet_lookup(SOCK_STREAM, dst, &u->local), *n;
	int err = -ENOMEM;
	bool waits;

	if (!l)
		return -ECONNREFUSED;
	n = inet_alloc(l->s.family, SOCK_STREAM);
	if (!n)
		goto put_listener;
	inet_drop_queue(u);	/* of a connection that was reset */
	/* Everything of the new side is in place before the listener shows it to an acceptor. */
	n->local = *dst;
	n->bound_addr = true;
	n->remote = u->local;
	n->has_remote = true;
	n->state = INET_CONNECTED;
	n->v6only = READ_ONCE(l->v6only);
	n->s.send_buf = READ_ONCE(l->s.send_buf);
	n->s.recv_buf = READ_ONCE(l->s.recv_buf);
	n->s.keep_alive = READ_ONCE(l->s.keep_alive);
	n->s.linger = (struct abi_linger){ READ_ONCE(l->s.linger.onoff), READ_ONCE(l->s.linger.linger) };
	for (unsigned i = 0; i < ARRAY_SIZE(n->option); i++)
		n->option[i] = READ_ONCE(l->option[i]);
	inet_get(u);
	n->peer = u;
	inet_get(n);		/* u's; the first reference is the listener's */
	spin_lock(&u->s.queue_lock);
	WRITE_ONCE(u->peer, n);
	WRITE_ONCE(u->ended, 0);
	WRITE_ONCE(u->state, INET_CONNECTING);
	spin_unlock(&u->s.queue_lock);
	inet_share_port(n, l);
	err = enqueue_embryo(l, n, &waits);
	if (err) {
		inet_unbind(n);
		spin_lock(&u->s.queue_lock);
		WRITE_ONCE(u->peer, NULL);
		WRITE_ONCE(u->state, INET_CLOSED);
		spin_unlock(&u->s.queue_lock);
		n->peer = NULL;
		inet_put(u);
		inet_put(n);
		inet_put(n);
	} else if (!waits) {
		/* It may have been accepted, written to and closed by now: all that has gone into u's queue and flags. */
		spin_lock(&u->s.queue_lock);
		if (u->state == INET_CONNECTING)
			WRITE_ONCE(u->state, INET_CONNECTED);
		spin_unlock(&u->s.queue_lock);
		inet_wake(l, INET_READ_EVENTS);
	}
put_listener:
	inet_put(l);
	return err;
}

/* [s.lock] How an earlier connect(2) that did not wait has ended; 1: it has not. */
static int pending_result(struct inet_socket *u)
{
	int err;

	if (READ_ONCE(u->state) == INET_CONNECTING)
		return 1;
	u->connect_pending = false;
	err = socket_take_error(&u->s);
	if (err)
		inet_set_remote(u, NULL);
	return err ? err : READ_ONCE(u->state) == INET_CONNECTED ? 0 : -ECONNABORTED;
}

static int stream_connect(struct socket *s, const struct abi_sockaddr *a, unsigned len, bool nonblock)
{
	struct inet_socket *u = inet_of(s);
	uint64_t deadline = socket_deadline(READ_ONCE(s->send_timeout_ns), nonblock);
	struct inet_name dst;
	int err;

	if (len < sizeof(a->family))
		return -EINVAL;
	mutex_lock(&s->lock);
	if (a->family == AF_UNSPEC) {
		err = READ_ONCE(u->state) == INET_LISTENING ? -EISCONN : 0;
		if (!err) {
			disconnect(u, true);
			inet_set_remote(u, NULL);
			u->connect_pending = false;
		}
		goto out;
	}
	err = inet_name_parse(u, a, len, &dst);
	if (err)
		goto out;
	if (u->connect_pending) {
		err = pending_result(u);
		if (err != 1)
			goto out;
		err = nonblock ? -EALREADY : 0;
	} else if (READ_ONCE(u->state) != INET_CLOSED || READ_ONCE(u->peer)) {
		err = -EISCONN;
	} else {
		err = inet_route(u, &dst);
		if (!err && inet_autobind(u))
			err = -EADDRNOTAVAIL;
		if (!err) {
			inet_set_remote(u, &dst);
			err = start_connect(u, &dst);
			if (err)
				inet_set_remote(u, NULL);
		}
		if (nonblock && (!err || err == -ECONNREFUSED)) {	/* the answer comes later, as over a wire */
			u->connect_pending = true;
			if (err) {
				WRITE_ONCE(s->error, -err);
				inet_wake(u, INET_ALL_EVENTS);
			} else if (READ_ONCE(u->state) == INET_CONNECTED) {
				inet_wake(u, INET_WRITE_EVENTS);
			}
			err = -EINPROGRESS;
		}
	}
	while (!err && READ_ONCE(u->state) == INET_CONNECTING) {
		mutex_unlock(&s->lock);
		err = wait_event_interruptible_until(&s->wait, READ_ONCE(u->state) != INET_CONNECTING, deadline);
		mutex_lock(&s->lock);
		if (err) {
			u->connect_pending = READ_ONCE(u->state) == INET_CONNECTING;
			err = err == -ETIMEDOUT ? -EINPROGRESS : socket_wait_error(err, deadline);
			goto out;
		}
	}
	if (!err && READ_ONCE(u->state) != INET_CONNECTED) {
		err = socket_take_error(s);
		err = err ? err : -ECONNABORTED;
	}
out:
	mutex_unlock(&s->lock);
	return err;
}

/* 1: taken, 0: none yet, -EINVAL: not listening (any more). */
static int try_accept(struct inet_socket *l, struct inet_socket **out)
{
	struct inet_socket *next = NULL;
	int ret = 0;

	spin_lock(&l->s.queue_lock);
	if (l->state != INET_LISTENING) {
		ret = -EINVAL;
	} else if (l->accept_len) {
		*out = list_first(&l->accept_queue, struct inet_socket, accept_link);
		list_del_init(&(*out)->accept_link);
		ret = 1;
		if (list_empty(&l->waiting)) {
			WRITE_ONCE(l->accept_len, l->accept_len - 1);
		} else {
			next = list_first(&l->waiting, struct inet_socket, accept_link);
			next->waits = false;
			list_del(&next->accept_link);
			list_add_tail(&next->accept_link, &l->accept_queue);
			inet_get(next);
		}
	}
	spin_unlock(&l->s.queue_lock);
	if (next) {
		forget_listener(next);
		promoted(next);
		inet_put(next);
	}
	return ret;
}

static int stream_accept(struct socket *s, struct socket **out, bool nonblock)
{
	struct inet_socket *l = inet_of(s), *n = NULL;
	uint64_t deadline = socket_deadline(READ_ONCE(s->recv_timeout_ns), nonblock);
	int ret = try_accept(l, &n);

	if (ret == 0) {
		int err;

		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible_until(&s->wait, (ret = try_accept(l, &n)) != 0, deadline);
		if (err)
			return socket_wait_error(err, deadline);
	}
	if (ret < 0)
		return ret;
	*out = &n->s;
	return 0;
}

static unsigned stream_poll(struct socket *s, struct poll_table *pt)
{
	struct inet_socket *u = inet_of(s);
	unsigned ev = 0;

	poll_wait(pt, &s->wait);
	spin_lock(&s->queue_lock);
	if (READ_ONCE(s->error))
		ev |= POLLERR;
	if (u->state == INET_LISTENING) {
		if (u->accept_len)
			ev |= INET_READ_EVENTS;
	} else {
		if (u->ended == INET_BOTH || u->state == INET_CLOSED)
			ev |= POLLHUP;
		if (u->ended & INET_RCV)
			ev |= INET_READ_EVENTS | POLLRDHUP;
		if (u->queue_bytes >= MAX(READ_ONCE(s->recv_low), 1u))
			ev |= INET_READ_EVENTS;
		if (u->state != INET_CONNECTING && ((u->ended & INET_SND) || inet_writable(u)))
			ev |= INET_WRITE_EVENTS;
	}
	spin_unlock(&s->queue_lock);
	return ev;
}

/* ---- data ---- */

static bool may_send(struct inet_socket *u)
{
	return (READ_ONCE(u->charged) < READ_ONCE(u->s.send_buf) && READ_ONCE(u->state) != INET_CONNECTING) ||
		(READ_ONCE(u->ended) & INET_SND) || READ_ONCE(u->s.error);
}

/* 0: the peer, with a reference; -EPIPE, the socket's error, -EAGAIN or how the wait ended. */
static int wait_to_send(struct inet_socket *u, uint64_t deadline, struct inet_socket **peer)
{
	int err;

	if (!may_send(u)) {
		if (!deadline)
			return -EAGAIN;
		err = wait_event_interruptible_until(&u->s.wait, may_send(u), deadline);
		if (err)
			return socket_wait_error(err, deadline);
	}
	err = socket_take_error(&u->s);
	if (err)
		return err;
	spin_lock(&u->s.queue_lock);
	*peer = u->peer;
	if (u->state != INET_CONNECTED || !u->peer || (u->ended & INET_SND))
		err = -EPIPE;
	else
		inet_get(u->peer);
	spin_unlock(&u->s.queue_lock);
	return err;
}

static int64_t stream_send(struct socket *s, struct msg *m)
{
	struct inet_socket *u = inet_of(s);
	uint64_t deadline = socket_deadline(READ_ONCE(s->send_timeout_ns), m->flags & MSG_DONTWAIT);
	int64_t done = 0;
	int err = 0;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	do {
		size_t n = MIN(m->uio->left, (size_t)INET_CHUNK);
		struct inet_socket *peer = NULL;
		struct inet_seg *seg;
		bool gone;

		err = wait_to_send(u, deadline, &peer);
		if (err)
			break;
		if (!n) {
			inet_put(peer);
			break;
		}
		err = inet_seg_create(m, n, &seg);
		if (err) {
			inet_put(peer);
			break;
		}
		inet_get(u);
		seg->owner = u;
		__atomic_add_fetch(&u->charged, seg->charge, __ATOMIC_RELAXED);
		spin_lock(&peer->s.queue_lock);
		/* Closed, or elsewhere by now.  A client whose connect() is about to finish takes data, too. */
		gone = peer->dead || peer->peer != u || (peer->state != INET_CONNECTED && peer->state != INET_CONNECTING);
		if (!gone) {
			list_add_tail(&seg->link, &peer->queue);
			WRITE_ONCE(peer->queue_len, peer->queue_len + 1);
			WRITE_ONCE(peer->queue_bytes, peer->queue_bytes + n);
		}
		spin_unlock(&peer->s.queue_lock);
		done += (int64_t)n;
		if (gone) {
			inet_seg_free(seg);
			reset(u, peer, EPIPE);
		} else {
			inet_wake(peer, INET_READ_EVENTS);
		}
		inet_put(peer);
		if (gone)
			break;
	} while (m->uio->left);
	if (done)
		return done;
	return err == -EPIPE ? socket_broken_pipe(s, m->flags) : err;
}

static bool readable(struct inet_socket *u)
{
	return READ_ONCE(u->queue_len) || READ_ONCE(u->s.error) || (READ_ONCE(u->ended) & INET_RCV);
}

/* [s.lock keeps other readers away] The segment after `seg`, or the first. */
static struct inet_seg *next_seg(struct inet_socket *u, struct inet_seg *seg)
{
	struct list_head *l;

	spin_lock(&u->s.queue_lock);
	l = seg ? seg->link.next : u->queue.next;
	seg = l == &u->queue ? NULL : container_of(l, struct inet_seg, link);
	spin_unlock(&u->s.queue_lock);
	return seg;
}

/* [s.lock] Copies what is queued; takes it off unless peeking.  Bytes, -EFAULT. */
static int64_t take(struct inet_socket *u, struct msg *m)
{
	bool peek = m->flags & MSG_PEEK;
	struct inet_seg *seg = NULL;
	int64_t done = 0;

	while (m->uio->left && (seg = next_seg(u, peek ? seg : NULL)) != NULL) {
		size_t n = MIN((size_t)(seg->len - seg->off), m->uio->left);

		if (uio_copy_to(m->uio, seg->data + seg->off, n) < n)
			return done ? done : -EFAULT;
		done += (int64_t)n;
		if (peek)
			continue;
		spin_lock(&u->s.queue_lock);
		seg->off += (uint32_t)n;
		WRITE_ONCE(u->queue_bytes, u->queue_bytes - n);
		if (seg->off == seg->len) {
			list_del(&seg->link);
			WRITE_ONCE(u->queue_len, u->queue_len - 1);
		}
		spin_unlock(&u->s.queue_lock);
		if (seg->off == seg->len)
			inet_seg_free(seg);
	}
	return done;
}

static int64_t stream_recv(struct socket *s, struct msg *m)
{
	struct inet_socket *u = inet_of(s);
	uint64_t deadline = socket_deadline(READ_ONCE(s->recv_timeout_ns), m->flags & MSG_DONTWAIT);
	size_t target = m->flags & MSG_WAITALL ? m->uio->left : MIN((size_t)READ_ONCE(s->recv_low), m->uio->left);
	int64_t done = 0;
	int err = 0;

	m->namelen = 0;
	if (m->flags & MSG_OOB)
		return -EINVAL;
	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	if (READ_ONCE(u->state) != INET_CONNECTED && READ_ONCE(u->state) != INET_CONNECTING && !READ_ONCE(u->ended) && !READ_ONCE(s->error))
		return -ENOTCONN;
	for (;;) {
		bool more, ended, failed;
		int64_t n;

		mutex_lock(&s->lock);
		n = take(u, m);
		mutex_unlock(&s->lock);
		if (n < 0)
			err = (int)n;
		else if (m->flags & MSG_PEEK)
			done = MAX(done, n);
		else
			done += n;
		if (err || (size_t)done >= target || !m->uio->left)
			break;
		if (m->flags & MSG_PEEK)
			uio_revert(m->uio, (size_t)n);
		/* All at once: an end, or an error, is behind all data that came before it. */
		spin_lock(&s->queue_lock);
		more = u->queue_bytes > (m->flags & MSG_PEEK ? (uint64_t)done : 0);
		ended = u->ended & INET_RCV;
		failed = READ_ONCE(s->error);
		spin_unlock(&s->queue_lock);
		if (more)
			continue;
		if (failed && !done)
			err = socket_take_error(s);
		if (err || ended || failed)
			break;
		if (!deadline) {
			err = -EAGAIN;
			break;
		}
		err = m->flags & MSG_PEEK ? wait_event_interruptible_until(&s->wait, (int64_t)READ_ONCE(u->queue_bytes) > done ||
				READ_ONCE(s->error) || (READ_ONCE(u->ended) & INET_RCV), deadline)
			: wait_event_interruptible_until(&s->wait, readable(u), deadline);
		if (err) {
			err = socket_wait_error(err, deadline);
			break;
		}
	}
	return done ? done : err;
}

const struct socket_ops inet_stream_ops = { .release = stream_release, .bind = inet_bind, .connect = stream_connect, .listen = stream_listen,
	.accept = stream_accept, .getname = inet_getname, .poll = stream_poll, .ioctl = inet_ioctl, .shutdown = stream_shutdown,
	.setsockopt = inet_setsockopt, .getsockopt = inet_getsockopt, .sendmsg = stream_send, .recvmsg = stream_recv, .destroy = inet_destroy };
