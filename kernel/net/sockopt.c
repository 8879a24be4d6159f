/* SPDX-License-Identifier: MIT */
/*
 * Options of SOL_SOCKET (socket(7)).  Buffer sizes are doubled when set, as
 * Linux does for its book-keeping; options without a meaning for a family are
 * kept and told back.
 */
#include "net/net_internal.h"

static int get_time(uint64_t *to, uaddr_t value, unsigned len)
{
	struct abi_timeval tv;
	uint64_t ns;

	if (len < sizeof(tv))
		return -EINVAL;
	if (copy_from_user(&tv, value, sizeof(tv)))
		return -EFAULT;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EDOM;
	if (tv.tv_sec < 0)
		ns = SOCKET_NO_WAIT;
	else if (tv.tv_sec > INT64_MAX / (int64_t)NSEC_PER_SEC - 1)	/* for ever */
		ns = 0;
	else
		ns = (uint64_t)tv.tv_sec * NSEC_PER_SEC + (uint64_t)tv.tv_usec * NSEC_PER_USEC;
	WRITE_ONCE(*to, ns);
	return 0;
}

static uint32_t buf_size(int32_t v, bool force)
{
	uint32_t n = v < 0 ? (force ? 0 : INT32_MAX) : (uint32_t)v;

	if (!force)
		n = MIN(n, (uint32_t)SOCKET_BUF_MAX);
	n = MIN(n, (uint32_t)INT32_MAX / 2);
	return MAX(n * 2, (uint32_t)SOCKET_BUF_MIN);
}

static int set_socket(struct socket *s, int name, uaddr_t value, unsigned len)
{
	int32_t v;

	if (len < sizeof(v))
		return -EINVAL;
	if (get_user(v, value))
		return -EFAULT;
	if (name == SO_RCVTIMEO_NEW || name == SO_SNDTIMEO_NEW)	/* where words have 64 bits they are the same */
		name = name == SO_RCVTIMEO_NEW ? SO_RCVTIMEO : SO_SNDTIMEO;
	if (name == SO_RCVTIMEO || name == SO_SNDTIMEO)
		return get_time(name == SO_RCVTIMEO ? &s->recv_timeout_ns : &s->send_timeout_ns, value, len);
	switch (name) {
	case SO_DEBUG:
		if (v && !capable(CAP_NET_ADMIN))
			return -EACCES;
		WRITE_ONCE(s->debug, v != 0);
		return 0;
	case SO_REUSEADDR:
		WRITE_ONCE(s->reuse_addr, v != 0);
		return 0;
	case SO_REUSEPORT:
		if (s->family == AF_UNIX && v)
			return -EOPNOTSUPP;
		WRITE_ONCE(s->reuse_port, v != 0);
		return 0;
	case SO_DONTROUTE:
		WRITE_ONCE(s->dont_route, v != 0);
		return 0;
	case SO_BROADCAST:
		WRITE_ONCE(s->broadcast, v != 0);
		return 0;
	case SO_KEEPALIVE:
		WRITE_ONCE(s->keep_alive, v != 0);
		return 0;
	case SO_OOBINLINE:
		WRITE_ONCE(s->oob_inline, v != 0);
		return 0;
	case SO_PASSCRED:
		if (s->family != AF_UNIX)
			return -EOPNOTSUPP;
		WRITE_ONCE(s->pass_cred, v != 0);
		return 0;
	case SO_SNDBUF:
		WRITE_ONCE(s->send_buf, MAX(buf_size(v, false), (uint32_t)SOCKET_BUF_MIN * 2));
		waitq_wake_key(&s->wait, 0, POLLOUT | POLLWRNORM | POLLWRBAND);
		return 0;
	case SO_RCVBUF:
		WRITE_ONCE(s->recv_buf, buf_size(v, false));
		return 0;
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		if (name == SO_SNDBUFFORCE)
			WRITE_ONCE(s->send_buf, MAX(buf_size(v, true), (uint32_t)SOCKET_BUF_MIN * 2));
		else
			WRITE_ONCE(s->recv_buf, buf_size(v, true));
		waitq_wake_key(&s->wait, 0, POLLOUT | POLLWRNORM | POLLWRBAND);
		return 0;
	case SO_PRIORITY:
		if (v < 0 || v > 6) {
			if (!capable(CAP_NET_ADMIN))
				return -EPERM;
		}
		WRITE_ONCE(s->priority, v);
		return 0;
	case SO_LINGER: {
		struct abi_linger l;

		if (len < sizeof(l))
			return -EINVAL;
		if (copy_from_user(&l, value, sizeof(l)))
			return -EFAULT;
		WRITE_ONCE(s->linger.onoff, l.onoff != 0);
		WRITE_ONCE(s->linger.linger, l.linger);
		return 0;
	}
	case SO_RCVLOWAT:
		WRITE_ONCE(s->recv_low, v <= 0 ? (v ? (uint32_t)INT32_MAX : 1) : (uint32_t)v);
		return 0;
	case SO_PEEK_OFF:
		if (s->family != AF_UNIX)
			return -EOPNOTSUPP;
		WRITE_ONCE(s->peek_off, v);
		return 0;
	}
	return -ENOPROTOOPT;
}

long sys_setsockopt(int fd, int level, int name, uaddr_t value, int len)
{
	struct socket *s;
	struct file *f;
	int err;

	err = socket_from_fd(fd, &f, &s);
	if (err)
		return err;
	if (len < 0)
		err = -EINVAL;
	else if (level == SOL_SOCKET)
		err = set_socket(s, name, value, (unsigned)len);
	else
		err = s->ops->setsockopt ? s->ops->setsockopt(s, level, name, value, (unsigned)len) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

static int put_value(const void *v, unsigned size, uaddr_t value, uaddr_t lenp)
{
	int32_t room;

	if (get_user(room, lenp))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if ((unsigned)room > size)
		room = (int32_t)size;
	if (room && copy_to_user(value, v, (unsigned)room))	/* nothing goes anywhere */
		return -EFAULT;
	return put_user(room, lenp);
}

static struct abi_timeval to_timeval(uint64_t ns)
{
	return (struct abi_timeval){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

static int get_socket(struct socket *s, int name, uaddr_t value, uaddr_t lenp)
{
	struct abi_linger linger;
	struct abi_timeval tv;
	struct abi_ucred cred;
	int32_t v;

	switch (name) {
	case SO_DEBUG: v = READ_ONCE(s->debug); break;
	case SO_REUSEADDR: v = READ_ONCE(s->reuse_addr); break;
	case SO_REUSEPORT: v = READ_ONCE(s->reuse_port); break;
	case SO_DONTROUTE: v = READ_ONCE(s->dont_route); break;
	case SO_BROADCAST: v = READ_ONCE(s->broadcast); break;
	case SO_KEEPALIVE: v = READ_ONCE(s->keep_alive); break;
	case SO_OOBINLINE: v = READ_ONCE(s->oob_inline); break;
	case SO_PASSCRED: v = READ_ONCE(s->pass_cred); break;
	case SO_SNDBUF: v = (int32_t)READ_ONCE(s->send_buf); break;
	case SO_RCVBUF: v = (int32_t)READ_ONCE(s->recv_buf); break;
	case SO_PRIORITY: v = READ_ONCE(s->priority); break;
	case SO_TYPE: v = s->type; break;
	case SO_PROTOCOL: v = s->protocol; break;
	case SO_DOMAIN: v = s->family; break;
	case SO_ERROR: v = -socket_take_error(s); break;
	case SO_ACCEPTCONN: v = READ_ONCE(s->listening); break;
	case SO_RCVLOWAT: v = (int32_t)READ_ONCE(s->recv_low); break;
	case SO_SNDLOWAT: v = 1; break;
	case SO_PEEK_OFF: v = READ_ONCE(s->peek_off); break;
	case SO_NO_CHECK: v = 0; break;
	case SO_LINGER:
		linger = (struct abi_linger){ READ_ONCE(s->linger.onoff), READ_ONCE(s->linger.linger) };
		return put_value(&linger, sizeof(linger), value, lenp);
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
	case SO_RCVTIMEO_NEW:
	case SO_SNDTIMEO_NEW:
		tv = to_timeval(name == SO_RCVTIMEO || name == SO_RCVTIMEO_NEW ? READ_ONCE(s->recv_timeout_ns) : READ_ONCE(s->send_timeout_ns));
		return put_value(&tv, sizeof(tv), value, lenp);
	case SO_PEERCRED:
		spin_lock(&s->queue_lock);
		cred = s->peer_cred;
		spin_unlock(&s->queue_lock);
		return put_value(&cred, sizeof(cred), value, lenp);
	default:
		return -ENOPROTOOPT;
	}
	return put_value(&v, sizeof(v), value, lenp);
}

long sys_getsockopt(int fd, int level, int name, uaddr_t value, uaddr_t len)
{
	int32_t room;
	struct socket *s;
	struct file *f;
	int err = socket_from_fd(fd, &f, &s);

	if (err)
		return err;
	if (level == SOL_SOCKET && get_user(room, len))
		err = -EFAULT;
	else if (level == SOL_SOCKET && room < 0)
		err = -EINVAL;
	else if (level == SOL_SOCKET)
		err = get_socket(s, name, value, len);
	else
		err = s->ops->getsockopt ? s->ops->getsockopt(s, level, name, value, len) : -EOPNOTSUPP;
	file_put(f);
	return err;
}
