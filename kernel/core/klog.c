/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: a ring of bytes with a header per record, read by sequence
 * number; old records fall out.  A record also goes to the early console when
 * its level is below the console's.
 */
#include <hal/dev.h>
#include <hal/time.h>
#include <kernel/lock.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/wait.h>

enum { LOG_SIZE = 128 * 1024, LINE_MAX = 512 };
struct record { uint64_t time_ns; uint16_t len; uint8_t level; };	/* then len bytes of text */

static struct spinlock log_lock = SPINLOCK_INIT(LOG);
static uint8_t ring[LOG_SIZE];			/* [log_lock] */
static size_t head, tail, used;			/* [log_lock] write, read offsets; bytes between */
static uint64_t head_seq, tail_seq, clear_seq;	/* [log_lock] */
static enum klog_level console_below = KLOG_NOTICE;
struct waitq klog_wait = WAITQ_INIT(klog_wait);

static void ring_put(const void *p, size_t n)
{
	size_t first = MIN(n, LOG_SIZE - head);

	memcpy(ring + head, p, first);
	memcpy(ring, (const char *)p + first, n - first);
	head = (head + n) % LOG_SIZE;
	used += n;
}

static void ring_get(size_t at, void *p, size_t n)
{
	size_t first = MIN(n, LOG_SIZE - at);

	memcpy(p, ring + at, first);
	memcpy((char *)p + first, ring, n - first);
}

static void drop_oldest(void)
{
	struct record r;

	ring_get(tail, &r, sizeof(r));
	tail = (tail + sizeof(r) + r.len) % LOG_SIZE;
	used -= sizeof(r) + r.len;
	tail_seq++;
}

void klog(enum klog_level level, const char *fmt, ...)
{
	char line[LINE_MAX];
	struct record r = { .time_ns = hal_time_mono_ns(), .level = (uint8_t)level };
	unsigned long flags;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	r.len = (uint16_t)MIN((size_t)n, sizeof(line) - 1);
	while (r.len && line[r.len - 1] == '\n')
		r.len--;
	flags = spin_lock_irqsave(&log_lock);
	while (LOG_SIZE - used < sizeof(r) + r.len)
		drop_oldest();
	ring_put(&r, sizeof(r));
	ring_put(line, r.len);
	head_seq++;
	if (level < console_below) {
		char stamp[32];
		int m = ksnprintf(stamp, sizeof(stamp), "[%5llu.%06llu] ", (unsigned long long)(r.time_ns / 1000000000),
			(unsigned long long)(r.time_ns / 1000 % 1000000));

		hal_console_write(stamp, (size_t)m);
		hal_console_write(line, r.len);
		hal_console_write("\n", 1);
	}
	spin_unlock_irqrestore(&log_lock, flags);
}

size_t klog_read(uint64_t *seq, char *buf, size_t max)
{
	unsigned long flags = spin_lock_irqsave(&log_lock);
	size_t at = tail, n = 0;
	struct record r;

	if (*seq < tail_seq)
		*seq = tail_seq;
	if (*seq < head_seq) {
		for (uint64_t s = tail_seq;; s++) {
			ring_get(at, &r, sizeof(r));
			if (s == *seq)
				break;
			at = (at + sizeof(r) + r.len) % LOG_SIZE;
		}
		char text[LINE_MAX];

		ring_get((at + sizeof(r)) % LOG_SIZE, text, r.len);
		n = (size_t)ksnprintf(buf, max, "<%u>[%5llu.%06llu] %.*s\n", r.level, (unsigned long long)(r.time_ns / 1000000000),
			(unsigned long long)(r.time_ns / 1000 % 1000000), r.len, text);
		n = MIN(n, max ? max - 1 : 0);
		(*seq)++;
	}
	spin_unlock_irqrestore(&log_lock, flags);
	return n;
}

uint64_t klog_first_seq(void)
{
	unsigned long flags = spin_lock_irqsave(&log_lock);
	uint64_t s = MAX(tail_seq, clear_seq);

	spin_unlock_irqrestore(&log_lock, flags);
	return s;
}

void klog_clear(void)
{
	unsigned long flags = spin_lock_irqsave(&log_lock);

	clear_seq = head_seq;
	spin_unlock_irqrestore(&log_lock, flags);
}

void klog_console_level(enum klog_level below) { console_below = below; }
