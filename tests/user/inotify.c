/* SPDX-License-Identifier: MIT */
/* inotify(7): events of a directory and of a file, names, cookies, masks, removal. */
#include "harness.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char buf[8192] __attribute__((aligned(8)));
static int have, at;

/* The next event, or NULL. */
static struct inotify_event *next(int fd)
{
	struct inotify_event *ev;

	if (at >= have) {
		have = (int)read(fd, buf, sizeof(buf));
		at = 0;
		if (have <= 0)
			return NULL;
	}
	ev = (struct inotify_event *)(buf + at);
	at += (int)sizeof(*ev) + (int)ev->len;
	return ev;
}

static int expect(int fd, int wd, unsigned mask, const char *name)
{
	struct inotify_event *ev = next(fd);

	if (ev && ev->wd == wd && ev->mask == mask && (name ? ev->len && !strcmp(ev->name, name) : !ev->len))
		return 1;
	if (ev)
		printf("# wd %d mask %#x name %s, expected wd %d mask %#x\n", ev->wd, ev->mask, ev->len ? ev->name : "-", wd, mask);
	return 0;
}

int main(void)
{
	struct inotify_event *ev;
	struct pollfd pf;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), d, f, g, n;
	unsigned cookie;
	char small[8];
	struct iovec v[2] = { { buf, 0 }, { buf + 512, 512 } };

	if (fd < 0)
		bail("inotify_init1");
	mkdir("dir", 0755);
	d = inotify_add_watch(fd, "dir", IN_ALL_EVENTS);
	ok(d > 0, "a watch on a directory");
	ok_errno(read(fd, buf, sizeof(buf)), EAGAIN, "nothing yet");
	pf = (struct pollfd){ .fd = fd, .events = POLLIN };
	ok(poll(&pf, 1, 0) == 0, "poll agrees");
	g = open("dir/a", O_RDWR | O_CREAT, 0600);
	ok(poll(&pf, 1, 0) == 1 && ioctl(fd, FIONREAD, &n) == 0 && n > 0, "something is there");
	ok_errno(read(fd, small, sizeof(small)), EINVAL, "too small a buffer");
	ok(expect(fd, d, IN_CREATE, "a") && expect(fd, d, IN_OPEN, "a"), "create, open");
	if (write(g, "x", 1) != 1)
		bail("write");
	close(g);
	ok(expect(fd, d, IN_MODIFY, "a") && expect(fd, d, IN_CLOSE_WRITE, "a"), "modify, close");
	chmod("dir/a", 0644);
	ok(expect(fd, d, IN_ATTRIB, "a"), "attributes");
	ok(chown("dir/a", (uid_t)-1, (gid_t)-1) == 0 && read(fd, buf, sizeof(buf)) == -1 && errno == EAGAIN, "to change nobody's owner is no news");
	ok(chown("dir/a", geteuid(), (gid_t)-1) == 0 && expect(fd, d, IN_ATTRIB, "a"), "to set the owner is");
	g = open("dir/a", O_RDONLY);
	n = (int)read(g, small, 1);
	close(g);
	ok(n == 1 && expect(fd, d, IN_OPEN, "a") && expect(fd, d, IN_ACCESS, "a") && expect(fd, d, IN_CLOSE_NOWRITE, "a"), "open, access, close");
	rename("dir/a", "dir/bb");
	ev = next(fd);
	ok(ev && ev->mask == IN_MOVED_FROM && !strcmp(ev->name, "a") && ev->cookie, "moved from");
	cookie = ev ? ev->cookie : 0;
	ev = next(fd);
	ok(ev && ev->mask == IN_MOVED_TO && !strcmp(ev->name, "bb") && ev->cookie == cookie, "moved to, the same cookie");
	mkdir("dir/sub", 0755);
	ok(expect(fd, d, IN_CREATE | IN_ISDIR, "sub"), "a directory");
	g = open("dir/sub", O_RDONLY | O_DIRECTORY);
	ok(g >= 0 && syscall(SYS_getdents64, g, small, 1) == -1 && errno == EINVAL && expect(fd, d, IN_OPEN | IN_ISDIR, "sub") &&
	   expect(fd, d, IN_ACCESS | IN_ISDIR, "sub"), "whoever lists it accesses it, be it in vain");
	ok(syscall(SYS_getdents64, g, buf + 4096, 4096) > 0 && expect(fd, d, IN_ACCESS | IN_ISDIR, "sub"), "each time");
	ok(syscall(SYS_getdents64, g, buf + 4096, 4096) == 0 && expect(fd, d, IN_ACCESS | IN_ISDIR, "sub"), "also at the end");
	close(g);
	ok(expect(fd, d, IN_CLOSE_NOWRITE | IN_ISDIR, "sub"), "and closes it");
	rmdir("dir/sub");
	ok(expect(fd, d, IN_DELETE | IN_ISDIR, "sub"), "is gone");
	f = inotify_add_watch(fd, "dir/bb", IN_MODIFY | IN_DELETE_SELF | IN_ATTRIB);
	ok(f > 0 && f != d, "a watch on a file");
	ok(inotify_add_watch(fd, "dir/bb", IN_ALL_EVENTS) == f, "again: the same number");
	ok_errno(inotify_add_watch(fd, "dir/bb", IN_MODIFY | IN_MASK_CREATE), EEXIST, "IN_MASK_CREATE");
	inotify_add_watch(fd, "dir/bb", IN_DELETE_SELF);
	ok(inotify_add_watch(fd, "dir", IN_DELETE) == d, "the directory's mask is replaced");
	unlink("dir/bb");
	for (n = 0; n != 7 && (ev = next(fd));)	/* in which order depends on Linux's version */
		n |= ev->wd == d && ev->mask == IN_DELETE && !strcmp(ev->name, "bb") ? 1 : ev->wd == f && ev->mask == IN_DELETE_SELF ? 2 :
		     ev->wd == f && ev->mask == IN_IGNORED ? 4 : 0;
	ok(n & 1, "delete in the directory");
	ok(n & 2, "of the file itself");
	ok(n & 4, "and the end of its watch");
	ok_errno(inotify_rm_watch(fd, f), EINVAL, "which is gone");
	ok(inotify_rm_watch(fd, d) == 0 && expect(fd, d, IN_IGNORED, NULL), "removing one says IN_IGNORED");
	d = inotify_add_watch(fd, "dir", IN_CREATE | IN_ONESHOT);
	close(open("dir/1", O_RDWR | O_CREAT, 0600));
	close(open("dir/2", O_RDWR | O_CREAT, 0600));
	ok(expect(fd, d, IN_CREATE, "1") && expect(fd, d, IN_IGNORED, NULL) && !next(fd), "IN_ONESHOT");
	d = inotify_add_watch(fd, "dir/1", IN_ATTRIB | IN_MODIFY);
	chmod("dir/1", 0640);
	v[0].iov_len = 0;
	ok_errno(readv(fd, v, 2), EINVAL, "an empty segment is a buffer that is too small");
	v[0].iov_len = sizeof(*ev);
	ok(readv(fd, v, 2) == sizeof(*ev) && ((struct inotify_event *)buf)->wd == d, "a segment is filled, for the next there is nothing");
	chmod("dir/1", 0600);
	ok(truncate("dir/1", 1) == 0 && readv(fd, v, 2) == 2 * sizeof(*ev), "two segments, an event each");
	ok(((struct inotify_event *)buf)->mask == IN_ATTRIB && ((struct inotify_event *)(buf + 512))->mask == IN_MODIFY, "in order");
	inotify_rm_watch(fd, d);
	ok(expect(fd, d, IN_IGNORED, NULL), "no more of it");
	d = inotify_add_watch(fd, "dir", IN_OPEN | IN_MODIFY | IN_CLOSE | IN_DELETE | IN_EXCL_UNLINK);
	g = open("dir/3", O_RDWR | O_CREAT, 0600);
	ok(expect(fd, d, IN_OPEN, "3") && write(g, "x", 1) == 1 && expect(fd, d, IN_MODIFY, "3"), "IN_EXCL_UNLINK: news as long as it has its name");
	unlink("dir/3");
	ok(expect(fd, d, IN_DELETE, "3") && write(g, "x", 1) == 1 && close(g) == 0 && !next(fd), "none after");
	inotify_rm_watch(fd, d);
	ok(expect(fd, d, IN_IGNORED, NULL), "the end of it");
	ok_errno(inotify_add_watch(fd, "dir", 0), EINVAL, "no event asked for");
	ok_errno(inotify_add_watch(fd, "nowhere", IN_CREATE), ENOENT, "an absent path");
	ok_errno(inotify_add_watch(fd, "dir/1", IN_CREATE | IN_ONLYDIR), ENOTDIR, "IN_ONLYDIR");
	ok_errno(inotify_add_watch(0, "dir", IN_CREATE), EINVAL, "not an inotify descriptor");
	ok_errno(inotify_init1(1), EINVAL, "an unknown flag");
	return done();
}
