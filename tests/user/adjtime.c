/* SPDX-License-Identifier: MIT */
/* adjtime(3) and adjtimex(2): what can be asked without changing anything. */
#include "harness.h"
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	struct timeval left = { 77, 77 };
	struct timex tx = { 0 };
	int st;
	pid_t pid;

	plan(12);
	ok(adjtime(NULL, &left) == 0, "what is left of an adjustment");
	ok(left.tv_sec == 0 && left.tv_usec == 0, "nothing");
	ok(adjtimex(&tx) >= 0 && tx.tick >= 9000 && tx.tick <= 11000, "adjtimex reads");
	tx.modes = 0xa001;	/* ADJ_OFFSET_SS_READ */
	tx.offset = 5;
	ok(adjtimex(&tx) >= 0 && tx.offset == 0, "ADJ_OFFSET_SS_READ");
	tx.modes = 0x8000;
	ok_errno(adjtimex(&tx), EINVAL, "a half of it");
	pid = fork();
	if (!pid) {
		struct timex t = { .modes = 0xa001 };
		int bad = setuid(65534) != 0 || adjtimex(&t) < 0;

		t.modes = 0x8001;
		t.offset = 0;
		bad |= (adjtimex(&t) != -1 || errno != EPERM) << 1;
		t.modes = ADJ_FREQUENCY;
		bad |= (adjtimex(&t) != -1 || errno != EPERM) << 2;
		_exit(bad);
	}
	waitpid(pid, &st, 0);
	ok(WIFEXITED(st) && !(WEXITSTATUS(st) & 1), "anybody may read");
	ok(WIFEXITED(st) && !(WEXITSTATUS(st) & 6), "only root may change: %x", (unsigned)st);
	/* Times that the clock cannot have; it stays as it is. */
	ok_errno(syscall(SYS_settimeofday, &(struct timeval){ 0, 0 }, NULL), EINVAL, "before the machine was started");
	ok_errno(syscall(SYS_settimeofday, &(struct timeval){ INT64_MAX / 1000000000 - 10, 0 }, NULL), EINVAL, "too late for nanoseconds");
	ok_errno(syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){ INT64_MAX, 0 }), EINVAL, "far too late");
	tx = (struct timex){ .modes = ADJ_SETOFFSET, .time = { -9000000000, 0 } };
	ok_errno(adjtimex(&tx), EINVAL, "a step back behind the start");
	tx = (struct timex){ .modes = ADJ_SETOFFSET, .time = { 0, 1000000 } };
	ok_errno(adjtimex(&tx), EINVAL, "a fraction of a second and more");
	return done();
}
