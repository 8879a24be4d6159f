/* SPDX-License-Identifier: MIT */
/* Protections are enforced on every access: write to read-only, run what may not run, code that changes, the program's own text and constants. */
#include "harness.h"
#include "child.h"
#include "fault.h"
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
static const unsigned char ret1[] = { 0xb8, 1, 0, 0, 0, 0xc3 }, ret2[] = { 0xb8, 2, 0, 0, 0, 0xc3 };
#else
static const unsigned char ret1[] = { 0x20, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6 }, ret2[] = { 0x40, 0x00, 0x80, 0x52, 0xc0, 0x03, 0x5f, 0xd6 };
#endif
static const char constant[] = "constant";
static char data_code[4096] __attribute__((aligned(4096)));

static int call(void *p) { return ((int (*)(void))(unsigned long)p)(); }
static void put(void *p, const void *code, size_t n)
{
	memcpy(p, code, n);
	__builtin___clear_cache((char *)p, (char *)p + n);
}

int main(void)
{
	char *p, *q;
	int fd;
	volatile char stack_code[64];

	plan(19);
	fault_init();
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	put(p, ret1, sizeof(ret1));
	ok(fault_call(p) == SIGSEGV && fault_code == SEGV_ACCERR, "data does not run");
	ok(fault_addr == p, "the fault's address is the code's");
	mprotect(p, 4096, PROT_READ | PROT_EXEC);
	ok(call(p) == 1, "made executable it runs");
	ok(fault_write(p, 0) == SIGSEGV && fault_code == SEGV_ACCERR && call(p) == 1, "and cannot be written");
	mprotect(p, 4096, PROT_READ | PROT_WRITE);
	put(p, ret2, sizeof(ret2));
	ok(fault_call(p) == SIGSEGV, "writable again, it does not run");
	mprotect(p, 4096, PROT_READ | PROT_EXEC);
	ok(call(p) == 2, "the new code, not the old");
	for (int i = 0; i < 200; i++) {
		mprotect(p, 4096, PROT_READ | PROT_WRITE);
		put(p, i & 1 ? ret1 : ret2, sizeof(ret1));
		mprotect(p, 4096, PROT_READ | PROT_EXEC);
		if (call(p) != (i & 1 ? 1 : 2))
			bail("round %d", i);
	}
	ok(1, "two hundred times");
	mprotect(p, 4096, PROT_NONE);
	ok(fault_read(p) == SIGSEGV && fault_code == SEGV_ACCERR, "PROT_NONE: no reading");
	ok(fault_call(p) == SIGSEGV, "no running");
	mprotect(p, 4096, PROT_READ);
	ok(p[0] == (char)ret1[0] && fault_write(p, 1) == SIGSEGV, "its bytes are still there");
	ok(fault_write((char *)(unsigned long)constant, 'x') == SIGSEGV && !strcmp(constant, "constant"), "constants");
	ok(fault_write((char *)(unsigned long)&main, 0) == SIGSEGV, "the program's text");
	put(data_code, ret1, sizeof(ret1));
	ok(fault_call(data_code) == SIGSEGV, "the data segment does not run");
	memcpy((void *)stack_code, ret1, sizeof(ret1));
	ok(fault_call((void *)stack_code) == SIGSEGV, "nor the stack");
	q = malloc(64);
	memcpy(q, ret1, sizeof(ret1));
	ok(fault_call(q) == SIGSEGV, "nor the heap");
	fd = open("code", O_RDWR | O_CREAT, 0700);
	if (write(fd, ret1, sizeof(ret1)) != (ssize_t)sizeof(ret1))
		bail("write");
	q = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	ok(call(q) == 1 && fault_write(q, 0) == SIGSEGV, "a file's code runs and is not written");
	q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	ok(fault_call(q) == SIGSEGV, "mapped for reading it does not run");
	ok(in_child(({ p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); put(p, ret1, sizeof(ret1)); mprotect(p, 4096, PROT_READ | PROT_EXEC); pid_t c = fork(); if (!c) _exit(call(p) == 1 && fault_write(p, 0) == SIGSEGV ? 0 : 1); exit_of(c); })) == 0, "the same in a child");
	/* the kernel respects them as well */
	int z = open("/dev/zero", O_RDONLY);
	mprotect(data_code, 4096, PROT_READ);
	ok_errno(read(z, data_code, 1), EFAULT, "a system call cannot write it either");
	return done();
}
