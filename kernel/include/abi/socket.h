/* SPDX-License-Identifier: MIT */
/* Sockets on the wire (socket(7), unix(7), recvmsg(2)): the same on x86-64 and AArch64. */
#ifndef ABI_SOCKET_H
#define ABI_SOCKET_H
#include <stdint.h>
enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, AF_MAX = 46 };
enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_RDM = 4, SOCK_SEQPACKET = 5, SOCK_TYPE_MASK = 15,
	SOCK_NONBLOCK = 04000, SOCK_CLOEXEC = 02000000 };
enum { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2 };
enum { MSG_OOB = 1, MSG_PEEK = 2, MSG_DONTROUTE = 4, MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_EOR = 0x80,
	MSG_WAITALL = 0x100, MSG_ERRQUEUE = 0x2000, MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000, MSG_WAITFORONE = 0x10000,
	MSG_CMSG_CLOEXEC = 0x40000000 };
#define MSG_CMSG_COMPAT 0x80000000u	/* of 32-bit programs; nobody may pass it */
enum { SOL_SOCKET = 1 };
enum { SO_DEBUG = 1, SO_REUSEADDR = 2, SO_TYPE = 3, SO_ERROR = 4, SO_DONTROUTE = 5, SO_BROADCAST = 6, SO_SNDBUF = 7, SO_RCVBUF = 8,
	SO_KEEPALIVE = 9, SO_OOBINLINE = 10, SO_NO_CHECK = 11, SO_PRIORITY = 12, SO_LINGER = 13, SO_REUSEPORT = 15, SO_PASSCRED = 16,
	SO_PEERCRED = 17, SO_RCVLOWAT = 18, SO_SNDLOWAT = 19, SO_RCVTIMEO = 20, SO_SNDTIMEO = 21, SO_RCVTIMEO_NEW = 66, SO_SNDTIMEO_NEW = 67, SO_ACCEPTCONN = 30,
	SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33, SO_PROTOCOL = 38, SO_DOMAIN = 39, SO_PEEK_OFF = 42, SO_PEERGROUPS = 59 };
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, SCM_MAX_FD = 253 };
enum { SOMAXCONN = 4096 };

struct abi_ucred { int32_t pid; uint32_t uid, gid; };
struct abi_linger { int32_t onoff, linger; };
struct abi_msghdr {
	uint64_t name;
	uint32_t namelen, pad0;
	uint64_t iov, iovlen, control, controllen;
	uint32_t flags, pad1;
};
struct abi_mmsghdr { struct abi_msghdr hdr; uint32_t len, pad; };
struct abi_cmsghdr { uint64_t len; int32_t level, type; };
struct abi_sockaddr { uint16_t family; uint8_t data[126]; };
struct abi_sockaddr_un { uint16_t family; char path[108]; };
_Static_assert(sizeof(struct abi_msghdr) == 56, "struct msghdr");
_Static_assert(sizeof(struct abi_mmsghdr) == 64, "struct mmsghdr");
_Static_assert(sizeof(struct abi_sockaddr) == 128, "struct sockaddr_storage");
#endif
