/* SPDX-License-Identifier: MIT */
/* Faults, maps, unmaps, protections, forks and system calls of several threads on the same pages: whatever happens is one of the allowed things. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/mman.h>

enum { P = 4096, PAGES = 16 };
static char *area;
static volatile int stop, bad;
static volatile long reads_, faults, efaults, forks_;
static __thread sigjmp_buf jump;
static __thread volatile int armed;

static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	if (!armed || sig != SIGSEGV || (char *)si->si_addr < area || (char *)si->si_addr >= area + PAGES * P)
		_exit(66);
	siglongjmp(jump, 1);
}
static void *toucher(void *arg)
{
	unsigned seed = (unsigned)(long)arg;

	while (!stop) {
		volatile char *p = area + (rand_r(&seed) % PAGES) * P + 8 * (long)arg;

		armed = 1;
		if (!sigsetjmp(jump, 1)) {
			char c = *p;

			if (c && c != (char)(long)arg)
				bad++;
			*p = (char)(long)arg;
			reads_++;
		} else {
			faults++;
		}
		armed = 0;
	}
	return NULL;
}
static void *mapper(void *arg)
{
	unsigned seed = 77;

	for (int i = 0; i < 4000; i++) {
		char *p = area + (rand_r(&seed) % PAGES) * P;

		switch (rand_r(&seed) % 5) {
		case 0: munmap(p, P); break;
		case 1: case 2: mmap(p, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0); break;
		case 3: mprotect(p, P, PROT_READ); break;
		case 4: madvise(p, P, MADV_DONTNEED); break;
		}
	}
	stop = 1;
	return arg;
}
static void *caller(void *arg)
{
	int fds[2];
	unsigned seed = 5;

	if (pipe(fds))
		return arg;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	while (!stop) {
		char *p = area + (rand_r(&seed) % PAGES) * P;

		if (write(fds[1], p + 2048, 100) < 0 && errno == EFAULT)
			efaults++;
		if (read(fds[0], p + 3000, 100) < 0 && errno == EFAULT)
			efaults++;
	}
	return NULL;
}
static void *forker(void *arg)
{
	while (!stop) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		if (pid < 0 || exit_of(pid) != 0)
			bad++;
		forks_++;
	}
	return arg;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	pthread_t t[6];

	plan(4);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	area = mmap(NULL, PAGES * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_create(&t[0], NULL, toucher, (void *)1L);
	pthread_create(&t[1], NULL, toucher, (void *)2L);
	pthread_create(&t[2], NULL, toucher, (void *)3L);
	pthread_create(&t[3], NULL, caller, NULL);
	pthread_create(&t[4], NULL, forker, NULL);
	pthread_create(&t[5], NULL, mapper, NULL);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
	ok(!bad, "no byte of another, no failed fork (%d bad)", bad);
	ok(reads_ > 0, "accesses that worked: %ld", reads_);
	ok(faults + efaults > 0, "faults %ld, EFAULT %ld", faults, efaults);
	ok(forks_ > 0, "forks meanwhile: %ld", forks_);
	return done();
}
