/* SPDX-License-Identifier: MIT */
/* The file system of message queues (mq_overview(7)): the queues that mq_open makes are its files, with owner, mode and links. */
#include "harness.h"
#include "child.h"
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MQUEUE_MAGIC = 0x19800202 };

/* How many entries of the directory are called so. */
static int listed(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += !strcmp(e->d_name, name);
	if (d)
		closedir(d);
	return n;
}

static int as_stranger(int (*f)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(4711) || setuid(4711))
			_exit(99);
		_exit(f());
	}
	return exit_of(pid);
}

static int opens(void) { return mq_open("/eft-mqfs", O_RDWR) == (mqd_t)-1 ? errno : 0; }
static int unlinks(void) { return syscall(SYS_mq_unlink, "eft-mqfs") ? errno : 0; }	/* glibc says EACCES for EPERM */
static int unlinks_file(void) { return unlink("mq/eft-mqfs") ? errno : 0; }
static int makes(void) { return mq_open("/eft-mqfs-new", O_RDWR | O_CREAT, 0600, NULL) == (mqd_t)-1 ? errno : 0; }

int main(void)
{
	char dir[] = "mqueue_fs.XXXXXX", buf[8192], link[64];
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 100 };
	struct stat st, st2;
	struct statfs sf;
	mqd_t q, r;
	int fd, in;

	plan(44);
	/* Where there are mount name spaces, in one of its own. */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		bail("mount");
	if (!mkdtemp(dir) || chmod(dir, 0755) || chdir(dir) || mkdir("mq", 0755))
		bail("mkdir");
	umask(0);
	mq_unlink("/eft-mqfs");
	mq_unlink("/eft-mqfs-new");
	q = mq_open("/eft-mqfs", O_RDWR | O_CREAT | O_EXCL, 0640, &a);
	ok(q != (mqd_t)-1, "a queue");
	ok(fstat(q, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0640 && st.st_nlink == 1 && st.st_size == 80, "is a file of one name");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", (int)q);
	ok(readlink(link, buf, sizeof(buf)) == 9 && !memcmp(buf, "/eft-mqfs", 9), "which is in no directory that this process can see");
	ok(fstatfs(q, &sf) == 0 && sf.f_type == MQUEUE_MAGIC, "of a file system of its own");
	ok(as_stranger(opens) == EACCES, "not for strangers");
	ok(fchmod(q, 0666) == 0 && as_stranger(opens) == 0, "until its mode is changed");
	ok(fchown(q, 4711, 4711) == 0 && fchmod(q, 0200) == 0 && as_stranger(opens) == EACCES, "its owner is who it was given to");
	ok(fchown(q, 0, 0) == 0 && fchmod(q, 0666) == 0 && as_stranger(unlinks) == EPERM, "nobody else's queue is unlinked: the directory is sticky");

	ok_errno(mount("mqueue", "mq", "mqueue", 0, "mode=700"), EINVAL, "there are no mount options");
	ok(mount("mqueue", "mq", "mqueue", 0, NULL) == 0 && statfs("mq", &sf) == 0 && sf.f_type == MQUEUE_MAGIC, "mounted");
	ok(stat("mq", &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 07777) == 01777, "a directory for all");
	ok(listed("mq", "eft-mqfs") == 1 && listed("mq", ".") == 1, "in which the queue is");
	ok(stat("mq/eft-mqfs", &st) == 0 && fstat(q, &st2) == 0 && st.st_ino == st2.st_ino && st.st_dev == st2.st_dev, "the same file");
	ok(as_stranger(unlinks_file) == EPERM, "as sticky as before");
	ok(chmod("mq/eft-mqfs", 0600) == 0 && as_stranger(opens) == EACCES, "a mode that is set here holds there");

	fd = open("mq/eft-mqfs", O_RDWR);
	ok(fd >= 0 && mq_send(fd, "by path", 7, 0) == 0 && mq_receive(q, buf, 100, NULL) == 7, "opened by its path: a descriptor like mq_open's");
	mq_send(q, "12345", 5, 0);
	ok(read(fd, buf, sizeof(buf)) > 0 && !strncmp(buf, "QSIZE:5 ", 8), "whose text says how much is in it");
	ok_errno(write(fd, "x", 1), EINVAL, "and is not written");
	ok(mmap(NULL, 80, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == ENODEV, "nor mapped");
	ok_errno(open("mq/eft-mqfs", O_RDONLY | O_DIRECT), EINVAL, "no O_DIRECT");
	ok(ftruncate(fd, 7) == 0 && fstat(q, &st) == 0 && st.st_size == 7 && mq_receive(q, buf, 100, NULL) == 5, "its size means nothing");
	close(fd);

	fd = open("mq/made", O_RDWR | O_CREAT | O_EXCL, 0604);
	ok(fd >= 0 && mq_getattr(fd, &a) == 0 && a.mq_maxmsg == 10 && a.mq_msgsize == 8192, "made by open: a queue with the usual attributes");
	r = mq_open("/made", O_RDONLY | O_NONBLOCK);
	ok(r != (mqd_t)-1 && mq_send(fd, "m", 1, 3) == 0 && mq_receive(r, buf, sizeof(buf), NULL) == 1, "found by mq_open");
	ok(mknod("mq/node", S_IFREG | 0600, 0) == 0 && mq_unlink("/node") == 0, "made by mknod");
	ok_errno(mkdir("mq/dir", 0700), EPERM, "no directories");
	ok_errno(symlink("made", "mq/link"), EPERM, "no symbolic links");
	ok_errno(mknod("mq/fifo", S_IFIFO | 0600, 0), EPERM, "no FIFOs");
	ok_errno(linkat(AT_FDCWD, "mq/made", AT_FDCWD, "mq/other", 0), EPERM, "no second names");
	ok_errno(rename("mq/made", "mq/other"), EPERM, "no new names");
	ok_errno(rmdir("mq/made"), ENOTDIR, "not rmdir'ed");

	in = inotify_init1(IN_NONBLOCK);
	inotify_add_watch(in, "mq", IN_CREATE | IN_DELETE);
	mq_close(mq_open("/watched", O_RDWR | O_CREAT, 0600, NULL));
	struct inotify_event *ev = (struct inotify_event *)(void *)buf;
	ok(read(in, buf, sizeof(buf)) > 0 && ev->mask == IN_CREATE && !strcmp(ev->name, "watched"), "inotify tells of a queue that mq_open makes");
	mq_unlink("/watched");
	ok(read(in, buf, sizeof(buf)) > 0 && ev->mask == IN_DELETE && !strcmp(ev->name, "watched"), "and of one that mq_unlink takes away");
	close(in);

	ok(unlink("mq/made") == 0 && fstat(fd, &st) == 0 && st.st_nlink == 0, "unlinked by its path");
	ok_errno((int)mq_open("/made", O_RDONLY), ENOENT, "it is found no more");
	ok(mq_send(fd, "n", 1, 0) == 0 && mq_receive(r, buf, sizeof(buf), NULL) == 1, "and works on");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, buf, sizeof(buf));
	ok(n > 10 && !memcmp(buf + n - 10, " (deleted)", 10), "its link says so");
	close(fd);
	mq_close(r);

	ok(chmod("mq", 0755) == 0 && as_stranger(makes) == EACCES, "in a directory that is not for all, strangers make none");
	ok(chmod("mq", 0700) == 0 && as_stranger(makes) == EACCES && as_stranger(opens) == EACCES, "and in one that is not theirs they find none");
	chmod("mq", 01777);
	ok(as_stranger(makes) == 0 && stat("mq/eft-mqfs-new", &st) == 0 && st.st_uid == 4711 && st.st_gid == 4711, "whoever makes one is its owner");
	ok(mount(NULL, "mq", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0, "the mount becomes read-only");
	ok_errno(open("mq/more", O_RDWR | O_CREAT, 0600), EROFS, "nothing is made through it");
	ok(mq_unlink("/eft-mqfs-new") == 0, "other ways are open");
	ok(umount("mq") == 0 && mq_unlink("/eft-mqfs") == 0 && mq_close(q) == 0, "unmounted, all is gone");
	q = mq_open("/eft-mqfs", O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
	ok(q != (mqd_t)-1 && mq_unlink("/eft-mqfs") == 0, "queues need no mount");
	rmdir("mq");
	if (chdir("..") == 0)
		rmdir(dir);
	return done();
}
