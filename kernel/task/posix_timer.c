/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers.  timer_create(2), timer_settime(2), timer_getoverrun(2).
 *
 * Each timer owns one struct sigqueue, which counts for RLIMIT_SIGPENDING from
 * its creation on.  A periodic timer that has expired runs
 * again only when its signal is taken (posix_timer_taken()): whatever its
 * period, it interrupts no more often than its owner can take signals.  What
 * passed in between is counted then, as overrun.  A signal that is ignored has
 * nobody who would take it: such a timer goes on, at most once in IGNORED_NS.
 * Timers on CPU-time clocks are driven by itimer.c's watch of the process.
 *
 * Lifetime: a timer is in its process's tree under POSIX_TIMER's lock; its
 * kernel timer is cancelled, synchronously, before it is freed.
 */
#include <abi/time.h>
#include <kernel/radix.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4, DELAYTIMER_MAX = INT32_MAX,
	IGNORED_NS = 4000000 };
struct abi_sigevent { uint64_t value; int32_t signo, notify, tid, pad[11]; };
_Static_assert(sizeof(struct abi_sigevent) == 64, "struct sigevent");

struct posix_timer {
	int id, clock, notify, sig;	/* [I] */
	uint64_t value;			/* [I] sival */
	struct process *process;	/* [I] no reference: the timer dies first */
	struct task *thread;		/* [I] reference; SIGEV_THREAD_ID: who gets the signal */
	struct task *cpu_thread;	/* [I] reference; whose CPU time it is, NULL: the whole process's */
	struct ktimer timer;
	uint64_t interval_ns;		/* [lock] */
	uint64_t expires_ns;		/* [lock] in the timer's clock; 0: disarmed */
	bool absolute_real;		/* [lock] moves when the wall clock is set */
	bool live;			/* [lock] it may be found */
	bool waits;			/* [lock] expired at expires_ns; runs again when its signal is taken */
	uint64_t overrun, overrun_last;	/* [lock] */
	struct sigqueue q;		/* [sig] */
};
struct posix_timers { struct spinlock lock; struct radix_tree tree; int next; unsigned cpu_timers; };

static bool clock_is_cpu(int clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

static bool clock_is_real(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM;
}

/* Queue its signal; false: nobody wants it. [lock] Any context. */
static bool posix_timer_notify(struct posix_timer *pt)
{
	struct process *p = pt->process;
	struct task *t = pt->thread;
	struct sighand *sh;
	unsigned long flags;
	bool queued = true;

	if (pt->notify == SIGEV_NONE)
		return false;
	sh = process_siglock(p, &flags);
	if (!list_empty(&pt->q.link)) {
		pt->overrun++;
	} else if (!(t ? READ_ONCE(t->flags) & TASKF_EXITING : p->group_flags & GROUP_EXITING)) {
		pt->q.info = (struct abi_siginfo){ .si_signo = pt->sig, .si_code = SI_TIMER };
		pt->q.info.timer.tid = pt->id;
		pt->q.info.timer.value = pt->value;
		queued = signal_queue_prepared(p, t, pt->sig, &pt->q);
	}
	process_sigunlock(sh, flags);
	return queued;
}

/* How many periods have passed, and the next expiry. */
static uint64_t advance(uint64_t *expires, uint64_t interval, uint64_t now)
{
	uint64_t n = 1;

	if (!interval) {
		*expires = 0;
		return n;
	}
	if (now > *expires)
		n += (now - *expires) / interval;
	*expires += n * interval;
	return n;
}

static uint64_t to_mono(const struct posix_timer *pt, uint64_t expires)
{
	return clock_is_real(pt->clock) ? time_real_to_mono(expires) : expires;
}

static void posix_timer_fn(struct ktimer *kt)
{
	struct posix_timer *pt = container_of(kt, struct posix_timer, timer);
	struct posix_timers *all = pt->process->posix_timers;
	uint64_t now;
	unsigned long flags;

	flags = spin_lock_irqsave(&all->lock);
	if (!pt->expires_ns || pt->waits)
		goto out;
	if (clock_now(clock_is_real(pt->clock) ? CLOCK_REALTIME : CLOCK_MONOTONIC, &now) || now < pt->expires_ns)
		goto arm;
	pt->waits = pt->interval_ns != 0;
	if (!pt->waits)
		pt->expires_ns = 0;
	if (posix_timer_notify(pt) || !pt->waits)
		goto out;
	pt->waits = false;
	pt->overrun += advance(&pt->expires_ns, pt->interval_ns, now + (pt->interval_ns < IGNORED_NS ? IGNORED_NS : 0));
arm:
	ktimer_arm(kt, to_mono(pt, pt->expires_ns));
out:
	spin_unlock_irqrestore(&all->lock, flags);
}

/* ---- CPU-time clocks ---- */

static uint64_t cpu_now(const struct posix_timer *pt)
{
	uint64_t user = 0, system = 0;

	if (pt->cpu_thread)
		task_times(pt->cpu_thread, &user, &system);
	else
		process_times(pt->process, &user, &system);
	return pt->clock < 0 && (pt->clock & 3) == CPUCLOCK_VIRT ? user : user + system;
}

/*
 * Whose CPU time clock counts, of this process only: *thread with a reference,
 * NULL for the whole process.
 */
static int cpu_clock_owner(int clock, struct task **thread)
{
	int nr = ~(clock >> 3);

	*thread = NULL;
	if (clock == CLOCK_THREAD_CPUTIME_ID || (clock < 0 && clock & CPUCLOCK_PERTHREAD && !nr)) {
		*thread = current;
		task_get(current);
	} else if (clock < 0 && clock & CPUCLOCK_PERTHREAD) {
		*thread = task_find(nr);
		if (!*thread || (*thread)->process != current->process) {
			task_put(*thread);
			return -EINVAL;
		}
	} else if (clock < 0 && nr && nr != process_pid(current->process)) {
		return -EINVAL;
	}
	return 0;
}

/* Expire what is due; the CPU time until the next. UINT64_MAX: none. */
uint64_t posix_cpu_timers_run(struct process *p)
{
	struct posix_timers *all = load_acquire(&p->posix_timers);
	struct posix_timer *pt;
	uint64_t next = UINT64_MAX;
	unsigned long flags;

	if (!all || !READ_ONCE(all->cpu_timers))
		return UINT64_MAX;
	flags = spin_lock_irqsave(&all->lock);
	for (uint64_t i = 0; (pt = radix_next(&all->tree, &i)) != NULL; i++) {
		uint64_t now;

		if (!clock_is_cpu(pt->clock) || !pt->expires_ns)
			continue;
		now = cpu_now(pt);
		if (now >= pt->expires_ns) {
			advance(&pt->expires_ns, pt->interval_ns, now);
			posix_timer_notify(pt);
		}
		if (pt->expires_ns)
			next = MIN(next, pt->expires_ns - now);
	}
	spin_unlock_irqrestore(&all->lock, flags);
	return next;
}

/* ---- life ---- */

static struct posix_timers *timers_of(struct process *p)
{
	struct posix_timers *all = load_acquire(&p->posix_timers), *fresh;

	if (all)
		return all;
	fresh = kzalloc(sizeof(*fresh), 0);
	if (!fresh)
		return NULL;
	spin_init(&fresh->lock, LOCK_POSIX_TIMER);
	if (__atomic_compare_exchange_n(&p->posix_timers, &all, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fresh;
	kfree(fresh);
	return all;
}

/* Nobody knows it (any more), and its signal is not queued. */
static void posix_timer_free(struct posix_timer *pt)
{
	user_uncharge(&pt->q.user->signals, 1);
	user_account_put(pt->q.user);
	task_put(pt->thread);
	task_put(pt->cpu_thread);
	kfree(pt);
}

/* Out of the tree already. */
static void posix_timer_destroy(struct posix_timer *pt)
{
	struct sighand *sh;
	unsigned long flags;

	ktimer_cancel_sync(&pt->timer);
	if (clock_is_cpu(pt->clock)) {
		/* The watch may be using it. */
		ktimer_cancel_sync(&pt->process->cpu_timer);
		__atomic_sub_fetch(&pt->process->posix_timers->cpu_timers, 1, __ATOMIC_RELAXED);
		cpu_timer_check(pt->process);
	}
	sh = process_siglock(pt->process, &flags);
	signal_unqueue_prepared(pt->process, pt->thread, &pt->q);
	process_sigunlock(sh, flags);
	posix_timer_free(pt);
}

void posix_timers_exec(struct process *p)
{
	struct posix_timers *all = p->posix_timers;
	struct posix_timer *pt;

	while (all) {
		uint64_t i = 0;
		unsigned long flags = spin_lock_irqsave(&all->lock);

		pt = radix_next(&all->tree, &i);
		if (pt) {
			radix_erase(&all->tree, i);
			pt->expires_ns = 0;
		}
		spin_unlock_irqrestore(&all->lock, flags);
		if (!pt)
			break;
		posix_timer_destroy(pt);
	}
}

void posix_timers_exit(struct process *p)
{
	struct posix_timers *all = p->posix_timers;
	unsigned long flags;

	posix_timers_exec(p);
	flags = spin_lock_irqsave(&process_tree_lock);	/* posix_timers_clock_set() looks into all processes */
	WRITE_ONCE(p->posix_timers, NULL);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	if (all)
		radix_destroy(&all->tree);
	kfree(all);
}

/* The wall clock was set: absolute timers on it fire when it says so. */
void posix_timers_clock_set(void)
{
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	struct process *p;

	list_for_each(p, &process_list, all_link) {
		struct posix_timers *all = load_acquire(&p->posix_timers);
		struct posix_timer *pt;

		if (!all || p->zombie)
			continue;
		spin_lock(&all->lock);
		for (uint64_t i = 0; (pt = radix_next(&all->tree, &i)) != NULL; i++)
			if (pt->absolute_real && pt->expires_ns && !pt->waits && pt->notify != SIGEV_NONE)
				ktimer_arm(&pt->timer, time_real_to_mono(pt->expires_ns));
		spin_unlock(&all->lock);
	}
	spin_unlock_irqrestore(&process_tree_lock, flags);
}

/* ---- the calls ---- */

/* Does it say how, with which signal and to which thread of ours (*thread, with a reference)? */
static bool event_good(const struct abi_sigevent *ev, struct process *p, struct task **thread)
{
	switch (ev->notify) {
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		*thread = task_find(ev->tid);
		if (!*thread || (*thread)->process != p)
			return false;
		break;
	case SIGEV_SIGNAL: case SIGEV_THREAD: break;
	case SIGEV_NONE: return true;
	default: return false;
	}
	return ev->signo >= 1 && ev->signo <= SIGRTMAX;
}

/* With a number of its own, which is used up whatever becomes of the timer; not to be found yet. */
static int posix_timer_insert(struct posix_timers *all, struct posix_timer *pt)
{
	unsigned long flags = spin_lock_irqsave(&all->lock);
	int err;

	do {
		pt->id = all->next;
		all->next = all->next == INT32_MAX ? 0 : all->next + 1;
		err = radix_insert(&all->tree, (uint64_t)pt->id, pt);
	} while (err == -EEXIST);
	spin_unlock_irqrestore(&all->lock, flags);
	return err;
}

/* What its clock has against it. */
static int clock_takes_timer(struct posix_timer *pt, int bad_clock)
{
	if ((pt->clock == CLOCK_REALTIME_ALARM || pt->clock == CLOCK_BOOTTIME_ALARM) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	if (!clock_is_cpu(pt->clock))
		return 0;
	return bad_clock ? bad_clock : cpu_clock_owner(pt->clock, &pt->cpu_thread);
}

long sys_timer_create(int clock, uaddr_t sevp, uaddr_t uid)
{
	struct process *p = current->process;
	struct posix_timers *all = timers_of(p);
	struct abi_sigevent ev = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct posix_timer *pt;
	unsigned long flags;
	uint64_t now;
	int err, bad_clock;

	if (sevp && get_user(ev, sevp))
		return -EFAULT;
	if (clock < 0 && (clock & 7) == 3)	/* a device's: it has no timers */
		return -EOPNOTSUPP;
	bad_clock = clock_now(clock, &now);
	if (bad_clock && clock >= 0)
		return bad_clock;
	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		return -EOPNOTSUPP;
	if (!user_charge(&current->cred->user->signals, 1, rlimit_get(RLIMIT_SIGPENDING)))
		return -EAGAIN;
	pt = kzalloc(sizeof(*pt), 0);
	err = all && pt ? posix_timer_insert(all, pt) : -ENOMEM;
	if (err) {
		user_uncharge(&current->cred->user->signals, 1);
		kfree(pt);
		return -EAGAIN;
	}
	pt->q.user = user_account_current();
	list_init(&pt->q.link);
	pt->q.preallocated = true;
	ktimer_init(&pt->timer, posix_timer_fn);
	pt->clock = clock;
	pt->notify = ev.notify;
	pt->sig = ev.signo;
	pt->value = sevp ? ev.value : (uint64_t)pt->id;
	pt->process = p;
	/* The number is told before the clock is asked. */
	err = event_good(&ev, p, &pt->thread) ? 0 : -EINVAL;
	if (!err && put_user((int32_t)pt->id, uid))
		err = -EFAULT;
	if (!err)
		err = clock_takes_timer(pt, bad_clock);
	if (!err && clock_is_cpu(clock))
		__atomic_add_fetch(&all->cpu_timers, 1, __ATOMIC_RELAXED);
	flags = spin_lock_irqsave(&all->lock);
	if (err)
		radix_erase(&all->tree, (uint64_t)pt->id);
	else
		pt->live = true;
	spin_unlock_irqrestore(&all->lock, flags);
	if (err)
		posix_timer_free(pt);
	return err;
}

/* Found and locked (all->lock); NULL: no such timer. */
static struct posix_timer *timer_lock(int id, unsigned long *flags) NO_TSA
{
	struct posix_timers *all = load_acquire(&current->process->posix_timers);
	struct posix_timer *pt;

	if (!all || id < 0)
		return NULL;
	*flags = spin_lock_irqsave(&all->lock);
	pt = radix_find(&all->tree, (uint64_t)id);
	if (pt && !pt->live)
		pt = NULL;
	if (!pt)
		spin_unlock_irqrestore(&all->lock, *flags);
	return pt;
}

static void timer_unlock(unsigned long flags) NO_TSA
{
	spin_unlock_irqrestore(&current->process->posix_timers->lock, flags);
}

static uint64_t timer_clock(const struct posix_timer *pt)
{
	uint64_t now = 0;

	if (clock_is_cpu(pt->clock))
		return cpu_now(pt);
	(void)clock_now(pt->clock, &now);
	return now;
}

/* The calling thread has taken a signal of a timer: the overrun becomes known, a period begins. Not under the signal lock. */
void posix_timer_taken(struct abi_siginfo *info)
{
	unsigned long flags;
	struct posix_timer *pt = timer_lock(info->timer.tid, &flags);

	if (!pt)
		return;
	if (pt->waits) {
		pt->waits = false;
		pt->overrun += advance(&pt->expires_ns, pt->interval_ns, timer_clock(pt)) - 1;
		ktimer_arm(&pt->timer, to_mono(pt, pt->expires_ns));
	}
	pt->overrun_last = pt->overrun;
	pt->overrun = 0;
	info->timer.overrun = (int32_t)MIN(pt->overrun_last, (uint64_t)DELAYTIMER_MAX);
	timer_unlock(flags);
}

static void timer_read(const struct posix_timer *pt, struct abi_itimerspec *out)
{
	uint64_t now = timer_clock(pt), left = 0;

	if (pt->expires_ns > now)
		left = pt->expires_ns - now;
	else if (pt->expires_ns && pt->interval_ns)
		left = pt->interval_ns - (now - pt->expires_ns) % pt->interval_ns;
	else if (pt->expires_ns && pt->notify != SIGEV_NONE)
		left = 1;	/* it is about to fire */
	out->it_interval = (struct abi_timespec){ (int64_t)(pt->interval_ns / NSEC_PER_SEC), (int64_t)(pt->interval_ns % NSEC_PER_SEC) };
	out->it_value = (struct abi_timespec){ (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC) };
}

long sys_timer_gettime(int id, uaddr_t value)
{
	struct abi_itimerspec v;
	unsigned long flags;
	struct posix_timer *pt = timer_lock(id, &flags);

	if (!pt)
		return -EINVAL;
	timer_read(pt, &v);
	timer_unlock(flags);
	return put_user(v, value);
}

long sys_timer_settime(int id, int tflags, uaddr_t value, uaddr_t old)
{
	struct abi_itimerspec in, was;
	struct posix_timer *pt;
	unsigned long flags;
	uint64_t ns;
	bool cpu;

	if (!value)
		return -EINVAL;
	if (get_user(in, value))
		return -EFAULT;
	if (!time_valid(&in.it_value) || !time_valid(&in.it_interval))
		return -EINVAL;
	pt = timer_lock(id, &flags);
	if (!pt)
		return -EINVAL;
	timer_read(pt, &was);
	ktimer_cancel(&pt->timer);
	pt->waits = false;
	pt->overrun = pt->overrun_last = 0;
	ns = time_to_ns(&in.it_value);
	pt->interval_ns = ns ? time_to_ns(&in.it_interval) : 0;
	pt->absolute_real = (tflags & TIMER_ABSTIME) && clock_is_real(pt->clock);
	pt->expires_ns = ns && !(tflags & TIMER_ABSTIME) ? timer_clock(pt) + ns : ns;
	if (pt->expires_ns && !clock_is_cpu(pt->clock) && pt->notify != SIGEV_NONE)
		ktimer_arm(&pt->timer, to_mono(pt, pt->expires_ns));
	cpu = clock_is_cpu(pt->clock);
	timer_unlock(flags);	/* from here on another thread may delete it */
	if (cpu)
		cpu_timer_check(current->process);
	return old ? put_user(was, old) : 0;
}

long sys_timer_getoverrun(int id)
{
	unsigned long flags;
	struct posix_timer *pt = timer_lock(id, &flags);
	long n;

	if (!pt)
		return -EINVAL;
	n = (long)MIN(pt->overrun_last, (uint64_t)DELAYTIMER_MAX);
	timer_unlock(flags);
	return n;
}

long sys_timer_delete(int id)
{
	unsigned long flags;
	struct posix_timer *pt = timer_lock(id, &flags);

	if (!pt)
		return -EINVAL;
	radix_erase(&current->process->posix_timers->tree, (uint64_t)id);
	pt->expires_ns = 0;
	timer_unlock(flags);
	posix_timer_destroy(pt);
	return 0;
}
