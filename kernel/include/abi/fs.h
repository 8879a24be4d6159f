/* SPDX-License-Identifier: MIT */
/* File-system wire formats and constants shared by all CPUs; what differs is in <abi/fs_cpu.h>. */
#ifndef ABI_FS_H
#define ABI_FS_H
#include <stdint.h>
#include <abi/fs_cpu.h>		/* struct abi_stat, O_DIRECTORY, O_NOFOLLOW, O_DIRECT, O_LARGEFILE */

enum { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3, O_CREAT = 0100, O_EXCL = 0200, O_NOCTTY = 0400, O_TRUNC = 01000,
	O_APPEND = 02000, O_NONBLOCK = 04000, O_DSYNC = 010000, O_ASYNC = 020000, O_NOATIME = 01000000, O_CLOEXEC = 02000000,
	O_SYNC = 04010000, O_PATH = 010000000, O_TMPFILE_BIT = 020000000 };
#define O_TMPFILE (O_TMPFILE_BIT | O_DIRECTORY)

enum { S_IFMT = 0170000, S_IFSOCK = 0140000, S_IFLNK = 0120000, S_IFREG = 0100000, S_IFBLK = 0060000, S_IFDIR = 0040000,
	S_IFCHR = 0020000, S_IFIFO = 0010000, S_ISUID = 04000, S_ISGID = 02000, S_ISVTX = 01000 };
#define S_ISTYPE(m, t) (((m) & S_IFMT) == (t))
#define S_ISREG(m) S_ISTYPE(m, S_IFREG)
#define S_ISDIR(m) S_ISTYPE(m, S_IFDIR)
#define S_ISLNK(m) S_ISTYPE(m, S_IFLNK)
#define S_ISCHR(m) S_ISTYPE(m, S_IFCHR)
#define S_ISBLK(m) S_ISTYPE(m, S_IFBLK)
#define S_ISFIFO(m) S_ISTYPE(m, S_IFIFO)
#define S_ISSOCK(m) S_ISTYPE(m, S_IFSOCK)
enum { DT_UNKNOWN = 0, DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_BLK = 6, DT_REG = 8, DT_LNK = 10, DT_SOCK = 12 };
#define MODE_TO_DT(m) (((m) & S_IFMT) >> 12)
enum { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2, SEEK_DATA = 3, SEEK_HOLE = 4 };
enum { AT_SYMLINK_NOFOLLOW = 0x100, AT_EACCESS = 0x200, AT_REMOVEDIR = 0x200, AT_SYMLINK_FOLLOW = 0x400, AT_NO_AUTOMOUNT = 0x800,
	AT_EMPTY_PATH = 0x1000 };
enum { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 };
enum { MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_SYNCHRONOUS = 16, MS_REMOUNT = 32, MS_MANDLOCK = 64,
	MS_DIRSYNC = 128, MS_NOSYMFOLLOW = 256, MS_NOATIME = 1024, MS_NODIRATIME = 2048, MS_BIND = 4096, MS_MOVE = 8192, MS_REC = 16384,
	MS_SILENT = 32768, MS_UNBINDABLE = 1 << 17, MS_PRIVATE = 1 << 18, MS_SLAVE = 1 << 19, MS_SHARED = 1 << 20,
	MS_RELATIME = 1 << 21, MS_STRICTATIME = 1 << 24, MS_LAZYTIME = 1 << 25 };
#define MS_NOUSER (1u << 31)
enum { PATH_MAX = 4096, NAME_MAX = 255, SYMLOOP_MAX = 40 };

struct abi_statfs {
	int64_t f_type, f_bsize;
	uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	int32_t f_fsid[2];
	int64_t f_namelen, f_frsize, f_flags, f_spare[4];
};
struct abi_dirent64 { uint64_t d_ino; int64_t d_off; uint16_t d_reclen; uint8_t d_type; char d_name[]; };
#endif
