/* SPDX-License-Identifier: MIT */
/* rename(2) and renameat2(2): what may replace what, link counts, "..", EXCHANGE, NOREPLACE. */
#include "harness.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int rename2(const char *a, const char *b, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		bail("cannot write %s", name);
	close(fd);
}

static int has(const char *name, const char *text)
{
	char buf[64];
	int fd = open(name, O_RDONLY), n;

	if (fd < 0)
		return 0;
	n = (int)read(fd, buf, sizeof(buf));
	close(fd);
	return n == (int)strlen(text) && memcmp(buf, text, (size_t)n) == 0;
}

static ino_t ino(const char *name)
{
	struct stat st;

	return lstat(name, &st) ? 0 : st.st_ino;
}

static long links(const char *name)
{
	struct stat st;

	return lstat(name, &st) ? -1 : (long)st.st_nlink;
}

int main(void)
{
	ino_t a, b;
	int dirs_count;	/* not every file system counts subdirectories in st_nlink */

	plan(38);
	mkdir("d1", 0755);
	dirs_count = links("d1") == 2;
	put("a", "A");
	put("b", "B");
	ok(rename("a", "c") == 0 && has("c", "A") && ino("a") == 0, "to a new name");
	ok(rename("c", "b") == 0 && has("b", "A") && ino("c") == 0, "replaces a file");
	put("a", "A2");
	link("a", "a2");
	ok(rename("a", "a2") == 0 && ino("a") && ino("a2"), "two names of one file: nothing happens");
	ok(rename("a", "a") == 0 && has("a", "A2"), "to itself");
	ok_errno(rename("none", "x"), ENOENT, "of nothing");
	ok_errno(rename("a", "none/x"), ENOENT, "into nothing");
	ok_errno(rename("a", "b/x"), ENOTDIR, "below a file");
	ok_errno(rename("a", "d1"), EISDIR, "file onto directory");
	ok_errno(rename("d1", "a"), ENOTDIR, "directory onto file");
	ok_errno(rename("d1", "d1/x"), EINVAL, "directory below itself");
	ok_errno(rename("d1/.", "x"), EBUSY, "last component .");
	ok_errno(rename("a", "b/"), ENOTDIR, "file onto file with a slash");
	mkdir("d2", 0755);
	mkdir("d3", 0755);
	put("d3/f", "F");
	ok_errno(rename("d2", "d3"), ENOTEMPTY, "directory onto a full one");
	b = ino("d2");
	mkdir("d4", 0755);
	ok(rename("d2", "d4") == 0 && ino("d4") == b, "directory onto an empty one");
	/* across directories: .. and link counts */
	mkdir("p1", 0755);
	mkdir("p2", 0755);
	mkdir("p1/sub", 0755);
	ok(!dirs_count || links("p1") == 3, "parent counts the child");
	ok(rename("p1/sub", "p2/sub") == 0, "directory to another parent");
	ok(!dirs_count || (links("p1") == 2 && links("p2") == 3), "link counts follow");
	ok(ino("p2/sub/..") == ino("p2"), ".. follows");
	mkdir("p1/sub2", 0755);
	ok(rename("p1/sub2", "p2/sub") == 0 && (!dirs_count || (links("p1") == 2 && links("p2") == 3)) && ino("p2/sub/..") == ino("p2"),
		"onto an empty one elsewhere");
	ok_errno(rename("p2", "p2/sub/x"), EINVAL, "below its own child");
	ok_errno(rename("p2/sub", "p2"), ENOTEMPTY, "onto its own parent");
	/* flags */
	put("x", "X");
	put("y", "Y");
	ok_errno(rename2("x", "y", 1), EEXIST, "NOREPLACE onto something");
	ok(rename2("x", "z", 1) == 0 && has("z", "X"), "NOREPLACE to nothing");
	a = ino("z");
	b = ino("y");
	ok(rename2("z", "y", 2) == 0 && ino("y") == a && ino("z") == b, "EXCHANGE of files");
	ok_errno(rename2("z", "none", 2), ENOENT, "EXCHANGE with nothing");
	ok_errno(rename2("z", "y", 3), EINVAL, "both flags");
	ok_errno(rename2("z", "y", 64), EINVAL, "unknown flag");
	mkdir("p1/e", 0755);
	put("p2/g", "G");
	ok(rename2("p1/e", "p2/g", 2) == 0, "EXCHANGE of directory and file across parents");
	ok(has("p1/e", "G") && ino("p2/g/..") == ino("p2"), "both arrived");
	ok(!dirs_count || (links("p1") == 2 && links("p2") == 4), "link counts follow");
	/* open files live on */
	put("old", "OLD");
	put("new", "NEW");
	int fd = open("old", O_RDONLY);
	struct stat st;
	char buf[8];

	ok(rename("new", "old") == 0 && has("old", "NEW"), "over an open file");
	ok(read(fd, buf, 8) == 3 && memcmp(buf, "OLD", 3) == 0, "which can still be read");
	ok(fstat(fd, &st) == 0 && st.st_nlink == 0, "and has no link");
	close(fd);
	/* symbolic links are renamed, not followed */
	symlink("b", "s");
	ok(rename("s", "s2") == 0 && readlink("s2", buf, 8) == 1, "a symbolic link itself");
	put("t", "T");
	ok(rename("t", "s2") == 0 && has("s2", "T") && has("b", "A"), "replaces the link, not its target");
	char longname[300];

	memset(longname, 'n', sizeof(longname));
	longname[255] = 0;
	ok(rename("b", longname) == 0 && has(longname, "A"), "255 bytes of name");
	longname[255] = 'n';
	longname[256] = 0;
	ok_errno(rename("a", longname), ENAMETOOLONG, "256 are too many");
	ok_errno(rename("", "x"), ENOENT, "empty name");
	return done();
}
