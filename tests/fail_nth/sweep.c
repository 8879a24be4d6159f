/* SPDX-License-Identifier: MIT */
/*
 * Allocation failures, swept over programs: runs each under ptrace and makes
 * one allocation of each system call fail (/proc/TID/fail-nth), another one
 * from call to call and from round to round.
 *
 *	sweep [-r ROUNDS] [-t SECONDS] DIRECTORY NAME...
 *	@@SWEEP <name> <calls> <calls in which an allocation failed> <unexpected>
 *	@@ODD <name> <call number> <errno>	an error that says nothing of memory
 *	@@LEAK <cache or "pages"> <before> <after>
 *	@@DONE <programs>
 *
 * A first round without failures notes which errors each program's calls bring
 * by themselves, and fills the kernel's caches: what is counted before and
 * after is compared against that.  What a program makes of the errors, and
 * whether its own checks pass, is not of interest here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/ptrace.h>

enum { TASKS = 8192, CALLS = 512, ERRNOS = 140, CACHES = 256 };
static unsigned rounds = 1, timeout_s = 20;

/* [number of the call][errno]: seen without a failure, in the program at hand. */
static uint8_t natural[CALLS][ERRNOS];

struct tracee { pid_t tid; int fd; unsigned char in_call; unsigned armed; uint64_t nr; };
static struct tracee tracees[TASKS];

static struct tracee *tracee(pid_t tid)
{
	unsigned i = (unsigned)tid % TASKS;

	while (tracees[i].tid && tracees[i].tid != tid)
		i = (i + 1) % TASKS;
	if (!tracees[i].tid) {
		tracees[i] = (struct tracee){ .tid = tid, .fd = -1 };
	}
	return &tracees[i];
}

static int nth_open(struct tracee *t)
{
	char path[64];

	if (t->fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/fail-nth", t->tid);
		t->fd = open(path, O_RDWR | O_CLOEXEC);
	}
	return t->fd;
}
static void nth_set(struct tracee *t, unsigned n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (nth_open(t) >= 0 && pwrite(t->fd, text, (size_t)len, 0) != len) {
		close(t->fd);
		t->fd = -1;
	}
}
static unsigned nth_get(struct tracee *t)
{
	char text[16] = "";

	if (nth_open(t) < 0 || pread(t->fd, text, sizeof(text) - 1, 0) <= 0)
		return 1;
	return (unsigned)atoi(text);
}

/* Errors that a lack of memory explains: the calls' manual pages. */
static int of_memory(int err)
{
	switch (err) {
	case ENOMEM: case ENOBUFS: case EAGAIN: case ENFILE: case ENOSPC: case EFAULT: case EINTR: case EIO:
		return 1;
	case EBADF: case ENOENT: case ECHILD: case ESRCH:	/* of what an earlier failure left undone */
		return 1;
	}
	return err >= 512;	/* restarts: the program does not see them */
}

struct sum { unsigned long calls, failed, odd; int timed_out; };

/* The program, once.  failing 0: no failures, note the errors. */
static void run(const char *path, const char *name, unsigned failing, struct sum *s)
{
	static const unsigned periods[4] = { 11, 3, 7, 2 }, nth[8] = { 1, 2, 1, 3, 1, 5, 1, 8 };
	uint64_t count = failing * 3;
	struct timespec start, now;
	pid_t pid = fork();
	int st, started = 0;

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		setsid();
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		alarm(timeout_s);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, &st, __WALL) != pid || !WIFSTOPPED(st))
		return;
	for (unsigned i = 0; i < TASKS; i++) {
		if (tracees[i].tid && tracees[i].fd >= 0)
			close(tracees[i].fd);
		tracees[i].tid = 0;
	}
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		pid_t tid = waitpid(-1, &st, __WALL | WNOHANG);
		struct ptrace_syscall_info info;
		struct tracee *t;
		int sig = 0;

		if (tid < 0)
			break;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec > timeout_s) {
			/* Every one of them: some may be in groups of their own. */
			for (unsigned i = 0; i < TASKS; i++)
				if (tracees[i].tid)
					kill(tracees[i].tid, SIGKILL);
			kill(pid, SIGKILL);
			s->timed_out = 1;
			if (now.tv_sec - start.tv_sec > 2 * timeout_s)
				break;
		}
		if (!tid) {
			usleep(500);
			continue;
		}
		t = tracee(tid);
		if (WIFEXITED(st) || WIFSIGNALED(st)) {
			if (t->fd >= 0)
				close(t->fd);
			t->fd = -1;
			t->in_call = 0;
			continue;
		}
		if (!WIFSTOPPED(st))
			continue;
		if (WSTOPSIG(st) == (SIGTRAP | 0x80) && ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) > 0) {
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
				t->in_call = 1;
				t->nr = info.entry.nr;
				/* kill(-1): a fork failed, and its result was not looked at.  That would be the end of us all. */
				if (t->nr == SYS_kill && (int)info.entry.args[0] == -1) {
					ptrace(PTRACE_POKEUSER, tid, offsetof(struct user, regs.rdi), (void *)0x3ffffffL);
					kill(tid, SIGKILL);
				}
				s->calls++;
				count++;
				/* Not every call, so that the program gets somewhere; mostly its first allocation. */
				if (failing && started && count % periods[failing % 4] == 0) {
					t->armed = 1;
					nth_set(t, nth[count / periods[failing % 4] % 8]);
				}
			} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->in_call) {
				int err = info.exit.is_error ? (int)-info.exit.rval : 0;
				uint8_t *seen = t->nr < CALLS && err > 0 && err < ERRNOS ? &natural[t->nr][err] : NULL;

				t->in_call = 0;
				started |= t->nr == SYS_execve && !err;
				if (!failing && seen)
					*seen = 1;
				if (t->armed) {
					int used = nth_get(t) == 0;

					t->armed = 0;
					nth_set(t, 0);
					s->failed += (unsigned long)used;
					if (used && err && !of_memory(err) && !(seen && *seen)) {
						printf("@@ODD %s %llu %d\n", name, (unsigned long long)t->nr, err);
						s->odd++;
					}
				}
			}
		} else if (st >> 16) {
			/* an event: the new thread stops by itself and is seen above */
		} else if (WSTOPSIG(st) != SIGSTOP && WSTOPSIG(st) != SIGTRAP) {
			sig = WSTOPSIG(st);
		}
		ptrace(PTRACE_SYSCALL, tid, 0, sig);
	}
}

struct count { char name[32]; long n; };
static int counts(struct count *c)
{
	char line[256];
	int n = 0;
	FILE *f = fopen("/proc/sys/vm/drop_caches", "w");

	if (f) {
		fputs("3\n", f);
		fclose(f);
	}
	sync();
	usleep(300000);
	f = fopen("/proc/slabinfo", "r");
	while (f && n < CACHES && fgets(line, sizeof(line), f))
		if (line[0] != '#' && strncmp(line, "slabinfo", 8) && sscanf(line, "%31s %ld", c[n].name, &c[n].n) == 2)
			n++;
	if (f)
		fclose(f);
	f = fopen("/proc/meminfo", "r");
	long used[2] = { 0, 0 };
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "MemFree: %ld", &used[0]);
		sscanf(line, "Cached: %ld", &used[1]);
	}
	if (f)
		fclose(f);
	strcpy(c[n].name, "pages");
	c[n].n = -(used[0] + used[1]) / 4;	/* in use, but for the page cache */
	return n + 1;
}

int main(int argc, char **argv)
{
	static struct count before[CACHES + 1], after[CACHES + 1];
	int opt, nb, na, programs = 0;

	while ((opt = getopt(argc, argv, "r:t:")) != -1)
		if (opt == 'r')
			rounds = (unsigned)atoi(optarg);
		else if (opt == 't')
			timeout_s = (unsigned)atoi(optarg);
	if (optind + 1 >= argc)
		return 2;
	const char *dir = argv[optind++];

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGHUP, SIG_IGN);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = optind; i < argc; i++) {
			char path[1024], scratch[64] = "/root/eft-sweep.XXXXXX";
			struct sum s = { 0 };

			snprintf(path, sizeof(path), "%s/%s", dir, argv[i]);
			if (!mkdtemp(scratch) || chdir(scratch)) {
				perror("sweep");
				return 2;
			}
			memset(natural, 0, sizeof(natural));
			run(path, argv[i], 0, &s);
			if (pass) {
				s = (struct sum){ 0 };
				for (unsigned r = 1; r <= rounds; r++)
					run(path, argv[i], r, &s);
				printf("@@SWEEP %s %lu %lu %lu\n", argv[i], s.calls, s.failed, s.odd);
				programs++;
			}
			if (chdir("/") == 0) {
				char cmd[128];

				snprintf(cmd, sizeof(cmd), "rm -rf %s", scratch);
				(void)!system(cmd);
			}
		}
		if (!pass)
			nb = counts(before);
	}
	na = counts(after);
	for (int i = 0; i < na; i++)
		for (int j = 0; j < nb; j++)
			if (!strcmp(before[j].name, after[i].name)) {
				long slack = strcmp(after[i].name, "pages") ? 100 + before[j].n / 5 : 1024;

				if (after[i].n > before[j].n + slack)
					printf("@@LEAK %s %ld %ld\n", after[i].name, before[j].n, after[i].n);
			}
	printf("@@DONE %d\n", programs);
	return 0;
}
