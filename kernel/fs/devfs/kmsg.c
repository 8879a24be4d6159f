/* SPDX-License-Identifier: MIT */
/*
 * /dev/kmsg: the kernel log, a record per read, as "PRIORITY,NUMBER,MICROSECONDS,-;text"; a write adds one.
 * Linux: Documentation/ABI/testing/dev-kmsg.
 */
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/klog.h>
#include <kernel/poll.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uio.h>
#include "fs/devfs/devfs.h"

/* A byte of text becomes four at most, "\xff". */
enum { HEADER_MAX = 80, OUT_MAX = HEADER_MAX + KLOG_TEXT_MAX * 4 + 1 };

struct kmsg {
	struct mutex lock;		/* [LOG_READER] */
	struct klog_cursor at;		/* [lock] */
	char text[KLOG_TEXT_MAX], out[OUT_MAX];	/* [lock] */
};

static int kmsg_open(struct inode *i, struct file *f)
{
	struct kmsg *k;

	if (f->mode & FMODE_READ && READ_ONCE(dmesg_restrict) && !capable(CAP_SYSLOG))
		return -EPERM;
	k = kmalloc(sizeof(*k), 0);
	if (!k)
		return -ENOMEM;
	mutex_init(&k->lock, LOCK_LOG_READER);
	k->at = klog_oldest();
	f->private = k;
	return 0;
}

static void kmsg_release(struct file *f) { kfree(f->private); }

/* The record as it is read; bytes of k->out. */
static size_t print_record(struct kmsg *k, const struct klog_record *r)
{
	size_t n = (size_t)ksnprintf(k->out, HEADER_MAX, "%u,%llu,%llu,-;", r->facility << 3 | r->level, (unsigned long long)r->seq,
		(unsigned long long)(r->time_ns / 1000));

	for (unsigned i = 0; i < r->len; i++) {
		unsigned char c = (unsigned char)k->text[i];

		if (c >= ' ' && c < 127 && c != '\\')
			k->out[n++] = (char)c;
		else
			n += (size_t)ksnprintf(k->out + n, 5, "\\x%02x", c);
	}
	k->out[n++] = '\n';
	return n;
}

/* A record that is too long for the buffer is lost, as on Linux: it has been read. */
static int64_t kmsg_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct kmsg *k = f->private;
	uint64_t expected;
	struct klog_record r;
	int64_t ret;
	size_t n;

	mutex_lock(&k->lock);
	while (!klog_waits(&k->at, NULL)) {
		struct klog_cursor c = k->at;

		mutex_unlock(&k->lock);
		ret = READ_ONCE(f->flags) & O_NONBLOCK ? -EAGAIN : wait_event_interruptible(&klog_wait, klog_waits(&c, NULL));
		if (ret)
			return ret;
		mutex_lock(&k->lock);
	}
	expected = k->at.seq;
	(void)klog_next(&k->at, &r, k->text, sizeof(k->text));
	if (r.seq != expected) {	/* some fell out: say so, and go on with the oldest */
		k->at = klog_oldest();
		ret = -EPIPE;
		goto out;
	}
	n = print_record(k, &r);
	ret = n > u->left ? -EINVAL : uio_copy_to(u, k->out, n) < n ? -EFAULT : (int64_t)n;
out:
	mutex_unlock(&k->lock);
	return ret;
}

/* "<PRIORITY>text": its facility is never the kernel's. */
static int64_t kmsg_write(struct file *f, struct uio *u, uint64_t *pos)
{
	unsigned level = KLOG_WARN, facility = KLOG_USER;
	size_t total = u->left, n = total, start = 0;
	char *buf;

	if (n > KLOG_TEXT_MAX)
		return -EINVAL;
	buf = kmalloc(n + 1, 0);
	if (!buf)
		return -ENOMEM;
	if (uio_copy_from(u, buf, n) < n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = '\0';
	if (buf[0] == '<') {
		unsigned priority = 0;
		size_t at = 1;

		for (; buf[at] >= '0' && buf[at] <= '9'; at++)
			priority = priority * 10 + (unsigned)(buf[at] - '0');
		if (at > 1 && buf[at] == '>') {
			level = priority & 7;
			if (priority >> 3 & 0xff)
				facility = priority >> 3 & 0xff;
			start = at + 1;
		}
	}
	if (n > start && buf[n - 1] == '\n')
		n--;
	klog_add((enum klog_level)level, facility, buf + start, n - start);
	kfree(buf);
	return (int64_t)total;
}

static int64_t kmsg_llseek(struct file *f, int64_t off, int whence)
{
	struct kmsg *k = f->private;
	struct klog_cursor to;

	if (off)
		return -ESPIPE;
	switch (whence) {
	case SEEK_SET:
		to = klog_oldest();
		break;
	case SEEK_DATA:
		to = klog_uncleared();
		break;
	case SEEK_END:
		to = klog_end();
		break;
	default:
		return -EINVAL;
	}
	mutex_lock(&k->lock);
	k->at = to;
	mutex_unlock(&k->lock);
	return 0;
}

static unsigned kmsg_poll(struct file *f, struct poll_table *pt)
{
	struct kmsg *k = f->private;
	bool some, lost;

	poll_wait(pt, &klog_wait);
	mutex_lock(&k->lock);
	some = klog_waits(&k->at, &lost);
	mutex_unlock(&k->lock);
	return !some ? 0 : POLLIN | POLLRDNORM | (lost ? POLLERR | POLLPRI : 0);
}

const struct file_ops kmsg_ops = { .open = kmsg_open, .release = kmsg_release, .read = kmsg_read, .plain_read = true, .write = kmsg_write,
	.llseek = kmsg_llseek, .poll = kmsg_poll };
