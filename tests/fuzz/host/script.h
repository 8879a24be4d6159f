/* SPDX-License-Identifier: MIT */
/* Fixed calls that a target's first program makes before and after its generated ones. */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H
#include "engine.h"

enum { SCRIPT_CALLS = 160, SCRIPT_DATA = 160 };

/* An empty script. */
void script_begin(void);
/* Bytes for the call that is added next; they are put into the program's memory just before it.  Returns their address. */
uint64_t script_bytes(const void *p, size_t n);
uint64_t script_text(const char *s);
/* Adds a call; bit i of `results`: argument i is what call number args[i] returned.  Returns the call's number. */
unsigned script_call(unsigned results, unsigned nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);
/* What is added from now on comes when stream 0 of the program has ended. */
void script_after(void);
/* Runs the script and between its halves the typed program that these bytes are (size 0: none). */
void script_run(struct fuzz_run *r, const uint8_t *program, size_t size);

/* Numbers of x86-64, which is what the machine is. */
enum { NR_read = 0, NR_write = 1, NR_open = 2, NR_close = 3, NR_stat = 4, NR_lseek = 8, NR_mmap = 9, NR_ioctl = 16, NR_pread64 = 17, NR_dup2 = 33,
	NR_socketpair = 53, NR_fork = 57, NR_execve = 59, NR_fcntl = 72, NR_fsync = 74, NR_truncate = 76, NR_ftruncate = 77, NR_chdir = 80,
	NR_rename = 82, NR_mkdir = 83, NR_rmdir = 84, NR_link = 86, NR_unlink = 87, NR_symlink = 88, NR_readlink = 89, NR_chmod = 90,
	NR_statfs = 137, NR_sync = 162, NR_mount = 165, NR_umount2 = 166, NR_setxattr = 188, NR_getxattr = 191, NR_listxattr = 194,
	NR_removexattr = 197, NR_getdents64 = 217, NR_fallocate = 285, NR_prlimit64 = 302 };
#endif
