/* SPDX-License-Identifier: MIT */
/* getdents64(2): every entry once, types, cookies, small buffers, changes while reading. */
#include "harness.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct dent { uint64_t ino; int64_t off; uint16_t len; uint8_t type; char name[]; };
enum { FILES = 1000 };
static char seen[FILES];

static int type_of(int fd, const char *name)
{
	char buf[4096];
	long n;

	lseek(fd, 0, SEEK_SET);
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			struct dent *d = (struct dent *)(buf + at);

			if (!strcmp(d->name, name))
				return d->type;
			at += d->len;
		}
	return -1;
}

int main(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "t/sock" };
	char name[64], buf[8192];
	struct dent *d;
	struct stat st;
	int fd, dups = 0, alien = 0, dots = 0, missing = 0, calls = 0, wrong_ino = 0;
	int64_t cookie = 0;
	char *after = NULL;
	long n;

	mkdir("t", 0755);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "t/f%03d", i);
		close(open(name, O_RDWR | O_CREAT, 0600));
	}
	fd = open("t", O_RDONLY);
	while ((n = syscall(SYS_getdents64, fd, buf, 1000)) > 0) {
		calls++;
		for (long at = 0; at < n; at += d->len) {
			int k;

			d = (struct dent *)(buf + at);
			if (d->name[0] == '.') {
				dots++;
			} else if (sscanf(d->name, "f%d", &k) == 1 && k >= 0 && k < FILES) {
				dups += seen[k]++;
				if (k % 100 == 0)
					wrong_ino += fstatat(fd, d->name, &st, 0) || st.st_ino != d->ino;
			} else {
				alien++;
			}
		}
	}
	for (int i = 0; i < FILES; i++)
		missing += !seen[i];
	ok(n == 0 && calls > 20, "read in %d pieces", calls);
	ok(dots == 2, ". and ..");
	ok(missing == 0 && dups == 0 && alien == 0, "every name once (%d missing, %d twice)", missing, dups);
	ok(wrong_ino == 0, "with the inode's number");
	ok(syscall(SYS_getdents64, fd, buf, 1000) == 0, "at the end: nothing");
	lseek(fd, 0, SEEK_SET);
	n = syscall(SYS_getdents64, fd, buf, 1000);
	d = (struct dent *)buf;
	for (int i = 0; i < 5; i++)
		d = (struct dent *)((char *)d + d->len);
	cookie = d->off;
	after = strdup(((struct dent *)((char *)d + d->len))->name);
	ok(lseek(fd, cookie, SEEK_SET) == cookie && syscall(SYS_getdents64, fd, buf, 1000) > 0 && !strcmp(((struct dent *)buf)->name, after),
	   "d_off leads to the entry behind");
	ok_errno(syscall(SYS_getdents64, fd, buf, 10), EINVAL, "too small a buffer");
	ok_errno(syscall(SYS_getdents64, fd, 8, 1000), EFAULT, "a bad address");
	ok_errno(syscall(SYS_getdents64, open("t/f000", O_RDONLY), buf, 1000), ENOTDIR, "a file");
	/* Memory that ends midway. */
	char *area = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(area + 4096, 4096);
	lseek(fd, 0, SEEK_SET);
	n = syscall(SYS_getdents64, fd, buf, 1000);
	lseek(fd, 0, SEEK_SET);
	d = (struct dent *)buf;
	ok(syscall(SYS_getdents64, fd, area + 4096 - d->len - 16, 1000) == d->len && lseek(fd, 0, SEEK_CUR) == d->off, "the entries that went whole");
	ok_errno(syscall(SYS_getdents64, fd, area + 4096 - 16, 1000), EFAULT, "not one");
	ok(lseek(fd, 0, SEEK_CUR) == d->off, "nothing is skipped");
	ok_errno(syscall(SYS_getdents64, 999, buf, 1000), EBADF, "a bad descriptor");
	/* Unlinking what has been read must not make readdir skip. */
	memset(seen, 0, sizeof(seen));
	lseek(fd, 0, SEEK_SET);
	while ((n = syscall(SYS_getdents64, fd, buf, 1000)) > 0)
		for (long at = 0; at < n; at += d->len) {
			int k;

			d = (struct dent *)(buf + at);
			if (sscanf(d->name, "f%d", &k) == 1) {
				seen[k]++;
				unlinkat(fd, d->name, 0);
			}
		}
	for (int i = missing = 0; i < FILES; i++)
		missing += !seen[i];
	ok(missing == 0, "all are seen while they are unlinked (%d are not)", missing);
	mkdir("t/dir", 0755);
	symlink("x", "t/link");
	mkfifo("t/fifo", 0600);
	close(open("t/file", O_RDWR | O_CREAT, 0600));
	n = bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&sa, sizeof(sa));
	ok(type_of(fd, "dir") == DT_DIR && type_of(fd, "link") == DT_LNK && type_of(fd, "fifo") == DT_FIFO && type_of(fd, "file") == DT_REG &&
	   type_of(fd, ".") == DT_DIR, "types");
	ok(n == 0 && type_of(fd, "sock") == DT_SOCK, "a socket's type");
	unlink("t/link"), unlink("t/fifo"), unlink("t/file"), unlink("t/sock"), rmdir("t/dir");
	ok(rmdir("t") == 0, "and all are gone");
	ok_errno(syscall(SYS_getdents64, fd, buf, 1000), ENOENT, "a removed directory");
	return done();
}
