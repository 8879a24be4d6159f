/* SPDX-License-Identifier: MIT */
/*
 * The futex calls of one operation each: futex_wake(2), futex_wait(2),
 * futex_requeue(2).  What they do is in futex.c; here is how they are asked:
 * the size and the sharing of the word are flags, every mask is given, a count
 * of none wakes none, and times are absolute.
 *
 * Only words of 32 bits, as futex_waitv.  A word that has its NUMA node behind it is told that it is node 0: there is one.
 */
#include <abi/time.h>
#include "futex.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

bool futex2_flags_good(unsigned flags) { return (flags & ~(unsigned)(FUTEX2_PRIVATE | FUTEX2_NUMA | FUTEX2_MPOL)) == FUTEX2_SIZE_U32; }

int futex2_node(uaddr_t uaddr, unsigned flags)
{
	uint32_t node;

	if (!(flags & FUTEX2_NUMA))
		return 0;
	if (uaddr & 7)
		return -EINVAL;
	if (!user_range_ok(uaddr, 8) || get_user(node, uaddr + 4))
		return -EFAULT;
	if (node == UINT32_MAX)
		return put_user((uint32_t)0, uaddr + 4);
	return node ? -EINVAL : 0;
}

long sys_futex_wake(uaddr_t uaddr, uint64_t mask, int n, unsigned flags)
{
	struct vm_key key;
	int err;

	if (!futex2_flags_good(flags) || mask >> 32 || !mask)
		return -EINVAL;
	err = futex2_node(uaddr, flags);
	if (err)
		return err;
	if (n)
		return futex_wake(uaddr, flags & FUTEX2_PRIVATE, n, (uint32_t)mask);
	err = vm_futex_key(uaddr, flags & FUTEX2_PRIVATE, false, &key);
	return err;
}

long sys_futex_wait(uaddr_t uaddr, uint64_t val, uint64_t mask, unsigned flags, uaddr_t utimeout, int clock)
{
	uint64_t deadline;
	long err;

	if (!futex2_flags_good(flags) || val >> 32 || mask >> 32)
		return -EINVAL;
	if (utimeout && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	err = futex_deadline(utimeout, true, clock == CLOCK_REALTIME, &deadline);
	if (err)
		return err;
	if (!mask)
		return -EINVAL;
	err = futex2_node(uaddr, flags);
	if (err)
		return err;
	err = futex_wait(uaddr, flags & FUTEX2_PRIVATE, (uint32_t)val, deadline, (uint32_t)mask);
	if (err == -ERESTART_RESTARTBLOCK)
		err = -ERESTARTSYS;	/* the time is absolute: the same call again */
	return err;
}

long sys_futex_requeue(uaddr_t uwaiters, unsigned flags, int wake, int requeue)
{
	struct abi_futex_waitv w[2];
	struct vm_key key;
	uint32_t cmp;

	if (flags || !uwaiters)
		return -EINVAL;
	for (int i = 0; i < 2; i++) {
		if (copy_from_user(&w[i], uwaiters + (unsigned)i * sizeof(w[0]), sizeof(w[0])))
			return -EFAULT;
		if (!futex2_flags_good(w[i].flags) || w[i].reserved || w[i].val >> 32)
			return -EINVAL;
	}
	if (w[0].flags != w[1].flags || wake < 0 || requeue < 0)
		return -EINVAL;
	for (int i = 0; i < 2 && w[0].flags & FUTEX2_NUMA; i++) {	/* one word after the other */
		int err = futex2_node(w[i].uaddr, w[i].flags);

		if (!err)
			err = vm_futex_key(w[i].uaddr, w[i].flags & FUTEX2_PRIVATE, false, &key);
		if (err)
			return err;
	}
	cmp = (uint32_t)w[0].val;
	return futex_requeue(w[0].uaddr, w[0].flags & FUTEX2_PRIVATE, w[1].uaddr, w[1].flags & FUTEX2_PRIVATE, wake, requeue, &cmp);
}
