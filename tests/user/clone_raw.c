/* SPDX-License-Identifier: MIT */
/* clone(2), clone3(2) without the C library: flags that share, refusals, thread ids, pidfd. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int value;
static int child_tid, parent_tid;

static int set_value(void *arg) { value = *(int *)arg; return 7; }
static int close_fd(void *arg) { close(*(int *)arg); return 0; }
static int change_dir(void *arg) { (void)arg; return chdir("/"); }

static long raw_clone3(struct clone_args *a) { return syscall(SYS_clone3, a, sizeof(*a)); }

int main(void)
{
	struct clone_args a = { 0 };
	int arg = 5, st, fd, pidfd = -1;
	char before[256], after[256];
	struct pollfd pfd;
	struct gate hold;
	pid_t pid;

	plan(26);
	pid = clone(set_value, stack + sizeof(stack), CLONE_VM | SIGCHLD, &arg);
	ok(pid > 0 && waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 7, "a child on its own stack");
	ok(value == 5, "CLONE_VM shares memory");
	arg = 6;
	pid = clone(set_value, stack + sizeof(stack), SIGCHLD, &arg);
	waitpid(pid, &st, 0);
	ok(value == 5, "without it memory is apart");

	fd = open("/dev/null", O_RDONLY);
	pid = clone(close_fd, stack + sizeof(stack), SIGCHLD, &fd);
	waitpid(pid, &st, 0);
	ok(fcntl(fd, F_GETFD) == 0, "without CLONE_FILES the table is a copy");
	pid = clone(close_fd, stack + sizeof(stack), CLONE_FILES | SIGCHLD, &fd);
	waitpid(pid, &st, 0);
	ok(fcntl(fd, F_GETFD) == -1 && errno == EBADF, "with it, it is shared");

	if (!getcwd(before, sizeof(before)))
		bail("getcwd");
	pid = clone(change_dir, stack + sizeof(stack), SIGCHLD, NULL);
	waitpid(pid, &st, 0);
	ok(getcwd(after, sizeof(after)) && !strcmp(before, after), "without CLONE_FS the directory is its own");
	pid = clone(change_dir, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL);
	waitpid(pid, &st, 0);
	ok(getcwd(after, sizeof(after)) && !strcmp(after, "/"), "with it, shared");
	if (chdir(before))
		bail("chdir");

	/* no exit signal: wait needs __WALL or __WCLONE */
	pid = clone(set_value, stack + sizeof(stack), CLONE_VM, &arg);
	wait_state(pid, 0, 'Z');
	ok_errno(waitpid(pid, &st, WNOHANG), ECHILD, "a child without SIGCHLD is not waited for");
	ok(waitpid(pid, &st, __WCLONE) == pid, "but with __WCLONE");
	pid = clone(set_value, stack + sizeof(stack), CLONE_VM, &arg);
	ok(waitpid(pid, &st, __WALL) == pid, "or __WALL");

	/* thread ids */
	pid = clone(set_value, stack + sizeof(stack), CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, &arg, &parent_tid, NULL, &child_tid);
	waitpid(pid, &st, 0);
	ok(parent_tid == pid, "CLONE_PARENT_SETTID");
	ok(child_tid == pid, "CLONE_CHILD_SETTID");

	/* refusals */
	ok_errno(clone(set_value, stack + sizeof(stack), CLONE_THREAD | SIGCHLD, &arg), EINVAL, "CLONE_THREAD without CLONE_SIGHAND");
	ok_errno(clone(set_value, stack + sizeof(stack), CLONE_SIGHAND | SIGCHLD, &arg), EINVAL, "CLONE_SIGHAND without CLONE_VM");
	ok_errno(syscall(SYS_clone, (unsigned long)(CLONE_NEWNS | CLONE_FS | SIGCHLD), 0, 0, 0, 0), EINVAL, "CLONE_NEWNS with CLONE_FS");
	ok_errno(syscall(SYS_clone3, NULL, 8), EINVAL, "clone3 with a short struct");
	ok_errno(syscall(SYS_clone3, NULL, 64), EFAULT, "clone3 with a bad pointer");
	a.exit_signal = 100;
	ok_errno(raw_clone3(&a), EINVAL, "clone3 with a bad exit signal");
	memset(&a, 0, sizeof(a));
	a.stack = 4096;
	ok_errno(raw_clone3(&a), EINVAL, "clone3 with a stack without a size");
	memset(&a, 0, sizeof(a));
	a.flags = CLONE_DETACHED;
	ok_errno(raw_clone3(&a), EINVAL, "clone3 with CLONE_DETACHED");

	/* clone3, pidfd */
	memset(&a, 0, sizeof(a));
	a.exit_signal = SIGCHLD;
	a.flags = CLONE_PIDFD;
	a.pidfd = (uintptr_t)&pidfd;
	gate_init(&hold);
	pid = (pid_t)raw_clone3(&a);
	if (!pid) {
		gate_wait(&hold);
		_exit(11);
	}
	ok(pid > 0 && pidfd >= 0 && fcntl(pidfd, F_GETFD) == FD_CLOEXEC, "clone3 with CLONE_PIDFD");
	pfd = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	ok(poll(&pfd, 1, 0) == 0, "not readable while it runs");
	gate_open(&hold);
	ok(poll(&pfd, 1, -1) == 1 && pfd.revents & POLLIN, "readable when it has ended");
	siginfo_t si;
	ok(waitid(3 /* P_PIDFD */, (id_t)pidfd, &si, WEXITED) == 0 && si.si_pid == pid && si.si_status == 11, "waitid P_PIDFD");
	ok_errno(syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0), ESRCH, "a signal to who is gone");
	close(pidfd);

	/* handlers */
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, (void (*)(int))(void *)set_value);
	memset(&a, 0, sizeof(a));
	a.exit_signal = SIGCHLD;
	a.flags = 0x100000000ull;	/* CLONE_CLEAR_SIGHAND */
	pid = (pid_t)raw_clone3(&a);
	if (!pid) {
		struct sigaction s1, s2;

		sigaction(SIGUSR1, NULL, &s1);
		sigaction(SIGUSR2, NULL, &s2);
		_exit((s1.sa_handler == SIG_IGN) + 2 * (s2.sa_handler == SIG_DFL));
	}
	waitpid(pid, &st, 0);
	ok(WEXITSTATUS(st) == 3, "CLONE_CLEAR_SIGHAND resets handlers and keeps what is ignored");
	return done();
}
