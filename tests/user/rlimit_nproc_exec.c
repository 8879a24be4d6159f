/* SPDX-License-Identifier: MIT */
/*
 * RLIMIT_NPROC and setuid(2): who becomes a user with too many processes still
 * does, but then execve(2) fails while they are too many; see setrlimit(2),
 * execve(2), EAGAIN.
 */
#include "harness.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { USER = 4242, HOLDERS = 3 };
static pid_t holder[HOLDERS];
static int ready[2], go[2];

static void limit(rlim_t soft)
{
	struct rlimit rl = { soft, 100 };

	setrlimit(RLIMIT_NPROC, &rl);
}

static int becomes(void) { return setresuid(USER, USER, USER) == 0; }
static int fails(const char *path, int error)
{
	char *const argv[] = { (char *)"x", (char *)"x", NULL };

	return execv(path, argv) == -1 && errno == error;
}
static int runs(void)
{
	execl("/proc/self/exe", "x", "x", (char *)NULL);
	return 0;
}

static int status_of(pid_t pid)
{
	int st = -1;

	waitpid(pid, &st, 0);
	return st;
}

#define IN_CHILD(what) __extension__ ({ pid_t pid_ = fork(); if (pid_ == 0) _exit((what) ? 0 : 1); status_of(pid_) == 0; })

int main(int argc, char **argv)
{
	char c;

	(void)argv;
	if (argc > 1)
		return 0;
	plan(8);
	if (pipe(ready) || pipe(go))
		bail("pipe");
	for (int i = 0; i < HOLDERS; i++) {
		holder[i] = fork();
		if (holder[i] == 0) {
			if (!becomes() || write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
	}
	for (int i = 0; i < HOLDERS; i++)
		if (read(ready[0], &c, 1) != 1)
			bail("read");
	ok(IN_CHILD((limit(2), becomes()) && fails("/proc/self/exe", EAGAIN)), "three are, two may be: setuid yes, execve no");
	ok(IN_CHILD((limit(2), becomes()) && fails("/no/such/file", EAGAIN) && fails((const char *)8, EFAULT)), "before the file is looked for, behind its name");
	ok(IN_CHILD((limit(2), becomes()) && fork() == -1 && errno == EAGAIN), "nor fork");
	ok(IN_CHILD((limit(3), becomes()) && runs()), "three are, three may be: execve");
	ok(IN_CHILD((limit(2), becomes()) && fails("/proc/self/exe", EAGAIN) && (limit(4), runs())), "when more may be");
	ok(IN_CHILD((limit(2), runs())), "root");
	ok(IN_CHILD(becomes() && (limit(2), runs())), "who was one of few enough");
	pid_t pid = fork();
	if (pid == 0) {
		limit(2);
		int good = becomes() && fails("/proc/self/exe", EAGAIN) && write(ready[1], "", 1) == 1 && read(go[0], &c, 1) == 1;

		/* It has been forgotten once there were few enough. */
		_exit(!(good && fails("/no/such/file", ENOENT) && (limit(0), runs())));
	}
	if (read(ready[0], &c, 1) != 1)
		bail("read");
	for (int i = 0; i < HOLDERS; i++) {
		kill(holder[i], SIGKILL);
		waitpid(holder[i], NULL, 0);
	}
	if (write(go[1], "", 1) != 1)
		bail("write");
	ok(status_of(pid) == 0, "when fewer are, once and for all");
	return done();
}
