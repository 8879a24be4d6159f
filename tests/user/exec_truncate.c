/* SPDX-License-Identifier: MIT */
/* truncate(2) of a program: ETXTBSY while it runs; and when both begin at once, either it runs as it is or it is truncated before. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>

static void copy_self(const char *to)
{
	static char buf[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755), n;

	while ((n = (int)read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			bail("copy");
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	char *child[] = { (char *)"program", (char *)"waits", NULL }, *short_one[] = { (char *)"program", (char *)"ends", NULL };
	int go[2], up[2], ran = 0, cut = 0, odd = 0;
	struct stat st;
	char c;
	pid_t pid;

	if (argc > 1) {
		if (!strcmp(argv[1], "waits"))
			return write(1, "x", 1) == 1 && read(0, &c, 1) == 1 ? 0 : 1;
		return 0;
	}
	plan(6);
	copy_self("program");
	if (pipe(go) || pipe(up))
		bail("pipe");
	fflush(NULL);
	pid = fork();
	if (!pid) {
		dup2(go[0], 0);
		dup2(up[1], 1);
		execv("program", child);
		_exit(9);
	}
	ok(pid > 0 && read(up[0], &c, 1) == 1, "a program that runs");
	ok_errno(truncate("program", 0), ETXTBSY, "is not truncated");
	ok_errno(open("program", O_RDONLY | O_TRUNC), ETXTBSY, "not by opening it for reading either");
	ok(write(go[1], "x", 1) == 1 && exit_of(pid) == 0 && truncate("program", 10) == 0 && stat("program", &st) == 0 && st.st_size == 10, "when it has ended it is");

	for (int i = 0; i < 100; i++) {
		int status, err;

		copy_self("program");
		pid = fork();
		if (!pid) {
			if (write(up[1], "x", 1) != 1)
				_exit(8);
			execv("program", short_one);
			_exit(9);
		}
		if (read(up[0], &c, 1) != 1)
			bail("read");
		for (int k = 0; k < (i % 10) * 20; k++)
			getppid();
		err = truncate("program", 0) ? errno : 0;
		status = exit_of(pid);
		ran += status == 0;
		cut += err == 0;
		/* It ran: then it was whole all the time.  Else it was cut, or being cut, before. */
		if (!(status == 0 || (status == 9 && err == 0)) || (err && err != ETXTBSY))
			odd++;
	}
	ok(odd == 0, "never a program that loses its text (%d of 100)", odd);
	ok(ran + cut >= 100, "%d ran, %d were truncated", ran, cut);
	return done();
}
