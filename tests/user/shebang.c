/* SPDX-License-Identifier: MIT */
/* Scripts: #! with and without an argument, blanks, no newline, a nested interpreter, too deep, too long, the permissions that count. */
#include "harness.h"
#include "exec_util.h"

static char line[4096];
static char *const none[] = { NULL };
#define RUN(path, ...) exec_status(path, (char *[]){ (char *)"ignored", ##__VA_ARGS__, NULL }, none)

int main(int argc, char **argv)
{
	char chain[32], text[64];
	int fd, st;
	pid_t pid;

	if (argc == 3 && !strcmp(argv[1], "./plain"))
		return !strcmp(argv[2], "arg") && argv[0][0] == '/' ? 41 : 1;
	if (argc == 4 && !strcmp(argv[1], "-a b c"))
		return !strcmp(argv[2], "./option") && !strcmp(argv[3], "arg") ? 42 : 1;
	if (argc == 2 && !strcmp(argv[1], "./nonl"))
		return 43;
	if (argc == 4 && !strcmp(argv[1], "./inner"))
		return !strcmp(argv[2], "./outer") && !strcmp(argv[3], "arg") ? 44 : 1;
	if (argc == 2 && !strncmp(argv[1], "./deep", 6))
		return 1;
	if (argc > 2 && !strncmp(argv[1], "./deep", 6))
		return 45;
	if (argc == 2 && !strncmp(argv[1], "/dev/fd/", 8))
		return 46;
	if (argc > 1)
		return 99;
	plan(16);
	snprintf(line, sizeof(line), "#!%s\nrest\n", self_path());
	put_text("plain", line, 0700);
	ok(RUN("./plain", (char *)"arg") == 41, "the interpreter gets the path and the arguments");
	snprintf(line, sizeof(line), "#! \t%s  -a b c \t \n", self_path());
	put_text("option", line, 0700);
	ok(RUN("./option", (char *)"arg") == 42, "all behind it is one argument, blanks around it dropped");
	snprintf(line, sizeof(line), "#!%s", self_path());
	put_text("nonl", line, 0700);
	ok(RUN("./nonl") == 43, "no newline at all");
	snprintf(line, sizeof(line), "#!%s\n", self_path());
	put_text("inner", line, 0700);
	put_text("outer", "#!./inner\n", 0700);
	ok(RUN("./outer", (char *)"arg") == 44, "an interpreter that is a script");
	put_text("deep0", line, 0700);
	for (int i = 1; i < 8; i++) {
		snprintf(chain, sizeof(chain), "deep%d", i);
		snprintf(text, sizeof(text), "#!./deep%d\n", i - 1);
		put_text(chain, text, 0700);
	}
	ok(RUN("./deep3") == 45, "four scripts deep");
	ok(RUN("./deep4") == 45, "five");
	ok(RUN("./deep5") == -ELOOP, "ELOOP: six");
	put_text("lost", "#!/no/such\n", 0700);
	ok(RUN("./lost") == -ENOENT, "ENOENT: no such interpreter");
	put_text("dir", "#!/\n", 0700);
	ok(RUN("./dir") == -EACCES, "EACCES: a directory as interpreter");
	put_text("nox", "x", 0600);
	put_text("tonox", "#!./nox\n", 0700);
	ok(RUN("./tonox") == -EACCES, "EACCES: one that may not run");
	put_text("bare", "#!\n", 0700);
	ok(RUN("./bare") == -ENOEXEC, "ENOEXEC: no interpreter named");
	put_text("blank", "#!   \t \n", 0700);
	ok(RUN("./blank") == -ENOEXEC, "ENOEXEC: only blanks");
	memset(line, 'p', 300), line[0] = '#', line[1] = '!', line[2] = '/', line[300] = '\0';
	put_text("toolong", line, 0700);
	ok(RUN("./toolong") == -ENOEXEC, "ENOEXEC: a path that does not fit into 256 bytes");
	chmod("plain", 0600);
	ok(RUN("./plain", (char *)"arg") == -EACCES, "EACCES: the script's own permission");

	/* by descriptor: the interpreter opens /dev/fd/N, which a close-on-exec one has not */
	fd = open("inner", O_RDONLY);
	pid = fork();
	if (!pid) {
		syscall(SYS_execveat, fd, "", (char *[]){ (char *)"x", NULL }, none, AT_EMPTY_PATH);
		_exit(errno);
	}
	ok((st = exit_of(pid)) == 46, "by descriptor (%d)", st);
	pid = fork();
	if (!pid) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		syscall(SYS_execveat, fd, "", (char *[]){ (char *)"x", NULL }, none, AT_EMPTY_PATH);
		_exit(errno);
	}
	ok(exit_of(pid) == ENOENT, "ENOENT: if it would be closed");
	return done();
}
