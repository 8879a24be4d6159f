/* SPDX-License-Identifier: MIT */
/* timerfd(2). */
#include "harness.h"
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static struct itimerspec spec(double value, double interval)
{
	return (struct itimerspec){ { (long)interval, (long)((interval - (long)interval) * 1e9) }, { (long)value, (long)((value - (long)value) * 1e9) } };
}

int main(void)
{
	struct itimerspec its, old;
	struct pollfd pf;
	uint64_t ticks;
	double t;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0), nb = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);

	ok(fd >= 0 && nb >= 0, "timerfd_create");
	ok_errno(timerfd_create(1234, 0), EINVAL, "bad clock");
	ok_errno(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL, "not a clock for this");
	ok_errno(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL, "bad flags");
	ok_errno(read(nb, &ticks, 8), EAGAIN, "disarmed");
	its = spec(1000, 0);
	ok(timerfd_settime(fd, 0, &its, NULL) == 0 && timerfd_gettime(fd, &old) == 0 && old.it_value.tv_sec > 900 && old.it_value.tv_sec < 1000 + (old.it_value.tv_nsec == 0), "time left");
	its = spec(0.05, 0);
	t = now();
	ok(timerfd_settime(fd, 0, &its, NULL) == 0, "armed for 50 ms");
	ok(read(fd, &ticks, 8) == 8 && ticks == 1 && now() - t >= 0.049, "one expiration after 50 ms");
	ok(timerfd_gettime(fd, &old) == 0 && old.it_value.tv_sec == 0 && old.it_value.tv_nsec == 0, "then disarmed");
	pf = (struct pollfd){ fd, POLLIN, 0 };
	ok(poll(&pf, 1, 0) == 0, "and not ready");
	its = spec(0.01, 0.02);
	t = now();
	timerfd_settime(fd, 0, &its, NULL);
	usleep(100000);
	ok(poll(&pf, 1, 0) == 1 && pf.revents == POLLIN, "ready");
	ok(read(fd, &ticks, 8) == 8 && ticks >= 4 && ticks <= (now() - t - 0.01) / 0.02 + 1, "missed periods are counted: %d", (int)ticks);
	ok(read(fd, &ticks, 8) == 8 && ticks >= 1, "and it goes on");
	its = spec(1000, 0.02);
	timerfd_settime(fd, 0, &its, NULL);
	its = spec(0, 0);
	ok(timerfd_settime(fd, 0, &its, &old) == 0 && old.it_interval.tv_nsec == 20000000 && old.it_value.tv_sec > 900, "disarming tells the old setting");
	ok(poll(&pf, 1, 60) == 0, "disarmed: silent");
	struct timespec ts;
	t = now();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	its = (struct itimerspec){ { 0, 0 }, { ts.tv_sec, ts.tv_nsec + 40000000 } };
	if (its.it_value.tv_nsec >= 1000000000) {
		its.it_value.tv_sec++;
		its.it_value.tv_nsec -= 1000000000;
	}
	ok(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL) == 0 && read(fd, &ticks, 8) == 8 && ticks == 1 && now() - t > 0.0399, "an absolute time");
	its.it_value.tv_sec = 1;
	ok(timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL) == 0 && read(fd, &ticks, 8) == 8, "one in the past fires at once");
	clock_gettime(CLOCK_REALTIME, &ts);
	its = (struct itimerspec){ { 0, 0 }, { ts.tv_sec, 0 } };
	ok(timerfd_settime(nb, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &its, NULL) == 0, "on the real-time clock");
	pf.fd = nb;
	ok(poll(&pf, 1, -1) == 1 && read(nb, &ticks, 8) == 8, "fires too");
	its = spec(0.000000001, 0.000000001);
	ok(timerfd_settime(fd, 0, &its, NULL) == 0, "a period of a nanosecond");
	usleep(20000);
	ok(read(fd, &ticks, 8) == 8 && ticks > 1000000, "counts millions and does not bring the machine down");
	its.it_value.tv_nsec = 1000000000;
	ok_errno(timerfd_settime(fd, 0, &its, NULL), EINVAL, "bad time");
	ok_errno(timerfd_settime(0, 0, &old, NULL), EINVAL, "not a timerfd");
	ok_errno(timerfd_settime(999, 0, &old, NULL), EBADF, "not open");
	ok_errno(read(fd, &ticks, 4), EINVAL, "short read");
	return done();
}
