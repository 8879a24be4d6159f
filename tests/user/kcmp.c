/* SPDX-License-Identifier: MIT */
/* kcmp(2): the same open file, memory, files, directory, handlers; an order; errors. */
#include "harness.h"
#include "child.h"
#include <linux/kcmp.h>
#include <pthread.h>

static long kc(pid_t a, pid_t b, int type, unsigned long i, unsigned long j) { return syscall(SYS_kcmp, a, b, type, i, j); }
static volatile pid_t tid;
static struct gate g;
static void *thread(void *arg) { tid = (pid_t)syscall(SYS_gettid); gate_wait(&g); return arg; }

int main(void)
{
	pid_t me = getpid(), pid;
	pthread_t t;
	int fd, fd2;

	plan(11);
	gate_init(&g);
	fd = open("f", O_RDWR | O_CREAT, 0600);
	fd2 = open("f", O_RDWR);
	ok(kc(me, me, KCMP_FILE, fd, dup(fd)) == 0, "a duplicate is the same open file");
	long r = kc(me, me, KCMP_FILE, fd, fd2);
	ok(r == 1 || r == 2, "another open is not: an order");
	ok(kc(me, me, KCMP_FILE, fd2, fd) == 3 - r, "which is antisymmetric");
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	ok(kc(me, pid, KCMP_FILE, fd, fd) == 0, "a child has the same open file");
	ok(kc(me, pid, KCMP_VM, 0, 0) > 0 && kc(me, pid, KCMP_FILES, 0, 0) > 0 && kc(me, pid, KCMP_FS, 0, 0) > 0 && kc(me, pid, KCMP_SIGHAND, 0, 0) > 0, "but memory, table, directory, handlers of its own");
	pthread_create(&t, NULL, thread, NULL);
	while (!tid)
		sched_yield();
	ok(!kc(me, tid, KCMP_VM, 0, 0) && !kc(me, tid, KCMP_FILES, 0, 0) && !kc(me, tid, KCMP_FS, 0, 0) && !kc(me, tid, KCMP_SIGHAND, 0, 0), "a thread shares them all");
	gate_open(&g);
	pthread_join(t, NULL);
	ok_errno(kc(me, me, KCMP_FILE, fd, 999), EBADF, "no such descriptor");
	ok_errno(kc(me, me, 99, 0, 0), EINVAL, "no such kind");
	ok_errno(kc(me, 0x3ffffff, KCMP_VM, 0, 0), ESRCH, "nobody");
	ok(in_child(({ setresuid(1000, 1000, 1000); kc(getpid(), pid, KCMP_VM, 0, 0) == -1 && errno == EPERM ? 0 : 1; })) == 0, "EPERM: another user's");
	kill(pid, SIGKILL);
	ok(exit_of(pid) == 1000 + SIGKILL, "done");
	return done();
}
