/* SPDX-License-Identifier: MIT */
/* execve(2) with argument strings and pointers on the very stack that it replaces, and in memory that it unmaps; also from a thread's stack. */
#include "harness.h"
#include "exec_util.h"
#include <pthread.h>
#include <sys/mman.h>

static void *from_thread(void *arg)
{
	char a[16], b[16], *argv[] = { a, b, a, NULL }, *env[] = { b, NULL };

	strcpy(a, "thread's");
	strcpy(b, "stack=1");
	execve(arg, argv, env);
	return NULL;
}

static int deep(int n, const char *path)
{
	volatile char room[4096];
	char a[32], b[32];

	room[0] = room[4095] = (char)n;
	if (n)
		return deep(n - 1, path) + room[4095] - room[0];
	snprintf(a, sizeof(a), "deep%d", 1);
	snprintf(b, sizeof(b), "deeper%d", 2);
	execve(path, (char *[]){ a, b, a, NULL }, (char *[]){ b, NULL });
	return 1;
}

int main(int argc, char **argv)
{
	extern char **environ;
	char *page;
	pid_t pid;

	if (argc == 3)
		return !strcmp(argv[0], argv[2]) && environ[0] && !strcmp(environ[0], argv[1]) && !environ[1] ? 42 : 1;
	plan(6);
	pid = fork();
	if (!pid) {
		char a[] = "stack", b[] = "other";

		execve(self_path(), (char *[]){ a, b, a, NULL }, (char *[]){ b, NULL });
		_exit(1);
	}
	ok(exit_of(pid) == 42, "strings and vectors on the stack");
	pid = fork();
	if (!pid)
		_exit(deep(200, self_path()));
	ok(exit_of(pid) == 42, "deep in it");
	pid = fork();
	if (!pid) {
		page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		strcpy(page + 4090, "across the page");
		char **v = (char **)(page + 64);

		v[0] = v[2] = page + 4090;
		v[1] = strcpy(page + 16, "word");
		v[3] = NULL;
		v[4] = page + 16;
		v[5] = NULL;
		mprotect(page, 8192, PROT_READ);
		execve(self_path(), v, v + 4);
		_exit(1);
	}
	ok(exit_of(pid) == 42, "in a read-only map, across pages");
	pid = fork();
	if (!pid) {
		pthread_t t;

		pthread_create(&t, NULL, from_thread, (void *)self_path());
		pthread_join(t, NULL);
		_exit(1);
	}
	ok(exit_of(pid) == 42, "on a thread's stack");

	/* a string that runs into nothing: EFAULT, and the program lives on */
	page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(page, 'q', 4096);
	munmap(page + 4096, 4096);
	ok(exec_status(self_path(), (char *[]){ (char *)"x", page, NULL }, (char *[]){ NULL }) == -EFAULT, "a string without an end: EFAULT");
	char **v = (char **)page;
	for (int i = 0; i < 512; i++)
		v[i] = (char *)"w";
	ok(exec_status(self_path(), v, (char *[]){ NULL }) == -EFAULT, "a vector without an end: EFAULT");
	return done();
}
