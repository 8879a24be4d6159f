/* SPDX-License-Identifier: MIT */
/*
 * A terminal inside the kernel.
 *
 *	driver --tty_receive()--> rx ring --work item--> n_tty (edit, echo, signals) --> read(2)
 *	write(2) --> OPOST --> obuf --> driver->write()
 *
 * Locks, outermost first: read_turn / write_turn (who may sleep in read or
 * write), ldisc (n_tty and termios), out (obuf, columns), lock (rx ring,
 * session, foreground group, flags; taken in interrupts).  termios is written
 * with ldisc and out held and read with either.  Nothing is held while a
 * thread waits for input or for room, except its turn: so ^C and ^Q always
 * come through.
 */
#ifndef TTY_INTERNAL_H
#define TTY_INTERNAL_H
#include <kernel/file.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/poll.h>
#include <kernel/sigio.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>

enum { N_TTY_SIZE = 4096, TTY_RX_SIZE = 8192, TTY_OBUF_SIZE = 4096, TTY_ECHO_RESERVE = 1024, TTY_THROTTLE = 128 };

/* A lock that is held while sleeping and that a signal can end the wait for. */
struct tty_turn { uint32_t busy; /* [a] */ struct waitq wait; };

/* The line discipline's read buffer; indices run freely, size is a power of two. */
struct n_tty {
	uint8_t *buf;
	uint64_t eol[N_TTY_SIZE / 64];	/* this position ends a line; a '\0' so marked is an end of file */
	size_t head;			/* next to write */
	size_t canon_head;		/* behind the last complete line */
	size_t tail;			/* next to read */
	bool lnext;			/* the next character is literal */
	bool erasing;			/* inside a "\abc/" of ECHOPRT */
};

struct tty {
	struct refcount refs;
	char name[24];			/* [I] */
	kdev_t dev;			/* [I] */
	const struct tty_driver_ops *ops;	/* [I] */
	void *driver;			/* [I] */
	struct pty *pty;		/* [I] NULL: a real terminal */
	struct list_head link;		/* [registry] */

	struct mutex ldisc;		/* [TTY_LDISC] */
	struct n_tty n;			/* [ldisc] */
	struct abi_ktermios termios;	/* written: [ldisc, out]; single words are read without */
	struct abi_ktermios locked;	/* [ldisc] what of it cannot be changed */
	uint32_t ispeed, ospeed;	/* [ldisc] */

	struct mutex out;		/* [TTY_OUT] */
	uint8_t *obuf;			/* [out] */
	size_t obuf_start, obuf_len;	/* [out]; len read without */
	unsigned column, canon_column;	/* [out] */

	struct spinlock lock;		/* [TTY], interrupts off */
	uint8_t *rx;			/* [lock] */
	size_t rx_head, rx_tail;	/* [lock] */
	struct pid *session, *pgrp;	/* [lock]; changed with [tree] held too */
	struct abi_winsize winsize;	/* [lock] */
	struct list_head files;		/* [lock] tty_file.link */
	unsigned opens;			/* [lock] */
	unsigned hangups;		/* [a] generation: older files are dead */
	bool stopped;			/* [a] output, by ^S or TCXONC */
	bool throttled;			/* [ldisc] */
	bool exclusive;			/* [lock] */
	bool hangup_pending, winch_pending;	/* [lock] for the work item */

	struct waitq read_wait, write_wait;
	struct sigio_list sigio;
	struct tty_turn read_turn, write_turn;
	struct work work;
};

/* One open of it. */
struct tty_file {
	struct tty *tty;		/* [I] reference */
	struct file *file;		/* [I] */
	struct list_head link;		/* [tty.lock] */
	unsigned hangups;		/* [I] the terminal's at open */
	bool console;			/* [I] opened as /dev/console: no job control */
};
static inline bool tty_file_hung(const struct tty_file *tf) { return tf->hangups != READ_ONCE(tf->tty->hangups); }

/* Without a lock, too: who waits for input, and who writes with TOSTOP, looks again. */
#define I_FLAG(t, f) (READ_ONCE((t)->termios.c_iflag) & (f))
#define O_FLAG(t, f) (READ_ONCE((t)->termios.c_oflag) & (f))
#define L_FLAG(t, f) (READ_ONCE((t)->termios.c_lflag) & (f))
#define CC(t, i) READ_ONCE((t)->termios.c_cc[i])

/* tty_core.c */
extern const struct file_ops tty_file_ops;
struct tty *tty_alloc(const char *name, kdev_t dev, const struct tty_driver_ops *ops, void *driver);	/* NULL: no memory */
int tty_open(struct tty *t, struct file *f, bool noctty, bool console);
void tty_reset_termios(struct tty *t);
void tty_store_termios(struct tty *t, const struct abi_ktermios *k);
void tty_kick(struct tty *t);			/* queue the work item; any context */
int tty_turn_take(struct tty_turn *turn, bool nonblock) MUST_CHECK;	/* -EAGAIN, -ERESTARTSYS */
void tty_turn_give(struct tty_turn *turn);
void tty_free(struct tty *t);

/* n_tty.c: input */
void n_tty_process(struct tty *t);		/* the rx ring into the read buffer; takes ldisc and out; may sleep */
void n_tty_push(struct tty *t, uint8_t c);	/* one character, ahead of the rx ring; lost if there is no room; takes ldisc and out */
void n_tty_flush(struct tty *t) REQUIRES(&t->ldisc);
void n_tty_termios_changed(struct tty *t, const struct abi_ktermios *old) REQUIRES(&t->ldisc) REQUIRES(&t->out);
size_t n_tty_take(struct tty *t, uint8_t *out, size_t max, bool *line_done) REQUIRES(&t->ldisc);
bool n_tty_ready(struct tty *t, bool for_poll);	/* no lock: a hint to recheck */
size_t n_tty_available(struct tty *t) REQUIRES(&t->ldisc);	/* FIONREAD */

/* tty_out.c */
size_t tty_out_write(struct tty *t, const uint8_t *buf, size_t n) REQUIRES(&t->out);	/* with OPOST; taken */
void tty_out_echo(struct tty *t, uint8_t c) REQUIRES(&t->out);		/* dropped when there is no room */
void tty_out_pump(struct tty *t) REQUIRES(&t->out);			/* obuf to the driver, wakes writers */
void tty_out_flush(struct tty *t) REQUIRES(&t->out);			/* drop what was not sent */
void tty_out_raw(struct tty *t, uint8_t c) REQUIRES(&t->out);		/* START, STOP: ahead of everything, even when stopped */
void tty_stop(struct tty *t);
void tty_start_locked(struct tty *t) REQUIRES(&t->out);
bool tty_out_room(struct tty *t);
int tty_drain(struct tty *t, struct tty_file *tf);			/* -ERESTARTSYS */

/* tty_job.c */
int tty_check_change(struct tty *t, int sig);	/* background process: signal, -ERESTARTSYS or -EIO; 0: go on */
void tty_signal_foreground(struct tty *t, int sig);
void tty_open_ctty(struct tty *t, struct file *f);
void tty_session_clear(struct tty *t);		/* nobody's controlling terminal any more */
int tty_ioctl_sctty(struct tty *t, struct file *f, uint64_t arg);
int tty_ioctl_notty(struct tty *t);
int tty_ioctl_gpgrp(struct tty *t, bool master, uaddr_t arg);
int tty_ioctl_spgrp(struct tty *t, uaddr_t arg);
int tty_ioctl_gsid(struct tty *t, bool master, uaddr_t arg);
void tty_signal_session(struct tty *t, bool exit_session);

/* tty_ioctl.c: what terminals and pty masters share.  -ENOTTY: unknown. */
long tty_mode_ioctl(struct tty *t, struct tty_file *tf, bool master, unsigned cmd, uaddr_t arg);
int tty_flush_queues(struct tty *t, unsigned which);
int tty_ioctl_sti(struct tty *t, uaddr_t arg);

/* pty.c, devpts.c */
void pty_init(void);
void pty_free(struct pty *p);
void pty_packet(struct tty *t, unsigned set, unsigned clear);	/* packet mode status for the master */
void pty_slave_opened(struct tty *t);
void pty_slave_closed(struct tty *t);
void pty_input_room(struct tty *t);		/* the slave's rx ring has room again */
int pty_slave_check(struct tty *t);		/* may it be opened?  -EIO */
bool pty_master_gone(struct tty *t);
struct tty *pty_slave_find(unsigned index);	/* with a reference, or NULL */
int pty_create(struct file *f);			/* open(/dev/ptmx) */
void devpts_init(void);
int devpts_add(unsigned index, struct inode **out) MUST_CHECK;
void devpts_remove(unsigned index);
int devpts_index_alloc(unsigned *index) MUST_CHECK;	/* -ENOSPC */
void devpts_index_free(unsigned index);
#endif
