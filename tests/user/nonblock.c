/* SPDX-License-Identifier: MIT */
/* O_NONBLOCK: belongs to the open file, not to the descriptor; EAGAIN everywhere; FIONBIO. */
#include "harness.h"
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	int p[2], s[2], d, one = 1, zero = 0;
	char c;

	if (pipe(p) || socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		bail("pipe");
	d = dup(p[0]);
	ok(fcntl(p[0], F_SETFL, O_NONBLOCK) == 0, "F_SETFL");
	ok(fcntl(d, F_GETFL) & O_NONBLOCK, "a duplicate shares it");
	ok_errno(read(d, &c, 1), EAGAIN, "read");
	ok(!(fcntl(p[1], F_GETFL) & O_NONBLOCK), "the other end does not");
	ok(ioctl(p[0], FIONBIO, &zero) == 0 && !(fcntl(p[0], F_GETFL) & O_NONBLOCK), "FIONBIO 0");
	ok(ioctl(s[0], FIONBIO, &one) == 0 && (fcntl(s[0], F_GETFL) & O_NONBLOCK), "FIONBIO 1");
	ok_errno(recv(s[0], &c, 1, 0), EAGAIN, "recv");
	ok_errno(recv(s[1], &c, 1, MSG_DONTWAIT), EAGAIN, "MSG_DONTWAIT on a blocking socket");
	ok((fcntl(p[0], F_SETFL, O_NONBLOCK | O_WRONLY), fcntl(p[0], F_GETFL) & O_ACCMODE) == O_RDONLY, "F_SETFL cannot change the access mode");
	return done();
}
