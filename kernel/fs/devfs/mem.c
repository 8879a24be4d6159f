/* SPDX-License-Identifier: MIT */
/* Character devices of major 1: null(4), zero(4), full(4), random(4), kmsg. */
#include <kernel/random.h>
#include <kernel/errno.h>
#include <kernel/poll.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>
#include <kernel/vm.h>
#include "fs/devfs/devfs.h"
#include "fs/vfs/vfs_internal.h"

static int64_t null_read(struct file *f, struct uio *u, uint64_t *pos) { return 0; }

static int64_t null_write(struct file *f, struct uio *u, uint64_t *pos)
{
	size_t n = u->left;

	u->left = 0;
	return (int64_t)n;
}

static int64_t null_llseek(struct file *f, int64_t off, int whence)
{
	f->pos = 0;
	return 0;
}

static int64_t zero_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t done = 0;

	while (u->left) {
		size_t want = MIN(u->left, 16 * PAGE_SIZE), n = uio_zero(u, want);

		done += (int64_t)n;
		if (n < want)
			return done ? done : -EFAULT;
		if (u->left && fatal_signal_pending(current))
			return done;
	}
	return done;
}

/* A private mapping of /dev/zero is anonymous memory; a shared one is shared anonymous memory. */
static int zero_mmap(struct file *f, struct vm_area *a)
{
	if (a->flags & VM_SHARED)
		return -ENODEV;
	a->mapping = NULL;
	return 0;
}

static int64_t full_write(struct file *f, struct uio *u, uint64_t *pos) { return u->left ? -ENOSPC : 0; }

static int64_t random_read(struct file *f, struct uio *u, uint64_t *pos)
{
	uint8_t buf[256];
	int64_t done = 0;

	while (u->left) {
		size_t n = MIN(u->left, sizeof(buf)), got;

		random_bytes(buf, n);
		got = uio_copy_to(u, buf, n);
		done += (int64_t)got;
		if (got < n)
			return done ? done : -EFAULT;
		if (u->left && signal_pending(current))
			break;
	}
	return done;
}

static int64_t random_write(struct file *f, struct uio *u, uint64_t *pos)
{
	uint8_t buf[256];
	int64_t done = 0;

	while (u->left) {
		size_t n = MIN(u->left, sizeof(buf)), got = uio_copy_from(u, buf, n);

		random_add_entropy(buf, got);
		done += (int64_t)got;
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

enum { RNDGETENTCNT = (int)0x80045200, RNDADDTOENTCNT = 0x40045201, RNDADDENTROPY = 0x40085203, RNDZAPENTCNT = 0x5204,
	RNDCLEARPOOL = 0x5206, RNDRESEEDCRNG = 0x5207 };

static long random_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	int bits = 256;

	switch ((int)cmd) {
	case RNDGETENTCNT:
		return put_user(bits, arg);
	case RNDADDTOENTCNT: case RNDADDENTROPY: case RNDZAPENTCNT: case RNDCLEARPOOL: case RNDRESEEDCRNG:
		return capable(CAP_SYS_ADMIN) ? -EOPNOTSUPP : -EPERM;
	}
	return -ENOTTY;
}

static const struct file_ops null_ops = { .read = null_read, .write = null_write, .llseek = null_llseek };
static const struct file_ops zero_ops = { .read = zero_read, .write = null_write, .llseek = null_llseek, .mmap = zero_mmap };
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .llseek = null_llseek };
static const struct file_ops random_ops = { .read = random_read, .write = random_write, .llseek = null_llseek, .ioctl = random_ioctl };

static const struct { unsigned minor; uint32_t mode; const char *name; const struct file_ops *ops; } devices[] = {
	{ 3, 0666, "null", &null_ops }, { 5, 0666, "zero", &zero_ops }, { 7, 0666, "full", &full_ops },
	{ 8, 0666, "random", &random_ops }, { 9, 0666, "urandom", &random_ops }, { 11, 0644, "kmsg", &kmsg_ops },
};

void mem_devices_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		if (chrdev_register(1, devices[i].minor, 1, devices[i].ops, "mem"))
			klog_err("devfs: no %s", devices[i].name);
		(void)devfs_add(devices[i].name, S_IFCHR | devices[i].mode, KDEV(1, devices[i].minor));
	}
}
