/* SPDX-License-Identifier: MIT */
/*
 * UNIX sockets: sending and receiving.
 *
 * A stream is a queue of messages whose borders readers do not see, except
 * that bytes of different senders' credentials (with SO_PASSCRED) and bytes
 * before and after passed descriptors are not read in one call.  Readers copy
 * to user memory without the queue lock: s.lock keeps other readers away
 * meanwhile, so a message that is only partly read stays at the head.
 */
#include "net/unix_internal.h"

#define READ_EVENTS (POLLIN | POLLRDNORM)
#define WRITE_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND)

/* ---- messages ---- */

static bool may_charge(struct unix_socket *u)
{
	return READ_ONCE(u->charged) < READ_ONCE(u->s.send_buf) || (READ_ONCE(u->shutdown) & SHUT_W) || READ_ONCE(u->s.error);
}

/*
 * What a message counts for against SO_SNDBUF, and in SIOCOUTQ: as on Linux the memory of a packet buffer, a head and a block of a
 * power of two with the bytes, of which a long message has some in pages.  So programs meet a full buffer after as many messages.
 */
static size_t msg_cost(const struct unix_socket *u, size_t len)
{
	enum { HEAD = 256, TAIL = 320, LINE = 64, BLOCK_MIN = 512, PAGE = 4096 };
	size_t linear_max = (u->s.type == SOCK_STREAM ? PAGE : 4 * PAGE) - TAIL;
	size_t paged = len > linear_max ? ALIGN_UP(len - linear_max, PAGE) : 0;
	size_t block = BLOCK_MIN, need = ALIGN_UP(len - MIN(paged, len), LINE) + TAIL;

	while (block < need)
		block *= 2;
	return HEAD + block + ALIGN_UP(MIN(paged, len), PAGE);
}

int unix_msg_create(struct unix_socket *u, struct msg *m, size_t len, uint64_t deadline, struct unix_msg **out)
{
	struct unix_msg *msg;
	int err;

	if (!may_charge(u)) {
		if (deadline == 0)
			return -EAGAIN;
		err = wait_event_interruptible_until(&u->s.wait, may_charge(u), deadline);
		if (err)
			return socket_wait_error(err, deadline);
	}
	err = socket_take_error(&u->s);
	if (err)
		return err;
	if (READ_ONCE(u->shutdown) & SHUT_W)
		return -EPIPE;
	if (m->scm && m->scm->nfiles && !unix_may_attach())
		return -ETOOMANYREFS;
	msg = kmalloc(sizeof(*msg) + len, 0);
	if (!msg)
		return -ENOBUFS;
	*msg = (struct unix_msg){ .len = (uint32_t)len, .charge = msg_cost(u, len) };
	if (len && uio_copy_from(m->uio, msg->data, len) < len) {
		kfree(msg);
		return -EFAULT;
	}
	if (m->scm && m->scm->have_cred)
		msg->cred = m->scm->cred;
	else
		msg->cred = (struct abi_ucred){ process_pid(current->process), current->cred->uid, current->cred->gid };
	unix_get(u);
	msg->owner = u;
	__atomic_add_fetch(&u->charged, msg->charge, __ATOMIC_RELAXED);
	*out = msg;
	return 0;
}

void unix_msg_free(struct unix_msg *msg)
{
	struct unix_socket *u = msg->owner;

	if (msg->nfiles) {
		struct scm scm = { .nfiles = 0 };

		unix_detach(msg, &scm);
		scm_drop(&scm);
	}
	__atomic_sub_fetch(&u->charged, msg->charge, __ATOMIC_RELAXED);
	if (unix_writable(u)) {
		unix_wake(u, WRITE_EVENTS);
		sigio_send(&u->s.sigio, POLLOUT | POLLWRNORM);
	}
	unix_put(u);
	kfree(msg);
}

/* [q] */
static void enqueue(struct unix_socket *to, struct unix_msg *msg)
{
	list_add_tail(&msg->link, &to->queue);
	WRITE_ONCE(to->queue_len, to->queue_len + 1);
	WRITE_ONCE(to->queue_bytes, to->queue_bytes + msg->len);
}

/* ---- streams ---- */

int64_t unix_stream_send(struct socket *s, struct msg *m)
{
	struct unix_socket *u = unix_of(s), *peer;
	uint64_t deadline = socket_deadline(READ_ONCE(s->send_timeout_ns), m->flags & MSG_DONTWAIT);
	int64_t done = 0;
	int err = 0;

	if (m->namelen)
		return READ_ONCE(u->state) == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	peer = unix_peer(u);
	if (!peer)
		return -ENOTCONN;
	if (m->flags & MSG_OOB) {
		unix_put(peer);
		return -EOPNOTSUPP;
	}
	if (READ_ONCE(u->shutdown) & SHUT_W) {
		unix_put(peer);
		return socket_broken_pipe(s, m->flags);
	}
	while (m->uio->left) {
		size_t half = READ_ONCE(s->send_buf) / 2 - 64;	/* so that one is read while the next is written */
		size_t n = MIN(m->uio->left, half);
		struct unix_msg *msg;

		n = MIN(n, (size_t)UNIX_CHUNK);
		err = unix_msg_create(u, m, n, deadline, &msg);
		if (err)
			break;
		if (m->scm && m->scm->nfiles)
			unix_attach(msg, m->scm);
		spin_lock(&peer->s.queue_lock);
		if (peer->dead || (peer->shutdown & SHUT_R))
			err = -EPIPE;
		else
			enqueue(peer, msg);
		spin_unlock(&peer->s.queue_lock);
		if (err) {
			unix_msg_free(msg);
			break;
		}
		unix_wake(peer, READ_EVENTS);
		sigio_send(&peer->s.sigio, POLLIN | POLLRDNORM);
		done += (int64_t)n;
	}
	unix_put(peer);
	if (done)
		return done;
	return err == -EPIPE ? socket_broken_pipe(s, m->flags) : err;
}

/* What was taken lay before the peek offset, or at it. */
static void peek_back(struct socket *s, size_t n)
{
	int32_t off = READ_ONCE(s->peek_off);

	if (off > 0)
		WRITE_ONCE(s->peek_off, n < (size_t)off ? off - (int32_t)n : 0);
}

/* [queue_lock] Nothing more comes: -errno, 1 when it is the end, 0: something may. */
static int ended(struct unix_socket *u)
{
	if (READ_ONCE(u->s.error))
		return socket_take_error(&u->s);
	return u->shutdown & SHUT_R ? 1 : 0;
}

/* [s.lock, for readers] The first message, or NULL; *err says why there will be none: 1 end of file, -errno. */
static struct unix_msg *first(struct unix_socket *u, int *err)
{
	struct unix_msg *msg = NULL;

	*err = 0;
	spin_lock(&u->s.queue_lock);
	if (!list_empty(&u->queue))
		msg = list_first(&u->queue, struct unix_msg, link);
	else
		*err = ended(u);
	spin_unlock(&u->s.queue_lock);
	return msg;
}

static bool readable(struct unix_socket *u)
{
	return READ_ONCE(u->queue_len) || READ_ONCE(u->s.error) || (READ_ONCE(u->shutdown) & SHUT_R);
}

/* For a stream: a reader that peeks from an offset on waits for what is behind it. */
static bool stream_readable(struct unix_socket *u, unsigned flags)
{
	int32_t off = flags & MSG_PEEK ? READ_ONCE(u->s.peek_off) : -1;

	if (off > 0)
		return READ_ONCE(u->queue_bytes) > (size_t)off || READ_ONCE(u->s.error) || (READ_ONCE(u->shutdown) & SHUT_R);
	return readable(u);
}

static void dequeue(struct unix_socket *u, struct unix_msg *msg)
{
	spin_lock(&u->s.queue_lock);
	list_del(&msg->link);
	WRITE_ONCE(u->queue_len, u->queue_len - 1);
	spin_unlock(&u->s.queue_lock);
}

static bool same_cred(const struct abi_ucred *a, const struct abi_ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* The name that the sender has now, as on Linux: it may have been bound since it sent. */
static void report_name(struct msg *m, struct unix_socket *sender)
{
	struct unix_addr *a;

	if (!m->name)
		return;
	m->namelen = 0;
	a = unix_addr_get(sender);
	if (a) {
		m->namelen = a->len;
		memcpy(m->name, &a->sun, MIN(a->len, (unsigned)sizeof(a->sun)));
		unix_addr_put(a);
	}
}

/* Where the loop of a stream read stands. */
struct stream_read { size_t copied, skip; bool have_cred; struct abi_ucred cred; };

/* Takes from one message; true: go on with the next.  [s.lock] */
static bool take_stream(struct unix_socket *u, struct msg *m, struct unix_msg *msg, struct stream_read *r, int *err)
{
	bool peek = m->flags & MSG_PEEK, files = msg->nfiles != 0;
	uint32_t avail = msg->len - msg->off;
	size_t n;

	if (r->have_cred && READ_ONCE(u->s.pass_cred) && !same_cred(&r->cred, &msg->cred))
		return false;
	if (!r->have_cred) {
		r->cred = msg->cred;
		r->have_cred = true;
		m->scm->cred = msg->cred;
		report_name(m, msg->owner);
	}
	n = MIN((size_t)(avail - (uint32_t)r->skip), m->uio->left);
	if (uio_copy_to(m->uio, msg->data + msg->off + r->skip, n) < n) {
		*err = -EFAULT;
		return false;
	}
	r->copied += n;
	r->skip = 0;
	if (files && !m->scm->nfiles) {
		if (peek)
			unix_copy_files(msg, m->scm);
		else
			unix_detach(msg, m->scm);
	}
	if (!peek) {
		msg->off += (uint32_t)n;
		spin_lock(&u->s.queue_lock);
		WRITE_ONCE(u->queue_bytes, u->queue_bytes - n);
		spin_unlock(&u->s.queue_lock);
		if (msg->off == msg->len) {
			dequeue(u, msg);
			unix_msg_free(msg);
		}
	}
	return !files && m->uio->left > 0;
}

/* The message behind msg, or NULL.  [s.lock keeps them from going away] */
static struct unix_msg *after(struct unix_socket *u, struct unix_msg *msg)
{
	struct list_head *next;

	spin_lock(&u->s.queue_lock);
	next = msg->link.next;
	spin_unlock(&u->s.queue_lock);
	return next == &u->queue ? NULL : container_of(next, struct unix_msg, link);
}

/* From the first message on.  false: everything queued lies before the peek offset. */
static bool peek_stream(struct unix_socket *u, struct msg *m, struct unix_msg *msg, struct stream_read *r, int *err)
{
	bool any = false;
	int32_t off = READ_ONCE(u->s.peek_off);
	size_t skip = off > 0 ? (size_t)off : 0;

	for (; msg; msg = after(u, msg)) {
		uint32_t avail = msg->len - msg->off;

		if (skip >= avail) {
			skip -= avail;
			continue;
		}
		any = true;
		r->skip = skip;
		skip = 0;
		if (!take_stream(u, m, msg, r, err))
			break;
	}
	if (off >= 0)
		WRITE_ONCE(u->s.peek_off, off + (int32_t)r->copied);
	return any;
}

int64_t unix_stream_recv(struct socket *s, struct msg *m)
{
	struct unix_socket *u = unix_of(s);
	uint64_t deadline = socket_deadline(READ_ONCE(s->recv_timeout_ns), m->flags & MSG_DONTWAIT);
	size_t target = m->flags & MSG_WAITALL ? m->uio->left : MIN((size_t)READ_ONCE(s->recv_low), m->uio->left);
	struct stream_read r = { .copied = 0 };
	int err = 0;

	target = MAX(target, (size_t)1);	/* nothing asked for: it waits for something all the same */
	if (READ_ONCE(u->state) != UNIX_CONNECTED)
		return -EINVAL;
	if (m->flags & MSG_OOB)		/* there never is any */
		return -EINVAL;
	for (;;) {
		struct unix_msg *msg;

		mutex_lock(&s->lock);
		msg = first(u, &err);
		if (msg) {
			bool more, looked = true;

			if (m->flags & MSG_PEEK) {
				looked = peek_stream(u, m, msg, &r, &err);
				more = false;
			} else {
				more = take_stream(u, m, msg, &r, &err);
				if (more && r.copied >= target && !READ_ONCE(u->queue_len))
					more = false;
			}
			if (more) {
				mutex_unlock(&s->lock);
				continue;
			}
			if (looked) {
				mutex_unlock(&s->lock);
				break;
			}
			spin_lock(&u->s.queue_lock);
			err = ended(u);
			spin_unlock(&u->s.queue_lock);
		}
		mutex_unlock(&s->lock);
		if (err || r.copied >= target)
			break;
		if (!deadline) {
			err = -EAGAIN;
			break;
		}
		err = wait_event_interruptible_until(&s->wait, stream_readable(u, (unsigned)m->flags), deadline);
		if (err) {
			err = socket_wait_error(err, deadline);
			break;
		}
	}
	if (!(m->flags & MSG_PEEK))
		peek_back(s, r.copied);
	if (r.copied || err > 0)
		return (int64_t)r.copied;
	return err;
}

/* ---- datagrams and packets ---- */

static bool has_room(struct unix_socket *to, struct unix_socket *from)
{
	return READ_ONCE(to->queue_len) <= READ_ONCE(to->backlog) || READ_ONCE(to->dead) || READ_ONCE(to->peer) == from ||
		(READ_ONCE(to->shutdown) & SHUT_R);
}

/* Who gets it, with a reference. */
static int destination(struct unix_socket *u, struct msg *m, struct unix_socket **out)
{
	struct abi_sockaddr_un sun;
	unsigned len;
	int err;

	if (u->s.type == SOCK_SEQPACKET) {
		if (READ_ONCE(u->state) != UNIX_CONNECTED)
			return -ENOTCONN;
		m->namelen = 0;
	}
	if (!m->namelen) {
		*out = unix_peer(u);
		return *out ? 0 : -ENOTCONN;
	}
	err = unix_name_parse(m->name, m->namelen, &sun, &len);
	return err ? err : unix_find(&sun, len, u->s.type, out);
}

/* The connected peer of a datagram socket has been closed: forget it. */
static void forget_peer(struct unix_socket *u, struct unix_socket *peer)
{
	bool mine;

	spin_lock(&u->s.queue_lock);
	mine = u->peer == peer;
	if (mine)
		WRITE_ONCE(u->peer, NULL);
	spin_unlock(&u->s.queue_lock);
	if (mine)
		unix_put(peer);
}

static int try_deliver(struct unix_socket *u, struct unix_socket *to, struct unix_msg *msg)
{
	int err = 0;

	spin_lock(&to->s.queue_lock);
	if (to->dead)
		err = u->s.type == SOCK_SEQPACKET ? -EPIPE : -ECONNREFUSED;
	else if (to->shutdown & SHUT_R)
		err = -EPIPE;
	else if (u->s.type == SOCK_DGRAM && to->peer && to->peer != u)
		err = -EPERM;
	else if (to->peer != u && to->queue_len > to->backlog)
		err = -EAGAIN;
	else
		enqueue(to, msg);
	spin_unlock(&to->s.queue_lock);
	return err;
}

int64_t unix_dgram_send(struct socket *s, struct msg *m)
{
	struct unix_socket *u = unix_of(s), *to;
	uint64_t deadline = socket_deadline(READ_ONCE(s->send_timeout_ns), m->flags & MSG_DONTWAIT);
	size_t len = m->uio->left;
	struct unix_msg *msg;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (m->namelen && s->type == SOCK_DGRAM) {
		struct abi_sockaddr_un sun;
		unsigned n;

		err = unix_name_parse(m->name, m->namelen, &sun, &n);
		if (err)
			return err;
	}
	if (READ_ONCE(s->pass_cred) && s->type == SOCK_DGRAM) {
		err = unix_autobind(u);
		if (err)
			return err;
	}
	if (len + 32 > READ_ONCE(s->send_buf))
		return -EMSGSIZE;
	/* As on Linux, what is sent comes before who gets it: a bad buffer before a name that is not there. */
	err = unix_msg_create(u, m, len, deadline, &msg);
	if (err)		/* no SIGPIPE: that is for streams */
		return err;
	err = destination(u, m, &to);
	if (err) {
		unix_msg_free(msg);
		return err;
	}
	if (m->scm && m->scm->nfiles)
		unix_attach(msg, m->scm);
	while ((err = try_deliver(u, to, msg)) == -EAGAIN && deadline) {
		err = wait_event_interruptible_until(&to->space, has_room(to, u), deadline);
		if (err) {
			err = socket_wait_error(err, deadline);
			break;
		}
	}
	if (err) {
		if (err == -ECONNREFUSED)
			forget_peer(u, to);
		unix_msg_free(msg);
		goto put;
	}
	unix_wake(to, READ_EVENTS);
	sigio_send(&to->s.sigio, POLLIN | POLLRDNORM);
	unix_put(to);
	return (int64_t)len;
put:
	unix_put(to);
	return err;
}

/* A queue that was full has room: senders that sleep, and connected ones that poll. */
static void wake_senders(struct unix_socket *u)
{
	struct unix_socket *c;

	waitq_wake_all(&u->space);
	spin_lock(&u->s.queue_lock);
	list_for_each(c, &u->clients, client_link)
		unix_wake(c, WRITE_EVENTS);
	spin_unlock(&u->s.queue_lock);
}

int64_t unix_dgram_recv(struct socket *s, struct msg *m)
{
	struct unix_socket *u = unix_of(s);
	uint64_t deadline = socket_deadline(READ_ONCE(s->recv_timeout_ns), m->flags & MSG_DONTWAIT);
	bool peek = m->flags & MSG_PEEK, was_full;
	struct unix_msg *msg;
	uint32_t len, skip;
	unsigned seen;
	size_t n;
	int64_t ret;
	int err;

	if (s->type == SOCK_SEQPACKET && READ_ONCE(u->state) != UNIX_CONNECTED)
		return -ENOTCONN;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	for (;;) {
		int32_t off = READ_ONCE(s->peek_off);

		mutex_lock(&s->lock);
		err = socket_take_error(s);	/* before the messages that are there */
		msg = err ? NULL : first(u, &err);
		skip = peek && off > 0 ? (uint32_t)off : 0;
		while (msg && skip >= msg->len && skip) {
			skip -= msg->len;
			msg = after(u, msg);
		}
		if (msg)
			break;
		seen = READ_ONCE(u->queue_len);
		if (seen && !err) {	/* all of it lies before the peek offset */
			spin_lock(&s->queue_lock);
			err = ended(u);
			spin_unlock(&s->queue_lock);
		}
		mutex_unlock(&s->lock);
		/* A datagram socket that was shut down for reading: Linux says EAGAIN to one that may not wait. */
		if (err > 0)
			return s->type == SOCK_DGRAM && !deadline ? -EAGAIN : 0;
		if (err)
			return err;
		if (!deadline)
			return -EAGAIN;
		err = wait_event_interruptible_until(&s->wait, seen ? READ_ONCE(u->queue_len) != seen || READ_ONCE(s->error) || (READ_ONCE(u->shutdown) & SHUT_R) : readable(u), deadline);
		if (err)
			return socket_wait_error(err, deadline);
	}
	len = msg->len - skip;
	n = MIN((size_t)len, m->uio->left);
	if (n < len)
		m->out_flags |= MSG_TRUNC;
	ret = m->flags & MSG_TRUNC ? (int64_t)len : (int64_t)n;
	if (uio_copy_to(m->uio, msg->data + skip, n) < n)
		ret = -EFAULT;
	report_name(m, msg->owner);
	m->scm->cred = msg->cred;
	if (msg->nfiles && peek)
		unix_copy_files(msg, m->scm);
	else if (msg->nfiles)
		unix_detach(msg, m->scm);
	if (peek) {
		if (READ_ONCE(s->peek_off) >= 0 && ret >= 0)
			WRITE_ONCE(s->peek_off, READ_ONCE(s->peek_off) + (int32_t)n);
		mutex_unlock(&s->lock);
		return ret;
	}
	spin_lock(&s->queue_lock);
	was_full = u->queue_len > u->backlog;
	list_del(&msg->link);
	WRITE_ONCE(u->queue_len, u->queue_len - 1);
	WRITE_ONCE(u->queue_bytes, u->queue_bytes - msg->len);
	spin_unlock(&s->queue_lock);
	mutex_unlock(&s->lock);
	peek_back(s, len);
	unix_msg_free(msg);
	if (was_full)
		wake_senders(u);
	return ret;
}
