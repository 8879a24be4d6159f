/* SPDX-License-Identifier: MIT */
/* Lock-order checks of debug builds: see lock_debug.c.  Empty otherwise. */
#ifndef SYNC_LOCK_DEBUG_H
#define SYNC_LOCK_DEBUG_H
#include <kernel/lock.h>
/* TRIED: it was free, so nobody waits and no order can be wrong; what is taken after it is checked against it. */
enum lock_how { LOCK_FIRST, LOCK_NESTED, LOCK_TRIED };
#ifdef EFT_DEBUG
void lock_debug_spin_acquire(uint16_t class, enum lock_how how);
void lock_debug_spin_release(uint16_t class);
void lock_debug_sleep_acquire(uint16_t class, enum lock_how how);
void lock_debug_sleep_release(uint16_t class);
#else
static inline void lock_debug_spin_acquire(uint16_t class, enum lock_how how) {}
static inline void lock_debug_spin_release(uint16_t class) {}
static inline void lock_debug_sleep_acquire(uint16_t class, enum lock_how how) {}
static inline void lock_debug_sleep_release(uint16_t class) {}
#endif
/* How often a sleeping lock is looked at before its waiter sleeps: less time than to sleep and be woken. */
enum { LOCK_SPINS = 256 };
/* For the scheduler's run queues, which one thread locks and the next unlocks: interrupts are off, preemption is not counted. */
void spin_lock_raw(struct spinlock *l);
bool spin_trylock_raw(struct spinlock *l);
void spin_unlock_raw(struct spinlock *l);
#endif
