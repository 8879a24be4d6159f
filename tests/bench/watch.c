/* SPDX-License-Identifier: MIT */
/*
 * watch [OPTION]... -- COMMAND...: starts a machine, listens to it, ends it.
 *
 *   -o FILE	what happened, a line each (default: standard output)
 *   -t SECONDS	the machine is ended then (default 60)
 *   -c CPUS	it may use these host CPUs (0,1), and so may all that it starts
 *   -l CPUS	while it runs, a process computes on each of these: the busy host
 *   -m SECONDS	then the memory of its processes is read, and it is ended
 *   -v		its standard output is repeated on standard error
 *
 * Lines: `out TEXT`, `err TEXT` (what it wrote), `first NS` (its output's first
 * line that has FIRST in it), `pss KIB` (all its processes on the host together),
 * `late`, and at the end `end STATUS NS`, where STATUS is 128 + n for signal n.
 *
 * Machines start processes that leave their parents and their sessions.  As a
 * child subreaper (prctl(2)) this process stays the ancestor of all of them, so
 * that they can be counted, and are gone when it ends.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096 };

static FILE *out;
static pid_t loads[64];
static int nloads, verbose;
static volatile sig_atomic_t interrupted;

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void on_signal(int sig) { interrupted = sig; }

static void die(const char *what)
{
	fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* "0,2" */
static int parse_cpus(const char *s, cpu_set_t *set)
{
	int n = 0;
	char *end;

	CPU_ZERO(set);
	for (;; s = end + 1) {
		long cpu = strtol(s, &end, 10);

		if (end == s || cpu < 0 || cpu >= CPU_SETSIZE)
			return 0;
		CPU_SET((int)cpu, set);
		n++;
		if (*end != ',')
			return *end ? 0 : n;
	}
}

/* ---- the busy host ---- */

static void start_loads(const cpu_set_t *cpus)
{
	pid_t parent = getpid();

	for (int cpu = 0; cpu < CPU_SETSIZE && nloads < 64; cpu++) {
		cpu_set_t one;
		pid_t p;

		if (!CPU_ISSET(cpu, cpus))
			continue;
		p = fork();
		if (p < 0)
			die("fork");
		if (p == 0) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (getppid() != parent || sched_setaffinity(0, sizeof(one), &one))
				_exit(1);
			for (volatile unsigned long n = 0;; n++)
				;
		}
		loads[nloads++] = p;
	}
}

static int is_load(pid_t p)
{
	for (int i = 0; i < nloads; i++)
		if (loads[i] == p)
			return 1;
	return 0;
}

/* ---- the processes below this one ---- */

struct process {
	pid_t pid, parent;
	int below;
};

static int read_parent(pid_t pid, pid_t *parent)
{
	char path[64], buf[1024], *p;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	/* The name is in brackets and may hold anything. */
	p = strrchr(buf, ')');
	return p && sscanf(p + 1, " %*c %d", parent) == 1;
}

/* All descendants but the loads; the caller frees *FOUND. */
static int descendants(pid_t **found)
{
	struct process *all = NULL;
	int n = 0, room = 0, count = 0, grown = 1;
	struct dirent *d;
	DIR *dir = opendir("/proc");

	*found = NULL;
	if (!dir)
		die("/proc");
	while ((d = readdir(dir))) {
		pid_t pid = atoi(d->d_name), parent;

		if (pid <= 0 || is_load(pid) || !read_parent(pid, &parent))
			continue;
		if (n == room) {
			room = room ? room * 2 : 256;
			all = realloc(all, (size_t)room * sizeof(*all));
			if (!all)
				die("memory");
		}
		all[n++] = (struct process){ pid, parent, parent == getpid() };
	}
	closedir(dir);
	while (grown) {
		grown = 0;
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n && !all[i].below; j++)
				if (all[j].below && all[j].pid == all[i].parent)
					all[i].below = grown = 1;
	}
	*found = malloc((size_t)(n ? n : 1) * sizeof(**found));
	if (!*found)
		die("memory");
	for (int i = 0; i < n; i++)
		if (all[i].below)
			(*found)[count++] = all[i].pid;
	free(all);
	return count;
}

static long pss_kib(void)
{
	pid_t *p;
	int n = descendants(&p);
	long total = 0;

	for (int i = 0; i < n; i++) {
		char path[64], line[256];
		long kib;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", p[i]);
		f = fopen(path, "r");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "Pss: %ld", &kib) == 1)
				total += kib;
		fclose(f);
	}
	free(p);
	return total;
}

/* Until nobody is left: who is killed may have had children that come to us. */
static void end_all(void)
{
	for (int tries = 0; tries < 200; tries++) {
		pid_t *p;
		int n = descendants(&p);

		for (int i = 0; i < n; i++)
			kill(p[i], SIGKILL);
		free(p);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (n == 0)
			return;
		usleep(5000);
	}
}

/* ---- what the machine says ---- */

struct stream {
	int fd;
	const char *kind;
	size_t fill;
	char line[LINE];
};

static void say_line(struct stream *s)
{
	while (s->fill && s->line[s->fill - 1] == '\r')
		s->fill--;
	fprintf(out, "%s %.*s\n", s->kind, (int)s->fill, s->line);
	if (verbose && s->kind[0] == 'o')
		fprintf(stderr, "  %.*s\n", (int)s->fill, s->line);
	s->fill = 0;
}

/* 0 at the end of the stream. */
static int listen_to(struct stream *s, double begin, int *first)
{
	char buf[65536];
	double now;
	ssize_t n = read(s->fd, buf, sizeof(buf));

	now = now_ns();
	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0) {
		if (s->fill)
			say_line(s);
		return 0;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n') {
			say_line(s);
			continue;
		}
		if (s->fill == sizeof(s->line))
			say_line(s);
		s->line[s->fill++] = buf[i];
		if (!*first && s->kind[0] == 'o' && s->fill >= 5 && !memcmp(s->line + s->fill - 5, "FIRST", 5)) {
			fprintf(out, "first %.0f\n", now - begin);
			*first = 1;
		}
	}
	return 1;
}

static pid_t start(char **argv, const cpu_set_t *cpus, struct stream streams[2])
{
	int in[2], o[2], e[2];
	pid_t p;

	/* Standard input stays open and says nothing. */
	if (pipe(in) || pipe(o) || pipe(e))
		die("pipe");
	p = fork();
	if (p < 0)
		die("fork");
	if (p == 0) {
		setsid();
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		if (cpus && sched_setaffinity(0, sizeof(*cpus), cpus))
			die("these CPUs");
		dup2(in[0], 0);
		dup2(o[1], 1);
		dup2(e[1], 2);
		for (int fd = 3; fd < 16; fd++)
			close(fd);
		execvp(argv[0], argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(in[0]);
	close(o[1]);
	close(e[1]);
	streams[0] = (struct stream){ .fd = o[0], .kind = "out" };
	streams[1] = (struct stream){ .fd = e[0], .kind = "err" };
	return p;
}

static void run(char **argv, const cpu_set_t *cpus, double limit, double look)
{
	static struct stream streams[2];
	double begin, took = 0, until = look > 0 ? look : limit;
	int first = 0, st = 0, ended = 0, open_streams = 2, late = 0, pidfd;
	pid_t p;

	begin = now_ns();
	p = start(argv, cpus, streams);
	pidfd = (int)syscall(SYS_pidfd_open, p, 0);
	if (pidfd < 0)
		die("pidfd_open");
	while (!interrupted) {
		double left = begin + until - now_ns();
		struct pollfd pf[3] = { { streams[0].fd, POLLIN, 0 }, { streams[1].fd, POLLIN, 0 }, { ended ? -1 : pidfd, POLLIN, 0 } };

		if (!ended && waitpid(p, &st, WNOHANG) == p) {
			ended = 1;
			took = now_ns() - begin;
		}
		/* A process that it left behind may keep the streams open: that is no reason to wait. */
		if (ended && (!open_streams || now_ns() - begin > took + 300e6))
			break;
		if (left <= 0) {
			late = 1;
			break;
		}
		if (poll(pf, 3, left < 100e6 ? (int)(left / 1e6) + 1 : 100) < 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (pf[i].revents && !listen_to(&streams[i], begin, &first)) {
				streams[i].fd = -1;
				open_streams--;
			}
		}
	}
	if (!ended)
		took = now_ns() - begin;
	if (late && look > 0)
		fprintf(out, "pss %ld\n", pss_kib());
	else if (late)
		fprintf(out, "late\n");
	end_all();
	fprintf(out, "end %d %.0f\n", !ended ? 128 + SIGKILL : WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st), took);
}

int main(int argc, char **argv)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };
	cpu_set_t cpus, loaded;
	int bound = 0, opt;
	double limit = 60e9, look = 0;

	out = stdout;
	CPU_ZERO(&loaded);
	while ((opt = getopt(argc, argv, "+o:t:c:l:m:v")) >= 0) {
		switch (opt) {
		case 'o':
			out = fopen(optarg, "we");
			if (!out)
				die(optarg);
			break;
		case 't': limit = atof(optarg) * 1e9; break;
		case 'm': look = atof(optarg) * 1e9; break;
		case 'c': bound = parse_cpus(optarg, &cpus); break;
		case 'l': (void)parse_cpus(optarg, &loaded); break;
		case 'v': verbose = 1; break;
		default: return 2;
		}
	}
	if (optind == argc)
		return 2;
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &sa, NULL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("subreaper");
	start_loads(&loaded);
	run(argv + optind, bound ? &cpus : NULL, limit, look);
	for (int i = 0; i < nloads; i++)
		kill(loads[i], SIGKILL);
	return interrupted ? 128 + interrupted : 0;
}
