/* SPDX-License-Identifier: MIT */
/* Shared by the files of kernel/net. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H
#include <abi/time.h>
#include <kernel/file.h>
#include <kernel/ipc_init.h>
#include <kernel/poll.h>
#include <kernel/slab.h>
#include <kernel/socket.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"

enum { SOCKET_BUF_DEFAULT = 212992, SOCKET_BUF_MAX = 212992, SOCKET_BUF_MIN = 2304, CONTROL_MAX = 131072 };
extern const struct file_ops socket_file_ops;
int socket_from_fd(int fd, struct file **f, struct socket **s) MUST_CHECK;	/* -EBADF, -ENOTSOCK */
int sockaddr_from_user(struct abi_sockaddr *a, uaddr_t addr, int len) MUST_CHECK;
int sockaddr_to_user(const struct abi_sockaddr *a, unsigned len, uaddr_t addr, uaddr_t lenp) MUST_CHECK;
int scm_from_user(struct scm *scm, uaddr_t control, uint64_t len) MUST_CHECK;
/* Ancillary data for the receiver: bytes written; sets MSG_CTRUNC. */
uint64_t scm_to_user(struct socket *s, struct scm *scm, uaddr_t control, uint64_t room, unsigned flags, unsigned *out_flags);
#endif
