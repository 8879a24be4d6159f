/* SPDX-License-Identifier: MIT */
/* unshare(2) of CLONE_FS and CLONE_FILES by threads: from then on directory, umask and descriptors are apart, before shared; while another reads them. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

static struct gate go, back;
static int fd = -1;
static volatile int stop;
static char cwd[256];

static void *fs(void *arg)
{
	if (chdir("/"))
		return (void *)1;
	gate_open(&back);
	gate_wait(&go);
	if (unshare(CLONE_FS) || chdir("/proc") || umask(0) == 12345)
		return (void *)2;
	gate_open(&back);
	gate_wait(&go);
	return getcwd((char *)arg, 100) ? NULL : (void *)3;
}
static void *files(void *arg)
{
	if (unshare(CLONE_FILES) || close(fd))
		return (void *)1;
	return open("/dev/null", O_RDONLY) == fd ? arg : (void *)2;
}
static void *storm(void *arg)
{
	while (!stop)
		if (unshare(CLONE_FS) || unshare(CLONE_FILES))
			return (void *)1;
	return arg;
}

int main(void)
{
	char theirs[100], text[256];
	pthread_t t, t2;
	void *v;
	int bad = 0;

	plan(10);
	gate_init(&go);
	gate_init(&back);
	umask(022);
	pthread_create(&t, NULL, fs, theirs);
	gate_wait(&back);
	ok(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"), "threads share the directory");
	gate_open(&go);
	gate_wait(&back);
	ok(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"), "until one does not");
	ok(umask(022) == 022, "the umask as well");
	gate_open(&go);
	pthread_join(t, &v);
	ok(!v && !strcmp(theirs, "/proc"), "which has its own");
	fd = open("/dev/zero", O_RDONLY);
	pthread_create(&t, NULL, files, NULL);
	pthread_join(t, &v);
	ok(!v && read(fd, text, 4) == 4, "descriptors closed and opened by it are its own");
	ok(unshare(0) == 0, "nothing");
	ok_errno(unshare(0x40), EINVAL, "an unknown flag");
	ok(unshare(CLONE_FS | CLONE_FILES | CLONE_SYSVSEM) == 0, "again, by one that shares with nobody");
	/* others look at it meanwhile */
	pid_t pid = fork();

	if (!pid) {
		pthread_create(&t, NULL, storm, NULL);
		pthread_create(&t2, NULL, storm, NULL);
		for (;;)
			pause();
	}
	snprintf(theirs, sizeof(theirs), "/proc/%d/cwd", pid);
	snprintf(cwd, sizeof(cwd), "/proc/%d/fd", pid);
	for (int i = 0; i < 3000; i++) {
		ssize_t n = readlink(theirs, text, sizeof(text) - 1);

		bad += n != 1 || text[0] != '/';
		bad += access(cwd, F_OK) != 0;
	}
	ok(!bad, "/proc shows the directory all the time");
	kill(pid, SIGKILL);
	ok(exit_of(pid) == 1000 + SIGKILL, "done");
	return done();
}
