/* SPDX-License-Identifier: MIT */
/*
 * ioctl_tty(2): what a terminal and the master side of a pty have in common.
 * Requests that change something are refused to background processes, as
 * writes with TOSTOP are.
 */
#include "tty_internal.h"

static const uint32_t baud_table[] = { 0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400 };
static const uint32_t baud_extended[] = { 0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000,
	2000000, 2500000, 3000000, 3500000, 4000000 };

static uint32_t baud_of(unsigned code, uint32_t custom)
{
	code &= CBAUD;
	if (code == BOTHER)
		return custom;
	return code & BOTHER ? baud_extended[code & 017] : baud_table[code & 017];
}

/* What TIOCSLCKTRMIOS has locked stays as it was. */
static void keep_locked(struct abi_ktermios *new, const struct abi_ktermios *old, const struct abi_ktermios *locked)
{
#define KEEP(field) (new->field = (new->field & ~locked->field) | (old->field & locked->field))
	KEEP(c_iflag);
	KEEP(c_oflag);
	KEEP(c_cflag);
	KEEP(c_lflag);
#undef KEEP
	if (locked->c_line)
		new->c_line = old->c_line;
	for (unsigned i = 0; i < ABI_NCCS; i++)
		if (locked->c_cc[i])
			new->c_cc[i] = old->c_cc[i];
}

static void set_termios(struct tty *t, const struct abi_ktermios *wanted, uint32_t ispeed, uint32_t ospeed)
{
	struct abi_ktermios old, new = *wanted;
	unsigned in_code;

	mutex_lock(&t->ldisc);
	mutex_lock(&t->out);
	old = t->termios;
	keep_locked(&new, &old, &t->locked);
	in_code = new.c_cflag >> IBSHIFT & CBAUD;
	t->ospeed = baud_of(new.c_cflag, ospeed);
	if (t->pty)		/* a pty has no line parameters */
		new.c_cflag = (new.c_cflag & ~(unsigned)(CSIZE | PARENB)) | CS8 | CREAD;
	tty_store_termios(t, &new);
	t->ispeed = in_code ? baud_of(in_code, ispeed) : t->ospeed;
	n_tty_termios_changed(t, &old);
	if (t->pty) {
		bool was = (old.c_iflag & IXON) && old.c_cc[VSTOP] == 023 && old.c_cc[VSTART] == 021;
		bool is = I_FLAG(t, IXON) && CC(t, VSTOP) == 023 && CC(t, VSTART) == 021;

		if (was != is)
			pty_packet(t, is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, is ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
		if ((old.c_lflag ^ t->termios.c_lflag) & EXTPROC || L_FLAG(t, EXTPROC))
			pty_packet(t, TIOCPKT_IOCTL, 0);
	} else if (t->ops->set_termios) {
		t->ops->set_termios(t, &old);
	}
	mutex_unlock(&t->out);
	mutex_unlock(&t->ldisc);
	waitq_wake_key(&t->read_wait, 0, 0);
	waitq_wake_key(&t->write_wait, 0, 0);
	n_tty_process(t);
}

int tty_flush_queues(struct tty *t, unsigned which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which != TCOFLUSH) {
		unsigned long flags;

		mutex_lock(&t->ldisc);
		flags = spin_lock_irqsave(&t->lock);
		WRITE_ONCE(t->rx_tail, t->rx_head);
		spin_unlock_irqrestore(&t->lock, flags);
		n_tty_flush(t);
		pty_packet(t, TIOCPKT_FLUSHREAD, 0);
		mutex_unlock(&t->ldisc);
		n_tty_process(t);	/* unthrottles */
		if (t->pty)
			pty_input_room(t);
	}
	if (which != TCIFLUSH) {
		mutex_lock(&t->out);
		tty_out_flush(t);
		mutex_unlock(&t->out);
	}
	return 0;
}

static int get_termios(struct tty *t, unsigned cmd, uaddr_t arg)
{
	struct abi_ktermios2 k;

	mutex_lock(&t->ldisc);
	memcpy(&k, &t->termios, sizeof(t->termios));
	k.c_ispeed = t->ispeed;
	k.c_ospeed = t->ospeed;
	mutex_unlock(&t->ldisc);
	if (cmd == TCGETA) {
		struct abi_termio io = { .c_iflag = (uint16_t)k.c_iflag, .c_oflag = (uint16_t)k.c_oflag,
			.c_cflag = (uint16_t)k.c_cflag, .c_lflag = (uint16_t)k.c_lflag, .c_line = k.c_line };

		memcpy(io.c_cc, k.c_cc, sizeof(io.c_cc));
		return copy_to_user(arg, &io, sizeof(io));
	}
	return copy_to_user(arg, &k, cmd == TCGETS ? sizeof(struct abi_ktermios) : sizeof(k));
}

/* how: 0 now, 1 after the output, 2 and drop the input. */
static int change_termios(struct tty *t, struct tty_file *tf, unsigned cmd, uaddr_t arg, unsigned how)
{
	struct abi_ktermios2 k;
	struct abi_ktermios new;
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	mutex_lock(&t->ldisc);
	new = t->termios;
	k.c_ispeed = t->ispeed;
	k.c_ospeed = t->ospeed;
	mutex_unlock(&t->ldisc);
	if (cmd >= TCSETA && cmd <= TCSETAF) {
		struct abi_termio io;

		if (copy_from_user(&io, arg, sizeof(io)))
			return -EFAULT;
		new.c_iflag = (new.c_iflag & 0xffff0000u) | io.c_iflag;
		new.c_oflag = (new.c_oflag & 0xffff0000u) | io.c_oflag;
		new.c_cflag = (new.c_cflag & 0xffff0000u) | io.c_cflag;
		new.c_lflag = (new.c_lflag & 0xffff0000u) | io.c_lflag;
		new.c_line = io.c_line;
		memcpy(new.c_cc, io.c_cc, sizeof(io.c_cc));
	} else if (cmd >= TCSETS && cmd <= TCSETSF) {
		if (copy_from_user(&new, arg, sizeof(new)))
			return -EFAULT;
	} else {
		if (copy_from_user(&k, arg, sizeof(k)))
			return -EFAULT;
		memcpy(&new, &k, sizeof(new));
	}
	if (how == 2)
		(void)tty_flush_queues(t, TCIFLUSH);
	if (how) {
		err = tty_drain(t, tf);
		if (err)
			return err;
	}
	set_termios(t, &new, k.c_ispeed, k.c_ospeed);
	return 0;
}

/* TIOCGLCKTRMIOS, TIOCSLCKTRMIOS */
static int locked_termios(struct tty *t, bool set, uaddr_t arg)
{
	struct abi_ktermios k;

	if (set) {
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
			return -EPERM;
		if (copy_from_user(&k, arg, sizeof(k)))
			return -EFAULT;
	}
	mutex_lock(&t->ldisc);
	if (set)
		t->locked = k;
	else
		k = t->locked;
	mutex_unlock(&t->ldisc);
	return set ? 0 : copy_to_user(arg, &k, sizeof(k));
}

/* TIOCSSOFTCAR: CLOCAL on its own. */
static int set_soft_carrier(struct tty *t, uaddr_t arg)
{
	struct abi_ktermios new;
	uint32_t ispeed, ospeed;
	int32_t on;

	if (get_user(on, arg))
		return -EFAULT;
	mutex_lock(&t->ldisc);
	new = t->termios;
	ispeed = t->ispeed;
	ospeed = t->ospeed;
	mutex_unlock(&t->ldisc);
	new.c_cflag = on ? new.c_cflag | CLOCAL : new.c_cflag & ~(unsigned)CLOCAL;
	set_termios(t, &new, ispeed, ospeed);
	return 0;
}

int tty_ioctl_sti(struct tty *t, uaddr_t arg)
{
	uint8_t c;

	/* Since Linux 6.2 others may be refused their own terminal too, and are here. */
	if (!capable(CAP_SYS_ADMIN))
		return -EIO;
	if (get_user(c, arg))
		return -EFAULT;
	n_tty_push(t, c);
	return 0;
}

static int set_winsize(struct tty *t, uaddr_t arg)
{
	struct abi_winsize ws;
	unsigned long flags;
	bool changed;

	if (copy_from_user(&ws, arg, sizeof(ws)))
		return -EFAULT;
	flags = spin_lock_irqsave(&t->lock);
	changed = memcmp(&ws, &t->winsize, sizeof(ws)) != 0;
	t->winsize = ws;
	spin_unlock_irqrestore(&t->lock, flags);
	if (changed)
		tty_signal_foreground(t, SIGWINCH);
	return 0;
}

static int flow_control(struct tty *t, unsigned what)
{
	int err = tty_check_change(t, SIGTTOU);

	if (err)
		return err;
	if (what > TCION)
		return -EINVAL;
	mutex_lock(&t->out);
	switch (what) {
	case TCOOFF:
		tty_stop(t);
		break;
	case TCOON:
		tty_start_locked(t);
		break;
	default:
		if (CC(t, what == TCIOFF ? VSTOP : VSTART))
			tty_out_raw(t, CC(t, what == TCIOFF ? VSTOP : VSTART));
	}
	mutex_unlock(&t->out);
	return 0;
}

static int get_int(int32_t v, uaddr_t arg) { return put_user(v, arg); }

long tty_mode_ioctl(struct tty *t, struct tty_file *tf, bool master, unsigned cmd, uaddr_t arg)
{
	unsigned long flags;
	int err;

	switch (cmd) {
	case TCGETS: case TCGETS2: case TCGETA:
		return get_termios(t, cmd, arg);
	case TCSETS: case TCSETS2: case TCSETA:
		return change_termios(t, tf, cmd, arg, 0);
	case TCSETSW: case TCSETSW2: case TCSETAW:
		return change_termios(t, tf, cmd, arg, 1);
	case TCSETSF: case TCSETSF2: case TCSETAF:
		return change_termios(t, tf, cmd, arg, 2);
	case TCXONC:
		return flow_control(t, (unsigned)arg);
	case TCFLSH:
		err = tty_check_change(t, SIGTTOU);
		return err ? err : tty_flush_queues(t, (unsigned)arg);
	case TCSBRK: case TCSBRKP: case TIOCSBRK: case TIOCCBRK:
		err = tty_check_change(t, SIGTTOU);
		if (err)
			return err;
		return cmd == TIOCCBRK ? 0 : tty_drain(t, tf);	/* no line to send a break on */
	case TIOCOUTQ:
		return get_int((int32_t)READ_ONCE(t->obuf_len), arg);
	case TIOCGWINSZ: {
		struct abi_winsize ws;

		flags = spin_lock_irqsave(&t->lock);
		ws = t->winsize;
		spin_unlock_irqrestore(&t->lock, flags);
		return copy_to_user(arg, &ws, sizeof(ws));
	}
	case TIOCSWINSZ:
		return set_winsize(t, arg);
	case TIOCEXCL: case TIOCNXCL:
		flags = spin_lock_irqsave(&t->lock);
		WRITE_ONCE(t->exclusive, cmd == TIOCEXCL);
		spin_unlock_irqrestore(&t->lock, flags);
		return 0;
	case TIOCGEXCL:
		return get_int(READ_ONCE(t->exclusive), arg);
	case TIOCGETD:
		return get_int(0, arg);	/* N_TTY is the only discipline */
	case TIOCSETD: {
		int32_t disc;

		if (get_user(disc, arg))
			return -EFAULT;
		return disc == 0 ? 0 : -EINVAL;
	}
	case TIOCGPGRP:
		return tty_ioctl_gpgrp(t, master, arg);
	case TIOCSPGRP:
		return tty_ioctl_spgrp(t, arg);
	case TIOCGSID:
		return tty_ioctl_gsid(t, master, arg);
	case TIOCGDEV:
		return get_int((int32_t)((KDEV_MINOR(t->dev) & 0xff) | KDEV_MAJOR(t->dev) << 8 | (KDEV_MINOR(t->dev) & ~0xffu) << 12), arg);
	case TIOCGLCKTRMIOS: case TIOCSLCKTRMIOS:
		return locked_termios(t, cmd == TIOCSLCKTRMIOS, arg);
	case TIOCSSOFTCAR:
		return set_soft_carrier(t, arg);
	case TIOCGSOFTCAR:
		return get_int((READ_ONCE(t->termios.c_cflag) & CLOCAL) != 0, arg);
	case TIOCMGET:
		if (t->pty)
			return -ENOTTY;
		return get_int(TIOCM_DTR | TIOCM_RTS | TIOCM_CTS | TIOCM_CAR | TIOCM_DSR, arg);
	}
	return -ENOTTY;
}
