/* SPDX-License-Identifier: MIT */
/* ^C, ^\ and ^Z on a terminal signal its foreground group, all of it and nobody else; ISIG, NOFLSH and the characters can be changed. */
#include "harness.h"
#include "child.h"
#include "pty.h"
#include <sys/ioctl.h>
#include <termios.h>

int main(void)
{
	struct gate ready;
	struct termios t;
	int master, st, fds[2];
	pid_t leader, pid;
	char buf[16];

	plan(10);
	gate_init(&ready);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master) || pipe(fds))
		bail("pty");
	leader = fork();
	if (!leader) {
		int slave, bad = 0;
		pid_t bg, fg[2];
		char c;

		setsid();
		slave = open(ptsname(master), O_RDWR);
		if (slave < 0)
			_exit(100);
		ioctl(slave, TIOCSCTTY, 0);
		signal(SIGTTOU, SIG_IGN);
		bg = fork();
		if (!bg) {
			setpgid(0, 0);
			gate_open(&ready);
			for (;;)
				pause();
		}
		for (int key = 0; key < 3; key++) {	/* ^C, ^\, ^Z */
			static const char keys[] = { 3, 28, 26 };
			static const int sigs[] = { SIGINT, SIGQUIT, SIGTSTP };

			for (int i = 0; i < 2; i++) {
				fg[i] = fork();
				if (!fg[i]) {
					setpgid(0, i ? fg[0] : 0);
					gate_open(&ready);
					for (;;)
						pause();
				}
				setpgid(fg[i], fg[0]);
			}
			tcsetpgrp(slave, fg[0]);
			for (int i = 0; i < 2 + !key; i++)
				gate_wait(&ready);
			(void)!write(fds[1], &keys[key], 1);	/* the parent types it */
			for (int i = 0; i < 2; i++) {
				waitpid(fg[i], &st, WUNTRACED);
				if (sigs[key] == SIGTSTP ? !WIFSTOPPED(st) || WSTOPSIG(st) != SIGTSTP : !WIFSIGNALED(st) || WTERMSIG(st) != sigs[key])
					bad |= 1 << key;
				kill(fg[i], SIGKILL);
				if (sigs[key] == SIGTSTP)
					waitpid(fg[i], &st, 0);
			}
			tcsetpgrp(slave, getpgrp());
		}
		if (waitpid(bg, &st, WNOHANG | WUNTRACED) != 0)
			bad |= 8;
		kill(bg, SIGKILL);
		c = 'q';
		(void)!write(fds[1], &c, 1);
		_exit(bad);
	}
	while (read(fds[0], buf, 1) == 1 && buf[0] != 'q')
		if (write(master, buf, 1) != 1)
			bail("type");
	int bad = exit_of(leader);

	ok(bad < 16, "the session runs (%d)", bad);
	ok(!(bad & 1), "^C: SIGINT to the whole foreground group");
	ok(!(bad & 2), "^\\: SIGQUIT");
	ok(!(bad & 4), "^Z: SIGTSTP");
	ok(!(bad & 8), "the background group has none of it");
	close(master);

	/* what is typed before is thrown away, unless NOFLSH; without ISIG the characters are data */
	master = posix_openpt(O_RDWR | O_NOCTTY);
	grantpt(master);
	unlockpt(master);
	pid = fork();
	if (!pid) {
		int slave;

		setsid();
		slave = open(ptsname(master), O_RDWR);
		signal(SIGINT, SIG_IGN);
		bad = 0;
		tcgetattr(slave, &t);
		t.c_lflag &= ~(unsigned)ECHO;
		tcsetattr(slave, TCSANOW, &t);
		gate_open(&ready);
		st = (int)read(slave, buf, sizeof(buf));
		bad |= st == 3 && !memcmp(buf, "cd\n", 3) ? 0 : 1;
		t.c_lflag |= NOFLSH;
		tcsetattr(slave, TCSANOW, &t);
		gate_open(&ready);
		st = (int)read(slave, buf, sizeof(buf));
		bad |= st == 5 && !memcmp(buf, "abcd\n", 5) ? 0 : 2;
		t.c_lflag &= ~(unsigned)ISIG;
		tcsetattr(slave, TCSANOW, &t);
		gate_open(&ready);
		st = (int)read(slave, buf, sizeof(buf));
		bad |= st == 6 && !memcmp(buf, "ab\003cd\n", 6) ? 0 : 4;
		t.c_lflag |= ISIG;
		t.c_cc[VINTR] = 'k';
		tcsetattr(slave, TCSANOW, &t);
		signal(SIGINT, SIG_DFL);
		gate_open(&ready);
		for (;;)
			pause();
	}
	for (int i = 0; i < 3; i++) {
		gate_wait(&ready);
		if (write(master, "ab\003cd\n", 6) != 6)
			bail("type");
	}
	gate_wait(&ready);
	(void)!write(master, "\003xk", 3);
	st = exit_of(pid);
	ok(st == 1000 + SIGINT, "another character can be VINTR (%d)", st);
	close(master);
	pid = fork();	/* once more for the three verdicts, which the signal swallowed */
	if (!pid) {
		int slave, p[2];
		pid_t typist;

		master = posix_openpt(O_RDWR | O_NOCTTY);
		grantpt(master);
		unlockpt(master);
		setsid();
		slave = open(ptsname(master), O_RDWR);
		signal(SIGINT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		if (pipe(p))
			_exit(100);
		tcgetattr(slave, &t);
		t.c_lflag &= ~(unsigned)ECHO;
		bad = 0;
		for (int i = 0; i < 3; i++) {
			static const char *const want[] = { "cd\n", "abcd\n", "ab\003cd\n" };

			if (i == 1)
				t.c_lflag |= NOFLSH;
			if (i == 2)
				t.c_lflag &= ~(unsigned)ISIG;
			tcsetattr(slave, TCSANOW, &t);
			typist = fork();
			if (!typist)
				_exit(write(master, "ab\003cd\n", 6) != 6);
			st = (int)read(slave, buf, sizeof(buf));
			bad |= st == (int)strlen(want[i]) && !memcmp(buf, want[i], (size_t)st) ? 0 : 1 << i;
			waitpid(typist, NULL, 0);
		}
		_exit(bad);
	}
	bad = exit_of(pid);
	ok(bad < 8, "the second terminal");
	ok(!(bad & 1), "^C throws away what was typed before it");
	ok(!(bad & 2), "unless NOFLSH");
	ok(!(bad & 4), "without ISIG it is a character");
	return done();
}
