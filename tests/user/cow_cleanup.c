/* SPDX-License-Identifier: MIT */
/* What fork shares is counted as shared while both live, and private again when one has gone. */
#include "harness.h"
#include "smaps.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 64, KB = PAGES * 4 };

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int go[2], status, same = 1;
	pid_t pid;
	char c;

	plan(10);
	madvise(p, PAGES * page, MADV_NOHUGEPAGE);
	memset(p, 1, PAGES * page);
	ok(smaps_of(p, "Private_Dirty") == KB, "private at first");
	if (pipe(go))
		bail("pipe");
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1) < 0);
	}
	ok(smaps_of(p, "Shared_Dirty") == KB, "shared with a child");
	ok(smaps_of(p, "Private_Dirty") == 0, "not private");
	for (int i = 0; i < PAGES / 2; i++)
		p[i * page] = 2;
	{
		long shared = smaps_of(p, "Shared_Dirty"), own = smaps_of(p, "Private_Dirty");

		/* A kernel may copy a little ahead of a program that goes through its pages one by one. */
		ok(shared + own == KB && own >= KB / 2 && own <= KB * 3 / 4, "half of it copied (%ld KiB)", own);
	}
	ok(smaps_of(p, "Rss") == KB, "still as large");
	close(go[0]);
	close(go[1]);
	waitpid(pid, &status, 0);
	ok(smaps_of(p, "Private_Dirty") == KB, "private again when the child has gone");
	ok(smaps_of(p, "Shared_Dirty") == 0, "nothing is left shared");
	for (int i = 0; i < 100; i++) {
		pid = fork();
		if (!pid) {
			memset(p, i, PAGES * page);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		same &= status == 0;
	}
	ok(same, "a hundred children that copy everything");
	for (int i = 0; i < PAGES; i++)
		same &= p[i * page] == (i < PAGES / 2 ? 2 : 1);
	ok(same, "change nothing here");
	ok(smaps_of(p, "Private_Dirty") == KB && smaps_of(p, "Rss") == KB, "and leave nothing behind");
	return done();
}
