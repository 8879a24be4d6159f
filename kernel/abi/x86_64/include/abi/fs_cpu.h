/* SPDX-License-Identifier: MIT */
/* x86-64: struct stat and the open flags whose values are per CPU. */
#ifndef ABI_FS_CPU_H
#define ABI_FS_CPU_H
#include <stdint.h>
enum { O_DIRECT = 040000, O_LARGEFILE = 0100000, O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000 };
struct abi_stat {
	uint64_t st_dev, st_ino, st_nlink;
	uint32_t st_mode, st_uid, st_gid, pad0;
	uint64_t st_rdev;
	int64_t st_size, st_blksize, st_blocks;
	int64_t st_atime_sec, st_atime_nsec, st_mtime_sec, st_mtime_nsec, st_ctime_sec, st_ctime_nsec, unused[3];
};
_Static_assert(sizeof(struct abi_stat) == 144, "struct stat");
#endif
