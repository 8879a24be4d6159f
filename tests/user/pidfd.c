/* SPDX-License-Identifier: MIT */
/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2), waiting and polling. */
#include "harness.h"
#include <pthread.h>
#include <sys/utsname.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int thread_error;
static void *thread_number(void *arg)
{
	thread_error = syscall(SYS_pidfd_open, syscall(SYS_gettid), 0) < 0 ? errno : 0;
	return arg;
}

int main(void)
{
	struct pollfd p = { .events = POLLIN };
	siginfo_t si;
	int fd, other, st, pipefd[2];
	char c;
	pid_t pid;

	pid = fork();
	if (!pid)
		for (;;)
			pause();
	p.fd = fd = (int)syscall(SYS_pidfd_open, pid, 0);
	ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "pidfd_open");
	ok_errno(syscall(SYS_pidfd_open, 4194303, 0), ESRCH, "of nobody");
	ok_errno(syscall(SYS_pidfd_open, -1, 0), EINVAL, "of -1");
	ok_errno(syscall(SYS_pidfd_open, pid, 77), EINVAL, "unknown flags");
	pthread_t t;
	struct utsname u;
	pthread_create(&t, NULL, thread_number, NULL);
	pthread_join(t, NULL);
	uname(&u);
	ok(thread_error == ENOENT || (thread_error == EINVAL && !strstr(u.release, "eft")), "a thread's number (%d)", thread_error);	/* EINVAL before Linux 6.16 */
	ok(poll(&p, 1, 0) == 0, "it lives");
	ok(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0) == 0, "signal 0");
	other = open("/proc/self", O_RDONLY | O_DIRECTORY);
	ok(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0) == 0, "a directory of /proc will do");
	close(other);
	other = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
	ok_errno(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0), EBADF, "not every one");
	close(other);
	ok_errno(syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0), EBADF, "not a pidfd");
	ok_errno(syscall(SYS_pidfd_send_signal, fd, 100, NULL, 0), EINVAL, "no such signal");
	ok_errno(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 8), EINVAL, "no such flag");
	if (syscall(SYS_pidfd_send_signal, fd, 0, NULL, 1 /* PIDFD_SIGNAL_THREAD */) == 0) {	/* Linux 6.9 */
		ok_errno(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 3), EINVAL, "a thread or a process");
		ok_errno(syscall(SYS_pidfd_send_signal, 99, 0, NULL, 2), EBADF, "flags come before what it is");
		ok_errno(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 4), ESRCH, "the child leads no group");
		ok(setpgid(pid, pid) == 0 && syscall(SYS_pidfd_send_signal, fd, 0, NULL, 4) == 0, "now it does");
	}
	ok(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) == 0, "SIGTERM");
	ok(poll(&p, 1, -1) == 1 && p.revents & POLLIN, "it has ended");
	ok(waitid(3, (id_t)fd, &si, WEXITED) == 0 && si.si_pid == pid && si.si_code == CLD_KILLED && si.si_status == SIGTERM, "waitid P_PIDFD");
	ok_errno(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH, "gone");
	close(fd);

	if (pipe(pipefd))
		bail("pipe");
	pid = fork();
	if (!pid) {
		close(pipefd[0]);
		for (;;)
			pause();
	}
	close(pipefd[1]);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	other = (int)syscall(SYS_pidfd_getfd, fd, pipefd[1], 0);
	ok(other >= 0 && write(other, "x", 1) == 1 && read(pipefd[0], &c, 1) == 1, "a descriptor of another process");
	ok_errno(syscall(SYS_pidfd_getfd, fd, 99, 0), EBADF, "that it does not have");
	int nb = (int)syscall(SYS_pidfd_open, pid, O_NONBLOCK);
	ok(waitid(3, (id_t)nb, &si, WEXITED) == -1 && errno == EAGAIN, "O_NONBLOCK: EAGAIN");
	kill(pid, SIGKILL);
	ok(waitpid(pid, &st, 0) == pid, "the end");
	return done();
}
