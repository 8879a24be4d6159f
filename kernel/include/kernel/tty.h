/* SPDX-License-Identifier: MIT */
/*
 * Terminals: a driver below, N_TTY in the middle, /dev files above.
 * tty(4), termios(3), POSIX general terminal interface (XBD ch. 11).
 */
#ifndef KERNEL_TTY_H
#define KERNEL_TTY_H
#include <abi/termios.h>
#include <kernel/lock.h>
#include <kernel/wait.h>

struct tty;
struct tty_driver_ops {
	/* Take up to n bytes of output; the number taken (0: full, tty_write_wakeup() will be called).  May be called with [TTY_OUT]. */
	size_t (*write)(struct tty *t, const uint8_t *buf, size_t n);
	size_t (*write_room)(struct tty *t);
	void (*set_termios)(struct tty *t, const struct abi_ktermios *old);
	void (*hangup)(struct tty *t);
	void (*flush_output)(struct tty *t);
	void (*throttle)(struct tty *t, bool on);
	void (*input_room)(struct tty *t);	/* tty_receive_room() has grown */
};
/* A terminal with a driver: appears as /dev/NAME (kmalloc'd; NULL: no memory). */
struct tty *tty_register(const char *name, unsigned major, unsigned minor, const struct tty_driver_ops *ops, void *driver);
void *tty_driver_data(struct tty *t);
const struct abi_ktermios *tty_termios(struct tty *t);	/* in set_termios: the new ones */
/* Input from the driver; any context.  Echo, signals and line editing happen in a work item. */
void tty_receive(struct tty *t, const uint8_t *buf, size_t n);
size_t tty_receive_room(struct tty *t);		/* bytes that tty_receive() would not drop; any context */
void tty_write_wakeup(struct tty *t);		/* the driver has room again; any context */
void tty_hangup(struct tty *t);
void tty_set_winsize(struct tty *t, unsigned rows, unsigned cols);	/* SIGWINCH to the foreground group if changed; any context */
/* Which terminal /dev/console is: the one named by console= or the first registered. */
void tty_set_console(const char *name);
void tty_init(void);
/* Hang up now; may sleep (vhangup(2)).  exit_session: SIGHUP for the foreground group as well. */
void tty_vhangup(struct tty *t, bool exit_session);
/* current's controlling terminal with a reference, or NULL. */
struct tty *tty_current(void);
/* "pts/3", "hvc0": for /proc/PID/stat and the like. */
const char *tty_name(const struct tty *t);
uint32_t tty_device(const struct tty *t);	/* kdev_t */
int tty_foreground(struct tty *t);		/* process group number, -1: none */
/* The task side, called by task/: a session leader exits; exec, setsid. */
struct process;
/* A process exits: it loses its terminal, and if it leads the session so does the session. */
void tty_process_exit(struct process *p);
void tty_put(struct tty *t);
void tty_get(struct tty *t);
#endif
