/* SPDX-License-Identifier: MIT */
/* syslog(2): the kernel log for dmesg and klogd. */
#include <kernel/cred.h>
#include <kernel/klog.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include "syscall/syscall_impl.h"

enum { ACTION_CLOSE, ACTION_OPEN, ACTION_READ, ACTION_READ_ALL, ACTION_READ_CLEAR, ACTION_CLEAR, ACTION_CONSOLE_OFF, ACTION_CONSOLE_ON,
	ACTION_CONSOLE_LEVEL, ACTION_SIZE_UNREAD, ACTION_SIZE_BUFFER };
bool dmesg_restrict;

/*
 * A record as text: "<priority>[seconds.microseconds] " before each of its lines.  A stamp has at most 40 bytes; the
 * rest of a record with so many lines that it does not fit is dropped.
 */
enum { STAMP_MAX = 40, LINES_MAX = 4096 };
struct printed { char raw[KLOG_TEXT_MAX], text[LINES_MAX]; size_t len; };

static void print_record(struct printed *p, const struct klog_record *r)
{
	const char *line = p->raw, *end = p->raw + r->len;

	p->len = 0;
	do {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((nl ? nl : end) - line);

		if (p->len + STAMP_MAX + n + 1 > sizeof(p->text))
			return;
		p->len += (size_t)ksnprintf(p->text + p->len, STAMP_MAX, "<%u>[%5llu.%06llu] ", r->facility << 3 | r->level,
			(unsigned long long)(r->time_ns / 1000000000), (unsigned long long)(r->time_ns / 1000 % 1000000));
		memcpy(p->text + p->len, line, n);
		p->len += n;
		p->text[p->len++] = '\n';
		line = nl ? nl + 1 : end;
	} while (line < end);
}

static bool print_next(struct klog_cursor *c, struct printed *p)
{
	struct klog_record r;

	if (!klog_next(c, &r, p->raw, sizeof(p->raw)))
		return false;
	print_record(p, &r);
	return true;
}

static size_t printed_bytes(struct klog_cursor c, struct printed *p)
{
	size_t total = 0;

	while (print_next(&c, p))
		total += p->len;
	return total;
}

/* Where the readers of ACTION_READ are, all of them together as on Linux: so much of the record behind the cursor is read. */
static struct mutex reader_lock = MUTEX_INIT(reader_lock, LOG_READER);
static struct klog_cursor reader;	/* [reader_lock] */
static size_t reader_part;		/* [reader_lock] */

/* The lock is not held while user memory is written. */
static long read_some(struct printed *p, uaddr_t buf, size_t max) REQUIRES(&reader_lock)
{
	struct klog_cursor next;
	const char *from;
	size_t done = 0, n;
	bool lost, fault;

	while (done < max) {
		(void)klog_waits(&reader, &lost);
		if (lost)
			reader_part = 0;
		next = reader;
		if (!print_next(&next, p))
			break;
		/* The beginning of a record only for who has no room for a whole one. */
		if (done && p->len - reader_part > max - done)
			break;
		n = MIN(p->len - reader_part, max - done);
		from = p->text + reader_part;
		reader_part += n;
		if (reader_part == p->len) {
			reader = next;
			reader_part = 0;
		}
		/* What cannot be handed over has been read all the same, as on Linux. */
		mutex_unlock(&reader_lock);
		fault = copy_to_user(buf + done, from, n);
		mutex_lock(&reader_lock);
		if (fault)
			return done ? (long)done : -EFAULT;
		done += n;
	}
	return (long)done;
}

/* Waits until there is something. */
static long action_read(struct printed *p, uaddr_t buf, size_t max)
{
	long r;

	mutex_lock(&reader_lock);
	while (!klog_waits(&reader, NULL)) {
		struct klog_cursor c = reader;

		mutex_unlock(&reader_lock);
		r = wait_event_interruptible(&klog_wait, klog_waits(&c, NULL));
		if (r)
			return r;
		mutex_lock(&reader_lock);
	}
	r = read_some(p, buf, max);
	mutex_unlock(&reader_lock);
	return r;
}

static long action_unread(struct printed *p)
{
	size_t n;

	mutex_lock(&reader_lock);
	n = printed_bytes(reader, p);
	n -= MIN(n, reader_part);
	mutex_unlock(&reader_lock);
	return (long)n;
}

/* The last records that fit, whole. */
static long action_read_all(struct printed *p, uaddr_t buf, size_t max, bool clear)
{
	struct klog_cursor c = klog_uncleared();
	size_t total = printed_bytes(c, p), done = 0;

	while (total > max && print_next(&c, p))
		total -= p->len;
	while (print_next(&c, p) && done + p->len <= max) {	/* there may be more of them by now */
		if (copy_to_user(buf + done, p->text, p->len))
			return -EFAULT;
		done += p->len;
	}
	if (clear)
		klog_clear();
	return (long)done;
}

static long with_text(int type, uaddr_t buf, size_t len)
{
	struct printed *p = kmalloc(sizeof(*p), 0);
	long r;

	if (!p)
		return -ENOMEM;
	r = type == ACTION_SIZE_UNREAD ? action_unread(p) : type == ACTION_READ ? action_read(p, buf, len) :
		action_read_all(p, buf, len, type == ACTION_READ_CLEAR);
	kfree(p);
	return r;
}

long sys_syslog(int type, uaddr_t buf, int len)
{
	if (type < ACTION_CLOSE || type > ACTION_SIZE_BUFFER)
		return -EINVAL;
	if ((READ_ONCE(dmesg_restrict) || (type != ACTION_READ_ALL && type != ACTION_SIZE_BUFFER)) && !capable(CAP_SYSLOG))
		return -EPERM;
	switch (type) {
	case ACTION_READ:
	case ACTION_READ_ALL:
	case ACTION_READ_CLEAR:
		if (!buf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		if (!user_range_ok(buf, (size_t)len))
			return -EFAULT;
		return with_text(type, buf, (size_t)len);
	case ACTION_CLEAR:
		klog_clear();
		return 0;
	case ACTION_CONSOLE_OFF:
		klog_console_level(KLOG_ALERT);
		return 0;
	case ACTION_CONSOLE_ON:
		klog_console_level(KLOG_WARN);
		return 0;
	case ACTION_CONSOLE_LEVEL:
		if (len < 1 || len > 8)
			return -EINVAL;
		klog_console_level((enum klog_level)len);
		return 0;
	case ACTION_SIZE_UNREAD:
		return with_text(type, 0, 0);
	case ACTION_SIZE_BUFFER:
		return KLOG_BYTES;
	default:
		return 0;	/* open, close */
	}
}
