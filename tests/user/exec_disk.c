/* SPDX-License-Identifier: MIT */
/* execve(2) of a file on disk: a fresh copy runs, also when it is unlinked meanwhile; the errors of the path and of the image, in their order. */
#include "harness.h"
#include "exec_util.h"
#include <elf.h>
#include <stddef.h>

#define RUN(path) exec_status(path, (char *[]){ (char *)"x", (char *)"child", NULL }, (char *[]){ NULL })

static void patched(const char *name, size_t at, const void *bytes, size_t n)
{
	int fd;

	copy_file(self_path(), name);
	fd = open(name, O_WRONLY);
	if (fd < 0 || pwrite(fd, bytes, n, (off_t)at) != (ssize_t)n)
		bail("patch %s", name);
	close(fd);
}

int main(int argc, char **argv)
{
	char longname[300], longpath[5000];
	uint16_t half;
	int fd, n, st;

	if (argc > 1) {		/* look at what we are made of: the whole of it must be readable */
		int self = open("/proc/self/exe", O_RDONLY);
		Elf64_Ehdr h;

		return self >= 0 && read(self, &h, sizeof(h)) == sizeof(h) && !memcmp(h.e_ident, ELFMAG, 4) ? 42 : 1;
	}
	plan(25);
	copy_file(self_path(), "prog");
	ok(RUN("./prog") == 42, "a copy on disk runs");
	ok(RUN("prog") == 42, "relative to the directory");
	if (symlink("prog", "sym") || link("prog", "hard"))
		bail("links");
	ok(RUN("./sym") == 42 && RUN("./hard") == 42, "through links");
	fflush(NULL);
	fd = open("prog", O_RDONLY | O_CLOEXEC);
	n = fork();
	if (!n) {
		unlink("./hard");
		fexecve(fd, (char *[]){ (char *)"x", (char *)"child", NULL }, (char *[]){ NULL });
		_exit(99);
	}
	ok(exit_of(n) == 42, "by descriptor");

	ok(RUN("./missing") == -ENOENT, "ENOENT");
	ok(RUN("") == -ENOENT, "ENOENT: no name");
	ok(RUN("./prog/x") == -ENOTDIR, "ENOTDIR");
	ok(RUN("missing/x") == -ENOENT, "ENOENT: a directory on the way");
	ok(RUN(".") == -EACCES, "EACCES: a directory");
	ok(RUN("/dev/null") == -EACCES, "EACCES: a device");
	chmod("prog", 0600);
	ok(RUN("./prog") == -EACCES, "EACCES: no execute permission");
	chmod("prog", 0700);
	memset(longname, 'n', 299), longname[299] = '\0';
	ok(RUN(longname) == -ENAMETOOLONG, "ENAMETOOLONG: a name");
	memset(longpath, '/', 4999), longpath[4999] = '\0';
	ok(RUN(longpath) == -ENAMETOOLONG, "ENAMETOOLONG: a path");
	if (symlink("loop", "loop"))
		bail("symlink");
	ok(RUN("./loop") == -ELOOP, "ELOOP");
	ok(exec_status((char *)8, (char *[]){ (char *)"x", NULL }, NULL) == -EFAULT, "EFAULT: the path");
	ok(exec_status("./prog", (char **)8, NULL) == -EFAULT, "EFAULT: the arguments");

	put_text("garbage", "neither ELF nor a script\n", 0700);
	ok(RUN("./garbage") == -ENOEXEC, "ENOEXEC: no known format");
	half = EM_386 == EM_X86_64 ? 0 : EM_PPC64;
	patched("foreign", offsetof(Elf64_Ehdr, e_machine), &half, 2);
	ok(RUN("./foreign") == -ENOEXEC, "ENOEXEC: another machine's");
	half = ET_REL;
	patched("object", offsetof(Elf64_Ehdr, e_type), &half, 2);
	ok(RUN("./object") == -ENOEXEC, "ENOEXEC: an object file");
	half = 3;
	patched("phent", offsetof(Elf64_Ehdr, e_phentsize), &half, 2);
	ok(RUN("./phent") == -ENOEXEC, "ENOEXEC: odd program headers");
	half = 0;
	patched("nophdr", offsetof(Elf64_Ehdr, e_phnum), &half, 2);
	st = RUN("./nophdr");
	ok(st == -ENOEXEC || st == 1000 + SIGSEGV, "no program headers: it does not run (%d)", st);
	copy_file(self_path(), "cut");
	if (truncate("cut", 64 + 10))
		bail("truncate");
	st = RUN("./cut");
	ok(st == -ENOEXEC || st == -EIO, "cut inside its program headers (%d)", st);

	fd = open("prog", O_RDWR);
	ok(RUN("./prog") == -ETXTBSY, "ETXTBSY: somebody may write it");
	close(fd);
	/* a program that runs cannot be written, nor truncated */
	ok(open(self_path(), O_WRONLY) == -1 && errno == ETXTBSY, "ETXTBSY: a program that runs is not for writing");
	ok(truncate(self_path(), 0) == -1 && errno == ETXTBSY, "nor for truncating");
	return done();
}
