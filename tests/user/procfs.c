/* SPDX-License-Identifier: MIT */
/* /proc: what programs read there about themselves, others and the system. */
#include "harness.h"
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char buf[1 << 17];

static int slurp(const char *name)
{
	int fd = open(name, O_RDONLY), n = 0, r;

	if (fd < 0)
		return -1;
	while (n < (int)sizeof(buf) - 1 && (r = (int)read(fd, buf + n, sizeof(buf) - 1 - (size_t)n)) > 0)
		n += r;
	buf[n] = 0;
	close(fd);
	return n;
}

static int has(const char *name, const char *what) { return slurp(name) > 0 && strstr(buf, what) != NULL; }

/* Files about a program, open while the process executes another: nothing is told of that one. */
static void after_exec(const char *self)
{
	static const char *const about[] = { "maps", "smaps", "environ", "auxv", "mem" };
	int fds[5], go[2], last, empty = 0, io;
	char name[64], auxv[600];
	pid_t pid;

	if (pipe(go))
		bail("pipe");
	pid = fork();
	if (!pid) {
		(void)!read(go[0], name, 1);
		execl("/proc/self/exe", self, "executed", (char *)NULL);
		_exit(1);
	}
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "/proc/%d/%s", pid, about[i]);
		fds[i] = open(name, O_RDONLY);
	}
	snprintf(name, sizeof(name), "/proc/%d/io", pid);
	io = open(name, O_RDONLY);
	ok(pread(fds[0], buf, 100, 0) == 100 && pread(fds[3], auxv, sizeof(auxv), 0) > 100, "maps and auxv of a child");
	(void)!write(go[1], "x", 1);
	snprintf(name, sizeof(name), "/proc/%d/cmdline", pid);
	while (slurp(name) <= 0 || !memmem(buf, sizeof(buf) - 1, "executed", 8))
		usleep(1000);
	for (int i = 0; i < 5; i++) {
		last = (int)pread(fds[i], buf, sizeof(auxv), i == 4 ? (off_t)(unsigned long)name : 0);
		empty |= (last == 0 || (i == 3 && last > 100 && !memcmp(buf, auxv, (size_t)last))) << i;	/* Linux keeps the old auxv */
		close(fds[i]);
	}
	ok(empty == 31, "nothing after it executed another (%d)", empty);
	ok(pread(io, buf, 100, 0) > 0, "but what counts for the process");
	close(io);
	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	ok(slurp(name) > 0, "opened anew, they tell");
	kill(pid, SIGKILL);
	waitpid(pid, &last, 0);
	close(go[0]);
	close(go[1]);
}

int main(int argc, char **argv)
{
	char name[64], link[4096], comm[64], state, *p;
	int fd, pid, ppid, pgrp, status, n, found = 0, i = 0;
	unsigned long a, b;
	struct stat st;
	struct dirent *e;
	void *map;
	DIR *d;

	if (argc > 1)		/* after_exec() */
		for (;;)
			pause();
	snprintf(name, sizeof(name), "%d", getpid());
	n = (int)readlink("/proc/self", link, sizeof(link));
	ok(n > 0 && (link[n] = 0, !strcmp(link, name)), "/proc/self");
	ok(slurp("/proc/self/stat") > 0 && sscanf(buf, "%d (%63[^)]) %c %d %d", &pid, comm, &state, &ppid, &pgrp) == 5 && pid == getpid() &&
	   state == 'R' && ppid == getppid() && pgrp == getpgrp(), "stat: pid, state, ppid, pgrp");
	for (p = buf; *p; p++)
		i += *p == ' ';
	ok(i == 51, "of 52 fields");
	ok(!strcmp(comm, "procfs"), "the command's name");
	ok(has("/proc/self/status", "Name:\tprocfs\n") && strstr(buf, "Threads:\t1\n") && strstr(buf, "VmRSS:") && strstr(buf, "SigBlk:\t0000000000000000"), "status");
	n = slurp("/proc/self/cmdline");
	ok(n == (int)strlen(argv[0]) + 1 && !strcmp(buf, argv[0]), "cmdline");
	setenv("LATER", "1", 1);
	ok(slurp("/proc/self/environ") >= 0 && !strstr(buf, "LATER"), "environ: as it was at the start");
	n = (int)readlink("/proc/self/exe", link, sizeof(link) - 1);
	ok(n > 0 && (link[n] = 0, strstr(link, "/procfs")), "exe");
	ok(stat("/proc/self/exe", &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 1000, "which leads to the file");
	n = (int)readlink("/proc/self/cwd", link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	ok(getcwd(buf, sizeof(buf)) && !strcmp(buf, link), "cwd");
	ok(readlink("/proc/self/root", link, sizeof(link)) == 1 && link[0] == '/', "root");

	map = mmap(NULL, 4096 * 3, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	snprintf(name, sizeof(name), "%lx-%lx r--p", (unsigned long)map, (unsigned long)map + 4096 * 3);
	slurp("/proc/self/maps");
	ok(strstr(buf, "[stack]") && strstr(buf, "[heap]") && strstr(buf, "/procfs\n"), "maps: stack, heap, program");
	ok(strstr(buf, name) || sscanf(buf, "%lx-%lx", &a, &b) == 2, "maps: an area of ours");
	ok(has("/proc/self/smaps", "Rss:"), "smaps");
	fd = open("/proc/self/mem", O_RDWR);
	strcpy(comm, "from memory");
	ok(pread(fd, link, 12, (off_t)(unsigned long)comm) == 12 && !strcmp(link, "from memory"), "mem: read");
	ok(pwrite(fd, "to", 2, (off_t)(unsigned long)comm) == 2 && !strcmp(comm, "toom memory"), "mem: write");
	ok(pread(fd, link, 1, 8) == -1 && errno == EIO, "mem: nothing there");
	close(fd);

	close(open("f", O_RDWR | O_CREAT, 0600));
	fd = open("f", O_RDONLY);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = (int)readlink(name, link, sizeof(link) - 1);
	ok(n > 2 && (link[n] = 0, !strcmp(link + n - 2, "/f")), "fd: the file's name");
	ok(lstat(name, &st) == 0 && (st.st_mode & 0777) == 0500, "fd: open for reading");
	unlink("f");
	n = (int)readlink(name, link, sizeof(link) - 1);
	ok(n > 0 && (link[n] = 0, strstr(link, "/f (deleted)")), "fd: of a deleted file");
	ok(open(name, O_RDONLY) >= 0, "which can still be opened");
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	ok(has(name, "pos:\t0\n") && strstr(buf, "flags:\t0"), "fdinfo");
	{
		int pp[2];

		if (pipe(pp))
			bail("pipe");
		snprintf(name, sizeof(name), "/proc/self/fd/%d", pp[0]);
		n = (int)readlink(name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		ok(!strncmp(link, "pipe:[", 6), "fd: a pipe");
	}
	d = opendir("/proc/self/fd");
	for (n = 0; (e = readdir(d));)
		n += atoi(e->d_name) == fd && e->d_name[0] != '.';
	closedir(d);
	ok(n == 1, "fd: can be listed");
	d = opendir("/proc/self/task");
	for (n = 0; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	ok(n == 1, "task: one thread");

	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	while (!(slurp(name) > 0 && strstr(buf, ") S ")))
		usleep(1000);
	ok(1, "a child that sleeps");
	d = opendir("/proc");
	while ((e = readdir(d)))
		found |= (atoi(e->d_name) == pid ? 1 : 0) | (atoi(e->d_name) == getpid() ? 2 : 0) | (!strcmp(e->d_name, "meminfo") ? 4 : 0);
	closedir(d);
	ok(found == 7, "the list has it, us and meminfo");
	kill(pid, SIGKILL);
	while (!(slurp(name) > 0 && strstr(buf, ") Z ")))
		usleep(1000);
	ok(1, "a zombie");
	snprintf(name, sizeof(name), "/proc/%d", pid);
	fd = open(name, O_RDONLY | O_DIRECTORY);
	waitpid(pid, &status, 0);
	ok_errno(stat(name, &st), ENOENT, "and gone");
	ok(openat(fd, "stat", O_RDONLY) == -1, "also through a directory that was open");

	after_exec(argv[0]);
	ok(has("/proc/meminfo", "MemTotal:") && strstr(buf, "MemAvailable:"), "meminfo");
	ok(has("/proc/stat", "cpu ") && strstr(buf, "btime "), "stat");
	ok(slurp("/proc/uptime") > 0 && sscanf(buf, "%lu.%lu", &a, &b) == 2, "uptime");
	ok(slurp("/proc/loadavg") > 0 && strchr(buf, '/'), "loadavg");
	ok(has("/proc/filesystems", "nodev\tproc") && strstr(buf, "tmpfs"), "filesystems");
	ok(has("/proc/mounts", " / ") && strstr(buf, "proc"), "mounts");
	ok(has("/proc/self/mountinfo", " / "), "mountinfo");
	ok(has("/proc/version", "Linux version"), "version");
	ok(has("/proc/cpuinfo", "processor"), "cpuinfo");
	ok(has("/proc/self/limits", "Max open files"), "limits");
	ok(slurp("/proc/sys/kernel/pid_max") > 0 && atoi(buf) >= 32768, "sys/kernel/pid_max");
	ok(slurp("/proc/sys/kernel/random/uuid") == 37, "sys/kernel/random/uuid");
	ok(slurp("/proc/sys/kernel/ostype") == 6 && !strcmp(buf, "Linux\n"), "sys/kernel/ostype");
	fd = open("/proc/self/comm", O_WRONLY);
	ok(write(fd, "other", 5) == 5 && has("/proc/self/status", "Name:\tother\n"), "comm can be written");
	ok_errno(open("/proc/version", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST, "nothing can be made");
	ok(mkdir("/proc/x", 0700) == -1 && unlink("/proc/version") == -1, "or removed");
	map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("/proc/self/maps", O_RDONLY), 0);
	ok(map == MAP_FAILED && (errno == ENODEV || errno == EIO), "nothing can be mapped");
	ok(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0) == MAP_FAILED && errno == ENODEV, "nor can a directory");
	ok_errno(open("/proc/nothing", O_RDONLY), ENOENT, "absent");
	return done();
}
