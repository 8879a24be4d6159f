/* SPDX-License-Identifier: MIT */
/*
 * Runs the user programs one after the other, inside the machine under test
 * (or on the host, for the oracle), and reports each as a structured line:
 *
 *	runner [-t SECONDS] [-d SCRATCH] [-f FILE-OF-NAMES] DIRECTORY [NAME...]
 *	@@RESULT <name> pass|skip|fail|timeout|signal|noplan <ok> <not ok> <ms>
 *	@@OUT <name> <line of its output>	(of those that did not pass)
 *	@@SKIP <name> <the check that was not made>
 *	@@STOOD <name> <ms>	(the machine itself stood still: not counted against the program)
 *	@@CALLS <name> <call>...		(where the kernel counts them: /proc/syscalls)
 *	@@DONE <programs>
 *
 * A program that left one of its checks out ("ok N - what # SKIP why") has not
 * passed, but skipped.  Each runs in a scratch directory and a session of its own; what it leaves
 * running is killed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 * 1024 };
static unsigned timeout_s = 30;
static const char *scratch_in = "/tmp";

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void remove_tree(const char *path)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", path, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

struct outcome { char *out; size_t len; int status; int timed_out; long ms; };

/*
 * A virtual machine may be stopped and go on minutes later; its clock has gone on.  What lies between two looks at the program that
 * should have been 200 ms apart is such a pause, not the program's time.
 */
enum { PAUSE_MS = 10000 };
static long paused(const char *name, long *looked)
{
	long now = now_ms(), gap = now - *looked;

	*looked = now;
	if (gap < PAUSE_MS)
		return 0;
	printf("@@STOOD %s %ld\n", name, gap);
	return gap;
}

static void run(const char *dir, const char *name, struct outcome *o)
{
	char path[1024], scratch[1024];
	int fds[2];
	long start = now_ms(), deadline = start + timeout_s * 1000L, looked = start;
	int reaped = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(scratch, sizeof(scratch), "%s/eft-test.XXXXXX", scratch_in);
	if (!mkdtemp(scratch) || pipe2(fds, O_CLOEXEC)) {
		perror("runner");
		exit(2);
	}
	chmod(scratch, 0777);
	pid = fork();
	if (pid == 0) {
		int count = open("/proc/syscalls", O_WRONLY);

		if (count >= 0) {
			(void)!write(count, "1\n", 2);
			close(count);
		}
		setsid();
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		if (null > 2)
			close(null);
		if (chdir(scratch))
			_exit(126);
		execl(path, path, (char *)NULL);
		perror(path);
		_exit(127);
	}
	close(fds[1]);
	o->len = 0;
	o->timed_out = 0;
	for (;;) {
		struct pollfd p = { fds[0], POLLIN, 0 };
		long left;
		int r;

		deadline += paused(name, &looked);
		left = deadline - looked;
		if (left <= 0) {
			o->timed_out = 1;
			break;
		}
		/* A grandchild may hold the pipe open: look for the program's end now and then. */
		r = poll(&p, 1, reaped ? 20 : left < 200 ? (int)left : 200);
		if (r > 0) {
			char drop[4096];
			char *to = o->len < OUTPUT_MAX ? o->out + o->len : drop;
			ssize_t n = read(fds[0], to, o->len < OUTPUT_MAX ? OUTPUT_MAX - o->len : sizeof(drop));

			if (n <= 0)
				break;
			if (to != drop)
				o->len += (size_t)n;
		} else if (reaped) {
			break;
		}
		if (!reaped && waitpid(pid, &o->status, WNOHANG) == pid)
			reaped = 1;
	}
	if (!reaped && !o->timed_out) {	/* it closed its output, but still runs */
		while (!(reaped = waitpid(pid, &o->status, WNOHANG) == pid) && looked < deadline) {
			usleep(5000);
			deadline += paused(name, &looked);
		}
		o->timed_out = !reaped;
	}
	kill(-pid, SIGKILL);
	if (!reaped) {
		kill(pid, SIGKILL);
		waitpid(pid, &o->status, 0);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	close(fds[0]);
	o->out[o->len] = 0;
	o->ms = now_ms() - start;
	if (chdir("/") == 0)
		remove_tree(scratch);
}

/* The system calls that the program made, as the kernel counted them. */
static void report_calls(const char *name)
{
	FILE *f = fopen("/proc/syscalls", "r");
	char call[64];
	unsigned long n;

	if (!f)
		return;
	printf("@@CALLS %s", name);
	while (fscanf(f, "%63s %lu", call, &n) == 2)
		printf(" %s", call);
	printf("\n");
	fclose(f);
}

static void report(const char *name, struct outcome *o)
{
	int good = 0, bad = 0, planned = -1, bailed = 0, skipped = 0;
	const char *verdict;
	char *line, *save;
	char *copy = strdup(o->out);

	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "ok ", 3)) {
			good++;
			if (strstr(line, "# SKIP")) {
				skipped++;
				printf("@@SKIP %s %s\n", name, line);
			}
		}
		bad += !strncmp(line, "not ok ", 7);
		bailed |= !strncmp(line, "Bail out!", 9);
		if (!strncmp(line, "1..", 3))
			planned = atoi(line + 3);
	}
	free(copy);
	if (o->timed_out)
		verdict = "timeout";
	else if (WIFSIGNALED(o->status))
		verdict = "signal";
	else if (planned < 1 && !bailed)
		verdict = "noplan";
	else
		verdict = bailed || WEXITSTATUS(o->status) || bad || good != planned ? "fail" : skipped ? "skip" : "pass";
	if (strcmp(verdict, "pass"))
		for (line = strtok_r(o->out, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			if (strncmp(line, "ok ", 3))
				printf("@@OUT %s %s\n", name, line);
	printf("@@RESULT %s %s %d %d %ld\n", name, verdict, good, bad, o->ms);
	fflush(stdout);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Names, one a line. */
static size_t read_names(const char *path, char ***out)
{
	FILE *f = fopen(path, "r");
	char line[256];
	size_t n = 0;

	if (!f) {
		perror(path);
		exit(2);
	}
	while (fscanf(f, "%255s", line) == 1) {
		*out = realloc(*out, (n + 1) * sizeof(**out));
		(*out)[n++] = strdup(line);
	}
	fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	struct outcome o = { .out = malloc(OUTPUT_MAX + 1) };
	char **names = NULL, *list = NULL;
	size_t n = 0;
	int opt;

	while ((opt = getopt(argc, argv, "t:d:f:")) != -1)
		if (opt == 't')
			timeout_s = (unsigned)atoi(optarg);
		else if (opt == 'd')
			scratch_in = optarg;
		else if (opt == 'f')
			list = optarg;
	if (optind >= argc) {
		fprintf(stderr, "usage: runner [-t seconds] [-d scratch] [-f names] directory [name...]\n");
		return 2;
	}
	const char *dir = argv[optind++];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (list) {
		n = read_names(list, &names);
	} else if (optind < argc) {
		names = argv + optind;
		n = (size_t)(argc - optind);
	} else {
		DIR *d = opendir(dir);
		struct dirent *e;

		if (!d) {
			perror(dir);
			return 2;
		}
		while ((e = readdir(d)))
			if (e->d_name[0] != '.' && strcmp(e->d_name, "runner")) {
				names = realloc(names, (n + 1) * sizeof(*names));
				names[n++] = strdup(e->d_name);
			}
		closedir(d);
		qsort(names, n, sizeof(*names), by_name);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < n; i++) {
		run(dir, names[i], &o);
		report(names[i], &o);
		report_calls(names[i]);
	}
	printf("@@DONE %zu\n", n);
	return 0;
}
