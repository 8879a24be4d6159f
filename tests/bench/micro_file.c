/* SPDX-License-Identifier: MIT */
/*
 * Rows: files.  The working directory is on the machine's disk; the rows named
 * tmpfs use /dev/shm.  "Cold" means that this machine's page cache has been
 * told to forget (posix_fadvise); the host below it may well remember.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "micro.h"

enum { MIB = 1 << 20, COLD_MIB = 16, FILES = 10000 };
static int file;
static char buffer[MIB];

static int scratch_file(const char *template)
{
	char name[64];
	int fd;

	strcpy(name, template);
	NEED((fd = mkstemp(name)) >= 0);
	unlink(name);
	return fd;
}

void setup_read_1m(void)
{
	file = scratch_file("micro.XXXXXX");
	memset(buffer, 1, sizeof(buffer));
	NEED(pwrite(file, buffer, MIB, 0) == MIB);
}

void read_1m_into(char *to) { NEED(pread(file, to, MIB, 0) == MIB); }
static void op_read_1m(void) { read_1m_into(buffer); }
static void op_write_1m(void) { NEED(pwrite(file, buffer, MIB, 0) == MIB); }

static void op_write_fsync(void)
{
	NEED(pwrite(file, buffer, MIB, 0) == MIB);
	NEED(fsync(file) == 0);
}

static void setup_cold(void)
{
	setup_read_1m();
	for (int i = 1; i < COLD_MIB; i++)
		NEED(pwrite(file, buffer, MIB, (off_t)i * MIB) == MIB);
	NEED(fsync(file) == 0);
}

static double timed_cold(void)
{
	double start;

	NEED(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0);
	NEED(lseek(file, 0, SEEK_SET) == 0);
	start = now_ns();
	for (int i = 0; i < COLD_MIB * 16; i++)
		NEED(read(file, buffer, MIB / 16) == MIB / 16);
	return now_ns() - start;
}

/* ---- many files in one directory ---- */

static void enter_scratch(const char *where)
{
	char name[] = "micro.XXXXXX";

	NEED(chdir(where) == 0);
	NEED(mkdtemp(name) != NULL);
	NEED(chdir(name) == 0);
	/* Gone when the row is: an empty directory that has been removed can still be left. */
}

static void leave_scratch(void)
{
	char path[4096];

	NEED(getcwd(path, sizeof(path)) != NULL);
	NEED(chdir("..") == 0);
	NEED(rmdir(path) == 0);
}

static void create_all(void)
{
	for (int i = 0; i < FILES; i++) {
		char name[32];
		int fd;

		snprintf(name, sizeof(name), "f%d", i);
		NEED((fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600)) >= 0);
		close(fd);
	}
}

static void unlink_all(void)
{
	for (int i = 0; i < FILES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%d", i);
		NEED(unlink(name) == 0);
	}
}

static double timed_create_unlink_in(const char *where)
{
	double took;

	enter_scratch(where);
	took = now_ns();
	create_all();
	unlink_all();
	took = now_ns() - took;
	leave_scratch();
	return took;
}

static double timed_create_unlink(void) { return timed_create_unlink_in("."); }
static double timed_create_unlink_tmpfs(void) { return timed_create_unlink_in("/dev/shm"); }

static double timed_getdents(void)
{
	double start, took = 0;
	long entries = 0, n;
	int dir;

	enter_scratch(".");
	create_all();
	NEED((dir = open(".", O_RDONLY | O_DIRECTORY)) >= 0);
	for (int pass = 0; pass < 4; pass++) {
		NEED(lseek(dir, 0, SEEK_SET) == 0);
		entries = 0;
		start = now_ns();
		while ((n = syscall(SYS_getdents64, dir, buffer, 32768)) > 0)
			for (long at = 0; at < n; at += *(unsigned short *)(buffer + at + 16))
				entries++;
		if (pass > 0)
			took += (now_ns() - start) / 3;
		NEED(n == 0 && entries == FILES + 2);
	}
	close(dir);
	unlink_all();
	leave_scratch();
	return took;
}

const struct row rows_file[] = {
	{ .name = "file_read_mib", .setup = setup_read_1m, .op = op_read_1m },
	{ .name = "file_write_mib", .setup = setup_read_1m, .op = op_write_1m },
	{ .name = "disk_read_cold_mib", .setup = setup_cold, .timed = timed_cold, .per = COLD_MIB },
	{ .name = "disk_write_fsync_mib", .setup = setup_read_1m, .op = op_write_fsync },
	{ .name = "create_unlink_file", .timed = timed_create_unlink, .per = FILES },
	{ .name = "create_unlink_tmpfs", .timed = timed_create_unlink_tmpfs, .per = FILES },
	{ .name = "getdents_entry", .timed = timed_getdents, .per = FILES },
	{ .name = NULL },
};
