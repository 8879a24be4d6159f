/* SPDX-License-Identifier: MIT */
/* pkey_alloc(2), pkey_free(2), pkey_mprotect(2): where the processor has no keys there are none; where it has, they can be had, used and given back. */
#include "harness.h"
#include "child.h"
#include "fault.h"
#include <sys/mman.h>

int main(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long key;

	plan(10);
	fault_init();
	ok_errno(syscall(SYS_pkey_alloc, 1, 0), EINVAL, "flags");
	ok_errno(syscall(SYS_pkey_alloc, 0, 0x100), EINVAL, "unknown rights");
	ok_errno(syscall(SYS_pkey_free, 1000), EINVAL, "a key that cannot be");
	ok_errno(syscall(SYS_pkey_free, -1), EINVAL, "no key");
	ok_errno(syscall(SYS_pkey_mprotect, p, 4096, PROT_READ, 9), EINVAL, "a key nobody has allocated");
	ok(syscall(SYS_pkey_mprotect, p, 4096, PROT_READ, -1) == 0 && fault_write(p, 1) == SIGSEGV, "without a key it is mprotect");
	key = syscall(SYS_pkey_alloc, 0, 0);
#ifdef __x86_64__
	ok(key > 0 || errno == EINVAL, "a key, or EINVAL (%ld)", key);
#else
	ok(key > 0 || errno == ENOSPC, "a key, or ENOSPC (%ld)", key);
#endif
	ok((syscall(SYS_pkey_mprotect, p, 4096, PROT_READ | PROT_WRITE, key > 0 ? key : 1) == 0) == (key > 0), "which can be used if there is one");
	ok((syscall(SYS_pkey_free, key > 0 ? key : 1) == 0) == (key > 0), "and given back");
	ok_errno(syscall(SYS_pkey_free, key > 0 ? key : 1), EINVAL, "once");
	return done();
}
