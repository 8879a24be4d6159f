/* SPDX-License-Identifier: MIT */
/* prctl(2), personality(2), limits and other things that a process can ask about itself. */
#include "harness.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int child(int (*fn)(void))
{
	int st;
	pid_t pid = fork();

	if (!pid)
		_exit(fn());
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 200;
}
static int show_dumpable(void) { return prctl(PR_GET_DUMPABLE); }
static void *make_dumpable(void *arg) { return prctl(PR_SET_DUMPABLE, 1), arg; }
static int show_nice(void) { return getpriority(PRIO_PROCESS, 0) + 20; }

int main(void)
{
	struct sched_param sp = { .sched_priority = 0 };
	struct utsname u;
	struct sysinfo si;
	struct rlimit rl;
	struct timespec ts;
	cpu_set_t set;
	pthread_t thread;
	char name[17] = "", a[32], b[32];
	unsigned cpu = 99, node = 99;
	int v = -1;

	setpriority(PRIO_PROCESS, 0, 0);	/* the suite may have been started by nice(1) */
	plan(43);
	ok(prctl(PR_SET_NAME, "a name that is too long") == 0 && prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "a name that is "), "the name is cut");
	ok(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && prctl(PR_GET_PDEATHSIG, &v) == 0 && v == SIGUSR1, "parent-death signal");
	ok_errno(prctl(PR_SET_PDEATHSIG, 99), EINVAL, "no such signal");
	prctl(PR_SET_PDEATHSIG, 0);
	ok(prctl(PR_GET_DUMPABLE) == 1 && prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0, "dumpable");
	ok_errno(prctl(PR_SET_DUMPABLE, 7), EINVAL, "or not");
	ok(child(show_dumpable) == 0, "a child is not either");
	ok(pthread_create(&thread, NULL, make_dumpable, NULL) == 0 && pthread_join(thread, NULL) == 0 && prctl(PR_GET_DUMPABLE) == 1,
		"it is a matter of the memory, not of a thread");
	ok(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0, "no_new_privs is off");
	ok_errno(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL, "and cannot be set to off");
	ok(prctl(PR_GET_CHILD_SUBREAPER, &v) == 0 && v == 0, "no subreaper");
	ok(prctl(PR_CAPBSET_READ, 0) == 1, "bounding set");
	ok_errno(prctl(PR_CAPBSET_READ, 200), EINVAL, "no such capability");
	ok(prctl(PR_GET_TIMERSLACK) == 50000, "timer slack");
	ok_errno(prctl(12345, 0), EINVAL, "no such option");
	ok(personality(0xffffffff) == 0, "personality");

	ok(uname(&u) == 0 && !strcmp(u.sysname, "Linux") && u.release[0] && u.machine[0], "uname");
	ok(sysinfo(&si) == 0 && si.totalram > si.freeram && si.freeram > 0 && si.procs > 0 && si.mem_unit > 0, "sysinfo");
	ok(getrandom(a, sizeof(a), 0) == sizeof(a) && getrandom(b, sizeof(b), 0) == sizeof(b) && memcmp(a, b, sizeof(a)), "getrandom");
	ok_errno(getrandom(a, 8, 0x1000), EINVAL, "unknown flags");

	ok(getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur >= 64, "limits");
	ok_errno(getrlimit(99, &rl), EINVAL, "no such limit");
	ok(prlimit(getpid(), RLIMIT_STACK, NULL, &rl) == 0 && rl.rlim_cur >= 1 << 20, "prlimit");
	ok_errno(prlimit(4194303, RLIMIT_STACK, NULL, &rl), ESRCH, "of nobody");

	errno = 0;
	ok(getpriority(PRIO_PROCESS, 0) == 0 && errno == 0, "nice 0");
	ok(setpriority(PRIO_PROCESS, 0, 5) == 0 && getpriority(PRIO_PROCESS, 0) == 5, "nice 5");
	ok(child(show_nice) == 25, "inherited");
	ok(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19, "at most 19");
	ok(setpriority(PRIO_PROCESS, 0, 0) == 0, "root may go back");
	ok_errno(setpriority(7, 0, 0), EINVAL, "which?");
	ok_errno(setpriority(PRIO_PROCESS, 4194303, 0), ESRCH, "whose?");

	ok(sched_getscheduler(0) == SCHED_OTHER, "SCHED_OTHER");
	ok_errno(sched_setscheduler(0, SCHED_FIFO, &sp), EINVAL, "a real-time policy needs a priority");
	sp.sched_priority = 10;
	ok(sched_setscheduler(0, SCHED_RR, &sp) == 0 && sched_getscheduler(0) == SCHED_RR, "SCHED_RR");
	ok(sched_getparam(0, &sp) == 0 && sp.sched_priority == 10, "its priority");
	ok(sched_rr_get_interval(0, &ts) == 0 && ts.tv_sec + ts.tv_nsec > 0, "its slice");
	sp.sched_priority = 0;
	ok(sched_setscheduler(0, SCHED_OTHER, &sp) == 0, "and back");
	ok(sched_get_priority_max(SCHED_FIFO) == 99 && sched_get_priority_min(SCHED_FIFO) == 1 && sched_get_priority_max(SCHED_OTHER) == 0, "ranges");
	ok_errno(sched_get_priority_max(99), EINVAL, "of no policy");
	CPU_ZERO(&set);
	ok(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) >= 1, "affinity");
	v = 0;
	while (!CPU_ISSET(v, &set))
		v++;
	CPU_ZERO(&set);
	CPU_SET(v, &set);
	ok(sched_setaffinity(0, sizeof(set), &set) == 0, "one CPU only");
	ok(syscall(SYS_getcpu, &cpu, &node, NULL) == 0 && cpu == (unsigned)v && node == 0, "and there we are");
	CPU_ZERO(&set);
	ok_errno(sched_setaffinity(0, sizeof(set), &set), EINVAL, "no CPU at all");
	ok(sched_yield() == 0, "yield");
	return done();
}
