/* SPDX-License-Identifier: MIT */
/*
 * The host's terminal.  Raw while the machine runs (the guest's own line
 * discipline does the editing and turns ^C into a signal), and given back on
 * every way out; the zygote gives it back if we are killed with SIGKILL.
 */
#include "host.h"
#include <sys/ioctl.h>
#include <unistd.h>

bool tty_in, tty_out;
static struct termios saved;
static bool raw;		/* [a] */

void tty_init(void)
{
	tty_in = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &saved) == 0;
	tty_out = isatty(STDOUT_FILENO);
}

void tty_raw(void)
{
	if (!tty_in)
		return;
	/* Started in the background: setting it would stop us; the shell's fg sends SIGCONT. */
	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	struct termios t = saved;
	cfmakeraw(&t);
	stub_tty_saved(&saved);
	__atomic_store_n(&raw, true, __ATOMIC_RELEASE);
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

void tty_restore(void)
{
	if (__atomic_exchange_n(&raw, false, __ATOMIC_ACQ_REL)) {
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
		stub_tty_saved(NULL);
	}
}

bool tty_size(unsigned *cols, unsigned *rows)
{
	struct winsize w;

	if (ioctl(tty_out ? STDOUT_FILENO : STDIN_FILENO, TIOCGWINSZ, &w) || !w.ws_col || !w.ws_row)
		return false;
	*cols = w.ws_col;
	*rows = w.ws_row;
	return true;
}
