/* SPDX-License-Identifier: MIT */
/* mmap(2), mprotect(2), mremap(2), madvise(2): what is refused, with which error, in which order. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/resource.h>

static long map(void *a, size_t len, int prot, int flags, int fd, off_t off)
{
	void *p = mmap(a, len, prot, flags, fd, off);

	if (p == MAP_FAILED)
		return -1;
	munmap(p, len);
	return 0;
}

int main(void)
{
	int rd, wr, rw, dir, pipefd[2], null;
	char *p;
	enum { ANON = MAP_PRIVATE | MAP_ANONYMOUS, RW = PROT_READ | PROT_WRITE };

	plan(36);
	rw = open("f", O_RDWR | O_CREAT, 0600);
	if (ftruncate(rw, 8192) || pipe(pipefd))
		bail("set-up");
	rd = open("f", O_RDONLY);
	wr = open("f", O_WRONLY);
	dir = open(".", O_RDONLY);
	null = open("/dev/null", O_RDWR);
	ok_errno(map(NULL, 0, RW, ANON, -1, 0), EINVAL, "no length");
	ok_errno(map(NULL, (size_t)-4096, RW, ANON, -1, 0), ENOMEM, "more than there are addresses");
	ok_errno(map(NULL, 1ul << 60, RW, ANON, -1, 0), ENOMEM, "a huge length");
	ok_errno(map(NULL, 4096, RW, MAP_ANONYMOUS, -1, 0), EINVAL, "neither private nor shared");
	ok(map(NULL, 4096, RW, MAP_PRIVATE | MAP_SHARED | MAP_ANONYMOUS, -1, 0) == -1 && errno == EINVAL, "both, without a file");
	ok_errno(map(NULL, 4096, RW, MAP_PRIVATE, -1, 0), EBADF, "no such descriptor");
	ok_errno(map(NULL, 4096, RW, MAP_PRIVATE, 12345, 0), EBADF, "nor that one");
	ok_errno(syscall(SYS_mmap, NULL, 4096, RW, MAP_PRIVATE, rw, 100), EINVAL, "an unaligned offset");
	ok_errno(syscall(SYS_mmap, NULL, 4096, RW, MAP_PRIVATE, -1, 100), EINVAL, "before the descriptor is looked at");
	ok_errno(map((void *)4097, 4096, RW, ANON | MAP_FIXED, -1, 0), EINVAL, "MAP_FIXED, unaligned");
	ok(map((void *)4097, 4096, RW, ANON, -1, 0) == 0, "as a hint it may be");
	ok_errno(map((void *)-8192L, 4096, RW, ANON | MAP_FIXED, -1, 0), ENOMEM, "MAP_FIXED, outside");
	ok_errno(map(NULL, 4096, RW, MAP_SHARED, rd, 0), EACCES, "shared and writable, of what is open for reading");
	ok(map(NULL, 4096, RW, MAP_PRIVATE, rd, 0) == 0, "private it may be");
	ok_errno(map(NULL, 4096, PROT_READ, MAP_PRIVATE, wr, 0), EACCES, "of what is open for writing only");
	ok_errno(map(NULL, 4096, PROT_NONE, MAP_SHARED, wr, 0), EACCES, "even without access");
	ok_errno(map(NULL, 4096, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV, "a directory");
	ok_errno(map(NULL, 4096, PROT_READ, MAP_PRIVATE, pipefd[0], 0), ENODEV, "a pipe");
	ok_errno(map(NULL, 4096, PROT_READ, MAP_PRIVATE, null, 0), ENODEV, "/dev/null");
	ok_errno(map(NULL, 8192, PROT_READ, MAP_PRIVATE, rw, 0x7ffffffffffff000), EOVERFLOW, "an offset that wraps");
	ok_errno(map(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, rw, 0), EOPNOTSUPP, "MAP_SHARED_VALIDATE knows what it does not know");
	p = mmap(NULL, 3 * 4096, RW, ANON, -1, 0);
	ok(mmap(p, 4096, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST, "MAP_FIXED_NOREPLACE");
	munmap(p + 4096, 4096);
	ok(mprotect(p, 3 * 4096, PROT_READ) == -1 && errno == ENOMEM, "mprotect over a hole");
	ok_errno(mprotect(p + 1, 4096, PROT_READ), EINVAL, "unaligned");
	ok_errno(mprotect(p, 4096, 0x100), EINVAL, "no such protection");
	ok(mprotect(p, 0, PROT_READ) == 0, "no length: nothing to do");
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, rd, 0);
	ok_errno(mprotect(p, 4096, RW), EACCES, "writable, of what is open for reading");
	p = mmap(NULL, 2 * 4096, RW, ANON, -1, 0);
	ok(mremap(p + 1, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL, "mremap unaligned");
	ok(mremap(p, 4096, 0, MREMAP_MAYMOVE) == MAP_FAILED && errno == EINVAL, "to nothing");
	ok(mremap(p, 4096, 8192, 8) == MAP_FAILED && errno == EINVAL, "unknown flags");
	ok(mremap(p, 4096, 4096, MREMAP_FIXED, p + 8192) == MAP_FAILED && errno == EINVAL, "MREMAP_FIXED without MREMAP_MAYMOVE");
	ok(mremap(p, 8192, 8192, MREMAP_MAYMOVE | MREMAP_FIXED, p + 4096) == MAP_FAILED && errno == EINVAL, "onto itself");
	ok(mremap((void *)0x10000, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED && errno == EFAULT, "of nothing");
	ok_errno(madvise(p, 4096, 9999), EINVAL, "unknown advice");
	ok_errno(madvise(p + 1, 4096, MADV_NORMAL), EINVAL, "unaligned advice");
	/* RLIMIT_AS and RLIMIT_DATA bound what is mapped */
	ok(in_child(({
		struct rlimit rl = { 64 << 20, 64 << 20 };
		int bad = 0;
		setrlimit(RLIMIT_AS, &rl);
		bad |= mmap(NULL, 128 << 20, RW, ANON, -1, 0) != MAP_FAILED || errno != ENOMEM;
		bad |= map(NULL, 1 << 20, RW, ANON, -1, 0) != 0;
		bad |= sbrk(128 << 20) != (void *)-1 || errno != ENOMEM;
		bad; })) == 0, "RLIMIT_AS");
	return done();
}
