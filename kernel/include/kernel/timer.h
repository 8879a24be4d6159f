/* SPDX-License-Identifier: MIT */
/* High-resolution timers on per-CPU trees; work queues and kernel threads to leave interrupt context. */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H
#include <hal/time.h>
#include <kernel/list.h>
#include <kernel/rbtree.h>

struct ktimer {
	struct rb_node node;
	uint64_t expires_ns;		/* monotonic */
	void (*fn)(struct ktimer *t);	/* interrupt context; may arm it again */
	unsigned cpu;			/* of the base it is on */
	uint8_t state;			/* [a] */
};
void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t));
void ktimer_arm(struct ktimer *t, uint64_t expires_mono_ns);	/* re-arms; any context */
bool ktimer_cancel(struct ktimer *t);		/* true: it was pending.  fn may still be running */
bool ktimer_cancel_sync(struct ktimer *t);	/* and fn is not running any more (not from fn itself) */
bool ktimer_pending(const struct ktimer *t);

#define NSEC_PER_SEC 1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull
/* CLOCK_REALTIME: hal_time_real_ns() plus what clock_settime(2) and adjtimex(2) added. */
uint64_t time_real_ns(void);
int64_t time_wall_offset(void);		/* what to add to hal_time_mono_ns() for it */
void time_set_real_ns(uint64_t ns);

struct work { struct list_head link; void (*fn)(struct work *w); bool pending; };
void work_init(struct work *w, void (*fn)(struct work *w));
bool work_queue(struct work *w);	/* false: already queued.  Any context; fn may sleep */
void work_flush(void);			/* everything queued before has run */

/* A kernel thread; runs until fn returns.  NULL: no memory. */
struct task *kthread_create(void (*fn)(void *arg), void *arg, const char *name_fmt, ...) __attribute__((format(printf, 3, 4)));
/* Sleep (uninterruptible). */
void sleep_ns(uint64_t ns);
#endif
