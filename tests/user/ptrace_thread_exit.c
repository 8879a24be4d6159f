/* SPDX-License-Identifier: MIT */
/* ptrace(2): a tracer waits for each thread that ends, and last for the first of them. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shared { volatile pid_t tid[2]; volatile int go, exec, first_goes; } *shared;

static void *thread(void *arg)
{
	int i = (int)(long)arg;

	shared->tid[i] = (pid_t)syscall(SYS_gettid);
	while (shared->go != i + 1)
		usleep(1000);
	if (shared->exec)
		execl("/bin/true", "true", (char *)NULL);
	syscall(SYS_exit, 5 + i);
	return NULL;
}

/* Two threads, and the first one. */
static pid_t threads(void)
{
	pthread_t t;
	pid_t pid;

	memset((void *)shared, 0, sizeof(*shared));
	pid = fork();
	if (pid == 0) {
		for (long i = 0; i < 2; i++)
			pthread_create(&t, NULL, thread, (void *)i);
		while (!shared->first_goes)
			usleep(1000);
		syscall(SYS_exit, 9);
	}
	while (!shared->tid[0] || !shared->tid[1])
		usleep(1000);
	return pid;
}

static int seize(pid_t tid) { return (int)ptrace(PTRACE_SEIZE, tid, NULL, NULL); }

/* Of a tracer that is the parent, or not: 0, or which step went wrong. */
static int ends_one_by_one(pid_t pid)
{
	siginfo_t si;
	int st;

	if (seize(pid) || seize(shared->tid[0]) || seize(shared->tid[1]))
		return 1;
	if (waitpid(shared->tid[0], &st, __WALL | WNOHANG) != 0)
		return 2;
	shared->go = 1;
	if (waitid(P_ALL, 0, &si, WEXITED | WNOWAIT | __WALL) || si.si_pid != shared->tid[0] || si.si_code != CLD_EXITED || si.si_status != 5)
		return 3;
	if (waitpid(-1, &st, __WALL) != shared->tid[0] || !WIFEXITED(st) || WEXITSTATUS(st) != 5)
		return 4;
	if (waitpid(shared->tid[0], &st, __WALL) != -1 || errno != ECHILD)
		return 5;
	shared->go = 2;
	if (waitpid(shared->tid[1], &st, __WALL) != shared->tid[1] || !WIFEXITED(st) || WEXITSTATUS(st) != 6)
		return 6;
	kill(pid, SIGTERM);
	if (waitpid(pid, &st, 0) != pid || !WIFSTOPPED(st) || ptrace(PTRACE_CONT, pid, NULL, (void *)SIGTERM))
		return 7;
	if (waitpid(pid, &st, 0) != pid || !WIFSIGNALED(st) || WTERMSIG(st) != SIGTERM)
		return 8;
	return 0;
}

static int leader_first(pid_t pid)
{
	int st;

	if (seize(pid) || seize(shared->tid[0]) || seize(shared->tid[1]))
		return 1;
	shared->first_goes = 1;
	while (task_state(pid, pid) != 'Z')
		usleep(1000);
	shared->go = 1;
	if (waitpid(shared->tid[0], &st, __WALL) != shared->tid[0])
		return 2;
	if (waitpid(pid, &st, WNOHANG | __WALL) != 0)	/* the first thread is told when all have ended */
		return 3;
	shared->go = 2;
	if (waitpid(shared->tid[1], &st, __WALL) != shared->tid[1] || !WIFEXITED(st) || WEXITSTATUS(st) != 6)
		return 4;
	if (waitpid(pid, &st, __WALL) != pid || !WIFEXITED(st) || WEXITSTATUS(st) != 6)	/* of who ended last, since Linux 5.19 */
		return 5;
	return 0;
}

static int killed(pid_t pid)
{
	int st, seen = 0;

	if (seize(pid) || seize(shared->tid[0]) || seize(shared->tid[1]))
		return 1;
	kill(pid, SIGKILL);
	for (int i = 0; i < 3; i++) {
		pid_t who = waitpid(-1, &st, __WALL);

		if (!WIFSIGNALED(st) || WTERMSIG(st) != SIGKILL)
			return 2;
		if (who == pid && i < 2)
			return 3;
		seen |= who == pid ? 1 : who == shared->tid[0] ? 2 : who == shared->tid[1] ? 4 : 8;
	}
	return seen == 7 ? 0 : 4;
}

/* Whoever execs becomes the first thread: of the others only those that are neither are told. */
static int execs(pid_t pid)
{
	int st;

	if (seize(pid) || seize(shared->tid[0]) || seize(shared->tid[1]))
		return 1;
	shared->exec = 1;
	shared->go = 1;
	if (waitpid(shared->tid[1], &st, __WALL) != shared->tid[1] || !WIFEXITED(st) || WEXITSTATUS(st) != 0)
		return 2;
	if (waitpid(pid, &st, __WALL) != pid || !WIFEXITED(st) || WEXITSTATUS(st) != 0)
		return 3;
	return waitpid(shared->tid[0], &st, __WALL) == -1 && errno == ECHILD ? 0 : 4;
}

static int elsewhere(int (*f)(pid_t), pid_t pid)
{
	pid_t tracer = fork();

	if (tracer == 0)
		_exit(f(pid));
	return exit_of(tracer);
}

static void reap(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	pid_t pid;

	plan(7);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok(ends_one_by_one(threads()) == 0, "each thread is told when it ends");
	pid = threads();
	ok(elsewhere(ends_one_by_one, pid) == 0, "also to a tracer that is not the parent");
	ok(waitpid(pid, NULL, 0) == pid, "and then the process to the parent");
	ok(leader_first(threads()) == 0, "the first thread is told last, though it ends first");
	pid = threads();
	ok(elsewhere(leader_first, pid) == 0, "also to a tracer that is not the parent");
	reap(pid);
	ok(killed(threads()) == 0, "all of them when the process is killed");
	ok(execs(threads()) == 0, "an execve is no end of who calls it, nor of the first thread");
	return done();
}
