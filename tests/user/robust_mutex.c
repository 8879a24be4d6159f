/* SPDX-License-Identifier: MIT */
/* Robust mutexes: whoever's owner died gets EOWNERDEAD, by exit, exec, a signal; lists of many; what is not repaired is lost for good. */
#include "harness.h"
#include "child.h"
#include <sys/prctl.h>
#include "exec_util.h"
#include <pthread.h>
#include <sys/mman.h>

enum { N = 40 };
static pthread_mutex_t *m;

static void init(int n, int pi)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&a, pi ? PTHREAD_PRIO_INHERIT : PTHREAD_PRIO_NONE);
	for (int i = 0; i < n; i++)
		pthread_mutex_init(&m[i], &a);
}
static void *locks_all(void *arg)
{
	for (int i = 0; i < (int)(long)arg; i++)
		pthread_mutex_lock(&m[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t;
	struct gate held, die;
	int dead = 0, r;
	pid_t pid;
	void *head;
	size_t len;

	if (argc > 1)
		return 0;
	plan(19);
	m = mmap(NULL, sizeof(*m) * N, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	gate_init(&held);
	gate_init(&die);
	for (int pi = 0; pi < 2; pi++) {
		init(N, pi);
		pthread_create(&t, NULL, locks_all, (void *)(long)N);
		pthread_join(t, NULL);
		for (int i = dead = 0; i < N; i++)
			dead += pthread_mutex_lock(&m[i]) == EOWNERDEAD;
		ok(dead == N, "a thread that ended held forty%s: EOWNERDEAD for each", pi ? " with inheritance" : "");
		for (int i = dead = 0; i < N; i++) {
			dead += pthread_mutex_consistent(&m[i]) != 0 || pthread_mutex_unlock(&m[i]) != 0;
			dead += pthread_mutex_lock(&m[i]) != 0 || pthread_mutex_unlock(&m[i]) != 0;
		}
		ok(!dead, "repaired, they work again");
		/* by a killed process, while somebody waits */
		pid = fork();
		if (!pid) {
			pthread_mutex_lock(&m[0]);
			gate_open(&held);
			for (;;)
				pause();
		}
		gate_wait(&held);
		pid_t waiter = fork();
		if (!waiter) {
			r = pthread_mutex_lock(&m[0]);
			pthread_mutex_consistent(&m[0]);
			pthread_mutex_unlock(&m[0]);
			_exit(r == EOWNERDEAD ? 42 : r);
		}
		wait_sleeping(waiter);
		kill(pid, SIGKILL);
		exit_of(pid);
		ok(exit_of(waiter) == 42, "SIGKILL of the owner wakes who waits");
		ok(pthread_mutex_lock(&m[0]) == 0 && pthread_mutex_unlock(&m[0]) == 0, "whose repair holds");
		ok(in_child((pthread_mutex_lock(&m[1]), execl(self_path(), "x", "y", NULL))) == 0 && pthread_mutex_lock(&m[1]) == EOWNERDEAD, "execve of the owner is its end, too");
		pthread_mutex_consistent(&m[1]);
		pthread_mutex_unlock(&m[1]);
	}
	init(1, 0);
	pthread_create(&t, NULL, locks_all, (void *)1L);
	pthread_join(t, NULL);
	ok(pthread_mutex_lock(&m[0]) == EOWNERDEAD && pthread_mutex_unlock(&m[0]) == 0, "not repaired");
	ok(pthread_mutex_lock(&m[0]) == ENOTRECOVERABLE, "it is lost for good");
	ok(syscall(SYS_get_robust_list, 0, &head, &len) == 0 && head && len == 24, "get_robust_list");
	ok_errno(syscall(SYS_get_robust_list, 0x3fffffff, &head, &len), ESRCH, "of nobody");
	{	/* An address in another's memory: for those who may read it. */
		struct gate hidden, show, shown, end;
		pid_t pid;

		gate_init(&hidden);
		gate_init(&show);
		gate_init(&shown);
		gate_init(&end);
		pid = fork();
		if (!pid) {
			if (setresuid(31300, 31300, 31300) || prctl(PR_SET_DUMPABLE, 0))
				_exit(1);
			gate_open(&hidden);
			gate_wait(&show);
			prctl(PR_SET_DUMPABLE, 1);
			gate_open(&shown);
			gate_wait(&end);
			_exit(0);
		}
		gate_wait(&hidden);
		ok(in_child(setresuid(31300, 31300, 31300) || kill(pid, 0) || syscall(SYS_get_robust_list, pid, &head, &len) != -1 || errno != EPERM) == 0,
			"of one that may be sent signals, but not looked into");
		ok(syscall(SYS_get_robust_list, pid, &head, &len) == 0, "root may");
		gate_open(&show);
		gate_wait(&shown);
		/* One that was root has more rights until it has made itself open again. */
		ok(in_child(setresuid(31300, 31300, 31300) || syscall(SYS_get_robust_list, pid, &head, &len)) == 0, "of one that is open");
		gate_open(&end);
		exit_of(pid);
	}
	ok_errno(syscall(SYS_set_robust_list, head, 23), EINVAL, "a list of another size");
	{	/* An entry whose link cannot be read is dealt with; what is behind it, and the one under way, are not. */
		struct { char *next; long offset; char *pending; } *h = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		volatile unsigned *word = (void *)(h + 1);
		char *bad = (char *)h + 4096;

		pid_t pid = fork();
		if (!pid) {
			word[0] = word[1] = (unsigned)getpid();
			h->next = bad;
			h->offset = (char *)&word[0] - bad;
			h->pending = bad + 4;
			_exit(mprotect(bad, 4096, PROT_NONE) || syscall(SYS_set_robust_list, h, sizeof(*h)));
		}
		exit_of(pid);
		ok(word[0] == 0x40000000 && word[1] == (unsigned)pid, "a list that leads nowhere (%#x %#x)", word[0], word[1]);
	}
	return done();
}
