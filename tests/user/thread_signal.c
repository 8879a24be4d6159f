/* SPDX-License-Identifier: MIT */
/* Signals and threads: masks are each thread's, handlers the process's; who gets what is sent to the process; tgkill; stops stop all; pending sets apart. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

static volatile pid_t got_by[65];
static volatile int count;
static struct gate hold, ready;

static void handler(int sig)
{
	got_by[sig] = (pid_t)syscall(SYS_gettid);
	__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
}
static void await(int n)
{
	wait_until(__atomic_load_n(&count, __ATOMIC_SEQ_CST) >= n);
}
struct th { pthread_t t; volatile pid_t tid; sigset_t mask; volatile int pending1, pending2; };
static void *body(void *arg)
{
	struct th *th = arg;
	sigset_t p;

	pthread_sigmask(SIG_SETMASK, &th->mask, NULL);
	th->tid = (pid_t)syscall(SYS_gettid);
	gate_open(&ready);
	gate_wait(&hold);
	sigpending(&p);
	th->pending1 = sigismember(&p, SIGUSR1);
	th->pending2 = sigismember(&p, SIGUSR2);
	return NULL;
}
static void *spins(void *arg)
{
	gate_open(&ready);
	for (;;)
		(*(volatile long *)arg)++;
	return NULL;
}
static void *sigwaiter(void *arg)
{
	sigset_t *set = arg;
	int sig;

	gate_open(&ready);
	return sigwait(set, &sig) ? NULL : (void *)(long)sig;
}

int main(void)
{
	struct th a, b;
	sigset_t all, none, set;
	pthread_t t;
	void *v;
	int st;

	plan(17);
	gate_init(&hold);
	gate_init(&ready);
	signal(SIGUSR1, handler);
	signal(SIGUSR2, handler);
	sigfillset(&all);
	sigemptyset(&none);
	a.mask = all;
	b.mask = none;
	sigprocmask(SIG_BLOCK, &all, NULL);
	pthread_create(&a.t, NULL, body, &a);
	pthread_create(&b.t, NULL, body, &b);
	gate_wait(&ready);
	gate_wait(&ready);
	kill(getpid(), SIGUSR1);
	await(1);
	ok(got_by[SIGUSR1] == b.tid, "for the process: the thread that does not block it");
	syscall(SYS_tgkill, getpid(), a.tid, SIGUSR2);
	sigpending(&set);
	ok(count == 1 && !sigismember(&set, SIGUSR2), "tgkill to one that blocks it waits there, not here");
	syscall(SYS_tgkill, getpid(), b.tid, SIGUSR2);
	await(2);
	ok(got_by[SIGUSR2] == b.tid, "tgkill to another reaches that one");
	pthread_kill(b.t, SIGUSR1);
	await(3);
	ok(got_by[SIGUSR1] == b.tid && count == 3, "pthread_kill");
	gate_open_n(&hold, 2);
	pthread_join(a.t, NULL);
	pthread_join(b.t, NULL);
	ok(a.pending2 && !a.pending1, "its own pending set");
	ok(!b.pending2 && !b.pending1, "and the other's");
	sigpending(&set);
	ok(!sigismember(&set, SIGUSR2), "which ended with the thread");

	/* nobody takes it: it waits for the process, and the first who unblocks gets it */
	kill(getpid(), SIGUSR1);
	a.mask = none;
	pthread_create(&a.t, NULL, body, &a);
	gate_wait(&ready);
	await(4);
	ok(got_by[SIGUSR1] == a.tid, "the first who unblocks takes what waits for the process");
	gate_open(&hold);
	pthread_join(a.t, NULL);
	/* a new thread has its creator's mask */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	ok(pthread_create(&t, NULL, sigwaiter, &set) == 0, "a new thread");
	gate_wait(&ready);
	kill(getpid(), SIGHUP);
	pthread_join(t, &v);
	ok(v == (void *)(long)SIGHUP, "has its creator's mask, and sigwait takes the process's");

	/* stop and continue are for all threads */
	volatile long *turns = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	long before[2];

	if (!pid) {
		sigprocmask(SIG_SETMASK, &none, NULL);
		for (long i = 0; i < 2; i++)
			pthread_create(&t, NULL, spins, (void *)&turns[i]);
		for (;;)
			pause();
	}
	gate_wait(&ready);
	gate_wait(&ready);
	while (!turns[0] || !turns[1])
		sched_yield();
	kill(pid, SIGSTOP);
	ok(waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st), "SIGSTOP");
	before[0] = turns[0], before[1] = turns[1];
	for (int i = 0; i < 100; i++)
		sched_yield();
	usleep(20000);
	ok(turns[0] == before[0] && turns[1] == before[1], "stops every thread");
	kill(pid, SIGCONT);
	wait_until(turns[0] != before[0] && turns[1] != before[1]);
	ok(turns[0] > before[0] && turns[1] > before[1], "SIGCONT lets every thread go on");
	kill(pid, SIGTERM);
	ok(exit_of(pid) == 1000 + SIGTERM, "a deadly one ends all");
	ok_errno(syscall(SYS_tgkill, getpid(), 0x3fffffff, 0), ESRCH, "no such thread");
	ok_errno(syscall(SYS_tgkill, 1, getpid(), 0), ESRCH, "not of that process");
	ok_errno(syscall(SYS_tkill, -1, 0), EINVAL, "a negative number");
	return done();
}
