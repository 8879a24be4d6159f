/* SPDX-License-Identifier: MIT */
/*
 * A file that grows within a page that is mapped and has been written to: what is stored in the new part is in the file, also when its
 * blocks are smaller than a page (tests/integration/hosted.sh runs this in such a file system).
 */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum way { WRITE, WRITE_FURTHER, TRUNCATE, ALLOCATE };

static int grow(int fd, enum way way, size_t page)
{
	static char tail[65536];

	switch (way) {
	case WRITE: return pwrite(fd, tail, page - 100, 100) == (ssize_t)(page - 100) ? 0 : -1;
	case WRITE_FURTHER: return pwrite(fd, "z", 1, (off_t)page - 1) == 1 ? 0 : -1;
	case TRUNCATE: return ftruncate(fd, (off_t)page);
	default: return fallocate(fd, 0, (off_t)page - 100, 100);
	}
}

int main(void)
{
	static const char *const names[] = { "write", "write behind a gap", "ftruncate", "fallocate" };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), middle = page / 2, high = page - 200;

	plan(8);
	for (enum way way = WRITE; way <= ALLOCATE; way++) {
		int fd = open("grows", O_RDWR | O_CREAT | O_TRUNC, 0600);
		char *p, back[3];

		if (fd < 0 || ftruncate(fd, 100))
			bail("set-up");
		p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			bail("mmap");
		p[0] = 'a';
		ok(grow(fd, way, page) == 0 && lseek(fd, 0, SEEK_END) == (off_t)page, "%s: a page long", names[way]);
		p[middle] = 'b';
		p[high] = 'c';
		munmap(p, page);
		if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			bail("fsync");
		pread(fd, back, 1, 0);
		pread(fd, back + 1, 1, (off_t)middle);
		pread(fd, back + 2, 1, (off_t)high);
		ok(!memcmp(back, "abc", 3), "%s: what was stored is in the file", names[way]);
		close(fd);
	}
	unlink("grows");
	return done();
}
