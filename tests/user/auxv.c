/* SPDX-License-Identifier: MIT */
/* The auxiliary vector: every entry that libc, loaders and debuggers rely on, and /proc/self/auxv that equals it. */
#include "harness.h"
#include "exec_util.h"
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/utsname.h>

int main(int argc, char **argv)
{
	const Elf64_Phdr *ph = (const void *)getauxval(AT_PHDR);
	const unsigned char *rnd = (const void *)getauxval(AT_RANDOM);
	extern char __ehdr_start[], etext[], **environ;
	Elf64_auxv_t file[64];
	struct utsname u;
	ssize_t n;
	char **stack;
	int fd, loads = 0, same, end = 0;

	if (argc > 1) {		/* write our random bytes to where the parent reads them */
		return write(3, rnd, 16) == 16 && getauxval(AT_SECURE) == 0 ? 42 : 1;
	}
	plan(17);
	ok(getauxval(AT_PAGESZ) == 4096, "AT_PAGESZ");
	ok(getauxval(AT_CLKTCK) == 100, "AT_CLKTCK");
	ok(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid(), "AT_UID, AT_EUID, AT_GID, AT_EGID");
	ok(getauxval(AT_SECURE) == 0, "AT_SECURE");
	ok((const char *)ph == __ehdr_start + ((Elf64_Ehdr *)__ehdr_start)->e_phoff, "AT_PHDR is where the headers are");
	ok(getauxval(AT_PHNUM) == ((Elf64_Ehdr *)__ehdr_start)->e_phnum && getauxval(AT_PHENT) == sizeof(*ph), "AT_PHNUM, AT_PHENT");
	for (unsigned i = 0; i < getauxval(AT_PHNUM); i++)
		loads += ph[i].p_type == PT_LOAD;
	ok(loads >= 2, "with what was loaded");
	ok(getauxval(AT_ENTRY) == ((Elf64_Ehdr *)__ehdr_start)->e_entry && getauxval(AT_ENTRY) < (unsigned long)etext, "AT_ENTRY");
	ok(getauxval(AT_BASE) == 0, "AT_BASE: no interpreter");
	ok(getauxval(AT_EXECFN) && !strcmp((char *)getauxval(AT_EXECFN), self_path()), "AT_EXECFN");
	uname(&u);
	ok(getauxval(AT_PLATFORM) && !strcmp((char *)getauxval(AT_PLATFORM), u.machine), "AT_PLATFORM is uname's machine");
	ok(getauxval(AT_HWCAP) != 0, "AT_HWCAP");
	ok(getauxval(AT_SYSINFO_EHDR) && !memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, 4), "AT_SYSINFO_EHDR: the vDSO");
	ok(getauxval(AT_MINSIGSTKSZ) > 300, "AT_MINSIGSTKSZ");
	fd = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
	n = read(fd, file, sizeof(file));
	for (stack = environ; *stack; stack++)
		;
	for (int i = 0; i < (int)(n / (ssize_t)sizeof(file[0])) && !end; i++)
		end = file[i].a_type == AT_NULL;
	same = n > 0 && !memcmp(file, stack + 1, (size_t)n);
	ok(n > 0 && end && same, "/proc/self/auxv is the same");

	/* AT_RANDOM differs from run to run */
	unsigned char r[2][16];
	int good = 1;

	for (int i = 0; i < 2; i++) {
		int p[2];
		pid_t pid;

		if (pipe(p))
			bail("pipe");
		pid = fork();
		if (!pid) {
			dup2(p[1], 3);
			execl(self_path(), "x", "child", NULL);
			_exit(1);
		}
		good &= read(p[0], r[i], 16) == 16 && exit_of(pid) == 42;
		close(p[0]);
		close(p[1]);
	}
	ok(good, "AT_RANDOM has 16 bytes");
	ok(memcmp(r[0], r[1], 16) && memcmp(r[0], rnd, 16), "others each time");
	return done();
}
