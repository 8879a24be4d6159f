/* SPDX-License-Identifier: MIT */
/* A program on a pseudo-terminal, and somebody who types and reads: for tests of what a user at a terminal sees. */
#ifndef SCREEN_H
#define SCREEN_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

struct screen {
	int master, slave;		/* the slave stays open: its modes can be read after the program's end */
	pid_t pid;
	struct termios before;		/* the terminal's modes before the program began */
	char *seen;			/* what has come and was not expected yet, NUL-terminated */
	size_t length, room;
};

/* The name that result() begins each line with. */
extern const char *screen_suite;
/* Prints "ok SUITE/WHAT", or the end of the screen (s may be NULL) and "not ok SUITE/WHAT".  Returns good. */
bool screen_result(const struct screen *s, bool good, const char *what);
/* Results that were not good; a program's exit status. */
extern unsigned screen_failures;

/* Starts argv on a terminal of its own.  Ends the test if there is none. */
void screen_start(struct screen *s, char *const argv[], unsigned rows, unsigned columns);
/* Kills what still runs. */
void screen_end(struct screen *s);
void screen_resize(struct screen *s, unsigned rows, unsigned columns);
void screen_type(struct screen *s, const char *keys);
/*
 * Reads until the extended regular expression is on the screen, and forgets all
 * up to the end of it.  "." is any character, ends of lines too.  False: it did
 * not come in time (EFT_TERMINAL_WAIT seconds, 15 if unset), or the program is gone.
 */
bool screen_expect(struct screen *s, const char *pattern);
/* Reads until nothing has come for so long. */
void screen_quiet(struct screen *s, int milliseconds);
/* The program's wait status; -1 if it does not end in time. */
int screen_wait(struct screen *s);
/* Are the terminal's modes as they were before the program? */
bool screen_restored(const struct screen *s);
void screen_pause(int milliseconds);
#endif
