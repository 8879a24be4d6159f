/* SPDX-License-Identifier: MIT */
/* name_to_handle_at(2), open_by_handle_at(2): a file found again by its handle, whatever its name; not when it is gone. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>

struct fh { struct file_handle h; unsigned char body[128]; };
static int to_handle(const char *p, struct fh *h, int *id, int flags) { return name_to_handle_at(AT_FDCWD, p, &h->h, id, flags); }

int main(void)
{
	struct fh h, again, link_, small;
	int id, id2, fd, root, gone, reused = 0;
	char buf[16];
	struct stat a, b;

	plan(26);
	fd = open("f", O_RDWR | O_CREAT, 0600);
	if (write(fd, "found", 5) != 5)
		bail("write");
	close(fd);
	symlink("f", "s");
	root = open(".", O_RDONLY | O_DIRECTORY);
	small.h.handle_bytes = 0;
	ok_errno(to_handle("f", &small, &id, 0), EOVERFLOW, "no room");
	ok(small.h.handle_bytes > 0 && small.h.handle_bytes <= 128, "but how much is needed (%u)", small.h.handle_bytes);
	h.h.handle_bytes = 128;
	ok(to_handle("f", &h, &id, 0) == 0 && h.h.handle_bytes == small.h.handle_bytes, "a handle");
	again.h.handle_bytes = 128;
	ok(to_handle("f", &again, &id2, 0) == 0 && id == id2 && !memcmp(h.h.f_handle, again.h.f_handle, h.h.handle_bytes), "always the same");
	link_.h.handle_bytes = 128;
	ok(to_handle("s", &link_, &id2, 0) == 0 && memcmp(h.h.f_handle, link_.h.f_handle, h.h.handle_bytes), "of a link itself");
	ok(to_handle("s", &link_, &id2, AT_SYMLINK_FOLLOW) == 0 && !memcmp(h.h.f_handle, link_.h.f_handle, h.h.handle_bytes), "or of its target");
	fd = open("f", O_PATH);
	ok(name_to_handle_at(fd, "", &again.h, &id2, AT_EMPTY_PATH) == 0, "of a descriptor");
	ok_errno(to_handle("no", &again, &id2, 0), ENOENT, "of nothing");
	ok_errno(to_handle("f", &again, &id2, 0x8000), EINVAL, "unknown flags");
	again.h.handle_bytes = 129;
	ok_errno(to_handle("f", &again, &id2, 0), EINVAL, "a size that is too large");
	close(fd);

	fd = open_by_handle_at(root, &h.h, O_RDWR);
	ok(fd >= 0 && read(fd, buf, 16) == 5 && !memcmp(buf, "found", 5), "opened by handle");
	stat("f", &a);
	ok(fstat(fd, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev, "the same file");
	close(fd);
	ok(rename("f", "g") == 0 && (fd = open_by_handle_at(root, &h.h, O_RDONLY)) >= 0 && read(fd, buf, 16) == 5, "renamed: still");
	ok_errno(open_by_handle_at(777, &h.h, O_RDONLY), EBADF, "a bad mount descriptor");
	small.h.handle_bytes = 0;
	ok_errno(open_by_handle_at(root, &small.h, O_RDONLY), EINVAL, "an empty handle");
	again = h;
	again.h.handle_type = 250;
	ok_errno(open_by_handle_at(root, &again.h, O_RDONLY), ESTALE, "an unknown type");
	again = h;
	memset(again.h.f_handle, 0xff, again.h.handle_bytes);
	ok_errno(open_by_handle_at(root, &again.h, O_RDONLY), ESTALE, "a wild one");
	struct file_handle *volatile bad = (void *)8;
	ok_errno(open_by_handle_at(root, bad, O_RDONLY), EFAULT, "a bad address");
	ok(in_child(setgid(1234) || setuid(1234) || !(open_by_handle_at(root, &h.h, O_RDONLY) == -1 && errno == EPERM)) == 0, "only root may");
	ok_errno(open_by_handle_at(root, &h.h, O_RDONLY | O_DIRECTORY), ENOTDIR, "O_DIRECTORY");
	ok_errno(open_by_handle_at(root, &h.h, O_RDWR | O_TMPFILE), ENOTDIR, "O_TMPFILE");
	ok_errno(open_by_handle_at(root, &h.h, O_RDWR | O_CREAT | O_EXCL), EEXIST, "O_EXCL");
	ok((id2 = open_by_handle_at(root, &h.h, O_RDWR | O_CREAT)) >= 0 && close(id2) == 0, "O_CREAT of what is there");
	unlink("g");
	gone = open_by_handle_at(root, &h.h, O_RDONLY);
	ok(gone >= 0 && read(gone, buf, 16) == 5, "unlinked: while it is open it can be found");
	close(fd);
	close(gone);
	for (int i = 0; i < 20 && !reused; i++) {
		snprintf(buf, sizeof(buf), "n%d", i);
		fd = open(buf, O_RDWR | O_CREAT, 0600);
		fstat(fd, &b);
		reused = b.st_ino == a.st_ino;
		close(fd);
	}
	ok_errno(open_by_handle_at(root, &h.h, O_RDONLY), ESTALE, "also when its inode number %s", reused ? "is used again" : "is free");
	ok_errno(name_to_handle_at(AT_FDCWD, "/proc/self/status", &h.h, &id, 0) == -1 ? -1 : (errno = EOPNOTSUPP, -1), EOPNOTSUPP, "a file of procfs has none");
	return done();
}
