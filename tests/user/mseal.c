/* SPDX-License-Identifier: MIT */
/* mseal(2): what is sealed cannot be unmapped, moved, resized, mapped over, protected anew or thrown away; fork copies it, execve ends it. */
#include "harness.h"
#include "child.h"
#include "exec_util.h"
#include <stdint.h>
#include <sys/mman.h>

enum { RW = PROT_READ | PROT_WRITE, PRIV = MAP_PRIVATE | MAP_ANONYMOUS };
static long seal(void *p, size_t n, unsigned long flags) { return syscall(462, p, n, flags); }

int main(int argc, char **argv)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p, *q, *ro;

	(void)argv;
	if (argc > 1)
		return 42;
	plan(33);
	p = mmap(NULL, 8 * page, RW, PRIV, -1, 0);
	memset(p, 's', 8 * page);
	ok_errno(seal(p, page, 1), EINVAL, "flags");
	ok_errno(seal(p + 1, page, 0), EINVAL, "an odd address");
	ok_errno(seal(p, (size_t)-1, 0), EINVAL, "a length that wraps");
	ok(seal(p, 0, 0) == 0, "length 0");
	munmap(p + 7 * page, page);
	ok_errno(seal(p, 8 * page, 0), ENOMEM, "a hole");
	ok(munmap(p + 6 * page, page) == 0, "and then nothing of it is sealed");
	ok(seal(p + page, 2 * page - 5, 0) == 0 && seal(p + page, 2 * page, 0) == 0, "two pages of six; twice is once");
	ok_errno(munmap(p + page, page), EPERM, "munmap");
	ok_errno(munmap(p, 6 * page), EPERM, "of more than that");
	ok(p[0] == 's' && p[5 * page] == 's', "takes nothing");
	ok_errno(mprotect(p + 2 * page, page, PROT_READ), EPERM, "mprotect");
	ok_errno(mmap(p, 6 * page, RW, PRIV | MAP_FIXED, -1, 0), EPERM, "MAP_FIXED over it");
	ok(p[page] == 's', "its contents stay");
	ok_errno(mremap(p + page, 2 * page, 3 * page, MREMAP_MAYMOVE), EPERM, "mremap: grow");
	ok_errno(mremap(p + page, 2 * page, page, 0), EPERM, "shrink");
	q = mmap(NULL, page, RW, PRIV, -1, 0);
	ok_errno(mremap(q, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, p + page), EPERM, "something else onto it");
	ok(q[0] == 0, "which stays where it was");
	p[page] = 'w';
	ok(p[page] == 'w', "it can be written");
	ok(madvise(p + page, page, MADV_DONTNEED) == 0 && p[page] == 0, "and so thrown away by who may write");
	ok(munmap(p, page) == 0 && munmap(p + 3 * page, 3 * page) == 0, "its neighbours are free to go");
	ro = mmap(NULL, 2 * page, RW, PRIV, -1, 0);
	memset(ro, 'r', 2 * page);
	ok(mprotect(ro, 2 * page, PROT_READ) == 0 && seal(ro, page, 0) == 0, "a page that is only read");
	ok_errno(madvise(ro, page, MADV_DONTNEED), EPERM, "cannot be thrown away");
	ok_errno(madvise(ro, page, MADV_FREE), EPERM, "nor freed");
	ok_errno(madvise(ro, page, MADV_WIPEONFORK), EPERM, "nor wiped for a child");
	ok(madvise(ro, page, MADV_WILLNEED) == 0 && madvise(ro, page, MADV_COLD) == 0 && ro[0] == 'r', "other advice is taken");
	ok(madvise(ro + page, page, MADV_DONTNEED) == 0 && ro[page] == 0, "the next page is another matter");
	ok_errno(mprotect(ro, 2 * page, RW), EPERM, "mprotect from the sealed page on");
	ok(in_child(munmap(ro, page) == -1 && errno == EPERM && ro[0] == 'r' ? 42 : 1) == 42, "a child's copy is sealed");
	ok(in_child(exec_status(self_path(), (char *[]){ (char *)"x", (char *)"child", NULL }, environ)) == 42, "execve is not hindered");
	/* a file's */
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	if (ftruncate(fd, (off_t)page))
		bail("ftruncate");
	q = mmap(NULL, page, RW, MAP_SHARED, fd, 0);
	q[0] = 'f';
	ok(seal(q, page, 0) == 0 && munmap(q, page) == -1 && errno == EPERM, "a shared file's");
	ok(madvise(q, page, MADV_DONTNEED) == 0 && q[0] == 'f', "loses nothing by advice");
	/* the heap */
	char *top = sbrk(4 * (long)page);
	char *aligned = (char *)(((uintptr_t)top + page - 1) & ~(page - 1));
	ok(seal(aligned, page, 0) == 0 && syscall(SYS_brk, top) > (long)top, "a sealed heap does not shrink");
	ok(aligned[0] == 0, "and is there");
	return done();
}
