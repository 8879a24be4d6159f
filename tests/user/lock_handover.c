/* SPDX-License-Identifier: MIT */
/* fcntl(2) F_SETLKW: who has been let go waits for nobody any more, though it has not run yet: no EDEADLK; a real circle is one.  flock(2) of a descriptor that may neither read nor write. */
#include "harness.h"
#include "child.h"
#include <sys/file.h>

static int fd;

static int lock(int cmd, int type, off_t at)
{
	struct flock fl = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };

	return fcntl(fd, cmd, &fl) ? errno : 0;
}

/* A process that has byte 0 and waits for byte 1, which we have; -1: something failed. */
static pid_t rival(void)
{
	int go[2];
	char c;
	pid_t pid;

	if (pipe(go) || lock(F_SETLK, F_WRLCK, 1))
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (lock(F_SETLK, F_WRLCK, 0) || write(go[1], "x", 1) != 1)
			_exit(1);
		_exit(lock(F_SETLKW, F_WRLCK, 1));
	}
	close(go[1]);
	if (read(go[0], &c, 1) != 1)
		pid = -1;
	close(go[0]);
	if (pid > 0)
		wait_state(pid, 0, 'S');
	return pid;
}

/* It gets ours, and we wait for its: how often that went wrong. */
static int hand_over(int rounds)
{
	int odd = 0;

	for (int i = 0; i < rounds; i++) {
		pid_t pid = rival();
		int r;

		if (pid < 0)
			return -1;
		r = lock(F_SETLK, F_UNLCK, 1);
		r = r ? r : lock(F_SETLKW, F_WRLCK, 0);		/* the other ends */
		odd += exit_of(pid) != 0 || r != 0;
		lock(F_SETLK, F_UNLCK, 0);
	}
	return odd;
}

static int circle(void)
{
	pid_t pid = rival();
	int r;

	if (pid < 0)
		return -1;
	r = lock(F_SETLKW, F_WRLCK, 0);
	lock(F_SETLK, F_UNLCK, 1);
	return exit_of(pid) == 0 ? r : -2;
}

int main(void)
{
	int odd;

	plan(4);
	fd = open("file", O_RDWR | O_CREAT, 0600);
	odd = hand_over(100);
	ok(odd == 0, "a lock is handed over, and another asked for: no circle (%d of 100)", odd);
	odd = circle();
	ok(odd == EDEADLK, "a circle is refused (%d)", odd);
	close(fd);
	fd = open("file", 3);
	ok(fd >= 0 && flock(fd, LOCK_EX) == -1 && errno == EBADF, "flock needs a descriptor that reads or writes");
	ok(flock(fd, LOCK_UN) == 0, "not to unlock");
	return done();
}
