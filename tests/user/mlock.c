/* SPDX-License-Identifier: MIT */
/* mlock(2) and its family: what is locked is resident and shown so, limits, MLOCK_ONFAULT, future maps, fork, errors. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>
#include <sys/resource.h>

enum { P = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static long status_kb(const char *key)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	long v = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			v = atol(line + strlen(key));
	if (f)
		fclose(f);
	return v;
}
static int resident(char *p, int pages)
{
	unsigned char v[64] = { 0 };
	int n = 0;

	mincore(p, (size_t)pages * P, v);
	for (int i = 0; i < pages; i++)
		n += v[i] & 1;
	return n;
}

int main(void)
{
	char *p, *q;
	long before = status_kb("VmLck:");

	plan(20);
	ok(before == 0, "nothing is locked at first");
	p = mmap(NULL, 8 * P, RW, ANON, -1, 0);
	ok(resident(p, 8) == 0, "new memory is not there yet");
	ok(mlock(p, 4 * P) == 0 && resident(p, 8) == 4, "mlock brings it in");
	ok(status_kb("VmLck:") == 16, "VmLck counts it (%ld kB)", status_kb("VmLck:"));
	ok(mlock(p, 4 * P) == 0 && status_kb("VmLck:") == 16, "twice is once");
	ok(munlock(p + P, P) == 0 && status_kb("VmLck:") == 12, "a page of it unlocked");
	ok(mlock(p + 7 * P + 100, 10) == 0 && resident(p, 8) == 5 && status_kb("VmLck:") == 16, "ten bytes are their page");
	ok_errno(madvise(p, P, MADV_DONTNEED), EINVAL, "locked memory cannot be given back");
	ok(munmap(p, 8 * P) == 0 && status_kb("VmLck:") == 0, "unmapping unlocks");
	p = mmap(NULL, 4 * P, RW, ANON | MAP_LOCKED, -1, 0);
	ok(resident(p, 4) == 4 && status_kb("VmLck:") == 16, "MAP_LOCKED");
	ok(in_child(status_kb("VmLck:") != 0) == 0, "a child has nothing locked");
	munlock(p, 4 * P);
	q = mmap(NULL, 4 * P, RW, ANON, -1, 0);
	ok(syscall(SYS_mlock2, q, 4 * P, 1) == 0 && resident(q, 4) == 0 && status_kb("VmLck:") == 16, "MLOCK_ONFAULT: not before it is touched");
	ok_errno(syscall(SYS_mlock2, q, 4 * P, 2), EINVAL, "unknown flags");
	munmap(q, 4 * P);
	ok(in_child(({
		char *n;
		int bad = mlockall(MCL_FUTURE) != 0;
		n = mmap(NULL, 4 * P, RW, ANON, -1, 0);
		bad |= resident(n, 4) != 4;
		bad |= munlockall() != 0;
		n = mmap(NULL, 4 * P, RW, ANON, -1, 0);
		bad |= resident(n, 4) != 0;
		bad; })) == 0, "mlockall(MCL_FUTURE), and back");
	ok(in_child(({ int bad = mlockall(MCL_CURRENT) != 0 || status_kb("VmLck:") < 100; bad |= munlockall() != 0 || status_kb("VmLck:") != 0; bad; })) == 0, "mlockall(MCL_CURRENT)");
	ok_errno(mlockall(0), EINVAL, "mlockall of nothing");
	ok_errno(mlockall(16), EINVAL, "of what does not exist");
	munmap(p, 4 * P);
	ok_errno(mlock(p, P), ENOMEM, "nothing mapped");
	ok(in_child(({
		struct rlimit rl = { 8 * P, 8 * P };
		int bad;
		char *n = mmap(NULL, 16 * P, RW, ANON, -1, 0);
		setrlimit(RLIMIT_MEMLOCK, &rl);
		setresuid(1000, 1000, 1000);
		bad = mlock(n, 8 * P) != 0;
		bad |= (mlock(n + 8 * P, P) != -1 || errno != ENOMEM) << 1;
		bad |= (mmap(NULL, P, RW, ANON | MAP_LOCKED, -1, 0) != MAP_FAILED || errno != EAGAIN) << 2;
		bad |= (mlock(n, 8 * P) != 0) << 3;
		bad; })) == 0, "RLIMIT_MEMLOCK binds who is not privileged");
	ok(in_child(({
		struct rlimit rl = { 0, 0 };
		setrlimit(RLIMIT_MEMLOCK, &rl);
		setresuid(1000, 1000, 1000);
		mlock(&rl, 1) == -1 && errno == EPERM ? 0 : 1; })) == 0, "none at all: EPERM");
	return done();
}
