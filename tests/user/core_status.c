/* SPDX-License-Identifier: MIT */
/* The core-dump bit of a status, RLIMIT_CORE, what the file looks like. */
#include "harness.h"
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char mark[] = "a string that must be in the core";

static rlim_t fsize = RLIM_INFINITY;	/* of those who die */

static int die(int sig, rlim_t limit, int dumpable)
{
	struct rlimit rl = { limit, limit };
	int st;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_DUMPABLE, dumpable);
		setrlimit(RLIMIT_CORE, &rl);
		if (fsize != RLIM_INFINITY)
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){ fsize, RLIM_INFINITY });
		signal(sig, SIG_DFL);
		mark[0] = 'A';
		raise(sig);
		_exit(0);
	}
	waitpid(pid, &st, 0);
	return st;
}

int main(void)
{
	Elf64_Ehdr h;
	struct stat sb;
	char *all, pattern[64] = "";
	int st, fd, found = 0, note = 0;

	fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	if (fd >= 0 && read(fd, pattern, sizeof(pattern) - 1) > 0 && strcmp(pattern, "core\n")) {
		printf("1..0 # SKIP core files have another name here\n");
		return 0;
	}
	plan(16);
	st = die(SIGQUIT, 0, 1);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGQUIT && !WCOREDUMP(st), "no core with RLIMIT_CORE 0");
	st = die(SIGTERM, RLIM_INFINITY, 1);
	ok(WIFSIGNALED(st) && !WCOREDUMP(st), "SIGTERM dumps none");
	st = die(SIGABRT, RLIM_INFINITY, 0);
	ok(WIFSIGNALED(st) && !WCOREDUMP(st), "nor does who is not dumpable");
	ok(access("core", F_OK) == -1, "no file so far");
	st = die(SIGSEGV, RLIM_INFINITY, 1);
	ok(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV && WCOREDUMP(st), "SIGSEGV does");
	fd = open("core", O_RDONLY);
	ok(fd >= 0 && fstat(fd, &sb) == 0 && (sb.st_mode & 0777) == 0600, "a file with mode 0600");
	ok(read(fd, &h, sizeof(h)) == sizeof(h) && !memcmp(h.e_ident, ELFMAG, 4) && h.e_type == ET_CORE && h.e_phnum > 2, "ET_CORE");
	all = malloc((size_t)sb.st_size);
	ok(pread(fd, all, (size_t)sb.st_size, 0) == sb.st_size, "%ld bytes", (long)sb.st_size);
	Elf64_Phdr *ph = (void *)(all + h.e_phoff);
	for (int i = 0; i < h.e_phnum; i++)
		if (ph[i].p_type == PT_NOTE) {
			Elf64_Nhdr *n = (void *)(all + ph[i].p_offset);

			note = n->n_type == NT_PRSTATUS && *(int *)((char *)(n + 1) + 8) == SIGSEGV;
		} else if (ph[i].p_type == PT_LOAD && (uintptr_t)mark >= ph[i].p_vaddr && (uintptr_t)mark < ph[i].p_vaddr + ph[i].p_filesz) {
			found = !strcmp(all + ph[i].p_offset + ((uintptr_t)mark - ph[i].p_vaddr), "A string that must be in the core");
		}
	ok(note, "registers, with the signal");
	ok(found, "memory, as it was");
	st = die(SIGQUIT, RLIM_INFINITY, 1);
	ok(WCOREDUMP(st), "again over the old file");
	fsize = 100;
	st = die(SIGSEGV, RLIM_INFINITY, 1);
	fsize = RLIM_INFINITY;
	ok(WCOREDUMP(st) && stat("core", &sb) == 0 && sb.st_size <= 100, "one that a limit cuts is one");
	unlink("core");
	fd = open("core", O_WRONLY | O_CREAT, 0644);
	ok(write(fd, "precious", 8) == 8 && link("core", "core_status.l") == 0 && WCOREDUMP(die(SIGSEGV, RLIM_INFINITY, 1)), "a file has the name");
	ok(fstat(fd, &sb) == 0 && sb.st_size == 8 && sb.st_nlink == 1, "which keeps its contents, under its other name");
	ok(stat("core", &sb) == 0 && sb.st_size > 8 && (sb.st_mode & 0777) == 0600, "and the core is another");
	unlink("core_status.l");
	unlink("core");
	mkdir("core", 0700);
	ok(!WCOREDUMP(die(SIGSEGV, RLIM_INFINITY, 1)), "none where a directory has the name");
	rmdir("core");
	return done();
}
