/* SPDX-License-Identifier: MIT */
/*
 * The kernel's log and its formatted output.
 *
 * Formats: %d %i %u %x %X %o %c %s %p %% with flags "-+ #0", width, precision
 * (and '*'), length hh h l ll z j t.  No floating point.
 */
#ifndef KERNEL_PRINT_H
#define KERNEL_PRINT_H
#include <stdarg.h>
#include <kernel/compiler.h>

int ksnprintf(char *buf, size_t max, const char *fmt, ...) PRINTF_LIKE(3, 4);
int kvsnprintf(char *buf, size_t max, const char *fmt, va_list ap);

/* Levels as in syslog(2). */
enum klog_level { KLOG_EMERG, KLOG_ALERT, KLOG_CRIT, KLOG_ERR, KLOG_WARN, KLOG_NOTICE, KLOG_INFO, KLOG_DEBUG };

/* One line into the ring that dmesg reads, and to the early console if the level is below the console's. Any context. */
void klog(enum klog_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define klog_err(...)	klog(KLOG_ERR, __VA_ARGS__)
#define klog_warn(...)	klog(KLOG_WARN, __VA_ARGS__)
#define klog_info(...)	klog(KLOG_INFO, __VA_ARGS__)
#define klog_debug(...)	klog(KLOG_DEBUG, __VA_ARGS__)

/* Records below this level go to the early console.  The ring is read through <kernel/klog.h>. */
void klog_console_level(enum klog_level below);

/* A broken invariant of ours: prints, with a backtrace, and stops the machine with status 101. */
_Noreturn void panic(const char *fmt, ...) PRINTF_LIKE(1, 2) COLD;
/* Checked in every build. */
#define BUG_ON(x) do { if (unlikely(x)) panic("%s:%d: BUG: %s", __FILE__, __LINE__, #x); } while (0)
/* Checked in debug builds. */
#ifdef EFT_DEBUG
#define ASSERT(x) BUG_ON(!(x))
#else
#define ASSERT(x) ((void)sizeof(!(x)))
#endif
/* Once per place. */
#define WARN_ON_ONCE(x) ({ static bool warned_; bool w_ = (x); \
	if (unlikely(w_ && !__atomic_exchange_n(&warned_, true, __ATOMIC_RELAXED))) \
		klog_err("%s:%d: WARNING: %s", __FILE__, __LINE__, #x); w_; })
#endif
