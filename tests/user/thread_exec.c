/* SPDX-License-Identifier: MIT */
/* execve(2) in a process with threads: all others end, the number stays, by whichever thread, with others in the way; two at once; a failed one harms nobody. */
#include "harness.h"
#include "exec_util.h"
#include <pthread.h>
#include <sys/mman.h>

static struct gate ready, never;
static unsigned word;

static void *spin(void *arg)
{
	gate_open(&ready);
	for (volatile long i = 0;; i++)
		;
	return arg;
}
static void *reads(void *arg)
{
	gate_open(&ready);
	gate_wait(&never);
	return arg;
}
static void *futexes(void *arg)
{
	gate_open(&ready);
	syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0);
	return arg;
}
static void *maps(void *arg)
{
	gate_open(&ready);
	for (;;) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		p[4096] = 1;
		munmap(p, 65536);
	}
	return arg;
}
static void *forks(void *arg)
{
	gate_open(&ready);
	for (;;) {
		pid_t p = fork();

		if (!p)
			_exit(0);
		waitpid(p, NULL, 0);
	}
	return arg;
}
static void *execs(void *arg)
{
	char num[16];

	snprintf(num, sizeof(num), "%d", getpid());
	execl(self_path(), "x", "child", num, (char *)NULL);
	return arg;
}
static void *execs_late(void *arg)
{
	gate_wait(arg);
	return execs(NULL);
}

static int run(void *(*fn)(void *), int by_other)
{
	pid_t pid = fork();
	pthread_t t;

	if (!pid) {
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, fn, NULL);
		for (int i = 0; i < 3; i++)
			gate_wait(&ready);
		if (by_other)
			pthread_create(&t, NULL, execs, NULL);
		else
			execs(NULL);
		for (;;)
			pause();
	}
	return exit_of(pid);
}

int main(int argc, char **argv)
{
	pthread_t t;
	pid_t pid;
	int bad = 0;

	if (argc == 3) {	/* alone, with the old number, which is the thread's as well */
		char text[4096], *p;
		int fd = open("/proc/self/status", O_RDONLY);
		ssize_t n = read(fd, text, sizeof(text) - 1);

		text[n > 0 ? n : 0] = '\0';
		p = strstr(text, "Threads:\t");
		return getpid() == atoi(argv[2]) && syscall(SYS_gettid) == getpid() && p && atoi(p + 9) == 1 ? 42 : 1;
	}
	plan(13);
	self_path();
	gate_init(&ready);
	gate_init(&never);
	ok(run(spin, 0) == 42, "the others run");
	ok(run(reads, 0) == 42, "they read");
	ok(run(futexes, 0) == 42, "they wait for a futex");
	ok(run(maps, 0) == 42, "they map and fault");
	ok(run(forks, 0) == 42, "they fork");
	ok(run(spin, 1) == 42, "by another thread, which takes the number over");
	ok(run(reads, 1) == 42, "while the first reads");
	ok(run(futexes, 1) == 42, "and waits");
	for (int i = 0; i < 20; i++) {
		pid = fork();
		if (!pid) {
			struct gate g;

			gate_init(&g);
			for (int j = 0; j < 4; j++)
				pthread_create(&t, NULL, execs_late, &g);
			gate_open_n(&g, 4);
			for (;;)
				pause();
		}
		bad += exit_of(pid) != 42;
	}
	ok(!bad, "four at once, twenty times: one wins");
	for (int i = bad = 0; i < 20; i++) {	/* against a kill */
		int r;

		pid = fork();
		if (!pid) {
			pthread_create(&t, NULL, execs, NULL);
			for (;;)
				pause();
		}
		kill(pid, SIGKILL);
		r = exit_of(pid);
		bad += r != 42 && r != 1000 + SIGKILL;
	}
	ok(!bad, "against SIGKILL: one or the other");
	/* failing leaves all threads */
	pid = fork();
	if (!pid) {
		pthread_create(&t, NULL, reads, NULL);
		gate_wait(&ready);
		execl("./missing", "x", NULL);
		_exit(errno == ENOENT && syscall(SYS_tgkill, getpid(), getpid(), 0) == 0 && pthread_kill(t, 0) == 0 ? 42 : 1);
	}
	ok(exit_of(pid) == 42, "a failed execve ends nobody");
	/* a traced-like wait: the parent sees one process only, once */
	pid = fork();
	if (!pid) {
		pthread_create(&t, NULL, execs, NULL);
		pthread_exit(NULL);
	}
	ok(exit_of(pid) == 42, "the first thread had ended before");
	ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "no child is left over");
	return done();
}
