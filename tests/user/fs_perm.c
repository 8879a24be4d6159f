/* SPDX-License-Identifier: MIT */
/* Permissions with real uids: rwx for owner, group and others, directories, sticky, set-id bits, chown, umask, access(2). */
#include "harness.h"
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int e(long ret) { return ret < 0 ? errno : 0; }

/* Runs fn as that user; its result. */
static int as(uid_t uid, gid_t gid, int (*fn)(void))
{
	int status, pid = fork();

	if (pid == 0) {
		gid_t groups[1] = { 77 };

		if (setgroups(uid == 1002 ? 1 : 0, groups) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			_exit(254);
		_exit(fn());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int rd(void) { return e(open("f", O_RDONLY)); }
static int wr(void) { return e(open("f", O_WRONLY)); }
static int ex(void) { return e(access("f", X_OK)); }
static int in(void) { return e(open("d/x", O_RDONLY)); }
static int ls(void) { return e(open("d", O_RDONLY)); }
static int mk(void) { return e(open("d/new", O_RDWR | O_CREAT, 0600)); }
static int rm(void) { return e(unlink("d/x")); }
static int mv(void) { return e(rename("d/x", "d/y")); }
static int chm(void) { return e(chmod("f", 0777)); }
static int cho(void) { return e(chown("f", 1001, (gid_t)-1)); }
static int chg_other(void) { return e(chown("f", (uid_t)-1, 55)); }
static int chg_mine(void) { return e(chown("f", (uid_t)-1, 1000)); }
static int touch_now(void) { return e(utimensat(AT_FDCWD, "f", NULL, 0)); }
static int touch_then(void)
{
	struct timespec t[2] = { { 1, 0 }, { 1, 0 } };

	return e(utimensat(AT_FDCWD, "f", t, 0));
}
static int wr_clears(void)
{
	struct stat st;
	int fd = open("f", O_WRONLY);

	return fd < 0 || write(fd, "x", 1) != 1 || fstat(fd, &st) ? 100 : (int)(st.st_mode >> 9 & 7);
}
static int cut_clears(void)
{
	struct stat st;

	return truncate("f", 5) || stat("f", &st) ? 100 : (int)(st.st_mode >> 9 & 7);
}
static int own_clears(void)
{
	struct stat st;

	return chown("f", (uid_t)-1, (gid_t)-1) || stat("f", &st) ? 100 : (int)(st.st_mode >> 9 & 7);
}
static int setgid_chmod(void)
{
	struct stat st;

	if (chmod("f", 02755) || stat("f", &st))
		return 100;
	return (int)(st.st_mode >> 9 & 7);
}
static int mkn(void) { return e(mknod("d/dev", S_IFCHR | 0600, 0x103)); }
static int mkn_none(void) { return e(mknod("d/white", S_IFCHR | 0600, 0)); }
static int mkn_block(void) { return e(mknod("d/block", S_IFBLK | 0600, 0)); }
static int chr(void) { return e(chroot(".")); }

int main(void)
{
	struct stat st;
	int fd;

	umask(0);
	if (geteuid() != 0)
		bail("needs root");
	fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0640);
	if (fd < 0 || fchown(fd, 1000, 77))
		bail("scratch file");
	chmod(".", 0755);
	ok(as(1000, 1000, rd) == 0 && as(1000, 1000, wr) == 0, "the owner reads and writes");
	ok(as(1001, 77, rd) == 0 && as(1001, 77, wr) == EACCES, "the group reads");
	ok(as(1002, 1002, rd) == 0, "a supplementary group as well");
	ok(as(1001, 1001, rd) == EACCES, "others may not");
	chmod("f", 0077);
	ok(as(1000, 1000, rd) == EACCES, "the owner's bits count for the owner, whatever the others'");
	ok(rd() == 0, "root may anyway");
	chmod("f", 0600);
	ok(ex() == EACCES, "but not execute without an x bit");
	chmod("f", 0010);
	ok(ex() == 0, "any of them");
	chmod("f", 0644);

	mkdir("d", 0755);
	close(open("d/x", O_RDWR | O_CREAT, 0666));
	chown("d", 1000, 1000);
	ok(as(1001, 1001, in) == 0 && as(1001, 1001, mk) == EACCES && as(1001, 1001, rm) == EACCES, "a directory that others may search");
	chmod("d", 0711);
	ok(as(1001, 1001, ls) == EACCES && as(1001, 1001, in) == 0, "search without read");
	chmod("d", 0744);
	ok(as(1001, 1001, ls) == 0 && as(1001, 1001, in) == EACCES, "read without search");
	chmod("d", 01777);
	ok(as(1001, 1001, rm) == EPERM && as(1001, 1001, mv) == EPERM, "sticky: not another's entries");
	ok(as(1000, 1000, mv) == 0 && rename("d/y", "d/x") == 0, "the directory's owner may");
	chown("d/x", 1001, 1001);
	ok(as(1001, 1001, mv) == 0, "the entry's owner too");

	ok(as(1001, 1001, chm) == EPERM && as(1000, 1000, chm) == 0, "chmod is the owner's");
	ok(as(1000, 1000, cho) == EPERM, "giving a file away is not");
	ok(as(1000, 1000, chg_other) == EPERM && as(1000, 1000, chg_mine) == 0, "only to a group of one's own");
	chmod("f", 0666);
	ok(as(1001, 1001, touch_now) == 0 && as(1001, 1001, touch_then) == EPERM, "times: now for who may write, others for the owner");
	chmod("f", 0444);
	ok(as(1001, 1001, touch_now) == EACCES, "not for who may only read");

	chmod("f", 06777);
	ok(as(1001, 1001, wr_clears) == 0, "a write by another clears set-user-id and set-group-id");
	chmod("f", 06777);
	chown("f", 1000, 1000);
	stat("f", &st);
	ok((st.st_mode & 07000) == 0, "so does chown");
	/* Without group execute, set-group-id stays if who makes the change could have set it. */
	chown("f", 1001, 77);
	chmod("f", 02666);
	ok(as(1001, 77, wr_clears) == 2, "a write by a member of the group leaves set-group-id without group execute");
	ok(as(1001, 1001, wr_clears) == 0, "one by another does not");
	chmod("f", 02666);
	ok(as(1001, 77, cut_clears) == 2 && as(1001, 1001, cut_clears) == 0, "truncate alike");
	chmod("f", 02666);
	ok(as(1001, 77, own_clears) == 2 && as(1001, 1001, own_clears) == 0, "and chown");
	chmod("f", 02666);
	ok(chown("f", 1001, 77) == 0 && wr_clears() == 2, "root leaves it");
	chown("f", 1000, 55);
	ok(as(1000, 1000, setgid_chmod) == 0, "chmod by somebody outside of the group: no set-group-id");
	mkdir("sg", 02777);
	chown("sg", 0, 55);
	chmod("sg", 02777);
	mkdir("sg/sub", 0755);
	close(open("sg/file", O_RDWR | O_CREAT, 0600));
	ok(stat("sg/sub", &st) == 0 && st.st_gid == 55 && (st.st_mode & S_ISGID), "a set-group-id directory hands on its group, and the bit to directories");
	ok(stat("sg/file", &st) == 0 && st.st_gid == 55, "and to files");
	ok(as(1001, 1001, mkn) == EPERM && as(1001, 1001, mkn_block) == EPERM, "device nodes are root's");
	ok(as(1001, 1001, mkn_none) == 0, "but for character device 0, which is a mark and nothing");
	ok(as(1001, 1001, chr) == EPERM, "chroot too");
	umask(027);
	close(open("u", O_RDWR | O_CREAT, 0666));
	mkdir("ud", 0777);
	ok(stat("u", &st) == 0 && (st.st_mode & 0777) == 0640 && stat("ud", &st) == 0 && (st.st_mode & 0777) == 0750, "umask");
	ok(umask(0) == 027, "which umask returns");
	/* Real against effective ids. */
	chmod("f", 0600);
	chown("f", 0, 0);
	if (setresuid(1001, 0, 0) == 0) {
		ok(access("f", R_OK) == -1 && errno == EACCES, "access asks for the real user");
		ok(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS) == 0 && open("f", O_RDONLY) >= 0, "AT_EACCESS and open for the effective one");
	}
	ok_errno(access("f", 99), EINVAL, "access: a bad mode");
	return done();
}
