/* SPDX-License-Identifier: MIT */
/* membarrier(2): the commands, registration, and that it orders what another thread does. */
#include "harness.h"
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static int membarrier(int cmd, unsigned flags) { return (int)syscall(SYS_membarrier, cmd, flags, 0); }
static volatile int x, y, r1, r2, turn, both, rounds;

static void *light(void *arg)
{
	(void)arg;
	for (int i = 1; i <= rounds; i++) {
		while (turn != i)
			;
		x = i;
		__asm__ volatile("" ::: "memory");
		r1 = y;
		__sync_fetch_and_add(&both, 1);
	}
	return NULL;
}

int main(void)
{
	pthread_t t;
	int cmds = membarrier(MEMBARRIER_CMD_QUERY, 0), wrong = 0;

	plan(8);
	ok(cmds > 0, "query: %#x", cmds);
	ok(cmds & MEMBARRIER_CMD_GLOBAL && cmds & MEMBARRIER_CMD_PRIVATE_EXPEDITED, "global and private");
	ok(membarrier(MEMBARRIER_CMD_GLOBAL, 0) == 0, "global");
	ok_errno(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), EPERM, "private before it is registered");
	ok(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0) == 0, "register");
	ok_errno(membarrier(MEMBARRIER_CMD_QUERY, 99), EINVAL, "flags");
	ok_errno(membarrier(1 << 30, 0), EINVAL, "unknown command");
	rounds = 20;
	pthread_create(&t, NULL, light, NULL);
	for (int i = 1; i <= rounds; i++) {
		both = 0;
		turn = i;
		y = i;
		if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0))
			bail("membarrier");
		r2 = x;
		while (!both)
			;
		wrong += r1 != i && r2 != i;
	}
	pthread_join(t, NULL);
	ok(!wrong, "a store and a load of two threads are never both too early");
	return done();
}
