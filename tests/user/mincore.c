/* SPDX-License-Identifier: MIT */
/* mincore(2) and mlock(2): what is in memory, what is kept there, limits. */
#include "harness.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RW = PROT_READ | PROT_WRITE, PRIV = MAP_PRIVATE | MAP_ANONYMOUS };

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 64 * page, RW, PRIV, -1, 0);
	unsigned char vec[64];
	struct rlimit old, small;
	int all = 1;

	plan(17);
	madvise(p, 64 * page, MADV_NOHUGEPAGE);
	ok(mincore(p, 64 * page, vec) == 0, "mincore");
	ok(!(vec[0] & 1) && !(vec[63] & 1), "nothing is there before it is touched");
	p[0] = 1;
	p[40 * page] = 1;
	ok(mincore(p, 64 * page, vec) == 0 && vec[0] & 1 && vec[40] & 1, "what was touched is");
	ok(!(vec[63] & 1), "the far end is not");
	ok_errno(mincore(p + 1, page, vec), EINVAL, "odd address");
	ok_errno(mincore(p, page, (unsigned char *)8), EFAULT, "nowhere to put it");
	munmap(p + 32 * page, page);
	ok_errno(mincore(p, 64 * page, vec), ENOMEM, "a hole");
	ok(mlock(p, 16 * page) == 0, "mlock");
	mincore(p, 16 * page, vec);
	for (int i = 0; i < 16; i++)
		all &= vec[i] & 1;
	ok(all, "brings everything in");
	ok_errno(mlock(p, 64 * page), ENOMEM, "a hole");
	ok(munlock(p, 16 * page) == 0, "munlock");
	ok(mlock(p + 5, 10) == 0 && munlock(p + 5, 10) == 0, "odd addresses are rounded");
	p = mmap(NULL, 4 * page, RW, PRIV | MAP_POPULATE, -1, 0);
	mincore(p, 4 * page, vec);
	ok(vec[0] & vec[1] & vec[2] & vec[3] & 1, "MAP_POPULATE");
	ok(mlockall(MCL_FUTURE) == 0, "mlockall");
	p = mmap(NULL, 4 * page, RW, PRIV, -1, 0);
	mincore(p, 4 * page, vec);
	ok(vec[0] & vec[3] & 1, "holds for later mappings");
	ok(munlockall() == 0, "munlockall");
	getrlimit(RLIMIT_MEMLOCK, &old);
	small = old;
	small.rlim_cur = 2 * page;
	setrlimit(RLIMIT_MEMLOCK, &small);
	if (geteuid() == 0 && setresuid(65534, 65534, 65534))
		bail("setresuid");
	ok_errno(mlock(p, 4 * page), ENOMEM, "RLIMIT_MEMLOCK without privilege");
	return done();
}
