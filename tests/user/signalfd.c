/* SPDX-License-Identifier: MIT */
/* signalfd(2). */
#include "harness.h"
#include "child.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct signalfd_siginfo si[4];
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pf;
	sigset_t set;
	int fd, ep;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	ok(fd >= 0, "signalfd");
	pf = (struct pollfd){ fd, POLLIN, 0 };
	ok(poll(&pf, 1, 0) == 0, "nothing pending");
	ok_errno(read(fd, si, sizeof(si)), EAGAIN, "nothing to read");
	kill(getpid(), SIGUSR1);
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLIN, "ready");
	ok(read(fd, si, sizeof(si)) == sizeof(si[0]) && si[0].ssi_signo == SIGUSR1 && si[0].ssi_pid == (unsigned)getpid() && si[0].ssi_code == SI_USER, "who sent it");
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i + 10 });
	ok(read(fd, si, sizeof(si)) == 3 * sizeof(si[0]), "three queued ones");
	ok(si[0].ssi_int == 10 && si[1].ssi_int == 11 && si[2].ssi_int == 12 && si[2].ssi_code == SI_QUEUE, "in order, with their values");
	pid = fork();
	if (pid == 0)
		_exit(5);
	ok(poll(&pf, 1, -1) == 1 && read(fd, si, sizeof(si)) == sizeof(si[0]), "SIGCHLD wakes poll");
	ok(si[0].ssi_signo == SIGCHLD && si[0].ssi_pid == (unsigned)pid && si[0].ssi_status == 5 && si[0].ssi_code == CLD_EXITED, "and tells which child");
	waitpid(pid, NULL, 0);
	ep = epoll_create1(0);
	ok(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0 && epoll_wait(ep, &ev, 1, 0) == 0, "in an epoll set");
	pid = fork();
	if (pid == 0) {
		wait_sleeping(getppid());
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	ok(epoll_wait(ep, &ev, 1, -1) == 1, "which it wakes");
	ok(read(fd, si, sizeof(si)) >= (ssize_t)sizeof(si[0]), "read it");
	waitpid(pid, NULL, 0);
	while (read(fd, si, sizeof(si)) > 0)
		;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ok(signalfd(fd, &set, 0) == fd, "a new mask");
	kill(getpid(), SIGUSR1);
	ok_errno(read(fd, si, sizeof(si)), EAGAIN, "SIGUSR1 is not in it");
	kill(getpid(), SIGUSR2);
	ok(read(fd, si, sizeof(si)) == sizeof(si[0]) && si[0].ssi_signo == SIGUSR2, "SIGUSR2 is");
	ok_errno(read(fd, si, 10), EINVAL, "a short buffer");
	ok_errno(signalfd(0, &set, 0), EINVAL, "not a signalfd");
	ok_errno(signalfd(-1, &set, 1), EINVAL, "bad flags");
	return done();
}
