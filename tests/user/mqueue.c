/* SPDX-License-Identifier: MIT */
/* POSIX message queues. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t hits, code;
static void hit(int sig, siginfo_t *si, void *uc)
{
	hits++;
	code = si->si_code == SI_MESGQ && si->si_value.sival_int == 77;
}

int main(void)
{
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 100 }, b;
	char buf[100];
	unsigned prio;
	mqd_t q, r;
	int st;

	mq_unlink("/eft-test");
	ok_errno((int)mq_open("/eft-test", O_RDWR), ENOENT, "no such queue");
	q = mq_open("/eft-test", O_RDWR | O_CREAT | O_EXCL, 0600, &a);
	if (q == (mqd_t)-1)
		bail("mq_open");
	ok(1, "created");
	ok_errno((int)mq_open("/eft-test", O_RDWR | O_CREAT | O_EXCL, 0600, &a), EEXIST, "exclusively");
	r = (mqd_t)syscall(SYS_mq_open, "eft-test", O_RDWR | O_CREAT | O_NOCTTY | O_CLOEXEC | O_APPEND, 0600, NULL);
	ok(fcntl(r, F_GETFL) == (O_RDWR | O_CLOEXEC | O_APPEND), "its flags are those that were given");
	ok_errno((int)sendfile(r, r, NULL, 0), EINVAL, "O_APPEND too");
	mq_close(r);
	r = (mqd_t)syscall(SYS_mq_open, "eft-test", O_RDWR | O_CREAT | O_PATH | O_NOCTTY, 0600, NULL);
	ok(fcntl(r, F_GETFL) == (O_RDWR | O_CREAT | O_PATH | O_NOCTTY), "all of them with O_PATH");
	close(r);
	ok(mq_getattr(q, &b) == 0 && b.mq_maxmsg == 4 && b.mq_msgsize == 100 && b.mq_curmsgs == 0, "its attributes");
	ok(mq_send(q, "low", 3, 1) == 0 && mq_send(q, "high", 4, 9) == 0 && mq_send(q, "low2", 4, 1) == 0, "three messages");
	ok(mq_getattr(q, &b) == 0 && b.mq_curmsgs == 3, "three wait");
	ok(mq_receive(q, buf, 100, &prio) == 4 && prio == 9 && !memcmp(buf, "high", 4), "the highest priority first");
	ok(mq_receive(q, buf, 100, &prio) == 3 && prio == 1 && !memcmp(buf, "low", 3), "then in order");
	ok_errno(mq_receive(q, buf, 99, NULL), EMSGSIZE, "a buffer shorter than the longest message");
	ok_errno(mq_send(q, buf, 101, 0), EMSGSIZE, "a message too long");
	ok_errno(mq_send(q, buf, 1, 40000), EINVAL, "a priority too high");
	ok(mq_receive(q, buf, 100, NULL) == 4, "the last");
	r = mq_open("/eft-test", O_RDONLY | O_NONBLOCK);
	ok_errno(mq_receive(r, buf, 100, NULL), EAGAIN, "empty and non-blocking");
	ok_errno(mq_send(r, "x", 1, 0), EBADF, "opened for reading only");
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 50000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	ok_errno(mq_timedreceive(q, buf, 100, NULL, &ts), ETIMEDOUT, "a time-out");
	struct pollfd pf = { (int)q, POLLIN | POLLOUT, 0 };
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLOUT, "poll: room");
	for (int i = 0; i < 4; i++)
		mq_send(q, "x", 1, 0);
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLIN, "poll: full");
	pid_t pid = fork();
	if (pid == 0)
		_exit(mq_send(q, "fifth", 5, 3) == 0 ? 0 : 1);
	wait_sleeping(pid);
	ok(mq_receive(q, buf, 100, NULL) == 1 && waitpid(pid, &st, 0) == pid && st == 0, "a sender waits for room");
	ok(mq_receive(q, buf, 100, NULL) == 5, "and its message came in front");
	while (mq_receive(r, buf, 100, NULL) >= 0)
		;
	struct sigaction sa = { .sa_sigaction = hit, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77 };
	sigaction(SIGUSR1, &sa, NULL);
	ok(mq_notify(q, &ev) == 0, "mq_notify");
	if (fork() == 0)
		_exit(mq_notify(q, &ev) == -1 && errno == EBUSY ? 0 : 1);
	wait(&st);
	ok(st == 0, "one process at a time");
	ok(mq_send(q, "n", 1, 0) == 0 && hits == 1 && code, "a message to an empty queue: the signal");
	ok(mq_send(q, "n", 1, 0) == 0 && hits == 1, "once");
	ok(mq_unlink("/eft-test") == 0, "unlinked");
	ok(mq_receive(q, buf, 100, NULL) == 1, "open ones go on");
	ok_errno((int)mq_open("/eft-test", O_RDONLY), ENOENT, "the name is gone");
	a.mq_maxmsg = 0;
	ok_errno((int)mq_open("/eft-bad", O_RDWR | O_CREAT, 0600, &a), EINVAL, "a queue of no messages");
	ok(mq_close(q) == 0 && mq_close(r) == 0, "closed");
	return done();
}
