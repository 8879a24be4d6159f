/* SPDX-License-Identifier: MIT */
/* AArch64 (asm-generic): struct stat and the open flags whose values are per CPU. */
#ifndef ABI_FS_CPU_H
#define ABI_FS_CPU_H
#include <stdint.h>
enum { O_DIRECTORY = 040000, O_NOFOLLOW = 0100000, O_DIRECT = 0200000, O_LARGEFILE = 0400000 };
struct abi_stat {
	uint64_t st_dev, st_ino;
	uint32_t st_mode, st_nlink, st_uid, st_gid;
	uint64_t st_rdev, pad1;
	int64_t st_size;
	int32_t st_blksize, pad2;
	int64_t st_blocks;
	int64_t st_atime_sec, st_atime_nsec, st_mtime_sec, st_mtime_nsec, st_ctime_sec, st_ctime_nsec;
	uint32_t unused[2];
};
_Static_assert(sizeof(struct abi_stat) == 128, "struct stat");
#endif
