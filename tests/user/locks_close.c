/* SPDX-License-Identifier: MIT */
/* A descriptor that is closed while another thread waits for a record lock through it leaves no lock behind (fcntl(2)). */
#include "harness.h"
#include "child.h"
#include <pthread.h>

static int fd;
static int lock(int f, int cmd, int type, struct flock *out)
{
	struct flock l = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
	int r = fcntl(f, cmd, &l);

	if (out)
		*out = l;
	return r;
}

static volatile pid_t waiter_tid;
static int waited, waited_errno;
static void *waiter(void *arg)
{
	(void)arg;
	waiter_tid = (pid_t)syscall(SYS_gettid);
	waited = lock(fd, F_SETLKW, F_WRLCK, NULL);
	waited_errno = errno;
	return NULL;
}

/* As another process sees it: the type of the lock there is. */
static int seen(void)
{
	return in_child(({ struct flock l; int f = open("locks_close.f", O_RDWR); lock(f, F_GETLK, F_WRLCK, &l) ? 99 : l.l_type; }));
}

int main(void)
{
	struct gate held, let_go;
	pthread_t t;
	pid_t pid;
	int other, i;

	plan(9);
	gate_init(&held);
	gate_init(&let_go);
	for (i = 0; i < 2; i++) {	/* the second time the number is another file's when the lock comes */
		fd = open("locks_close.f", O_RDWR | O_CREAT, 0600);
		pid = fork();
		if (pid == 0) {
			int f = open("locks_close.f", O_RDWR);

			if (lock(f, F_SETLK, F_WRLCK, NULL))
				_exit(1);
			gate_open(&held);
			gate_wait(&let_go);
			_exit(0);
		}
		gate_wait(&held);
		waiter_tid = 0;
		pthread_create(&t, NULL, waiter, NULL);
		while (!waiter_tid)
			sched_yield();
		ok(wait_sleeping(waiter_tid), "it waits");
		ok(close(fd) == 0, "its descriptor is closed");
		if (i && dup2(STDOUT_FILENO, fd) != fd)
			bail("dup2");
		gate_open(&let_go);
		exit_of(pid);
		pthread_join(t, NULL);
		ok(waited == -1 && waited_errno == EBADF, "EBADF when the lock could be had (%d, errno %d)", waited, waited_errno);
		ok(seen() == F_UNLCK, "and nobody has it");
	}
	close(fd);
	/* Through another descriptor of the file, which is closed: that drops all of them, as ever. */
	fd = open("locks_close.f", O_RDWR);
	other = dup(fd);
	lock(fd, F_SETLK, F_WRLCK, NULL);
	close(other);
	ok(seen() == F_UNLCK, "closing a copy drops what is held");
	return done();
}
