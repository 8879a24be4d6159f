/* SPDX-License-Identifier: MIT */
/*
 * Copies between the kernel and current's user memory: validated, and they
 * take faults.  They sleep: no spinlock may be held.  0 or -EFAULT, unless said.
 */
#ifndef KERNEL_UACCESS_H
#define KERNEL_UACCESS_H
#include <hal/types.h>
#include <kernel/compiler.h>

struct task;

int copy_from_user(void *dst, uaddr_t src, size_t n) MUST_CHECK;
int copy_to_user(uaddr_t dst, const void *src, size_t n) MUST_CHECK;
/* current is going away, or changes its address space: drop the translation cache. */
void uaccess_forget(struct task *t);
/* Copies of n bytes are to come: current remembers as many translations as that is worth. */
void uaccess_expect(size_t n);
/* Bytes copied until the first page that is not at hand: takes no fault, may be used with a page locked (not in atomic context). */
size_t copy_from_user_nofault(void *dst, uaddr_t src, size_t n);
size_t copy_to_user_nofault(uaddr_t dst, const void *src, size_t n);
/* Bytes copied before the first fault. */
size_t copy_from_user_partial(void *dst, uaddr_t src, size_t n);
size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n);
int clear_user(uaddr_t dst, size_t n) MUST_CHECK;
/* Length without the NUL, at most max; -EFAULT; max if no NUL within it (dst is then not terminated). */
int64_t strncpy_from_user(char *dst, uaddr_t src, size_t max) MUST_CHECK;
/* Is the range below the limit?  (Says nothing about mappings.) */
bool user_range_ok(uaddr_t addr, size_t n);
#define get_user(x, uaddr) copy_from_user(&(x), (uaddr), sizeof(x))
#define put_user(x, uaddr) ({ __typeof__(x) pu_ = (x); copy_to_user((uaddr), &pu_, sizeof(pu_)); })
/* copy_from_user of a struct that may be larger or smaller than we know (openat2, clone3): -E2BIG if unknown bytes are set. */
int copy_struct_from_user(void *dst, size_t ksize, uaddr_t src, size_t usize) MUST_CHECK;

/* Atomics on user memory (futex): 0 or -EFAULT; *old is what was there. */
int user_load32(uaddr_t addr, uint32_t *out) MUST_CHECK;
int user_cmpxchg32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old) MUST_CHECK;
/*
 * Without faulting, so that a spinlock may be held: -EFAULT if the page is not at
 * hand (then fault it in with user_load32 and try again).
 */
int user_load32_nofault(uaddr_t addr, uint32_t *out) MUST_CHECK;
#endif
