/* SPDX-License-Identifier: MIT */
/* ENOSPC: on a small file system of its own (tmpfs) and, on our kernel, on the disk; what was written stays, space comes back. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void fill(const char *dir)
{
	static char buf[65536], back[65536];
	char name[64];
	struct statvfs sv, sv2;
	long long total = 0;
	ssize_t n;
	int fd, good = 1;

	snprintf(name, sizeof(name), "%s/big", dir);
	statvfs(dir, &sv);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ok(fd >= 0, "%s: create", dir);
	for (;;) {
		memset(buf, (int)(total >> 16), sizeof(buf));
		n = write(fd, buf, sizeof(buf));
		if (n < 0)
			break;
		total += n;
		if (n < (ssize_t)sizeof(buf))
			continue;
	}
	ok(n == -1 && errno == ENOSPC, "%s: full after %lld KiB", dir, total >> 10);
	ok(lseek(fd, 0, SEEK_END) == total, "%s: the size is what was written", dir);
	ok(fsync(fd) == 0, "%s: and it is on the disk", dir);
	for (long long at = 0; at + 65536 <= total; at += 65536) {
		memset(buf, (int)(at >> 16), sizeof(buf));
		good &= pread(fd, back, sizeof(back), at) == sizeof(back) && memcmp(buf, back, sizeof(buf)) == 0;
	}
	ok(good, "%s: contents", dir);
	close(fd);
	ok(unlink(name) == 0, "%s: unlink", dir);
	sync();
	statvfs(dir, &sv2);
	ok(sv2.f_bfree + 16 >= sv.f_bfree, "%s: the space is back (%lu, was %lu)", dir, (unsigned long)sv2.f_bfree, (unsigned long)sv.f_bfree);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ok(fd >= 0 && write(fd, buf, 65536) == 65536, "%s: and can be used", dir);
	close(fd);
	unlink(name);
}

int main(void)
{
	/* Only on our own kernel is the disk ours to fill. */
	int own = access("/proc/sys/kernel/poweroff_status", F_OK) == 0;

	plan(own ? 17 : 9);
	mkdir("m", 0700);
	ok(mount("tmpfs", "m", "tmpfs", 0, "size=4m") == 0, "mount");
	fill("m");
	umount("m");
	if (own)
		fill(".");
	return done();
}
