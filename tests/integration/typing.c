/* SPDX-License-Identifier: MIT */
/* typing COMMAND...: the guest's shell, typed to key by key. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include "screen.h"

static struct screen m;

static bool seen(const char *pattern, const char *what)
{
	return screen_result(&m, screen_expect(&m, pattern), what);
}

/* Types a line's end; the pattern has to come, and then a prompt. */
static void entered(const char *pattern, const char *what)
{
	screen_type(&m, "\r");
	if (seen(pattern, what) && !screen_expect(&m, "# "))
		screen_result(&m, false, "a prompt again");
}

/* Types a line, waits until it is echoed, and expects what it prints. */
static void run(const char *line, const char *what, const char *pattern)
{
	size_t n = strlen(line);

	screen_type(&m, line);
	screen_type(&m, "\r");
	/* The echo ends in the end of the line; of its last word only letters are looked for. */
	for (size_t k = 0; n && k < n && line[n - 1 - k] >= 'a' && line[n - 1 - k] <= 'z'; k++)
		if (k + 1 == n || line[n - 2 - k] == ' ') {
			char echo[80];

			snprintf(echo, sizeof(echo), "%s\r\n", line + n - 1 - k);
			screen_expect(&m, echo);
		}
	if (seen(pattern, what) && !screen_expect(&m, "# "))
		screen_result(&m, false, "a prompt again");
}

/* Starts a program that goes on until a key ends it. */
static void begin(const char *line, const char *echo)
{
	screen_type(&m, line);
	screen_type(&m, "\r");
	screen_expect(&m, echo);
	screen_pause(300);
}

static void shell(void)
{
	run("echo one$((1+1))three", "arithmetic", "one2three\r\n");
	run("stty size", "the window's size", "24 80\r\n");
	run("tty", "a terminal", "/dev/[a-zA-Z0-9/]+\r\n");
	run("echo a b c | tr a-z A-Z | sed s/B/-/", "a pipeline", "A - C\r\n");
	run("echo saved >/tmp/f; cat </tmp/f", "redirection", "\nsaved\r\n");
	begin("cat <<END", "> ");
	begin("here $((6*7))", "> ");
	run("END", "a here-document", "here 42\r\n");
}

static void editing(void)
{
	screen_type(&m, "ecXX\177\177ho eraser");
	entered("\neraser\r\n", "backspace");
	screen_type(&m, "eho left\033[D\033[D\033[D\033[D\033[D\033[D\033[Dc");
	entered("\nleft\r\n", "arrow left and inserting");
	screen_type(&m, "something wrong\025echo killed");
	entered("\nkilled\r\n", "^U");
	screen_type(&m, "echo two words\027things");
	entered("\ntwo things\r\n", "^W");
	screen_type(&m, "\033[A");
	entered("\ntwo things\r\n", "history");
	run("mkdir -p /tmp/dir; touch /tmp/dir/unmistakable; echo made", "mkdir", "made\r\n");
	screen_type(&m, "ls /tmp/dir/unm\t");
	entered("\n/tmp/dir/unmistakable\r\n", "completion");
	screen_type(&m, "not to be run\003");
	seen("# ", "^C drops the line");
}

static void jobs(void)
{
	begin("sleep 1000", "sleep 1000\r\n");
	screen_type(&m, "\003");
	seen("\\^C.*# ", "^C ends a program");
	run("echo st=$?", "whose status is 130", "st=130\r\n");
	begin("sleep 1000", "sleep 1000\r\n");
	screen_type(&m, "\032");
	seen("Stopped.*# ", "^Z stops it");
	run("jobs", "jobs", "Stopped +sleep 1000");
	run("bg", "bg", "sleep 1000");
	run("jobs", "it runs", "Running +sleep 1000");
	begin("fg", "sleep 1000\r\n");
	screen_type(&m, "\003");
	seen("\\^C.*# ", "fg, then ^C");
	begin("cat | cat", "cat\r\n");
	screen_type(&m, "\034");
	seen("\\^\\\\.*# ", "^\\ ends a whole pipeline");
	run("cat & while ! grep -q ') T' /proc/$!/stat; do :; done; jobs", "a background reader is stopped", "Stopped \\(tty input\\)");
	run("kill -9 %1; wait; echo is gone", "and can be killed", "is gone\r\n");
	begin("cat", "cat\r\n");	/* what is typed before the shell has set the terminal back is not edited */
	screen_type(&m, "ab\177c\r");
	seen("ab\010 \010c\r\nac\r\n", "canonical editing");
	screen_type(&m, "\004");
	seen("# ", "^D ends the input");
	begin("cat /dev/zero >/dev/null", "null\r\n");
	screen_type(&m, "\003");
	seen("\\^C.*# ", "^C ends a busy program");
	begin("while :; do :; done", "done\r\n");
	screen_type(&m, "\003");
	seen("# ", "^C ends a busy shell loop");
}

static void full_screen(void)
{
	begin("vi /tmp/text", "/tmp/text");
	screen_type(&m, "ifirst line\rsecond\033");
	screen_quiet(&m, 300);		/* an escape is one only if nothing follows it at once */
	screen_type(&m, ":wq\r");
	screen_expect(&m, "# ");
	run("cat /tmp/text", "vi", "first line\r\nsecond\r\n");
	screen_type(&m, "top\r");
	seen("Load average.*COMMAND.*sh", "top");
	screen_type(&m, "q");
	seen("# ", "top quits");
	screen_type(&m, "seq 1 100 | less\r");
	seen("22\r\n", "less shows a page");
	screen_type(&m, "G");
	seen("100", "and the last");
	screen_type(&m, "q");
	screen_expect(&m, "# ");
	run("stty -a", "the terminal is sane afterwards", "icanon .*echo ");
	run("trap 'echo resized' WINCH; echo is set", "a trap", "is set\r\n");
	screen_resize(&m, 40, 132);
	screen_pause(300);
	run("stty size", "a new window size arrives", "40 132\r\n");
	run("ls /dev/pts; test -c /dev/ptmx && echo a ptmx", "/dev/ptmx", "\na ptmx\r\n");
}

int main(int argc, char **argv)
{
	int status;

	(void)argc;
	screen_suite = "typing";
	screen_start(&m, argv + 1, 24, 80);
	if (seen("~ # ", "a prompt")) {
		screen_result(&m, !screen_restored(&m), "keys arrive one by one");
		shell();
		editing();
		jobs();
		full_screen();
		screen_type(&m, "exit 7\r");
		status = screen_wait(&m);
		screen_result(&m, WIFEXITED(status) && WEXITSTATUS(status) == 7, "exit 7");
		screen_result(&m, screen_restored(&m), "the host's terminal is as it was");
	}
	screen_end(&m);
	return screen_failures != 0;
}
