/* SPDX-License-Identifier: MIT */
/* Runs one of the system's own utilities: its status, what it wrote to both outputs. */
#ifndef TOOL_H
#define TOOL_H
#include "harness.h"
#include "child.h"
#include <poll.h>
#include <sys/stat.h>

static char tool_out[65536], tool_err[4096];
static size_t tool_len;

/* Exit status or 1000 + signal; `input` is its standard input. */
static int tool_argv(const char *input, const char **argv)
{
	int in[2], out[2], err[2], left = 2;
	size_t fed = 0, errlen = 0, want = input ? strlen(input) : 0;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		bail("pipe");
	fflush(NULL);
	if (!(pid = fork())) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		signal(SIGPIPE, SIG_DFL);
		setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
		setenv("LC_ALL", "C", 1);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	signal(SIGPIPE, SIG_IGN);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	tool_len = 0;
	while (left) {
		struct pollfd p[3] = { { out[0], POLLIN, 0 }, { err[0], POLLIN, 0 }, { in[1], POLLOUT, 0 } };
		char drop[4096];
		ssize_t n;

		if (fed == want && in[1] >= 0) {
			close(in[1]);
			in[1] = p[2].fd = -1;
		}
		poll(p, 3, -1);
		if (p[0].revents) {
			n = tool_len < sizeof(tool_out) - 1 ? read(out[0], tool_out + tool_len, sizeof(tool_out) - 1 - tool_len) : read(out[0], drop, sizeof(drop));
			if (n <= 0) {
				close(out[0]);
				out[0] = -1;
				left--;
			} else if (tool_len < sizeof(tool_out) - 1) {
				tool_len += (size_t)n;
			}
		}
		if (p[1].revents) {
			n = read(err[0], errlen < sizeof(tool_err) - 1 ? tool_err + errlen : drop, errlen < sizeof(tool_err) - 1 ? sizeof(tool_err) - 1 - errlen : sizeof(drop));
			if (n <= 0) {
				close(err[0]);
				err[0] = -1;
				left--;
			} else if (errlen < sizeof(tool_err) - 1) {
				errlen += (size_t)n;
			}
		}
		if (in[1] >= 0 && p[2].revents) {
			n = write(in[1], input + fed, want - fed);
			fed = n > 0 ? fed + (size_t)n : want;
		}
	}
	if (in[1] >= 0)
		close(in[1]);
	tool_out[tool_len] = tool_err[errlen] = 0;
	return exit_of(pid);
}
#define tool_in(input, ...) tool_argv(input, (const char *[]){ __VA_ARGS__, NULL })
#define tool(...) tool_in(NULL, __VA_ARGS__)
#define out_is(text) (!strcmp(tool_out, text))

/* What is left without spaces: utilities differ in how they align. */
__attribute__((unused)) static int out_squeezed(const char *want)
{
	char got[4096];
	size_t n = 0;

	for (const char *p = tool_out; *p && n < sizeof(got) - 1; p++)
		if (!((*p == ' ' || *p == '\t') && (n == 0 || got[n - 1] == ' ' || got[n - 1] == '\n')))
			got[n++] = *p == '\t' ? ' ' : *p;
	got[n] = 0;
	if (strcmp(got, want))
		printf("# got: %s\n", got);
	return !strcmp(got, want);
}

__attribute__((unused)) static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		bail("%s", path);
	close(fd);
}
__attribute__((unused)) static int holds(const char *path, const char *text)
{
	char buf[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buf, text, (size_t)n);
}
__attribute__((unused)) static int exists(const char *path) { struct stat st; return lstat(path, &st) == 0; }
#endif
