/* SPDX-License-Identifier: MIT */
/*
 * What ThreadSanitizer is told, in the build that has it (FZ_TSAN); nothing
 * otherwise.
 *
 * To it every kernel thread is a logical thread ("fiber") of the one host
 * thread.  Threads that follow each other on a CPU are ordered, as they are on
 * a real one.  A change of CPUs orders nothing: what looks like one after the
 * other here is at the same time on a machine.  So only the kernel's own locks
 * and atomics order what two CPUs do, and a missing one is seen in any schedule
 * that brings two accesses near each other.
 *
 * The machine itself is not instrumented.  Programs' calls are made by code
 * that all fibers share: it is not looked at.
 */
#ifndef FZ_TSAN_H
#define FZ_TSAN_H
#include <stddef.h>

#ifdef FZ_TSAN
enum { FIBER_NO_ORDER = 1 };		/* <sanitizer/tsan_interface.h>: __tsan_switch_to_fiber_no_sync */
void *__tsan_create_fiber(unsigned flags);
void *__tsan_get_current_fiber(void);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static inline void *tsan_fiber(void) { return __tsan_create_fiber(0); }
static inline void *tsan_fiber_self(void) { return __tsan_get_current_fiber(); }
static inline void tsan_fiber_free(void *f) { __tsan_destroy_fiber(f); }
/* The next thread of this CPU. */
static inline void tsan_thread(void *f) { __tsan_switch_to_fiber(f, 0); }
/* Another CPU's thread. */
static inline void tsan_cpu(void *f) { __tsan_switch_to_fiber(f, FIBER_NO_ORDER); }
/* An interrupt between CPUs: what was done before it was sent is seen by its handler. */
static inline void tsan_sent(void *at) { __tsan_release(at); }
static inline void tsan_taken(void *at) { __tsan_acquire(at); }
static inline void tsan_ignore(void)
{
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}
static inline void tsan_look(void)
{
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}
#else
static inline void *tsan_fiber(void) { return NULL; }
static inline void *tsan_fiber_self(void) { return NULL; }
static inline void tsan_fiber_free(void *f) { (void)f; }
static inline void tsan_thread(void *f) { (void)f; }
static inline void tsan_cpu(void *f) { (void)f; }
static inline void tsan_sent(void *at) { (void)at; }
static inline void tsan_taken(void *at) { (void)at; }
static inline void tsan_ignore(void) { }
static inline void tsan_look(void) { }
#endif
#endif
