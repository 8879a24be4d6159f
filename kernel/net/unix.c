/* SPDX-License-Identifier: MIT */
/*
 * UNIX sockets: creation, connections, closing, readiness.
 *
 * connect() of a stream makes the server's socket itself, connects the two and
 * queues the new one at the listener; accept() only takes it off.  A stream
 * can be written to before it is accepted.  Closing a stream with unread data
 * resets the peer.
 */
#include "net/unix_internal.h"

#define READ_EVENTS (POLLIN | POLLRDNORM)
#define WRITE_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND)
#define ALL_EVENTS (READ_EVENTS | WRITE_EVENTS | POLLHUP | POLLRDHUP | POLLERR)

static const struct socket_ops stream_ops, dgram_ops, seqpacket_ops;

static bool is_dgram(const struct unix_socket *u) { return u->s.type == SOCK_DGRAM; }

static struct unix_socket *unix_alloc(int type)
{
	struct unix_socket *u = kzalloc(sizeof(*u), 0);
	const struct socket_ops *ops = type == SOCK_STREAM ? &stream_ops : type == SOCK_DGRAM ? &dgram_ops : &seqpacket_ops;

	if (!u)
		return NULL;
	socket_init_common(&u->s, ops, AF_UNIX, type, 0);
	list_init(&u->name_link);
	list_init(&u->queue);
	list_init(&u->accept_queue);
	list_init(&u->accept_link);
	list_init(&u->clients);
	list_init(&u->client_link);
	list_init(&u->gc_link);
	waitq_init(&u->space);
	u->backlog = UNIX_DGRAM_BACKLOG;
	return u;
}

static int unix_create(int type, int protocol, struct socket **out)
{
	struct unix_socket *u;

	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	u = unix_alloc(type);
	if (!u)
		return -ENOMEM;
	*out = &u->s;
	return 0;
}

static void unix_destroy(struct socket *s)
{
	struct unix_socket *u = unix_of(s);

	unix_addr_put(u->addr);
	kfree(u);
}

struct unix_socket *unix_peer(struct unix_socket *u)
{
	struct unix_socket *p;

	spin_lock(&u->s.queue_lock);
	p = u->peer;
	if (p)
		unix_get(p);
	spin_unlock(&u->s.queue_lock);
	return p;
}

void unix_wake(struct unix_socket *u, unsigned events)
{
	if (waitq_active(&u->s.wait))
		waitq_wake_key(&u->s.wait, 1, events);
}

/* ---- closing ---- */

/* u, connected, loses its peer: it reads what is queued, then end of file or `error`. */
static void peer_closed(struct unix_socket *u, int error)
{
	spin_lock(&u->s.queue_lock);
	WRITE_ONCE(u->shutdown, SHUT_R | SHUT_W);
	if (error)
		WRITE_ONCE(u->s.error, error);
	spin_unlock(&u->s.queue_lock);
	waitq_wake_key(&u->s.wait, 0, ALL_EVENTS);
	sigio_send(&u->s.sigio, POLLIN | POLLRDNORM);
}

static void unlink_client(struct unix_socket *u, struct unix_socket *peer)
{
	spin_lock(&peer->s.queue_lock);
	if (!list_empty(&u->client_link))
		list_del_init(&u->client_link);
	spin_unlock(&peer->s.queue_lock);
}

static void unix_close(struct unix_socket *u, bool embryo)
{
	struct list_head msgs = LIST_INIT(msgs), embryos = LIST_INIT(embryos);
	struct unix_socket *peer, *e;
	struct unix_msg *m;
	bool unread;

	unix_name_release(u);
	spin_lock(&u->s.queue_lock);
	WRITE_ONCE(u->dead, true);
	WRITE_ONCE(u->s.listening, false);
	WRITE_ONCE(u->shutdown, SHUT_R | SHUT_W);
	WRITE_ONCE(u->state, UNIX_CLOSED);
	peer = u->peer;
	WRITE_ONCE(u->peer, NULL);
	list_splice_tail(&u->queue, &msgs);
	list_splice_tail(&u->accept_queue, &embryos);
	WRITE_ONCE(u->queue_len, 0);
	WRITE_ONCE(u->accept_len, 0);
	WRITE_ONCE(u->queue_bytes, 0);
	while (!list_empty(&u->clients))
		list_del_init(u->clients.next);
	spin_unlock(&u->s.queue_lock);
	/* A first one of no bytes does not count, as on Linux. */
	unread = !list_empty(&msgs);
	if (unread && !list_first(&msgs, struct unix_msg, link)->len)
		unread = msgs.next->next != &msgs;
	if (peer) {
		if (is_dgram(u))
			unlink_client(u, peer);
		else
			peer_closed(peer, unread || embryo ? ECONNRESET : 0);
		unix_put(peer);
	}
	while (!list_empty(&embryos)) {
		e = list_first(&embryos, struct unix_socket, accept_link);
		list_del_init(&e->accept_link);
		unix_close(e, true);
	}
	while (!list_empty(&msgs)) {
		m = list_first(&msgs, struct unix_msg, link);
		list_del(&m->link);
		unix_msg_free(m);
	}
	waitq_wake_key(&u->s.wait, 0, ALL_EVENTS);
	waitq_wake_all(&u->space);
	unix_put(u);
}

static void unix_release(struct socket *s)
{
	unix_close(unix_of(s), false);
	unix_gc_kick();
}

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_socket *u = unix_of(s), *peer;
	unsigned mine = how == SHUT_RD ? SHUT_R : how == SHUT_WR ? SHUT_W : SHUT_R | SHUT_W, theirs;

	spin_lock(&s->queue_lock);
	WRITE_ONCE(u->shutdown, u->shutdown | mine);
	peer = u->peer;
	if (peer)
		unix_get(peer);
	spin_unlock(&s->queue_lock);
	if (peer && !is_dgram(u)) {
		theirs = (mine & SHUT_R ? SHUT_W : 0) | (mine & SHUT_W ? SHUT_R : 0);
		spin_lock(&peer->s.queue_lock);
		WRITE_ONCE(peer->shutdown, peer->shutdown | theirs);
		spin_unlock(&peer->s.queue_lock);
		waitq_wake_key(&peer->s.wait, 0, ALL_EVENTS);
	}
	if (peer)
		unix_put(peer);
	waitq_wake_key(&s->wait, 0, ALL_EVENTS);
	waitq_wake_all(&u->space);
	return 0;
}

/* ---- connections ---- */

static int unix_socketpair(struct socket *a, struct socket *b)
{
	struct unix_socket *u = unix_of(a), *v = unix_of(b);

	unix_get(u);
	unix_get(v);
	u->peer = v;
	v->peer = u;
	socket_own_cred(&a->peer_cred);
	socket_own_cred(&b->peer_cred);
	if (is_dgram(u)) {
		list_add_tail(&u->client_link, &v->clients);
		list_add_tail(&v->client_link, &u->clients);
	} else {
		u->state = v->state = UNIX_CONNECTED;
	}
	return 0;
}

static int unix_listen(struct socket *s, unsigned backlog)
{
	struct unix_socket *u = unix_of(s);
	int err = 0;

	mutex_lock(&s->lock);
	spin_lock(&s->queue_lock);
	if (!u->addr || (u->state != UNIX_CLOSED && u->state != UNIX_LISTENING)) {
		err = -EINVAL;
	} else {
		WRITE_ONCE(u->state, UNIX_LISTENING);
		WRITE_ONCE(s->listening, true);
		WRITE_ONCE(u->backlog, backlog);
		socket_own_cred(&s->peer_cred);
	}
	spin_unlock(&s->queue_lock);
	mutex_unlock(&s->lock);
	if (!err)
		waitq_wake_all(&u->space);
	return err;
}

static bool backlog_free(struct unix_socket *l)
{
	return READ_ONCE(l->accept_len) <= READ_ONCE(l->backlog) || READ_ONCE(l->state) != UNIX_LISTENING;
}

/* Puts the new socket on the listener's queue.  -ECONNREFUSED, -EAGAIN: it is full. */
static int enqueue_embryo(struct unix_socket *l, struct unix_socket *n, struct abi_ucred *listener_cred)
{
	int err = 0;

	spin_lock(&l->s.queue_lock);
	if (l->state != UNIX_LISTENING || l->dead || (l->shutdown & SHUT_R)) {
		err = -ECONNREFUSED;
	} else if (l->accept_len > l->backlog) {
		err = -EAGAIN;
	} else {
		*listener_cred = l->s.peer_cred;
		n->addr = l->addr;
		ref_get(&n->addr->refs);
		n->s.pass_cred = READ_ONCE(l->s.pass_cred);
		list_add_tail(&n->accept_link, &l->accept_queue);
		WRITE_ONCE(l->accept_len, l->accept_len + 1);
	}
	spin_unlock(&l->s.queue_lock);
	return err;
}

/* s.lock is held: nobody else connects u.  -EAGAIN: the listener's queue is full again. */
static int stream_connect_to(struct unix_socket *u, struct unix_socket *l)
{
	struct unix_socket *n = unix_alloc(u->s.type);
	struct abi_ucred cred;
	int err;

	if (!n)
		return -ENOMEM;
	/* Everything of the new side is in place before the listener shows it to an acceptor. */
	unix_get(u);
	n->peer = u;
	n->state = UNIX_CONNECTED;
	socket_own_cred(&n->s.peer_cred);
	unix_get(n);			/* u's; the first reference is the listener's */
	err = enqueue_embryo(l, n, &cred);
	if (err) {
		n->peer = NULL;
		unix_put(u);
		unix_put(n);
		unix_put(n);
		return err;
	}
	/* It may have been accepted, written to and closed by now: all that has gone into u's queue and flags. */
	spin_lock(&u->s.queue_lock);
	WRITE_ONCE(u->peer, n);
	WRITE_ONCE(u->state, UNIX_CONNECTED);
	u->s.peer_cred = cred;
	spin_unlock(&u->s.queue_lock);
	unix_wake(l, READ_EVENTS);
	sigio_send(&l->s.sigio, POLLIN | POLLRDNORM);
	return 0;
}

/* In Linux's order: the other side, whether it has room, then this side. */
static int stream_try_connect(struct unix_socket *u, struct unix_socket *l)
{
	int err;

	mutex_lock(&u->s.lock);
	if (READ_ONCE(l->state) != UNIX_LISTENING)
		err = -ECONNREFUSED;
	else if (!backlog_free(l))
		err = -EAGAIN;
	else if (u->state != UNIX_CLOSED)
		err = u->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	else
		err = stream_connect_to(u, l);
	mutex_unlock(&u->s.lock);
	return err;
}

/* Waits for room without a lock, and then asks again who has the name. */
static int stream_connect(struct socket *s, const struct abi_sockaddr *a, unsigned len, bool nonblock)
{
	struct unix_socket *u = unix_of(s), *l;
	uint64_t deadline = socket_deadline(READ_ONCE(s->send_timeout_ns), nonblock);
	struct abi_sockaddr_un sun;
	int err = unix_name_parse(a, len, &sun, &len);

	if (err)
		return err;
	if (READ_ONCE(s->pass_cred)) {
		err = unix_autobind(u);
		if (err)
			return err;
	}
	for (;;) {
		err = unix_find(&sun, len, s->type, &l);
		if (err)
			return err;
		err = stream_try_connect(u, l);
		if (err != -EAGAIN || !deadline)
			break;
		err = wait_event_interruptible_until(&l->space, backlog_free(l), deadline);
		if (err) {
			err = socket_wait_error(err, deadline);
			break;
		}
		unix_put(l);
	}
	unix_put(l);
	return err;
}

static int dgram_connect(struct socket *s, const struct abi_sockaddr *a, unsigned len, bool nonblock)
{
	struct unix_socket *u = unix_of(s), *peer = NULL, *old;
	struct abi_sockaddr_un sun;
	int err;

	if (len < sizeof(a->family))
		return -EINVAL;
	if (a->family != AF_UNSPEC) {
		err = unix_name_parse(a, len, &sun, &len);
		if (!err && READ_ONCE(s->pass_cred))
			err = unix_autobind(u);
		if (!err)
			err = unix_find(&sun, len, SOCK_DGRAM, &peer);
		if (err)
			return err;
		spin_lock(&peer->s.queue_lock);
		if (peer->peer && peer->peer != u)
			err = -EPERM;	/* it talks to somebody else */
		spin_unlock(&peer->s.queue_lock);
		if (err) {
			unix_put(peer);
			return err;
		}
	}
	mutex_lock(&s->lock);
	if (peer)
		unix_get(peer);		/* who sends takes u->peer's away, if it is gone by then */
	spin_lock(&s->queue_lock);
	old = u->peer;
	WRITE_ONCE(u->peer, peer);
	spin_unlock(&s->queue_lock);
	if (old) {
		unlink_client(u, old);
		unix_put(old);
	}
	if (peer) {
		spin_lock(&peer->s.queue_lock);
		if (!peer->dead && list_empty(&u->client_link))
			list_add_tail(&u->client_link, &peer->clients);
		spin_unlock(&peer->s.queue_lock);
		unix_put(peer);
	}
	mutex_unlock(&s->lock);
	unix_wake(u, WRITE_EVENTS);
	return 0;
}

/* 1: *out is taken; 0: none yet; -EINVAL: not listening (any more).  One that is shut down says so only to who would wait. */
static int try_accept(struct unix_socket *l, struct unix_socket **out, bool nonblock)
{
	int ret = 0;

	spin_lock(&l->s.queue_lock);
	if (l->state != UNIX_LISTENING || (l->shutdown & SHUT_R && l->accept_len == 0 && !nonblock)) {
		ret = -EINVAL;
	} else if (l->accept_len) {
		*out = list_first(&l->accept_queue, struct unix_socket, accept_link);
		list_del_init(&(*out)->accept_link);
		WRITE_ONCE(l->accept_len, l->accept_len - 1);
		ret = 1;
	}
	spin_unlock(&l->s.queue_lock);
	return ret;
}

static int stream_accept(struct socket *s, struct socket **out, bool nonblock)
{
	struct unix_socket *l = unix_of(s), *n = NULL;
	uint64_t deadline = socket_deadline(READ_ONCE(s->recv_timeout_ns), nonblock);
	int ret = try_accept(l, &n, nonblock);

	if (ret == 0) {
		int err;

		if (nonblock)
			return -EAGAIN;
		err = wait_event_interruptible_until(&s->wait, (ret = try_accept(l, &n, false)) != 0, deadline);
		if (err)
			return socket_wait_error(err, deadline);
	}
	if (ret < 0)
		return ret;
	waitq_wake_all(&l->space);
	*out = &n->s;
	return 0;
}

static int unix_getname(struct socket *s, struct abi_sockaddr *a, bool peer)
{
	struct unix_socket *u = unix_of(s);
	struct unix_addr *addr;
	int len = sizeof(a->family);

	if (peer) {
		u = unix_peer(u);
		if (!u)
			return -ENOTCONN;
	}
	addr = unix_addr_get(u);
	a->family = AF_UNIX;
	if (addr) {
		len = (int)addr->len;
		memcpy(a, &addr->sun, MIN(addr->len, (unsigned)sizeof(addr->sun)));
		unix_addr_put(addr);
	}
	if (peer)
		unix_put(u);
	return len;
}

/* ---- readiness ---- */

static unsigned stream_poll(struct socket *s, struct poll_table *pt)
{
	struct unix_socket *u = unix_of(s);
	unsigned ev = 0;

	poll_wait(pt, &s->wait);
	spin_lock(&s->queue_lock);
	if (READ_ONCE(s->error))
		ev |= POLLERR;
	if (u->shutdown == (SHUT_R | SHUT_W))
		ev |= POLLHUP;
	if (u->shutdown & SHUT_R)
		ev |= POLLRDHUP | READ_EVENTS;
	if (u->queue_len || u->accept_len)
		ev |= READ_EVENTS;
	if (u->state == UNIX_CLOSED)
		ev |= POLLHUP;
	if (u->state != UNIX_LISTENING && unix_writable(u))
		ev |= WRITE_EVENTS;
	spin_unlock(&s->queue_lock);
	return ev;
}

static unsigned dgram_poll(struct socket *s, struct poll_table *pt)
{
	struct unix_socket *u = unix_of(s), *peer = NULL;
	unsigned ev = 0;

	poll_wait(pt, &s->wait);
	spin_lock(&s->queue_lock);
	if (READ_ONCE(s->error))
		ev |= POLLERR;
	if (u->shutdown & SHUT_R)
		ev |= POLLRDHUP | READ_EVENTS;
	if (u->shutdown == (SHUT_R | SHUT_W))
		ev |= POLLHUP;
	if (u->queue_len)
		ev |= READ_EVENTS;
	if (unix_writable(u)) {
		ev |= WRITE_EVENTS;
		peer = u->peer;
		if (peer)
			unix_get(peer);
	}
	spin_unlock(&s->queue_lock);
	if (peer) {
		/* A peer that answers to this socket is not waited for: the two could block each other. */
		spin_lock(&peer->s.queue_lock);
		if (peer->peer != u && !peer->dead && peer->queue_len > peer->backlog)
			ev &= ~(unsigned)WRITE_EVENTS;
		spin_unlock(&peer->s.queue_lock);
		unix_put(peer);
	}
	return ev;
}

enum { SIOCINQ = 0x541b, SIOCOUTQ = 0x5411 };

static long unix_ioctl(struct socket *s, unsigned cmd, uint64_t arg)
{
	struct unix_socket *u = unix_of(s);
	int32_t n = 0;
	int err = 0;

	switch (cmd) {
	case SIOCOUTQ:
		n = (int32_t)READ_ONCE(u->charged);
		break;
	case SIOCINQ:
		spin_lock(&s->queue_lock);
		if (u->state == UNIX_LISTENING) {
			err = -EINVAL;
		} else if (s->type == SOCK_STREAM) {
			n = (int32_t)u->queue_bytes;
		} else if (!list_empty(&u->queue)) {
			struct unix_msg *m = list_first(&u->queue, struct unix_msg, link);

			n = (int32_t)(m->len - m->off);
		}
		spin_unlock(&s->queue_lock);
		break;
	default:
		return -ENOTTY;
	}
	return err ? err : put_user(n, arg);
}

#define COMMON_OPS .release = unix_release, .bind = unix_bind, .socketpair = unix_socketpair, .getname = unix_getname, \
	.ioctl = unix_ioctl, .shutdown = unix_shutdown, .destroy = unix_destroy
static const struct socket_ops stream_ops = { COMMON_OPS, .connect = stream_connect, .listen = unix_listen, .accept = stream_accept,
	.poll = stream_poll, .sendmsg = unix_stream_send, .recvmsg = unix_stream_recv };
/* Linux asks before it looks at what is sent: what has happened to the socket, and whether it is connected. */
static int seqpacket_send_check(struct socket *s)
{
	int err = socket_take_error(s);

	return err ? err : READ_ONCE(unix_of(s)->state) == UNIX_CONNECTED ? 0 : -ENOTCONN;
}

static int64_t seqpacket_send(struct socket *s, struct msg *m)
{
	int err = seqpacket_send_check(s);

	return err ? err : unix_dgram_send(s, m);
}

static const struct socket_ops seqpacket_ops = { COMMON_OPS, .send_check = seqpacket_send_check, .connect = stream_connect, .listen = unix_listen, .accept = stream_accept,
	.poll = stream_poll, .sendmsg = seqpacket_send, .recvmsg = unix_dgram_recv };
static const struct socket_ops dgram_ops = { COMMON_OPS, .connect = dgram_connect,
	.poll = dgram_poll, .sendmsg = unix_dgram_send, .recvmsg = unix_dgram_recv };

static const struct socket_family unix_family = { AF_UNIX, unix_create };

void unix_init(void)
{
	unix_name_init();
	unix_gc_init();
	socket_family_register(&unix_family);
}
