/* SPDX-License-Identifier: MIT */
/*
 * Terminals as files: registration, open and close, read, write, poll, hang-up.
 *
 * A struct tty lives as long as its driver's registration, an open file or a
 * process whose controlling terminal it is refers to it.  Hanging up makes a
 * new generation: files opened before it read end-of-file and fail to write;
 * the terminal can be opened again.  /dev/tty is an alias chosen at open, and
 * so is /dev/console.
 *
 * The work item of a terminal does what interrupts may only note: input
 * processing, output to a driver that has room again, hang-up, SIGWINCH.
 * It holds a reference while it is queued.
 */
#include <kernel/cmdline.h>
#include <kernel/print.h>
#include "syscall/syscall_impl.h"
#include "tty_internal.h"

static struct mutex registry;		/* guards ttys and console_name */
static struct list_head ttys = LIST_INIT(ttys);	/* [registry] */

/* ---- turns ---- */

static bool turn_try(struct tty_turn *turn)
{
	return __atomic_exchange_n(&turn->busy, 1, __ATOMIC_ACQUIRE) == 0;
}

int tty_turn_take(struct tty_turn *turn, bool nonblock)
{
	if (turn_try(turn))
		return 0;
	if (nonblock)
		return -EAGAIN;
	return wait_event_interruptible(&turn->wait, turn_try(turn));
}

void tty_turn_give(struct tty_turn *turn)
{
	__atomic_store_n(&turn->busy, 0, __ATOMIC_RELEASE);
	if (waitq_active(&turn->wait))
		waitq_wake_all(&turn->wait);
}

static char console_name[24];		/* [registry] "" : the first */

/* ---- life ---- */

void tty_store_termios(struct tty *t, const struct abi_ktermios *k)
{
	WRITE_ONCE(t->termios.c_iflag, k->c_iflag);
	WRITE_ONCE(t->termios.c_oflag, k->c_oflag);
	WRITE_ONCE(t->termios.c_cflag, k->c_cflag);
	WRITE_ONCE(t->termios.c_lflag, k->c_lflag);
	WRITE_ONCE(t->termios.c_line, k->c_line);
	for (unsigned i = 0; i < ABI_NCCS; i++)
		WRITE_ONCE(t->termios.c_cc[i], k->c_cc[i]);
}

void tty_reset_termios(struct tty *t)
{
	static const uint8_t cc[ABI_NCCS] = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VTIME] = 0, [VMIN] = 1, [VSTART] = 17,
		[VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22
	};

	struct abi_ktermios k = {
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B38400 | CS8 | CREAD | (t->pty ? 0 : HUPCL),
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	};
	memcpy(k.c_cc, cc, sizeof(cc));
	if (!strcmp(t->name, console_name)) {
		/*
		 * The console is no terminal but a pipe or a file: no echo, no signals, and of the special
		 * characters only end of file and, for those who must send it as data, literal next.
		 */
		if (cmdline_has("console.pipe")) {
			k.c_iflag = 0;
			k.c_lflag = ICANON | IEXTEN;
			memset(k.c_cc, 0, sizeof(cc));
			k.c_cc[VEOF] = cc[VEOF];
			k.c_cc[VLNEXT] = cc[VLNEXT];
			k.c_cc[VMIN] = 1;
		}
		if (cmdline_has("console.noopost"))
			k.c_oflag = 0;
	}
	tty_store_termios(t, &k);
	t->ispeed = t->ospeed = 38400;
}

static void tty_work(struct work *w);

struct tty *tty_alloc(const char *name, kdev_t dev, const struct tty_driver_ops *ops, void *driver)
{
	struct tty *t = kzalloc(sizeof(*t), 0);

	if (!t)
		return NULL;
	t->n.buf = kmalloc(N_TTY_SIZE, 0);
	t->obuf = kmalloc(TTY_OBUF_SIZE, 0);
	t->rx = kmalloc(TTY_RX_SIZE, 0);
	if (!t->n.buf || !t->obuf || !t->rx) {
		tty_free(t);
		return NULL;
	}
	ref_init(&t->refs);
	strlcpy(t->name, name, sizeof(t->name));
	t->dev = dev;
	t->ops = ops;
	t->driver = driver;
	list_init(&t->link);
	list_init(&t->files);
	mutex_init(&t->ldisc, LOCK_TTY_LDISC);
	mutex_init(&t->out, LOCK_TTY_OUT);
	spin_init(&t->lock, LOCK_TTY);
	waitq_init(&t->read_wait);
	waitq_init(&t->write_wait);
	sigio_init(&t->sigio);
	waitq_init(&t->read_turn.wait);
	waitq_init(&t->write_turn.wait);
	work_init(&t->work, tty_work);
	tty_reset_termios(t);
	return t;
}

void tty_free(struct tty *t)
{
	pid_put(t->session);
	pid_put(t->pgrp);
	kfree(t->n.buf);
	kfree(t->obuf);
	kfree(t->rx);
	if (t->pty)
		pty_free(t->pty);
	kfree(t);
}

void tty_get(struct tty *t) { ref_get(&t->refs); }

void tty_put(struct tty *t)
{
	if (t && ref_put(&t->refs))
		tty_free(t);
}

void *tty_driver_data(struct tty *t) { return t->driver; }
const struct abi_ktermios *tty_termios(struct tty *t) { return &t->termios; }
const char *tty_name(const struct tty *t) { return t->name; }
uint32_t tty_device(const struct tty *t) { return t->dev; }

static int device_open(struct inode *inode, struct file *f);
static const struct file_ops device_ops = { .open = device_open };

struct tty *tty_register(const char *name, unsigned major, unsigned minor, const struct tty_driver_ops *ops, void *driver)
{
	struct tty *t = tty_alloc(name, KDEV(major, minor), ops, driver);

	if (!t)
		return NULL;
	if (chrdev_register(major, minor, 1, &device_ops, name) < 0) {
		tty_put(t);
		return NULL;
	}
	if (devfs_add(name, 0620, t->dev) < 0)
		klog_err("tty: no /dev/%s", name);
	mutex_lock(&registry);
	list_add_tail(&t->link, &ttys);
	mutex_unlock(&registry);
	return t;
}

void tty_set_console(const char *name)
{
	mutex_lock(&registry);
	strlcpy(console_name, name, sizeof(console_name));
	mutex_unlock(&registry);
}

/* By device number; KDEV(5, 1) is the console.  A reference, or NULL. */
static struct tty *registry_find(kdev_t dev)
{
	struct tty *t, *found = NULL, *first = NULL;

	mutex_lock(&registry);
	list_for_each(t, &ttys, link) {
		if (!first)
			first = t;
		if (dev == KDEV(5, 1) ? !strcmp(t->name, console_name) : t->dev == dev) {
			found = t;
			break;
		}
	}
	if (!found && dev == KDEV(5, 1))
		found = first;
	if (found)
		tty_get(found);
	mutex_unlock(&registry);
	return found;
}

/* ---- work ---- */

void tty_kick(struct tty *t)
{
	tty_get(t);
	if (!work_queue(&t->work))
		tty_put(t);
}

static void tty_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, work);
	bool hangup, winch;
	unsigned long flags;

	flags = spin_lock_irqsave(&t->lock);
	hangup = t->hangup_pending;
	winch = t->winch_pending;
	t->hangup_pending = t->winch_pending = false;
	spin_unlock_irqrestore(&t->lock, flags);
	if (winch)
		tty_signal_foreground(t, SIGWINCH);
	if (hangup)
		tty_vhangup(t, false);
	n_tty_process(t);
	tty_put(t);
}

void tty_receive(struct tty *t, const uint8_t *buf, size_t n)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	for (size_t i = 0; i < n && t->rx_head - t->rx_tail < TTY_RX_SIZE; i++) {
		t->rx[t->rx_head % TTY_RX_SIZE] = buf[i];
		WRITE_ONCE(t->rx_head, t->rx_head + 1);
	}
	spin_unlock_irqrestore(&t->lock, flags);
	tty_kick(t);
}

size_t tty_receive_room(struct tty *t) { return TTY_RX_SIZE - (READ_ONCE(t->rx_head) - READ_ONCE(t->rx_tail)); }

void tty_write_wakeup(struct tty *t) { tty_kick(t); }

void tty_hangup(struct tty *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	t->hangup_pending = true;
	spin_unlock_irqrestore(&t->lock, flags);
	tty_kick(t);
}

static bool set_winsize(struct tty *t, const struct abi_winsize *ws)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	bool changed = memcmp(ws, &t->winsize, sizeof(*ws)) != 0;

	t->winsize = *ws;
	t->winch_pending |= changed;
	spin_unlock_irqrestore(&t->lock, flags);
	return changed;
}

void tty_set_winsize(struct tty *t, unsigned rows, unsigned cols)
{
	struct abi_winsize ws = { .ws_row = (uint16_t)rows, .ws_col = (uint16_t)cols };

	if (set_winsize(t, &ws))
		tty_kick(t);
}

void tty_vhangup(struct tty *t, bool exit_session)
{
	unsigned long flags;

	__atomic_add_fetch(&t->hangups, 1, __ATOMIC_SEQ_CST);
	mutex_lock(&t->ldisc);
	mutex_lock(&t->out);
	flags = spin_lock_irqsave(&t->lock);
	WRITE_ONCE(t->rx_tail, t->rx_head);
	WRITE_ONCE(t->exclusive, false);
	spin_unlock_irqrestore(&t->lock, flags);
	n_tty_flush(t);
	WRITE_ONCE(t->stopped, false);
	tty_out_flush(t);
	if (!t->pty)
		tty_reset_termios(t);
	mutex_unlock(&t->out);
	mutex_unlock(&t->ldisc);
	tty_signal_session(t, exit_session);
	if (t->ops->hangup)
		t->ops->hangup(t);
	waitq_wake_key(&t->read_wait, 0, POLLIN | POLLRDNORM | POLLHUP | POLLERR | POLLOUT);
	waitq_wake_key(&t->write_wait, 0, POLLOUT | POLLWRNORM | POLLHUP | POLLERR);
}

/* ---- open, close ---- */

int tty_open(struct tty *t, struct file *f, bool noctty, bool console)
{
	struct tty_file *tf;
	unsigned long flags;
	bool busy;

	if (t->pty) {
		int err = pty_slave_check(t);

		if (err)
			return err;
	}
	tf = kzalloc(sizeof(*tf), 0);
	if (!tf)
		return -ENOMEM;
	flags = spin_lock_irqsave(&t->lock);
	busy = t->exclusive && t->opens;
	spin_unlock_irqrestore(&t->lock, flags);
	if (busy && !capable(CAP_SYS_ADMIN)) {
		kfree(tf);
		return -EBUSY;
	}
	tty_get(t);
	tf->tty = t;
	tf->file = f;
	tf->hangups = READ_ONCE(t->hangups);
	tf->console = console;
	flags = spin_lock_irqsave(&t->lock);
	list_add_tail(&tf->link, &t->files);
	t->opens++;
	spin_unlock_irqrestore(&t->lock, flags);
	f->private = tf;
	f->ops = &tty_file_ops;
	f->mode &= ~(unsigned)FMODE_LSEEK;
	if (t->pty)
		pty_slave_opened(t);
	if (!noctty)
		tty_open_ctty(t, f);
	return 0;
}

static int device_open(struct inode *inode, struct file *f)
{
	bool noctty = (f->flags & O_NOCTTY) != 0, console = inode->rdev == KDEV(5, 1);
	struct tty *t;
	int err;

	if (inode->rdev == KDEV(5, 2))
		return pty_create(f);
	if (inode->rdev == KDEV(5, 0)) {
		t = tty_current();
		noctty = true;
		if (!t)
			return -ENXIO;
	} else if (KDEV_MAJOR(inode->rdev) == 136) {
		t = pty_slave_find(KDEV_MINOR(inode->rdev));
		if (!t)
			return -EIO;
	} else {
		t = registry_find(inode->rdev);
		if (!t)
			return console ? -ENODEV : -ENXIO;
	}
	err = tty_open(t, f, noctty || console, console);
	tty_put(t);
	return err;
}

static void tty_release(struct file *f)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	unsigned long flags;
	bool last;

	flags = spin_lock_irqsave(&t->lock);
	list_del(&tf->link);
	last = --t->opens == 0;
	if (last)
		WRITE_ONCE(t->exclusive, false);
	spin_unlock_irqrestore(&t->lock, flags);
	if (last) {
		mutex_lock(&t->out);
		WRITE_ONCE(t->stopped, false);
		tty_out_pump(t);
		mutex_unlock(&t->out);
		/* A pty stays a controlling terminal while its master is there: /dev/tty opens it again. */
		if (!t->pty || pty_master_gone(t))
			tty_session_clear(t);
		if (t->pty)
			pty_slave_closed(t);
	}
	kfree(tf);
	tty_put(t);
}

/* ---- read ---- */

static bool read_over(struct tty *t, struct tty_file *tf)
{
	return tty_file_hung(tf) || (t->pty && pty_master_gone(t));
}

/* Up to u->left bytes by VMIN, VTIME or lines.  Has the read turn. */
static int64_t read_turn(struct tty *t, struct tty_file *tf, struct uio *u, bool nonblock)
{
	uint64_t deadline, between;
	size_t minimum, got = 0;
	uint8_t chunk[256];
	bool canon;

again:
	deadline = UINT64_MAX;
	between = 0;
	minimum = 1;
	canon = L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC);
	if (!canon) {
		uint64_t vtime = CC(t, VTIME) * 100 * NSEC_PER_MSEC;

		minimum = CC(t, VMIN);
		if (minimum) {
			between = vtime;
		} else {
			minimum = 1;
			deadline = hal_time_mono_ns() + vtime;	/* 0: only what is there */
		}
	}
	while (u->left) {
		bool line_done = false;
		size_t n;

		mutex_lock(&t->ldisc);
		n = n_tty_take(t, chunk, MIN(u->left, sizeof(chunk)), &line_done);
		mutex_unlock(&t->ldisc);
		if (n == 0 && !line_done) {
			int err = 0;

			n_tty_process(t);
			if (n_tty_ready(t, false))
				continue;
			if (read_over(t, tf) || (got && (canon || got >= minimum)))
				break;
			if (deadline != UINT64_MAX && hal_time_mono_ns() >= deadline)
				break;
			if (nonblock)
				return got ? (int64_t)got : -EAGAIN;
			err = wait_event_interruptible_until(&t->read_wait, n_tty_ready(t, false) || read_over(t, tf) ||
				canon != (L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC)), deadline);
			if (err == -ETIMEDOUT)
				break;
			if (err)
				return got ? (int64_t)got : err;
			if (canon != (L_FLAG(t, ICANON) && !L_FLAG(t, EXTPROC))) {
				if (got)
					break;
				goto again;
			}
			continue;
		}
		if (uio_copy_to(u, chunk, n) < n)
			return got ? (int64_t)got : -EFAULT;
		got += n;
		if (line_done || (!canon && n < sizeof(chunk) && got >= minimum))
			break;
		if (between)
			deadline = hal_time_mono_ns() + between;
	}
	return (int64_t)got;
}

static int64_t tty_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	bool nonblock = (READ_ONCE(f->flags) & O_NONBLOCK) != 0;
	int64_t ret;

	if (tty_file_hung(tf) || u->left == 0)
		return 0;
	if (!tf->console) {
		int err = tty_check_change(t, SIGTTIN);

		if (err)
			return err;
	}
	ret = tty_turn_take(&t->read_turn, nonblock);
	if (ret)
		return ret;
	ret = read_turn(t, tf, u, nonblock);
	tty_turn_give(&t->read_turn);
	n_tty_process(t);		/* there is room for what waits in the rx ring */
	return ret;
}

/* ---- write ---- */

static int64_t write_turn(struct tty *t, struct tty_file *tf, struct uio *u, bool nonblock)
{
	uint8_t chunk[512];
	int64_t done = 0;

	while (u->left) {
		size_t n = uio_copy_from(u, chunk, MIN(u->left, sizeof(chunk))), off = 0;

		if (n == 0)
			return done ? done : -EFAULT;
		while (off < n) {
			size_t took;
			int err;

			if (read_over(t, tf))
				return done ? done : -EIO;
			mutex_lock(&t->out);
			took = tty_out_write(t, chunk + off, n - off);
			mutex_unlock(&t->out);
			off += took;
			done += (int64_t)took;
			if (took)
				continue;
			if (nonblock)
				return done ? done : -EAGAIN;
			err = wait_event_interruptible(&t->write_wait, tty_out_room(t) || read_over(t, tf));
			if (err)
				return done ? done : err;
		}
	}
	return done;
}

static int64_t tty_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	bool nonblock = (READ_ONCE(f->flags) & O_NONBLOCK) != 0;
	int64_t ret;

	if (tty_file_hung(tf))
		return -EIO;
	if (L_FLAG(t, TOSTOP) && !tf->console) {
		ret = tty_check_change(t, SIGTTOU);
		if (ret)
			return ret;
	}
	ret = tty_turn_take(&t->write_turn, nonblock);
	if (ret)
		return ret;
	ret = write_turn(t, tf, u, nonblock);
	tty_turn_give(&t->write_turn);
	return ret;
}

static unsigned tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;
	unsigned ev = 0;

	poll_wait(pt, &t->read_wait);
	poll_wait(pt, &t->write_wait);
	if (tty_file_hung(tf))
		return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
	if (n_tty_ready(t, true))
		ev |= POLLIN | POLLRDNORM;
	if (t->pty && pty_master_gone(t))
		ev |= POLLHUP;
	if (tty_out_room(t))
		ev |= POLLOUT | POLLWRNORM;
	return ev;
}

static long tty_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->tty;

	if (tty_file_hung(tf))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	switch (cmd) {
	case TIOCSCTTY:
		return tty_ioctl_sctty(t, f, arg);
	case TIOCNOTTY:
		return tty_ioctl_notty(t);
	case TIOCSTI:
		return tty_ioctl_sti(t, arg);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_vhangup(t, false);
		return 0;
	case FIONREAD: {
		int32_t n;

		n_tty_process(t);
		mutex_lock(&t->ldisc);
		n = (int32_t)n_tty_available(t);
		mutex_unlock(&t->ldisc);
		return put_user(n, arg);
	}
	}
	return tty_mode_ioctl(t, tf, false, cmd, arg);
}

static int tty_fasync(struct file *f, bool on)
{
	struct tty_file *tf = f->private;
	bool hung = tty_file_hung(tf);
	int err = sigio_set(&tf->tty->sigio, f, on && !hung);

	return hung ? -ENOTTY : err;
}

const struct file_ops tty_file_ops = {
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.fasync = tty_fasync,
};

long sys_vhangup(void)
{
	struct tty *t;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	t = tty_current();
	if (t) {
		tty_vhangup(t, false);
		tty_put(t);
	}
	return 0;
}

void tty_init(void)
{
	mutex_init(&registry, LOCK_MODULE);
	if (cmdline_get("console", console_name, sizeof(console_name))) {
		char *comma = strchr(console_name, ',');	/* console=ttyS0,115200 */

		if (comma)
			*comma = '\0';
	}
	if (chrdev_register(5, 0, 3, &device_ops, "tty") < 0)
		panic("tty: major 5 is taken");
	devfs_add("tty", 0666, KDEV(5, 0));
	devfs_add("console", 0600, KDEV(5, 1));
	devfs_add("ptmx", 0666, KDEV(5, 2));
	if (chrdev_register(136, 0, 1u << 20, &device_ops, "pts") < 0)
		panic("tty: major 136 is taken");
	pty_init();
	devpts_init();
}
