/* SPDX-License-Identifier: MIT */
/*
 * Idioms: calls that belong together.
 *
 * Kinds alone rarely make a connection, an unlocked terminal or a traced
 * child: too much has to be right at once.  Here is what programs do in a
 * row; everything that is not said is made by its kind, and the result is
 * changed like any other part of a program.
 */
#include <string.h>
#include "maker.h"

/* An argument that is a number, or what an earlier step of the idiom gave (in a slot). */
enum how { V = 1, R };
struct given { uint8_t how, arg, slot; uint64_t value; };
struct step { const char *call, *path; struct given set[6]; bool other; /* the next stream */ };
enum { STEPS = 8 };

#define STEP(c, p, o, ...) { .call = c, .path = p, .other = o, .set = { __VA_ARGS__ } }
#define DO(c, ...) STEP(c, NULL, false, ##__VA_ARGS__)
#define AT(c, p, ...) STEP(c, p, false, ##__VA_ARGS__)
#define OTHER(c, ...) STEP(c, NULL, true, ##__VA_ARGS__)
#define OTHER_AT(c, p, ...) STEP(c, p, true, ##__VA_ARGS__)
#define GIVE(a, v) { V, a, 0, (uint64_t)(v) }
#define FROM(a, step) { R, a, 0, step }
#define FROM2(a, step, slot) { R, a, slot, step }

enum { CORE = 4, ABORT = 6, SEGV = 11, STOP = 19, RDWR = 2, NONBLOCK = 04000, TOUCH = 0102 };

static const struct step idioms[][STEPS] = {
	/* connections */
	{ DO("socket", GIVE(0, 2), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("bind", FROM(0, 0)), DO("listen", FROM(0, 0), GIVE(1, 4)),
	  DO("socket", GIVE(0, 2), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("connect", FROM(0, 3)), DO("accept4", FROM(0, 0)),
	  DO("sendto", FROM(0, 3), GIVE(3, 0), GIVE(4, 0)), DO("recvfrom", FROM(0, 5)) },
	{ DO("socket", GIVE(0, 10), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("bind", FROM(0, 0)), DO("listen", FROM(0, 0)),
	  DO("socket", GIVE(0, 10), GIVE(1, 1), GIVE(2, 0)), DO("connect", FROM(0, 3)), DO("accept", FROM(0, 0)),
	  DO("write", FROM(0, 5)), DO("shutdown", FROM(0, 3)) },
	{ DO("socket", GIVE(0, 2), GIVE(1, 2 | NONBLOCK), GIVE(2, 0)), DO("bind", FROM(0, 0)),
	  DO("socket", GIVE(0, 2), GIVE(1, 2), GIVE(2, 0)), DO("sendto", FROM(0, 2)), DO("recvfrom", FROM(0, 0)),
	  DO("setsockopt", FROM(0, 2)), DO("sendmsg", FROM(0, 2)) },
	{ DO("socket", GIVE(0, 1), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("bind", FROM(0, 0)), DO("listen", FROM(0, 0), GIVE(1, 1)),
	  DO("socket", GIVE(0, 1), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("connect", FROM(0, 3)), DO("accept", FROM(0, 0)),
	  DO("sendmsg", FROM(0, 3)), DO("recvmsg", FROM(0, 5)) },
	{ DO("socketpair", GIVE(0, 1), GIVE(1, 2 | NONBLOCK), GIVE(2, 0)), DO("sendmsg", FROM2(0, 0, 1)), DO("sendmsg", FROM2(0, 0, 1)),
	  DO("recvmsg", FROM2(0, 0, 2)), DO("recvmmsg", FROM2(0, 0, 2), GIVE(3, 0x40)) },
	/* terminals */
	{ AT("open", "/dev/ptmx", GIVE(1, RDWR | 0400 | NONBLOCK)), DO("ioctl", FROM(0, 0), GIVE(1, 0x40045431), GIVE(2, FUZZ_WORDS + 0x80)),
	  AT("open", "/dev/pts/0", GIVE(1, RDWR | NONBLOCK)), DO("ioctl", FROM(0, 2), GIVE(1, 0x5402)), DO("write", FROM(0, 0)),
	  DO("read", FROM(0, 2)), DO("write", FROM(0, 2)), DO("read", FROM(0, 0)) },
	{ AT("open", "/dev/ptmx", GIVE(1, RDWR | 0400 | NONBLOCK)), DO("ioctl", FROM(0, 0), GIVE(1, 0x40045431), GIVE(2, FUZZ_WORDS + 0x80)),
	  DO("ioctl", FROM(0, 0), GIVE(1, 0x5441), GIVE(2, RDWR | NONBLOCK)), DO("ioctl", FROM(0, 0)), DO("write", FROM(0, 0)) },
	/* tracing */
	{ DO("fork"), DO("ptrace", GIVE(0, 0x4206), FROM(1, 0), GIVE(2, 0)), DO("ptrace", GIVE(0, 0x4207), FROM(1, 0)),
	  DO("wait4", FROM(0, 0), GIVE(2, 0x40000000)), DO("ptrace", FROM(1, 0)), DO("ptrace", FROM(1, 0)),
	  DO("ptrace", GIVE(0, 24), FROM(1, 0), GIVE(3, 0)), DO("wait4", FROM(0, 0), GIVE(2, 0x40000000)) },
	{ DO("fork"), OTHER("ptrace", GIVE(0, 0)), OTHER("kill", GIVE(0, 0), GIVE(1, STOP)),
	  DO("wait4", FROM(0, 0)), DO("ptrace", FROM(1, 0)), DO("ptrace", GIVE(0, 7), FROM(1, 0)), OTHER_AT("execve", "/bin/prog") },
	/* a mount, made in steps */
	{ DO("fsopen", GIVE(1, 0)), DO("fsconfig", FROM(0, 0), GIVE(1, 1)), DO("fsconfig", FROM(0, 0), GIVE(1, 6), GIVE(2, 0), GIVE(3, 0), GIVE(4, 0)),
	  DO("fsmount", FROM(0, 0), GIVE(1, 0), GIVE(2, 0)), AT("move_mount", "", FROM(0, 3), GIVE(4, 4)), DO("mount_setattr", GIVE(0, -100), GIVE(2, 0)) },
	{ AT("fspick", "/tmp", GIVE(0, -100), GIVE(1, 0)), DO("fsconfig", FROM(0, 0), GIVE(1, 0)),
	  DO("fsconfig", FROM(0, 0), GIVE(1, 7), GIVE(2, 0), GIVE(3, 0), GIVE(4, 0)) },
	{ AT("open_tree", "/d", GIVE(0, -100), GIVE(2, 1)), AT("openat", "sub", FROM(0, 0)), DO("getdents64", FROM(0, 1)) },
	{ AT("mkdir", "m", GIVE(1, 0755)), DO("mount", GIVE(3, 0), GIVE(4, 0)), AT("chdir", "m") },
	/* files of a disk: what is large, what has handles and attributes */
	{ AT("chdir", "/d"), AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), DO("pwrite64", FROM(0, 1)), DO("pwrite64", FROM(0, 1), GIVE(3, 5 << 20)),
	  DO("fsync", FROM(0, 1)), DO("rename"), DO("ftruncate", FROM(0, 1)), AT("unlink", "a") },
	/* where the trees of blocks of a file begin: blocks of 1 KiB, of 4 KiB */
	{ AT("open", "/d/t", GIVE(1, TOUCH), GIVE(2, 0644)), DO("pwrite64", FROM(0, 0), GIVE(3, 12 << 10)), DO("pwrite64", FROM(0, 0), GIVE(3, 268 << 10)),
	  DO("pread64", FROM(0, 0), GIVE(3, 268 << 10)), DO("pwrite64", FROM(0, 0), GIVE(3, (268 + 65536) << 10)), DO("lseek", FROM(0, 0), GIVE(2, 4)),
	  DO("ftruncate", FROM(0, 0), GIVE(1, 268 << 10)), DO("fsync", FROM(0, 0)) },
	{ AT("name_to_handle_at", "/d/small", GIVE(0, -100), GIVE(2, FUZZ_WORDS + 0x400), GIVE(4, 0)),
	  AT("name_to_handle_at", "/d/small", GIVE(0, -100), GIVE(2, FUZZ_WORDS + 0x400), GIVE(4, 0)),
	  AT("open", "/d", GIVE(1, 0)), DO("open_by_handle_at", FROM(0, 2), GIVE(1, FUZZ_WORDS + 0x400), GIVE(2, 0)), DO("read", FROM(0, 3)) },
	{ AT("setxattr", "/d/small", GIVE(4, 0)), AT("getxattr", "/d/small"), AT("listxattr", "/d/small"), AT("setxattrat", "/d/small", GIVE(0, -100), GIVE(2, 0)),
	  AT("removexattr", "/d/small") },
	{ DO("memfd_create", GIVE(1, 2)), DO("pwrite64", FROM(0, 0)), DO("mmap", GIVE(0, 0), GIVE(1, 8192), GIVE(2, 3), GIVE(3, 1), FROM(4, 0)),
	  DO("cachestat", FROM(0, 0), GIVE(3, 0)), DO("fcntl", FROM(0, 0), GIVE(1, 1033)), DO("fallocate", FROM(0, 0)) },
	/* what /proc says, and is told */
	{ AT("open", "/proc/self/maps", GIVE(1, 0)), DO("read", FROM(0, 0)), DO("pread64", FROM(0, 0)) },
	{ DO("open", GIVE(1, 0)), DO("read", FROM(0, 0)), DO("getdents64", FROM(0, 0)), DO("lseek", FROM(0, 0)), DO("read", FROM(0, 0)) },
	{ DO("open", GIVE(1, RDWR)), DO("write", FROM(0, 0)), DO("pread64", FROM(0, 0)) },
	/* pages through pipes */
	{ DO("pipe2", GIVE(1, NONBLOCK)), DO("write", FROM2(0, 0, 2)), DO("pipe2", GIVE(1, NONBLOCK)), DO("tee", FROM2(0, 0, 1), FROM2(1, 2, 2)),
	  DO("splice", FROM2(0, 0, 1), GIVE(1, 0), FROM2(2, 2, 2), GIVE(3, 0)), DO("vmsplice", FROM2(0, 2, 2)), DO("read", FROM2(0, 2, 1)) },
	{ AT("open", "/tmp/f", GIVE(1, TOUCH), GIVE(2, 0644)), DO("write", FROM(0, 0)), DO("pipe2", GIVE(1, NONBLOCK)),
	  DO("splice", FROM(0, 0), GIVE(1, 0), FROM2(2, 2, 2), GIVE(3, 0)), DO("splice", FROM2(0, 2, 1), GIVE(1, 0), FROM(2, 0), GIVE(3, 0)) },
	/* asynchronous I/O */
	{ DO("io_setup", GIVE(0, 8)), AT("open", "/tmp/f", GIVE(1, TOUCH), GIVE(2, 0644)), DO("io_submit", FROM2(0, 0, 1)),
	  DO("io_getevents", FROM2(0, 0, 1), GIVE(1, 0), GIVE(2, 3)), DO("io_destroy", FROM2(0, 0, 1)) },
	/* filters */
	{ DO("prctl", GIVE(0, 38), GIVE(1, 1), GIVE(2, 0), GIVE(3, 0), GIVE(4, 0)), DO("seccomp", GIVE(0, 1), GIVE(1, 0)), DO("fork"),
	  DO("seccomp", GIVE(0, 1), GIVE(1, 1)) },
	/* ends of programs */
	{ DO("setrlimit", GIVE(0, CORE)), DO("kill", GIVE(0, 0), GIVE(1, ABORT)) },
	{ DO("prlimit64", GIVE(0, 0), GIVE(1, CORE)), DO("fork"), DO("kill", FROM(0, 1), GIVE(1, SEGV)), DO("wait4", FROM(0, 1)) },
	{ AT("open", "/bin/prog", GIVE(1, 0)), AT("execveat", "", FROM(0, 0), GIVE(4, 0x1000)) },
	{ DO("fcntl", GIVE(1, 2)), AT("execve", "/bin/prog") },
	{ AT("execve", "/bin/script") },
	/* waiting, and who is waited for */
	{ DO("fork"), DO("futex", GIVE(1, 6)), OTHER("futex", GIVE(1, 6)), DO("futex", GIVE(1, 7)), OTHER("futex", GIVE(1, 7)) },
	{ DO("clone", GIVE(0, 0x3d0f00), GIVE(1, 0)), OTHER("futex", GIVE(1, 11), GIVE(2, 0)), DO("futex", GIVE(1, 12), GIVE(2, 1)), DO("futex", GIVE(1, 7)) },
	{ DO("set_robust_list"), DO("futex", GIVE(1, 6)), DO("exit") },
	{ DO("clone", GIVE(0, 0x3d0f00), GIVE(1, 0)), OTHER("futex_wait", GIVE(1, 0), GIVE(2, -1), GIVE(3, 2)), DO("futex_requeue", GIVE(1, 0)),
	  DO("futex_wake", GIVE(1, -1), GIVE(2, 2), GIVE(3, 2)) },
	{ DO("fork"), DO("pidfd_open", FROM(0, 0), GIVE(1, 0)), DO("pidfd_send_signal", FROM(0, 1), GIVE(2, 0), GIVE(3, 0)),
	  DO("waitid", GIVE(0, 3), FROM(1, 1), GIVE(3, 4)), DO("process_madvise", FROM(0, 1), GIVE(3, 20), GIVE(4, 0)) },
	/* name spaces as files */
	{ AT("open", "/proc/self/ns/mnt", GIVE(1, 0)), DO("unshare", GIVE(0, 0x20000)), AT("open", "/proc/self/ns/mnt", GIVE(1, 0)), AT("chroot", "/tmp"), DO("setns", FROM(0, 0), GIVE(1, 0)),
	  DO("setns", FROM(0, 2), GIVE(1, 0x20000)), DO("ioctl", FROM(0, 2), GIVE(1, 0x8010b70b)), DO("setns", FROM(0, 6), GIVE(1, 0)) },
	{ DO("clone", GIVE(0, 0x20011), GIVE(1, 0)), DO("pidfd_open", FROM(0, 0), GIVE(1, 0)), DO("ioctl", FROM(0, 1), GIVE(1, 0xff03), GIVE(2, 0)), DO("setns", FROM(0, 1), GIVE(1, 0x20000)),
	  DO("setns", FROM(0, 2), GIVE(1, 0)), DO("open_tree", FROM(0, 2), GIVE(2, 0x1001)), DO("move_mount", FROM(0, 5), GIVE(4, 4)) },
	/* memory of others, memory that stays as it is */
	{ DO("fork"), DO("process_vm_readv", FROM(0, 0), GIVE(5, 0)), DO("process_vm_writev", FROM(0, 0), GIVE(5, 0)) },
	{ DO("mmap", GIVE(0, 0), GIVE(1, 4 << 12), GIVE(2, 3), GIVE(3, 0x22)), DO("mseal", FROM(0, 0), GIVE(1, 2 << 12), GIVE(2, 0)), DO("mremap", FROM(0, 0)),
	  DO("munmap", FROM(0, 0)), DO("madvise", FROM(0, 0), GIVE(1, 4 << 12)) },
};

/* For the differential: nothing out of the scratch tree, no other task, nothing that takes time. */
static const struct step small_idioms[][STEPS] = {
	/* what a file holds: written, cut, grown, read back; by two descriptors, by its name */
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), DO("write", FROM(0, 0)), DO("ftruncate", FROM(0, 0)), DO("ftruncate", FROM(0, 0)),
	  DO("pread64", FROM(0, 0)), DO("lseek", FROM(0, 0)), DO("write", FROM(0, 0)), DO("pread64", FROM(0, 0), GIVE(3, 0)) },
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), DO("pwrite64", FROM(0, 0)), AT("truncate", "a"), DO("pwrite64", FROM(0, 0)), DO("fallocate", FROM(0, 0)),
	  DO("pread64", FROM(0, 0)), DO("lseek", FROM(0, 0)), DO("fstat", FROM(0, 0)) },
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), DO("write", FROM(0, 0)), AT("open", "b", GIVE(1, TOUCH), GIVE(2, 0644)),
	  DO("copy_file_range", FROM(0, 0), GIVE(1, 0), FROM(2, 2)), DO("sendfile", FROM(0, 2), FROM(1, 0)), DO("lseek", FROM(0, 2)), DO("read", FROM(0, 2)) },
	/* opened for one thing, used for another */
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0666)), DO("write", FROM(0, 0)), AT("open", "a", GIVE(1, 0)), DO("write", FROM(0, 2)), DO("pwrite64", FROM(0, 2)),
	  DO("ftruncate", FROM(0, 2)), DO("fallocate", FROM(0, 2)), DO("pread64", FROM(0, 0), GIVE(3, 0)) },
	{ AT("open", "a", GIVE(1, 0101), GIVE(2, 0666)), DO("write", FROM(0, 0)), DO("read", FROM(0, 0)), DO("pread64", FROM(0, 0)), DO("sendfile", FROM(1, 0)),
	  DO("mmap", GIVE(0, 0), GIVE(1, 4096), FROM(4, 0), GIVE(5, 0)), DO("fcntl", FROM(0, 0), GIVE(1, 3), GIVE(2, 0)) },
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0666)), AT("open", "a", GIVE(1, 010000000)), DO("read", FROM(0, 1)), DO("fchmod", FROM(0, 1)), DO("fstat", FROM(0, 1)),
	  DO("dup", FROM(0, 1)), DO("fcntl", FROM(0, 1)), DO("fchdir", FROM(0, 1)) },
	/* mapped, its access changed, its memory used */
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0666)), DO("ftruncate", FROM(0, 0), GIVE(1, 8192)), AT("open", "a"),
	  DO("mmap", GIVE(0, 0), GIVE(1, 8192), GIVE(2, 1), GIVE(3, 1), FROM(4, 2), GIVE(5, 0)), DO("mprotect", FROM(0, 3), GIVE(1, 4096)),
	  DO("pread64", FROM(0, 0), FROM(1, 3), GIVE(2, 16), GIVE(3, 1000)), DO("msync", FROM(0, 3), GIVE(1, 8192)), DO("mprotect", FROM(0, 3), GIVE(1, 8192)) },
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0666)), DO("write", FROM(0, 0)), DO("mmap", GIVE(0, 0), GIVE(1, 8192), GIVE(2, 3), FROM(4, 0), GIVE(5, 0)),
	  DO("pread64", FROM(0, 0), FROM(1, 2), GIVE(2, 100), GIVE(3, 1000)), DO("ftruncate", FROM(0, 0)), DO("pwrite64", FROM(0, 0), FROM(1, 2), GIVE(2, 100), GIVE(3, 4090)),
	  DO("ftruncate", FROM(0, 0)), DO("pread64", FROM(0, 0), GIVE(3, 0)) },
	{ DO("mmap", GIVE(0, 0), GIVE(1, 4 << 12), GIVE(2, 3), GIVE(3, 0x22)), DO("mprotect", FROM(0, 0), GIVE(1, 4096)), DO("madvise", FROM(0, 0), GIVE(1, 8192)),
	  DO("mremap", FROM(0, 0), GIVE(1, 4 << 12), GIVE(2, 2 << 12), GIVE(3, 1)), DO("munmap", FROM(0, 0), GIVE(1, 4096)), DO("msync", FROM(0, 0), GIVE(1, 8192)) },
	/* who may: directories of all, files of others, ids that change */
	{ AT("mkdir", "d", GIVE(1, 0777)), AT("chmod", "d", GIVE(1, 01777)), AT("open", "d/f", GIVE(1, TOUCH), GIVE(2, 0666)), AT("chown", "d/f"), DO("setresuid"),
	  AT("unlink", "d/f"), AT("rename", "d/f"), AT("rmdir", "d") },
	{ AT("mkdir", "d", GIVE(1, 0777)), AT("chmod", "d", GIVE(1, 01777)), AT("mkdir", "d/e", GIVE(1, 0777)), DO("setfsuid"), AT("open", "d/f", GIVE(1, TOUCH), GIVE(2, 0666)),
	  DO("setfsuid"), AT("rmdir", "d/e"), AT("rename", "d/f") },
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0666)), AT("chown", "a"), AT("chmod", "a"), DO("setresgid"), DO("setresuid"), AT("open", "a"), AT("access", "a"),
	  AT("chmod", "a") },
	{ AT("mkdir", "d", GIVE(1, 0777)), AT("chown", "d"), AT("chmod", "d"), DO("setfsgid"), DO("setfsuid"), AT("open", "d/a", GIVE(1, TOUCH), GIVE(2, 0666)),
	  AT("stat", "d/a"), AT("chdir", "d") },
	{ AT("mkdir", "d", GIVE(1, 0777)), AT("chmod", "d", GIVE(1, 02777)), AT("chown", "d"), DO("setgroups"), DO("setresgid"), AT("open", "d/a", GIVE(1, TOUCH)),
	  AT("mkdir", "d/e"), AT("fchmodat", "d/a", GIVE(0, -100)) },
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0777)), AT("chmod", "a", GIVE(1, 06777)), DO("setfsuid"), DO("write", FROM(0, 0)), AT("stat", "a"), AT("chown", "a"),
	  AT("truncate", "a"), AT("stat", "a") },
	/* names: links, what is renamed while it is open, times */
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), AT("link", "a"), AT("symlink", "a"), AT("rename", "a"), AT("unlink", "a"), DO("fstat", FROM(0, 0)),
	  AT("renameat2", "a", GIVE(0, -100), GIVE(2, -100)), AT("readlink", "l") },
	{ AT("mkdir", "d", GIVE(1, 0755)), AT("open", "d", GIVE(1, 0200000)), AT("mkdirat", "e", FROM(0, 1)), AT("rename", "d"), DO("getdents64", FROM(0, 1)),
	  AT("unlinkat", "e", FROM(0, 1)), AT("rmdir", "d"), AT("openat", "x", FROM(0, 1), GIVE(2, TOUCH)) },
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), AT("setxattr", "a"), AT("getxattr", "a"), DO("fsetxattr", FROM(0, 0)), DO("flistxattr", FROM(0, 0)),
	  AT("removexattr", "a"), AT("listxattr", "a") },
	/* locks of files */
	{ AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), AT("open", "a", GIVE(1, RDWR)), DO("fcntl", FROM(0, 0), GIVE(1, 37)), DO("fcntl", FROM(0, 1), GIVE(1, 36)),
	  DO("fcntl", FROM(0, 1), GIVE(1, 37)), DO("fcntl", FROM(0, 0), GIVE(1, 6)), DO("close", FROM(0, 0)), DO("fcntl", FROM(0, 1), GIVE(1, 36)) },
	/* pipes, sockets and what they carry */
	{ DO("pipe2", GIVE(1, NONBLOCK)), DO("write", FROM2(0, 0, 2)), DO("pipe2", GIVE(1, NONBLOCK)), DO("tee", FROM2(0, 0, 1), FROM2(1, 2, 2)),
	  DO("splice", FROM2(0, 0, 1), GIVE(1, 0), FROM2(2, 2, 2), GIVE(3, 0)), DO("read", FROM2(0, 2, 1)), DO("ioctl", FROM2(0, 2, 1), GIVE(1, 0x541b)) },
	{ DO("pipe2", GIVE(1, NONBLOCK)), DO("fcntl", FROM2(0, 0, 1), GIVE(1, 1031)), DO("write", FROM2(0, 0, 2)), DO("fcntl", FROM2(0, 0, 2), GIVE(1, 1031)), DO("read", FROM2(0, 0, 1)),
	  DO("poll"), DO("close", FROM2(0, 0, 2)), DO("read", FROM2(0, 0, 1)) },
	{ DO("socketpair", GIVE(0, 1), GIVE(1, 2 | NONBLOCK), GIVE(2, 0)), DO("sendmsg", FROM2(0, 0, 1)), DO("sendmsg", FROM2(0, 0, 1)), DO("recvmsg", FROM2(0, 0, 2)),
	  DO("recvmsg", FROM2(0, 0, 2)), DO("close", FROM2(0, 0, 1)), DO("recvmsg", FROM2(0, 0, 2)) },
	{ DO("socketpair", GIVE(0, 1), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("setsockopt", FROM2(0, 0, 2)), DO("sendmsg", FROM2(0, 0, 1)), DO("write", FROM2(0, 0, 1)),
	  DO("recvmsg", FROM2(0, 0, 2)), DO("shutdown", FROM2(0, 0, 1)), DO("recvfrom", FROM2(0, 0, 2)), DO("sendto", FROM2(0, 0, 2), GIVE(4, 0)) },
	{ DO("socket", GIVE(0, 1), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("bind", FROM(0, 0)), DO("listen", FROM(0, 0), GIVE(1, 1)),
	  DO("socket", GIVE(0, 1), GIVE(1, 1 | NONBLOCK), GIVE(2, 0)), DO("connect", FROM(0, 3)), DO("accept", FROM(0, 0)), DO("sendmsg", FROM(0, 3)), DO("recvmsg", FROM(0, 5)) },
	/* files that are something else */
	{ DO("memfd_create", GIVE(1, 2)), DO("write", FROM(0, 0)), DO("mmap", GIVE(0, 0), GIVE(1, 4096), GIVE(3, 1), FROM(4, 0), GIVE(5, 0)), DO("fcntl", FROM(0, 0), GIVE(1, 1033)),
	  DO("ftruncate", FROM(0, 0)), DO("pwrite64", FROM(0, 0)), DO("mprotect", FROM(0, 2), GIVE(1, 4096)), DO("fcntl", FROM(0, 0), GIVE(1, 1034)) },
	{ DO("eventfd2", GIVE(1, NONBLOCK)), DO("epoll_create1", GIVE(0, 0)), DO("epoll_ctl", FROM(0, 1), GIVE(1, 1), FROM(2, 0)), DO("write", FROM(0, 0)),
	  DO("epoll_wait", FROM(0, 1), GIVE(3, 0)), DO("epoll_ctl", FROM(0, 1), GIVE(1, 3), FROM(2, 0)), DO("epoll_wait", FROM(0, 1), GIVE(3, 0)), DO("read", FROM(0, 0)) },
	{ DO("inotify_init1", GIVE(0, NONBLOCK)), AT("inotify_add_watch", ".", FROM(0, 0)), AT("open", "a", GIVE(1, TOUCH), GIVE(2, 0644)), DO("write", FROM(0, 2)),
	  DO("close", FROM(0, 2)), AT("unlink", "a"), DO("read", FROM(0, 0), GIVE(2, 1000)) },
	/* queues and semaphores */
	{ DO("msgget", GIVE(0, 0), GIVE(1, 01666)), DO("msgsnd", FROM(0, 0), GIVE(3, 04000)), DO("msgsnd", FROM(0, 0), GIVE(3, 04000)), DO("msgrcv", FROM(0, 0), GIVE(4, 04000)),
	  DO("msgrcv", FROM(0, 0)), DO("msgctl", FROM(0, 0)) },
	{ DO("semget", GIVE(0, 0), GIVE(1, 3), GIVE(2, 01666)), DO("semop", FROM(0, 0)), DO("semctl", FROM(0, 0)), DO("semop", FROM(0, 0)), DO("semctl", FROM(0, 0)) },
	{ DO("mq_open", GIVE(1, TOUCH | NONBLOCK), GIVE(2, 0644)), DO("mq_timedsend", FROM(0, 0)), DO("mq_timedsend", FROM(0, 0)), DO("mq_timedreceive", FROM(0, 0)),
	  DO("mq_getsetattr", FROM(0, 0)) },
	/* signals that wait, timers that do not fire */
	{ DO("rt_sigprocmask", GIVE(0, 0)), DO("kill", GIVE(0, 3)), DO("rt_sigpending"), DO("signalfd4", GIVE(0, -1), GIVE(3, NONBLOCK)), DO("read", FROM(0, 3)),
	  DO("rt_sigtimedwait"), DO("rt_sigpending") },
};

void maker_path(struct maker *m, struct fuzz_call *c, const struct syscall_desc *d, const char *path)
{
	for (unsigned i = 0; i < d->nargs; i++)
		if (d->args[i].kind == ARG_PATH) {
			maker_blob(m, &c->args[i], FUZZ_IN, path, strlen(path) + 1, strlen(path) + 1, 0);
			c->nblobs = (uint16_t)(m->p->nblobs - c->blobs);
			return;
		}
}

bool maker_idiom(struct maker *m, unsigned stream)
{
	const struct step *steps = m->choice->small ? small_idioms[below(m, sizeof(small_idioms) / sizeof(small_idioms[0]))] : idioms[below(m, sizeof(idioms) / sizeof(idioms[0]))];
	unsigned at[STEPS] = { 0 }, n = 0, depth = m->depth;
	bool ok = !m->choice->single;

	for (; ok && n < STEPS && steps[n].call; n++) {
		const struct syscall_desc *d = fuzz_row_named(steps[n].call);

		ok = d && maker_allowed(m, d);
	}
	if (!ok)
		return false;
	m->depth = 1;	/* what the steps need is there */
	for (unsigned i = 0; i < n; i++) {
		const struct syscall_desc *d = fuzz_row_named(steps[i].call);
		struct fuzz_call *c;

		at[i] = m->p->ncalls;
		m->gives = 0;
		for (const struct given *g = steps[i].set; g < steps[i].set + sizeof(steps[i].set) / sizeof(steps[i].set[0]) && g->how; g++) {
			if (percent(m, 3))
				continue;
			if (g->how == V)
				m->given[g->arg] = arg_value(g->value);
			else if (g->value < i)
				m->given[g->arg] = (struct fuzz_arg){ .form = FUZZ_RESULT, .index = (uint16_t)at[g->value], .slot = g->slot, .value = (uint64_t)-1 };
			m->gives |= 1u << g->arg;
		}
		if (!maker_call(m, d, steps[i].other ? (stream + 1) % FUZZ_PROGRAM_STREAMS : stream))
			break;
		c = &m->p->calls[at[i]];
		if (steps[i].path)
			maker_path(m, c, d, steps[i].path);
	}
	m->depth = depth;
	m->gives = 0;
	return true;
}
