/* SPDX-License-Identifier: MIT */
/* Ancillary data of local sockets (cmsg(3), unix(7)): descriptors and credentials, from and to user memory. */
#include "net/net_internal.h"

#define CMSG_ALIGN(n) ALIGN_UP((uint64_t)(n), 8)
enum { HDR = sizeof(struct abi_cmsghdr) };

void scm_drop(struct scm *scm)
{
	for (unsigned i = 0; i < scm->nfiles; i++)
		file_put_later(scm->files[i]);
	kfree(scm->files);
	scm->files = NULL;
	scm->nfiles = 0;
}

static int add_files(struct scm *scm, const int32_t *fds, unsigned n)
{
	if (n == 0)
		return 0;
	if (n > SCM_MAX_FD || scm->nfiles + n > SCM_MAX_FD)
		return -EINVAL;
	if (!scm->files) {
		scm->files = kmalloc(SCM_MAX_FD * sizeof(*scm->files), 0);
		if (!scm->files)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < n; i++) {
		struct file *f = fds[i] < 0 ? NULL : fd_get_any(fds[i]);

		if (!f)
			return -EBADF;
		scm->files[scm->nfiles++] = f;
	}
	return 0;
}

static int set_cred(struct scm *scm, const struct abi_ucred *c)
{
	const struct cred *me = current->cred;

	if (c->uid == UINT32_MAX || c->gid == UINT32_MAX)	/* nobody's */
		return -EINVAL;
	if (c->pid != process_pid(current->process) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (c->uid != me->uid && c->uid != me->euid && c->uid != me->suid && !capable(CAP_SETUID))
		return -EPERM;
	if (c->gid != me->gid && c->gid != me->egid && c->gid != me->sgid && !capable(CAP_SETGID))
		return -EPERM;
	if (c->pid != process_pid(current->process)) {
		struct pid *p = pid_find(c->pid);

		if (!p)
			return -ESRCH;
		pid_put(p);
	}
	if (c->uid == UINT32_MAX || c->gid == UINT32_MAX)
		return -EINVAL;
	scm->cred = *c;
	scm->have_cred = true;
	return 0;
}

int scm_from_user(struct scm *scm, uaddr_t control, uint64_t len)
{
	uint8_t *buf;
	uint64_t at = 0;
	int err = 0;

	if (len > CONTROL_MAX)
		return -ENOBUFS;
	buf = kmalloc(len, 0);
	if (!buf)
		return -ENOBUFS;
	if (copy_from_user(buf, control, len))
		err = -EFAULT;
	while (!err && len - at >= HDR) {
		const struct abi_cmsghdr *h = (void *)(buf + at);
		const void *data = h + 1;
		uint64_t n = h->len;

		if (n < HDR || n > len - at) {
			err = -EINVAL;
		} else if (h->level != SOL_SOCKET) {
			/* for a protocol: none here has any */
		} else if (h->type == SCM_RIGHTS) {
			err = add_files(scm, data, (unsigned)((n - HDR) / sizeof(int32_t)));
		} else if (h->type == SCM_CREDENTIALS) {
			err = n == HDR + sizeof(struct abi_ucred) ? set_cred(scm, data) : -EINVAL;
		} else {
			err = -EINVAL;
		}
		if (CMSG_ALIGN(n) >= len - at)
			break;
		at += CMSG_ALIGN(n);
	}
	kfree(buf);
	if (err)
		scm_drop(scm);
	return err;
}

/* Writes one header and its data; 0 bytes and MSG_CTRUNC if not even the header fits. */
static uint64_t put_cmsg(uaddr_t at, uint64_t room, int type, const void *data, uint64_t n, unsigned *out_flags)
{
	struct abi_cmsghdr h = { HDR + n, SOL_SOCKET, type };

	if (room < HDR) {
		*out_flags |= MSG_CTRUNC;
		return 0;
	}
	if (room < h.len) {
		*out_flags |= MSG_CTRUNC;
		h.len = room;
	}
	if (copy_to_user(at, &h, HDR) || copy_to_user(at + HDR, data, h.len - HDR))
		return 0;
	return MIN(CMSG_ALIGN(h.len), room);
}

static uint64_t put_files(struct scm *scm, uaddr_t at, uint64_t room, unsigned flags, unsigned *out_flags)
{
	int fit = room > HDR ? (int)((room - HDR) / sizeof(int32_t)) : 0;	/* as Linux: negative when there is far too much */
	unsigned n = 0;
	struct abi_cmsghdr h = { 0, SOL_SOCKET, SCM_RIGHTS };

	while (n < scm->nfiles && (int)n < fit) {
		int32_t fd = fd_reserve(0, flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);

		if (fd < 0)
			break;
		if (put_user(fd, at + HDR + n * sizeof(fd))) {
			fd_unreserve(fd);
			break;
		}
		file_get(scm->files[n]);
		fd_install(fd, scm->files[n]);
		n++;
	}
	if (n < scm->nfiles)
		*out_flags |= MSG_CTRUNC;
	if (n == 0)
		return 0;
	h.len = HDR + n * sizeof(int32_t);
	if (copy_to_user(at, &h, HDR))
		return 0;
	return MIN(CMSG_ALIGN(h.len), room);
}

uint64_t scm_to_user(struct socket *s, struct scm *scm, uaddr_t control, uint64_t room, unsigned flags, unsigned *out_flags)
{
	uint64_t used = 0;

	if (!control || !room) {
		if (READ_ONCE(s->pass_cred) || scm->nfiles)
			*out_flags |= MSG_CTRUNC;
		return 0;
	}
	if (READ_ONCE(s->pass_cred))
		used = put_cmsg(control, room, SCM_CREDENTIALS, &scm->cred, sizeof(scm->cred), out_flags);
	if (scm->nfiles)
		used += put_files(scm, control + used, room - used, flags, out_flags);
	return used;
}
