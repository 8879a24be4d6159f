/* SPDX-License-Identifier: MIT */
/*
 * Signal-driven I/O: see <kernel/sigio.h>.  Files are collected, with
 * references, under the list's lock and told without it: sending a signal
 * takes locks further out.
 */
#include <kernel/sigio.h>
#include "ipc/ipc_internal.h"

struct sigio_entry { struct list_head link; struct file *file; };

void sigio_init(struct sigio_list *l)
{
	spin_init(&l->lock, LOCK_EVENTFD);
	list_init(&l->entries);
}

int sigio_set(struct sigio_list *l, struct file *f, bool on)
{
	struct sigio_entry *e, *fresh = on ? kmalloc(sizeof(*fresh), 0) : NULL, *old = NULL;

	if (on && !fresh)
		return -ENOMEM;
	spin_lock(&l->lock);
	list_for_each(e, &l->entries, link)
		if (e->file == f) {
			old = e;
			break;
		}
	if (on && !old) {
		fresh->file = f;
		list_add_tail(&fresh->link, &l->entries);
		fresh = NULL;
	} else if (!on && old) {
		list_del(&old->link);
		fresh = old;
	}
	spin_unlock(&l->lock);
	kfree(fresh);
	return 0;
}

void sigio_send_slow(struct sigio_list *l, int band)
{
	struct file *hit[16];
	struct sigio_entry *e;
	unsigned n, skip = 0;

	do {
		unsigned seen = 0;

		n = 0;
		spin_lock(&l->lock);
		list_for_each(e, &l->entries, link)
			if (seen++ >= skip && n < ARRAY_SIZE(hit) && ref_get_unless_zero(&e->file->refs))
				hit[n++] = e->file;
		spin_unlock(&l->lock);
		for (unsigned i = 0; i < n; i++) {
			file_sigio(hit[i], band);
			file_put_deferred(hit[i]);
		}
		skip += ARRAY_SIZE(hit);
	} while (n == ARRAY_SIZE(hit));
}
