/* SPDX-License-Identifier: MIT */
/* rename(2) is atomic for who looks: a name that is replaced over and over is never absent, and always whole. */
#include "harness.h"
#include "child.h"
#include <sys/stat.h>

enum { ROUNDS = 400 };

static void put(const char *name, int value)
{
	char text[32];
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600), n = snprintf(text, sizeof(text), "%08d\n", value);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		_exit(99);
	close(fd);
}

/* Reads "target" until told to stop: 0 it was always there, whole and never older than before. */
static int watch(int stop)
{
	char text[32], c;
	int last = -1;

	fcntl(stop, F_SETFL, O_NONBLOCK);
	do {
		int fd = open("target", O_RDONLY), v;

		if (fd < 0)
			return 1;
		if (read(fd, text, sizeof(text)) != 9)
			return 2;
		v = atoi(text);
		if (v < last)
			return 3;
		last = v;
		close(fd);
	} while (read(stop, &c, 1) != 0);
	return 0;
}

int main(void)
{
	pid_t w[2], ex;
	int p[2], q[2], bad = 0, a, b;
	struct stat s, t;

	plan(12);
	if (pipe(p))
		bail("pipe");
	put("target", 0);
	for (int i = 0; i < 2; i++)
		if (!(w[i] = fork())) {
			close(p[1]);
			_exit(watch(p[0]));
		}
	for (int i = 1; i <= ROUNDS; i++) {
		put("next", i);
		bad += rename("next", "target") != 0;
	}
	close(p[1]);
	ok(bad == 0, "%d times a new file takes a name", ROUNDS);
	ok(exit_of(w[0]) == 0 && exit_of(w[1]) == 0, "two readers never saw it absent, cut or going back");
	ok(access("next", F_OK) == -1 && errno == ENOENT, "the other name is gone");

	/* The same with directories exchanged: a path through either always works. */
	mkdir("d1", 0700);
	mkdir("d2", 0700);
	put("d1/f", 1);
	put("d2/f", 2);
	if (pipe(q))
		bail("pipe");
	if (!(ex = fork())) {
		char c;

		close(q[1]);
		fcntl(q[0], F_SETFL, O_NONBLOCK);
		do
			if (access("d1/f", F_OK) || access("d2/f", F_OK))
				_exit(1);
		while (read(q[0], &c, 1) != 0);
		_exit(0);
	}
	close(q[0]);
	for (int i = 0; i < ROUNDS; i++)
		bad += syscall(SYS_renameat2, AT_FDCWD, "d1", AT_FDCWD, "d2", 2) != 0;
	close(q[1]);
	ok(bad == 0, "%d exchanges of two directories", ROUNDS);
	ok(exit_of(ex) == 0, "a path through them always led somewhere");
	/* Two processes rename in opposite directions across two directories: no deadlock, nothing lost. */
	for (int i = 0; i < 2; i++)
		if (!(w[i] = fork())) {
			for (int k = 0; k < ROUNDS; k++) {
				char from[32], to[32];

				snprintf(from, sizeof(from), "d%d/x%d", i + 1, i);
				snprintf(to, sizeof(to), "d%d/x%d", 2 - i, i);
				put(from, k);
				if (rename(from, to) || unlink(to))
					_exit(1);
			}
			_exit(0);
		}
	a = exit_of(w[0]);
	b = exit_of(w[1]);
	ok(a == 0 && b == 0, "renames in opposite directions at once");
	/* A directory moved into another: both walks of it and its .. are right at once. */
	mkdir("d1/sub", 0700);
	stat("d1/sub", &s);
	ok(rename("d1/sub", "d2/sub") == 0 && stat("d2/sub", &t) == 0 && s.st_ino == t.st_ino, "a directory keeps its identity");
	stat("d2", &s);
	ok(stat("d2/sub/..", &t) == 0 && s.st_ino == t.st_ino, ".. is the new parent");
	a = open("d2/sub", O_RDONLY);
	ok(rename("d2/sub", "d1/sub2") == 0 && mkdirat(a, "made", 0700) == 0 && access("d1/sub2/made", F_OK) == 0, "an open directory moves along");
	ok(fchdir(a) == 0 && access("../f", F_OK) == 0, "so does a working directory");
	/* A race for one name: exactly one RENAME_NOREPLACE wins. */
	int won = 0;
	for (int k = 0; k < 40; k++) {
		put("r0", 0);
		put("r1", 1);
		for (int i = 0; i < 2; i++)
			if (!(w[i] = fork()))
				_exit(syscall(SYS_renameat2, AT_FDCWD, i ? "r1" : "r0", AT_FDCWD, "goal", 1) ? errno : 0);
		a = exit_of(w[0]);
		b = exit_of(w[1]);
		won += (a == 0 && b == EEXIST) || (b == 0 && a == EEXIST);
		unlink("goal");
		unlink("r0");
		unlink("r1");
	}
	ok(won == 40, "of two that must not replace exactly one wins (%d of 40)", won);
	ok_errno(rename("goal", "goal"), ENOENT, "nothing is left of it");
	return done();
}
