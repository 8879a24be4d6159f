/* SPDX-License-Identifier: MIT */
/*
 * The line discipline with a driver that is an array: what a key puts into the
 * read buffer and onto the screen, how input and output wait for each other,
 * and a million random keys that must not break an invariant.
 */
#include <kernel/string.h>
#include "tty/tty_internal.h"
#include "unit.h"

static char screen[65536];
static size_t shown, driver_room = sizeof(screen);
static unsigned throttles;
static bool throttled;

static size_t fake_write(struct tty *t, const uint8_t *buf, size_t n)
{
	n = MIN(n, driver_room);
	for (size_t i = 0; i < n && shown < sizeof(screen) - 1; i++)
		screen[shown++] = (char)buf[i];
	screen[shown] = '\0';
	driver_room -= n;
	return n;
}

static void fake_throttle(struct tty *t, bool on)
{
	CHECK(on != throttled);
	throttled = on;
	throttles++;
}

static const struct tty_driver_ops fake_driver = { .write = fake_write, .throttle = fake_throttle };
static struct tty *t;

static void start(void)
{
	tty_init();
	t = tty_register("fake0", 4, 64, &fake_driver, NULL);
	CHECK(t);
	CHECK_EQ(tty_driver_data(t), NULL);
}

static void keys(const char *s, size_t n)
{
	tty_receive(t, (const uint8_t *)s, n);
	n_tty_process(t);
}
#define KEYS(s) keys(s, sizeof(s) - 1)

/* What one read(2) of at most max bytes gets. */
static const char *line(size_t max)
{
	static char buf[N_TTY_SIZE + 1];
	bool done;
	size_t n;

	mutex_lock(&t->ldisc);
	n = n_tty_take(t, (uint8_t *)buf, MIN(max, (size_t)N_TTY_SIZE), &done);
	mutex_unlock(&t->ldisc);
	buf[n] = '\0';
	n_tty_process(t);
	return buf;
}

static bool screen_is(const char *want)
{
	bool same = !strcmp(screen, want);

	shown = 0;
	screen[0] = '\0';
	return same;
}

static void set(uint32_t iflag, uint32_t oflag, uint32_t lflag)
{
	struct abi_ktermios old;

	mutex_lock(&t->ldisc);
	mutex_lock(&t->out);
	old = t->termios;
	t->termios.c_iflag = iflag;
	t->termios.c_oflag = oflag;
	t->termios.c_lflag = lflag;
	n_tty_termios_changed(t, &old);
	mutex_unlock(&t->out);
	mutex_unlock(&t->ldisc);
	n_tty_process(t);
}

enum { SANE_I = ICRNL | IXON, SANE_O = OPOST | ONLCR, SANE_L = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN };

static void test_editing(void)
{
	start();
	KEYS("abc\x7f\x7f\x7f\x7fxyz\r");
	CHECK(screen_is("abc\b \b\b \b\b \bxyz\r\n"));
	CHECK(!strcmp(line(100), "xyz\n"));
	KEYS("one two\027three\025four\026\025\n");
	CHECK(screen_is("one two\b \b\b \b\b \bthree\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \b\b \bfour^\b^U\r\n"));
	CHECK(!strcmp(line(100), "four\025\n"));
	KEYS("partial");
	CHECK(!n_tty_ready(t, false));
	KEYS("\004");
	CHECK(n_tty_ready(t, false));
	CHECK(!strcmp(line(100), "partial"));
	CHECK(!n_tty_ready(t, false));
	KEYS("\004");
	CHECK(n_tty_ready(t, false));
	CHECK(!strcmp(line(100), ""));
	KEYS("a\nb\nc\n");
	CHECK(!strcmp(line(1), "a"));
	CHECK(!strcmp(line(100), "\n"));
	CHECK(!strcmp(line(100), "b\n"));
	mutex_lock(&t->ldisc);
	CHECK_EQ(n_tty_available(t), 2);
	mutex_unlock(&t->ldisc);
	CHECK(!strcmp(line(100), "c\n"));
}

static void test_tabs_and_columns(void)
{
	start();
	KEYS("12\t3\x7f\x7f\x7f");
	CHECK(screen_is("12\t3\b \b\b\b\b\b\b\b\b \b"));
	CHECK_EQ(t->column, 1);
	KEYS("\025");
	CHECK_EQ(t->column, 0);
	screen_is("");
	set(SANE_I, SANE_O | XTABS, SANE_L);
	KEYS("\t\t");
	CHECK(screen_is("                "));
	KEYS("\x7f");
	CHECK(screen_is("\b\b\b\b\b\b\b\b"));
	KEYS("\025");
	set(SANE_I | IUTF8, SANE_O, SANE_L);
	screen_is("");
	KEYS("\xe2\x82\xac\xf0\x9f\x98\x80");
	CHECK_EQ(t->column, 2);
	KEYS("\x7f");
	CHECK(screen_is("\xe2\x82\xac\xf0\x9f\x98\x80\b \b"));
	KEYS("\n");
	CHECK(!strcmp(line(100), "\xe2\x82\xac\n"));
}

static void test_flow_control(void)
{
	start();
	KEYS("\023hidden");
	CHECK(screen_is(""));
	CHECK(t->stopped);
	KEYS("\021");
	CHECK(screen_is("hidden"));
	KEYS("\023");
	set(SANE_I | IXANY, SANE_O, SANE_L);
	KEYS("x");
	CHECK(!t->stopped);
	CHECK(screen_is("x"));
	KEYS("\023");
	set(SANE_I & ~IXON, SANE_O, SANE_L);
	CHECK(!t->stopped);		/* who turns flow control off lets go */
	KEYS("\023");
	CHECK(screen_is("^S"));		/* and the characters are ordinary then */
}

/* A driver that takes nothing: input is processed all the same, output waits, echoes have their reserve. */
static void test_full_driver(void)
{
	static uint8_t much[8192];
	size_t took;

	start();
	driver_room = 0;
	memset(much, '.', sizeof(much));
	mutex_lock(&t->out);
	took = tty_out_write(t, much, sizeof(much));
	mutex_unlock(&t->out);
	CHECK(took > 0 && took <= TTY_OBUF_SIZE - TTY_ECHO_RESERVE);
	CHECK(!tty_out_room(t));
	KEYS("typed\n");
	CHECK(!strcmp(line(100), "typed\n"));
	for (int i = 0; i < 1000; i++)
		KEYS("flood\n");
	CHECK(t->obuf_len <= TTY_OBUF_SIZE);
	driver_room = sizeof(screen);
	mutex_lock(&t->out);
	tty_out_pump(t);
	CHECK_EQ(t->obuf_len, 0);
	mutex_unlock(&t->out);
	CHECK(tty_out_room(t));
	CHECK(shown > took && !memcmp(screen + took, "typed\r\n", 7));
}

/* A slow reader: canonical lines are cut but end, raw input waits in the ring, the driver is throttled and let go. */
static void test_slow_reader(void)
{
	static char big[6000];
	size_t total = 0, n;

	start();
	set(SANE_I, SANE_O, SANE_L & ~(unsigned)ECHO);
	memset(big, 'q', sizeof(big));
	keys(big, sizeof(big));
	KEYS("\n");
	CHECK_EQ(strlen(line(N_TTY_SIZE)), N_TTY_SIZE);
	CHECK(!n_tty_ready(t, false));
	throttled = false;
	throttles = 0;
	set(0, 0, 0);
	keys(big, sizeof(big));
	CHECK(throttled);
	CHECK_EQ(t->n.head - t->n.tail, N_TTY_SIZE - 1);
	CHECK(tty_receive_room(t) < TTY_RX_SIZE);
	while ((n = strlen(line(1000))) > 0)
		total += n;
	CHECK_EQ(total, sizeof(big));
	CHECK(!throttled);
	CHECK_EQ(throttles, 2);
	CHECK_EQ(tty_receive_room(t), TTY_RX_SIZE);
}

static void test_mode_changes(void)
{
	start();
	KEYS("half");
	set(SANE_I, SANE_O, SANE_L & ~(unsigned)ICANON);
	CHECK(n_tty_ready(t, false));	/* raw: what was typed is there */
	CHECK(!strcmp(line(2), "ha"));
	set(SANE_I, SANE_O, SANE_L);
	CHECK(n_tty_ready(t, false));	/* canonical again: it counts as a line */
	CHECK(!strcmp(line(100), "lf"));
	KEYS("\026");
	set(SANE_I, SANE_O, SANE_L & ~(unsigned)ICANON);
	set(SANE_I, SANE_O, SANE_L);
	KEYS("x\x7fy\n");		/* the literal-next did not survive */
	CHECK(!strcmp(line(100), "y\n"));
	tty_vhangup(t, false);
	CHECK_EQ(t->termios.c_lflag, SANE_L);
	CHECK(!n_tty_ready(t, false));
}

static void test_poll_minimum(void)
{
	start();
	set(0, 0, 0);
	t->termios.c_cc[VMIN] = 3;
	KEYS("ab");
	CHECK(n_tty_ready(t, false) && !n_tty_ready(t, true));
	KEYS("c");
	CHECK(n_tty_ready(t, true));
	t->termios.c_cc[VTIME] = 1;
	CHECK(!strcmp(line(2), "ab"));
	CHECK(n_tty_ready(t, true));	/* with a timer one is enough */
}

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 11) % n;
}

static void test_random_keys(void)
{
	static const uint32_t iflags[] = { SANE_I, 0, SANE_I | IUTF8, SANE_I | ISTRIP, IGNCR | INLCR, SANE_I | PARMRK, SANE_I | IXANY };
	static const uint32_t lflags[] = { SANE_L, SANE_L & ~(unsigned)ICANON, 0, SANE_L & ~(unsigned)ECHO, SANE_L | ECHOPRT,
		SANE_L & ~(unsigned)ECHOE, SANE_L & ~(unsigned)ECHOKE, SANE_L & ~(unsigned)ECHOCTL, SANE_L | EXTPROC, SANE_L | NOFLSH };

	start();
	for (int round = 0; round < 3000; round++) {
		uint8_t batch[300];
		unsigned n = 1 + rnd(sizeof(batch) - 1), reads = rnd(4);

		for (unsigned i = 0; i < n; i++)
			batch[i] = (uint8_t)(rnd(3) ? rnd(256) : rnd(32));
		driver_room = rnd(2) ? 1 << 20 : rnd(200);
		shown = 0;
		tty_receive(t, batch, MIN((size_t)n, tty_receive_room(t)));
		n_tty_process(t);
		if (rnd(5) == 0)
			set(iflags[rnd(ARRAY_SIZE(iflags))], rnd(2) ? SANE_O : rnd(2) ? 0 : SANE_O | XTABS, lflags[rnd(ARRAY_SIZE(lflags))]);
		CHECK(t->n.head - t->n.tail <= N_TTY_SIZE);
		CHECK(t->n.canon_head - t->n.tail <= t->n.head - t->n.tail || !L_FLAG(t, ICANON));
		CHECK(t->obuf_len <= TTY_OBUF_SIZE);
		while (reads--)
			line(1 + rnd(500));
	}
	/* Whatever came: it still works. */
	mutex_lock(&t->ldisc);
	n_tty_flush(t);
	mutex_unlock(&t->ldisc);
	set(SANE_I, SANE_O, SANE_L);
	driver_room = 1 << 20;
	KEYS("\021\n\n\n");
	for (int i = 0; i < 10000 && t->rx_head != t->rx_tail; i++)
		line(N_TTY_SIZE);
	mutex_lock(&t->ldisc);
	n_tty_flush(t);
	mutex_unlock(&t->ldisc);
	KEYS("fine\n");
	CHECK(!strcmp(line(100), "fine\n"));
}

const struct unit_test unit_tests[] = {
	{ "editing", test_editing },
	{ "tabs_and_columns", test_tabs_and_columns },
	{ "flow_control", test_flow_control },
	{ "full_driver", test_full_driver },
	{ "slow_reader", test_slow_reader },
	{ "mode_changes", test_mode_changes },
	{ "poll_minimum", test_poll_minimum },
	{ "random_keys", test_random_keys },
	{ 0 },
};
