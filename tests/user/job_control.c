/* SPDX-License-Identifier: MIT */
/*
 * Job control: sessions, foreground and background groups, ^C ^\ ^Z, SIGTTIN,
 * SIGTTOU, orphaned groups.  A session leader runs on a pty and reports by its
 * exit status, which is the number of the first step that failed.
 */
#include "pty.h"
#include "child.h"
#include <sys/prctl.h>

static struct gate ready;
static int told[2];	/* a pipe, for a pid */
static volatile sig_atomic_t got;
static void on_signal(int sig) { got = sig; }

#define STEP(n, cond) do { if (!(cond)) _exit(n); } while (0)

/* Runs fn as a session leader with the pty as its terminal. */
static int in_session(void (*fn)(void))
{
	int st;
	pid_t pid = fork();

	if (pid == 0) {
		STEP(100, setsid() == getpid());
		STEP(101, ioctl(pty_slave, TIOCSCTTY, 0) == 0);
		fn();
		_exit(0);
	}
	waitpid(pid, &st, 0);
	while (poll(&(struct pollfd){ pty_master, POLLIN, 0 }, 1, 0) == 1)	/* the next session's begins anew */
		if (read(pty_master, (char[256]){ 0 }, 256) <= 0)
			break;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + st;
}

static pid_t child_in_group(pid_t group, void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, group);
		fn();
		_exit(0);
	}
	setpgid(pid, group ? group : pid);
	return pid;
}

static void basics(void)
{
	pid_t sid = 0;
	int fd;

	STEP(1, tcgetpgrp(pty_slave) == getpid());
	STEP(2, tcgetsid(pty_slave) == getpid());
	fd = open("/dev/tty", O_RDWR);
	STEP(3, fd >= 0);
	STEP(4, tcgetpgrp(fd) == getpid());
	STEP(5, ioctl(pty_master, TIOCGSID, &sid) == 0 && sid == getpid());
	STEP(6, ioctl(pty_slave, TIOCSCTTY, 0) == 0);		/* it is already */
	STEP(7, tcsetpgrp(pty_slave, 999999) == -1 && errno == ESRCH);
	STEP(8, tcsetpgrp(pty_slave, getppid()) == -1 && (errno == EPERM || errno == ESRCH));	/* another session */
	STEP(9, setsid() == -1 && errno == EPERM);
	STEP(10, ioctl(pty_slave, TIOCNOTTY) == 0);
	STEP(11, open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
	STEP(12, tcgetpgrp(pty_slave) == -1 && errno == ENOTTY);
}

static void sleeper(void) { for (;;) pause(); }

static void interrupt(void)
{
	char line[8];
	int st;
	pid_t pid = child_in_group(0, sleeper);

	STEP(1, tcsetpgrp(pty_slave, pid) == 0 && tcgetpgrp(pty_slave) == pid);
	type("\003");
	STEP(2, waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGINT);
	pid = child_in_group(0, sleeper);
	signal(SIGTTOU, SIG_IGN);
	STEP(3, tcsetpgrp(pty_slave, pid) == 0);
	type("\034");
	STEP(4, waitpid(pid, &st, 0) == pid && WIFSIGNALED(st) && WTERMSIG(st) == SIGQUIT);
	pid = child_in_group(0, sleeper);
	STEP(5, tcsetpgrp(pty_slave, pid) == 0);
	type("\032");
	STEP(6, waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGTSTP);
	STEP(7, tcsetpgrp(pty_slave, getpgrp()) == 0);
	STEP(8, kill(-pid, SIGCONT) == 0);
	STEP(9, waitpid(pid, &st, WCONTINUED) == pid && WIFCONTINUED(st));
	kill(pid, SIGKILL);
	waitpid(pid, &st, 0);
	/* nobody in the foreground is hit when ISIG is off */
	flags(0, 0, 0, 0, 0, ISIG);
	signal(SIGINT, on_signal);
	type("\003\n");
	STEP(12, read(pty_slave, line, sizeof(line)) == 2 && line[0] == 3);	/* it has arrived, as a character */
	STEP(10, got == 0);
	flags(0, 0, 0, 0, ISIG, 0);
	type("\003");
	wait_until(got);
	STEP(11, got == SIGINT);
}

static void reader(void)
{
	char c;

	_exit(read(pty_slave, &c, 1) == 1 && c == 'k' ? 0 : 7);
}

static void background_read(void)
{
	int st;
	pid_t pid = child_in_group(0, reader);

	STEP(1, waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTIN);
	signal(SIGTTOU, SIG_IGN);
	STEP(2, tcsetpgrp(pty_slave, pid) == 0);
	STEP(3, kill(-pid, SIGCONT) == 0);
	type("k\n");
	STEP(4, waitpid(pid, &st, 0) == pid && st == 0);	/* the read was restarted */
	STEP(5, tcsetpgrp(pty_slave, getpgrp()) == 0);
	tcflush(pty_slave, TCIFLUSH);
}

static void ignoring_reader(void)
{
	char c;

	signal(SIGTTIN, SIG_IGN);
	_exit(read(pty_slave, &c, 1) == -1 && errno == EIO ? 0 : 7);
}

static void writer(void) { _exit(write(pty_slave, "w", 1) == 1 ? 0 : 7); }
static void setter(void)
{
	struct termios t;

	tcgetattr(pty_slave, &t);
	_exit(tcsetattr(pty_slave, TCSANOW, &t) == 0 ? 0 : 7);
}

static void background_write(void)
{
	int st;
	pid_t pid = child_in_group(0, ignoring_reader);

	STEP(1, waitpid(pid, &st, 0) == pid && st == 0);
	pid = child_in_group(0, writer);
	STEP(2, waitpid(pid, &st, WUNTRACED) == pid && st == 0);	/* without TOSTOP it may */
	flags(0, 0, 0, 0, TOSTOP, 0);
	pid = child_in_group(0, writer);
	STEP(3, waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTOU);
	flags(0, 0, 0, 0, 0, TOSTOP);
	kill(-pid, SIGCONT);
	STEP(4, waitpid(pid, &st, 0) == pid && st == 0);
	pid = child_in_group(0, setter);
	STEP(5, waitpid(pid, &st, WUNTRACED) == pid && WIFSTOPPED(st) && WSTOPSIG(st) == SIGTTOU);
	kill(-pid, SIGKILL);
	waitpid(pid, &st, 0);
}

/* A group whose parent is gone has nobody who could continue it: reads fail instead. */
static void orphaned(void)
{
	int p[2];
	char c = 0;
	pid_t pid;

	if (pipe(p))
		_exit(90);
	pid = fork();
	if (pid == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			setpgid(0, 0);
			while (getppid() == parent)	/* until the parent is gone */
				usleep(1000);
			char r;
			c = read(pty_slave, &r, 1) == -1 && errno == EIO ? 'y' : 'n';
			_exit(write(p[1], &c, 1) != 1);
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	STEP(1, read(p[0], &c, 1) == 1);
	STEP(2, c == 'y');
}

static void hup_target(void)
{
	signal(SIGHUP, SIG_DFL);
	gate_open(&ready);
	sleeper();
}

/* The foreground group gets SIGHUP when the session leader exits. */
static void leader_exits(void)
{
	pid_t pid = child_in_group(0, hup_target);

	signal(SIGTTOU, SIG_IGN);
	gate_wait(&ready);
	STEP(1, tcsetpgrp(pty_slave, pid) == 0);
	if (write(told[1], &pid, sizeof(pid)) != sizeof(pid))
		_exit(2);
}

static void no_terminal(void)
{
	pid_t pid;
	int st;

	pid = fork();
	if (pid == 0) {	/* who is no leader only loses its own */
		STEP(1, ioctl(pty_slave, TIOCNOTTY) == 0);
		STEP(2, open("/dev/tty", O_RDWR) == -1 && errno == ENXIO);
		STEP(3, ioctl(pty_slave, TIOCSCTTY, 0) == -1 && errno == EPERM);
		_exit(0);
	}
	STEP(4, waitpid(pid, &st, 0) == pid);
	STEP(WEXITSTATUS(st), st == 0);
	STEP(5, tcgetpgrp(pty_slave) == getpid());
	signal(SIGHUP, on_signal);
	signal(SIGCONT, SIG_IGN);
	STEP(6, ioctl(pty_slave, TIOCNOTTY) == 0);
	STEP(7, got == SIGHUP);	/* its group was in the foreground */
	STEP(8, ioctl(pty_slave, TIOCNOTTY) == -1 && errno == ENOTTY);
	STEP(9, ioctl(pty_slave, TIOCSCTTY, 0) == 0 && tcgetpgrp(pty_slave) == getpid());	/* and may come back */
}

/* As Linux has it: any process of the session may stand for a group. */
static void group_of_no_leader(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	STEP(1, tcsetpgrp(pty_slave, pid) == 0);
	STEP(2, tcgetpgrp(pty_slave) == pid);
	kill(pid, SIGKILL);
	STEP(3, waitpid(pid, NULL, 0) == pid);
	signal(SIGTTOU, SIG_IGN);
	STEP(4, tcsetpgrp(pty_slave, pid) == -1 && errno == ESRCH);
	STEP(5, tcsetpgrp(pty_slave, getppid()) == -1 && errno == EPERM);
	STEP(6, tcsetpgrp(pty_slave, getpid()) == 0);
}

/* The last descriptor of the slave is closed: it is the controlling terminal all the same. */
static void closed(void)
{
	int fd;

	close(pty_slave);
	fd = open("/dev/tty", O_RDWR);
	STEP(1, fd >= 0 && tcgetsid(fd) == getpid());
	close(fd);
	STEP(2, (fd = open("/dev/tty", O_RDWR)) >= 0 && tcgetpgrp(fd) == getpid());
}

/* The terminal goes first, the leader later: then its foreground group hears of it. */
static void hung_up_before(void)
{
	pid_t pid;

	signal(SIGHUP, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		signal(SIGHUP, SIG_DFL);
		setpgid(0, 0);
		if (write(told[1], &(pid_t){ getpid() }, sizeof(pid_t)) != sizeof(pid_t))
			_exit(1);
		gate_open(&ready);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	tcsetpgrp(pty_slave, pid);
	gate_wait(&ready);
	STEP(1, ioctl(pty_slave, TIOCVHANGUP) == 0);
	STEP(2, kill(pid, 0) == 0 && waitpid(pid, NULL, WNOHANG) == 0);	/* nobody but the leader was told */
}

int main(void)
{
	int st;

	gate_init(&ready);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGHUP, SIG_IGN);
	pty_open();
	st = in_session(basics);
	ok(st == 0, "session, /dev/tty, tcgetpgrp, tcgetsid and their errors (step %d)", st);
	st = in_session(interrupt);
	ok(st == 0, "^C, ^\\ and ^Z reach the foreground group (step %d)", st);
	st = in_session(background_read);
	ok(st == 0, "SIGTTIN stops a background reader, which goes on in the foreground (step %d)", st);
	st = in_session(background_write);
	ok(st == 0, "TOSTOP, tcsetattr and ignored signals in the background (step %d)", st);
	st = in_session(orphaned);
	ok(st == 0, "EIO for an orphaned group (step %d)", st);
	if (pipe(told))
		bail("pipe");
	pid_t pid = fork(), target = 0;
	if (pid == 0) {
		setsid();
		ioctl(pty_slave, TIOCSCTTY, 0);
		leader_exits();
		_exit(0);
	}
	ok(read(told[0], &target, sizeof(target)) == sizeof(target) && target > 0, "a foreground group below a session leader");
	waitpid(pid, &st, 0);
	ok(exit_of(target) == 1000 + SIGHUP, "gets SIGHUP when the leader exits");
	st = in_session(no_terminal);
	ok(st == 0, "TIOCNOTTY (step %d)", st);
	st = in_session(group_of_no_leader);
	ok(st == 0, "a foreground group by the number of a process (step %d)", st);
	close(pty_slave);
	close(pty_master);
	pty_open();
	pid = fork();
	if (pid == 0) {
		setsid();
		ioctl(pty_slave, TIOCSCTTY, 0);
		usleep(20000);	/* for the others to close theirs */
		closed();
		_exit(0);
	}
	close(pty_slave);
	ok((st = exit_of(pid)) == 0, "a terminal that is not open (step %d)", st);
	close(pty_master);
	pty_open();
	st = geteuid() ? 0 : in_session(hung_up_before);
	ok(st == 0 && (geteuid() || (read(told[0], &target, sizeof(target)) == sizeof(target) && exit_of(target) == 1000 + SIGHUP)),
	   "a hang-up is told to the foreground group when the leader exits (step %d)", st);
	if (fork() == 0) {
		setsid();
		_exit(open("/dev/tty", O_RDWR) == -1 && errno == ENXIO ? 0 : 1);
	}
	ok(wait(&st) > 0 && st == 0, "/dev/tty without a terminal: ENXIO");
	return done();
}
