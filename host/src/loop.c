/* SPDX-License-Identifier: MIT */
/* The event loop: signals from outside, descriptors that became ready. */
#include "host.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int epoll_fd = -1;
static struct loop_source signals;

static void on_signals(void *arg, uint32_t events)
{
	struct signalfd_siginfo si;

	(void)arg;
	(void)events;
	while (read(signals.fd, &si, sizeof(si)) == sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGWINCH:
			console_winch();
			break;
		case SIGCONT:
			tty_raw();	/* the shell that stopped us has changed it */
			break;
		default:
			host_exit(128 + (int)si.ssi_signo);
		}
	}
}

void loop_init(void)
{
	sigset_t set, all;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&set);
	static const int outside[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT };
	for (unsigned i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		sigaddset(&set, outside[i]);
	/* The crash signals stay deliverable. */
	all = set;
	sigaddset(&all, HOST_SIG_IRQ);
	sigaddset(&all, SIGPIPE);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signals = (struct loop_source){ signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), on_signals, NULL, 0, false };
	if (epoll_fd < 0 || signals.fd < 0 || loop_watch(&signals, EPOLLIN))
		fatal("cannot set up the event loop: %s", strerror(errno));
}

int loop_watch(struct loop_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };
	int op = !events ? EPOLL_CTL_DEL : s->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (op == EPOLL_CTL_DEL && !s->added)
		return 0;
	if (epoll_ctl(epoll_fd, op, s->fd, &ev))
		return -errno;
	s->added = events != 0;
	s->events = events;
	return 0;
}

static _Noreturn void *loop_run(void *arg)
{
	(void)arg;
	for (;;) {
		struct epoll_event ev[16];
		int n = epoll_wait(epoll_fd, ev, 16, -1);
		for (int i = 0; i < n; i++) {
			struct loop_source *s = ev[i].data.ptr;
			s->fn(s->arg, ev[i].events);
		}
	}
}

void loop_start(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, loop_run, NULL);
	if (r)
		fatal("cannot start a thread: %s", strerror(r));
}
