/* SPDX-License-Identifier: MIT */
/* Which calls a handler with SA_RESTART lets go on, and which end with EINTR all the same: signal(7)'s list. */
#include "harness.h"
#include "child.h"
#include <linux/futex.h>
#include <stdint.h>
#include <sys/stat.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>

static volatile sig_atomic_t hits;
static void handler(int sig) { (void)sig; hits++; }
static int fds[2], sv[2], sem, msg, lockfd;
static uint32_t word;
static struct gate release_gate;

static long do_read(void) { char c; return read(fds[0], &c, 1); }
static long do_write(void)
{
	static char big[1 << 20];

	return write(fds[1], big, sizeof(big));
}
static long do_recv(void) { char c; return recv(sv[0], &c, 1, 0); }
static long do_accept(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t));	/* a name of the kernel's choice */
	listen(s, 1);
	return accept(s, NULL, NULL);
}
static long do_flock(void)
{
	int fd = open("lock", O_RDWR);

	return flock(fd, LOCK_EX);
}
static long do_fcntl(void) { struct flock l = { .l_type = F_WRLCK }; return fcntl(lockfd, F_SETLKW, &l); }
static long do_futex(void) { return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); }
static long do_futex_timed(void) { struct timespec ts = { 100, 0 }; return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0); }
static long do_wait(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	gate_open(&release_gate);	/* its number is not needed: it dies with its group */
	return waitpid(pid, NULL, 0);
}
static long do_fifo(void) { return open("fifo", O_RDONLY); }
static long do_poll(void) { struct pollfd p = { fds[0], POLLIN, 0 }; return poll(&p, 1, -1); }
static long do_select(void)
{
	fd_set s;

	FD_ZERO(&s);
	FD_SET(fds[0], &s);
	return select(fds[0] + 1, &s, NULL, NULL, NULL);
}
static long do_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int e = epoll_create1(0);

	epoll_ctl(e, EPOLL_CTL_ADD, fds[0], &ev);
	return epoll_wait(e, &ev, 1, -1);
}
static long do_nanosleep(void) { return nanosleep(&(struct timespec){ 100, 0 }, NULL); }
static long do_clock_nanosleep(void)
{
	int e = clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 100, 0 }, NULL);

	errno = e;
	return e ? -1 : 0;
}
static long do_semop(void) { struct sembuf b = { 0, -1, 0 }; return semop(sem, &b, 1); }
static long do_msgrcv(void) { struct { long t; char c; } m; return msgrcv(msg, &m, 1, 0, 0); }
static long do_sigtimedwait(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGHUP);
	return sigtimedwait(&s, NULL, &(struct timespec){ 100, 0 });
}
static long do_recv_timeout(void)
{
	struct timeval tv = { 100, 0 };
	char c;

	setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return recv(sv[0], &c, 1, 0);
}
static long do_mq(void)
{
	struct mq_attr a = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	mqd_t q = mq_open("/eft-sa-restart", O_RDWR | O_CREAT, 0600, &a);
	char b[8];

	mq_unlink("/eft-sa-restart");
	return mq_receive(q, b, 8, NULL);
}

/* 'R': it goes on waiting after the handler; 'E': EINTR; '?': neither. */
static char verdict(long (*fn)(void))
{
	int st, p[2];
	pid_t pid;
	char got = '?';

	if (pipe(p))
		bail("pipe");
	pid = fork();
	if (!pid) {
		struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
		long r;

		setpgid(0, 0);
		sigaction(SIGUSR1, &sa, NULL);
		errno = 0;
		r = fn();
		_exit(r == -1 && errno == EINTR && hits ? 'E' : 'x');
	}
	setpgid(pid, pid);
	for (int i = 0; i < 3 && wait_sleeping(pid); i++) {
		kill(pid, SIGUSR1);
		/* the handler has run when the mask shows no pending signal and it sleeps again, or it has ended */
		if (i == 2)
			got = wait_sleeping(pid) && waitpid(pid, &st, WNOHANG) == 0 ? 'R' : '?';
		for (int n = 0; n < 50; n++) {
			siginfo_t si = { .si_pid = 0 };

			if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid == pid)
				break;
			usleep(200);
		}
	}
	if (waitpid(pid, &st, WNOHANG) == pid) {
		got = WIFEXITED(st) ? (char)WEXITSTATUS(st) : '?';
	} else {
		kill(-pid, SIGKILL);
		waitpid(pid, &st, 0);
	}
	close(p[0]);
	close(p[1]);
	return got;
}

int main(void)
{
	static const struct { const char *name; long (*fn)(void); char want; } calls[] = {
		{ "read of a pipe", do_read, 'R' }, { "recv", do_recv, 'R' }, { "accept", do_accept, 'R' }, { "flock", do_flock, 'R' },
		{ "F_SETLKW", do_fcntl, 'R' }, { "futex", do_futex, 'R' }, { "futex with a relative time", do_futex_timed, 'E' }, { "waitpid", do_wait, 'R' }, { "open of a FIFO", do_fifo, 'R' },
		{ "mq_receive", do_mq, 'R' },
		{ "poll", do_poll, 'E' }, { "select", do_select, 'E' }, { "epoll_wait", do_epoll, 'E' }, { "nanosleep", do_nanosleep, 'E' }, { "clock_nanosleep", do_clock_nanosleep, 'E' },
		{ "semop", do_semop, 'E' }, { "msgrcv", do_msgrcv, 'E' }, { "sigtimedwait", do_sigtimedwait, 'E' }, { "recv with SO_RCVTIMEO", do_recv_timeout, 'E' },
	};
	int fd;

	plan((int)(sizeof(calls) / sizeof(calls[0])) + 1);
	if (pipe(fds) || socketpair(AF_UNIX, SOCK_STREAM, 0, sv) || mkfifo("fifo", 0600))
		bail("set-up");
	gate_init(&release_gate);
	sem = semget(IPC_PRIVATE, 1, 0600);
	msg = msgget(IPC_PRIVATE, 0600);
	fd = open("lock", O_RDWR | O_CREAT, 0600);
	lockfd = open("lock2", O_RDWR | O_CREAT, 0600);
	flock(fd, LOCK_EX);
	fcntl(lockfd, F_SETLK, &(struct flock){ .l_type = F_WRLCK });
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char c = verdict(calls[i].fn);

		ok(c == calls[i].want, "%s %s (%c)", calls[i].name, calls[i].want == 'R' ? "goes on" : "ends with EINTR", c);
	}
	/* a write that has moved something returns how much */
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	pid_t pid = fork();

	if (!pid) {
		sigaction(SIGUSR1, &sa, NULL);
		long r = do_write();

		_exit(r == 65536 ? 0 : 1);
	}
	wait_sleeping(pid);
	kill(pid, SIGUSR1);
	ok(exit_of(pid) == 0, "a write that has written part of it returns that");
	semctl(sem, 0, IPC_RMID);
	msgctl(msg, IPC_RMID, NULL);
	return done();
}
