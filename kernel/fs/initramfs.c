/* SPDX-License-Identifier: MIT */
/*
 * The initial RAM disk as an archive of files: cpio's "newc" format, as
 * `cpio -o -H newc` writes it and Linux's initramfs takes it
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * A file is a header of 110 bytes, all numbers in eight hexadecimal digits; its
 * name; its data; each part padded to four bytes.  "TRAILER!!!" ends an
 * archive; zeros, and further archives, may follow.  Files with the same inode
 * number and a link count above one are one file, whose data comes with one of
 * its names.
 *
 * The archive is not trusted: every length is checked against what is left.
 */
#include <hal/hal.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/initrd.h>
#include <kernel/print.h>
#include <kernel/radix.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/vfs.h>

enum { HEADER = 110, DIGITS = 8, NAME_BYTES = 4096 };
enum field { INO, MODE, UID, GID, NLINK, MTIME, FILESIZE, DEV_MAJOR, DEV_MINOR, RDEV_MAJOR, RDEV_MINOR, NAMESIZE, CHECK, FIELDS };
struct entry { uint32_t f[FIELDS]; const char *name; const uint8_t *data; };

static const struct { uint8_t bytes[6]; unsigned n; const char *name; } compressions[] = {
	{ { 0x1f, 0x8b }, 2, "gzip" }, { { 0xfd, '7', 'z', 'X', 'Z' }, 5, "xz" }, { { 0x28, 0xb5, 0x2f, 0xfd }, 4, "zstd" },
	{ { 'B', 'Z', 'h' }, 3, "bzip2" }, { { 0x02, 0x21, 0x4c, 0x18 }, 4, "lz4" }, { { 0x89, 'L', 'Z', 'O' }, 4, "lzop" },
};

static const uint8_t *initrd_bytes(size_t *size)
{
	const struct hal_boot *b = hal_boot_info();

	*size = b->initrd_size;
	return b->initrd ? hal_phys_to_virt(b->initrd) : NULL;
}

static bool is_header(const uint8_t *p, size_t left)
{
	return left >= HEADER && (!memcmp(p, "070701", 6) || !memcmp(p, "070702", 6));
}

static const char *compressed_by(const uint8_t *p, size_t left)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (left >= sizeof(compressions[i].bytes) && !memcmp(p, compressions[i].bytes, compressions[i].n))
			return compressions[i].name;
	return NULL;
}

enum initrd_kind initrd_kind(void)
{
	size_t size;
	const uint8_t *p = initrd_bytes(&size);

	if (!p || !size)
		return INITRD_NONE;
	return is_header(p, size) || compressed_by(p, size) ? INITRD_ARCHIVE : INITRD_DISK;
}

static bool hex(const uint8_t *p, uint32_t *out)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < DIGITS; i++) {
		unsigned c = p[i], d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 16;

		if (d > 15)
			return false;
		v = v << 4 | d;
	}
	*out = v;
	return true;
}

/* The entry at p; its length with padding in *length.  -EINVAL: there is none, or it is cut short. */
static int parse(const uint8_t *p, size_t left, struct entry *e, size_t *length)
{
	size_t name_end, data_end;

	if (!is_header(p, left))
		return -EINVAL;
	for (unsigned i = 0; i < FIELDS; i++)
		if (!hex(p + 6 + i * DIGITS, &e->f[i]))
			return -EINVAL;
	if (e->f[NAMESIZE] == 0 || e->f[NAMESIZE] > NAME_BYTES || e->f[NAMESIZE] > left - HEADER)
		return -EINVAL;
	e->name = (const char *)p + HEADER;
	if (e->name[e->f[NAMESIZE] - 1])
		return -EINVAL;
	name_end = ALIGN_UP((size_t)HEADER + e->f[NAMESIZE], (size_t)4);
	data_end = ALIGN_UP(name_end + e->f[FILESIZE], (size_t)4);
	if (name_end > left || e->f[FILESIZE] > left - name_end)
		return -EINVAL;
	e->data = p + name_end;
	*length = MIN(data_end, left);
	return 0;
}

static int set_attributes(const struct path *p, const struct entry *e)
{
	struct inode_attr a = { .valid = ATTR_UID | ATTR_GID | ATTR_MTIME | ATTR_MTIME_SET, .uid = e->f[UID], .gid = e->f[GID],
		.mtime.sec = e->f[MTIME] };

	if (!S_ISLNK(e->f[MODE])) {
		a.valid |= ATTR_MODE;
		a.mode = e->f[MODE] & 07777;
	}
	return vfs_setattr(p, &a);
}

static int write_data(const struct entry *e)
{
	struct file *f;
	struct uio u;
	uint64_t pos = 0;
	int64_t n = 0;
	int err;

	err = file_open(AT_FDCWD, e->name, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0, &f);
	if (err)
		return err;
	while (pos < e->f[FILESIZE] && n >= 0) {
		uio_init_kernel(&u, (void *)(uintptr_t)(e->data + pos), e->f[FILESIZE] - pos);
		n = f->ops->write(f, &u, &pos);
		if (n == 0)
			n = -ENOSPC;
	}
	file_put(f);
	return n < 0 ? (int)n : 0;
}

/* Another name of a file that is there: 1.  0: this is its first name, now remembered. */
static int link_to_first(struct radix_tree *links, const struct entry *e)
{
	uint64_t key = (uint64_t)(e->f[DEV_MAJOR] << 12 ^ e->f[DEV_MINOR]) << 32 | e->f[INO];
	char *first = radix_find(links, key);
	struct path p;
	int err;

	if (!first) {
		first = kstrdup(e->name, 0);
		if (!first)
			return -ENOMEM;
		err = radix_insert(links, key, first);
		if (err)
			kfree(first);
		return err;
	}
	err = path_lookup(AT_FDCWD, first, 0, &p);
	if (err)
		return err;
	err = vfs_link(&p, AT_FDCWD, e->name);
	path_put(&p);
	return err ? err : 1;
}

static int make(struct radix_tree *links, const struct entry *e)
{
	uint32_t mode = e->f[MODE];
	struct path p;
	char *target;
	int err, linked = 0;

	if (S_ISDIR(mode)) {
		err = vfs_mkdir(AT_FDCWD, e->name, mode & 07777);
		if (err == -EEXIST)	/* the root itself, or told twice */
			err = 0;
	} else if (S_ISLNK(mode)) {
		target = kmalloc((size_t)e->f[FILESIZE] + 1, 0);
		if (!target)
			return -ENOMEM;
		memcpy(target, e->data, e->f[FILESIZE]);
		target[e->f[FILESIZE]] = 0;
		err = vfs_symlink(target, AT_FDCWD, e->name);
		kfree(target);
	} else {
		if (e->f[NLINK] > 1)
			linked = link_to_first(links, e);
		err = linked < 0 ? linked : linked ? 0 : vfs_mknod(AT_FDCWD, e->name, mode & (S_IFMT | 07777), KDEV(e->f[RDEV_MAJOR], e->f[RDEV_MINOR]));
		if (!err && S_ISREG(mode) && e->f[FILESIZE])
			err = write_data(e);
	}
	if (err)
		return err;
	err = path_lookup(AT_FDCWD, e->name, 0, &p);
	if (err)
		return err;
	err = set_attributes(&p, e);
	path_put(&p);
	return err;
}

static void forget(struct radix_tree *links)
{
	uint64_t i = 0;

	for (char *name; (name = radix_next(links, &i)) != NULL; i++)
		kfree(name);
	radix_destroy(links);
	*links = (struct radix_tree){ 0 };
}

int initramfs_unpack(void)
{
	struct radix_tree links = { 0 };
	struct entry e = { .name = "" };
	size_t size, at = 0, length;
	const uint8_t *p = initrd_bytes(&size);
	const char *packed = compressed_by(p, size);
	unsigned files = 0;
	int err = 0;

	if (packed) {
		klog_err("initrd: compressed (%s), which this kernel cannot undo: give it unpacked", packed);
		return -EINVAL;
	}
	while (at < size && !err) {
		if (!p[at]) {		/* between archives */
			at++;
			continue;
		}
		err = parse(p + at, size - at, &e, &length);
		if (err) {
			klog_err("initrd: damaged at byte %zu of %zu", at, size);
			break;
		}
		at += length;
		if (!strcmp(e.name, "TRAILER!!!")) {
			forget(&links);
			continue;
		}
		err = make(&links, &e);
		if (err)
			klog_err("initrd: cannot make %s (%d)", e.name, -err);
		files++;
	}
	forget(&links);
	klog_info("initrd: %u files", files);
	return err;
}
