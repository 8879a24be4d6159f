/* SPDX-License-Identifier: MIT */
/*
 * Sockets as files, and the system calls about names and connections
 * (socket(2), bind(2), accept(2) ...).  msg.c has sending and receiving,
 * sockopt.c the options.
 */
#include "net/net_internal.h"

static const struct socket_family *families[AF_MAX];	/* [I] after boot */

void socket_family_register(const struct socket_family *f) { families[f->family] = f; }

void socket_init_common(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol)
{
	ref_init(&s->refs);
	s->ops = ops;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	mutex_init(&s->lock, LOCK_SOCKET);
	spin_init(&s->queue_lock, LOCK_SOCKET_QUEUE);
	waitq_init(&s->wait);
	sigio_init(&s->sigio);
	s->send_buf = s->recv_buf = SOCKET_BUF_DEFAULT;
	s->recv_low = 1;
	s->peek_off = -1;
	s->peer_cred = (struct abi_ucred){ 0, UINT32_MAX, UINT32_MAX };
}

void socket_put(struct socket *s)
{
	if (ref_put(&s->refs))
		s->ops->destroy(s);
}

int socket_take_error(struct socket *s)
{
	return READ_ONCE(s->error) ? -__atomic_exchange_n(&s->error, 0, __ATOMIC_RELAXED) : 0;
}

void socket_own_cred(struct abi_ucred *c)
{
	*c = (struct abi_ucred){ process_pid(current->process), current->cred->euid, current->cred->egid };
}

uint64_t socket_deadline(uint64_t timeout_ns, bool nonblock)
{
	uint64_t now = hal_time_mono_ns();

	if (nonblock || timeout_ns == SOCKET_NO_WAIT)
		return 0;
	return timeout_ns && timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
}

int socket_wait_error(int err, uint64_t deadline)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err == -ERESTARTSYS && deadline != UINT64_MAX ? -EINTR : err;
}

int socket_broken_pipe(struct socket *s, unsigned flags)
{
	if (!(flags & MSG_NOSIGNAL) && s->type != SOCK_DGRAM)
		signal_send_current(SIGPIPE);
	return -EPIPE;
}

/* ---- files ---- */

static void socket_release(struct file *f)
{
	struct socket *s = f->private;

	s->ops->release(s);
}

static int64_t socket_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct socket *s = f->private;
	struct scm scm = { .nfiles = 0 };
	struct msg m = { .uio = u, .flags = READ_ONCE(f->flags) & O_NONBLOCK ? MSG_DONTWAIT : 0, .scm = &scm };
	int64_t ret;

	if (u->left == 0)
		return 0;
	ret = s->ops->recvmsg(s, &m);
	scm_drop(&scm);		/* nobody asked for them */
	return ret;
}

static int64_t socket_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct socket *s = f->private;
	struct msg m = { .uio = u, .flags = (READ_ONCE(f->flags) & O_NONBLOCK ? MSG_DONTWAIT : 0) | (s->type == SOCK_SEQPACKET ? MSG_EOR : 0) |
		(u->how & UIO_NOSIGNAL ? MSG_NOSIGNAL : 0) };

	return s->ops->sendmsg(s, &m);
}

static unsigned socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->private;

	return s->ops->poll(s, pt);
}

/* SIOCSPGRP and SIOCGPGRP are other names of FIOSETOWN and FIOGETOWN, with numbers of their own. */
enum { FIOSETOWN = 0x8901, SIOCSPGRP = 0x8902, FIOGETOWN = 0x8903, SIOCGPGRP = 0x8904 };

static long socket_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct socket *s = f->private;
	int32_t who;

	switch (cmd) {
	case FIOSETOWN:
	case SIOCSPGRP:
		return get_user(who, arg) ? -EFAULT : file_setown(f, who);
	case FIOGETOWN:
	case SIOCGPGRP:
		return put_user((int32_t)file_getown(f), arg);
	}
	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static int socket_fasync(struct file *f, bool on) { return sigio_set(&((struct socket *)f->private)->sigio, f, on); }

const struct file_ops socket_file_ops = { .release = socket_release, .read = socket_read, .write = socket_write,
	.poll = socket_poll, .ioctl = socket_ioctl, .fasync = socket_fasync };

struct socket *socket_of(struct file *f) { return f->ops == &socket_file_ops ? f->private : NULL; }

int socket_from_fd(int fd, struct file **f, struct socket **s)
{
	*f = fd_get(fd);
	if (!*f)
		return -EBADF;
	*s = socket_of(*f);
	if (*s)
		return 0;
	file_put(*f);
	return -ENOTSOCK;
}

/* ---- the attribute that every socket has: what its protocol is called ---- */

static const char proto_attr[] = "system.sockprotoname";

static const char *proto_name(const struct socket *s)
{
	bool stream = s->type == SOCK_STREAM;

	switch (s->family) {
	case AF_UNIX: return stream ? "UNIX-STREAM" : "UNIX";
	case AF_INET6: return stream ? "TCPv6" : "UDPv6";
	default: return stream ? "TCP" : "UDP";
	}
}

static int64_t socket_getxattr(struct inode *i, const char *name, void *buf, size_t max)
{
	size_t n = strlen(i->fs_private) + 1;

	if (strcmp(name, proto_attr))
		return -EOPNOTSUPP;
	if (max && max < n)
		return -ERANGE;
	if (max)
		memcpy(buf, i->fs_private, n);
	return (int64_t)n;
}

static int64_t socket_listxattr(struct inode *i, char *buf, size_t max)
{
	(void)i;
	if (max && max < sizeof(proto_attr))
		return -ERANGE;
	if (max)
		memcpy(buf, proto_attr, sizeof(proto_attr));
	return sizeof(proto_attr);
}

static int socket_removexattr(struct inode *i, const char *name)
{
	(void)i;
	return strncmp(name, "security.", 9) ? -EOPNOTSUPP : -EAGAIN;	/* what it says on Linux, where a security module might have it */
}

static const struct inode_ops socket_inode_ops = { .getxattr = socket_getxattr, .listxattr = socket_listxattr,
	.removexattr = socket_removexattr };

/* A file for s, whose reference it takes (also when it fails). */
static int socket_file(struct socket *s, unsigned flags, struct file **out)
{
	const char *name = proto_name(s);
	int err = file_create_anon("socket", S_IFSOCK | 0777, &socket_file_ops, s, O_RDWR | (flags & SOCK_NONBLOCK), out);

	if (err) {
		s->ops->release(s);
	} else {
		(*out)->inode->ops = &socket_inode_ops;
		(*out)->inode->fs_private = (void *)(uintptr_t)name;
	}
	return err;
}

static int create(int family, int type, int protocol, struct socket **out)
{
	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type > 10)
		return -EINVAL;
	if (!families[family])
		return -EAFNOSUPPORT;
	return families[family]->create(type, protocol, out);
}

long sys_socket(int family, int type, int protocol)
{
	unsigned flags = (unsigned)type & ~(unsigned)SOCK_TYPE_MASK;
	struct socket *s;
	struct file *f;
	int fd;

	if (flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	fd = create(family, type & SOCK_TYPE_MASK, protocol, &s);
	if (fd)
		return fd;
	fd = socket_file(s, flags, &f);
	if (fd)
		return fd;
	fd = fd_add(f, flags & SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_socketpair(int family, int type, int protocol, uaddr_t fds)
{
	unsigned flags = (unsigned)type & ~(unsigned)SOCK_TYPE_MASK;
	struct socket *s[2];
	struct file *f[2];
	int32_t fd[2];
	int err;

	if (flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	/* As on Linux the descriptors come first, so that a bad pointer comes before a bad type. */
	err = fd_reserve_pair(fds, flags & SOCK_CLOEXEC, fd);
	if (err)
		return err;
	err = create(family, type & SOCK_TYPE_MASK, protocol, &s[0]);
	if (err)
		goto unreserve;
	err = create(family, type & SOCK_TYPE_MASK, protocol, &s[1]);
	if (err)
		goto release_first;
	err = s[0]->ops->socketpair ? s[0]->ops->socketpair(s[0], s[1]) : -EOPNOTSUPP;
	if (err)
		goto release_both;
	err = socket_file(s[0], flags, &f[0]);
	if (err) {		/* it is released */
		s[1]->ops->release(s[1]);
		goto unreserve;
	}
	err = socket_file(s[1], flags, &f[1]);
	if (err) {
		file_put(f[0]);
		goto unreserve;
	}
	fd_install(fd[0], f[0]);
	fd_install(fd[1], f[1]);
	return 0;

release_both:
	s[1]->ops->release(s[1]);
release_first:
	s[0]->ops->release(s[0]);
unreserve:
	fd_unreserve(fd[1]);
	fd_unreserve(fd[0]);
	return err;
}

/* ---- names ---- */

int sockaddr_from_user(struct abi_sockaddr *a, uaddr_t addr, int len)
{
	if (len < 0 || (size_t)len > sizeof(*a))
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	return len ? copy_from_user(a, addr, (size_t)len) : 0;
}

/* value-result length: at most what the user has room for is copied, the real length is told. */
int sockaddr_to_user(const struct abi_sockaddr *a, unsigned len, uaddr_t addr, uaddr_t lenp)
{
	int32_t room, n = (int32_t)len;

	if (get_user(room, lenp))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (put_user(n, lenp))		/* first: the two may overlap */
		return -EFAULT;
	return room && len ? copy_to_user(addr, a, MIN((unsigned)room, len)) : 0;
}

long sys_bind(int fd, uaddr_t addr, int len)
{
	struct abi_sockaddr a;
	struct socket *s;
	struct file *f;
	int err = socket_from_fd(fd, &f, &s);

	if (err)
		return err;
	err = sockaddr_from_user(&a, addr, len);
	if (!err) {
		WRITE_ONCE(s->mode, f->inode->mode & 07777);
		err = s->ops->bind(s, &a, (unsigned)len);
	}
	file_put(f);
	return err;
}

long sys_connect(int fd, uaddr_t addr, int len)
{
	struct abi_sockaddr a;
	struct socket *s;
	struct file *f = fd_get(fd);
	int err;

	if (!f)
		return -EBADF;
	file_put(f);
	err = sockaddr_from_user(&a, addr, len);	/* comes before what the descriptor is */
	if (!err)
		err = socket_from_fd(fd, &f, &s);
	if (err)
		return err;
	err = s->ops->connect(s, &a, (unsigned)len, READ_ONCE(f->flags) & O_NONBLOCK);
	file_put(f);
	return err;
}

long sys_listen(int fd, int backlog)
{
	struct socket *s;
	struct file *f;
	int err = socket_from_fd(fd, &f, &s);

	if (err)
		return err;
	err = s->ops->listen ? s->ops->listen(s, MIN((unsigned)backlog, (unsigned)SOMAXCONN)) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

long sys_accept4(int fd, uaddr_t addr, uaddr_t lenp, unsigned flags)
{
	struct abi_sockaddr a;
	struct socket *s, *n;
	struct file *f, *nf;
	int err, newfd;

	f = fd_get(fd);		/* a bad descriptor comes before bad flags, what it is not after there is room for another */
	if (!f)
		return -EBADF;
	file_put(f);
	if (flags & ~(unsigned)(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	newfd = fd_reserve(0, flags & SOCK_CLOEXEC);
	if (newfd < 0)
		return newfd;
	err = socket_from_fd(fd, &f, &s);
	if (err) {
		fd_unreserve(newfd);
		return err;
	}
	err = s->ops->accept ? s->ops->accept(s, &n, READ_ONCE(f->flags) & O_NONBLOCK) : -EOPNOTSUPP;
	if (err)
		goto unreserve;
	err = socket_file(n, flags, &nf);
	if (err)
		goto unreserve;
	if (addr) {
		int len;

		memset(&a, 0, sizeof(a));	/* a name may be told one byte longer than it is */
		len = n->ops->getname(n, &a, true);
		if (len < 0)
			err = -ECONNABORTED;
		else
			err = sockaddr_to_user(&a, (unsigned)len, addr, lenp);
		if (err) {
			file_put(nf);
			goto unreserve;
		}
	}
	fd_install(newfd, nf);
	file_put(f);
	return newfd;

unreserve:
	fd_unreserve(newfd);
	file_put(f);
	return err;
}

long sys_accept(int fd, uaddr_t addr, uaddr_t len) { return sys_accept4(fd, addr, len, 0); }

static long getname(int fd, uaddr_t addr, uaddr_t lenp, bool peer)
{
	struct abi_sockaddr a;
	struct socket *s;
	struct file *f;
	int err = socket_from_fd(fd, &f, &s);

	if (err)
		return err;
	memset(&a, 0, sizeof(a));
	err = s->ops->getname(s, &a, peer);
	if (err >= 0)
		err = sockaddr_to_user(&a, (unsigned)err, addr, lenp);
	file_put(f);
	return err;
}

long sys_getsockname(int fd, uaddr_t addr, uaddr_t len) { return getname(fd, addr, len, false); }
long sys_getpeername(int fd, uaddr_t addr, uaddr_t len) { return getname(fd, addr, len, true); }

long sys_shutdown(int fd, int how)
{
	struct socket *s;
	struct file *f;
	int err = socket_from_fd(fd, &f, &s);

	if (err)
		return err;
	if (how < SHUT_RD || how > SHUT_RDWR)
		err = -EINVAL;
	else
		err = s->ops->shutdown ? s->ops->shutdown(s, how) : -EOPNOTSUPP;
	file_put(f);
	return err;
}

void socket_init(void)
{
	unix_init();
	inet_init();
}
