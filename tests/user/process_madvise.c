/* SPDX-License-Identifier: MIT */
/* process_madvise(2): advice about one's own memory and another process's, several ranges at once; what is refused, in which order. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/uio.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
static long advise(int fd, const struct iovec *v, size_t n, int advice, unsigned flags) { return syscall(SYS_process_madvise, fd, v, n, advice, flags); }
static int pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[3] = { { p, page }, { p + 2 * page, 2 * page }, { p + 6 * page, page } }, odd = { p + 1, page };
	int self = pidfd(getpid()), child, gone;
	pid_t pid;

	plan(19);
	memset(p, 'm', 8 * page);
	ok(advise(self, v, 3, MADV_COLD, 0) == (long)(4 * page), "three ranges of our own: the bytes of all");
	ok(p[0] == 'm' && p[7 * page] == 'm', "nothing is lost");
	ok(advise(self, v, 0, MADV_COLD, 0) == 0, "no ranges");
	ok_errno(advise(self, v, 1, MADV_COLD, 1), EINVAL, "flags");
	ok_errno(advise(-1, v, 1, MADV_COLD, 0), EBADF, "no descriptor");
	ok_errno(advise(1, v, 1, MADV_COLD, 0), EBADF, "one that is of no process");
	ok_errno(advise(-1, (void *)8, 1, MADV_COLD, 0), EFAULT, "ranges from nowhere come first");
	ok_errno(advise(self, v, 1025, MADV_COLD, 0), EINVAL, "too many");
	ok_errno(advise(self, &odd, 1, MADV_COLD, 0), EINVAL, "an odd address");
	ok_errno(advise(self, v, 1, 9999, 0), EINVAL, "unknown advice");
	munmap(p + 3 * page, page);
	ok(advise(self, v, 3, MADV_COLD, 0) == (long)page, "a hole ends it: the bytes before");
	ok_errno(advise(self, v + 1, 2, MADV_COLD, 0), ENOMEM, "if there were any");

	pid = fork();
	if (!pid)
		for (;;)
			pause();
	child = pidfd(pid);
	ok(advise(child, v, 1, MADV_COLD, 0) == (long)page && advise(child, v, 1, MADV_PAGEOUT, 0) == (long)page && advise(child, v, 1, MADV_WILLNEED, 0) == (long)page, "a child's memory");
	ok_errno(advise(child, v, 1, MADV_DONTNEED, 0), EINVAL, "cannot be thrown away");
	ok_errno(advise(child, v, 1, MADV_DONTFORK, 0), EINVAL, "nor changed");
	ok(in_child(setresuid(1000, 1000, 1000) || advise(child, v, 1, MADV_COLD, 0) != -1 || errno != EACCES) == 0, "another user's: EACCES");
	kill(pid, SIGKILL);
	wait_state(pid, 0, 'Z');
	ok_errno(advise(child, v, 1, MADV_COLD, 0), ESRCH, "of one that has ended: ESRCH");
	exit_of(pid);
	ok_errno(advise(child, v, 1, MADV_COLD, 0), ESRCH, "or is gone");
	gone = advise(child, v, 1, MADV_COLD, 1) == -1 && errno == EINVAL;
	ok(gone, "flags come first");
	return done();
}
