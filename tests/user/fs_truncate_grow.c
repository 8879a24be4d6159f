/* SPDX-License-Identifier: MIT */
/* Cutting and growing at every kind of offset, compared with a model in memory; mappings see it. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX = 600000 };
static unsigned char model[MAX], buf[MAX];
static unsigned long long seed = 88172645463325252ull;

static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

int main(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), bad = 0;
	unsigned size = 0;
	struct stat st;

	plan(8);
	ok(fd >= 0, "create");
	for (int i = 0; i < 600 && !bad; i++) {
		unsigned off = rnd(MAX), n = rnd(9000), to;

		switch (rnd(4)) {
		case 0:
		case 1:
			if (off + n > MAX)
				n = MAX - off;
			for (unsigned k = 0; k < n; k++)
				model[off + k] = buf[k] = (unsigned char)(i * 13 + k);
			bad |= n && pwrite(fd, buf, n, off) != (ssize_t)n;
			if (n && off + n > size)
				size = off + n;
			break;
		case 2:
			to = rnd(MAX);
			bad |= ftruncate(fd, to) != 0;
			if (to < size)
				memset(model + to, 0, size - to);
			size = to;
			break;
		case 3:
			if (rnd(8) == 0)
				fsync(fd);
			if (rnd(4) == 0)
				posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
			bad |= pread(fd, buf, MAX, 0) != (ssize_t)size || memcmp(buf, model, size) != 0;
			break;
		}
		if (bad)
			printf("# step %d, size %u\n", i, size);
	}
	ok(!bad, "600 random steps");
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	ok(pread(fd, buf, MAX, 0) == (ssize_t)size && memcmp(buf, model, size) == 0, "read back, %u bytes", size);
	ok(fstat(fd, &st) == 0 && st.st_size == size, "size");
	ok(ftruncate(fd, 10000) == 0, "cut to 10000");
	unsigned char *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	p[9999] = 'e';
	ok(ftruncate(fd, 5000) == 0 && ftruncate(fd, 16384) == 0 && p[5000] == 0 && p[9999] == 0 && p[16383] == 0, "the mapping sees zeros");
	p[16000] = 'q';
	ok(pread(fd, buf, 1, 16000) == 1 && buf[0] == 'q', "and writes to the file");
	ok_errno(ftruncate(fd, -1), EINVAL, "negative size");
	return done();
}
