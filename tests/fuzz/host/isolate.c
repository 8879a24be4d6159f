/* SPDX-License-Identifier: MIT */
/*
 * ThreadSanitizer knows for every byte who touched it last, and for every
 * thread its stack of calls and what it has seen of the others.  Threads that
 * a reset lets continue elsewhere would not fit to that.  So nothing is ever
 * reset: each run is in a fork of the process, made while the machine is at
 * its snapshot, and ends with it.
 *
 * The counters that libFuzzer looks at are shared with the children.  The
 * first and the last page of them have neighbours, and are not: a few edges
 * are not seen.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cpu_limit.h"
#include "isolate.h"

enum { PAGE = 4096 };
extern char __start___sancov_cntrs[], __stop___sancov_cntrs[];
void AnnotateBenignRaceSized(const char *file, int line, const volatile void *p, size_t n, const char *why);

void isolate_init(void)
{
	char *from = (char *)(((uintptr_t)__start___sancov_cntrs + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
	char *to = (char *)((uintptr_t)__stop___sancov_cntrs & ~(uintptr_t)(PAGE - 1));
	char *keep;
	size_t n;

#ifdef ENGINE_TSAN
	AnnotateBenignRaceSized(__FILE__, __LINE__, __start___sancov_cntrs, (size_t)(__stop___sancov_cntrs - __start___sancov_cntrs),
		"counters of edges: everybody's");
#endif
	if (to <= from)
		return;
	n = (size_t)(to - from);
	keep = malloc(n);
	if (!keep)
		abort();
	memcpy(keep, from, n);
	if (mmap(from, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
		perror("eft-fuzz: mmap");
		exit(2);
	}
	memcpy(from, keep, n);
	free(keep);
}

void isolate_run(uint64_t (*one)(const uint8_t *data, size_t size), const uint8_t *data, size_t size)
{
	/* Not fork(3): TSan would look at nothing in the child of a process of several threads, which it thinks this is. */
	long pid = syscall(SYS_fork);
	int status;

	if (pid < 0) {
		perror("eft-fuzz: fork");
		exit(2);
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		cpu_limit_child();
		one(data, size);
		_exit(0);
	}
	while (waitpid((pid_t)pid, &status, 0) != pid)
		;
	if (status) {
		fprintf(stderr, "==eft-fuzz== the run ended with wait status %#x\n", (unsigned)status);
		abort();	/* whose handler stores the input */
	}
}
