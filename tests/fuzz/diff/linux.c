/* SPDX-License-Identifier: MIT */
/*
 * The Linux side of the differential: eft-fuzz-linux FD, where FD is the
 * shared memory of diff.h.
 *
 *   the process       starts the name spaces, and again when they die
 *   its child         pid 1 of a pid name space: reaps orphans
 *   pid 2             the supervisor: takes programs, sets each up in a new
 *                     directory, watches the time, lists what it left
 *   pid 3             the program, as under Eft: the number is set for each
 *
 * The program is confined by name spaces (pid, mount, IPC, network, UTS), a
 * root of its own without device nodes, limits of memory and of time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "diff.h"

enum { PROGRAM_PID = 3, TIME_MS = 20, QUIET_MS = 2, PATHS = 256, PATH_BYTES = 1024, CONTENT = 1 << 16, KILLS = 1000 };
#define ROOT "/tmp"
#define SCRATCH ROOT "/s"

static struct diff_shared *shared;
static struct fuzz_program program;
static struct fuzz_state state;
static pid_t self;

/* ---- the program ---- */

/* As system calls copy, not as a debugger does: the program's memory is the *local* side (what may only be written can be read). */
static size_t user_copy(bool write, uint64_t addr, void *p, size_t n)
{
	struct iovec here = { p, n }, there = { (void *)(uintptr_t)addr, n };
	ssize_t done = write ? process_vm_readv(self, &there, 1, &here, 1, 0) : process_vm_writev(self, &there, 1, &here, 1, 0);

	return done < 0 ? 0 : (size_t)done;
}
static size_t user_write(uint64_t addr, const void *p, size_t n) { return user_copy(true, addr, (void *)(uintptr_t)p, n); }
static size_t user_read(uint64_t addr, void *p, size_t n) { return user_copy(false, addr, p, n); }

static long call(uint64_t nr, const uint64_t *a)
{
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return r;
}

static void program_run(void)
{
	struct fuzz_step s;
	int i;

	self = getpid();
	while ((i = fuzz_state_next(&state, 0, &s)) >= 0) {
		bool forks = s.nr == SYS_fork || s.nr == SYS_vfork;
		long r;

		shared->run.done[i] = 1;
		r = call(s.nr, s.args);
		if (forks && r == 0)
			syscall(SYS_exit, 0);
		if (forks && r > 0) {	/* it has nothing to do: wait until it is done */
			siginfo_t info;

			while (syscall(SYS_waitid, P_PID, r, &info, WEXITED | WNOWAIT, NULL) && errno == EINTR)
				;
		}
		fuzz_state_result(&state, 0, r);
		shared->run.result[i] = r;
		diff_note(&shared->run, &program, (unsigned)i, user_read);
		shared->run.done[i] = 2;
	}
	syscall(SYS_exit_group, 0);
}

/* What every program starts with, and its parent has already. */
static void as_a_program(void)
{
	sigset_t none;

	for (int i = 1; i < 65; i++)
		syscall(SYS_rt_sigaction, i, (uint64_t[4]){ 0 }, NULL, 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpriority(PRIO_PROCESS, 0, 0);
	prctl(PR_SET_NAME, "program");
	for (int i = 0; i < 16; i++) {
		struct rlimit l = { diff_limits[i][0], diff_limits[i][1] };

		setrlimit((__rlimit_resource_t)i, &l);
	}
	umask(022);
	setgroups(0, NULL);
}

static void program_child(void)
{
	setsid();
	close_range(0, ~0u, 0);
	if (chdir(SCRATCH) || chroot("."))
		_exit(99);
	if (program.flags & DIFF_UNPRIVILEGED && (setresgid(DIFF_USER, DIFF_USER, DIFF_USER) || setresuid(DIFF_USER, DIFF_USER, DIFF_USER)))
		_exit(99);
	program_run();
}

/* ---- what it left ---- */

static char paths[PATHS][PATH_BYTES];
static unsigned npaths;

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void list(void)
{
	for (unsigned done = 0, listed = 0; listed <= npaths && npaths < PATHS; listed++) {
		char full[PATH_BYTES + 16], *base = listed ? paths[listed - 1] : (char *)"";
		struct stat st;
		DIR *d;
		struct dirent *e;

		(void)done;
		snprintf(full, sizeof(full), "%s/%s", SCRATCH, base);
		if (listed && (lstat(full, &st) || !S_ISDIR(st.st_mode)))
			continue;
		d = opendir(full);
		if (!d)
			continue;
		while ((e = readdir(d)) && npaths < PATHS)
			if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
				snprintf(paths[npaths++], PATH_BYTES, "%.700s%s%s", base, *base ? "/" : "", e->d_name);
		closedir(d);
	}
	qsort(paths, npaths, PATH_BYTES, by_name);
}

static void tree(void)
{
	struct diff_run *r = &shared->run;
	static char content[CONTENT];

	npaths = 0;
	list();
	for (unsigned i = 0; i < npaths; i++) {
		char full[PATH_BYTES + 16];
		struct stat st;
		uint64_t hash = 0;
		ssize_t n;
		int fd;

		snprintf(full, sizeof(full), "%s/%s", SCRATCH, paths[i]);
		if (lstat(full, &st))
			continue;
		if (S_ISREG(st.st_mode) && (fd = open(full, O_RDONLY | O_NOATIME)) >= 0) {
			n = read(fd, content, sizeof(content));
			hash = diff_hash(1, content, n < 0 ? 0 : (size_t)n);
			close(fd);
		} else if (S_ISLNK(st.st_mode) && (n = readlink(full, content, sizeof(content))) >= 0) {
			hash = diff_hash(1, content, (size_t)n);
		}
		r->ntree += (uint32_t)snprintf(r->tree + r->ntree, DIFF_TREE - r->ntree, "%s mode %o uid %u gid %u nlink %u size %lld content %llx\n", paths[i],
			st.st_mode, st.st_uid, st.st_gid, (unsigned)st.st_nlink, S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size, (unsigned long long)hash);
		if (r->ntree >= DIFF_TREE)
			r->ntree = DIFF_TREE - 1;
	}
	for (unsigned i = npaths; i-- > 0;) {	/* children sort behind their directory */
		char full[PATH_BYTES + 16];

		snprintf(full, sizeof(full), "%s/%s", SCRATCH, paths[i]);
		if (unlink(full) && rmdir(full) && npaths < PATHS)
			chmod(full, 0700);
	}
	if (npaths >= PATHS || (rmdir(SCRATCH) && errno != ENOENT))
		(void)!system("rm -rf " SCRATCH);
}

/* ---- the supervisor ---- */

static void futex(_Atomic uint32_t *at, int op, uint32_t v) { syscall(SYS_futex, at, op, v, NULL, NULL, 0); }

static bool uses_ipc(void)
{
	for (unsigned i = 0; i < program.ncalls; i++) {
		const char *n = fuzz_row(program.calls[i].nr)->name;

		if (!strncmp(n, "sem", 3) || !strncmp(n, "msg", 3) || !strncmp(n, "shm", 3) || !strncmp(n, "mq_", 3))
			return true;
	}
	return false;
}

/* Asleep, and alone: nothing will ever wake it, since the times that programs name are none or for ever. */
static bool asleep(void)
{
	static char text[512];
	int fd = open("/proc/3/stat", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *p;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	p = strrchr(text, ')');
	return p && p[1] == ' ' && (p[2] == 'S' || p[2] == 'T');
}

static bool ended(struct pollfd *pfd)
{
	unsigned quiet = 0;

	for (unsigned ms = 0; ms < TIME_MS; ms++) {
		if (poll(pfd, 1, 1) == 1)
			return true;
		quiet = asleep() ? quiet + 1 : 0;
		if (quiet == QUIET_MS)
			return false;
	}
	return false;
}

static void supervise(int last_pid)
{
	struct diff_run *r = &shared->run;
	int status, pidfd;
	struct pollfd pfd;
	pid_t pid;

	r->nouts = r->ndata = r->ntree = 0;
	memset(r->done, 0, sizeof(r->done));
	fuzz_decode(shared->input, shared->len, &program);
	fuzz_state_init(&state, &program, user_write, user_read);
	if (mkdir(SCRATCH, 0777) || chmod(SCRATCH, 0777))
		_exit(3);
	if (uses_ipc() && unshare(CLONE_NEWIPC))
		_exit(3);
	if (pwrite(last_pid, "2", 1, 0) != 1)
		_exit(3);
	pid = fork();
	if (!pid)
		program_child();
	if (pid != PROGRAM_PID)
		_exit(4);
	r->status = DIFF_LATE;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	pfd = (struct pollfd){ pidfd, POLLIN, 0 };
	if (ended(&pfd) && waitpid(pid, &status, 0) == pid)
		r->status = status;
	close(pidfd);
	for (unsigned i = 0; i < KILLS; i++) {
		kill(-1, SIGKILL);
		while (waitpid(-1, NULL, __WALL) > 0)
			;
		if (kill(-1, 0) && errno == ESRCH)
			break;
		usleep(100);
	}
	tree();
}

static void supervisor(void)
{
	int last_pid = open("/proc/sys/kernel/ns_last_pid", O_WRONLY);
	void *arena;

	setsid();
	if (last_pid < 0)
		_exit(2);
	as_a_program();
	arena = mmap((void *)FUZZ_ARENA, FUZZ_ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (arena != (void *)FUZZ_ARENA)
		_exit(2);
	for (;;) {
		uint32_t seen = shared->request;

		if (shared->reply == seen) {
			futex(&shared->request, FUTEX_WAIT, seen);
			continue;
		}
		supervise(last_pid);
		shared->reply = seen;
		futex(&shared->reply, FUTEX_WAKE, 1);
	}
}

static void spaces(void)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("scratch", ROOT, "tmpfs", MS_NODEV, "size=64m,mode=755") ||
	    mount("proc", "/proc", "proc", 0, NULL))
		_exit(2);
	for (int i = 0; i < 3; i++) {
		int fd = open("/dev/null", O_RDWR);

		if (i < 2 || !getenv("EFT_FUZZ_DEBUG"))
			dup2(fd, i);
		if (fd > 2)
			close(fd);
	}
	pid = fork();
	if (!pid)
		supervisor();
	for (;;) {
		int status;
		pid_t dead = wait(&status);

		if (dead == pid)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 5);
	}
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? atoi(argv[1]) : -1, failures = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		return 2;
	close(fd);
	while (failures < 3) {
		uint32_t before = shared->reply;
		pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
		int status;

		if (!pid)
			spaces();
		if (pid < 0)
			return 2;
		waitpid(pid, &status, 0);
		failures = shared->reply == before ? failures + 1 : 0;
		if (shared->reply != shared->request) {	/* it died at work */
			shared->run.status = DIFF_LOST;
			shared->reply = shared->request;
			futex(&shared->reply, FUTEX_WAKE, 1);
		}
	}
	return 2;
}
