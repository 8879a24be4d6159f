/* SPDX-License-Identifier: MIT */
/* POSIX threads: create and join, mutexes, conditions, barriers, TLS, robust and PI mutexes, parallel progress, exec and exit of a group. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long counter;
static int ready, serial;
static __thread int tls = 5;

static void *ret(void *arg) { return (char *)arg + 1; }
static void *count_up(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}
static void *wait_cond(void *arg)
{
	pthread_mutex_lock(&mutex);
	while (!ready)
		pthread_cond_wait(&cond, &mutex);
	counter++;
	pthread_mutex_unlock(&mutex);
	return arg;
}
static void *at_barrier(void *arg)
{
	for (int i = 0; i < 50; i++)
		if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	return arg;
}
static void *use_tls(void *arg) { int was = tls; tls = 9; return was == 5 ? arg : NULL; }
static void *die_with_lock(void *arg) { pthread_mutex_lock(arg); return NULL; }
static void *loop_forever(void *arg) { for (;;) pause(); return arg; }
static void *spin(void *arg) { volatile int *stop = arg; while (!*stop) ; return NULL; }
static void *do_exec(void *arg) { execl("/bin/sh", "sh", "-c", arg, (char *)NULL); _exit(99); }
static void *do_exit_group(void *arg) { (void)arg; _exit(23); }
static volatile sig_atomic_t got_tid;
static void on_usr1(int s) { (void)s; got_tid = (int)syscall(SYS_gettid); }
static volatile int tid_of;
static struct gate locked;
static void *tell_tid(void *arg) { tid_of = (int)syscall(SYS_gettid); wait_until(got_tid); return arg; }
static void *cancelled(void *arg) { for (;;) usleep(1000); return arg; }

static int child_status(void (*fn)(void))
{
	int st;
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}
static void exec_from_thread(void)
{
	pthread_t t;
	char cmd[64];

	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, loop_forever, NULL);
	snprintf(cmd, sizeof(cmd), "test $$ = %d && exit 33", getpid());
	pthread_create(&t, NULL, do_exec, cmd);
	pause();
}
static void exit_from_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, loop_forever, NULL);
	pthread_create(&t, NULL, do_exit_group, NULL);
	pause();
}
static void leader_exits(void)
{
	pthread_t t;

	pthread_create(&t, NULL, (void *(*)(void *))(void *)usleep, (void *)30000L);
	pthread_exit(NULL);
}
static void crash_in_thread(void)
{
	pthread_t t;

	signal(SIGSEGV, SIG_DFL);
	pthread_create(&t, NULL, (void *(*)(void *))(void *)strlen, (void *)16L);
	pause();
}

int main(void)
{
	pthread_t t[8];
	pthread_mutexattr_t ma;
	pthread_mutex_t robust, pi, *shared;
	void *r;
	int stop = 0, st;

	plan(23);
	ok(pthread_create(&t[0], NULL, ret, (void *)41) == 0 && pthread_join(t[0], &r) == 0 && r == (void *)42, "create and join");
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, count_up, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ok(counter == 80000, "a mutex counts exactly: %ld", counter);
	counter = 0;
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, wait_cond, NULL);
	usleep(20000);
	pthread_mutex_lock(&mutex);
	ready = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	ok(counter == 8, "a broadcast wakes all");
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) { ts.tv_sec++; ts.tv_nsec -= 1000000000; }
	pthread_mutex_lock(&mutex);
	ok(pthread_cond_timedwait(&cond, &mutex, &ts) == ETIMEDOUT, "a timed wait runs out");
	pthread_mutex_unlock(&mutex);
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, at_barrier, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	ok(serial == 50, "fifty barriers, one serial thread each");
	pthread_create(&t[0], NULL, use_tls, (void *)1);
	pthread_join(t[0], &r);
	ok(r == (void *)1 && tls == 5, "thread-local storage");

	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setrobust(&ma, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &ma);
	pthread_create(&t[0], NULL, die_with_lock, &robust);
	pthread_join(t[0], NULL);
	ok(pthread_mutex_lock(&robust) == EOWNERDEAD, "a robust mutex tells of its owner's death");
	ok(pthread_mutex_consistent(&robust) == 0 && pthread_mutex_unlock(&robust) == 0 && pthread_mutex_lock(&robust) == 0, "and can be repaired");
	/* between processes */
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(shared, &ma);
	gate_init(&locked);
	pid_t pid = fork();
	if (!pid) {
		pthread_mutex_lock(shared);
		gate_open(&locked);
		_exit(!wait_sleeping(getppid()));
	}
	gate_wait(&locked);
	ok(pthread_mutex_lock(shared) == EOWNERDEAD, "a shared one, too, while somebody waits");
	waitpid(pid, &st, 0);

	pthread_mutexattr_init(&ma);
	pthread_mutexattr_setprotocol(&ma, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&pi, &ma);
	pthread_mutex_lock(&pi);
	pthread_create(&t[0], NULL, die_with_lock, &pi);
	usleep(20000);
	pthread_mutex_unlock(&pi);
	ok(pthread_join(t[0], NULL) == 0, "a PI mutex is handed over");

	counter = 0;
	pthread_create(&t[0], NULL, spin, &stop);
	for (int i = 0; i < 10; i++)
		sched_yield();
	*(volatile int *)&stop = 1;
	ok(pthread_join(t[0], NULL) == 0, "a spinning thread sees memory");

	/* signals to threads */
	signal(SIGUSR1, on_usr1);
	pthread_create(&t[0], NULL, tell_tid, NULL);
	while (!tid_of)
		usleep(1000);
	pthread_kill(t[0], SIGUSR1);
	pthread_join(t[0], NULL);
	ok(got_tid == tid_of && tid_of != getpid(), "pthread_kill reaches that thread");
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	got_tid = tid_of = 0;
	pthread_create(&t[0], NULL, tell_tid, NULL);
	while (!tid_of)
		usleep(1000);
	pthread_sigmask(SIG_BLOCK, &s, NULL);
	kill(getpid(), SIGUSR1);
	pthread_join(t[0], NULL);
	ok(got_tid == tid_of, "a signal for the process goes to a thread that does not block it");
	pthread_sigmask(SIG_UNBLOCK, &s, NULL);
	pthread_create(&t[0], NULL, cancelled, NULL);
	usleep(5000);
	ok(pthread_cancel(t[0]) == 0 && pthread_join(t[0], &r) == 0 && r == PTHREAD_CANCELED, "cancellation");

	ok(child_status(exec_from_thread) == 33, "execve by a thread: the others go, the number stays");
	ok(child_status(exit_from_thread) == 23, "exit_group by a thread");
	ok(child_status(leader_exits) == 0, "the first thread may end first");
	ok(child_status(crash_in_thread) == 1000 + SIGSEGV, "a fault in one ends all");

	/* many */
	static pthread_t many[100];
	int made = 0;
	for (int i = 0; i < 100; i++)
		made += pthread_create(&many[i], NULL, ret, NULL) == 0;
	for (int i = 0; i < made; i++)
		pthread_join(many[i], NULL);
	ok(made == 100, "a hundred threads");
	made = 0;
	for (int i = 0; i < 500; i++) {
		if (pthread_create(&t[0], NULL, ret, NULL))
			break;
		pthread_join(t[0], NULL);
		made++;
	}
	ok(made == 500, "five hundred, one after the other");
	ok(syscall(SYS_gettid) == getpid() && gettid() == getpid(), "the first thread's number is the process's");
	sem_t sem;
	sem_init(&sem, 0, 0);
	clock_gettime(CLOCK_REALTIME, &ts);
	ok(sem_timedwait(&sem, &ts) == -1 && errno == ETIMEDOUT, "a semaphore runs out");
	sem_post(&sem);
	ok(sem_wait(&sem) == 0, "and counts");
	return done();
}
