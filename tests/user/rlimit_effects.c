/* SPDX-License-Identifier: MIT */
/* What limits do: file size with SIGXFSZ, descriptors, stack, data, processes, core; soft and hard; prlimit of others; inheritance. */
#include "harness.h"
#include "exec_util.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

static int lim(int what, rlim_t n) { return setrlimit((__rlimit_resource_t)what, &(struct rlimit){ n, n }); }
static int soft(int what, rlim_t n)
{
	struct rlimit r;

	getrlimit((__rlimit_resource_t)what, &r);
	r.rlim_cur = n;
	return setrlimit((__rlimit_resource_t)what, &r);
}
static volatile sig_atomic_t got, code;
static void handler(int sig, siginfo_t *si, void *uc) { (void)uc; got = sig; code = si->si_code; }
static int deep(int n) { volatile char room[16384]; room[0] = (char)n; return n ? deep(n - 1) + room[0] : room[0]; }

int main(int argc, char **argv)
{
	struct rlimit r;
	int fd;

	if (argc > 1)
		return getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur == 33 ? 42 : 1;
	plan(21);
	ok(in_child(({
		struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
		char b[1000] = { 0 };
		int bad;
		sigaction(SIGXFSZ, &sa, NULL);
		fd = open("f", O_RDWR | O_CREAT, 0600);
		lim(RLIMIT_FSIZE, 1500);
		bad = write(fd, b, 1000) != 1000;
		bad |= (write(fd, b, 1000) != 500) << 1;
		bad |= (got != 0) << 2;
		bad |= (write(fd, b, 1) != -1 || errno != EFBIG || got != SIGXFSZ || code != SI_USER) << 3;
		got = 0;
		bad |= (ftruncate(fd, 1501) != -1 || errno != EFBIG || got != SIGXFSZ) << 4;
		bad |= (ftruncate(fd, 100) != 0 || pwrite(fd, b, 10, 1495) != 5) << 5;
		bad; })) == 0, "RLIMIT_FSIZE: a short write, then EFBIG and SIGXFSZ");
	ok(in_child(({ fd = open("g", O_RDWR | O_CREAT, 0600); lim(RLIMIT_FSIZE, 10); lim(RLIMIT_CORE, 0); pwrite(fd, "x", 1, 10); })) == 1000 + SIGXFSZ, "whose default kills");
	ok(in_child(({ int p[2]; lim(RLIMIT_FSIZE, 0); pipe(p) || write(p[1], "x", 1) != 1; })) == 0, "pipes are no files");
	ok(in_child(({ int n = 0; soft(RLIMIT_NOFILE, 20); while (open("/dev/null", O_RDONLY) >= 0) n++; errno != EMFILE || n > 20; })) == 0, "RLIMIT_NOFILE: EMFILE");
	ok(in_child(({ soft(RLIMIT_NOFILE, 20); dup2(0, 19) != 19 || dup2(0, 20) != -1 || errno != EBADF || fcntl(0, F_DUPFD, 20) != -1 || errno != EINVAL; })) == 0, "no descriptor at or above it");
	ok(in_child(({ int p[2]; dup2(0, 100); soft(RLIMIT_NOFILE, 50); fcntl(100, F_GETFD) != 0 || close(100) || pipe(p); })) == 0, "those that are open stay");
	ok(in_child(({ soft(RLIMIT_NOFILE, 33); execl(self_path(), "x", "child", NULL); })) == 42, "inherited and kept over execve");
	ok(in_child(({ lim(RLIMIT_STACK, 512 << 10); deep(20); 0; })) == 0, "a stack within its limit");
	ok(in_child(({ lim(RLIMIT_CORE, 0); lim(RLIMIT_STACK, 512 << 10); deep(100); 0; })) == 1000 + SIGSEGV, "beyond it: SIGSEGV");
	ok(in_child(({ lim(RLIMIT_DATA, 1 << 20); sbrk(4 << 20) == (void *)-1 && errno == ENOMEM ? 0 : 1; })) == 0, "RLIMIT_DATA bounds brk");
	ok(in_child(({ lim(RLIMIT_DATA, 1 << 20); mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM ? 0 : 1; })) == 0, "and private writable maps");
	ok(in_child(({ lim(RLIMIT_DATA, 1 << 20); mmap(NULL, 4 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED || mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED; })) == 0, "not others");
	ok(in_child(({ setresuid(7777, 7777, 7777); lim(RLIMIT_NPROC, 1); fork() == -1 && errno == EAGAIN ? 0 : 1; })) == 0, "RLIMIT_NPROC: EAGAIN");
	ok(in_child(({ lim(RLIMIT_NPROC, 0); pid_t p = fork(); if (!p) _exit(0); p < 0 || exit_of(p); })) == 0, "root is not bound by it");
	ok(in_child(({ struct rlimit x = { 10, 5 }; setrlimit(RLIMIT_NOFILE, &x) == -1 && errno == EINVAL ? 0 : 1; })) == 0, "soft above hard: EINVAL");
	ok(in_child(({ lim(RLIMIT_NOFILE, 50); setresuid(1000, 1000, 1000); lim(RLIMIT_NOFILE, 51) == -1 && errno == EPERM && soft(RLIMIT_NOFILE, 10) == 0 && soft(RLIMIT_NOFILE, 50) == 0 ? 0 : 1; })) == 0, "the hard limit only goes down without privilege");
	/* of another process */
	pid_t pid = fork();
	if (!pid)
		for (;;)
			pause();
	struct rlimit nw = { 123, 456 }, old;
	ok(prlimit(pid, RLIMIT_NOFILE, &nw, &old) == 0 && prlimit(pid, RLIMIT_NOFILE, NULL, &r) == 0 && r.rlim_cur == 123 && r.rlim_max == 456 && old.rlim_cur != 123, "prlimit of a child");
	ok(in_child(({ setresuid(1000, 1000, 1000); prlimit(pid, RLIMIT_NOFILE, NULL, &r) == -1 && errno == EPERM ? 0 : 1; })) == 0, "EPERM: another user's");
	kill(pid, SIGKILL);
	exit_of(pid);
	ok_errno(prlimit(0x3ffffff, RLIMIT_NOFILE, NULL, &r), ESRCH, "nobody");
	ok_errno(getrlimit((__rlimit_resource_t)16, &r), EINVAL, "no such limit");
	ok_errno(syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 8, NULL), EFAULT, "EFAULT");
	return done();
}
