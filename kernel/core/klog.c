/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: a ring of bytes with a header per record.  Places in it are
 * counted in bytes since the start, so that a reader goes on where it was.
 * A record also goes to the early console when its level is below the
 * console's.
 *
 * Records are added in any context, also by who holds a run queue's lock:
 * readers are woken from an interrupt that the CPU sends itself.
 */
#include <hal/cpu.h>
#include <hal/dev.h>
#include <hal/time.h>
#include <kernel/cpu.h>
#include <kernel/klog.h>
#include <kernel/lock.h>
#include <kernel/string.h>

enum { LINE_MAX = 512 };

static struct spinlock log_lock = SPINLOCK_INIT(LOG);
static uint8_t ring[KLOG_BYTES];		/* [log_lock] */
static struct klog_cursor oldest, uncleared, newest;	/* [log_lock]; the newest is behind the last record */
static enum klog_level console_below = KLOG_NOTICE;
struct waitq klog_wait = WAITQ_INIT(klog_wait);
static bool wake_wanted;

static void ring_put(const void *p, size_t n)
{
	size_t at = newest.at % KLOG_BYTES, first = MIN(n, KLOG_BYTES - at);

	memcpy(ring + at, p, first);
	memcpy(ring, (const char *)p + first, n - first);
	newest.at += n;
}

static void ring_get(uint64_t from, void *p, size_t n)
{
	size_t at = from % KLOG_BYTES, first = MIN(n, KLOG_BYTES - at);

	memcpy(p, ring + at, first);
	memcpy((char *)p + first, ring, n - first);
}

static void drop_oldest(void)
{
	struct klog_record r;

	ring_get(oldest.at, &r, sizeof(r));
	oldest.at += sizeof(r) + r.len;
	oldest.seq++;
}

void klog_add(enum klog_level level, unsigned facility, const char *text, size_t len)
{
	struct klog_record r = { .time_ns = hal_time_mono_ns(), .len = (uint16_t)MIN(len, (size_t)KLOG_TEXT_MAX), .level = (uint8_t)level,
		.facility = (uint8_t)facility };
	unsigned long flags = spin_lock_irqsave(&log_lock);

	while (KLOG_BYTES - (newest.at - oldest.at) < sizeof(r) + r.len)
		drop_oldest();
	r.seq = newest.seq;
	ring_put(&r, sizeof(r));
	ring_put(text, r.len);
	newest.seq++;
	if (level < READ_ONCE(console_below)) {
		char stamp[32];
		int m = ksnprintf(stamp, sizeof(stamp), "[%5llu.%06llu] ", (unsigned long long)(r.time_ns / 1000000000),
			(unsigned long long)(r.time_ns / 1000 % 1000000));

		hal_console_write(stamp, (size_t)m);
		hal_console_write(text, r.len);
		hal_console_write("\n", 1);
	}
	spin_unlock_irqrestore(&log_lock, flags);
	/* Who waits is on the queue before it looks for a record under log_lock. */
	if (waitq_active(&klog_wait) && !__atomic_exchange_n(&wake_wanted, true, __ATOMIC_ACQ_REL))
		hal_cpu_ipi(this_cpu()->id);
}

void klog_wake(void)
{
	if (READ_ONCE(wake_wanted) && __atomic_exchange_n(&wake_wanted, false, __ATOMIC_ACQ_REL))
		waitq_wake_all(&klog_wait);
}

void klog(enum klog_level level, const char *fmt, ...)
{
	char line[LINE_MAX];
	size_t len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	len = MIN((size_t)n, sizeof(line) - 1);
	while (len && line[len - 1] == '\n')
		len--;
	klog_add(level, KLOG_KERN, line, len);
}

bool klog_next(struct klog_cursor *c, struct klog_record *r, char *text, size_t max)
{
	unsigned long flags = spin_lock_irqsave(&log_lock);
	bool there;

	if (c->seq < oldest.seq)
		*c = oldest;
	there = c->seq < newest.seq;
	if (there) {
		ring_get(c->at, r, sizeof(*r));
		ring_get(c->at + sizeof(*r), text, MIN((size_t)r->len, max));
		c->at += sizeof(*r) + r->len;
		c->seq++;
	}
	spin_unlock_irqrestore(&log_lock, flags);
	return there;
}

bool klog_waits(const struct klog_cursor *c, bool *lost)
{
	unsigned long flags = spin_lock_irqsave(&log_lock);
	bool there = c->seq < newest.seq;

	if (lost)
		*lost = c->seq < oldest.seq;
	spin_unlock_irqrestore(&log_lock, flags);
	return there;
}

static struct klog_cursor look(const struct klog_cursor *c)
{
	unsigned long flags = spin_lock_irqsave(&log_lock);
	struct klog_cursor r = *c;

	if (r.seq < oldest.seq)
		r = oldest;
	spin_unlock_irqrestore(&log_lock, flags);
	return r;
}

struct klog_cursor klog_oldest(void) { return look(&oldest); }
struct klog_cursor klog_uncleared(void) { return look(&uncleared); }
struct klog_cursor klog_end(void) { return look(&newest); }

void klog_clear(void)
{
	unsigned long flags = spin_lock_irqsave(&log_lock);

	uncleared = newest;
	spin_unlock_irqrestore(&log_lock, flags);
}

void klog_console_level(enum klog_level below) { WRITE_ONCE(console_below, below); }
