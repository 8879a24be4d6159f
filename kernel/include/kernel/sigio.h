/* SPDX-License-Identifier: MIT */
/*
 * Signal-driven I/O (fcntl(2) F_SETOWN, O_ASYNC): the open files of one object
 * that want SIGIO.  An object has a list; its file operation fasync() adds and
 * removes files, and who makes it ready sends.
 */
#ifndef KERNEL_SIGIO_H
#define KERNEL_SIGIO_H
#include <kernel/lock.h>

struct file;
struct sigio_list { struct spinlock lock; struct list_head entries; /* [lock] */ };
void sigio_init(struct sigio_list *l);
/* 0 or -ENOMEM. */
int sigio_set(struct sigio_list *l, struct file *f, bool on) MUST_CHECK;
/* band: POLLIN, POLLOUT ... that have become true.  Any process context, no spinlock held. */
void sigio_send_slow(struct sigio_list *l, int band);
static inline void sigio_send(struct sigio_list *l, int band)
{
	if (!list_empty(&l->entries))
		sigio_send_slow(l, band);
}
#endif
