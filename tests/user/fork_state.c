/* SPDX-License-Identifier: MIT */
/* fork(2): what the child inherits: descriptors with their offset and flags, handlers, groups, limits, name, directory, umask; and what starts anew. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/times.h>

static void handler(int sig) { (void)sig; }

int main(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART | SA_NODEFER }, now;
	struct rlimit rl, rl2;
	char cwd[256], name[17], c;
	struct tms t;
	stack_t ss = { .ss_size = 65536 }, ss2;
	int fd, fd2, off;

	plan(20);
	fd = open("f", O_RDWR | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || write(fd, "0123456789", 10) != 10)
		bail("file");
	lseek(fd, 3, SEEK_SET);
	fd2 = fcntl(fd, F_DUPFD_CLOEXEC, 20);
	ok(in_child(lseek(fd, 0, SEEK_CUR) != 3) == 0, "descriptors with their offset");
	ok(in_child(read(fd, &c, 1) != 1 || c != '3') == 0 && lseek(fd, 0, SEEK_CUR) == 4, "the offset is shared");
	ok(in_child((close(fd), 0)) == 0 && fcntl(fd, F_GETFD) == 0, "the table is not");
	ok(in_child(fcntl(fd2, F_GETFD) != FD_CLOEXEC || fcntl(fd, F_GETFD) != 0) == 0, "FD_CLOEXEC of each");
	ok(in_child(!(fcntl(fd, F_GETFL) & O_APPEND)) == 0, "status flags");
	off = in_child(fcntl(fd, F_SETFL, O_NONBLOCK));
	ok(off == 0 && fcntl(fd, F_GETFL) & O_NONBLOCK && !(fcntl(fd, F_GETFL) & O_APPEND), "which are the open file's: shared");

	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGUSR2, SIG_IGN);
	ok(in_child(sigaction(SIGUSR1, NULL, &now) || now.sa_handler != handler || (now.sa_flags & (SA_RESTART | SA_NODEFER)) != (SA_RESTART | SA_NODEFER)) == 0, "handlers and their flags");
	ok(in_child(sigaction(SIGUSR2, NULL, &now) || now.sa_handler != SIG_IGN) == 0, "ignored signals");
	ok(in_child((signal(SIGUSR1, SIG_DFL), 0)) == 0 && sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == handler, "a child's handlers are its own");
	ss.ss_sp = malloc(ss.ss_size);
	sigaltstack(&ss, NULL);
	ok(in_child(sigaltstack(NULL, &ss2) || ss2.ss_sp != ss.ss_sp || ss2.ss_flags) == 0, "the alternate stack");

	ok(in_child(getpgrp() != getpgid(getppid()) || getsid(0) != getsid(getppid())) == 0, "process group and session");
	ok(in_child((setpgid(0, 0), getpgrp() != getpid())) == 0 && getpgrp() != getpid() - 1, "a child may leave the group");
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = 77;
	setrlimit(RLIMIT_NOFILE, &rl);
	ok(in_child(getrlimit(RLIMIT_NOFILE, &rl2) || rl2.rlim_cur != 77 || rl2.rlim_max != rl.rlim_max) == 0, "limits");
	setpriority(PRIO_PROCESS, 0, 3);
	ok(in_child(getpriority(PRIO_PROCESS, 0) != 3) == 0, "the nice value");
	umask(027);
	ok(in_child(umask(0) != 027) == 0 && umask(022) == 027, "the umask, each its own");
	if (mkdir("d", 0700) || chdir("d") || !getcwd(cwd, sizeof(cwd)))
		bail("directory");
	ok(in_child(({ char b[256]; !getcwd(b, sizeof(b)) || strcmp(b, cwd); })) == 0, "the directory");
	ok(in_child(chdir("/")) == 0 && getcwd(name, 0) == NULL && ({ char b[256]; getcwd(b, sizeof(b)) && !strcmp(b, cwd); }), "which the child leaves alone");
	prctl(PR_SET_NAME, "fork-parent");
	ok(in_child((prctl(PR_GET_NAME, name), strcmp(name, "fork-parent"))) == 0, "the name");
	ok(in_child((times(&t), t.tms_cutime || t.tms_cstime || t.tms_utime > 10)) == 0, "times start at nothing");
	ok(in_child(({ int v = 5; prctl(PR_SET_PDEATHSIG, SIGKILL); pid_t p = fork(); if (!p) _exit(prctl(PR_GET_PDEATHSIG, &v) || v); exit_of(p); })) == 0, "the parent-death signal is not inherited");
	return done();
}
