/* SPDX-License-Identifier: MIT */
/*
 * Names of UNIX sockets (unix(7)): paths, which are inodes with a pointer to
 * the socket, and abstract ones in a hash table, unique per socket type.
 */
#include "net/unix_internal.h"

enum { BUCKETS = 128 };
static struct { struct spinlock lock; struct list_head sockets; } bucket[BUCKETS];	/* [UNIX_NAMES] */

static uint32_t hash_name(const struct abi_sockaddr_un *sun, unsigned len, int type)
{
	uint32_t h = 2166136261u ^ (uint32_t)type;

	for (unsigned i = 2; i < len; i++)
		h = (h ^ (uint8_t)((const char *)sun)[i]) * 16777619u;
	return h;
}

int unix_name_parse(const struct abi_sockaddr *a, unsigned len, struct abi_sockaddr_un *sun, unsigned *out_len)
{
	if (len <= sizeof(sun->family) || len > sizeof(*sun) || a->family != AF_UNIX)
		return -EINVAL;
	memset(sun, 0, sizeof(*sun));
	memcpy(sun, a, len);
	if (sun->path[0])
		len = (unsigned)(sizeof(sun->family) + strnlen(sun->path, UNIX_PATH) + 1);
	*out_len = len;
	return 0;
}

struct unix_addr *unix_addr_get(struct unix_socket *u)
{
	struct unix_addr *a;

	spin_lock(&u->s.queue_lock);
	a = u->addr;
	if (a)
		ref_get(&a->refs);
	spin_unlock(&u->s.queue_lock);
	return a;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && ref_put(&a->refs))
		kfree(a);
}

static struct unix_addr *addr_create(const struct abi_sockaddr_un *sun, unsigned len, int type)
{
	struct unix_addr *a = kzalloc(sizeof(*a) + 8, 0);

	if (!a)
		return NULL;
	ref_init(&a->refs);
	memcpy(&a->sun, sun, MIN(len, (unsigned)sizeof(*sun)));
	a->len = len;
	a->hash = hash_name(sun, MIN(len, (unsigned)sizeof(*sun)), type);	/* a path's length counts a zero that may not be there */
	return a;
}

static void set_addr(struct unix_socket *u, struct unix_addr *a)
{
	spin_lock(&u->s.queue_lock);
	u->addr = a;
	spin_unlock(&u->s.queue_lock);
}

/* [bucket] */
static struct unix_socket *find_abstract(uint32_t hash, const struct abi_sockaddr_un *sun, unsigned len, int type)
{
	struct unix_socket *u;

	list_for_each(u, &bucket[hash % BUCKETS].sockets, name_link)
		if (u->s.type == type && u->addr->len == len && !memcmp(&u->addr->sun, sun, len))
			return u;
	return NULL;
}

/* Takes a's reference if it succeeds. */
static int bind_abstract(struct unix_socket *u, struct unix_addr *a)
{
	int err = 0;

	spin_lock(&bucket[a->hash % BUCKETS].lock);
	if (find_abstract(a->hash, &a->sun, a->len, u->s.type)) {
		err = -EADDRINUSE;
	} else {
		set_addr(u, a);
		list_add_tail(&u->name_link, &bucket[a->hash % BUCKETS].sockets);
	}
	spin_unlock(&bucket[a->hash % BUCKETS].lock);
	return err;
}

static int bind_path(struct unix_socket *u, struct unix_addr *a)
{
	char name[UNIX_PATH + 1];
	struct inode *i;
	int err;

	memcpy(name, a->sun.path, UNIX_PATH);
	name[UNIX_PATH] = '\0';
	if (u->addr) {		/* that it has a name already is said when the new one has been made */
		struct path p;

		err = vfs_mksock(name, READ_ONCE(u->s.mode), &p);
		if (err)
			return err;
		path_put(&p);
		(void)vfs_unlink_name(name);
		return -EINVAL;
	}
	err = vfs_mksock(name, READ_ONCE(u->s.mode), &u->path);
	if (err)
		return err;
	i = u->path.dentry->inode;
	spin_lock(&i->state_lock);
	i->socket = u;		/* no reference: cleared when the socket is closed */
	spin_unlock(&i->state_lock);
	set_addr(u, a);
	return 0;
}

static int autobind_locked(struct unix_socket *u)
{
	static uint32_t next;
	struct abi_sockaddr_un sun = { .family = AF_UNIX };

	if (u->addr)
		return 0;
	for (unsigned tries = 0; tries < 1u << 20; tries++) {
		uint32_t n = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) & 0xfffff;
		struct unix_addr *a;
		int err;

		for (unsigned i = 0; i < 5; i++)
			sun.path[1 + i] = "0123456789abcdef"[n >> (16 - 4 * i) & 15];
		a = addr_create(&sun, 2 + 6, u->s.type);
		if (!a)
			return -ENOMEM;
		err = bind_abstract(u, a);
		if (!err)
			return 0;
		unix_addr_put(a);
	}
	return -ENOSPC;
}

int unix_autobind(struct unix_socket *u)
{
	int err;

	mutex_lock(&u->s.lock);
	err = autobind_locked(u);
	mutex_unlock(&u->s.lock);
	return err;
}

int unix_bind(struct socket *s, const struct abi_sockaddr *a, unsigned len)
{
	struct unix_socket *u = unix_of(s);
	struct abi_sockaddr_un sun;
	struct unix_addr *addr;
	int err;

	if (len == sizeof(a->family) && a->family == AF_UNIX)
		return unix_autobind(u);
	err = unix_name_parse(a, len, &sun, &len);
	if (err)
		return err;
	addr = addr_create(&sun, len, s->type);
	if (!addr)
		return -ENOMEM;
	mutex_lock(&s->lock);
	if (u->addr && !sun.path[0])
		err = -EINVAL;
	else if (sun.path[0])
		err = bind_path(u, addr);
	else
		err = bind_abstract(u, addr);
	mutex_unlock(&s->lock);
	if (err)
		unix_addr_put(addr);
	return err;
}

static int find_path(const struct abi_sockaddr_un *sun, struct unix_socket **out)
{
	struct unix_socket *u = NULL;
	char name[UNIX_PATH + 1];
	struct path p;
	struct inode *i;
	int err;

	memcpy(name, sun->path, UNIX_PATH);
	name[UNIX_PATH] = '\0';
	err = path_lookup(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (err)
		return err;
	i = p.dentry->inode;
	err = inode_permission(i, MAY_WRITE);
	if (!err && !S_ISSOCK(inode_mode(i)))
		err = -ECONNREFUSED;
	if (!err) {
		spin_lock(&i->state_lock);
		u = i->socket;
		if (!u || !ref_get_unless_zero(&u->s.refs))
			err = -ECONNREFUSED;
		spin_unlock(&i->state_lock);
	}
	path_put(&p);
	*out = u;
	return err;
}

int unix_find(const struct abi_sockaddr_un *sun, unsigned len, int type, struct unix_socket **out)
{
	struct unix_socket *u;

	if (sun->path[0]) {
		int err = find_path(sun, &u);

		if (err)
			return err;
		if (u->s.type != type) {
			unix_put(u);
			return -EPROTOTYPE;
		}
	} else {
		uint32_t hash = hash_name(sun, len, type);

		spin_lock(&bucket[hash % BUCKETS].lock);
		u = find_abstract(hash, sun, len, type);
		if (u && !ref_get_unless_zero(&u->s.refs))
			u = NULL;
		spin_unlock(&bucket[hash % BUCKETS].lock);
		if (!u)
			return -ECONNREFUSED;
	}
	*out = u;
	return 0;
}

void unix_name_release(struct unix_socket *u)
{
	mutex_lock(&u->s.lock);
	if (!list_empty(&u->name_link)) {
		struct spinlock *l = &bucket[u->addr->hash % BUCKETS].lock;

		spin_lock(l);
		list_del_init(&u->name_link);
		spin_unlock(l);
	}
	if (u->path.dentry) {
		struct inode *i = u->path.dentry->inode;

		spin_lock(&i->state_lock);
		if (i->socket == u)
			i->socket = NULL;
		spin_unlock(&i->state_lock);
		path_put(&u->path);
		u->path.dentry = NULL;
	}
	mutex_unlock(&u->s.lock);
}

void unix_name_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		spin_init(&bucket[i].lock, LOCK_UNIX_NAMES);
		list_init(&bucket[i].sockets);
	}
}
