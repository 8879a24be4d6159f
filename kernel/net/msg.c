/* SPDX-License-Identifier: MIT */
/*
 * send(2), sendmsg(2), sendmmsg(2) and their receiving counterparts.  A family
 * sees a struct msg: a uio, a name in kernel memory, ancillary data already
 * taken apart.
 */
#include "net/net_internal.h"

struct iov { struct uio u; struct uio_seg fast[8], *segs; };

static int64_t iov_import(struct iov *v, uaddr_t iov, uint64_t n)
{
	int64_t total;

	v->segs = v->fast;
	if (n > UIO_MAX_SEGS)
		return -EMSGSIZE;
	total = uio_import(&v->u, iov, n, v->fast, &v->segs);
	return total;
}

static void iov_free(struct iov *v)
{
	if (v->segs != v->fast)
		kfree(v->segs);
}

/* ---- sending ---- */

static int64_t send_one(struct socket *s, struct file *f, struct msg *m)
{
	struct scm none = { .nfiles = 0 };

	if (READ_ONCE(f->flags) & O_NONBLOCK)
		m->flags |= MSG_DONTWAIT;
	if (!m->scm)
		m->scm = &none;
	return s->ops->sendmsg(s, m);
}

long sys_sendto(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, int addrlen)
{
	struct abi_sockaddr name;
	struct msg m = { .flags = flags };
	struct uio_seg seg;
	struct socket *s;
	struct uio u;
	struct file *f;
	int64_t ret;

	len = MIN(len, (size_t)INT32_MAX & PAGE_MASK);
	if (!user_range_ok(buf, len))
		return -EFAULT;
	ret = socket_from_fd(fd, &f, &s);
	if (ret)
		return ret;
	uio_init_user(&u, &seg, buf, len);
	m.uio = &u;
	if (addr) {
		ret = sockaddr_from_user(&name, addr, addrlen);
		if (ret)
			goto out;
		m.name = &name;
		m.namelen = (unsigned)addrlen;
	}
	ret = send_one(s, f, &m);
out:
	file_put(f);
	return ret;
}

static int control_readable(const struct abi_msghdr *h)
{
	uint8_t chunk[64];

	for (uint64_t at = 0; at < h->controllen; at += sizeof(chunk))
		if (copy_from_user(chunk, h->control + at, MIN(sizeof(chunk), h->controllen - at)))
			return -EFAULT;
	return 0;
}

static int64_t send_hdr(struct socket *s, struct file *f, const struct abi_msghdr *h, unsigned flags)
{
	struct abi_sockaddr name;
	struct scm scm = { .nfiles = 0 };
	struct msg m = { .flags = flags, .scm = &scm };
	struct iov v;
	int64_t ret;

	if (h->name && h->namelen) {
		if ((int32_t)h->namelen < 0)
			return -EINVAL;
		m.namelen = MIN(h->namelen, (uint32_t)sizeof(name));
		ret = sockaddr_from_user(&name, h->name, (int)m.namelen);
		if (ret)
			return ret;
		m.name = &name;
	}
	ret = iov_import(&v, h->iov, h->iovlen);
	if (ret < 0)
		return ret;
	m.uio = &v.u;
	/* Linux copies control data, lets the family look, and only then reads what the data say. */
	ret = h->controllen > CONTROL_MAX ? -ENOBUFS : h->controllen ? control_readable(h) : 0;
	if (!ret && s->ops->send_check)
		ret = s->ops->send_check(s);
	if (ret) {
		iov_free(&v);
		return ret;
	}
	ret = h->controllen ? scm_from_user(&scm, h->control, h->controllen) : 0;
	if (!ret)
		ret = send_one(s, f, &m);
	scm_drop(&scm);		/* whatever the family has not taken */
	iov_free(&v);
	return ret;
}

long sys_sendmsg(int fd, uaddr_t msg, unsigned flags)
{
	struct abi_msghdr h;
	struct socket *s;
	struct file *f;
	int64_t ret = flags & MSG_CMSG_COMPAT ? -EINVAL : socket_from_fd(fd, &f, &s);

	if (ret)
		return ret;
	ret = copy_from_user(&h, msg, sizeof(h));
	if (!ret)
		ret = send_hdr(s, f, &h, flags);
	file_put(f);
	return ret;
}

long sys_sendmmsg(int fd, uaddr_t msgs, unsigned n, unsigned flags)
{
	struct abi_msghdr h;
	struct socket *s;
	struct file *f;
	unsigned done = 0;
	int64_t ret = flags & MSG_CMSG_COMPAT ? -EINVAL : socket_from_fd(fd, &f, &s);

	if (ret)
		return ret;
	n = MIN(n, (unsigned)UIO_MAX_SEGS);
	while (done < n) {
		uaddr_t at = msgs + done * sizeof(struct abi_mmsghdr);
		uint32_t len;

		ret = copy_from_user(&h, at, sizeof(h));
		if (!ret)
			ret = send_hdr(s, f, &h, flags);
		if (ret < 0)
			break;
		len = (uint32_t)ret;
		ret = put_user(len, at + offsetof(struct abi_mmsghdr, len));
		if (ret)
			break;
		done++;
		if (signal_pending(current))
			break;
	}
	file_put(f);
	return done ? (long)done : ret;
}

/* ---- receiving ---- */

static int64_t recv_one(struct socket *s, struct file *f, struct msg *m)
{
	if (READ_ONCE(f->flags) & O_NONBLOCK)
		m->flags |= MSG_DONTWAIT;
	if (m->name)
		memset(m->name, 0, sizeof(*m->name));
	return s->ops->recvmsg(s, m);
}

long sys_recvfrom(int fd, uaddr_t buf, size_t len, unsigned flags, uaddr_t addr, uaddr_t addrlen)
{
	struct abi_sockaddr name;
	struct scm scm = { .nfiles = 0 };
	struct msg m = { .flags = flags, .name = addr ? &name : NULL };
	struct uio_seg seg;
	struct socket *s;
	struct uio u;
	struct file *f;
	int64_t ret;

	len = MIN(len, (size_t)INT32_MAX & PAGE_MASK);
	if (!user_range_ok(buf, len))
		return -EFAULT;
	ret = socket_from_fd(fd, &f, &s);
	if (ret)
		return ret;
	uio_init_user(&u, &seg, buf, len);
	m.uio = &u;
	m.scm = &scm;
	ret = recv_one(s, f, &m);
	if (ret >= 0 && addr) {
		int err = sockaddr_to_user(&name, m.namelen, addr, addrlen);

		if (err)
			ret = err;
	}
	scm_drop(&scm);		/* nobody asked for them */
	file_put(f);
	return ret;
}

/* at: where the struct msghdr is, for what is told back. */
static int64_t recv_hdr(struct socket *s, struct file *f, uaddr_t at, unsigned flags)
{
	struct abi_sockaddr name;
	struct scm scm = { .nfiles = 0 };
	struct msg m = { .flags = flags, .scm = &scm };
	struct abi_msghdr h;
	uint64_t used = 0;
	struct iov v;
	int64_t ret;

	if (copy_from_user(&h, at, sizeof(h)))
		return -EFAULT;
	if (h.name && (int32_t)h.namelen < 0)
		return -EINVAL;
	m.name = h.name ? &name : NULL;
	ret = iov_import(&v, h.iov, h.iovlen);
	if (ret < 0)
		return ret;
	m.uio = &v.u;
	ret = recv_one(s, f, &m);
	iov_free(&v);
	if (ret < 0) {
		scm_drop(&scm);
		return ret;
	}
	m.out_flags |= flags & MSG_CMSG_CLOEXEC;
	used = scm_to_user(s, &scm, h.control, h.control ? h.controllen : 0, flags, &m.out_flags);
	scm_drop(&scm);
	if (h.name) {
		uint32_t n = MIN(h.namelen, m.namelen);

		h.namelen = m.namelen;
		if (put_user(h.namelen, at + offsetof(struct abi_msghdr, namelen)) || (n && copy_to_user(h.name, &name, n)))
			return -EFAULT;
	}
	if (put_user(m.out_flags, at + offsetof(struct abi_msghdr, flags)) ||
	    put_user(used, at + offsetof(struct abi_msghdr, controllen)))
		return -EFAULT;
	return ret;
}

long sys_recvmsg(int fd, uaddr_t msg, unsigned flags)
{
	struct socket *s;
	struct file *f;
	int64_t ret = flags & MSG_CMSG_COMPAT ? -EINVAL : socket_from_fd(fd, &f, &s);

	if (ret)
		return ret;
	ret = recv_hdr(s, f, msg, flags);
	file_put(f);
	return ret;
}

long sys_recvmmsg(int fd, uaddr_t msgs, unsigned n, unsigned flags, uaddr_t timeout)
{
	uint64_t deadline = UINT64_MAX;
	struct abi_timespec ts;
	struct socket *s;
	struct file *f;
	unsigned done = 0;
	int64_t ret;

	if (flags & MSG_CMSG_COMPAT)
		return -EINVAL;
	if (timeout) {
		if (copy_from_user(&ts, timeout, sizeof(ts)))
			return -EFAULT;
		if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (int64_t)NSEC_PER_SEC)
			return -EINVAL;
		deadline = hal_time_mono_ns() + (uint64_t)MIN(ts.tv_sec, (int64_t)1000000000) * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
	}
	ret = socket_from_fd(fd, &f, &s);
	if (ret)
		return ret;
	ret = socket_take_error(s);
	while (!ret && done < n) {
		uaddr_t at = msgs + done * sizeof(struct abi_mmsghdr);
		uint32_t len;

		ret = recv_hdr(s, f, at, flags & ~(unsigned)MSG_WAITFORONE);
		if (ret < 0)
			break;
		len = (uint32_t)ret;
		ret = put_user(len, at + offsetof(struct abi_mmsghdr, len));
		if (ret)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* As Linux does: the time is looked at between datagrams only. */
		if (hal_time_mono_ns() >= deadline)
			break;
	}
	if (done && ret < 0 && ret != -EAGAIN)
		WRITE_ONCE(s->error, (int)-ret);	/* told by the next call */
	file_put(f);
	if (timeout && done) {
		uint64_t now = hal_time_mono_ns(), left = deadline > now ? deadline - now : 0;

		ts = (struct abi_timespec){ (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC) };
		if (copy_to_user(timeout, &ts, sizeof(ts)))
			return -EFAULT;
	}
	return done ? (long)done : ret;
}
