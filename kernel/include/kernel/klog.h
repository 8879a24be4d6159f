/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log as a ring of records, for those who read it: syslog(2),
 * /dev/kmsg.  A record has a number; old ones fall out.
 */
#ifndef KERNEL_KLOG_H
#define KERNEL_KLOG_H
#include <kernel/print.h>
#include <kernel/wait.h>

enum { KLOG_BYTES = 128 * 1024, KLOG_TEXT_MAX = 1024 };
enum klog_facility { KLOG_KERN = 0, KLOG_USER = 1 };	/* as in syslog(3), the number above the level's three bits */

struct klog_record {
	uint64_t seq, time_ns;		/* its number; since the start */
	uint16_t len;			/* bytes of text, at most KLOG_TEXT_MAX */
	uint8_t level, facility;
};
/* Between two records.  Its owner serializes its use. */
struct klog_cursor { uint64_t seq, at; };

/* Add a record; text beyond KLOG_TEXT_MAX is cut.  Any context. */
void klog_add(enum klog_level level, unsigned facility, const char *text, size_t len);

/* Before the oldest record, before the oldest since the last klog_clear(), behind the newest.  Any context. */
struct klog_cursor klog_oldest(void);
struct klog_cursor klog_uncleared(void);
struct klog_cursor klog_end(void);
/*
 * The record behind c, or the oldest if that one fell out (r->seq is not c->seq then), with its text, cut at max and
 * not terminated; c moves behind it.  False: there is none yet.  Any context.
 */
bool klog_next(struct klog_cursor *c, struct klog_record *r, char *text, size_t max);
/* Is there one behind c?  *lost, if not NULL: records between c and it fell out. */
bool klog_waits(const struct klog_cursor *c, bool *lost);
void klog_clear(void);
/* kernel.dmesg_restrict: only CAP_SYSLOG reads the log. */
extern bool dmesg_restrict;
/* Woken when a record is added. */
extern struct waitq klog_wait;
/* From kernel_ipi(): records were added in places where nobody can be woken. */
void klog_wake(void);
#endif
