/* SPDX-License-Identifier: MIT */
/*
 * setns(2): into a name space that a descriptor leads to: its file (nsfs), or
 * a pidfd, with flags that say which of the process's.  There are mount name
 * spaces only; the flags of the others are mistakes, as where Linux is built
 * without them.
 */
#include <kernel/file.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

/* Of a pidfd's process, with a reference. */
static int ns_of_process(struct file *pidfd, struct mount_ns **out)
{
	struct task *t = pidfd_leader(pidfd);
	int err = -ESRCH;

	if (t) {
		err = ptrace_may_access(t) ? 0 : -EPERM;
		if (!err) {
			*out = mount_ns_of_task(t);
			err = *out ? 0 : -ESRCH;
		}
		task_put(t);
	}
	return err;
}

static int setns_file(struct file *f, uint64_t type)
{
	struct mount_ns *ns = nsfs_file_ns(f);
	int err;

	if (ns)		/* f keeps it */
		return type && type != CLONE_NEWNS ? -EINVAL : fs_context_enter_ns(ns);
	if (!pidfd_pid(f) || type != CLONE_NEWNS)
		return -EINVAL;
	err = ns_of_process(f, &ns);
	if (!err) {
		err = fs_context_enter_ns(ns);
		mount_ns_put(ns);
	}
	return err;
}

long sys_setns(int fd, int type)
{
	struct file *f = fd_get(fd);
	long err;

	if (!f)
		return -EBADF;
	err = setns_file(f, (unsigned)type);
	file_put(f);
	return err;
}
