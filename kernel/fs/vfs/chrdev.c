/* SPDX-License-Identifier: MIT */
/* Character devices by number: ranges of minors of a major, registered at boot. */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "vfs_internal.h"

struct chrdev { struct chrdev *next; unsigned major, base, count; const struct file_ops *ops; char name[32]; };
static struct mutex chrdev_lock;	/* [MODULE] */
static struct chrdev *chrdevs;		/* [chrdev_lock]; read without it: entries are never removed */

void chrdev_init(void) { mutex_init(&chrdev_lock, LOCK_MODULE); }

int chrdev_register(unsigned major, unsigned minor_base, unsigned count, const struct file_ops *ops, const char *name)
{
	struct chrdev *c, *n = kmalloc(sizeof(*n), 0);

	if (!n)
		return -ENOMEM;
	*n = (struct chrdev){ .major = major, .base = minor_base, .count = count, .ops = ops };
	strlcpy(n->name, name, sizeof(n->name));
	mutex_lock(&chrdev_lock);
	for (c = chrdevs; c; c = c->next)
		if (c->major == major && c->base < minor_base + count && minor_base < c->base + c->count) {
			mutex_unlock(&chrdev_lock);
			kfree(n);
			return -EBUSY;
		}
	n->next = chrdevs;
	rcu_assign(chrdevs, n);
	mutex_unlock(&chrdev_lock);
	return 0;
}

const struct file_ops *chrdev_find(kdev_t dev)
{
	for (struct chrdev *c = rcu_dereference(chrdevs); c; c = c->next)
		if (c->major == KDEV_MAJOR(dev) && KDEV_MINOR(dev) - c->base < c->count)
			return c->ops;
	return NULL;
}

bool chrdev_get(unsigned index, unsigned *major, const char **name)
{
	struct chrdev *c = rcu_dereference(chrdevs);

	while (c && index--)
		c = c->next;
	if (!c)
		return false;
	*major = c->major;
	*name = c->name;
	return true;
}
