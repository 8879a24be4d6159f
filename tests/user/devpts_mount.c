/* SPDX-License-Identifier: MIT */
/* devpts as a file system: busy while a pty is open, and after the last unmount it can be mounted and used again. */
#include "harness.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

/* A pty of the instance at "pts": its number, or -1. */
static int pair(int *master, int *slave)
{
	int n, zero = 0;
	char name[64];

	*master = open("pts/ptmx", O_RDWR | O_NOCTTY);
	if (*master < 0 || ioctl(*master, TIOCSPTLCK, &zero) || ioctl(*master, TIOCGPTN, &n))
		return -1;
	snprintf(name, sizeof(name), "pts/%d", n);
	*slave = open(name, O_RDWR | O_NOCTTY);
	return *slave < 0 ? -1 : n;
}

int main(void)
{
	struct statfs sf;
	struct stat st;
	char buf[8];
	int m, s, before = statfs("/dev/pts", &sf) == 0 && sf.f_type == 0x1cd1;

	mkdir("pts", 0755);
	if (mount("devpts", "pts", "devpts", 0, "ptmxmode=666,mode=620")) {
		plan(1);
		ok(errno == EPERM, "mounting is not allowed here");
		return done();
	}
	plan(13);
	ok(statfs("pts", &sf) == 0 && sf.f_type == 0x1cd1, "its type");
	ok(pair(&m, &s) >= 0, "a pty of it");
	ok(write(m, "a\n", 2) == 2 && read(s, buf, sizeof(buf)) == 2, "which works");
	ok_errno(umount("pts"), EBUSY, "busy while it is open");
	close(s);
	close(m);
	ok_errno(mount("devpts", "pts", "devpts", MS_REMOUNT, "mode=601,nonsense=1"), EINVAL, "an option that it has not");
	ok(pair(&m, &s) >= 0 && fstat(s, &st) == 0 && (st.st_mode & 07777) == 0620, "leaves the others as they were");
	close(s);
	close(m);
	ok(mount("devpts", "pts", "devpts", MS_REMOUNT, "mode=601,ptmxmode=600") == 0 && pair(&m, &s) >= 0 && fstat(s, &st) == 0 && (st.st_mode & 07777) == 0601 &&
	   stat("pts/ptmx", &st) == 0 && (st.st_mode & 07777) == 0600, "two that it has");
	close(s);
	close(m);
	ok(umount("pts") == 0, "then not");
	/* The very last mount of it goes and comes back. */
	while (statfs("/dev/pts", &sf) == 0 && sf.f_type == 0x1cd1 && umount2("/dev/pts", MNT_DETACH) == 0)
		;
	ok_errno(open("/dev/pts/ptmx", O_RDWR), ENOENT, "no instance is mounted");
	ok(mount("devpts", "pts", "devpts", 0, "ptmxmode=666,mode=620") == 0, "mounted again");
	ok(pair(&m, &s) >= 0, "a pty again");
	ok(write(m, "b\n", 2) == 2 && read(s, buf, sizeof(buf)) == 2 && buf[0] == 'b', "which works");
	close(s);
	close(m);
	ok(umount("pts") == 0, "unmounted");
	if (before)
		mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	return done();
}
