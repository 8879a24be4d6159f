/* SPDX-License-Identifier: MIT */
/* What a shell does for `a | b`: the system's shell run with pipes, redirections, here documents and their statuses. */
#include "harness.h"
#include "child.h"

static char out[4096];

/* Output and exit status of sh -c. */
static int sh(const char *script)
{
	int p[2], n = 0;
	ssize_t r;
	pid_t pid;

	if (pipe(p))
		bail("pipe");
	if (!(pid = fork())) {
		dup2(p[1], 1);
		close(p[0]);
		close(p[1]);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	while ((r = read(p[0], out + n, sizeof(out) - 1 - (size_t)n)) > 0)
		n += (int)r;
	out[n] = 0;
	close(p[0]);
	return exit_of(pid);
}
#define is(text) (!strcmp(out, text))

int main(void)
{
	plan(15);
	ok(sh("echo one | cat") == 0 && is("one\n"), "a | b");
	ok(sh("echo one two three | tr ' ' '\\n' | sort | head -n 1") == 0 && is("one\n"), "four commands");
	ok(sh("false | true") == 0, "the status is the last command's");
	ok(sh("true | false") == 1, "also when that fails");
	ok(sh("exit 3 | exit 4") == 4, "of built-in commands, too");
	ok(sh("yes | head -n 2") == 0 && is("y\ny\n"), "a writer without end is ended by SIGPIPE");
	ok(sh("echo hidden > file; cat < file") == 0 && is("hidden\n"), "redirections");
	ok(sh("echo more >> file; wc -l < file | tr -d ' '") == 0 && is("2\n"), "appending");
	ok(sh("{ echo out; echo err >&2; } 2>&1 | sort") == 0 && is("err\nout\n"), "2>&1 before a pipe");
	ok(sh("cat <<END | tr a-z A-Z\nhere\nEND") == 0 && is("HERE\n"), "a here document");
	ok(sh("x=$(echo sub | cat); echo [$x]") == 0 && is("[sub]\n"), "command substitution");
	ok(sh("(echo a; echo b) | while read x; do printf '<%s>' $x; done") == 0 && is("<a><b>"), "a loop that reads");
	ok(sh("exec 3>file2; echo three >&3; exec 3>&-; cat file2; echo x 2>/dev/null >&3") != 0 && is("three\n"), "descriptors opened and closed by number");
	ok(sh("sleep 60 & kill $!; wait $!") == 143, "a background job is killed: 128 + 15");
	ok(sh("no_such_command_here 2>/dev/null") == 127, "127 for what does not exist");
	return done();
}
