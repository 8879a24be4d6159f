/* SPDX-License-Identifier: MIT */
/*
 * A shell's table of jobs, kept up by what wait(2) tells and by nothing else:
 * several pipelines at once, each in a group of its own on a terminal; stopped
 * from the keyboard and by signal, sent on in the background and in the
 * foreground, ended in any order; some of their members end before the others.
 */
#include "pty.h"
#include "child.h"

enum { JOBS = 5, MEMBERS = 3 };
enum state { RUNNING, STOPPED, DONE };
struct member { pid_t pid; enum state state; int status; };
struct job { pid_t group; struct member m[MEMBERS]; struct gate go[MEMBERS]; };

static struct job jobs[JOBS];
static int events, strange;	/* what wait told; what it told of nobody, or twice */

static struct member *member(pid_t pid, struct job **of)
{
	for (int j = 0; j < JOBS; j++)
		for (int i = 0; i < MEMBERS; i++)
			if (jobs[j].m[i].pid == pid) {
				*of = &jobs[j];
				return &jobs[j].m[i];
			}
	return NULL;
}

/* One event, into the table.  False: there is none (options WNOHANG), or no child. */
static int take(int options)
{
	struct job *j;
	struct member *m;
	int st;
	pid_t pid = waitpid(-1, &st, options | WUNTRACED | WCONTINUED);

	if (pid <= 0)
		return 0;
	events++;
	m = member(pid, &j);
	if (!m || m->state == DONE) {
		strange++;
		return 1;
	}
	if (WIFSTOPPED(st)) {
		strange += m->state == STOPPED;
		m->state = STOPPED;
	} else if (WIFCONTINUED(st)) {
		strange += m->state == RUNNING;
		m->state = RUNNING;
	} else {
		m->state = DONE;
	}
	m->status = st;
	return 1;
}

/* A job is done when all are; stopped when nobody runs any more. */
static enum state state_of(const struct job *j)
{
	int n[3] = { 0 };

	for (int i = 0; i < MEMBERS; i++)
		n[j->m[i].state]++;
	return n[DONE] == MEMBERS ? DONE : n[RUNNING] ? RUNNING : STOPPED;
}

static int wait_job(const struct job *j, enum state s)
{
	while (state_of(j) != s)
		if (!take(0))
			return 0;
	return 1;
}

/* Every member of it is in that state. */
static int wait_all(const struct job *j, enum state s)
{
	for (int i = 0; i < MEMBERS; i++)
		while (j->m[i].state != s)
			if (!take(0))
				return 0;
	return 1;
}

/* cat | cat | cat, but each ends, with a status of its own, when its gate is opened. */
static void start(int n)
{
	struct job *j = &jobs[n];
	struct gate ready;

	gate_init(&ready);
	for (int i = 0; i < MEMBERS; i++) {
		gate_init(&j->go[i]);
		j->m[i].state = RUNNING;
		j->m[i].pid = fork();
		if (!j->m[i].pid) {
			setpgid(0, j->group);
			signal(SIGTTOU, SIG_DFL);
			gate_open(&ready);
			gate_wait(&j->go[i]);
			_exit(10 * n + i);
		}
		if (!j->group)
			j->group = j->m[i].pid;
		setpgid(j->m[i].pid, j->group);
	}
	for (int i = 0; i < MEMBERS; i++)
		gate_wait(&ready);
	gate_close(&ready);
}

static int statuses(int n)
{
	int good = 0;

	for (int i = 0; i < MEMBERS; i++)
		good += WIFEXITED(jobs[n].m[i].status) && WEXITSTATUS(jobs[n].m[i].status) == 10 * n + i;
	return good == MEMBERS;
}

static int signals(int n, int sig)
{
	int good = 0;

	for (int i = 0; i < MEMBERS; i++)
		good += WIFSIGNALED(jobs[n].m[i].status) && WTERMSIG(jobs[n].m[i].status) == sig;
	return good == MEMBERS;
}

static void foreground(pid_t group)
{
	if (tcsetpgrp(pty_slave, group))
		bail("tcsetpgrp");
}

static void shell(void)
{
	struct job *j = jobs;

	signal(SIGTTOU, SIG_IGN);
	setsid();
	if (ioctl(pty_slave, TIOCSCTTY, 0))
		bail("TIOCSCTTY");
	for (int n = 0; n < JOBS; n++)
		start(n);
	ok(!take(WNOHANG), "five jobs of three, and nothing to tell yet");

	foreground(j[0].group);
	type("\032");
	ok(wait_job(&j[0], STOPPED), "^Z stops the job in the foreground");
	ok(state_of(&j[1]) == RUNNING && state_of(&j[4]) == RUNNING && tcgetpgrp(pty_slave) == j[0].group, "and no other; the terminal is still its");
	foreground(getpgrp());
	ok(kill(-j[0].group, SIGCONT) == 0 && wait_job(&j[0], RUNNING), "bg: it runs on");

	/* One member of a stopped job ends: the job is stopped as before, with one less. */
	kill(-j[1].group, SIGSTOP);
	ok(wait_job(&j[1], STOPPED), "SIGSTOP to the group of another");
	kill(j[1].m[1].pid, SIGKILL);
	while (j[1].m[1].state != DONE && take(0))
		;
	ok(state_of(&j[1]) == STOPPED && j[1].m[0].state == STOPPED && WTERMSIG(j[1].m[1].status) == SIGKILL, "one of it is killed: the rest stays stopped");
	foreground(j[1].group);
	kill(-j[1].group, SIGCONT);
	type("\003");
	ok(wait_job(&j[1], DONE) && WTERMSIG(j[1].m[0].status) == SIGINT && WTERMSIG(j[1].m[2].status) == SIGINT, "fg, and ^C ends the others");
	foreground(getpgrp());
	ok(kill(-j[1].group, 0) == -1 && errno == ESRCH, "nobody is in that group any more");

	/* The leader ends first: the group lives on, and can be stopped. */
	gate_open(&j[2].go[0]);
	while (j[2].m[0].state != DONE && take(0))
		;
	ok(state_of(&j[2]) == RUNNING && kill(-j[2].group, SIGSTOP) == 0 && wait_job(&j[2], STOPPED), "a group outlives its first process");
	foreground(j[2].group);
	ok(tcgetpgrp(pty_slave) == j[2].group, "and can have the terminal");
	foreground(getpgrp());
	kill(-j[2].group, SIGCONT);
	gate_open(&j[2].go[2]);
	gate_open(&j[2].go[1]);
	ok(wait_job(&j[2], DONE) && statuses(2), "each member's own status");

	/* All at once: two jobs are stopped and sent on a hundred times while a third ends. */
	for (int i = 0; i < 100; i++) {
		kill(-j[3].group, SIGSTOP);
		kill(-j[4].group, SIGSTOP);
		if (i == 50)
			for (int m = 0; m < MEMBERS; m++)
				gate_open(&j[0].go[m]);
		if (!wait_all(&j[3], STOPPED) || !wait_all(&j[4], STOPPED))
			break;
		kill(-j[4].group, SIGCONT);
		kill(-j[3].group, SIGCONT);
		if (!wait_all(&j[4], RUNNING) || !wait_all(&j[3], RUNNING))
			break;
	}
	ok(wait_job(&j[0], DONE) && statuses(0), "a job ends among the events of others");
	ok(state_of(&j[3]) == RUNNING && state_of(&j[4]) == RUNNING && !take(WNOHANG), "after a hundred stops and continues both run, and all is told");
	kill(-j[4].group, SIGTERM);
	ok(wait_job(&j[4], DONE) && signals(4, SIGTERM), "a job is killed");
	kill(-j[3].group, SIGSTOP);
	wait_job(&j[3], STOPPED);
	kill(-j[3].group, SIGTERM);
	ok(!take(WNOHANG), "a stopped one does not hear SIGTERM");
	kill(-j[3].group, SIGCONT);
	ok(wait_job(&j[3], DONE) && signals(3, SIGTERM), "until it goes on");
	ok(!take(WNOHANG) && errno == ECHILD, "the table is empty");
	ok(strange == 0 && events >= 1200, "%d events, none of a stranger, none twice", events);
}

int main(void)
{
	pid_t pid;

	plan(19);
	signal(SIGHUP, SIG_IGN);
	pty_open();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		shell();
		exit(tap_failed_ || tap_run_ != 18);
	}
	tap_run_ = 18;
	ok(exit_of(pid) == 0, "the shell has nothing more to say");
	return done();
}
