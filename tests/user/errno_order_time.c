/* SPDX-License-Identifier: MIT */
/* What the differential fuzzer found in calls on time.  As Linux 6.18 has it. */
#include "harness.h"
#include <linux/capability.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(c) ok(c, "%s", #c)
#define CHECK_EQ(a, b) ok((long)(a) == (long)(b), "%s", #a)

static int fails(long r, int e) { return r == -1 && errno == e; }
#define BAD ((void *)-4096L)

/* A time of zero is not written back, however it is said; what is left of another is. */
static void zero_timeouts(void)
{
	struct timeval tv __attribute__((unused)) = { -1, 1000000 };
	struct timespec ts = { 0, 0 };
	int e = eventfd(1, 0);

	CHECK_EQ(dup2(e, 0), 0);
#ifdef SYS_select			/* not on every CPU */
	CHECK_EQ(syscall(SYS_select, 1, &(uint64_t){ 1 }, NULL, NULL, &tv), 1);
	ok(tv.tv_sec == -1 && tv.tv_usec == 1000000, "a select without a time leaves it as it was");
	tv.tv_usec--;
	CHECK(fails(syscall(SYS_select, 1, &(uint64_t){ 1 }, NULL, NULL, &tv), EINVAL));
	tv = (struct timeval){ 0, 500000 };
	CHECK_EQ(syscall(SYS_select, 1, &(uint64_t){ 1 }, NULL, NULL, &tv), 1);
	ok(tv.tv_sec == 0 && tv.tv_usec > 0 && tv.tv_usec <= 500000, "select tells what is left");
#endif
	CHECK_EQ(syscall(SYS_pselect6, 1, &(uint64_t){ 1 }, NULL, NULL, &ts, NULL), 1);
	ok(ts.tv_sec == 0 && ts.tv_nsec == 0, "pselect6 without a time leaves it as it was");
	ts.tv_sec = 1;
	CHECK_EQ(syscall(SYS_pselect6, 1, &(uint64_t){ 1 }, NULL, NULL, &ts, NULL), 1);
	ok(ts.tv_sec == 0 && ts.tv_nsec > 0, "pselect6 tells what is left");
	ts.tv_nsec = 1000000000;
	CHECK(fails(syscall(SYS_pselect6, 1, &(uint64_t){ 1 }, NULL, NULL, &ts, NULL), EINVAL));
	close(0);
	close(e);
}

/* A failing timer_create has used up a number, and may have told it. */
static void timer_numbers(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	int first, next, told = -1;

	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &first), 0);
	ev.sigev_notify = 99;
	CHECK(fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &told), EINVAL));
	CHECK_EQ(told, -1);
	ev.sigev_notify = SIGEV_NONE | SIGEV_THREAD_ID;
	CHECK(fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &told), EINVAL));
	ev.sigev_notify = SIGEV_THREAD | SIGEV_THREAD_ID;
	ev.sigev_signo = SIGUSR1;
	CHECK(fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &told), EINVAL));
	ev.sigev_notify = SIGEV_NONE;
	CHECK(fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, BAD), EFAULT));
	CHECK(fails(syscall(SYS_timer_create, -1, &ev, &told), EINVAL));	/* nobody's CPU time */
	CHECK_EQ(told, first + 5);
	CHECK(fails(syscall(SYS_timer_create, 99, &ev, &told), EINVAL));	/* no such clock: before all else */
	CHECK(fails(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, &ev, &told), EOPNOTSUPP));
	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &next), 0);
	CHECK_EQ(next, first + 6);
	CHECK(fails(syscall(SYS_timer_delete, told), EINVAL));
	CHECK_EQ(syscall(SYS_timer_delete, first), 0);
	CHECK_EQ(syscall(SYS_timer_delete, next), 0);
}

/* A timer that would wake the machine needs a capability, when it is set, too. */
static void alarm_timers(void)
{
	struct itimerspec its = { .it_value = { 100000, 0 } };
	int fd = timerfd_create(CLOCK_BOOTTIME_ALARM, 0), status;

	if (fd < 0) {			/* such machines there are */
		ok(errno == EOPNOTSUPP || errno == EPERM, "there is no clock that wakes it");
		return;
	}
	if (fork() == 0) {
		struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
		struct __user_cap_data_struct none[2] = { { 0 } };

		if (syscall(SYS_capset, &h, none))
			_exit(9);
		if (!fails(timerfd_settime(fd, 0, BAD, NULL), EFAULT))
			_exit(1);
		if (!fails(timerfd_settime(fd, 99, &its, NULL), EINVAL))
			_exit(2);
		_exit(fails(timerfd_settime(fd, 0, &its, NULL), EPERM) ? 0 : 3);
	}
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
	close(fd);
}

int main(void)
{
	zero_timeouts();
	timer_numbers();
	alarm_timers();
	return done();
}
