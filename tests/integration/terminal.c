/* SPDX-License-Identifier: MIT */
/* terminal COMMAND...: every way out of the hosted kernel gives the terminal back, and has its status. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "screen.h"

static char **command;

static void end_of_file(void)
{
	struct screen m;
	int status;

	screen_start(&m, command, 24, 80);
	screen_result(&m, screen_expect(&m, "~ # "), "prompt");
	screen_type(&m, "\004");
	status = screen_wait(&m);
	screen_result(&m, WIFEXITED(status) && WEXITSTATUS(status) == 0 && screen_restored(&m), "control-d");
	screen_end(&m);
}

/* By an exit status, as a shell shows it, or (0) by the signal itself. */
static void killed(int sig, int exit_status)
{
	struct screen m;
	bool prompt, raw, restored = false;
	char what[60];
	int status;

	screen_start(&m, command, 24, 80);
	prompt = screen_expect(&m, "~ # ");
	raw = !screen_restored(&m);
	kill(m.pid, sig);
	status = screen_wait(&m);
	/* After SIGKILL, another process gives the terminal back. */
	for (int i = 0; i < 1500 && !(restored = screen_restored(&m)); i++)
		screen_pause(20);
	snprintf(what, sizeof(what), "restored-after-SIG%s", sigabbrev_np(sig));
	screen_result(&m, prompt && raw && restored, what);
	snprintf(what, sizeof(what), "status-after-SIG%s", sigabbrev_np(sig));
	screen_result(&m, exit_status ? WIFEXITED(status) && WEXITSTATUS(status) == exit_status : WIFSIGNALED(status) && WTERMSIG(status) == sig, what);
	screen_end(&m);
}

/* The window changes while the shell sits at its prompt, and while a program runs. */
static void window(void)
{
	struct screen m;

	screen_start(&m, command, 33, 101);
	screen_expect(&m, "~ # ");
	screen_type(&m, "stty size\r");
	screen_result(&m, screen_expect(&m, "\n33 101\r\n.*# "), "window-size");
	screen_resize(&m, 40, 90);
	screen_pause(300);
	screen_type(&m, "stty size\r");
	screen_result(&m, screen_expect(&m, "\n40 90\r\n.*# "), "window-size-changes");
	screen_end(&m);
}

int main(int argc, char **argv)
{
	(void)argc;
	screen_suite = "terminal";
	command = argv + 1;
	window();
	end_of_file();
	killed(SIGTERM, 128 + SIGTERM);
	killed(SIGINT, 128 + SIGINT);
	killed(SIGHUP, 128 + SIGHUP);
	killed(SIGQUIT, 128 + SIGQUIT);
	killed(SIGKILL, 0);
	return screen_failures != 0;
}
