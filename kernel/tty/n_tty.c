/* SPDX-License-Identifier: MIT */
/*
 * N_TTY, the line discipline: editing, echo, signals, flow control.
 *
 * Input waits in the terminal's rx ring and is taken from there only when the
 * read buffer has room, so that nothing is lost while a reader is slow; then
 * the driver is throttled (IXOFF sends STOP).  In canonical mode a line that
 * grows beyond the buffer loses its end but keeps accepting its terminator.
 *
 * Echo is written while a character is processed, with `out` held: a batch of
 * input and its echo are one unit of output.
 *
 * Specification: POSIX XBD chapter 11, termios(3), Linux for IUTF8, ECHOPRT,
 * ECHOKE, EXTPROC and the corner cases.
 */
#include "tty_internal.h"

/* Everything static below runs with ldisc and out held: the functions at the end take them. */
#define LOCKED NO_TSA

#define MASK(i) ((i) & (N_TTY_SIZE - 1))

static inline bool is_cntrl(uint8_t c) { return c < 32 || c == 127; }
static inline bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0xc0;
}
static inline bool is_continuation(struct tty *t, uint8_t c) { return I_FLAG(t, IUTF8) && (c & 0xc0) == 0x80; }
static inline uint8_t at(struct n_tty *n, size_t i) { return n->buf[MASK(i)]; }
static inline bool cc_is(struct tty *t, unsigned i, uint8_t c) { return c && CC(t, i) == c; }

static void put(struct n_tty *n, uint8_t c)
{
	n->buf[MASK(n->head)] = c;
	bit_clear(n->eol, MASK(n->head));
	WRITE_ONCE(n->head, n->head + 1);
}

/* ---- echo ---- */

static LOCKED void echo_text(struct tty *t, const char *s)
{
	while (*s)
		tty_out_echo(t, (uint8_t)*s++);
}

/* A control character as ^X where ECHOCTL asks for it. */
static LOCKED void echo_char(struct tty *t, uint8_t c)
{
	if (L_FLAG(t, ECHOCTL) && is_cntrl(c) && c != '\t') {
		tty_out_echo(t, '^');
		tty_out_echo(t, c ^ 0100);
	} else {
		tty_out_echo(t, c);
	}
}

static LOCKED void finish_erasing(struct tty *t)
{
	if (t->n.erasing) {
		tty_out_echo(t, '/');
		t->n.erasing = false;
	}
}

/* Columns that the line takes before position i, back to a tab or its start. */
static LOCKED void erase_tab(struct tty *t)
{
	struct n_tty *n = &t->n;
	size_t i = n->head;
	unsigned cols = 0, back;
	bool after_tab = false;

	while (i != n->canon_head) {
		uint8_t c = at(n, --i);

		if (c == '\t') {
			after_tab = true;
			break;
		}
		if (is_cntrl(c)) {
			if (L_FLAG(t, ECHOCTL))
				cols += 2;
		} else if (!is_continuation(t, c)) {
			cols++;
		}
	}
	if (!after_tab)
		cols += t->canon_column;
	for (back = 8 - (cols & 7); back; back--)
		tty_out_echo(t, '\b');
}

/* Show that the characters from n->head up to `end` are gone; c is the first of them. */
static LOCKED void echo_erased(struct tty *t, uint8_t c, size_t end, bool single)
{
	struct n_tty *n = &t->n;
	size_t i;

	if (L_FLAG(t, ECHOPRT)) {
		if (!n->erasing) {
			tty_out_echo(t, '\\');
			n->erasing = true;
		}
		echo_char(t, c);
		for (i = n->head + 1; i != end; i++)
			tty_out_echo(t, at(n, i));
	} else if (single && !L_FLAG(t, ECHOE)) {
		echo_char(t, CC(t, VERASE));
	} else if (c == '\t') {
		erase_tab(t);
	} else {
		if (is_cntrl(c) && L_FLAG(t, ECHOCTL))
			echo_text(t, "\b \b");
		if (!is_cntrl(c) || L_FLAG(t, ECHOCTL))
			echo_text(t, "\b \b");
	}
}

enum erase_kind { ERASE_CHAR, ERASE_WORD, ERASE_LINE };

static LOCKED void erase(struct tty *t, enum erase_kind kind)
{
	struct n_tty *n = &t->n;
	bool in_word = false;

	if (n->head == n->canon_head)
		return;
	if (kind == ERASE_LINE) {
		if (!L_FLAG(t, ECHO)) {
			WRITE_ONCE(n->head, n->canon_head);
			return;
		}
		if (!L_FLAG(t, ECHOK) || !L_FLAG(t, ECHOKE) || !L_FLAG(t, ECHOE)) {
			WRITE_ONCE(n->head, n->canon_head);
			finish_erasing(t);
			echo_char(t, CC(t, VKILL));
			if (L_FLAG(t, ECHOK))
				tty_out_echo(t, '\n');
			return;
		}
	}
	while (n->head != n->canon_head) {
		size_t end = n->head, i = end;
		uint8_t c;

		do
			c = at(n, --i);
		while (is_continuation(t, c) && i != n->canon_head);
		if (is_continuation(t, c))
			break;		/* not a whole character: leave it */
		if (kind == ERASE_WORD) {
			if (is_word(c))
				in_word = true;
			else if (in_word)
				break;
		}
		WRITE_ONCE(n->head, i);
		if (L_FLAG(t, ECHO))
			echo_erased(t, c, end, kind == ERASE_CHAR);
		if (kind == ERASE_CHAR)
			break;
	}
	if (n->head == n->canon_head && L_FLAG(t, ECHO))
		finish_erasing(t);
}

/* ---- one character ---- */

static LOCKED void input_signal(struct tty *t, int sig, uint8_t c)
{
	if (!L_FLAG(t, NOFLSH)) {
		n_tty_flush(t);
		tty_out_flush(t);
		pty_packet(t, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE, 0);
	}
	if (I_FLAG(t, IXON))
		tty_start_locked(t);
	if (L_FLAG(t, ECHO))
		echo_char(t, c);
	tty_out_pump(t);
	tty_signal_foreground(t, sig);
}

static LOCKED void end_line(struct tty *t, uint8_t c)
{
	struct n_tty *n = &t->n;

	put(n, c);
	bit_set(n->eol, MASK(n->head - 1));
	store_release(&n->canon_head, n->head);
	waitq_wake_key(&t->read_wait, 1, POLLIN | POLLRDNORM);
	sigio_send(&t->sigio, POLLIN | POLLRDNORM);
}

static LOCKED void note_line_start(struct tty *t)
{
	if (t->n.canon_head == t->n.head)
		t->canon_column = t->column;
}

static LOCKED void ordinary(struct tty *t, uint8_t c)
{
	if (L_FLAG(t, ECHO)) {
		finish_erasing(t);
		if (c == '\n') {
			tty_out_echo(t, '\n');
		} else {
			note_line_start(t);
			echo_char(t, c);
		}
	}
	if (I_FLAG(t, PARMRK) && c == 0xff)
		put(&t->n, c);
	put(&t->n, c);
}

/* Characters with a meaning in canonical mode; false: an ordinary one. */
static LOCKED bool canonical(struct tty *t, uint8_t c)
{
	struct n_tty *n = &t->n;
	bool ext = L_FLAG(t, IEXTEN);

	if (cc_is(t, VERASE, c)) {
		erase(t, ERASE_CHAR);
	} else if (cc_is(t, VKILL, c)) {
		erase(t, ERASE_LINE);
	} else if (ext && cc_is(t, VWERASE, c)) {
		erase(t, ERASE_WORD);
	} else if (ext && cc_is(t, VLNEXT, c)) {
		n->lnext = true;
		if (L_FLAG(t, ECHO)) {
			finish_erasing(t);
			if (L_FLAG(t, ECHOCTL))
				echo_text(t, "^\b");
		}
	} else if (ext && L_FLAG(t, ECHO) && cc_is(t, VREPRINT, c)) {
		finish_erasing(t);
		echo_char(t, c);
		tty_out_echo(t, '\n');
		for (size_t i = n->canon_head; i != n->head; i++)
			echo_char(t, at(n, i));
	} else if (c == '\n') {
		if (L_FLAG(t, ECHO | ECHONL))
			tty_out_echo(t, '\n');
		end_line(t, c);
	} else if (cc_is(t, VEOF, c)) {
		end_line(t, '\0');
	} else if (cc_is(t, VEOL, c) || (ext && cc_is(t, VEOL2, c))) {
		if (L_FLAG(t, ECHO)) {
			note_line_start(t);
			echo_char(t, c);
		}
		if (I_FLAG(t, PARMRK) && c == 0xff)
			put(n, c);
		end_line(t, c);
	} else {
		return false;
	}
	return true;
}

static LOCKED void receive_char(struct tty *t, uint8_t c)
{
	struct n_tty *n = &t->n;

	if (I_FLAG(t, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(t, IUCLC) && L_FLAG(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 32;
	if (L_FLAG(t, EXTPROC)) {
		put(n, c);
		return;
	}
	if (n->lnext) {
		n->lnext = false;
		ordinary(t, c);
		return;
	}
	if (I_FLAG(t, IXON)) {
		if (cc_is(t, VSTART, c)) {
			tty_start_locked(t);
			return;
		}
		if (cc_is(t, VSTOP, c)) {
			tty_stop(t);
			return;
		}
	}
	if (L_FLAG(t, ISIG)) {
		int sig = cc_is(t, VINTR, c) ? SIGINT : cc_is(t, VQUIT, c) ? SIGQUIT : cc_is(t, VSUSP, c) ? SIGTSTP : 0;

		if (sig) {
			input_signal(t, sig, c);
			return;
		}
	}
	if (READ_ONCE(t->stopped) && I_FLAG(t, IXON) && I_FLAG(t, IXANY))
		tty_start_locked(t);
	if (c == '\r') {
		if (I_FLAG(t, IGNCR))
			return;
		if (I_FLAG(t, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(t, INLCR)) {
		c = '\r';
	}
	if (L_FLAG(t, ICANON) && canonical(t, c))
		return;
	ordinary(t, c);
}

/* ---- from the rx ring ---- */

/* How many characters may be taken now.  *overflow: the line is full, one more may replace its last. */
static size_t input_room(struct tty *t, bool *overflow)
{
	struct n_tty *n = &t->n;
	size_t used = n->head - n->tail, room = N_TTY_SIZE - used;

	*overflow = false;
	if (I_FLAG(t, PARMRK))
		room = (room + 2) / 3;
	if (room > 1)
		return room - 1;
	*overflow = L_FLAG(t, ICANON) && n->canon_head == n->tail;
	return *overflow ? 1 : 0;
}

static size_t rx_take(struct tty *t, uint8_t *out, size_t max)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	size_t n = 0;

	while (n < max && t->rx_tail != t->rx_head) {
		out[n++] = t->rx[t->rx_tail % TTY_RX_SIZE];
		WRITE_ONCE(t->rx_tail, t->rx_tail + 1);	/* tty_receive_room() looks without the lock */
	}
	spin_unlock_irqrestore(&t->lock, flags);
	return n;
}

static LOCKED void throttle(struct tty *t, bool on)
{
	if (t->throttled == on)
		return;
	t->throttled = on;
	if (I_FLAG(t, IXOFF) && CC(t, on ? VSTOP : VSTART))
		tty_out_raw(t, CC(t, on ? VSTOP : VSTART));
	if (t->ops->throttle)
		t->ops->throttle(t, on);
}

static LOCKED void receive(struct tty *t, const uint8_t *c, size_t n, bool overflow)
{
	size_t most = I_FLAG(t, PARMRK) ? 3 : 1;	/* that one character takes */

	while (overflow && N_TTY_SIZE - (t->n.head - t->n.tail) < most && t->n.head != t->n.canon_head)
		WRITE_ONCE(t->n.head, t->n.head - 1);
	for (size_t i = 0; i < n; i++)
		receive_char(t, c[i]);
}

/* After characters were received.  A line's end has told readers of it. */
static LOCKED void received(struct tty *t)
{
	if ((!L_FLAG(t, ICANON) || L_FLAG(t, EXTPROC)) && n_tty_ready(t, true)) {
		waitq_wake_key(&t->read_wait, 1, POLLIN | POLLRDNORM);
		sigio_send(&t->sigio, POLLIN | POLLRDNORM);
	}
}

void n_tty_push(struct tty *t, uint8_t c)
{
	bool overflow;

	mutex_lock(&t->ldisc);
	mutex_lock(&t->out);
	if (input_room(t, &overflow))
		receive(t, &c, 1, overflow);
	tty_out_pump(t);
	received(t);
	mutex_unlock(&t->out);
	mutex_unlock(&t->ldisc);
}

void n_tty_process(struct tty *t)
{
	uint8_t batch[128];
	bool took = false;

	mutex_lock(&t->ldisc);
	mutex_lock(&t->out);
	for (;;) {
		bool overflow;
		size_t room = input_room(t, &overflow), n;

		n = rx_take(t, batch, MIN(room, sizeof(batch)));
		if (n == 0)
			break;
		took = true;
		receive(t, batch, n, overflow);
	}
	if (t->n.head - t->n.tail >= N_TTY_SIZE - TTY_THROTTLE && !(L_FLAG(t, ICANON) && t->n.canon_head == t->n.tail))
		throttle(t, true);
	else if (t->n.head - t->n.tail <= TTY_THROTTLE)
		throttle(t, false);
	tty_out_pump(t);
	if (took)
		received(t);
	mutex_unlock(&t->out);
	mutex_unlock(&t->ldisc);
	if (took && t->pty)
		pty_input_room(t);
	else if (took && t->ops->input_room)
		t->ops->input_room(t);
}

void n_tty_flush(struct tty *t)
{
	struct n_tty *n = &t->n;

	WRITE_ONCE(n->tail, n->head);
	WRITE_ONCE(n->canon_head, n->head);
	memset(n->eol, 0, sizeof(n->eol));
	n->lnext = n->erasing = false;
}

void n_tty_termios_changed(struct tty *t, const struct abi_ktermios *old)
{
	struct n_tty *n = &t->n;

	if ((old->c_lflag ^ t->termios.c_lflag) & (ICANON | EXTPROC)) {
		memset(n->eol, 0, sizeof(n->eol));
		if (!L_FLAG(t, ICANON) || n->head == n->tail) {
			WRITE_ONCE(n->canon_head, n->tail);
		} else {
			/* What was typed in raw mode counts as a line. */
			bit_set(n->eol, MASK(n->head - 1));
			WRITE_ONCE(n->canon_head, n->head);
		}
		n->lnext = n->erasing = false;
	}
	if (!I_FLAG(t, IXON) && (old->c_iflag & IXON))
		tty_start_locked(t);
}

/* ---- for readers ---- */

bool n_tty_ready(struct tty *t, bool for_poll)
{
	struct n_tty *n = &t->n;
	size_t tail = READ_ONCE(n->tail), want = 1;

	if (L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC))
		return load_acquire(&n->canon_head) != tail;
	if (for_poll && !CC(t, VTIME) && CC(t, VMIN))
		want = CC(t, VMIN);
	return READ_ONCE(n->head) - tail >= want;
}

size_t n_tty_available(struct tty *t)
{
	struct n_tty *n = &t->n;
	size_t end = L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC) ? n->canon_head : n->head, count = 0;

	for (size_t i = n->tail; i != end; i++)
		if (!(bit_test(n->eol, MASK(i)) && at(n, i) == '\0'))
			count++;
	return count;
}

size_t n_tty_take(struct tty *t, uint8_t *out, size_t max, bool *line_done)
{
	struct n_tty *n = &t->n;
	bool canon = L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC);
	size_t end = canon ? n->canon_head : n->head, tail = n->tail, got = 0;

	*line_done = false;
	while (tail != end && !*line_done) {
		uint8_t c = at(n, tail);
		bool eol = canon && bit_test(n->eol, MASK(tail));

		if (eol && c == '\0') {
			bit_clear(n->eol, MASK(tail));
			tail++;
			*line_done = true;
			break;
		}
		if (got == max)
			break;
		if (eol) {
			bit_clear(n->eol, MASK(tail));
			*line_done = true;
		}
		out[got++] = c;
		tail++;
	}
	WRITE_ONCE(n->tail, tail);
	if (!canon)
		WRITE_ONCE(n->canon_head, tail);
	return got;
}
