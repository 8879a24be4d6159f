/* SPDX-License-Identifier: MIT */
/* connect(2) of a UNIX stream whose listener's queue is full: it waits without holding anything, and looks again afterwards. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static socklen_t name(struct sockaddr_un *a, const char *abstract)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	memcpy(a->sun_path + 1, abstract, strlen(abstract));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract));
}

static int connect_to(int fd, const char *abstract)
{
	struct sockaddr_un a;
	socklen_t n = name(&a, abstract);

	return connect(fd, (void *)&a, n) ? errno : 0;
}

static int listener(const char *abstract, int backlog)
{
	struct sockaddr_un a;
	socklen_t n = name(&a, abstract);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (void *)&a, n) || listen(fd, backlog))
		bail("listen");
	return fd;
}

struct waiter { int fd; const char *to; volatile int result; volatile pid_t tid; pthread_t th; };

static void *wait_for_room(void *arg)
{
	struct waiter *w = arg;

	w->tid = gettid();
	w->result = connect_to(w->fd, w->to);
	return NULL;
}

static void start(struct waiter *w, int fd, const char *to)
{
	*w = (struct waiter){ .fd = fd, .to = to, .result = -1 };
	if (pthread_create(&w->th, NULL, wait_for_room, w))
		bail("pthread_create");
	while (!w->tid)
		usleep(1000);
	wait_thread_sleeping(w->tid);
}

static void nothing(int sig) { }

int main(void)
{
	struct sigaction sa = { .sa_handler = nothing };
	struct timeval soon = { 0, 20000 };
	struct waiter w;
	int full = listener("full", 0), other = listener("other", 5), first = socket(AF_UNIX, SOCK_STREAM, 0), fd, s;

	sigaction(SIGUSR1, &sa, NULL);
	ok(connect_to(first, "full") == 0, "one fits");

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	start(&w, fd, "full");
	ok(w.result == -1, "the second waits");
	ok(connect_to(fd, "other") == 0, "the same socket connects elsewhere meanwhile");
	s = accept(full, NULL, NULL);
	pthread_join(w.th, NULL);
	ok(s >= 0 && w.result == EISCONN, "when there is room, the one that waited finds it connected");
	close(s);
	close(fd);

	close(first);
	first = socket(AF_UNIX, SOCK_STREAM, 0);
	ok(connect_to(first, "full") == 0, "full again");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ok(connect_to(fd, "full") == EAGAIN, "who does not wait");
	ok(connect_to(fd, "other") == 0 && connect_to(fd, "full") == EAGAIN, "is told so before that it is connected");
	ok(connect_to(fd, "other") == EISCONN, "where there is room, that it is");
	close(fd);

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	ok(connect_to(fd, "full") == EAGAIN, "for a time");
	soon = (struct timeval){ 0, 0 };
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
	start(&w, fd, "full");
	pthread_kill(w.th, SIGUSR1);
	pthread_join(w.th, NULL);
	ok(w.result == EINTR, "a signal ends the wait");

	start(&w, fd, "full");
	s = listen(full, 1);
	pthread_join(w.th, NULL);
	ok(s == 0 && w.result == 0, "a longer queue lets it in");
	close(fd);

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	start(&w, fd, "full");
	close(full);
	pthread_join(w.th, NULL);
	ok(w.result == ECONNREFUSED, "nobody listens any more");
	full = listener("full", 0);
	ok(connect_to(first, "full") == EISCONN, "who was connected is, though the listener has gone");
	close(other);
	return done();
}
