/* SPDX-License-Identifier: MIT */
/* pipe2(2): which flag reaches which end, bad flags make nothing, a bad address closes what was made. */
#include "harness.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static int *volatile bad = (int *)8;

static int open_fds(void)
{
	int n = 0;

	for (int i = 0; i < 64; i++)
		n += fcntl(i, F_GETFD) != -1;
	return n;
}

static void flags(int f, int want_fd, int want_fl, const char *what)
{
	int p[2];

	ok(pipe2(p, f) == 0 && fcntl(p[0], F_GETFD) == want_fd && fcntl(p[1], F_GETFD) == want_fd &&
	   (fcntl(p[0], F_GETFL) & (O_NONBLOCK | O_DIRECT)) == (want_fl & O_NONBLOCK) && (fcntl(p[1], F_GETFL) & (O_NONBLOCK | O_DIRECT)) == want_fl, "%s", what);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	int p[2], before = open_fds();
	struct rlimit r;
	char *page;

	plan(15);
	flags(0, 0, 0, "no flags");
	flags(O_CLOEXEC, FD_CLOEXEC, 0, "O_CLOEXEC");
	flags(O_NONBLOCK, 0, O_NONBLOCK, "O_NONBLOCK");
	flags(O_DIRECT, 0, O_DIRECT, "O_DIRECT, which the write end has");
	flags(O_CLOEXEC | O_NONBLOCK | O_DIRECT, FD_CLOEXEC, O_NONBLOCK | O_DIRECT, "all");
	ok_errno(pipe2(p, O_APPEND), EINVAL, "O_APPEND is refused");
	ok_errno(pipe2(p, O_RDWR), EINVAL, "an access mode is refused");
	ok_errno(pipe2(bad, O_TRUNC), EINVAL, "flags are looked at before the address");
	ok_errno(pipe2(bad, 0), EFAULT, "a bad address");
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(page + 4096, 4096, PROT_NONE);
	ok_errno(pipe2((bad = (int *)(page + 4092)), 0), EFAULT, "an address of which half is there");
	ok(open_fds() == before, "no descriptor is left by those");
	ok(pipe2(p, 0) == 0 && p[1] == p[0] + 1, "the two lowest numbers, the reader first");
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = (rlim_t)p[1] + 2;
	setrlimit(RLIMIT_NOFILE, &r);
	before = open_fds();
	ok_errno(pipe2(p, 0), EMFILE, "room for one descriptor only");
	ok(open_fds() == before, "leaves none");
	ok(dup(0) == (int)r.rlim_cur - 1, "and that one is free again");
	return done();
}
