/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out while a child copies what it shares: only the child dies.
 * On a machine with more than 1 GiB the exhaustion itself is left out: it is somebody's machine.
 */
#include "harness.h"
#include <signal.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
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
	plan(6);
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
	return done();
}
