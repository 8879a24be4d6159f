/* SPDX-License-Identifier: MIT */
/*
 * What a program gains by execve(2), and who keeps it from gaining: a tracer
 * without privileges, somebody who shares its root and directory, no_new_privs;
 * and what it leaves behind when it gains: personality(2), the size of its stack.
 * See execve(2), "Effect of set-user-ID", ptrace(2), credentials(7).
 */
#include "harness.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { USER = 1000, SAY = 20, STAY = 21, RACES = 300 };
struct report {
	uint32_t uid, euid, secure;
	uint64_t permitted, stack;
	int persona, traceme;
};

static uint64_t permitted(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 0, 0, 0 } };

	return syscall(SYS_capget, &h, d) ? 0 : d[0].permitted | (uint64_t)d[1].permitted << 32;
}

/* The program that is executed: says what it is, and stays until nobody holds the other end of STAY. */
static int reporter(int stays, int asks)
{
	struct report r = { .traceme = asks && ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? errno : 0,
		 .uid = getuid(), .euid = geteuid(), .secure = (uint32_t)getauxval(AT_SECURE), .permitted = permitted() };
	struct rlimit rl;
	char c;

	getrlimit(RLIMIT_STACK, &rl);
	r.stack = rl.rlim_cur;
	r.persona = personality(0xffffffff);
	if (write(SAY, &r, sizeof(r)) != sizeof(r))
		return 1;
	return stays && read(STAY, &c, 1) < 0;
}

static int say[2];
static void run_as(const char *name, const char *how)
{
	dup2(say[1], SAY);
	execl(name, name, how, NULL);
	_exit(99);
}
static void run(const char *name) { run_as(name, "report"); }

/* What the child, however it comes to its end, has said. */
static struct report told(void)
{
	struct report r = { .euid = 12345 };

	fcntl(say[0], F_SETFL, O_NONBLOCK);
	if (read(say[0], &r, sizeof(r)) != sizeof(r))
		r.euid = 54321;
	return r;
}

static struct report in_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(98);
	}
	waitpid(pid, NULL, 0);
	return told();
}

static void become_user(void)
{
	if (setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		_exit(97);
}

/* ---- alone ---- */

static void plain(void)
{
	become_user();
	run("suid");
}
static void untrusting(void)
{
	become_user();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	run("suid");
}
static void personal(void)
{
	become_user();
	personality(ADDR_NO_RANDOMIZE);
	run("suid");
}
static void personal_plain(void)
{
	become_user();
	personality(ADDR_NO_RANDOMIZE);
	run("plain");
}
static void big_stack(void)
{
	struct rlimit rl = { 64 << 20, RLIM_INFINITY };

	setrlimit(RLIMIT_STACK, &rl);
	become_user();
	run("suid");
}
static void big_stack_plain(void)
{
	struct rlimit rl = { 64 << 20, RLIM_INFINITY };

	setrlimit(RLIMIT_STACK, &rl);
	become_user();
	run("plain");
}

/* ---- root with less than all ---- */

static void drop_a_capability(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		_exit(96);
	for (int i = 0; i < 2; i++)
		d[i].inheritable = 0;
	d[0].permitted &= ~(1u << CAP_CHOWN);
	d[0].effective = d[0].permitted;
	if (syscall(SYS_capset, &h, d))
		_exit(96);
}
static void dropped(void)
{
	drop_a_capability();
	run("plain");
}
static void dropped_for_good(void)
{
	drop_a_capability();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	run("plain");
}

/* ---- traced ---- */

static void let_run(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, __WALL) == pid && WIFSTOPPED(st))
		ptrace(PTRACE_CONT, pid, NULL, (void *)(long)(WSTOPSIG(st) == SIGTRAP || WSTOPSIG(st) == SIGSTOP ? 0 : WSTOPSIG(st)));
}

/* The user's own child: traced by a user, or by root. */
static void traced(int by_user)
{
	int ready[2], go[2];
	char c = 0;
	pid_t pid;

	if (pipe(ready) || pipe(go))
		_exit(95);
	pid = fork();
	if (!pid) {
		become_user();
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		if (write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(94);
		run("suid");
	}
	if (read(ready[0], &c, 1) != 1)
		_exit(93);
	if (by_user)
		become_user();
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) || write(go[1], "", 1) != 1) {
		kill(pid, SIGKILL);
		_exit(92);
	}
	let_run(pid);
}
static void traced_by_user(void) { traced(1); }
static void traced_by_root(void) { traced(0); }
/* Who asks to be traced says by whom: that root is its parent makes nothing of it. */
static void asks_to_be_traced(void)
{
	pid_t pid = fork();

	if (!pid) {
		become_user();
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		run("suid");
	}
	let_run(pid);
}
/* As root, to be traced by a user. */
static void root_asks_to_be_traced(void)
{
	pid_t pid;

	become_user();
	pid = fork();
	if (!pid)
		run_as("suid", "ask");
	waitpid(pid, NULL, 0);
}
/* The tracer has gone: nobody looks. */
static void traced_no_more(void)
{
	int go[2];
	char c;
	pid_t pid, tracer;

	if (pipe(go))
		_exit(95);
	become_user();
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		if (read(go[0], &c, 1))
			_exit(94);
		run("suid");
	}
	tracer = fork();
	if (!tracer)
		_exit(ptrace(PTRACE_SEIZE, pid, NULL, NULL) ? 1 : 0);
	close(go[0]);
	waitpid(tracer, NULL, 0);
	close(go[1]);
	waitpid(pid, NULL, 0);
}

/* ---- root and directory shared ---- */

static int runs_suid(void *arg)
{
	(void)arg;
	run("suid");
	return 0;
}
static void shared_with_a_process(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid;

	become_user();
	pid = clone(runs_suid, stack + sizeof(stack), CLONE_FS | SIGCHLD, NULL);
	waitpid(pid, NULL, 0);
}
static void *sleeps(void *arg)
{
	(void)arg;
	pause();
	return NULL;
}
static void shared_with_a_thread(void)
{
	pthread_t t;

	become_user();
	pthread_create(&t, NULL, sleeps, NULL);
	run("suid");
}

/* ---- attached in the middle ---- */

/* How often a user got hold of what had become root. */
static int races(void)
{
	int caught = 0, roots = 0;

	become_user();
	for (int i = 0; i < RACES; i++) {
		int out[2], stay[2], got;
		struct report r;
		pid_t pid;

		if (pipe(out) || pipe(stay))
			return -1;
		pid = fork();
		if (!pid) {
			dup2(out[1], SAY);
			dup2(stay[0], STAY);
			close(out[0]);
			close(out[1]);
			close(stay[0]);
			close(stay[1]);
			for (volatile int k = 0; k < i % 16 * 200; k++)
				;
			execl("suid", "suid", "stay", NULL);
			_exit(99);
		}
		close(out[1]);
		close(stay[0]);
		fcntl(out[0], F_SETFL, O_NONBLOCK);
		r.euid = 12345;
		for (got = 0; r.euid == 12345;) {
			if (!got && ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0)
				got = 1;
			if (read(out[0], &r, sizeof(r)) == 0)
				break;
			if (got && waitpid(pid, NULL, WNOHANG | __WALL) == pid)
				ptrace(PTRACE_CONT, pid, NULL, NULL);
		}
		roots += r.euid == 0;
		caught += got && r.euid == 0;
		close(stay[1]);
		let_run(pid);
		close(out[0]);
	}
	if (caught)
		printf("# %d of %d\n", caught, roots);
	return caught;
}
static int attached_in_the_middle(void)
{
	pid_t pid = fork();
	int st;

	if (!pid) {
		int n = races();

		fflush(stdout);
		_exit(n < 0 ? 100 : n > 99 ? 99 : n);
	}
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void copy_self(const char *self, const char *name, mode_t mode)
{
	char buf[65536];
	int a = open(self, O_RDONLY), b = open(name, O_CREAT | O_WRONLY, 0755);
	ssize_t n;

	while ((n = read(a, buf, sizeof(buf))) > 0)
		if (write(b, buf, (size_t)n) != n)
			bail("copy");
	close(a);
	close(b);
	chmod(name, mode);
}

int main(int argc, char **argv)
{
	char self[512] = "";
	struct report r;

	if (argc > 1)
		return reporter(argv[1][0] == 's', argv[1][0] == 'a');
	plan(19);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		strcpy(self, argv[0]);
	if (pipe(say))
		bail("pipe");
	copy_self(self, "suid", 04755);
	copy_self(self, "plain", 0755);
	chmod(".", 0755);

	r = in_child(plain);
	ok(r.uid == USER && r.euid == 0 && r.secure && r.permitted, "a set-user-id program: root, and it is told to be careful");
	r = in_child(untrusting);
	ok(r.euid == USER && !r.secure && !r.permitted, "not with no_new_privs");
	r = in_child(dropped);
	ok(r.permitted & 1ull << CAP_CHOWN, "root without a capability has it again");
	r = in_child(dropped_for_good);
	ok(r.euid == 0 && r.permitted && !(r.permitted & 1ull << CAP_CHOWN), "not with no_new_privs");

	r = in_child(traced_by_user);
	ok(r.euid == USER && !r.permitted, "traced by a user: nothing gained");
	ok(r.secure, "but careful it is");
	r = in_child(traced_by_root);
	ok(r.euid == 0 && r.permitted, "traced by root: gained");
	r = in_child(asks_to_be_traced);
	ok(r.euid == USER && !r.permitted, "who asked for it as a user gains nothing");
	r = in_child(root_asks_to_be_traced);
	ok(r.euid == 0 && r.traceme == EPERM, "who has gained is not traced by a user, ask as it may");
	r = in_child(traced_no_more);
	ok(r.euid == 0 && r.permitted, "when the tracer has gone: gained");

	r = in_child(shared_with_a_process);
	ok(r.euid == USER && !r.permitted, "root and directory shared with another process: nothing gained");
	r = in_child(shared_with_a_thread);
	ok(r.euid == 0 && r.permitted, "with its own threads: gained");

	ok((in_child(personal).persona & ADDR_NO_RANDOMIZE) == 0, "who gains has addresses that nobody knows");
	ok(in_child(personal_plain).persona & ADDR_NO_RANDOMIZE, "who does not has them as before");
	ok(in_child(big_stack).stack == 8 << 20, "and a stack of the usual size");
	ok(in_child(big_stack_plain).stack == 64 << 20, "who does not has it as before");

	ok(attached_in_the_middle() == 0, "who attaches while it gains does not get it");
	ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "no child is left");
	ok(in_child(plain).euid == 0, "and it works as before");
	return done();
}
