/* SPDX-License-Identifier: MIT */
/*
 * init: process 1 of the images that rootfs/ makes.
 *
 * It mounts what a program expects to find, runs one program on the console
 * in a session of its own (the arguments, looked up in PATH as a shell would;
 * without any, a login shell), reaps orphans, and when that program ends
 * powers the machine off with its status: the decimal number goes to
 * /proc/sys/kernel/poweroff_status, then reboot(2).  A death by signal n is
 * 128 + n; 127 means not found, 126 found but not executable.
 *
 * Signals as BusyBox's and sysvinit's tools send them: USR1, USR2 power off,
 * TERM reboots, INT (ctrl-alt-del) reboots.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <sys/sysmacros.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void init_complain(const char *what, const char *which)
{
	dprintf(2, "init: %s%s%s: %s\n", what, which ? " " : "", which ? which : "", strerror(errno));
}

static const struct init_mount {
	const char *source, *target, *type, *data;
	unsigned long flags;
	mode_t mode;
} init_mounts[] = {
	{ "proc", "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "sysfs", "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "devpts", "/dev/pts", "devpts", "gid=5,mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC, 0755 },
	{ "mqueue", "/dev/mqueue", "mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0755 },
	{ "tmpfs", "/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
	{ "tmpfs", "/run", "tmpfs", "mode=755", MS_NOSUID | MS_NODEV, 0755 },
	{ "tmpfs", "/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
};

static void init_mount_all(void)
{
	struct stat st;

	/* The kernel may have mounted /dev already; without it there is no console to complain on. */
	if (stat("/dev/console", &st) < 0)
		mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
	for (size_t i = 0; i < sizeof(init_mounts) / sizeof(init_mounts[0]); i++) {
		const struct init_mount *m = &init_mounts[i];

		mkdir(m->target, m->mode);
		if (mount(m->source, m->target, m->type, m->flags, m->data) < 0 && errno != EBUSY)
			init_complain("mount", m->target);
	}
}

/*
 * The terminal behind /dev/console by its own name, or -1.  A shell needs it:
 * there is no job control for files that were opened as /dev/console.
 */
static int init_real_console(int console)
{
	unsigned dev;
	char path[300];
	struct dirent *e;
	struct stat st;
	int fd = -1;
	DIR *d;

	if (ioctl(console, TIOCGDEV, &dev) < 0 || !(d = opendir("/dev")))
		return -1;
	while (fd < 0 && (e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		if (strcmp(e->d_name, "console") && lstat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
		    major(st.st_rdev) == (dev >> 8 & 0xfff) && minor(st.st_rdev) == ((dev & 0xff) | (dev >> 12 & 0xfff00)))
			fd = open(path, O_RDWR | O_NOCTTY);
	}
	closedir(d);
	return fd;
}

/* Standard input, output and error; the kernel has opened them if it could. */
static void init_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY), real;

	if (fd < 0)
		return;
	real = init_real_console(fd);
	if (real >= 0) {
		close(fd);
		fd = real;
	}
	for (int i = 0; i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static void init_setenv_defaults(void)
{
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 0);
	setenv("LOGNAME", "root", 0);
	setenv("SHELL", "/bin/sh", 0);
	setenv("TERM", "linux", 0);
}

/* The kernel's word that the console is a pipe: what comes from it is a script, nobody types. */
static bool init_console_is_pipe(void)
{
	char words[4096];
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, words, sizeof(words) - 1);

	if (fd >= 0)
		close(fd);
	words[n > 0 ? n : 0] = 0;
	return strstr(words, " console.pipe") != NULL;
}

static pid_t init_spawn(char **argv)
{
	static char *login_shell[] = { (char *)"-sh", NULL };
	static char *script_shell[] = { (char *)"sh", (char *)"/dev/stdin", NULL };
	sigset_t none;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (ioctl(0, TIOCSCTTY, 1) < 0 && isatty(0))
		init_complain("controlling terminal", NULL);
	tcsetpgrp(0, getpid());
	if (chdir("/root") < 0 && chdir("/") < 0)
		init_complain("chdir", "/");
	if (argv[0])
		execvp(argv[0], argv);
	else
		execv("/bin/sh", init_console_is_pipe() ? script_shell : login_shell);
	int e = errno;

	init_complain("cannot run", argv[0] ? argv[0] : "/bin/sh");
	_exit(e == ENOENT || e == ENOTDIR ? 127 : 126);
}

/* Wait for everybody else to be gone, at most this long. */
static void init_reap_for(unsigned ms)
{
	sigset_t chld;
	struct timespec now, end;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000l;
	for (;;) {
		struct timespec step = { 0, 20 * 1000000l };

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		/* Signal 0 to everybody: ESRCH when only init is left. */
		if (kill(-1, 0) < 0)
			return;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
			return;
		sigtimedwait(&chld, NULL, &step);
	}
}

/* What was mounted last goes first.  Nobody has a file open any more, so that each file system is left marked clean. */
static void init_unmount_disks(void)
{
	FILE *f = setmntent("/proc/self/mounts", "r");
	struct mntent *m = f ? getmntent(f) : NULL;
	size_t n = 0;
	char **dirs = NULL, **more;

	for (; m; m = getmntent(f)) {
		if (strncmp(m->mnt_fsname, "/dev/", 5) || !strcmp(m->mnt_dir, "/"))
			continue;
		more = realloc(dirs, (n + 1) * sizeof(*dirs));
		if (!more)
			break;
		dirs = more;
		if ((dirs[n] = strdup(m->mnt_dir)) != NULL)
			n++;
	}
	if (f)
		endmntent(f);
	while (n--) {
		if (umount2(dirs[n], 0) < 0 && mount(NULL, dirs[n], NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
			init_complain("unmount", dirs[n]);
		free(dirs[n]);
	}
	free(dirs);
}

static void init_shut_down(int how, int status)
{
	int fd;

	if (kill(-1, SIGTERM) == 0) {
		kill(-1, SIGHUP);	/* interactive shells ignore TERM */
		kill(-1, SIGCONT);
		init_reap_for(500);
		if (kill(-1, SIGKILL) == 0)
			init_reap_for(1000);
	}
	fd = open("/proc/sys/kernel/poweroff_status", O_WRONLY);
	if (fd >= 0) {
		if (dprintf(fd, "%d\n", status) < 0)
			init_complain("write", "poweroff_status");
		close(fd);
	}
	sync();
	init_unmount_disks();
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		init_complain("remount", "/");
	reboot(how);
	init_complain("reboot", NULL);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	sigset_t set;
	pid_t main_pid;

	(void)argc;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	umask(022);
	if (getpid() != 1) {
		dprintf(2, "init: must be process 1\n");
		return 1;
	}
	init_console();		/* first: complaints want to be read */
	init_mount_all();
	if (fcntl(2, F_GETFD) < 0)
		init_console();
	init_setenv_defaults();
	reboot(RB_DISABLE_CAD);
	main_pid = init_spawn(argv + 1);
	if (main_pid < 0) {
		init_complain("fork", NULL);
		init_shut_down(RB_POWER_OFF, 126);
	}
	for (;;) {
		int st, sig;
		pid_t pid;

		/* A child may have gone before the wait: look first, then sleep. */
		while ((pid = waitpid(-1, &st, WNOHANG)) > 0)
			if (pid == main_pid)
				init_shut_down(RB_POWER_OFF, WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st));
		if (sigwait(&set, &sig) != 0)
			continue;
		if (sig == SIGUSR1 || sig == SIGUSR2)
			init_shut_down(RB_POWER_OFF, 0);
		else if (sig == SIGTERM || sig == SIGINT)
			init_shut_down(RB_AUTOBOOT, 0);
	}
}
