/* SPDX-License-Identifier: MIT */
/*
 * Kernel addresses as arguments of system calls.
 *
 * First a table: calls whose other arguments are good, where the bad pointer
 * must be EFAULT.  Then every call number there is with nothing but bad
 * addresses: the call may say what it likes, or kill the caller, but nothing of
 * the kernel is written, and the machine goes on.
 */
#include "harness.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Their low halves are no descriptor, process or signal that exists. */
static const uint64_t bad[] = {
#ifdef __x86_64__
	0xffff888000101000, 0xffff800000101000, 0xffffffff80201000, 0x800000101000, 0x7ffffffff001,
#else
	0xffff000040101000, 0xffff800000101000, 0xffffffff80201000, 0x1000000101000, 0xfffffffff001,
#endif
};
enum { BADS = sizeof(bad) / sizeof(bad[0]) };
#define P 0x5ca1ab1e	/* stands for the bad pointer */
enum { FD_PIPE = 20, FD_FILE = 21, FD_SOCK = 22, FD_DIR = 23, FD_PIPE_W = 24 };

static const struct { const char *name; long nr; uint64_t a[6]; } table[] = {
	{ "read", SYS_read, { FD_PIPE, P, 16 } },
	{ "write", SYS_write, { FD_PIPE_W, P, 16 } },
	{ "pread64", SYS_pread64, { FD_FILE, P, 16, 0 } },
	{ "pwrite64", SYS_pwrite64, { FD_FILE, P, 16, 0 } },
	{ "readv", SYS_readv, { FD_FILE, P, 1 } },
	{ "writev", SYS_writev, { FD_FILE, P, 1 } },
	{ "openat", SYS_openat, { (uint64_t)AT_FDCWD, P, O_RDONLY } },
	{ "fstat", SYS_fstat, { FD_FILE, P } },
	{ "newfstatat path", SYS_newfstatat, { (uint64_t)AT_FDCWD, P, P, 0 } },
	{ "newfstatat buffer", SYS_newfstatat, { (uint64_t)AT_FDCWD, (uint64_t)"/", P, 0 } },
	{ "statx", SYS_statx, { (uint64_t)AT_FDCWD, (uint64_t)"/", 0, 0x7ff, P } },
	{ "statfs", SYS_statfs, { (uint64_t)"/", P } },
	{ "faccessat", SYS_faccessat, { (uint64_t)AT_FDCWD, P, 0 } },
	{ "chdir", SYS_chdir, { P } },
	{ "mkdirat", SYS_mkdirat, { (uint64_t)AT_FDCWD, P, 0755 } },
	{ "unlinkat", SYS_unlinkat, { (uint64_t)AT_FDCWD, P, 0 } },
	{ "symlinkat", SYS_symlinkat, { P, (uint64_t)AT_FDCWD, (uint64_t)"x" } },
	{ "linkat", SYS_linkat, { (uint64_t)AT_FDCWD, P, (uint64_t)AT_FDCWD, (uint64_t)"y", 0 } },
	{ "renameat2", SYS_renameat2, { (uint64_t)AT_FDCWD, P, (uint64_t)AT_FDCWD, (uint64_t)"z", 0 } },
	{ "readlinkat", SYS_readlinkat, { (uint64_t)AT_FDCWD, (uint64_t)"/proc/self/exe", P, 64 } },
	{ "fchmodat", SYS_fchmodat, { (uint64_t)AT_FDCWD, P, 0644 } },
	{ "fchownat", SYS_fchownat, { (uint64_t)AT_FDCWD, P, 0, 0, 0 } },
	{ "utimensat", SYS_utimensat, { (uint64_t)AT_FDCWD, (uint64_t)"/", P, 0 } },
	{ "truncate", SYS_truncate, { P, 0 } },
	{ "getcwd", SYS_getcwd, { P, 4096 } },
	{ "getdents64", SYS_getdents64, { FD_DIR, P, 4096 } },
	{ "pipe2", SYS_pipe2, { P, 0 } },
	{ "sendfile offset", SYS_sendfile, { FD_FILE, FD_FILE, P, 1 } },
	{ "epoll_create and ctl", SYS_memfd_create, { P, 0 } },
	{ "mount", SYS_mount, { P, P, P, 0, 0 } },
	{ "getxattr", SYS_getxattr, { P, P, 0, 0 } },
	{ "execve", SYS_execve, { P, 0, 0 } },
	{ "execve argv", SYS_execve, { (uint64_t)"/bin/true", P, 0 } },
	{ "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, P } },
	{ "clock_getres", SYS_clock_getres, { CLOCK_MONOTONIC, P } },
	{ "clock_settime", SYS_clock_settime, { CLOCK_REALTIME, P } },
	{ "clock_nanosleep", SYS_clock_nanosleep, { CLOCK_MONOTONIC, 0, P, 0 } },
	{ "nanosleep", SYS_nanosleep, { P, 0 } },
	{ "gettimeofday", SYS_gettimeofday, { P, 0 } },
	{ "settimeofday", SYS_settimeofday, { P, 0 } },
	{ "times", SYS_times, { P } },
	{ "getitimer", SYS_getitimer, { ITIMER_REAL, P } },
	{ "setitimer", SYS_setitimer, { ITIMER_REAL, P, 0 } },
	{ "timer_create", SYS_timer_create, { CLOCK_MONOTONIC, P, P } },
	{ "getrusage", SYS_getrusage, { RUSAGE_SELF, P } },
	{ "prlimit64 new", SYS_prlimit64, { 0, RLIMIT_NOFILE, P, 0 } },
	{ "prlimit64 old", SYS_prlimit64, { 0, RLIMIT_NOFILE, 0, P } },
	{ "uname", SYS_uname, { P } },
	{ "sysinfo", SYS_sysinfo, { P } },
	{ "getrandom", SYS_getrandom, { P, 16, 0 } },
	{ "getresuid", SYS_getresuid, { P, P, P } },
	{ "getgroups", SYS_setgroups, { 1, P } },
	{ "capget", SYS_capget, { P, P } },
	{ "rt_sigaction new", SYS_rt_sigaction, { SIGUSR1, P, 0, 8 } },
	{ "rt_sigaction old", SYS_rt_sigaction, { SIGUSR1, 0, P, 8 } },
	{ "rt_sigprocmask", SYS_rt_sigprocmask, { SIG_BLOCK, P, 0, 8 } },
	{ "rt_sigpending", SYS_rt_sigpending, { P, 8 } },
	{ "rt_sigtimedwait", SYS_rt_sigtimedwait, { P, 0, 0, 8 } },
	{ "rt_sigqueueinfo", SYS_rt_sigqueueinfo, { 1, SIGUSR1, P } },
	{ "sigaltstack", SYS_sigaltstack, { P, 0 } },
	{ "futex", SYS_futex, { P & ~(uint64_t)3, 0 /* WAIT */, 0, 0 } },
	{ "ppoll", SYS_ppoll, { P, 1, 0, 0, 8 } },
	{ "pselect6", SYS_pselect6, { 1, P, 0, 0, 0, 0 } },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, P } },
	{ "bind", SYS_bind, { FD_SOCK, P, 16 } },
	{ "getsockname", SYS_getsockname, { FD_SOCK, P, P } },
	{ "sendmsg", SYS_sendmsg, { FD_SOCK, P, 0 } },
	{ "recvmsg", SYS_recvmsg, { FD_SOCK, P, 0 } },
	{ "setsockopt", SYS_setsockopt, { FD_SOCK, SOL_SOCKET, SO_RCVBUF, P, 4 } },
	{ "sched_setaffinity", SYS_sched_setaffinity, { 0, 8, P } },
	{ "sched_setparam", SYS_sched_setparam, { 0, P } },
	{ "sched_getparam", SYS_sched_getparam, { 0, P } },
	{ "prctl PR_SET_NAME", SYS_prctl, { 15, P, 0, 0, 0 } },
	{ "prctl PR_GET_NAME", SYS_prctl, { 16, P, 0, 0, 0 } },
};
enum { ROWS = sizeof(table) / sizeof(table[0]) };

static struct shared { volatile long at; long result[ROWS][BADS]; } *shared;

static void open_files(void)
{
	int p[2], s[2];

	if (pipe(p) || dup2(p[0], FD_PIPE) < 0 || dup2(p[1], FD_PIPE_W) < 0 || write(FD_PIPE_W, "0123456789abcdef", 16) != 16 ||
	    dup2(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), FD_FILE) < 0 || write(FD_FILE, "0123456789abcdef", 16) != 16 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, s) || dup2(s[0], FD_SOCK) < 0 || dup2(open(".", O_RDONLY | O_DIRECTORY), FD_DIR) < 0)
		_exit(99);
}

/* Not tried with arguments that mean nothing: they end or stop the caller, or concern the whole machine. */
static int skipped(long nr)
{
	static const long list[] = {
#ifdef SYS_fork
		SYS_fork, SYS_vfork, SYS_pause,
#endif
		SYS_clone, SYS_clone3, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_restart_syscall,
		SYS_reboot, SYS_sync, SYS_vhangup, SYS_kexec_load, SYS_kexec_file_load, SYS_sethostname, SYS_setdomainname, SYS_swapoff,
		SYS_kill, SYS_tkill, SYS_tgkill, SYS_landlock_restrict_self,
	};

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i] == nr)
			return 1;
	return 0;
}

int main(void)
{
	enum { LAST = 462 };
	int status, hung = 0, odd = 0, wrong = 0;
	pid_t pid;

	plan(4);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		bail("mmap");
	pid = fork();
	if (pid == 0) {
		open_files();
		alarm(60);
		for (int r = 0; r < ROWS; r++)
			for (int b = 0; b < BADS; b++) {
				uint64_t a[6];

				for (int i = 0; i < 6; i++)
					a[i] = table[r].a[i] == P ? bad[b] : table[r].a[i] == (P & ~(uint64_t)3) ? bad[b] & ~(uint64_t)3 : table[r].a[i];
				shared->at = r;
				shared->result[r][b] = syscall(table[r].nr, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? -errno : 1;
			}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (!ok(status == 0, "the table of calls ends"))
		printf("# status %#x in %s\n", status, table[shared->at].name);
	for (int r = 0; r < ROWS; r++)
		for (int b = 0; b < BADS; b++)
			if (shared->result[r][b] != -EFAULT) {
				printf("# %s with %#llx: %ld\n", table[r].name, (unsigned long long)bad[b], shared->result[r][b]);
				wrong++;
			}
	ok(wrong == 0, "each of %d calls says EFAULT to each of %d addresses", (int)ROWS, (int)BADS);

	for (long nr = 0; nr <= LAST; nr++) {
		if (skipped(nr))
			continue;
		pid = fork();
		if (pid == 0) {
			for (int fd = 0; fd < 64; fd++)
				close(fd);
			alarm(60);
			for (int b = 0; b < BADS; b++)
				syscall(nr, bad[b], bad[b], bad[b], bad[b], bad[b], bad[b]);
			_exit(0);
		}
		if (pid < 0)
			bail("fork after call %ld", nr);
		waitpid(pid, &status, 0);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
			printf("# call %ld hangs\n", nr);
			hung++;
		} else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGSEGV && WTERMSIG(status) != SIGSYS && WTERMSIG(status) != SIGBUS &&
			   WTERMSIG(status) != SIGILL &&	/* uretprobe */
			   WTERMSIG(status) != SIGKILL) {
			printf("# call %ld: status %#x\n", nr, status);
			odd++;
		}
	}
	ok(!hung && !odd, "every call number returns");
	ok(getpid() > 0 && access("/", F_OK) == 0, "and the machine goes on");
	return done();
}
