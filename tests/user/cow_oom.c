/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out while a child copies what it shares: only the child dies.
 * On a machine with more than 1 GiB the exhaustion itself is left out: it is somebody's machine.
 */
#include "harness.h"
#include <sched.h>
#include <signal.h>
#include <fcntl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

static int shares(void *arg)
{
	sleep(5);		/* unless it is killed */
	return 0;
}

int main(void)
{
	static char stack[16384] __attribute__((aligned(16))), log[1 << 18];
	char line[64];
	pid_t *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	struct sysinfo si;
	char *p;
	int status, same = 1;
	pid_t pid;

	sysinfo(&si);
	if ((unsigned long long)si.totalram * si.mem_unit > 1ull << 30) {
		plan(1);
		ok(1, "skipped # SKIP more than 1 GiB of memory");
		return done();
	}
	plan(9);
	/* Half of what is free, shared with a child that writes to all of it and then wants more. */
	n = (size_t)si.freeram * si.mem_unit / 2 / page;
	p = mmap(NULL, n * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ok(p != MAP_FAILED, "%zu pages", n);
	for (size_t i = 0; i < n; i++)
		p[i * page] = (char)i;
	pid = fork();
	if (!pid) {
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);

		if (fd < 0 || write(fd, "1000", 4) != 4)
			_exit(3);
		close(fd);
		for (;;) {
			char *q = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

			if (q == MAP_FAILED)
				_exit(4);
			for (size_t i = 0; i < 64; i++)
				q[i * page] = 1;
			for (size_t i = 0; i < 64 && n; i++)
				p[--n * page] = 0;
		}
	}
	ok(pid > 0, "fork");
	ok(waitpid(pid, &status, 0) == pid, "the child ends");
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killed");
	for (size_t i = 0; i < n; i++)
		same &= p[i * page] == (char)i;
	ok(same, "the parent's memory is as it was");
	for (size_t i = 0; i < n; i++)
		p[i * page] = 7;
	ok(p[(n - 1) * page] == 7, "and can be written");

	/* Who has the same memory as the victim would keep it. */
	fflush(NULL);
	pid = fork();
	if (!pid) {
		pid_t sharer = clone(shares, stack + sizeof(stack), CLONE_VM | CLONE_PARENT | SIGCHLD, NULL);
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);

		if (sharer < 0 || fd < 0 || write(fd, "1000", 4) != 4)
			_exit(3);
		*other = sharer;
		for (;;) {
			char *q = mmap(NULL, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

			if (q == MAP_FAILED)
				_exit(4);
			for (size_t i = 0; i < 64; i++)
				q[i * page] = 1;
		}
	}
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "another is killed");
	ok(*other > 0 && waitpid(*other, &status, 0) == *other && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "and with it who shares its memory");
	snprintf(line, sizeof(line), "process %d (", *other);
	n = (size_t)klogctl(3, log, sizeof(log) - 1);
	ok(n < sizeof(log) && !strstr(log, line), "not as another victim, after a while without success");
	return done();
}
