/* SPDX-License-Identifier: MIT */
/*
 * Clocks and sleeping.  clock_gettime(2), clock_nanosleep(2), gettimeofday(2),
 * settimeofday(2), adjtimex(2).
 *
 * CPU-time clocks of other processes and threads are encoded in negative clock
 * numbers: ~pid << 3 | (4: thread) | kind.
 */
#include <abi/time.h>
#include <kernel/ipc_init.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"


/* ---- conversions ---- */

uint64_t time_to_ns(const struct abi_timespec *ts)
{
	if ((uint64_t)ts->tv_sec >= INT64_MAX / NSEC_PER_SEC)
		return INT64_MAX;
	return (uint64_t)ts->tv_sec * NSEC_PER_SEC + (uint64_t)ts->tv_nsec;
}

bool time_valid(const struct abi_timespec *ts)
{
	return ts->tv_sec >= 0 && (uint64_t)ts->tv_nsec < NSEC_PER_SEC;
}

uint64_t time_deadline_ns(const struct abi_timespec *rel)
{
	return hal_time_mono_ns() + time_to_ns(rel);	/* both below 2^63 */
}

uint64_t time_real_to_mono(uint64_t real_ns)
{
	uint64_t real = time_real_ns(), mono = hal_time_mono_ns();

	if (real_ns <= real)
		return mono > real - real_ns ? mono - (real - real_ns) : 0;
	return mono + (real_ns - real);
}

static struct abi_timespec ns_to_timespec(uint64_t ns)
{
	return (struct abi_timespec){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC) };
}

/* ---- reading ---- */

static int cpu_clock_now(int clock, uint64_t *ns)
{
	pid_t nr = ~(clock >> 3);
	unsigned kind = clock & 3;
	uint64_t user, system;

	if (kind == 3)
		return -EINVAL;		/* CLOCKFD: no dynamic clocks */
	if (clock & CPUCLOCK_PERTHREAD) {
		struct task *t = nr ? task_find(nr) : current;

		if (!t || t->process != current->process) {
			if (nr)
				task_put(t);
			return -EINVAL;
		}
		task_times(t, &user, &system);
		if (nr)
			task_put(t);
	} else {
		struct process *p = nr ? process_find(nr) : current->process;

		if (!p)
			return -EINVAL;
		process_times(p, &user, &system);
		if (nr)
			process_put(p);
	}
	*ns = kind == CPUCLOCK_VIRT ? user : user + system;
	return 0;
}

int clock_now(int clock, uint64_t *ns)
{
	uint64_t user, system;

	if (clock < 0)
		return cpu_clock_now(clock, ns);
	switch (clock) {
	case CLOCK_REALTIME_COARSE:
		*ns = time_real_ns();
		*ns -= *ns % ABI_COARSE_NS;
		return 0;
	case CLOCK_MONOTONIC_COARSE:
		*ns = hal_time_mono_ns();
		*ns -= *ns % ABI_COARSE_NS;
		return 0;
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = time_real_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = hal_time_mono_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		process_times(current->process, &user, &system);
		*ns = user + system;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = task_runtime_ns(current);
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_clock_gettime(int clock, uaddr_t tp)
{
	uint64_t ns;
	int err = clock_now(clock, &ns);

	return err ? err : put_user(ns_to_timespec(ns), tp);
}

long sys_clock_getres(int clock, uaddr_t tp)
{
	uint64_t ns;
	int err = clock_now(clock, &ns);

	if (err)
		return err;
	ns = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? ABI_COARSE_NS : 1;
	return tp ? put_user(ns_to_timespec(ns), tp) : 0;
}

/* To that many ns since 1970: not before the machine was started, and such that 30 years of running still fit. */
static int clock_set_real(int64_t sec, uint64_t nsec)
{
	const int64_t last = INT64_MAX / (int64_t)NSEC_PER_SEC - 30ll * 365 * 24 * 3600;
	uint64_t ns = (uint64_t)sec * NSEC_PER_SEC + nsec;

	if (sec < 0 || sec >= last)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (ns < hal_time_mono_ns())
		return -EINVAL;
	time_set_real_ns(ns);
	vdso_update();
	posix_timers_clock_set();
	timerfd_clock_set();
	return 0;
}

long sys_clock_settime(int clock, uaddr_t tp)
{
	struct abi_timespec ts;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (get_user(ts, tp))
		return -EFAULT;
	if (!time_valid(&ts))
		return -EINVAL;
	return clock_set_real(ts.tv_sec, (uint64_t)ts.tv_nsec);
}

struct abi_timezone { int32_t minuteswest, dsttime; };
static struct abi_timezone timezone;	/* kept for whoever asks, as on Linux */

long sys_gettimeofday(uaddr_t tv, uaddr_t tz)
{
	uint64_t ns = time_real_ns();

	if (tv && put_user(((struct abi_timeval){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / 1000) }), tv))
		return -EFAULT;
	return tz ? put_user(((struct abi_timezone){ READ_ONCE(timezone.minuteswest), READ_ONCE(timezone.dsttime) }), tz) : 0;
}

long sys_settimeofday(uaddr_t utv, uaddr_t utz)
{
	struct abi_timeval tv;
	struct abi_timezone tz;

	if (utv) {
		if (get_user(tv, utv))
			return -EFAULT;
		if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= 1000000)
			return -EINVAL;
	}
	if (utz && get_user(tz, utz))
		return -EFAULT;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (utz) {
		if (tz.minuteswest > 15 * 60 || tz.minuteswest < -15 * 60)
			return -EINVAL;
		WRITE_ONCE(timezone.minuteswest, tz.minuteswest);
		WRITE_ONCE(timezone.dsttime, tz.dsttime);
	}
	return utv ? clock_set_real(tv.tv_sec, (uint64_t)tv.tv_usec * 1000) : 0;
}

#ifdef EFT_CPU_x86_64
long sys_time(uaddr_t tloc)
{
	int64_t s = (int64_t)(time_real_ns() / NSEC_PER_SEC);

	if (tloc && put_user(s, tloc))
		return -EFAULT;
	return s;
}
#endif

/* ---- adjtimex(2): reading, and steps of the clock; no discipline ---- */

struct abi_timex {
	uint32_t modes, pad0;
	int64_t offset, freq, maxerror, esterror;
	int32_t status, pad1;
	int64_t constant, precision, tolerance;
	struct abi_timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift, pad2;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, pad3[11];
};
enum { ADJ_OFFSET = 1, ADJ_SETOFFSET = 0x100, ADJ_NANO = 0x2000, ADJ_READONLY = 0x2000, ADJ_ADJTIME = 0x8000, STA_UNSYNC = 0x40, STA_NANO = 0x2000, TIME_ERROR = 5 };

long sys_clock_adjtime(int clock, uaddr_t buf)
{
	struct abi_timex tx;
	uint64_t now;

	if (clock != CLOCK_REALTIME)
		return clock_now(clock, &now) ? -EINVAL : -EOPNOTSUPP;
	if (get_user(tx, buf))
		return -EFAULT;
	if (tx.modes & ADJ_ADJTIME) {	/* adjtime(3): a request of its own, not a set of modes */
		if (!(tx.modes & ADJ_OFFSET))
			return -EINVAL;
		if (!(tx.modes & ADJ_READONLY) && !capable(CAP_SYS_TIME))
			return -EPERM;
		if (!(tx.modes & ADJ_READONLY) && tx.offset)
			return -EOPNOTSUPP;	/* nothing is slewed; so nothing is left to slew */
	} else if (tx.modes && !capable(CAP_SYS_TIME)) {
		return -EPERM;
	} else if (tx.modes & ADJ_SETOFFSET) {
		int64_t unit = tx.modes & ADJ_NANO ? 1 : 1000, ns = (int64_t)time_real_ns();
		int err;

		if (tx.time.tv_usec < 0 || tx.time.tv_usec >= (int64_t)NSEC_PER_SEC / unit)
			return -EINVAL;
		ns += tx.time.tv_usec * unit;
		/* A sum that wraps is out of range as well. */
		err = clock_set_real((int64_t)((uint64_t)tx.time.tv_sec + (uint64_t)ns / NSEC_PER_SEC), (uint64_t)ns % NSEC_PER_SEC);
		if (err)
			return err;
	} else if (tx.modes) {
		return -EOPNOTSUPP;	/* the rate comes from the machine and is not steered */
	}
	now = time_real_ns();
	memset(&tx, 0, sizeof(tx));
	tx.status = STA_UNSYNC;
	tx.maxerror = tx.esterror = 16000000;
	tx.precision = 1;
	tx.tolerance = 32768000;
	tx.tick = 10000;
	tx.time = (struct abi_timeval){ (int64_t)(now / NSEC_PER_SEC), (int64_t)(now % NSEC_PER_SEC / 1000) };
	return put_user(tx, buf) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(uaddr_t buf)
{
	return sys_clock_adjtime(CLOCK_REALTIME, buf);
}

/* ---- sleeping ---- */

static long sleep_restart(struct restart_block *rb);

/* Until a monotonic deadline.  rem: where to tell what is left, 0: nowhere. */
static long sleep_until(uint64_t deadline, uaddr_t rem, bool restartable)
{
	struct restart_block *rb = &current->restart;
	uint64_t left;

	for (;;) {
		sched_set_state(TASK_INTERRUPTIBLE);
		if (signal_pending(current) || hal_time_mono_ns() >= deadline)
			break;
		schedule_until(deadline);
	}
	sched_set_state(TASK_RUNNING);
	left = hal_time_mono_ns();
	if (left >= deadline)
		return 0;
	left = deadline - left;
	if (!restartable)
		return -ERESTARTNOHAND;
	if (rem && put_user(ns_to_timespec(left), rem))
		return -EFAULT;
	rb->fn = sleep_restart;
	rb->sleep.deadline_ns = deadline;
	rb->sleep.rem = rem;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_restart(struct restart_block *rb)
{
	rb->fn = NULL;
	return sleep_until(rb->sleep.deadline_ns, rb->sleep.rem, true);
}

long sys_nanosleep(uaddr_t req, uaddr_t rem)
{
	struct abi_timespec ts;

	if (get_user(ts, req))
		return -EFAULT;
	if (!time_valid(&ts))
		return -EINVAL;
	return sleep_until(time_deadline_ns(&ts), rem, true);
}

/* CPU-time clocks: look at the clock when that much time could have passed. */
static long sleep_cpu(int clock, uint64_t target, bool absolute, uaddr_t rem)
{
	uint64_t now;

	for (;;) {
		int err = clock_now(clock, &now);
		long ret;

		if (err)
			return err;
		if (now >= target)
			return 0;
		ret = sleep_until(hal_time_mono_ns() + (target - now), 0, false);
		if (ret) {
			if (!absolute && rem && !clock_now(clock, &now) &&
			    put_user(ns_to_timespec(target > now ? target - now : 0), rem))
				return -EFAULT;
			return absolute ? -ERESTARTNOHAND : -EINTR;
		}
	}
}

long sys_clock_nanosleep(int clock, int flags, uaddr_t req, uaddr_t rem)
{
	struct abi_timespec ts;
	uint64_t ns, now;
	bool absolute = flags & TIMER_ABSTIME;
	int err = clock_now(clock, &now);

	if (err)
		return err;
	if (clock == CLOCK_THREAD_CPUTIME_ID || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		return -EOPNOTSUPP;
	if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	if (get_user(ts, req))
		return -EFAULT;
	if (!time_valid(&ts))
		return -EINVAL;
	ns = time_to_ns(&ts);
	if (clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID)
		return sleep_cpu(clock, absolute ? ns : now + ns, absolute, rem);
	if (!absolute)
		return sleep_until(hal_time_mono_ns() + ns, rem, true);
	if (clock == CLOCK_REALTIME || clock == CLOCK_TAI || clock == CLOCK_REALTIME_ALARM)
		ns = time_real_to_mono(ns);
	return sleep_until(ns, 0, false);
}
