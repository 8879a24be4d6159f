/* SPDX-License-Identifier: MIT */
/*
 * signalfd(2): pending signals of whoever reads as records.
 *
 * Readiness belongs to the process that asks, not to the file: the wait queue
 * is the asking process's.  An epoll set may keep a waiter there for as long
 * as the file lives, so the file pins (references) each process that polled it.
 */
#include "ipc_internal.h"

struct abi_signalfd_siginfo {
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, value_int;
	uint64_t value_ptr, utime, stime, addr;
	uint16_t addr_lsb, pad2;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t pad[28];
};
_Static_assert(sizeof(struct abi_signalfd_siginfo) == 128, "signalfd_siginfo");

struct pin { struct pin *next; struct process *process; };
struct signalfd {
	struct spinlock lock;		/* [EVENTFD] */
	uint64_t mask;			/* [lock] wanted */
	struct pin *pins;		/* [lock] */
};

static void convert(struct abi_signalfd_siginfo *o, const struct abi_siginfo *i)
{
	memset(o, 0, sizeof(*o));
	o->signo = (uint32_t)i->si_signo;
	o->err = i->si_errno;
	o->code = i->si_code;
	if (i->si_code == SI_TIMER) {
		o->tid = (uint32_t)i->timer.tid;
		o->overrun = (uint32_t)i->timer.overrun;
		o->value_ptr = i->timer.value;
		o->value_int = (int32_t)i->timer.value;
	} else if (i->si_code <= 0) {
		o->pid = (uint32_t)i->kill.pid;
		o->uid = i->kill.uid;
		if (i->si_code == SI_SIGIO) {
			o->pid = o->uid = 0;
			o->band = (uint32_t)i->poll.band;
			o->fd = i->poll.fd;
		} else if (i->si_code != SI_USER && i->si_code != SI_TKILL) {
			o->value_ptr = i->kill.value;
			o->value_int = (int32_t)i->kill.value;
		}
	} else if (i->si_signo == SIGCHLD) {
		o->pid = (uint32_t)i->chld.pid;
		o->uid = i->chld.uid;
		o->status = i->chld.status;
		o->utime = (uint64_t)i->chld.utime;
		o->stime = (uint64_t)i->chld.stime;
	} else if (i->si_signo == SIGILL || i->si_signo == SIGFPE || i->si_signo == SIGSEGV || i->si_signo == SIGBUS || i->si_signo == SIGTRAP) {
		o->addr = i->fault.addr;
		if (i->si_signo == SIGBUS)
			o->addr_lsb = (uint16_t)i->fault.addr_lsb;
	} else if (i->si_signo == SIGIO) {
		o->band = (uint32_t)i->poll.band;
		o->fd = i->poll.fd;
	} else if (i->si_signo == SIGSYS) {
		o->call_addr = i->sys.call_addr;
		o->syscall = i->sys.syscall;
		o->arch = i->sys.arch;
	} else {
		o->pid = (uint32_t)i->kill.pid;
		o->uid = i->kill.uid;
	}
}

static int64_t signalfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct signalfd *s = f->private;
	bool nonblock = READ_ONCE(f->flags) & O_NONBLOCK;
	struct abi_signalfd_siginfo out;
	struct abi_siginfo info;
	int64_t got = 0;

	if (u->left < sizeof(out))
		return -EINVAL;
	while (u->left >= sizeof(out)) {
		int sig = signal_dequeue(READ_ONCE(s->mask), &info), err;

		if (!sig) {
			if (got)
				break;
			if (nonblock)
				return -EAGAIN;
			err = wait_event_interruptible(&current->process->signalfd_wait,
				(sig = signal_dequeue(READ_ONCE(s->mask), &info)) != 0);
			if (err)
				return err;
		}
		convert(&out, &info);
		if (uio_copy_to(u, &out, sizeof(out)) < sizeof(out))
			return got ? got : -EFAULT;
		got += (int64_t)sizeof(out);
	}
	return got;
}

static void pins_free(struct pin *pin)
{
	while (pin) {
		struct pin *next = pin->next;

		process_put(pin->process);
		kfree(pin);
		pin = next;
	}
}

/* False: no memory.  Those that have ended, and for which nobody waits, are let go. */
static bool pin_process(struct signalfd *s, struct process *p)
{
	struct pin *pin, **at, *ended = NULL, *fresh;
	bool there = false;

	spin_lock(&s->lock);
	for (at = &s->pins; (pin = *at) != NULL;) {
		there |= pin->process == p;
		if (READ_ONCE(pin->process->zombie) && !waitq_active(&pin->process->signalfd_wait)) {
			*at = pin->next;
			pin->next = ended;
			ended = pin;
		} else {
			at = &pin->next;
		}
	}
	spin_unlock(&s->lock);
	pins_free(ended);
	if (there)
		return true;
	fresh = kmalloc(sizeof(*fresh), 0);
	if (!fresh)
		return false;
	process_get(p);
	fresh->process = p;
	spin_lock(&s->lock);
	fresh->next = s->pins;
	s->pins = fresh;
	spin_unlock(&s->lock);
	return true;
}

static unsigned signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->private;

	if (pt && pt->queue) {
		if (!pin_process(s, current->process))
			return POLLERR;		/* its queue could go before the waiter does */
		poll_wait(pt, &current->process->signalfd_wait);
	}
	return signal_pending_set() & READ_ONCE(s->mask) ? POLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	struct signalfd *s = f->private;

	pins_free(s->pins);
	kfree(s);
}

static void signalfd_show(struct file *f, char *buf, size_t max)
{
	struct signalfd *s = f->private;

	ksnprintf(buf, max, "sigmask:\t%016llx\n", (unsigned long long)READ_ONCE(s->mask));
}

static const struct file_ops signalfd_ops = { .llseek = llseek_nothing, .release = signalfd_release, .read = signalfd_read, .poll = signalfd_poll,
	.show_fdinfo = signalfd_show };

long sys_signalfd4(int fd, uaddr_t umask, size_t size, unsigned flags)
{
	struct signalfd *s;
	struct file *f;
	uint64_t mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, umask))
		return -EFAULT;
	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	mask &= ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP));
	if (fd == -1) {
		s = kzalloc(sizeof(*s), 0);
		if (!s)
			return -ENOMEM;
		spin_init(&s->lock, LOCK_EVENTFD);
		s->mask = mask;
		fd = file_create_anon("[signalfd]", 0600, &signalfd_ops, s, O_RDWR | (flags & O_NONBLOCK), &f);
		if (fd) {
			kfree(s);
			return fd;
		}
		f->mode |= FMODE_LSEEK;
	fd = fd_add(f, flags & O_CLOEXEC);
		if (fd < 0)
			file_put(f);
		return fd;
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->ops != &signalfd_ops) {
		file_put(f);
		return -EINVAL;
	}
	s = f->private;
	WRITE_ONCE(s->mask, mask);
	waitq_wake_all(&current->process->signalfd_wait);
	file_put(f);
	return fd;
}

long sys_signalfd(int fd, uaddr_t mask, size_t size) { return sys_signalfd4(fd, mask, size, 0); }
