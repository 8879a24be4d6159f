/* SPDX-License-Identifier: MIT */
/*
 * How much CPU time a run may use (setitimer(2) ITIMER_PROF; setrlimit(2)
 * RLIMIT_CPU for a run in a process of its own).  libFuzzer's -timeout is clock
 * time: it remains, as a longer limit, for a run that waits for ever.
 *
 * The timer ticks once in a second of CPU time, whatever runs: a run costs
 * nothing more, and the limit is kept to a second.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>
#include "cpu_limit.h"

static unsigned limit;
static volatile sig_atomic_t ticks;	/* since the run began */

static void tick(int sig)
{
	static const char text[] = "==eft-fuzz== ERROR: a run that does not end: --cpu-limit\n";

	(void)sig;
	if ((unsigned)++ticks <= limit)
		return;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	abort();	/* whose handler stores the input */
}

void cpu_limit_init(unsigned seconds)
{
	struct sigaction sa = { .sa_handler = tick, .sa_flags = SA_RESTART | SA_ONSTACK };
	struct itimerval every = { { 1, 0 }, { 1, 0 } };

	limit = seconds;
	if (!seconds)
		return;
	if (sigaction(SIGPROF, &sa, NULL) || setitimer(ITIMER_PROF, &every, NULL)) {
		perror("eft-fuzz: --cpu-limit");
		exit(2);
	}
}

void cpu_limit_run(void)
{
	ticks = 0;
}

void cpu_limit_child(void)
{
	struct rlimit r = { limit + 1, RLIM_INFINITY };

	if (limit)
		setrlimit(RLIMIT_CPU, &r);	/* SIGXCPU ends it */
}
