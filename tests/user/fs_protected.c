/* SPDX-License-Identifier: MIT */
/*
 * What others left in a directory that everybody may write: fs.protected_symlinks, protected_fifos and protected_regular
 * (proc_sys_fs(5)), and that O_CREAT opens nobody else's socket or device there, whatever they say.
 * Settings are made stricter for the time of a test only, never weaker.
 */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int setting(const char *name, int value)
{
	char path[64], text[16];
	int fd, old = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = 0;
		old = atoi(text);
	}
	n = snprintf(text, sizeof(text), "%d\n", value);
	if (pwrite(fd, text, (size_t)n, 0) != n)
		old = -1;
	close(fd);
	return old;
}

static int opens(const char *name, int flags)
{
	int fd = open(name, flags, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int opens_as(uid_t uid, const char *name, int flags)
{
	int status, pid = fork();

	if (pid == 0) {
		if (setresuid(uid, uid, uid))
			_exit(254);
		_exit(opens(name, flags));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int main(void)
{
	enum { CREATE = O_RDWR | O_CREAT | O_NONBLOCK };
	int links, fifos, regular;

	if (geteuid() != 0)
		bail("needs root");
	umask(0);
	chmod(".", 0755);
	if (mkdir("t", 01777) || chmod("t", 01777) || mkdir("plain", 0777))
		bail("scratch directories");
	close(open("t/file", O_RDWR | O_CREAT, 0666));
	mkfifo("t/fifo", 0666);
	mknod("t/socket", S_IFSOCK | 0666, 0);
	mknod("t/null", S_IFCHR | 0666, 0x103);
	mknod("plain/null", S_IFCHR | 0666, 0x103);
	if (chown("t/file", 1001, 1001) || chown("t/fifo", 1001, 1001) || chown("t/socket", 1001, 1001) || chown("t/null", 1001, 1001) || chown("plain/null", 1001, 1001))
		bail("chown");
	if (symlink("../plain/null", "t/link") || lchown("t/link", 1001, 1001) || symlink("../plain", "t/way") || lchown("t/way", 1001, 1001) || symlink("../plain/null", "plain/link"))
		bail("symlink");

	ok(opens("t/socket", CREATE) == EACCES, "O_CREAT of another's socket");
	ok(opens("t/null", CREATE) == EACCES, "O_CREAT of another's device");
	ok(opens_as(1000, "t/null", CREATE) == EACCES, "by somebody else");
	ok(opens("t/socket", O_RDWR) == ENXIO, "without O_CREAT a socket is none that opens");
	ok(opens("t/null", O_RDWR) == 0, "and a device opens");
	ok(opens_as(1001, "t/null", CREATE) == 0, "the owner opens it");
	ok(opens("plain/null", CREATE) == 0, "in another directory anybody");
	ok(opens("t/null", CREATE | O_EXCL) == EEXIST, "O_EXCL comes first");
	ok(opens("t/null", CREATE | O_DIRECTORY) == EINVAL, "O_DIRECTORY with O_CREAT as well");

	links = setting("protected_symlinks", 1);
	fifos = setting("protected_fifos", 2);
	regular = setting("protected_regular", 2);
	if (links < 0 || fifos < 0 || regular < 0)
		bail("settings");
	ok(opens("t/file", CREATE) == EACCES, "another's file, protected");
	ok(opens("t/fifo", CREATE) == EACCES, "another's FIFO, protected");
	ok(opens("t/file", O_RDWR) == 0 && opens("t/fifo", O_RDWR) == 0, "without O_CREAT both open");
	ok(opens_as(1001, "t/file", CREATE) == 0, "its owner's file opens");
	ok(opens("t/link", O_RDWR) == EACCES, "another's link is not followed");
	ok(opens("t/link", CREATE) == EACCES, "nor by O_CREAT");
	ok(access("t/link", F_OK) == -1 && errno == EACCES, "nor by access");
	ok(opens_as(1001, "t/link", O_RDWR) == 0, "but by its owner");
	ok(opens("t/way/null", O_RDWR) == 0, "on the way to something else it is followed");
	ok(access("t/way/", F_OK) == -1 && errno == EACCES, "with a slash behind it is the last one");
	ok(opens("plain/link", O_RDWR) == 0, "in another directory it is followed");
	chown("t", 1001, 1001);
	ok(opens("t/link", O_RDWR) == 0 && opens("t/file", CREATE) == 0 && opens("t/socket", CREATE) == ENXIO, "the directory's owner may leave what it wants");
	chown("t", 0, 0);
	chmod("t", 01770);
	ok(opens("t/file", CREATE) == EACCES && opens("t/fifo", CREATE) == EACCES, "level 2: a group's directory as well");
	ok(opens("t/null", CREATE) == 0 && opens("t/link", O_RDWR) == 0, "of devices and links only everybody's");
	setting("protected_fifos", 1);
	setting("protected_regular", 1);
	ok(opens("t/file", CREATE) == 0 && opens("t/fifo", CREATE) == 0, "level 1: not a group's");
	chmod("t", 01777);
	ok(opens("t/file", CREATE) == EACCES && opens("t/fifo", CREATE) == EACCES, "but everybody's");
	ok(setting("protected_regular", 3) == -1 && errno == EINVAL, "there is no level 3");
	setting("protected_symlinks", links);
	setting("protected_fifos", fifos);
	setting("protected_regular", regular);
	return done();
}
