/* SPDX-License-Identifier: MIT */
/*
 * timerfd(2).  The timer interrupt only notes the first expiration; how many
 * periods have passed is worked out when somebody reads, which is also when a
 * periodic timer is armed again: a period of a nanosecond costs nothing.
 *
 * All timers run on the monotonic clock.  One that is absolute on
 * CLOCK_REALTIME is on a list and converted anew when that clock is set;
 * TFD_TIMER_CANCEL_ON_SET makes reads fail with ECANCELED then.
 */
#include "ipc_internal.h"

enum { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 };

struct timerfd {
	struct spinlock lock;		/* [EVENTFD], interrupts off */
	struct ktimer timer;
	int clock;			/* [I] */
	uint64_t expires_ns;		/* [lock] monotonic; 0: disarmed */
	uint64_t real_expires_ns;	/* [lock] the same on CLOCK_REALTIME, of absolute ones */
	uint64_t interval_ns;		/* [lock] */
	uint64_t ticks;			/* [lock] not yet read */
	bool expired;			/* [lock] fired and not armed again */
	bool absolute_real, cancel_on_set, cancelled;	/* [lock] */
	unsigned settime_flags;		/* [lock] */
	struct list_head link;		/* [list_lock] */
	struct waitq wait;
};

static struct mutex list_lock;		/* [MODULE] */
static struct list_head realtime = LIST_INIT(realtime);	/* [list_lock] */

static bool is_real(int clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM; }

static void fired(struct ktimer *k)
{
	struct timerfd *t = container_of(k, struct timerfd, timer);
	unsigned long flags = spin_lock_irqsave(&t->lock);

	/* It was due, and while it waited for the lock was set for later, or stopped. */
	if (!t->expires_ns || t->expires_ns > hal_time_mono_ns()) {
		spin_unlock_irqrestore(&t->lock, flags);
		return;
	}
	t->expired = true;
	WRITE_ONCE(t->ticks, t->ticks + 1);	/* poll looks without the lock */
	spin_unlock_irqrestore(&t->lock, flags);
	waitq_wake_key(&t->wait, 1, POLLIN | POLLRDNORM);
}

/* [lock] Counts the periods that have passed; true: the timer is to be armed for expires_ns. */
static bool forward(struct timerfd *t)
{
	uint64_t now = hal_time_mono_ns(), passed;

	if (!t->expired || !t->interval_ns)
		return false;
	t->expired = false;
	passed = now > t->expires_ns ? (now - t->expires_ns) / t->interval_ns : 0;
	WRITE_ONCE(t->ticks, t->ticks + passed);
	t->expires_ns += (passed + 1) * t->interval_ns;
	t->real_expires_ns += (passed + 1) * t->interval_ns;
	return true;
}

/* The ticks, or 0; -ECANCELED. */
static int64_t take(struct timerfd *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	uint64_t at = 0;
	int64_t ret;

	if (t->cancel_on_set && t->cancelled) {
		WRITE_ONCE(t->cancelled, false);
		WRITE_ONCE(t->ticks, 0);
		ret = -ECANCELED;
	} else {
		if (t->ticks && forward(t))
			at = t->expires_ns;
		ret = (int64_t)t->ticks;
		WRITE_ONCE(t->ticks, 0);
		if (at)
			ktimer_arm(&t->timer, at);
	}
	spin_unlock_irqrestore(&t->lock, flags);
	return ret;
}

static int64_t timerfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct timerfd *t = f->private;
	int64_t ticks;

	if (u->left < sizeof(ticks))
		return -EINVAL;
	ticks = take(t);
	if (ticks == 0) {
		int err;

		if (READ_ONCE(f->flags) & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&t->wait, (ticks = take(t)) != 0);
		if (err)
			return err;
	}
	if (ticks < 0)
		return ticks;
	return uio_copy_to(u, &ticks, sizeof(ticks)) == sizeof(ticks) ? (int64_t)sizeof(ticks) : -EFAULT;
}

static unsigned timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->private;

	poll_wait(pt, &t->wait);
	return READ_ONCE(t->ticks) || READ_ONCE(t->cancelled) ? POLLIN : 0;
}

static void unlink_realtime(struct timerfd *t)
{
	mutex_lock(&list_lock);
	if (!list_empty(&t->link))
		list_del_init(&t->link);
	mutex_unlock(&list_lock);
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	unlink_realtime(t);
	ktimer_cancel_sync(&t->timer);
	kfree(t);
}

static void show(struct file *f, char *buf, size_t max)
{
	struct timerfd *t = f->private;
	uint64_t now = hal_time_mono_ns(), left, interval, ticks;
	unsigned long irq = spin_lock_irqsave(&t->lock);
	unsigned flags = t->settime_flags;

	left = t->expires_ns > now ? t->expires_ns - now : 0;
	interval = t->interval_ns;
	ticks = t->ticks;
	spin_unlock_irqrestore(&t->lock, irq);
	ksnprintf(buf, max, "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
		t->clock, (unsigned long long)ticks, flags,
		(unsigned long long)(left / NSEC_PER_SEC), (unsigned long long)(left % NSEC_PER_SEC),
		(unsigned long long)(interval / NSEC_PER_SEC), (unsigned long long)(interval % NSEC_PER_SEC));
}

static const struct file_ops timerfd_ops = { .llseek = llseek_nothing, .release = timerfd_release, .read = timerfd_read, .poll = timerfd_poll, .show_fdinfo = show };

long sys_timerfd_create(int clock, unsigned flags)
{
	struct timerfd *t;
	struct file *f;
	int fd;

	if (flags & ~(unsigned)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_ALARM &&
	    clock != CLOCK_BOOTTIME_ALARM)
		return -EINVAL;
	if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	t = kzalloc(sizeof(*t), 0);
	if (!t)
		return -ENOMEM;
	spin_init(&t->lock, LOCK_EVENTFD);
	ktimer_init(&t->timer, fired);
	waitq_init(&t->wait);
	list_init(&t->link);
	t->clock = clock;
	fd = file_create_anon("[timerfd]", 0600, &timerfd_ops, t, O_RDWR | (flags & O_NONBLOCK), &f);
	if (fd) {
		kfree(t);
		return fd;
	}
	f->mode |= FMODE_LSEEK;
	fd = fd_add(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int timerfd_get(int fd, struct file **f, struct timerfd **t)
{
	*f = fd_get(fd);
	if (!*f)
		return -EBADF;
	if ((*f)->ops != &timerfd_ops) {
		file_put(*f);
		return -EINVAL;
	}
	*t = (*f)->private;
	return 0;
}

/* [lock] */
static void read_setting(struct timerfd *t, struct abi_itimerspec *out)
{
	uint64_t now = hal_time_mono_ns(), left = 0, at = 0;

	if (t->expired && t->interval_ns && forward(t))
		at = t->expires_ns;
	if (t->expires_ns && !t->expired)
		left = t->expires_ns > now ? t->expires_ns - now : 1;
	out->it_value = (struct abi_timespec){ (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC) };
	out->it_interval = (struct abi_timespec){ (int64_t)(t->interval_ns / NSEC_PER_SEC), (int64_t)(t->interval_ns % NSEC_PER_SEC) };
	if (at)
		ktimer_arm(&t->timer, at);
}

static uint64_t real_to_mono(uint64_t real)
{
	uint64_t now = time_real_ns(), mono = hal_time_mono_ns();

	return real > now ? mono + (real - now) : mono > now - real ? mono - (now - real) : 1;
}

long sys_timerfd_settime(int fd, int flags, uaddr_t value, uaddr_t old)
{
	struct abi_itimerspec new, was;
	struct timerfd *t;
	struct file *f;
	unsigned long irq;
	uint64_t at;
	int err;

	if (copy_from_user(&new, value, sizeof(new)))
		return -EFAULT;
	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) || timespec_check(&new.it_value) || timespec_check(&new.it_interval))
		return -EINVAL;
	err = timerfd_get(fd, &f, &t);
	if (err)
		return err;
	if ((t->clock == CLOCK_REALTIME_ALARM || t->clock == CLOCK_BOOTTIME_ALARM) && !capable(CAP_WAKE_ALARM)) {
		file_put(f);
		return -EPERM;
	}
	ktimer_cancel_sync(&t->timer);
	irq = spin_lock_irqsave(&t->lock);
	read_setting(t, &was);
	ktimer_cancel(&t->timer);
	at = timespec_ns(&new.it_value);
	WRITE_ONCE(t->ticks, 0);
	t->expired = false;
	WRITE_ONCE(t->cancelled, false);
	t->interval_ns = timespec_ns(&new.it_interval);
	WRITE_ONCE(t->absolute_real, at && is_real(t->clock) && (flags & TFD_TIMER_ABSTIME));
	t->cancel_on_set = t->absolute_real && (flags & TFD_TIMER_CANCEL_ON_SET);
	t->settime_flags = (unsigned)flags;
	t->expires_ns = 0;
	if (at) {
		t->real_expires_ns = at;
		t->expires_ns = !(flags & TFD_TIMER_ABSTIME) ? deadline_after_ns(at) : t->absolute_real ? real_to_mono(at) : at;
		ktimer_arm(&t->timer, t->expires_ns);
	}
	spin_unlock_irqrestore(&t->lock, irq);
	mutex_lock(&list_lock);
	if (READ_ONCE(t->absolute_real) != !list_empty(&t->link)) {
		if (list_empty(&t->link))
			list_add_tail(&t->link, &realtime);
		else
			list_del_init(&t->link);
	}
	mutex_unlock(&list_lock);
	file_put(f);
	return old ? copy_to_user(old, &was, sizeof(was)) : 0;
}

long sys_timerfd_gettime(int fd, uaddr_t value)
{
	struct abi_itimerspec is;
	struct timerfd *t;
	struct file *f;
	unsigned long irq;
	int err = timerfd_get(fd, &f, &t);

	if (err)
		return err;
	irq = spin_lock_irqsave(&t->lock);
	read_setting(t, &is);
	spin_unlock_irqrestore(&t->lock, irq);
	file_put(f);
	return copy_to_user(value, &is, sizeof(is));
}

void timerfd_clock_set(void)
{
	struct timerfd *t;

	mutex_lock(&list_lock);
	list_for_each(t, &realtime, link) {
		unsigned long irq;
		bool wake;

		ktimer_cancel_sync(&t->timer);
		irq = spin_lock_irqsave(&t->lock);
		if (t->absolute_real && !t->expired) {
			t->expires_ns = real_to_mono(t->real_expires_ns);
			ktimer_arm(&t->timer, t->expires_ns);
		} else if (t->expires_ns && !t->expired) {
			ktimer_arm(&t->timer, t->expires_ns);	/* set otherwise meanwhile, and cancelled above */
		}
		wake = t->cancel_on_set;
		WRITE_ONCE(t->cancelled, t->cancelled || wake);
		spin_unlock_irqrestore(&t->lock, irq);
		if (wake)
			waitq_wake_key(&t->wait, 1, POLLIN | POLLRDNORM);
	}
	mutex_unlock(&list_lock);
}

void timerfd_init(void)
{
	mutex_init(&list_lock, LOCK_MODULE);
}
