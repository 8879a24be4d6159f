/* SPDX-License-Identifier: MIT */
/* syslog(2): the kernel log for dmesg and klogd. */
#include <kernel/cred.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include "syscall/syscall_impl.h"

enum { ACTION_CLOSE, ACTION_OPEN, ACTION_READ, ACTION_READ_ALL, ACTION_READ_CLEAR, ACTION_CLEAR, ACTION_CONSOLE_OFF, ACTION_CONSOLE_ON,
	ACTION_CONSOLE_LEVEL, ACTION_SIZE_UNREAD, ACTION_SIZE_BUFFER };
enum { RECORD_MAX = 640, LOG_BYTES = 128 * 1024 };

static uint64_t read_seq;	/* [a] of ACTION_READ: shared by all readers, as in Linux */

/* Copies whole records from seq on; bytes or -errno. */
static long copy_records(uint64_t *seq, uaddr_t buf, size_t max)
{
	char *line = kmalloc(RECORD_MAX, 0);
	size_t done = 0, n;

	if (!line)
		return -ENOMEM;
	for (uint64_t next = *seq; (n = klog_read(&next, line, RECORD_MAX)); *seq = next) {
		if (done + n > max)
			break;
		if (copy_to_user(buf + done, line, n)) {
			kfree(line);
			return -EFAULT;
		}
		done += n;
	}
	kfree(line);
	return (long)done;
}

/* The last records that fit. */
static long copy_tail(uaddr_t buf, size_t max)
{
	char *line = kmalloc(RECORD_MAX, 0);
	uint64_t first = klog_first_seq(), seq;
	size_t total = 0, n;

	if (!line)
		return -ENOMEM;
	for (seq = first; (n = klog_read(&seq, line, RECORD_MAX));)
		total += n;
	for (seq = first; total > max && (n = klog_read(&seq, line, RECORD_MAX)); first = seq)
		total -= n;
	kfree(line);
	return copy_records(&first, buf, max);
}

long sys_syslog(int type, uaddr_t buf, int len)
{
	long r;

	if (type < ACTION_CLOSE || type > ACTION_SIZE_BUFFER)
		return -EINVAL;
	if (type != ACTION_READ_ALL && type != ACTION_SIZE_BUFFER && !capable(CAP_SYSLOG))
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
		if (type == ACTION_READ) {
			uint64_t seq = READ_ONCE(read_seq);

			r = copy_records(&seq, buf, (size_t)len);
			WRITE_ONCE(read_seq, seq);
			return r;
		}
		r = copy_tail(buf, (size_t)len);
		if (type == ACTION_READ_CLEAR && r >= 0)
			klog_clear();
		return r;
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
	case ACTION_SIZE_UNREAD: {
		char *line = kmalloc(RECORD_MAX, 0);
		uint64_t seq = READ_ONCE(read_seq);
		size_t n;

		if (!line)
			return -ENOMEM;
		for (r = 0; (n = klog_read(&seq, line, RECORD_MAX));)
			r += (long)n;
		kfree(line);
		return r;
	}
	case ACTION_SIZE_BUFFER:
		return LOG_BYTES;
	default:
		return 0;	/* open, close */
	}
}
