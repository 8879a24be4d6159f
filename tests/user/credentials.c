/* SPDX-License-Identifier: MIT */
/* Users, groups, capabilities, set-user-id programs. */
#include "harness.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child(int (*fn)(void))
{
	int st;
	pid_t pid = fork();

	if (!pid)
		_exit(fn());
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : 200;
}
static int ids(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	return getresuid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}
static int caps(unsigned *eff, unsigned *perm)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return -1;
	*eff = d[0].effective;
	*perm = d[0].permitted;
	return 0;
}
static int drop(void)
{
	unsigned e, p;

	if (setresgid(100, 100, 100) || setresuid(1000, 1000, 1000))
		return 1;
	if (!ids(1000, 1000, 1000) || getgid() != 100)
		return 2;
	if (setuid(0) != -1 || errno != EPERM)
		return 3;
	if (caps(&e, &p) || e || p)
		return 4;
	if (setgroups(0, NULL) != -1 || errno != EPERM)
		return 5;
	return 0;
}
static int swap(void)
{
	unsigned e, p;

	if (setreuid(1000, 0))
		return 1;
	if (setreuid(0, 1000))
		return 2;
	if (!ids(0, 1000, 1000))
		return 3;
	if (caps(&e, &p) || e != 0 || p == 0)
		return 4;
	if (seteuid(0) || caps(&e, &p) || !e)
		return 5;
	return 0;
}
static int saved(void)
{
	if (setresuid(1000, 1001, 1002))
		return 1;
	if (seteuid(1002) || geteuid() != 1002)
		return 2;
	if (setresuid(1003, -1, -1) != -1 || errno != EPERM)
		return 3;
	if (setuid(1000) || !ids(1000, 1000, 1002))
		return 4;
	return 0;
}
static int fsids(void)
{
	int fd;

	if (setfsuid(1000) != 0 || setfsuid(-1) != 1000)
		return 1;
	fd = open("private", O_RDONLY);
	if (fd != -1 || errno != EACCES)
		return 2;
	setfsuid(0);
	return open("private", O_RDONLY) < 0 ? 3 : 0;
}
static int keepcaps(void)
{
	unsigned e, p;

	if (prctl(PR_SET_KEEPCAPS, 1L) || prctl(PR_GET_KEEPCAPS) != 1)
		return 1;
	if (setresuid(1000, 1000, 1000) || caps(&e, &p))
		return 2;
	return e == 0 && p != 0 ? 0 : 3;
}
static int capdrop(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return 1;
	d[0].effective &= ~(1u << CAP_KILL | 1u << CAP_SETUID);
	if (syscall(SYS_capset, &h, d))
		return 2;
	if (setuid(1000) != -1 || errno != EPERM)
		return 3;
	d[0].permitted = d[0].effective;
	if (syscall(SYS_capset, &h, d))
		return 4;
	d[0].permitted |= 1u << CAP_KILL;
	if (syscall(SYS_capset, &h, d) != -1 || errno != EPERM)
		return 5;
	return 0;
}
static int run_suid(void)
{
	if (setresgid(100, 100, 100) || setresuid(1000, 1000, 1000))
		return 1;
	execl("./suid", "suid", "who", (char *)NULL);
	return 99;
}
static int run_suid_nnp(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L))
		return 2;
	return run_suid();
}
static int nproc(void)
{
	struct rlimit rl = { 1, 1 };

	if (setrlimit(RLIMIT_NPROC, &rl) || setresuid(54321, 54321, 54321))
		return 1;
	if (fork() != -1)
		return 2;
	return errno == EAGAIN ? 0 : 3;
}
static int limits(void)
{
	struct rlimit rl = { 50, 60 };

	if (setrlimit(RLIMIT_NOFILE, &rl) || setresuid(1000, 1000, 1000))
		return 1;
	rl.rlim_max = 70;
	if (setrlimit(RLIMIT_NOFILE, &rl) != -1 || errno != EPERM)
		return 2;
	rl = (struct rlimit){ 60, 50 };
	if (setrlimit(RLIMIT_NOFILE, &rl) != -1 || errno != EINVAL)
		return 3;
	rl = (struct rlimit){ 55, 60 };
	return setrlimit(RLIMIT_NOFILE, &rl) ? 4 : 0;
}

int main(int argc, char **argv)
{
	gid_t groups[] = { 30, 10, 20 }, got[8];
	char self[512] = "";
	unsigned e, p;
	int n, a, b;

	if (argc > 1) {
		printf("# uid %d euid %d\n", getuid(), geteuid());
		return geteuid() == 0 ? getuid() == 1000 ? 50 : 51 : 52;
	}
	plan(20);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		strcpy(self, argv[0]);
	ok(getuid() == 0 && geteuid() == 0, "we are root");
	ok(caps(&e, &p) == 0 && (e & 1u << CAP_SETUID), "with capabilities");
	ok(in_child(drop) == 0, "dropping root for good");
	ok(in_child(swap) == 0, "real and effective swapped; capabilities follow the effective id");
	ok(in_child(saved) == 0, "the saved id can be taken up again");
	a = open("private", O_CREAT | O_WRONLY, 0600);
	close(a);
	ok(in_child(fsids) == 0, "the file-system id decides over files");
	ok(in_child(keepcaps) == 0, "PR_SET_KEEPCAPS");
	ok(in_child(capdrop) == 0, "capset takes away and does not give");
	ok(setgroups(3, groups) == 0 && getgroups(0, NULL) == 3, "groups");
	n = getgroups(8, got);
	ok(n == 3 && got[0] + got[1] + got[2] == 60, "read back");
	ok_errno(getgroups(2, got), EINVAL, "not enough room");
	setgroups(0, NULL);
	ok_errno(setgroups(70000, groups), EINVAL, "too many");
	gid_t *end = (gid_t *)((char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096);

	munmap(end, 4096);
	end[-1] = end[-2] = 7;
	ok_errno(setgroups(10, end - 2), EFAULT, "memory that ends");
	end[-1] = (gid_t)-1;
	ok_errno(setgroups(10, end - 2), EINVAL, "nobody's number before");
	/* a set-user-id copy of this program */
	a = open(self, O_RDONLY);
	b = open("suid", O_CREAT | O_WRONLY, 0755);
	char buf[65536];
	while ((n = (int)read(a, buf, sizeof(buf))) > 0)
		if (write(b, buf, (size_t)n) != n)
			bail("copy");
	close(a);
	close(b);
	chmod("suid", 04755);
	chmod(".", 0755);
	ok(in_child(run_suid) == 50, "a set-user-id program runs as root");
	ok(in_child(run_suid_nnp) == 52, "not with PR_SET_NO_NEW_PRIVS");
	ok(in_child(nproc) == 0, "RLIMIT_NPROC");
	ok(in_child(limits) == 0, "limits can be lowered, and raised up to the hard one");
	ok_errno(setuid(-1), EINVAL, "no such id");
	ok_errno(syscall(SYS_capget, NULL, NULL), EFAULT, "capget without a header");
	return done();
}
