/* SPDX-License-Identifier: MIT */
/* process_vm_readv(2), process_vm_writev(2): scatter and gather, short at a hole, errors. */
#include "harness.h"
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), a[16], b[16];
	struct iovec l[2] = { { a, 4 }, { b, 12 } }, r[2];
	int go[2], status;
	pid_t pid;
	char c;

	plan(14);
	strcpy(p, "parent");
	if (pipe(go))
		bail("pipe");
	pid = fork();
	if (!pid) {
		close(go[1]);
		while (read(go[0], &c, 1) > 0)
			;
		_exit(strcmp(p + 100, "written!") != 0);
	}
	strcpy(p, "PARENT");
	r[0] = (struct iovec){ p, 6 };
	ok(process_vm_readv(pid, l, 2, r, 1, 0) == 6, "six bytes of the child's");
	ok(!memcmp(a, "pare", 4) && !memcmp(b, "nt", 2), "scattered over two places");
	r[0] = (struct iovec){ p + 100, 3 };
	r[1] = (struct iovec){ p + 103, 6 };
	l[0] = (struct iovec){ "written!", 9 };
	ok(process_vm_writev(pid, l, 1, r, 2, 0) == 9, "nine bytes to it");
	ok(p[100] == 0, "not to us");
	munmap(p + page, page);
	mprotect(p + page, 0, PROT_READ);
	r[0] = (struct iovec){ p + 2 * page - 8 - page, 16 };
	l[0] = (struct iovec){ a, 16 };
	/* The child still has the page that we have unmapped. */
	ok(process_vm_readv(pid, l, 1, r, 1, 0) == 16, "what only the child has");
	r[0] = (struct iovec){ p + 3 * page - 8, 16 };
	l[0] = (struct iovec){ a, 16 };
	ok(process_vm_readv(getpid(), l, 1, &(struct iovec){ p + page - 8, 16 }, 1, 0) == 8, "short before a hole");
	ok_errno(process_vm_readv(getpid(), l, 1, &(struct iovec){ p + page, 16 }, 1, 0), EFAULT, "at a hole");
	ok_errno(process_vm_readv(pid, l, 1, r, 1, 1), EINVAL, "flags");
	ok_errno(process_vm_readv(pid, l, 2000, r, 1, 0), EINVAL, "too many pieces");
	ok(process_vm_readv(pid, l, 1, r, 0, 0) == 0, "nothing");
	ok_errno(process_vm_readv(pid, (struct iovec *)8, 1, r, 1, 0), EFAULT, "a bad list");
	ok(process_vm_readv(getpid(), l, 1, &(struct iovec){ p, 6 }, 1, 0) == 6 && !memcmp(a, "PARENT", 6), "ourselves");
	close(go[1]);
	waitpid(pid, &status, 0);
	ok(status == 0, "the child has got it");
	ok_errno(process_vm_readv(pid, l, 1, &(struct iovec){ p, 6 }, 1, 0), ESRCH, "and is gone");
	return done();
}
