/* SPDX-License-Identifier: MIT */
/* The last owner of a shared page writes to it in place: it is made writable, not copied.  Seen by what both pages hold and count. */
#include "harness.h"
#include "smaps.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 32 };

static long faults(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_minflt;
}

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int to[2], from[2], status, same = 1;
	long before, after;
	pid_t pid;
	char c = 0;

	plan(7);
	madvise(p, PAGES * page, MADV_NOHUGEPAGE);
	memset(p, 'a', PAGES * page);
	if (pipe(to) || pipe(from))
		bail("pipe");
	pid = fork();
	if (!pid) {
		close(to[1]);
		if (read(to[0], &c, 1) != 0)
			_exit(1);
		/* The parent has gone from these pages: they are the child's alone. */
		for (int i = 0; i < PAGES; i++) {
			same &= p[i * page] == 'a';
			p[i * page] = 'c';
			same &= p[i * page] == 'c' && p[i * page + 1] == 'a';
		}
		_exit(same ? 0 : 2);
	}
	for (int i = 0; i < PAGES; i++)
		p[i * page] = 'p';
	ok(smaps_of(p, "Private_Dirty") == PAGES * 4, "the parent has copied everything");
	close(to[1]);
	waitpid(pid, &status, 0);
	ok(status == 0, "the child, now sole owner of the originals, writes to them");
	for (int i = 0; i < PAGES; i++)
		same &= p[i * page] == 'p' && p[i * page + 1] == 'a';
	ok(same, "and the parent's copies are its own");
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
	before = faults();
	for (int i = 0; i < PAGES; i++)
		p[i * page] = 'q';
	after = faults();
	ok(after - before <= PAGES + 8, "after the child's end: at most one fault a page (%ld)", after - before);
	before = faults();
	for (int i = 0; i < PAGES; i++)
		p[i * page] = 'r';
	after = faults();
	ok(after - before <= 2, "and then none (%ld)", after - before);
	for (int i = 0; i < PAGES; i++)
		same &= p[i * page] == 'r' && p[i * page + 1] == 'a';
	ok(same, "contents survive");
	ok(smaps_of(p, "Rss") == PAGES * 4, "no page too many");
	return done();
}
