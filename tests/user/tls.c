/* SPDX-License-Identifier: MIT */
/* Thread-local storage: initial values, apart in every thread, over switches, signals and fork; destructors of keys; the CPU's register for it. */
#include "harness.h"
#include "child.h"
#include <pthread.h>

static __thread int value = 17;
static __thread char big[10000];
static __thread long aligned __attribute__((aligned(64))) = 5;
static pthread_key_t key;
static int destroyed, bad;
static volatile sig_atomic_t seen;

static void destructor(void *v) { destroyed += (int)(long)v; }
static void handler(int sig) { (void)sig; seen = value; value++; }
static void *worker(void *arg)
{
	long id = (long)arg;

	if (value != 17 || big[9999] || aligned != 5 || (unsigned long)&aligned % 64)
		__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
	value = (int)id;
	memset(big, (int)id, sizeof(big));
	errno = (int)id;
	for (int i = 0; i < 200; i++) {
		sched_yield();
		if (value != id || big[i * 7] != (char)id || errno != id)
			__atomic_add_fetch(&bad, 1, __ATOMIC_SEQ_CST);
	}
	pthread_setspecific(key, (void *)id);
	return &value;
}
static void *signalled(void *arg)
{
	(void)arg;
	value = 1000;
	pthread_kill(pthread_self(), SIGUSR1);
	return (void *)(long)(seen == 1000 && value == 1001);
}
static unsigned long thread_pointer(void)
{
#if defined(__x86_64__)
	unsigned long v;

	__asm__ volatile("mov %%fs:0,%0" : "=r"(v));
	return v;
#else
	unsigned long v;

	__asm__ volatile("mrs %0,tpidr_el0" : "=r"(v));
	return v;
#endif
}
static void *pointer(void *arg) { (void)arg; return (void *)thread_pointer(); }

int main(void)
{
	pthread_t t[16];
	void *v[16], *p;

	plan(9);
	pthread_key_create(&key, destructor);
	for (long i = 0; i < 16; i++)
		pthread_create(&t[i], NULL, worker, (void *)(i + 1));
	for (int i = 0; i < 16; i++)
		pthread_join(t[i], &v[i]);
	ok(!bad, "sixteen threads, each with its own (%d bad)", bad);
	ok(value == 17 && big[5] == 0, "the first thread's is untouched");
	ok(destroyed == 16 * 17 / 2, "keys are destroyed when threads end (%d)", destroyed);
	signal(SIGUSR1, handler);
	pthread_create(&t[0], NULL, signalled, NULL);
	pthread_join(t[0], &p);
	ok(p == (void *)1L && value == 17, "a handler sees its thread's");
	pthread_create(&t[0], NULL, pointer, NULL);
	pthread_join(t[0], &p);
	ok(p != (void *)thread_pointer(), "another thread pointer");
	value = 55;
	ok(in_child(value == 55 && (value = 66) ? 0 : 1) == 0 && value == 55, "a child has a copy");
	ok(in_child(({ unsigned long before = thread_pointer(); for (int i = 0; i < 100; i++) sched_yield(); before != thread_pointer() || !before; })) == 0, "and the thread pointer");
#if defined(__x86_64__)
	unsigned long fs = 0, gs = 1;

	ok(syscall(SYS_arch_prctl, 0x1003, &fs) == 0 && fs == thread_pointer(), "ARCH_GET_FS");
	ok(in_child(({
		static unsigned long area[4] = { 0x1234, 0x5678 };
		unsigned long got;
		syscall(SYS_arch_prctl, 0x1001, area);
		for (int i = 0; i < 50; i++)
			sched_yield();
		__asm__ volatile("mov %%gs:8,%0" : "=r"(got));
		!(got == 0x5678 && syscall(SYS_arch_prctl, 0x1004, &gs) == 0 && gs == (unsigned long)area); })) == 0, "ARCH_SET_GS");
#else
	ok(in_child(({ unsigned long was = thread_pointer(), now; __asm__ volatile("msr tpidr_el0,%0" :: "r"(was + 16)); for (volatile int i = 0; i < 100000; i++) ; now = thread_pointer(); __asm__ volatile("msr tpidr_el0,%0" :: "r"(was)); now != was + 16; })) == 0, "tpidr_el0 is the program's to write");
	ok(thread_pointer() != 0, "and set");
#endif
	return done();
}
