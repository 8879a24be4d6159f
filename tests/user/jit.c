/* SPDX-License-Identifier: MIT */
/*
 * Code that a program writes itself: in one mapping that may be written and
 * executed, in one that changes from writable to executable and back, and in a
 * file that is mapped twice; also while another thread executes what is replaced
 * behind a call, and in a child that shares the pages.
 */
#include "harness.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef int (*fn)(void);
enum { ROUNDS = 200 };

/* int f(void) { return v; } for 0 <= v < 65536. */
static void emit(void *at, unsigned v, void *execute_at)
{
#if defined(__x86_64__)
	uint8_t code[] = { 0xb8, (uint8_t)v, (uint8_t)(v >> 8), 0, 0, 0xc3 };
#elif defined(__aarch64__)
	uint32_t code[] = { 0x52800000 | v << 5, 0xd65f03c0 };
#endif
	memcpy(at, code, sizeof(code));
	__builtin___clear_cache((char *)execute_at, (char *)execute_at + sizeof(code));
}

static long page;

static int one_mapping(void)
{
	char *p = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned i = 0; i < ROUNDS; i++) {
		emit(p, i, p);
		if (((fn)p)() != (int)i)
			return 0;
	}
	return !munmap(p, page);
}

static int turns(void)
{
	char *p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned i = 0; i < ROUNDS; i++) {
		emit(p, i + 1000, p);
		if (mprotect(p, page, PROT_READ | PROT_EXEC) || ((fn)p)() != (int)i + 1000 || mprotect(p, page, PROT_READ | PROT_WRITE))
			return 0;
	}
	return !munmap(p, page);
}

static int two_mappings(void)
{
	int fd = memfd_create("jit", 0);
	char *w, *x;

	if (fd < 0 || ftruncate(fd, page))
		return 0;
	w = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	x = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (w == MAP_FAILED || x == MAP_FAILED)
		return 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		emit(w, i + 2000, x);
		if (((fn)x)() != (int)i + 2000)
			return 0;
	}
	close(fd);
	return !munmap(w, page) && !munmap(x, page);
}

/* New pages each time: what another address space executed there must not be seen. */
static int fresh_pages(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		char *p = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 0;
		emit(p, i + 3000, p);
		if (((fn)p)() != (int)i + 3000)
			return 0;
		munmap(p, page);
	}
	return 1;
}

static int child_copies(void)
{
	char *p = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int good = 1;

	emit(p, 1, p);
	for (int i = 0; i < 20; i++) {
		int status;
		pid_t pid = fork();

		if (!pid) {
			if (((fn)p)() != 1)
				_exit(1);
			emit(p, 2, p);
			_exit(((fn)p)() != 2);
		}
		waitpid(pid, &status, 0);
		good = good && status == 0 && ((fn)p)() == 1;
	}
	return good;
}

static char *shared_code;
static _Atomic unsigned round_now, seen;
static _Atomic int wrong;

static void *runner(void *arg)
{
	for (unsigned r = 1; r <= ROUNDS; r++) {
		while (round_now < r)
			;
#if defined(__aarch64__)
		__asm__ volatile("isb");
#endif
		if (((fn)shared_code)() != (int)r)
			wrong++;
		seen = r;
	}
	return NULL;
}

static int two_threads(void)
{
	pthread_t t;

	shared_code = mmap(NULL, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pthread_create(&t, NULL, runner, NULL))
		return 0;
	for (unsigned r = 1; r <= ROUNDS; r++) {
		emit(shared_code, r, shared_code);
		round_now = r;
		while (seen < r)
			;
	}
	pthread_join(t, NULL);
	return !wrong;
}

int main(void)
{
	page = sysconf(_SC_PAGESIZE);
	plan(6);
	ok(one_mapping(), "write and execute in one mapping");
	ok(turns(), "mprotect from writable to executable and back");
	ok(two_mappings(), "a file mapped for writing and for executing");
	ok(fresh_pages(), "new pages at the same address");
	ok(child_copies(), "a child's copy is its own");
	ok(two_threads(), "another thread executes what was written");
	return done();
}
