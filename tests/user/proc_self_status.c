/* SPDX-License-Identifier: MIT */
/* What /proc says of a process: status, stat, statm, maps, task, limits, cmdline; that it is true and changes with the process. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <dirent.h>

static char text[65536];
static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, r;

	text[0] = '\0';
	if (fd < 0)
		return NULL;
	while ((r = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
		n += r;
	text[n] = '\0';
	close(fd);
	return text;
}
static long field(const char *path, const char *key)
{
	char *p = slurp(path), *q;

	if (!p)
		return -1;
	q = strstr(p, key);
	return q ? strtol(q + strlen(key), NULL, 0) : -2;
}
static int stat_field(pid_t pid, int n)	/* from 3 */
{
	char path[64], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	p = slurp(path);
	p = p ? strrchr(p, ')') : NULL;
	for (int i = 2; p && i < n; i++)
		p = strchr(p + 1, ' ');
	return p ? atoi(p + 1) : -1;
}
static struct gate g;
static void *waits(void *arg) { gate_wait(&g); return arg; }
static int tasks(void)
{
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

int main(void)
{
	char want[64], path[64];
	pthread_t t[3];
	long before, after;
	char *p;
	pid_t pid;

	plan(24);
	gate_init(&g);
	ok(field("/proc/self/status", "Pid:\t") == getpid() && field("/proc/self/status", "PPid:\t") == getppid(), "Pid, PPid");
	ok(field("/proc/self/status", "\nTgid:\t") == getpid(), "Tgid");
	ok(field("/proc/self/status", "Uid:\t") == (long)getuid(), "Uid");
	prctl(PR_SET_NAME, "a (odd) name");
	ok(strstr(slurp("/proc/self/status"), "Name:\ta (odd) name\n") != NULL, "Name");
	ok(strstr(slurp("/proc/self/stat"), "(a (odd) name) R ") != NULL, "stat has it in parentheses");
	ok(stat_field(getpid(), 4) == getppid() && stat_field(getpid(), 5) == getpgrp() && stat_field(getpid(), 6) == getsid(0), "ppid, pgrp, session in stat");
	ok(field("/proc/self/status", "Threads:\t") == 1 && tasks() == 1, "one thread");
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, waits, NULL);
	ok(field("/proc/self/status", "Threads:\t") == 4 && tasks() == 4 && stat_field(getpid(), 20) == 4, "four, and four in task/");
	gate_open_n(&g, 3);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	before = field("/proc/self/status", "VmRSS:\t");
	p = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long size = field("/proc/self/status", "VmSize:\t");
	memset(p, 1, 8 << 20);
	after = field("/proc/self/status", "VmRSS:\t");
	ok(after - before >= 8000 && after - before < 10000, "VmRSS grows by what is touched (%ld kB)", after - before);
	ok(field("/proc/self/status", "VmSize:\t") >= size && size >= 8192, "VmSize");
	ok(field("/proc/self/status", "VmHWM:\t") >= after, "VmHWM");
	snprintf(want, sizeof(want), "%lx-%lx rw-p", (unsigned long)p, (unsigned long)p + (8 << 20));
	ok(strstr(slurp("/proc/self/maps"), "rw-p") != NULL, "maps");
	mprotect(p, 4096, PROT_NONE);
	snprintf(want, sizeof(want), "%lx-%lx ---p", (unsigned long)p, (unsigned long)p + 4096);
	ok(strstr(slurp("/proc/self/maps"), want) != NULL, "an area whose protection was changed is a line of its own");
	munmap(p, 8 << 20);
	ok(strstr(slurp("/proc/self/maps"), want) == NULL, "and gone when unmapped");
	ok(strstr(slurp("/proc/self/maps"), "[stack]") && strstr(slurp("/proc/self/maps"), "[vdso]") && strstr(slurp("/proc/self/maps"), "[heap]"), "stack, heap, vdso are named");
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGUSR1);
	signal(SIGUSR2, SIG_IGN);
	ok(strstr(slurp("/proc/self/status"), "SigBlk:\t0000000000000200") && strstr(text, "SigPnd:\t0000000000000200"), "blocked and pending signals");
	ok(strstr(text, "SigIgn:\t0000000000000800") != NULL, "ignored ones");
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	ok(wait_state(pid, 0, 'S'), "S when it sleeps");
	kill(pid, SIGSTOP);
	ok(wait_state(pid, 0, 'T'), "T when it is stopped");
	kill(pid, SIGKILL);
	ok(wait_state(pid, 0, 'Z'), "Z until it is waited for");
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	ok(slurp(path) && !text[0], "a zombie has no command line");
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ok(readlink(path, want, sizeof(want)) == -1, "nor a program");
	exit_of(pid);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	ok(access(path, F_OK) == -1 && errno == ENOENT, "then it is gone");
	ok(field("/proc/self/status", "NoNewPrivs:\t") == 0 && in_child((prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), field("/proc/self/status", "NoNewPrivs:\t"))) == 1, "NoNewPrivs");
	return done();
}
