/* SPDX-License-Identifier: MIT */
/* tmpfs: its options, its limit of bytes and of inodes, holes, links, what remains after an unmount (nothing), statfs that counts. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static char page[4096];

int main(void)
{
	struct statfs a, b;
	struct stat st;
	int fd, n;
	char name[64], *m;

	plan(33);
	umask(0);
	mkdir("t", 0755);
	if (unshare(CLONE_NEWNS) == 0)
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	ok(mount("none", "t", "tmpfs", 0, "size=64k,nr_inodes=10,mode=0751,uid=12,gid=34") == 0, "mounted with options");
	ok(stat("t", &st) == 0 && (st.st_mode & 07777) == 0751 && st.st_uid == 12 && st.st_gid == 34, "mode, uid, gid of its root");
	ok(statfs("t", &a) == 0 && a.f_type == 0x01021994 && a.f_blocks == 16 && a.f_bfree == 16 && a.f_files == 10, "statfs: 16 pages, 10 inodes");
	fd = open("t/f", O_RDWR | O_CREAT, 0600);
	for (n = 0; write(fd, page, 4096) == 4096;)
		n++;
	ok(n == 16 && errno == ENOSPC, "sixteen pages, then ENOSPC (%d)", n);
	ok(statfs("t", &b) == 0 && b.f_bfree == 0 && b.f_ffree == a.f_ffree - 1, "statfs counts");
	ok(ftruncate(fd, 4096) == 0 && statfs("t", &b) == 0 && b.f_bfree == 15, "a cut gives pages back");
	ok(ftruncate(fd, 1 << 20) == 0 && statfs("t", &b) == 0 && b.f_bfree == 15 && fstat(fd, &st) == 0 && st.st_blocks == 8, "a hole takes none");
	{
		static char from_pipe[8192];
		off_t at = 8192;
		int pp[2];

		ok(pipe(pp) == 0 && splice(fd, &at, pp[1], NULL, 8192, 0) == 8192 && read(pp[0], from_pipe, 8192) == 8192 && !from_pipe[0] && !from_pipe[8191] &&
		   fstat(fd, &st) == 0 && st.st_blocks == 8 && statfs("t", &b) == 0 && b.f_bfree == 15, "nor does splice of one");
		close(pp[0]);
		close(pp[1]);
	}
	ok(lseek(fd, 0, SEEK_HOLE) == 4096 && lseek(fd, 4096, SEEK_DATA) == -1 && errno == ENXIO, "SEEK_HOLE, SEEK_DATA");
	int wrote = 0;
	for (n = 1; n < 200; n++)
		wrote += pwrite(fd, "x", 1, n * 4096L) == 1;
	ok(wrote == 15 && fstat(fd, &st) == 0 && st.st_blocks == 128 && statfs("t", &b) == 0 && b.f_bfree == 0, "what is written into holes has sixteen pages as well (%d)", wrote);
	for (n = 0; n < 20; n++)
		wrote += fallocate(fd, 0, (100 + n) * 4096L, 4096) == 0;
	ok(wrote == 15 && fstat(fd, &st) == 0 && st.st_blocks == 128, "fallocate that finds no room leaves nothing");
	if (ftruncate(fd, 4096) || ftruncate(fd, 1 << 20))
		bail("truncate");
	m = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[8192] = 'x';
	ok(pread(fd, page, 1, 8192) == 1 && page[0] == 'x', "a mapping is the file");
	ok(statfs("t", &b) == 0 && b.f_bfree == 14, "its page is counted");
	ok(fallocate(fd, 3 /* keep size, punch */, 8192, 4096) == 0 && statfs("t", &b) == 0 && b.f_bfree == 15 && m[8192] == 0, "a punched hole gives it back");
	munmap(m, 1 << 20);
	close(fd);
	for (n = 0; n < 20; n++) {
		snprintf(name, sizeof(name), "t/i%d", n);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	ok(n == 8 && errno == ENOSPC, "ten inodes: the root, one file and eight more (%d)", n);
	ok_errno(mkdir("t/d", 0700), ENOSPC, "no directory either");
	ok_errno(symlink("x", "t/s"), ENOSPC, "nor a link");
	ok(unlink("t/i0") == 0 && mkdir("t/d", 0700) == 0, "one gone, one made");
	ok(rename("t/i1", "t/d/moved") == 0, "a rename needs none");
	ok(unlink("t/i2") == 0 && symlink("target", "t/s") == 0 && readlink("t/s", page, 100) == 6, "a symbolic link");
	ok_errno(rmdir("t/d"), ENOTEMPTY, "not empty");
	ok_errno(mount("none", "t", "tmpfs", MS_REMOUNT, "size=4k"), EINVAL, "it cannot shrink below what is used");
	/* It holds a page of data. */
	fd = open("t/f", O_RDWR);
	ok(mount("none", "t", "tmpfs", MS_REMOUNT, "size=128k") == 0 && statfs("t", &b) == 0 && b.f_blocks == 32, "it can grow");
	ok_errno(umount("t"), EBUSY, "busy");
	close(fd);
	ok(umount("t") == 0 && access("t/f", F_OK) == -1, "unmounted: the files are gone");
	ok_errno(mount("none", "t", "tmpfs", 0, "no_such_option=1"), EINVAL, "an unknown option");
	ok_errno(mount("none", "t", "tmpfs", 0, "size=banana"), EINVAL, "a size that is none");
	ok(mount("none", "t", "tmpfs", 0, NULL) == 0 && stat("t", &st) == 0 && (st.st_mode & 07777) == 01777, "by default: sticky and open to all");
	ok(statfs("t", &a) == 0 && a.f_blocks > 1000, "half of the memory");
	fd = open("t", O_TMPFILE | O_RDWR, 0600);
	ok(fd >= 0 && write(fd, "x", 1) == 1, "O_TMPFILE");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ok(linkat(AT_FDCWD, name, AT_FDCWD, "t/named", AT_SYMLINK_FOLLOW) == 0 && stat("t/named", &st) == 0 && st.st_size == 1, "gets a name");
	close(fd);
	ok(mknod("t/null", S_IFCHR | 0666, 1 << 8 | 3) == 0 && (fd = open("t/null", O_WRONLY)) >= 0 && write(fd, "x", 1) == 1, "a device node");
	close(fd);
	ok(umount("t") == 0, "and away");
	return done();
}
