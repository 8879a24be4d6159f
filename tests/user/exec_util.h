/* SPDX-License-Identifier: MIT */
/* Run a program in a child, and tell what execve said: its exit status, or -errno. */
#ifndef EXEC_UTIL_H
#define EXEC_UTIL_H
#include "child.h"
#include <sys/stat.h>

__attribute__((unused)) static int exec_status(const char *path, char *const argv[], char *const envp[])
{
	int fds[2], err = 0, st;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		bail("pipe2");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		execve(path, argv, envp);
		err = errno;
		(void)!write(fds[1], &err, sizeof(err));
		_exit(127);
	}
	close(fds[1]);
	(void)!read(fds[0], &err, sizeof(err));
	close(fds[0]);
	st = exit_of(pid);
	return err ? -err : st;
}

/* The running program's own path. */
__attribute__((unused)) static const char *self_path(void)
{
	static char path[512];

	/* Once: when the first thread has ended, the link is gone. */
	if (!path[0] && readlink("/proc/self/exe", path, sizeof(path) - 1) <= 0)
		bail("/proc/self/exe");
	return path;
}

__attribute__((unused)) static void put_file(const char *name, const void *text, size_t len, mode_t mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0700);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		bail("write %s", name);
	close(fd);
	chmod(name, mode);
}
__attribute__((unused)) static void put_text(const char *name, const char *text, mode_t mode) { put_file(name, text, strlen(text), mode); }

/* A copy of a file, executable. */
__attribute__((unused)) static void copy_file(const char *from, const char *to)
{
	static char buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0700);
	ssize_t n;

	if (in < 0 || out < 0)
		bail("copy %s to %s", from, to);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			bail("write %s", to);
	close(in);
	close(out);
	chmod(to, 0700);
}
#endif
