/* SPDX-License-Identifier: MIT */
/* fcntl(2) F_ADD_SEALS against mmap(2): of sealing a memfd against writing and of mapping it to write to, at once, just one succeeds. */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

enum { ROUNDS = 4000 };
static volatile int fd, round_of[2];
static volatile int over;
static int map_errno, seal_errno;

/* The other thread's turn to begin the same round. */
static void meet(int me, int n)
{
	__atomic_store_n(&round_of[me], n, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&round_of[!me], __ATOMIC_SEQ_CST) < n && !over)
		sched_yield();
}

static void *maps(void *arg)
{
	for (int n = 1; n <= 2 * ROUNDS && !over; n += 2) {
		void *p;

		meet(1, n);
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		map_errno = p == MAP_FAILED ? errno : 0;
		meet(1, n + 1);
		if (p != MAP_FAILED)
			munmap(p, 4096);
	}
	return arg;
}

int main(void)
{
	int both = 0, neither = 0, odd = 0;
	pthread_t t;

	plan(3);
	if (pthread_create(&t, NULL, maps, NULL))
		bail("pthread_create");
	for (int n = 1; n <= 2 * ROUNDS; n += 2) {
		fd = memfd_create("sealed", MFD_ALLOW_SEALING);
		if (fd < 0 || ftruncate(fd, 4096)) {
			over = 1;
			bail("memfd_create");
		}
		meet(0, n);
		for (volatile int k = n / 2 % 64 * 8; k > 0; k--)
			;
		seal_errno = fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) ? errno : 0;
		meet(0, n + 1);
		both += !map_errno && !seal_errno;
		neither += map_errno && seal_errno;
		odd += (map_errno && map_errno != EPERM) || (seal_errno && seal_errno != EBUSY);
		close(fd);
	}
	pthread_join(t, NULL);
	ok(!both, "no sealed file has a mapping that writes to it");
	ok(!neither, "one of the two succeeds");
	ok(!odd, "the other fails with EPERM, or with EBUSY");
	return done();
}
