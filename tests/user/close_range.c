/* SPDX-License-Identifier: MIT */
/* close_range(2): a range, to the end, marked instead of closed, a table of one's own first. */
#include "harness.h"
#include "child.h"
#include <pthread.h>

static int cr(unsigned a, unsigned b, unsigned f) { return (int)syscall(436, a, b, f); }
enum { UNSHARE = 2, CLOEXEC = 4 };
static int is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }
static void fill(int from, int to) { for (int i = from; i <= to; i++) dup2(1, i); }
static int count(int from, int to) { int n = 0; for (int i = from; i <= to; i++) n += is_open(i); return n; }

static void *unshare_thread(void *arg)
{
	int r = cr(20, 30, UNSHARE);

	return (void *)(long)(r || is_open(25) || !is_open(31));
}

int main(void)
{
	pthread_t t;
	void *r;
	int p[2];
	char c;

	plan(18);
	fill(10, 40);
	ok(cr(15, 20, 0) == 0 && count(10, 40) == 25 && !is_open(15) && !is_open(20) && is_open(14) && is_open(21), "a range, both ends included");
	ok(cr(15, 20, 0) == 0, "of which none is open");
	ok(cr(40, ~0u, 0) == 0 && !is_open(40) && is_open(39), "to the end of all numbers");
	ok(cr(1000000, 2000000, 0) == 0, "beyond the table");
	ok_errno(cr(20, 10, 0), EINVAL, "backwards");
	ok_errno(cr(10, 20, 1), EINVAL, "unknown flags");
	ok_errno(cr(10, 20, 8), EINVAL, "others");
	fill(10, 40);
	ok(cr(10, 19, CLOEXEC) == 0 && count(10, 40) == 31 && fcntl(10, F_GETFD) == FD_CLOEXEC && fcntl(19, F_GETFD) == FD_CLOEXEC && fcntl(20, F_GETFD) == 0,
	   "CLOSE_RANGE_CLOEXEC marks them");
	ok(cr(30, ~0u, CLOEXEC) == 0 && fcntl(40, F_GETFD) == FD_CLOEXEC, "to the end");
	fill(10, 40);
	pthread_create(&t, NULL, unshare_thread, NULL);
	pthread_join(t, &r);
	ok(r == NULL, "CLOSE_RANGE_UNSHARE: the thread has a table of its own");
	ok(count(10, 40) == 31, "and the others have all of theirs");
	ok(in_child(cr(3, ~0u, UNSHARE) || count(3, 50)) == 0 && count(10, 40) == 31, "in a child, to the end");
	if (pipe(p))
		bail("pipe");
	dup2(p[1], 35);
	close(p[1]);
	ok(cr(35, 35, 0) == 0 && read(p[0], &c, 1) == 0, "a pipe's last writer is closed: end of file");
	ok(dup(0) < 35, "the numbers are free again");
	ok(in_child(cr(0, ~0u, 0) || fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1) == 0, "all of them");
	ok(in_child((fill(10, 12), cr(10, 12, UNSHARE | CLOEXEC)) || fcntl(11, F_GETFD) != FD_CLOEXEC) == 0, "UNSHARE and CLOEXEC");
	/* Locks go with the descriptors. */
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	dup2(fd, 38);
	fcntl(fd, F_SETLK, &l);
	ok(in_child(fcntl(open("f", O_RDWR), F_SETLK, &l) ? errno : 0) == EAGAIN, "a record lock");
	ok(cr(38, 38, 0) == 0 && in_child(fcntl(open("f", O_RDWR), F_SETLK, &l) ? errno : 0) == 0, "goes with any descriptor of the file");
	return done();
}
