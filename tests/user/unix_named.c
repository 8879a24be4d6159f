/* SPDX-License-Identifier: MIT */
/* A server with a path and several clients, over poll and epoll; permissions of the path. */
#include "harness.h"
#include <sys/epoll.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 12, ROUNDS = 30 };

static int client(const struct sockaddr_un *a, int id)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char out[64], in[64];

	if (connect(fd, (const void *)a, sizeof(*a)))
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		int n = snprintf(out, sizeof(out), "client %d round %d", id, i), got = 0;

		if (write(fd, out, n) != n)
			return 2;
		while (got < n) {
			int r = (int)read(fd, in + got, sizeof(in) - got);

			if (r <= 0)
				return 3;
			got += r;
		}
		if (got != n || memcmp(in, out, n))
			return 4;
	}
	return 0;
}

int main(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "server.sock" };
	struct epoll_event ev, evs[16];
	int l = socket(AF_UNIX, SOCK_STREAM, 0), ep, open_clients = 0, accepted = 0, st, bad = 0;
	long echoed = 0;
	char buf[256];

	unlink(a.sun_path);
	ok(bind(l, (void *)&a, sizeof(a)) == 0 && listen(l, 4) == 0, "a server");
	for (int i = 0; i < CLIENTS; i++)
		if (fork() == 0)
			_exit(client(&a, i));
	ep = epoll_create1(0);
	ev = (struct epoll_event){ .events = EPOLLIN, .data.fd = l };
	epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev);
	while (accepted < CLIENTS || open_clients) {
		int n = epoll_wait(ep, evs, 16, -1);

		if (n <= 0)
			break;
		for (int i = 0; i < n; i++) {
			int fd = evs[i].data.fd;

			if (fd == l) {
				int c = accept(l, NULL, NULL);

				ev = (struct epoll_event){ .events = EPOLLIN, .data.fd = c };
				epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev);
				accepted++;
				open_clients++;
				continue;
			}
			int r = (int)read(fd, buf, sizeof(buf));

			if (r <= 0) {
				close(fd);
				open_clients--;
			} else if (write(fd, buf, r) == r) {
				echoed += r;
			}
		}
	}
	ok(accepted == CLIENTS && open_clients == 0, "%d clients came and went", accepted);
	while (wait(&st) > 0)
		bad += st != 0;
	ok(bad == 0, "each heard its own echo");
	ok(echoed > CLIENTS * ROUNDS * 15, "%ld bytes", echoed);
	{	/* A name that fills the field: told with a zero behind it, and nothing else. */
		struct sockaddr_un whole = { .sun_family = AF_UNIX };
		unsigned char told[128];
		socklen_t len = sizeof(told);
		int c, other = socket(AF_UNIX, SOCK_STREAM, 0);

		memset(whole.sun_path, 'n', sizeof(whole.sun_path));
		memset(told, 0xaa, sizeof(told));
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		fcntl(l, F_SETFL, 0);
		ok(bind(c, (void *)&whole, sizeof(whole)) == 0 && connect(c, (void *)&a, sizeof(a)) == 0, "a client whose name is 108 bytes long");
		close(other);
		other = accept(l, (void *)told, &len);
		ok(other >= 0 && len == 111 && told[109] == 'n' && told[110] == 0 && told[111] == 0xaa, "accept tells it (%d)", (int)len);
		close(other);
		close(c);
		whole.sun_path[107] = 0;
		{
			char name[109] = "";

			memset(name, 'n', 108);
			unlink(name);
		}
	}
	if (geteuid() == 0) {
		chmod(a.sun_path, 0600);
		chmod(".", 0755);
		if (fork() == 0) {
			if (setuid(1000))
				_exit(1);
			l = socket(AF_UNIX, SOCK_STREAM, 0);
			_exit(connect(l, (void *)&a, sizeof(a)) == -1 && errno == EACCES ? 0 : 2);
		}
		wait(&st);
		ok(st == 0, "connecting needs write permission (%x)", st);
	} else {
		ok(1, "# SKIP not root");
	}
	unlink(a.sun_path);
	return done();
}
