/* SPDX-License-Identifier: MIT */
/*
 * What the three kinds of System V IPC share: identifiers, keys, permissions.
 *
 * An identifier is a sequence number and an index, so that one that was
 * removed is not taken for its successor.  Objects are found by index and, if
 * they have a key, by key, under the table's lock; they are reference counted,
 * and one that was removed says so to whoever still holds it.
 */
#ifndef SYSV_INTERNAL_H
#define SYSV_INTERNAL_H
#include <abi/ipc.h>
#include <kernel/radix.h>
#include "ipc/ipc_internal.h"

enum { SYSV_INDEX_BITS = 15, SYSV_MAX = 32000 };

struct sysv_object {
	struct refcount refs;		/* 1 while it is in the table */
	struct mutex lock;		/* [IPC_OBJECT] */
	int id;				/* [I] */
	int32_t key;			/* [table] */
	uint32_t uid, gid, cuid, cgid, mode;	/* [lock] */
	uint16_t seq;			/* [I] */
	bool removed;			/* [a] written under lock */
	void (*destroy)(struct sysv_object *o);	/* the last reference is gone */
};
struct sysv_table {
	struct mutex lock;		/* [IPC_NAMES] */
	struct radix_tree by_index, by_key;	/* [lock] */
	uint64_t *used;			/* [lock] bitmap of indices */
	uint16_t seq;			/* [lock] */
	unsigned count;			/* [lock] */
};
void sysv_table_init(struct sysv_table *t);
/*
 * xxxget(2): finds the key's object or makes one.  check: is an existing one what the caller wants?
 * The id or -errno.
 */
int sysv_get(struct sysv_table *t, int32_t key, int flags, struct sysv_object *(*create)(void *arg), int (*check)(struct sysv_object *o, void *arg), void *arg);
/* With a reference: -EINVAL, -EIDRM (a stale id). */
int sysv_find(struct sysv_table *t, int id, struct sysv_object **out) MUST_CHECK;
/* The same, with its lock held, until sysv_unlock_put(): -EIDRM also if it has been removed meanwhile. */
int sysv_find_locked(struct sysv_table *t, int id, struct sysv_object **out) MUST_CHECK;
int sysv_find_index_locked(struct sysv_table *t, int index, struct sysv_object **out) MUST_CHECK;	/* xxx_STAT */
void sysv_unlock_put(struct sysv_object *o);
void sysv_put(struct sysv_object *o);
int sysv_permission(const struct sysv_object *o, int mode) MUST_CHECK;	/* 0400 read, 0200 write: -EACCES */
int sysv_owner(const struct sysv_object *o) MUST_CHECK;		/* IPC_SET, IPC_RMID: -EPERM */
/* Takes it out of the table and drops the table's reference.  [o.lock] */
void sysv_remove(struct sysv_table *t, struct sysv_object *o);
void sysv_hide_key(struct sysv_table *t, struct sysv_object *o);	/* it cannot be found by key any more */
void sysv_stat(const struct sysv_object *o, struct abi_ipc_perm *out);
int sysv_set(struct sysv_object *o, const struct abi_ipc_perm *p) MUST_CHECK;
int sysv_highest(struct sysv_table *t);		/* index in use, for xxx_INFO; 0 if none */
static inline int64_t sysv_now(void) { return (int64_t)(time_real_ns() / NSEC_PER_SEC); }
void sysv_sem_init(void);
void sysv_msg_init(void);
void sysv_shm_init(void);
#endif
