/* SPDX-License-Identifier: MIT */
/*
 * Console (virtio 1.2, 5.3) on standard input and output; one port, with size.
 *
 * Input is read only when the guest has given a buffer, so nothing is read from
 * a pipe that the guest does not take.  At the end of an input that is no
 * terminal the guest gets ^D, which its line discipline makes an end of file,
 * and again from time to time: whoever reads later finds the end too, and so
 * does a shell that changed the terminal's mode after the first one.  Output goes out directly while it would not block, else the main
 * thread goes on with it: a slow reader never stops a CPU.
 */
#include "virtio.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { RX, TX };
enum { F_SIZE = 1 };
enum { EOF_CHAR = 4, LITERAL_NEXT = 22, LINE_MAX_SENT = 2000, EOF_MS = 20, EOF_MS_MAX = 1000 };

static struct {
	struct vdev d;
	struct loop_source in, out;
	bool always_in;			/* input cannot be polled: a file */
	bool eof, eof_due;
	size_t in_line;			/* bytes since the last newline or hand-over */
	struct loop_source eof_timer;
	unsigned eof_ms;
	struct vq_request tx;		/* being written */
	unsigned tx_seg;
	size_t tx_off;
	bool tx_busy;
} con;

static void size_set(void)
{
	unsigned cols, rows;

	if (!tty_size(&cols, &rows))
		return;
	con.d.config[0] = (uint8_t)cols;
	con.d.config[1] = (uint8_t)(cols >> 8);
	con.d.config[2] = (uint8_t)rows;
	con.d.config[3] = (uint8_t)(rows >> 8);
}

void console_winch(void)
{
	pthread_mutex_lock(&con.d.lock);
	size_set();
	vdev_config_changed(&con.d);
	pthread_mutex_unlock(&con.d.lock);
}

static void eof_timer_arm(void)
{
	struct itimerspec it = { .it_value.tv_nsec = (long)con.eof_ms % 1000 * 1000000, .it_value.tv_sec = con.eof_ms / 1000 };

	timerfd_settime(con.eof_timer.fd, 0, &it, NULL);
	con.eof_ms = con.eof_ms * 2 < EOF_MS_MAX ? con.eof_ms * 2 : EOF_MS_MAX;
}

/*
 * Data from a pipe as the guest's line discipline must get it: the literal-next
 * character before the two that it would take for its own, and an end-of-file
 * character inside a line that would be too long for it, which only hands over
 * what there is.  Returns the length; at most 2 n + 1.
 */
static size_t quote(char *to, const char *from, size_t n)
{
	char *start = to;

	for (size_t i = 0; i < n; i++) {
		if (from[i] == EOF_CHAR || from[i] == LITERAL_NEXT)
			*to++ = LITERAL_NEXT;
		*to++ = from[i];
		con.in_line = from[i] == '\n' ? 0 : con.in_line + 1;
		if (con.in_line == LINE_MAX_SENT) {
			*to++ = EOF_CHAR;
			con.in_line = 0;
		}
	}
	return (size_t)(to - start);
}

/* One buffer of input; false: there is nothing now, or no buffer. */
static bool input_once(void)
{
	static struct vq_request r;
	struct vq *q = &con.d.q[RX];
	ssize_t n;

	if ((con.eof && !con.eof_due) || !vq_available(&con.d, q))
		return false;
	if (!con.eof) {
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		if (poll(&p, 1, 0) <= 0)
			return false;
	}
	if (vq_take(&con.d, q, &r) <= 0)
		return false;
	if (!r.in) {
		vq_done(&con.d, q, r.head, 0);
		return true;
	}
	char *buf = r.iov[r.out].iov_base;
	size_t room = r.iov[r.out].iov_len;
	char data[1024];
	size_t max = room / 2 < sizeof(data) ? room / 2 : sizeof(data);
	if (con.eof || room < 8)
		n = 0;
	else if (tty_in)
		n = read(STDIN_FILENO, buf, room);
	else
		n = read(STDIN_FILENO, data, max - 1);
	if (n > 0) {
		if (!tty_in)
			n = (ssize_t)quote(buf, data, (size_t)n);
	} else {
		/* Behind a partial line the first ^D only hands over the line. */
		con.eof = true;
		n = 0;
		if (tty_in) {
			host_exit(129);		/* the terminal is gone */
		} else {
			if (con.in_line && r.iov[r.out].iov_len > 1)
				buf[n++] = EOF_CHAR;
			buf[n++] = EOF_CHAR;
			con.in_line = 0;
			con.eof_due = false;
			eof_timer_arm();
		}
	}
	vq_done(&con.d, q, r.head, (uint32_t)n);
	return true;
}

static void input_pump(void)
{
	bool any = false;

	while (input_once())
		any = true;
	if (any)
		vq_interrupt(&con.d, &con.d.q[RX]);
	if (!con.always_in)
		loop_watch(&con.in, !con.eof && vq_available(&con.d, &con.d.q[RX]) ? EPOLLIN | EPOLLONESHOT : 0);
}

/* Write what can be written now; false: it would block, and the loop watches. */
static bool output_some(void)
{
	while (con.tx_seg < con.tx.out) {
		struct iovec *v = &con.tx.iov[con.tx_seg];
		struct pollfd p = { .fd = STDOUT_FILENO, .events = POLLOUT };
		size_t n = v->iov_len - con.tx_off;
		if (poll(&p, 1, 0) == 0) {
			if (loop_watch(&con.out, EPOLLOUT | EPOLLONESHOT) == 0)
				return false;
		}
		/* A pipe that is ready takes this much. */
		ssize_t w = write(STDOUT_FILENO, (char *)v->iov_base + con.tx_off, n < 4096 ? n : 4096);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0 && errno == EAGAIN)
			continue;
		if (w < 0)
			w = (ssize_t)n;		/* nobody reads it any more: the guest need not know */
		con.tx_off += (size_t)w;
		if (con.tx_off == v->iov_len) {
			con.tx_seg++;
			con.tx_off = 0;
		}
	}
	return true;
}

static void output_pump(void)
{
	struct vq *q = &con.d.q[TX];
	bool any = false;

	for (;;) {
		if (!con.tx_busy) {
			if (vq_take(&con.d, q, &con.tx) <= 0)
				break;
			con.tx_busy = true;
			con.tx_seg = 0;
			con.tx_off = 0;
		}
		if (!output_some())
			break;
		con.tx_busy = false;
		vq_done(&con.d, q, con.tx.head, 0);
		any = true;
	}
	if (any)
		vq_interrupt(&con.d, q);
}

static void on_input(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	pthread_mutex_lock(&con.d.lock);
	input_pump();
	pthread_mutex_unlock(&con.d.lock);
}

static void on_eof_timer(void *arg, uint32_t events)
{
	uint64_t count;

	(void)arg;
	(void)events;
	pthread_mutex_lock(&con.d.lock);
	if (read(con.eof_timer.fd, &count, sizeof(count)) > 0) {
		con.eof_due = true;
		input_pump();
	}
	pthread_mutex_unlock(&con.d.lock);
}

static void on_output(void *arg, uint32_t events)
{
	(void)arg;
	(void)events;
	pthread_mutex_lock(&con.d.lock);
	output_pump();
	pthread_mutex_unlock(&con.d.lock);
}

static void console_notify(struct vdev *d, unsigned queue)
{
	(void)d;
	if (queue == TX)
		output_pump();
	else
		input_pump();
}

static void console_reset(struct vdev *d)
{
	(void)d;
	con.tx_busy = false;
	loop_watch(&con.in, 0);
}

void console_add(void)
{
	static const struct vdev_ops ops = { .id = 3, .queues = 2, .notify = console_notify, .reset = console_reset };
	unsigned cols, rows;

	con.in = (struct loop_source){ STDIN_FILENO, on_input, NULL, 0, false };
	con.out = (struct loop_source){ STDOUT_FILENO, on_output, NULL, 0, false };
	con.eof_due = true;
	con.eof_ms = EOF_MS;
	con.eof_timer = (struct loop_source){ timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), on_eof_timer, NULL, 0, false };
	if (loop_watch(&con.eof_timer, EPOLLIN))
		fatal("cannot make a timer: %s", strerror(errno));
	int r = loop_watch(&con.in, EPOLLIN | EPOLLONESHOT);
	con.always_in = r == -EPERM;
	con.eof = r != 0 && r != -EPERM;	/* closed */
	loop_watch(&con.in, 0);
	con.d.config_len = 12;
	con.d.config[4] = 1;
	size_set();
	vdev_add(&con.d, &ops, tty_size(&cols, &rows) ? F_SIZE : 0);
}
