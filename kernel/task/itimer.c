/* SPDX-License-Identifier: MIT */
/*
 * Interval timers and the limit on CPU time.  setitimer(2), alarm(2),
 * setrlimit(2) RLIMIT_CPU.
 *
 * ITIMER_REAL is a kernel timer.  The CPU-time ones are watched by one kernel
 * timer per process, set to the earliest moment at which any of them could be
 * due, if all threads ran all the time; when it fires too early it is set again.
 */
#include <abi/time.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

static uint64_t timeval_ns(const struct abi_timeval *tv)
{
	if ((uint64_t)tv->tv_sec >= INT64_MAX / NSEC_PER_SEC)
		return INT64_MAX;
	return (uint64_t)tv->tv_sec * NSEC_PER_SEC + (uint64_t)tv->tv_usec * 1000;
}

static struct abi_timeval ns_timeval(uint64_t ns)
{
	/* Rounded up: a timer that runs never reads as 0. */
	ns += 999;
	return (struct abi_timeval){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

/* ---- ITIMER_REAL ---- */

/* Interrupt context. A periodic one runs again when the signal is taken, so that no period is too short for the machine. */
void real_timer_fn(struct ktimer *t)
{
	signal_send_process(container_of(t, struct process, real_timer), SIGALRM, NULL);
}

/* A SIGALRM, whoever sent it, was taken. [sig] */
void real_timer_taken(struct process *p)
{
	uint64_t interval = p->real_interval_ns, now, next;

	if (!interval || ktimer_pending(&p->real_timer))
		return;
	now = hal_time_mono_ns();
	next = p->real_timer.expires_ns + interval;
	if (next <= now)
		next = now + interval - (now - next) % interval;
	ktimer_arm(&p->real_timer, next);
}

/* ---- CPU time ---- */

/* One round; returns the ns of CPU time until something is due, UINT64_MAX: nothing is watched. */
static uint64_t cpu_timer_round(struct process *p)
{
	uint64_t user, system, total, next = UINT64_MAX, limit;
	struct sighand *sh;
	unsigned long flags;
	int due[4];
	unsigned n = 0;

	process_times(p, &user, &system);
	total = user + system;
	sh = process_siglock(p, &flags);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t now = i == 0 ? user : total;

		if (!p->cpu_itimer[i].value_ns)
			continue;
		if (now >= p->cpu_itimer[i].value_ns) {
			due[n++] = i == 0 ? SIGVTALRM : SIGPROF;
			p->cpu_itimer[i].value_ns = p->cpu_itimer[i].interval_ns ? now + p->cpu_itimer[i].interval_ns : 0;
		}
		if (p->cpu_itimer[i].value_ns)
			next = MIN(next, p->cpu_itimer[i].value_ns - now);
	}
	limit = p->rlimit[RLIMIT_CPU].cur;
	if (limit != RLIM_INFINITY) {
		uint64_t s = total / NSEC_PER_SEC;

		if (s >= p->rlimit[RLIMIT_CPU].max) {
			due[n++] = SIGKILL;
		} else if (s >= limit && s > p->cpu_limit_warned_s) {
			/* Once a second from then on. */
			p->cpu_limit_warned_s = s;
			due[n++] = SIGXCPU;
		}
		if (s < limit)	/* as many seconds as do not fit in nanoseconds are none */
			next = limit > UINT64_MAX / NSEC_PER_SEC ? next : MIN(next, limit * NSEC_PER_SEC - total);
		else
			next = MIN(next, NSEC_PER_SEC - total % NSEC_PER_SEC);
	}
	process_sigunlock(sh, flags);
	for (unsigned i = 0; i < n; i++)
		signal_send_process(p, due[i], NULL);
	return MIN(next, posix_cpu_timers_run(p));
}

void cpu_timer_fn(struct ktimer *t)
{
	struct process *p = container_of(t, struct process, cpu_timer);
	uint64_t next = cpu_timer_round(p);
	unsigned threads = READ_ONCE(p->thread_count);

	if (next == UINT64_MAX || !threads)
		return;
	next = MIN(next / threads, (uint64_t)INT64_MAX / 2);	/* looks again in a century */
	ktimer_arm(t, hal_time_mono_ns() + MAX(next, (uint64_t)100000));
}

/* Under the lock: ktimer_arm() is for one at a time, and for none once itimer_exit() may have cancelled. */
void cpu_timer_check(struct process *p)
{
	/* Somebody else's may go with the process at any time (prlimit(2)); they are watched already. */
	bool watch = p == current->process && posix_cpu_timers_run(p) != UINT64_MAX;
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);

	watch |= p->cpu_itimer[0].value_ns || p->cpu_itimer[1].value_ns || p->rlimit[RLIMIT_CPU].cur != RLIM_INFINITY;
	if (watch && READ_ONCE(p->thread_count))
		ktimer_arm(&p->cpu_timer, hal_time_mono_ns());
	process_sigunlock(sh, flags);
}

void itimer_exit(struct process *p)
{
	WRITE_ONCE(p->real_interval_ns, 0);
	ktimer_cancel_sync(&p->real_timer);
	ktimer_cancel_sync(&p->cpu_timer);
}

/* ---- the calls ---- */

static void itimer_get(int which, struct abi_itimerval *out)
{
	struct process *p = current->process;
	uint64_t user, system, now, value = 0, interval;
	unsigned long flags;
	struct sighand *sh;

	if (which == ITIMER_REAL) {
		interval = READ_ONCE(p->real_interval_ns);
		if (ktimer_pending(&p->real_timer)) {
			uint64_t expires = READ_ONCE(p->real_timer.expires_ns);

			now = hal_time_mono_ns();
			value = expires > now ? expires - now : 1;
		}
	} else {
		process_times(p, &user, &system);
		now = which == ITIMER_VIRTUAL ? user : user + system;
		sh = process_siglock(p, &flags);
		interval = p->cpu_itimer[which - 1].interval_ns;
		value = p->cpu_itimer[which - 1].value_ns;
		process_sigunlock(sh, flags);
		if (value)
			value = value > now ? value - now : 1;
	}
	out->it_interval = interval ? ns_timeval(interval) : (struct abi_timeval){ 0, 0 };
	out->it_value = value ? ns_timeval(value) : (struct abi_timeval){ 0, 0 };
}

static void itimer_set(int which, uint64_t value, uint64_t interval)
{
	struct process *p = current->process;
	uint64_t user, system;
	unsigned long flags;
	struct sighand *sh;

	if (which == ITIMER_REAL) {
		sh = process_siglock(p, &flags);
		WRITE_ONCE(p->real_interval_ns, 0);
		process_sigunlock(sh, flags);
		ktimer_cancel_sync(&p->real_timer);
		if (value) {
			sh = process_siglock(p, &flags);
			WRITE_ONCE(p->real_interval_ns, interval);
			ktimer_arm(&p->real_timer, hal_time_mono_ns() + value);
			process_sigunlock(sh, flags);
		}
		return;
	}
	process_times(p, &user, &system);
	sh = process_siglock(p, &flags);
	p->cpu_itimer[which - 1].value_ns = value ? value + (which == ITIMER_VIRTUAL ? user : user + system) : 0;
	p->cpu_itimer[which - 1].interval_ns = value ? interval : 0;
	process_sigunlock(sh, flags);
	cpu_timer_check(p);
}

long sys_getitimer(int which, uaddr_t value)
{
	struct abi_itimerval v;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(which, &v);
	return put_user(v, value);
}

static bool timeval_valid(const struct abi_timeval *tv)
{
	return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

long sys_setitimer(int which, uaddr_t value, uaddr_t old)
{
	struct abi_itimerval in = { { 0, 0 }, { 0, 0 } }, was;

	if (value && get_user(in, value))
		return -EFAULT;
	if (!timeval_valid(&in.it_value) || !timeval_valid(&in.it_interval))
		return -EINVAL;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(which, &was);
	itimer_set(which, timeval_ns(&in.it_value), timeval_ns(&in.it_interval));
	return old ? put_user(was, old) : 0;
}

#ifdef EFT_CPU_x86_64
long sys_alarm(unsigned seconds)
{
	struct abi_itimerval was;

	itimer_get(ITIMER_REAL, &was);
	itimer_set(ITIMER_REAL, (uint64_t)seconds * NSEC_PER_SEC, 0);
	/* Rounded to the nearest second, but never to 0. */
	if ((!was.it_value.tv_sec && was.it_value.tv_usec) || was.it_value.tv_usec >= 500000)
		was.it_value.tv_sec++;
	return was.it_value.tv_sec;
}
#endif
