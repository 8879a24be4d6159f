/* SPDX-License-Identifier: MIT */
/* System V IPC: identifiers, keys and permissions (sysvipc(7)). */
#include "ipc/sysv_internal.h"

void sysv_table_init(struct sysv_table *t) { mutex_init(&t->lock, LOCK_IPC_NAMES); }

void sysv_put(struct sysv_object *o)
{
	if (ref_put(&o->refs))
		o->destroy(o);
}

int sysv_permission(const struct sysv_object *o, int mode)
{
	const struct cred *c = current->cred;
	uint32_t want = (uint32_t)((mode >> 6) | (mode >> 3) | mode) & 7, granted = READ_ONCE(o->mode);

	if (c->euid == o->cuid || c->euid == READ_ONCE(o->uid))
		granted >>= 6;
	else if (cred_in_group(c, o->cgid) || cred_in_group(c, READ_ONCE(o->gid)))
		granted >>= 3;
	return (want & ~granted & 7) && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

int sysv_owner(const struct sysv_object *o)
{
	uint32_t euid = current->cred->euid;

	return euid == o->cuid || euid == o->uid || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* [t.lock] */
static int add(struct sysv_table *t, struct sysv_object *o, int32_t key, int flags)
{
	const struct cred *c = current->cred;
	size_t index;
	int err;

	if (t->count >= SYSV_MAX)
		return -ENOSPC;
	if (!t->used) {
		t->used = kzalloc(BITMAP_WORDS(SYSV_MAX) * 8, 0);
		if (!t->used)
			return -ENOMEM;
	}
	index = bitmap_find_clear(t->used, SYSV_MAX, 0);
	err = radix_insert(&t->by_index, index, o);
	if (err)
		return err;
	if (key != IPC_PRIVATE) {
		err = radix_insert(&t->by_key, (uint32_t)key, o);
		if (err) {
			radix_erase(&t->by_index, index);
			return err;
		}
	}
	bit_set(t->used, index);
	WRITE_ONCE(t->count, t->count + 1);	/* xxx_INFO */
	o->seq = t->seq;
	t->seq = (t->seq + 1) & 0x7fff;
	o->id = (int)o->seq << SYSV_INDEX_BITS | (int)index;
	o->key = key;
	o->mode = (uint32_t)flags & 0777;
	o->uid = o->cuid = c->euid;
	o->gid = o->cgid = c->egid;
	return o->id;
}

int sysv_get(struct sysv_table *t, int32_t key, int flags, struct sysv_object *(*create)(void *arg),
	int (*check)(struct sysv_object *o, void *arg), void *arg)
{
	struct sysv_object *o, *fresh;
	int ret;

	/* Made before the table is locked; it is dropped if there is one with that key. */
	fresh = key == IPC_PRIVATE || (flags & IPC_CREAT) ? create(arg) : NULL;
	mutex_lock(&t->lock);
	o = key == IPC_PRIVATE ? NULL : radix_find(&t->by_key, (uint32_t)key);
	if (o) {
		if ((flags & IPC_CREAT) && (flags & IPC_EXCL)) {
			ret = -EEXIST;
		} else {
			ret = check(o, arg);
			if (!ret)
				ret = sysv_permission(o, flags);
			if (!ret)
				ret = o->id;
		}
	} else if (key != IPC_PRIVATE && !(flags & IPC_CREAT)) {
		ret = -ENOENT;
	} else if (!fresh) {
		ret = *(int *)arg < 0 ? *(int *)arg : -ENOMEM;	/* create() leaves its error in front of the argument */
	} else {
		ret = add(t, fresh, key, flags);
		if (ret >= 0)
			fresh = NULL;
	}
	mutex_unlock(&t->lock);
	if (fresh)
		sysv_put(fresh);
	return ret;
}

static int find(struct sysv_table *t, int index, int id, struct sysv_object **out)
{
	struct sysv_object *o;
	int err = 0;

	mutex_lock(&t->lock);
	o = index < 0 || index >= SYSV_MAX ? NULL : radix_find(&t->by_index, (uint64_t)index);
	if (!o)
		err = -EINVAL;
	else if (id >= 0 && o->id != id)
		err = -EIDRM;
	else
		ref_get(&o->refs);
	mutex_unlock(&t->lock);
	*out = o;
	return err;
}

int sysv_find(struct sysv_table *t, int id, struct sysv_object **out)
{
	return id < 0 ? -EINVAL : find(t, id & ((1 << SYSV_INDEX_BITS) - 1), id, out);
}

static NO_TSA int lock_found(struct sysv_object *o)
{
	mutex_lock(&o->lock);
	if (!o->removed)
		return 0;
	sysv_unlock_put(o);
	return -EIDRM;
}

NO_TSA int sysv_find_locked(struct sysv_table *t, int id, struct sysv_object **out)
{
	int err = sysv_find(t, id, out);

	return err ? err : lock_found(*out);
}

NO_TSA int sysv_find_index_locked(struct sysv_table *t, int index, struct sysv_object **out)
{
	int err = find(t, index, -1, out);

	return err ? err : lock_found(*out);
}

NO_TSA void sysv_unlock_put(struct sysv_object *o)
{
	mutex_unlock(&o->lock);
	sysv_put(o);
}

void sysv_hide_key(struct sysv_table *t, struct sysv_object *o)
{
	mutex_lock(&t->lock);
	if (o->key != IPC_PRIVATE)
		radix_erase(&t->by_key, (uint32_t)o->key);
	o->key = IPC_PRIVATE;
	mutex_unlock(&t->lock);
}

void sysv_remove(struct sysv_table *t, struct sysv_object *o)
{
	int index = o->id & ((1 << SYSV_INDEX_BITS) - 1);

	WRITE_ONCE(o->removed, true);
	mutex_lock(&t->lock);
	if (o->key != IPC_PRIVATE)
		radix_erase(&t->by_key, (uint32_t)o->key);
	radix_erase(&t->by_index, (uint64_t)index);
	bit_clear(t->used, (size_t)index);
	WRITE_ONCE(t->count, t->count - 1);
	mutex_unlock(&t->lock);
	sysv_put(o);
}

void sysv_stat(const struct sysv_object *o, struct abi_ipc_perm *out)
{
	*out = (struct abi_ipc_perm){ .key = o->key, .uid = o->uid, .gid = o->gid, .cuid = o->cuid, .cgid = o->cgid, .mode = o->mode, .seq = o->seq };
}

int sysv_set(struct sysv_object *o, const struct abi_ipc_perm *p)
{
	int err = sysv_owner(o);

	if (err)
		return err;
	if (p->uid == UINT32_MAX || p->gid == UINT32_MAX)
		return -EINVAL;
	/* xxxget(2) asks for permission under the table's lock alone. */
	WRITE_ONCE(o->uid, p->uid);
	WRITE_ONCE(o->gid, p->gid);
	WRITE_ONCE(o->mode, (o->mode & ~0777u) | (p->mode & 0777));
	return 0;
}

int sysv_highest(struct sysv_table *t)
{
	int last = 0;

	mutex_lock(&t->lock);
	for (size_t i = 0; t->used && (i = bitmap_find_set(t->used, SYSV_MAX, i)) < SYSV_MAX; i++)
		last = (int)i;
	mutex_unlock(&t->lock);
	return last;
}

void sysv_init(void)
{
	sysv_sem_init();
	sysv_msg_init();
	sysv_shm_init();
}
