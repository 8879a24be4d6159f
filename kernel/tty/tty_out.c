/* SPDX-License-Identifier: MIT */
/*
 * Output: OPOST, the staging buffer in front of the driver, ^S and ^Q.
 *
 * What a program writes and what the line discipline echoes goes through one
 * buffer, so their order on the screen is the order they were accepted in.
 * Writers leave TTY_ECHO_RESERVE bytes of it to echoes.  When the driver is
 * full or output is stopped the buffer keeps what there is; writers sleep.
 */
#include "tty_internal.h"

static inline bool is_cntrl(uint8_t c) { return c < 32 || c == 127; }

static bool obuf_put(struct tty *t, uint8_t c)
{
	if (t->obuf_len >= TTY_OBUF_SIZE)
		return false;
	t->obuf[(t->obuf_start + t->obuf_len) % TTY_OBUF_SIZE] = c;
	WRITE_ONCE(t->obuf_len, t->obuf_len + 1);
	return true;
}

/* One character with output processing; needs up to 8 bytes of room, which the caller has checked. */
static void opost(struct tty *t, uint8_t c)
{
	switch (c) {
	case '\n':
		if (O_FLAG(t, ONLRET))
			t->column = 0;
		if (O_FLAG(t, ONLCR)) {
			t->column = 0;
			obuf_put(t, '\r');
		}
		t->canon_column = t->column;
		break;
	case '\r':
		if (O_FLAG(t, ONOCR) && t->column == 0)
			return;
		if (O_FLAG(t, OCRNL)) {
			c = '\n';
			if (O_FLAG(t, ONLRET))
				t->canon_column = t->column = 0;
			break;
		}
		t->canon_column = t->column = 0;
		break;
	case '\t': {
		unsigned spaces = 8 - (t->column & 7);

		t->column += spaces;
		if (O_FLAG(t, TABDLY) != XTABS)
			break;
		while (spaces--)
			obuf_put(t, ' ');
		return;
	}
	case '\b':
		if (t->column > 0)
			t->column--;
		break;
	default:
		if (is_cntrl(c))
			break;
		if (O_FLAG(t, OLCUC) && c >= 'a' && c <= 'z')
			c -= 32;
		if (!(I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80))
			t->column++;
	}
	obuf_put(t, c);
}

void tty_out_echo(struct tty *t, uint8_t c)
{
	if (TTY_OBUF_SIZE - t->obuf_len < 8) {
		tty_out_pump(t);
		if (TTY_OBUF_SIZE - t->obuf_len < 8)
			return;
	}
	if (O_FLAG(t, OPOST))
		opost(t, c);
	else
		obuf_put(t, c);
}

size_t tty_out_write(struct tty *t, const uint8_t *buf, size_t n)
{
	size_t done = 0;

	if (READ_ONCE(t->stopped))
		return 0;	/* a writer sleeps until ^Q, even where there would be room */

	while (done < n) {
		if (TTY_OBUF_SIZE - t->obuf_len < TTY_ECHO_RESERVE + 8) {
			tty_out_pump(t);
			if (TTY_OBUF_SIZE - t->obuf_len < TTY_ECHO_RESERVE + 8)
				break;
		}
		if (O_FLAG(t, OPOST))
			opost(t, buf[done]);
		else
			obuf_put(t, buf[done]);
		done++;
	}
	tty_out_pump(t);
	return done;
}

void tty_out_pump(struct tty *t)
{
	bool moved = false;

	while (t->obuf_len && !READ_ONCE(t->stopped)) {
		size_t run = MIN(t->obuf_len, TTY_OBUF_SIZE - t->obuf_start);
		size_t n = t->ops->write(t, t->obuf + t->obuf_start, run);

		if (n == 0)
			break;
		t->obuf_start = (t->obuf_start + n) % TTY_OBUF_SIZE;
		WRITE_ONCE(t->obuf_len, t->obuf_len - n);
		moved = true;
	}
	if (moved && waitq_active(&t->write_wait) && (t->obuf_len == 0 || tty_out_room(t)))
		waitq_wake_key(&t->write_wait, 0, POLLOUT | POLLWRNORM);
}

void tty_out_flush(struct tty *t)
{
	WRITE_ONCE(t->obuf_len, 0);
	if (t->ops->flush_output)
		t->ops->flush_output(t);
	pty_packet(t, TIOCPKT_FLUSHWRITE, 0);
	waitq_wake_key(&t->write_wait, 0, POLLOUT | POLLWRNORM);
}

void tty_out_raw(struct tty *t, uint8_t c)
{
	t->ops->write(t, &c, 1);
}

void tty_stop(struct tty *t)
{
	if (READ_ONCE(t->stopped))
		return;
	WRITE_ONCE(t->stopped, true);
	pty_packet(t, TIOCPKT_STOP, TIOCPKT_START);
}

void tty_start_locked(struct tty *t)
{
	if (!READ_ONCE(t->stopped))
		return;
	WRITE_ONCE(t->stopped, false);
	pty_packet(t, TIOCPKT_START, TIOCPKT_STOP);
	tty_out_pump(t);
	waitq_wake_key(&t->write_wait, 0, POLLOUT | POLLWRNORM);
}

/* Would a writer get on?  A hint: no lock. */
bool tty_out_room(struct tty *t)
{
	return !READ_ONCE(t->stopped) && TTY_OBUF_SIZE - READ_ONCE(t->obuf_len) >= TTY_OBUF_SIZE / 2;
}

int tty_drain(struct tty *t, struct tty_file *tf)
{
	mutex_lock(&t->out);
	tty_out_pump(t);
	mutex_unlock(&t->out);
	return wait_event_interruptible(&t->write_wait, READ_ONCE(t->obuf_len) == 0 || (tf && tty_file_hung(tf)));
}
