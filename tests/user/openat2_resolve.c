/* SPDX-License-Identifier: MIT */
/* openat2(2): what each RESOLVE_ flag stops and what it lets through, also while the tree changes under it. */
#include "harness.h"
#include "child.h"
#include <stdint.h>
#include <sys/stat.h>

struct how { uint64_t flags, mode, resolve; };
enum { NO_XDEV = 1, NO_MAGIC = 2, NO_LINKS = 4, BENEATH = 8, IN_ROOT = 16, CACHED = 32 };
static int o2(int d, const char *p, uint64_t flags, uint64_t resolve)
{
	struct how h = { flags, flags & O_CREAT ? 0600 : 0, resolve };
	int fd = (int)syscall(437, d, p, &h, sizeof(h));

	return fd;
}
static int opens(int d, const char *p, uint64_t resolve)
{
	int fd = o2(d, p, O_RDONLY, resolve);

	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : errno;
}

int main(void)
{
	int d, up, p[2], bad = 0;
	char abs[4096], link_[4200];
	struct stat st;
	pid_t w;

	plan(33);
	mkdir("root", 0755);
	mkdir("root/a", 0755);
	mkdir("root/a/b", 0755);
	close(open("root/f", O_CREAT | O_RDWR, 0600));
	close(open("outside", O_CREAT | O_RDWR, 0600));
	close(open("root/outside", O_CREAT | O_RDWR, 0600));
	symlink("f", "root/in");
	symlink("../outside", "root/out");
	symlink("/f", "root/abs");
	symlink("a/b/../../f", "root/zigzag");
	symlink("/proc/self/fd", "root/proc");
	d = open("root", O_PATH | O_DIRECTORY);
	up = open(".", O_RDONLY);
	if (!getcwd(abs, sizeof(abs)))
		bail("getcwd");
	ok(opens(d, "f", BENEATH) == 0, "BENEATH: a file in it");
	ok(opens(d, "in", BENEATH) == 0, "a link in it");
	ok(opens(d, "zigzag", BENEATH) == 0, "up and down inside");
	ok(opens(d, "a/../f", BENEATH) == 0, "..");
	ok(opens(d, "../outside", BENEATH) == EXDEV, "above it: EXDEV");
	ok(opens(d, "a/../../root/f", BENEATH) == EXDEV, "out and in again: EXDEV");
	ok(opens(d, "out", BENEATH) == EXDEV, "by a link: EXDEV");
	ok(opens(d, "abs", BENEATH) == EXDEV, "by an absolute link: EXDEV");
	snprintf(link_, sizeof(link_), "%s/root/f", abs);
	ok(opens(d, link_, BENEATH) == EXDEV, "an absolute path: EXDEV");
	ok(opens(d, "..", BENEATH) == EXDEV && opens(d, ".", BENEATH) == 0, ".. itself");
	ok(opens(d, "f", IN_ROOT) == 0 && opens(d, "/f", IN_ROOT) == 0, "IN_ROOT: / is the directory");
	ok(opens(d, "abs", IN_ROOT) == 0, "for links, too");
	ok(opens(d, "../../../f", IN_ROOT) == 0, ".. stops there");
	int fd = o2(d, "out", O_RDONLY, IN_ROOT);
	struct stat in;
	ok(fd >= 0 && fstat(fd, &st) == 0 && stat("root/outside", &in) == 0 && st.st_ino == in.st_ino, "a link that points out leads to what is inside");
	ok(opens(d, "in", NO_LINKS) == ELOOP, "NO_SYMLINKS: ELOOP");
	ok(opens(d, "f", NO_LINKS) == 0, "no link, no matter");
	ok(o2(d, "in", O_PATH | O_NOFOLLOW, NO_LINKS) >= 0, "the link itself may be opened");
	symlink("a", "root/dirlink");
	ok(opens(d, "dirlink/b", NO_LINKS) == ELOOP, "in the middle of a path");
	ok(opens(d, "proc/0", NO_MAGIC) == ELOOP, "NO_MAGICLINKS");
	ok(opens(d, "in", NO_MAGIC) == 0, "ordinary ones pass");
	ok(opens(d, "proc/0", BENEATH) == EXDEV, "BENEATH: a link to elsewhere");
	ok(opens(up, "/proc/self/status", NO_XDEV) == EXDEV || opens(up, "/proc/self/status", NO_XDEV) == 0, "NO_XDEV: from / into /proc");
	ok(opens(up, "/proc", NO_XDEV) == EXDEV, "onto a mount's root");
	ok(opens(up, "root/f", NO_XDEV) == 0, "within one");
	ok(opens(d, "f", BENEATH | IN_ROOT) == EINVAL, "BENEATH and IN_ROOT");
	ok(opens(d, "f", 64) == EINVAL, "unknown");
	ok(o2(d, "new", O_RDWR | O_CREAT, BENEATH) >= 0 && access("root/new", F_OK) == 0, "creation beneath");
	ok(o2(d, "../new", O_RDWR | O_CREAT, BENEATH) == -1 && errno == EXDEV && access("new", F_OK) == -1, "not above");
	ok(o2(d, "out2", O_RDWR | O_CREAT | O_EXCL, IN_ROOT) >= 0, "O_EXCL");
	int r = opens(d, "f", CACHED);
	ok(r == 0 || r == EAGAIN, "CACHED: at once or EAGAIN");
	ok(o2(d, "cc", O_RDWR | O_CREAT, CACHED) == -1 && (errno == EAGAIN || errno == EINVAL), "not with O_CREAT");
	/* A directory is moved out and in while somebody walks up from it: never out of the root. */
	mkdir("elsewhere", 0755);
	if (pipe(p))
		bail("pipe");
	if (!(w = fork())) {
		char c;

		close(p[1]);
		fcntl(p[0], F_SETFL, O_NONBLOCK);
		stat("outside", &in);
		do {
			int f = o2(d, "a/b/../../outside", O_RDONLY, BENEATH);

			if (f >= 0) {
				if (fstat(f, &st) == 0 && st.st_ino == in.st_ino)
					_exit(1);
				close(f);
			} else if (errno != EXDEV && errno != EAGAIN && errno != ENOENT) {
				_exit(errno);
			}
		} while (read(p[0], &c, 1) != 0);
		_exit(0);
	}
	close(p[0]);
	for (int i = 0; i < 300; i++)
		bad += rename("root/a", "elsewhere/a") || rename("elsewhere/a", "root/a");
	close(p[1]);
	ok(bad == 0, "a directory moved out and in 300 times");
	ok(exit_of(w) == 0, "BENEATH never left the root");
	return done();
}
