/* SPDX-License-Identifier: MIT */
/* mmap(2) of files: private and shared, coherence with read and write, the end of the file, access modes. */
#include "harness.h"
#include "fault.h"
#include <fcntl.h>
#include <mqueue.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char buf[64], *sh, *pr, *ro;
	int fd, rd, wr, status;
	pid_t pid;

	plan(35);
	fault_init();
	fd = open("mmap.dat", O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		bail("open");
	for (int i = 0; i < 3; i++) {
		char *block = malloc(page);

		memset(block, 'A' + i, page);
		if (write(fd, block, page) != (ssize_t)page)
			bail("write");
		free(block);
	}
	if (write(fd, "tail", 4) != 4)
		bail("write");
	sh = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pr = mmap(NULL, 5 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ok(sh != MAP_FAILED && pr != MAP_FAILED, "shared and private");
	ok(sh[0] == 'A' && sh[page] == 'B' && pr[2 * page] == 'C', "the file's bytes");
	ok(!memcmp(sh + 3 * page, "tail\0\0", 6), "the rest of the last page is zero");
	ok(fault_read(sh + 4 * page) == SIGBUS && fault_code == BUS_ADRERR, "beyond it: SIGBUS, BUS_ADRERR");
	ok(fault_write(pr + 4 * page, 1) == SIGBUS, "for a private write, too");
	sh[10] = 'x';
	ok(pread(fd, buf, 1, 10) == 1 && buf[0] == 'x', "a write through the shared mapping is read");
	ok(pwrite(fd, "y", 1, 20) == 1 && sh[20] == 'y', "write is seen in the mapping");
	ok(pr[20] == 'y', "also in the private one, while it is untouched");
	pr[20] = 'p';
	ok(sh[20] == 'y' && pread(fd, buf, 1, 20) == 1 && buf[0] == 'y', "a private write stays private");
	ok(pwrite(fd, "z", 1, 21) == 1 && pr[21] != 'z', "and from then on the page is a copy");
	pid = fork();
	if (!pid) {
		sh[page] = 'c';
		pr[page] = 'd';
		_exit(pr[20] == 'p' ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ok(status == 0, "the child sees the parent's private copy");
	ok(sh[page] == 'c' && pr[page] == 'c', "and writes to the shared page for all");
	ok(msync(sh, page, MS_SYNC) == 0, "msync");
	ok(ftruncate(fd, page) == 0, "ftruncate to one page");
	ok(fault_read(sh + 2 * page) == SIGBUS, "what was cut off is gone from the shared mapping");
	ok(fault_read(pr + 2 * page) == SIGBUS, "and from the private one");
	ok(fault_read(sh) == 0, "what was kept is there");
	ok(ftruncate(fd, 3 * page) == 0 && sh[2 * page] == 0, "growing brings zeroes");
	close(fd);
	sh[5] = 'q';
	ok(sh[5] == 'q', "the mapping outlives the descriptor");
	munmap(sh, 5 * page);
	munmap(pr, 5 * page);
	rd = open("mmap.dat", O_RDONLY);
	wr = open("mmap.dat", O_WRONLY);
	ok(pread(rd, buf, 6, 0) == 6 && buf[5] == 'q', "and its writes reach the file");
	ok_errno(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, rd, 0), EACCES, "shared writing needs a writable descriptor");
	ok_errno(mmap(NULL, page, PROT_READ, MAP_PRIVATE, wr, 0), EACCES, "any mapping needs a readable one");
	ro = mmap(NULL, page, PROT_READ, MAP_SHARED, rd, 0);
	ok(ro != MAP_FAILED, "shared reading does not");
	ok_errno(mprotect(ro, page, PROT_READ | PROT_WRITE), EACCES, "nor can mprotect add it later");
	ok(mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, rd, 0) != MAP_FAILED, "private writing does not, either");
	ok(mmap(NULL, page, PROT_READ, MAP_PRIVATE, rd, 64 * page) != MAP_FAILED, "an offset behind the end is no error");
	ok_errno(mmap(NULL, page, PROT_READ, 0, rd, 0), EINVAL, "no type");
	unlink("mmap.dat");
	/* What kernels make up is not to be executed, also where it could not be mapped at all. */
	mqd_t mq = mq_open("/mmap_file", O_CREAT | O_RDWR, 0600, NULL);
	mq_unlink("/mmap_file");
	for (unsigned i = 0; i < 4; i++) {
		static const char *const name[] = { "/proc/self/status", "/sys", "a message queue", "a pipe" };
		int pipes[2] = { -1, -1 };

		fd = i < 2 ? open(name[i], O_RDONLY) : i == 2 ? (int)mq : pipe(pipes) ? -1 : pipes[0];
		ok_errno(mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM, "%s: not to execute", name[i]);
		ok_errno(mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV, "%s: not at all", name[i]);
		close(fd);
		close(pipes[1]);
	}
	return done();
}
