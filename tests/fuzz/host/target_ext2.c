/* SPDX-License-Identifier: MIT */
/*
 * Target `ext2`: a file system whose maker means harm.
 *
 *   input  := how:1 patches:1 patch* program
 *   patch  := offset:3 length:1 byte*       over the image that mke2fs made
 *
 * The program mounts the changed image and works in it.  `how`: which image
 * (blocks of 1 KiB or 4 KiB), read-only or not, and whether fixed walks are
 * made besides: one that reads all there is, one that changes something of
 * every kind.
 *
 * Most patches that the mutator makes are where the image says something
 * (not zero, and not file content, which is one byte repeated).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "program/program.h"
#include "programs.h"
#include "script.h"
#include "target_ext2.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

enum { HOW_4K = 1, HOW_READ_ONLY = 2, HOW_WALK = 4, HOW_CHANGE = 8, HOW_UNMOUNT = 16, HEAD = 2, PATCHES = 24, PATCH_MAX = 32, PATCH_HEAD = 4,
	CONTENT = 0xee, WORDS = 1 << 14, PART = 1 << 16 };

struct patch { uint32_t off; uint8_t len; uint8_t bytes[PATCH_MAX]; };

/* ---- input ---- */

/* Returns how many; *rest: where the program begins. */
static unsigned parse(const uint8_t *data, size_t size, struct patch *out, size_t *rest)
{
	unsigned n = 0, want = size >= HEAD ? data[1] % (PATCHES + 1) : 0;
	size_t at = HEAD;

	for (; n < want && at + PATCH_HEAD <= size; n++) {
		struct patch *p = &out[n];

		p->off = data[at] | (uint32_t)data[at + 1] << 8 | (uint32_t)data[at + 2] << 16;
		p->len = (uint8_t)(1 + data[at + 3] % PATCH_MAX);
		at += PATCH_HEAD;
		if (p->len > size - at)
			p->len = (uint8_t)(size - at);
		memcpy(p->bytes, data + at, p->len);
		at += p->len;
	}
	*rest = at < size ? at : size;
	return n;
}

static size_t format(uint8_t how, const struct patch *p, unsigned n, uint8_t *out)
{
	size_t at = 0;

	out[at++] = how;
	out[at++] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		out[at++] = (uint8_t)p[i].off;
		out[at++] = (uint8_t)(p[i].off >> 8);
		out[at++] = (uint8_t)(p[i].off >> 16);
		out[at++] = (uint8_t)(p[i].len - 1);
		memcpy(out + at, p[i].bytes, p[i].len);
		at += p[i].len;
	}
	return at;
}

/* ---- run ---- */

static const char *const names[] = { "a", "b", "c", "d", "d/a", "d/b", "d/e", "d/e/a", "f", "l", "m", "d/f", "many", "sparse", "." };
enum { NAMES = sizeof(names) / sizeof(names[0]), O_NONBLOCK_ = 04000, O_RDWR_ = 2, O_CREAT_ = 0100 };

static void read_all(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		uint64_t name = script_text(names[i]);
		unsigned fd;

		fd = script_call(0, NR_open, name, O_NONBLOCK_, 0, 0, 0, 0);
		script_call(1, NR_getdents64, fd, FUZZ_ARENA + 0x1000, 4096, 0, 0, 0);
		script_call(1, NR_read, fd, FUZZ_ARENA + 0x1000, 8192, 0, 0, 0);
		script_call(1, NR_close, fd, 0, 0, 0, 0, 0);
		name = script_text(names[i]);
		script_call(0, i % 2 ? NR_listxattr : NR_stat, name, FUZZ_ARENA + 0x1000, 4096, 0, 0, 0);
	}
	script_call(0, NR_readlink, script_text("m"), FUZZ_ARENA + 0x1000, 4096, 0, 0, 0);
	script_call(0, NR_statfs, script_text("."), FUZZ_ARENA + 0x1000, 0, 0, 0, 0);
}

static uint64_t text2(const char *a, const char *b, uint64_t *second)
{
	uint64_t first = script_text(a);

	*second = script_text(b);
	return first;
}

static void change_all(void)
{
	uint64_t x, y;
	unsigned fd = script_call(0, NR_open, script_text("new"), O_RDWR_ | O_CREAT_, 0644, 0, 0, 0);

	script_call(1, NR_pread64, fd, FUZZ_ARENA + 0x1000, 100, 0, 0, 0);
	script_call(1, NR_write, fd, FUZZ_ARENA, 20000, 0, 0, 0);
	script_call(1, NR_lseek, fd, 400000, 0, 0, 0, 0);
	script_call(1, NR_write, fd, FUZZ_ARENA, 5000, 0, 0, 0);
	script_call(1, NR_fsync, fd, 0, 0, 0, 0, 0);
	script_call(0, NR_mkdir, script_text("many/sub"), 0755, 0, 0, 0, 0);
	x = text2("a", "many/link", &y);
	script_call(0, NR_link, x, y, 0, 0, 0, 0);
	script_call(0, NR_unlink, script_text("f"), 0, 0, 0, 0, 0);
	script_call(0, NR_unlink, script_text("b"), 0, 0, 0, 0, 0);
	script_call(0, NR_rmdir, script_text("d/e"), 0, 0, 0, 0, 0);
	x = text2("d", "many/d", &y);
	script_call(0, NR_rename, x, y, 0, 0, 0, 0);
	script_call(0, NR_truncate, script_text("sparse"), 1000, 0, 0, 0, 0);
	x = text2("c", "user.new", &y);
	script_call(0, NR_setxattr, x, y, FUZZ_ARENA, 600, 0, 0);
	x = text2("a", "user.a", &y);
	script_call(0, NR_removexattr, x, y, 0, 0, 0, 0);
	x = text2("some-target-that-is-longer-than-sixty-bytes-which-an-inode-has-room-for", "sym", &y);
	script_call(0, NR_symlink, x, y, 0, 0, 0, 0);
	script_call(0, NR_sync, 0, 0, 0, 0, 0, 0);
}

uint64_t ext2_one(const uint8_t *data, size_t size)
{
	static struct patch patches[PATCHES];
	struct fuzz_run r = { .schedule = FUZZ_FAIR };
	uint8_t how = size ? data[0] : 0;
	size_t rest, disk_size;
	unsigned n = parse(data, size, patches, &rest);
	uint64_t x, y, type;
	char *disk;

	engine_prepare();
	disk = engine_disk(how & HOW_4K ? 2 : 1, &disk_size);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; k < patches[i].len; k++)
			disk[(patches[i].off + k) % disk_size] = (char)patches[i].bytes[k];
	script_begin();
	x = script_text(how & HOW_4K ? "/dev/vdc" : "/dev/vdb");
	y = script_text("/mnt");
	type = script_text("ext2");
	script_call(0, NR_mount, x, y, type, how & HOW_READ_ONLY ? 1 : 0, 0, 0);
	script_call(0, NR_chdir, script_text("/mnt"), 0, 0, 0, 0, 0);
	if (how & HOW_WALK)
		read_all();
	if (how & HOW_CHANGE)
		change_all();
	script_after();
	if (how & HOW_UNMOUNT) {
		script_call(0, NR_chdir, script_text("/"), 0, 0, 0, 0, 0);
		script_call(0, NR_umount2, script_text("/mnt"), 2 /* MNT_DETACH */, 0, 0, 0, 0);
		script_call(0, NR_sync, 0, 0, 0, 0, 0, 0);
	}
	script_run(&r, data + rest, size - rest);
	return r.trace;
}

/* ---- changes ---- */

static uint32_t *words[2];		/* where the images say something */
static unsigned nwords[2];

static void words_find(unsigned which)
{
	size_t size;
	const char *disk = engine_disk(1 + which, &size);

	engine_prepare();
	words[which] = malloc(WORDS * sizeof(uint32_t));
	for (uint32_t at = 0; at + 4 <= size && nwords[which] < WORDS; at += 2) {
		const uint8_t *p = (const uint8_t *)disk + at;

		if ((p[0] | p[1]) && (p[0] != CONTENT || p[1] != CONTENT))
			words[which][nwords[which]++] = at;
	}
}

static uint64_t rand_next(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void patch_make(struct patch *p, unsigned which, uint64_t *s)
{
	static const uint32_t odd[] = { 0, 1, 2, 3, 11, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 1024, 4096, 511, 512, 513 };
	static const uint8_t sizes[] = { 1, 2, 2, 4, 4, 4 };
	size_t size;
	const char *disk = engine_disk(1 + which, &size);
	uint64_t v = 0;

	p->off = nwords[which] ? words[which][rand_next(s) % nwords[which]] : 0;
	if (rand_next(s) % 3 == 0)	/* the super block, the descriptors, the root's inode and what is near */
		p->off = (uint32_t)(1024 + rand_next(s) % (rand_next(s) % 2 ? 264 : 8192));
	if (rand_next(s) % 4 == 0)
		p->off += (uint32_t)(rand_next(s) % 16);
	p->len = sizes[rand_next(s) % sizeof(sizes)];
	p->off %= (uint32_t)size - 8;
	memcpy(&v, disk + p->off, p->len);
	switch (rand_next(s) % 5) {
	case 0: v = odd[rand_next(s) % (sizeof(odd) / sizeof(odd[0]))]; break;
	case 1: v += 1 + rand_next(s) % 4; break;
	case 2: v -= 1 + rand_next(s) % 4; break;
	case 3: v ^= UINT64_C(1) << rand_next(s) % (8 * p->len); break;
	default: v = rand_next(s) % 2 ? rand_next(s) % 600 : rand_next(s); break;
	}
	memcpy(p->bytes, &v, p->len);
}

size_t ext2_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static struct patch patches[PATCHES];
	static uint8_t out[PART], program[PART];
	uint64_t s = seed;
	uint8_t how = size ? data[0] : HOW_WALK | HOW_CHANGE | HOW_UNMOUNT;
	unsigned n, i, which;
	size_t rest, m, head;

	if (max > PART || max < HEAD + PATCHES * (PATCH_HEAD + PATCH_MAX) + 64 || rand_next(&s) % 32 == 0)
		return LLVMFuzzerMutate(data, size, max);
	n = parse(data, size, patches, &rest);
	m = size - rest;
	memcpy(program, data + rest, m);
	if (rand_next(&s) % 8 == 0)
		how ^= (uint8_t)(1u << rand_next(&s) % 5);
	which = how & HOW_4K ? 1 : 0;
	if (!words[which])
		words_find(which);
	if (rand_next(&s) % 3) {
		for (unsigned k = 1 + (unsigned)(rand_next(&s) % 3); k-- > 0;) {
			i = n ? (unsigned)(rand_next(&s) % n) : 0;
			switch (rand_next(&s) % 6) {
			case 0:
				if (n)
					patches[i] = patches[--n];
				break;
			case 1:
				if (n && patches[i].len)
					patches[i].bytes[rand_next(&s) % patches[i].len] ^= (uint8_t)(1u << rand_next(&s) % 8);
				break;
			default:
				patch_make(&patches[n < PATCHES && rand_next(&s) % 4 ? n++ : i], which, &s);
				n += !n;
			}
		}
	} else {
		m = programs_mutate(program, m, max - HEAD - PATCHES * (PATCH_HEAD + PATCH_MAX), (unsigned)rand_next(&s));
	}
	head = format(how, patches, n, out);
	if (m > max - head)
		m = max - head;
	memcpy(data, out, head);
	memcpy(data + head, program, m);
	return head + m;
}

void ext2_print(const uint8_t *data, size_t size)
{
	static struct patch patches[PATCHES];
	size_t rest;
	unsigned n = parse(data, size, patches, &rest);

	printf("# image %s, how %#x\n", size && data[0] & HOW_4K ? "vdc" : "vdb", size ? data[0] : 0u);
	for (unsigned i = 0; i < n; i++) {
		printf("# at %#x:", patches[i].off);
		for (unsigned k = 0; k < patches[i].len; k++)
			printf(" %02x", patches[i].bytes[k]);
		printf("\n");
	}
	programs_print(data + rest, size - rest);
}

/* What file systems are for. */
static bool allowed(const struct syscall_desc *d)
{
	static const char *const calls[] = { "open", "openat", "creat", "read", "write", "pread64", "pwrite64", "lseek", "fsync", "fdatasync", "sync",
		"syncfs", "mount", "umount2", "close", "mkdir", "rmdir", "mkdirat", "unlink", "unlinkat", "rename", "renameat", "renameat2", "truncate",
		"ftruncate", "getdents64", "getdents", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "mmap", "msync", "munmap",
		"fallocate", "link", "linkat", "symlink", "symlinkat", "readlink", "readlinkat", "chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown",
		"utime", "utimensat", "setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "removexattr",
		"lremovexattr", "mknod", "mknodat", "access", "chdir", "fchdir", "sendfile", "copy_file_range", "splice", "fork", "setreuid", "setfsuid",
		"execve", "posix_fadvise", "readahead", "ioctl", "name_to_handle_at", "open_by_handle_at", "quotactl", "flock" };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(d->name, calls[i]))
			return true;
	return false;
}

void ext2_init(void)
{
	static const struct fuzz_choice choice = { .allowed = allowed, .max_calls = 16, .streams = 2 };

	programs_choose(&choice);
}
