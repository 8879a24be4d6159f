/* SPDX-License-Identifier: MIT */
/* Threads of one process run at the same time where there is more than one CPU, see each other's stores, and each CPU's is told rightly; one address space under change from all. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>

static volatile int flag[2], stop;
static volatile long rounds, bad;
static pthread_barrier_t bar;

static void *handshake(void *arg)	/* progress needs both to run, or to be switched; sched_yield makes it finish on one CPU */
{
	int me = (int)(long)arg;

	for (int i = 1; i <= 5000; i++) {
		flag[me] = i;
		for (int spin = 0; flag[!me] < i; spin++)
			if (spin > 200)
				sched_yield();
	}
	return NULL;
}
static void *atomics(void *arg)
{
	for (int i = 0; i < 100000; i++)
		__atomic_add_fetch((long *)arg, 1, __ATOMIC_RELAXED);
	return NULL;
}
static void *mapper(void *arg)	/* maps, writes, protects, unmaps: every thread's pages are its own */
{
	long me = (long)arg;

	for (int i = 0; i < 300; i++) {
		char *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
			break;
		}
		for (int j = 0; j < 16384; j += 512) {
			if (p[j])
				__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
			p[j] = (char)me;
		}
		mprotect(p, 4096, PROT_READ);
		sched_yield();
		for (int j = 0; j < 16384; j += 512)
			if (p[j] != (char)me)
				__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
		munmap(p, 16384);
	}
	return NULL;
}
static char *same;
static void *first_touch(void *arg)	/* all fault the same new pages at once */
{
	for (int i = 0; i < 256; i++) {
		if (i % 64 == 0)
			pthread_barrier_wait(&bar);
		__atomic_add_fetch((int *)(same + i * 4096), 1, __ATOMIC_SEQ_CST);
	}
	return arg;
}
static void *pinned(void *arg)
{
	cpu_set_t set;
	int cpu = (int)(long)arg;
	unsigned now = 99;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return (void *)1;
	for (int i = 0; i < 200; i++) {
		if (sched_getcpu() != cpu || syscall(SYS_getcpu, &now, NULL, NULL) || now != (unsigned)cpu)
			return (void *)2;
		sched_yield();
	}
	return NULL;
}

int main(void)
{
	pthread_t t[8];
	cpu_set_t set;
	long sum = 0;
	void *v;
	int cpus, wrong = 0;

	plan(7);
	sched_getaffinity(0, sizeof(set), &set);
	cpus = CPU_COUNT(&set);
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, handshake, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	ok(flag[0] == 5000 && flag[1] == 5000, "five thousand hand-overs through memory alone");
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, atomics, &sum);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	ok(sum == 800000, "atomic additions");
	for (long i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, mapper, (void *)(i + 1));
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	ok(!bad, "eight map, write, protect and unmap (%ld bad)", bad);
	same = mmap(NULL, 256 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_barrier_init(&bar, NULL, 4);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, first_touch, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 256; i++)
		wrong += *(int *)(same + i * 4096) != 4;
	ok(!wrong, "four touch the same new pages at once: one page each (%d wrong)", wrong);
	ok(cpus >= 1 && cpus == sysconf(_SC_NPROCESSORS_ONLN), "the CPUs that we may use are those there are");
	for (int c = wrong = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &set)) {
			pthread_create(&t[0], NULL, pinned, (void *)(long)c);
			pthread_join(t[0], &v);
			wrong += v != NULL;
		}
	ok(!wrong, "a thread pinned to a CPU is there");
	/* with the address space copied meanwhile: a fork sees each thread's stores whole */
	ok(in_child(({ int r = 0; for (int i = 0; i < 256; i++) r |= *(int *)(same + i * 4096) != 4; r; })) == 0, "and a fork sees it all");
	return done();
}
