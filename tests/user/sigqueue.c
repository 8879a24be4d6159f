/* SPDX-License-Identifier: MIT */
/* sigqueue(3): order by number and arrival, values, counts, RLIMIT_SIGPENDING, permissions. */
#include "harness.h"
#include "child.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static volatile sig_atomic_t seen[64], n;
static void handler(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	if (n < 64)
		seen[n++] = (sig - SIGRTMIN) * 100 + si->si_value.sival_int;
}

/* A thread's own number, not its process's, is what it may pretend anything towards. */
static int wrong;
static void *towards_itself(void *arg)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	siginfo_t si = { .si_code = SI_USER };

	wrong = syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &si) != -1 || errno != EPERM;
	wrong |= (syscall(SYS_rt_sigqueueinfo, tid, SIGRTMIN, &si) != 0) << 1;
	si.si_code = SI_QUEUE;
	wrong |= (syscall(SYS_rt_sigqueueinfo, tid, SIGRTMIN, &si) != 0) << 2;	/* goes to its process */
	wrong |= (syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGRTMIN, &si) != 0) << 3;
	return arg;
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	struct timespec none = { 0, 0 };
	struct rlimit rl = { 16, 16 };
	sigset_t all, old, set;
	siginfo_t si;
	union sigval v;
	int sorted = 1, count, err;

	plan(18);
	sigfillset(&sa.sa_mask);
	for (int i = 0; i < 5; i++)
		sigaction(SIGRTMIN + i, &sa, NULL);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	for (int i = 0; i < 40; i++) {
		v.sival_int = i;
		if (sigqueue(getpid(), SIGRTMIN + (i * 3) % 5, v))
			bail("sigqueue");
	}
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 4);
	ok(sigtimedwait(&set, &si, &none) == SIGRTMIN + 4 && si.si_value.sival_int == 3, "sigtimedwait takes the oldest of its kind");
	sigprocmask(SIG_SETMASK, &old, NULL);
	ok(n == 39, "each is delivered (%d)", n);
	for (int i = 1; i < n; i++)
		sorted &= seen[i] > seen[i - 1];
	ok(sorted, "lower numbers first, each kind in the order sent");
	n = 0;
	sigprocmask(SIG_BLOCK, &all, NULL);
	v.sival_int = 1;
	for (int i = 0; i < 5; i++)
		sigqueue(getpid(), SIGUSR1, v);
	sigaction(SIGUSR1, &sa, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	ok(n == 1, "a standard signal is pending once");
	v.sival_ptr = (void *)0x123456789abcdef0;
	sigprocmask(SIG_BLOCK, &all, NULL);
	sigqueue(getpid(), SIGRTMIN, v);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ok(sigwaitinfo(&set, &si) == SIGRTMIN && si.si_value.sival_ptr == v.sival_ptr, "a value of 64 bits");
	ok(si.si_pid == getpid() && si.si_uid == getuid() && si.si_code == SI_QUEUE, "the sender");
	/* the limit counts per user */
	count = in_child(({
		int c = 0;
		setresuid(5678, 5678, 5678);
		setrlimit(RLIMIT_SIGPENDING, &rl);
		while (c < 100 && sigqueue(getpid(), SIGRTMIN + 1, v) == 0)
			c++;
		errno == EAGAIN ? c : 200; }));
	ok(count == 16, "EAGAIN at RLIMIT_SIGPENDING (%d)", count);
	err = in_child(({
		setresuid(5678, 5678, 5678);
		setrlimit(RLIMIT_SIGPENDING, &rl);
		for (int i = 0; i < 20; i++)
			sigqueue(getpid(), SIGRTMIN + 1, v);
		kill(getpid(), SIGUSR2) || kill(getpid(), SIGRTMIN + 2); }));
	ok(err == 0, "kill of a standard or real-time signal gets through");
	ok(in_child(({
		int c = 0;
		setresuid(5679, 5679, 5679);
		setrlimit(RLIMIT_SIGPENDING, &rl);
		for (int i = 0; i < 500; i++) {
			c += sigqueue(getpid(), SIGRTMIN + 1, v) != 0;
			c += sigtimedwait(&all, &si, &none) != SIGRTMIN + 1;
		}
		c != 0; })) == 0, "what is taken no longer counts");
	ok_errno(sigqueue(getpid(), 65, v), EINVAL, "no signal 65");
	ok_errno(sigqueue(0x3ffffff, SIGUSR1, v), ESRCH, "nobody");
	ok(sigqueue(getpid(), 0, v) == 0, "signal 0 only asks");
	ok(in_child(({ setresuid(1, 1, 1); sigqueue(getppid(), SIGRTMIN, v) == -1 && errno == EPERM ? 0 : 1; })) == 0, "EPERM: another user's");
	/* dead senders' signals stay */
	pid_t pid = fork();

	if (!pid) {
		v.sival_int = 77;
		_exit(sigqueue(getppid(), SIGRTMIN, v) != 0);
	}
	exit_of(pid);
	ok(sigtimedwait(&set, &si, &none) == SIGRTMIN && si.si_value.sival_int == 77 && si.si_pid == pid, "a signal outlives its sender");
	pthread_t t;

	pthread_create(&t, NULL, towards_itself, NULL);
	pthread_join(t, NULL);
	ok(!wrong, "rt_sigqueueinfo by another thread (%#x)", wrong);
	for (count = 0; sigtimedwait(&set, &si, &none) == SIGRTMIN; count++)
		;
	ok(count == 3, "the number of a thread addresses its process (%d)", count);

	/* Of a siginfo whose code is known 48 bytes are read. */
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	siginfo_t *brief = (void *)(page + 4096 - 48);

	munmap(page + 4096, 4096);
	brief->si_code = SI_QUEUE;
	brief->si_value.sival_int = 78;
	ok(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, brief) == 0 && sigtimedwait(&set, &si, &none) == SIGRTMIN && si.si_value.sival_int == 78, "a siginfo where memory ends");
	brief->si_code = 99;
	ok_errno(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, brief), EFAULT, "of one that is not, all");
	return done();
}
