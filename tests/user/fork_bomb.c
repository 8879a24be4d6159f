/* SPDX-License-Identifier: MIT */
/* A fork bomb under RLIMIT_NPROC: it stops at the limit with EAGAIN, can be killed, and others go on. */
#include "harness.h"
#include "child.h"
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared { volatile int born, refused; };

int main(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rlimit r = { 120, 120 };
	int status, left = 0;
	pid_t bomb;

	plan(6);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	bomb = fork();
	if (!bomb) {
		if (setpgid(0, 0))
			_exit(1);
		if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(54321, 54321, 54321) || setresuid(54321, 54321, 54321)))
			_exit(2);
		setrlimit(RLIMIT_NPROC, &r);
		for (;;) {
			pid_t pid = fork();

			if (pid == 0) {
				__sync_fetch_and_add(&s->born, 1);
			} else if (pid < 0) {
				if (errno == EAGAIN)
					__sync_fetch_and_add(&s->refused, 1);
				usleep(1000);
			}
		}
	}
	/* The children count themselves, once they have run. */
	wait_until(s->refused >= 200 && s->born >= 50);
	ok(s->refused >= 200, "it hits the limit (%d refused)", s->refused);
	ok(s->born >= 50 && s->born < 120, "with no more than that many processes, itself among them (%d)", s->born);
	{
		pid_t pid = fork();

		if (!pid)
			_exit(7);
		ok(pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7, "others can fork");
	}
	ok(kill(-bomb, SIGKILL) == 0, "killed as a group");
	for (;;) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0)
			break;
		if (pid == 0)
			usleep(1000);
		else
			left++;
		kill(-bomb, SIGKILL);
	}
	ok(left >= 50, "and reaped (%d)", left);
	ok(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD, "nobody is left");
	return done();
}
