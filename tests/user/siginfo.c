/* SPDX-License-Identifier: MIT */
/* siginfo_t in handlers: who sent it and how, where a fault was, what became of a child. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>

static siginfo_t last;
static volatile sig_atomic_t count;
static sigjmp_buf jump;

static void note(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	last = *si;
	count++;
}
static void fault(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	last = *si;
	siglongjmp(jump, 1);
}
static int touch(volatile char *p, int write)
{
	memset(&last, 0, sizeof(last));
	if (!sigsetjmp(jump, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return last.si_code;
}
static void *killer(void *arg)
{
	pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}
static void await(int before)
{
	wait_until(count != before);
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = note, .sa_flags = SA_SIGINFO }, sf = { .sa_sigaction = fault, .sa_flags = SA_SIGINFO };
	struct itimerval it = { .it_value = { 0, 1000 } };
	union sigval v = { .sival_int = -7 };
	pthread_t self = pthread_self(), t;
	char *p, *q, name[] = "fileXXXXXX";
	int fd, before, fds[2];
	pid_t pid;

	plan(24);
	for (int i = 0; i < 3; i++)
		sigaction((int[]){ SIGUSR1, SIGCHLD, SIGALRM }[i], &sa, NULL);
	sigaction(SIGSEGV, &sf, NULL);
	sigaction(SIGBUS, &sf, NULL);
	kill(getpid(), SIGUSR1);
	ok(last.si_signo == SIGUSR1 && last.si_code == SI_USER && last.si_pid == getpid() && last.si_uid == getuid(), "kill: SI_USER, pid and uid");
	before = count;
	pid = fork();
	if (!pid) {
		if (setresuid(1234, 1234, 0))
			_exit(1);
		if (seteuid(0))
			_exit(2);
		_exit(kill(getppid(), SIGUSR1) ? 3 : 0);
	}
	signal(SIGCHLD, SIG_DFL);
	ok(exit_of(pid) == 0 && count > before && last.si_pid == pid && last.si_uid == 1234, "the sender's real uid");
	sigaction(SIGCHLD, &sa, NULL);
	raise(SIGUSR1);
	ok(last.si_code == SI_TKILL && last.si_pid == getpid(), "raise: SI_TKILL");
	pthread_create(&t, NULL, killer, &self);
	pthread_join(t, NULL);
	ok(last.si_code == SI_TKILL && last.si_pid == getpid(), "pthread_kill: the process's pid");
	sigqueue(getpid(), SIGUSR1, v);
	ok(last.si_code == SI_QUEUE && last.si_value.sival_int == -7 && last.si_pid == getpid(), "sigqueue: SI_QUEUE and the value");
	before = count;
	setitimer(ITIMER_REAL, &it, NULL);
	await(before);
	ok(last.si_signo == SIGALRM && last.si_code == SI_KERNEL, "an interval timer: SI_KERNEL");

	/* faults */
	p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(p + 4096, 4096);
	mprotect(p, 4096, PROT_READ);
	ok(touch(p + 4096 + 123, 0) == SEGV_MAPERR && last.si_addr == p + 4096 + 123, "SEGV_MAPERR with the address");
	ok(touch(p + 77, 1) == SEGV_ACCERR && last.si_addr == p + 77, "SEGV_ACCERR, writing");
	mprotect(p, 4096, PROT_NONE);
	ok(touch(p + 5, 0) == SEGV_ACCERR && last.si_addr == p + 5, "SEGV_ACCERR, reading");
	ok(touch(NULL, 0) == SEGV_MAPERR && last.si_addr == NULL, "address 0");
	fd = mkstemp(name);
	q = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ok(touch(q + 5000, 0) == BUS_ADRERR && last.si_signo == SIGBUS && last.si_addr == q + 5000, "BUS_ADRERR behind a file's end");
	memset(&last, 0, sizeof(last));
	ok(write(fd, p, 10) == -1 && errno == EFAULT && last.si_signo == 0, "the kernel's own access gives EFAULT, no signal");

	/* children */
	before = count;
	pid = fork();
	if (!pid)
		_exit(17);
	await(before);
	ok(last.si_signo == SIGCHLD && last.si_code == CLD_EXITED && last.si_pid == pid && last.si_status == 17, "CLD_EXITED");
	exit_of(pid);
	before = count;
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	await(before);
	ok(last.si_code == CLD_STOPPED && last.si_status == SIGSTOP && last.si_pid == pid, "CLD_STOPPED");
	before = count;
	kill(pid, SIGCONT);
	await(before);
	ok(last.si_code == CLD_CONTINUED && last.si_status == SIGCONT, "CLD_CONTINUED");
	before = count;
	kill(pid, SIGKILL);
	await(before);
	ok(last.si_code == CLD_KILLED && last.si_status == SIGKILL && last.si_uid == getuid(), "CLD_KILLED");
	exit_of(pid);

	/* made up by the sender */
	siginfo_t fake = { .si_signo = SIGUSR1, .si_code = -42 };

	fake.si_pid = 4711;
	ok(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &fake) == 0 && last.si_code == -42 && last.si_pid == 4711, "rt_sigqueueinfo: what the sender says");
	fake.si_code = SI_USER;
	ok(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &fake) == 0 && last.si_code == SI_USER, "to oneself even SI_USER");
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	ok_errno(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &fake), EPERM, "to others not");
	fake.si_code = SI_TKILL;
	ok_errno(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &fake), EPERM, "nor SI_TKILL");
	kill(pid, SIGKILL);
	exit_of(pid);

	/* SIGPIPE and SIGIO are the kernel's */
	signal(SIGPIPE, SIG_DFL);
	sigaction(SIGPIPE, &sa, NULL);
	if (pipe(fds))
		bail("pipe");
	close(fds[0]);
	before = count;
	ok(write(fds[1], "x", 1) == -1 && errno == EPIPE && count == before + 1 && last.si_signo == SIGPIPE, "SIGPIPE");
	ok(last.si_code == SI_USER && last.si_pid == getpid(), "from oneself");
	sigset_t block;

	sigemptyset(&block);
	sigaddset(&block, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &block, NULL);
	for (int i = 0; i < 3; i++) {
		v.sival_int = i;
		sigqueue(getpid(), SIGRTMIN, v);
	}
	int sum = 0;
	for (int i = 0; i < 3; i++)
		sum = sum * 10 + (sigwaitinfo(&block, &last) == SIGRTMIN ? last.si_value.sival_int : 9);
	ok(sum == 12, "queued values in order");
	ok_errno(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, (void *)8), EFAULT, "EFAULT");
	return done();
}
