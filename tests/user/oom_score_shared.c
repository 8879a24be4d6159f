/* SPDX-License-Identifier: MIT */
/* oom_score_adj is of all processes that share memory, but for a vfork's child, which sets its own. */
#include "harness.h"
#include "child.h"

static int get(pid_t pid)
{
	char name[64], text[16] = "";
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/oom_score_adj", pid);
	fd = open(name, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		bail("oom_score_adj");
	close(fd);
	return atoi(text);
}

static int set(pid_t pid, const char *text)
{
	char name[64];
	int fd, n;

	snprintf(name, sizeof(name), "/proc/%d/oom_score_adj", pid);
	fd = open(name, O_WRONLY);
	n = (int)write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -errno : 0;
}

static int waits(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static int sets_own(void *arg)
{
	return set(getpid(), "500");
}

int main(void)
{
	static char stack[2][65536] __attribute__((aligned(16)));
	int before = get(getpid());
	pid_t shares, apart, vforked;

	plan(6);
	shares = clone(waits, stack[0] + sizeof(stack[0]), CLONE_VM | SIGCHLD, NULL);
	apart = sleeping_child();
	ok(shares > 0 && apart > 0 && get(shares) == before && get(apart) == before, "children begin with the parent's");
	ok(set(shares, "300") == 0 && get(shares) == 300 && get(getpid()) == 300, "set for one that shares memory, it is set for both");
	ok(get(apart) == before, "a forked one has its own");
	ok(set(getpid(), "400") == 0 && get(shares) == 400 && get(apart) == before, "the other way, too");
	vforked = clone(sets_own, stack[1] + sizeof(stack[1]), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	ok(vforked > 0 && exit_of(vforked) == 0 && get(getpid()) == 400 && get(shares) == 400, "what a vfork's child sets is its own");
	ok(set(getpid(), "1001") == -EINVAL && get(shares) == 400, "out of range");
	kill(shares, SIGKILL);
	kill(apart, SIGKILL);
	return done();
}
