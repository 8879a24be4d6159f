/* SPDX-License-Identifier: MIT */
/*
 * execve(2): arguments, environment, auxiliary vector, errors, scripts, what
 * is kept and what is reset.  The program runs itself with a word that says what to report.
 */
#include "harness.h"
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char self[512];
extern char **environ;
static void handler(int sig) { (void)sig; }

static int status_of(pid_t pid)
{
	int st;

	if (waitpid(pid, &st, 0) != pid)
		return -1;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 1000 + WTERMSIG(st);
}

/* Run it and give back its exit status; -errno - 2000 if exec failed. */
static int run(const char *path, char *const argv[], char *const envp[])
{
	int fds[2], err = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		bail("pipe2");
	pid = fork();
	if (!pid) {
		execve(path, argv, envp);
		err = errno;
		(void)!write(fds[1], &err, sizeof(err));
		_exit(127);
	}
	close(fds[1]);
	(void)!read(fds[0], &err, sizeof(err));
	close(fds[0]);
	int st = status_of(pid);

	return err ? -2000 - err : st;
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0700);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		bail("write %s", name);
	close(fd);
	chmod(name, mode);
}

static int report(int argc, char **argv)
{
	const char *what = argv[1];

	if (!strcmp(what, "args"))
		return argc == 5 && !strcmp(argv[0], "zero") && !strcmp(argv[2], "a b") && !strcmp(argv[3], "") && strlen(argv[4]) == 100000 && !argv[5] ? 10 : 1;
	if (!strcmp(what, "env"))
		return environ[0] && !strcmp(environ[0], "A=1") && environ[1] && !strcmp(environ[1], "B=two words") && !environ[2] ? 11 : 1;
	if (!strcmp(what, "auxv")) {
		const unsigned char *r = (void *)getauxval(AT_RANDOM);
		const Elf64_Phdr *ph = (void *)getauxval(AT_PHDR);
		int bad = 0;

		bad |= getauxval(AT_PAGESZ) == 4096 ? 0 : 1;
		bad |= r && (r[0] | r[1] | r[2] | r[3] | r[4] | r[5]) ? 0 : 2;
		bad |= getauxval(AT_PHENT) == sizeof(*ph) && ph && getauxval(AT_PHNUM) > 1 ? 0 : 4;
		bad |= getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_GID) == getgid() ? 0 : 8;
		bad |= getauxval(AT_EXECFN) && !strcmp((char *)getauxval(AT_EXECFN), self) ? 0 : 16;
		bad |= getauxval(AT_CLKTCK) == 100 && getauxval(AT_SECURE) == 0 ? 0 : 32;
		bad |= getauxval(AT_SYSINFO_EHDR) && !memcmp((void *)getauxval(AT_SYSINFO_EHDR), "\177ELF", 4) ? 0 : 64;
		bad |= getauxval(AT_ENTRY) ? 0 : 128;
		return bad;
	}
	if (!strcmp(what, "state")) {
		struct sigaction a, b;
		sigset_t set, pending;
		stack_t ss;
		int bad = 0;

		sigaction(SIGUSR1, NULL, &a);
		sigaction(SIGUSR2, NULL, &b);
		sigprocmask(SIG_SETMASK, NULL, &set);
		sigpending(&pending);
		sigaltstack(NULL, &ss);
		bad |= a.sa_handler == SIG_DFL ? 0 : 1;
		bad |= b.sa_handler == SIG_IGN ? 0 : 2;
		bad |= sigismember(&set, SIGHUP) ? 0 : 4;
		bad |= sigismember(&pending, SIGHUP) ? 0 : 8;
		bad |= ss.ss_flags == SS_DISABLE ? 0 : 16;
		bad |= fcntl(10, F_GETFD) == -1 ? 0 : 32;
		bad |= fcntl(11, F_GETFD) == 0 ? 0 : 64;
		bad |= getpid() == atoi(argv[2]) ? 0 : 128;
		return bad;
	}
	if (!strcmp(what, "name")) {
		char comm[64] = "";
		int fd = open("/proc/self/comm", O_RDONLY);

		if (fd < 0 || read(fd, comm, sizeof(comm) - 1) < 0)
			return 1;
		return strcmp(comm, "exec\n") ? 2 : 12;
	}
	/* a script's interpreter: report how many arguments there are */
	if (!strcmp(what, "-opt x"))
		return argc == 5 && !strcmp(argv[2], "./script") && !strcmp(argv[3], "p") && !strcmp(argv[4], "q") ? 13 : 1;
	return argc == 3 && !strcmp(argv[1], "./plain") ? 14 : 99;
}

int main(int argc, char **argv)
{
	char *big = malloc(100001), line[600], num[16];
	char *none[] = { NULL }, *env[] = { "A=1", "B=two words", NULL };
	pid_t pid;
	int fd;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0 && argv[0][0] == '/')
		strcpy(self, argv[0]);
	if (argc == 1 && !argv[0][0])
		return 15;		/* since Linux 5.18 no arguments become one empty one */
	if (argc > 1)
		return report(argc, argv);
	plan(28);
	memset(big, 'x', 100000);
	big[100000] = '\0';
	ok(run(self, (char *[]){ "zero", "args", "a b", "", big, NULL }, none) == 10, "arguments");
	ok(run(self, (char *[]){ "x", "env", NULL }, env) == 11, "environment");
	ok(run(self, (char *[]){ "x", "auxv", NULL }, env) == 0, "auxiliary vector");
	ok(run(self, (char *[]){ "x", "name", NULL }, env) == 12, "the new name");

	pid = fork();
	if (!pid) {
		static char alt[65536];
		stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
		sigset_t set;

		signal(SIGUSR1, handler);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		raise(SIGHUP);
		sigaltstack(&ss, NULL);
		fd = open("/dev/null", O_RDONLY);
		dup3(fd, 10, O_CLOEXEC);
		dup2(fd, 11);
		snprintf(num, sizeof(num), "%d", getpid());
		execve(self, (char *[]){ "x", "state", num, NULL }, env);
		_exit(250);
	}
	int bad = status_of(pid);

	ok(!(bad & 1), "handlers are reset");
	ok(!(bad & 2), "what was ignored stays ignored");
	ok(!(bad & 4) && !(bad & 8), "mask and pending signals stay");
	ok(!(bad & 16), "the alternate stack is gone");
	ok(!(bad & 32), "close-on-exec closes");
	ok(!(bad & 64), "other descriptors stay open");
	ok(!(bad & 128), "the process number stays");

	/* errors */
	ok(run("./missing", (char *[]){ "x", NULL }, env) == -2000 - ENOENT, "ENOENT");
	put("noexec", "#!/bin/sh\n", 0600);
	ok(run("./noexec", (char *[]){ "x", NULL }, env) == -2000 - EACCES, "EACCES: no execute bit, root or not");
	ok(run("/", (char *[]){ "x", NULL }, env) == -2000 - EACCES, "EACCES: a directory");
	ok(run("./noexec/x", (char *[]){ "x", NULL }, env) == -2000 - ENOTDIR, "ENOTDIR");
	put("garbage", "this is no program\n", 0700);
	ok(run("./garbage", (char *[]){ "x", NULL }, env) == -2000 - ENOEXEC, "ENOEXEC");
	put("empty", "", 0700);
	ok(run("./empty", (char *[]){ "x", NULL }, env) == -2000 - ENOEXEC, "ENOEXEC: empty");
	put("elf", "\177ELF\002\001\001", 0700);
	ok(run("./elf", (char *[]){ "x", NULL }, env) == -2000 - ENOEXEC, "ENOEXEC: a cut ELF header");
	fd = open("busy", O_CREAT | O_WRONLY, 0700);
	ok(run("./busy", (char *[]){ "x", NULL }, env) == -2000 - ETXTBSY, "ETXTBSY: open for writing");
	close(fd);
	char *huge = malloc(200000);

	memset(huge, 'y', 199999);
	huge[199999] = '\0';
	ok(run(self, (char *[]){ "x", "args", huge, NULL }, env) == -2000 - E2BIG, "E2BIG: one string above 128 KiB");
	char **many = calloc(100, sizeof(char *));

	many[0] = "x";
	for (int i = 1; i < 90; i++)
		many[i] = big;
	ok(run(self, many, env) == -2000 - E2BIG, "E2BIG: more than a quarter of the stack limit");
	ok(run(self, (char *[]){ NULL }, env) == 15, "no arguments at all");

	/* scripts */
	snprintf(line, sizeof(line), "#! %s  -opt x \nrest\n", self);
	put("script", line, 0700);
	ok(run("./script", (char *[]){ "ignored", "p", "q", NULL }, env) == 13, "#! with one argument");
	snprintf(line, sizeof(line), "#!%s\n", self);
	put("plain", line, 0700);
	ok(run("./plain", (char *[]){ "ignored", "z", NULL }, env) == 14, "#! without");
	put("loop", "#!./loop\n", 0700);
	ok(run("./loop", (char *[]){ "x", NULL }, env) == -2000 - ELOOP, "ELOOP: a script that is its own interpreter");
	put("lost", "#!/no/such/interpreter\n", 0700);
	ok(run("./lost", (char *[]){ "x", NULL }, env) == -2000 - ENOENT, "ENOENT: no interpreter");
	/* by descriptor */
	fd = open(self, O_RDONLY);
	pid = fork();
	if (!pid) {
		syscall(SYS_execveat, fd, "", (char *[]){ "x", "env", NULL }, env, AT_EMPTY_PATH);
		_exit(99);
	}
	ok(status_of(pid) == 11, "execveat by descriptor");
	fd = open(self, O_WRONLY);
	ok(fd == -1 && errno == ETXTBSY, "a program that runs cannot be written");
	return done();
}
