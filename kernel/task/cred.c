/* SPDX-License-Identifier: MIT */
/*
 * Credentials: immutable structs that are replaced as a whole, and the
 * accounts of what each user has in use.  See credentials(7), capabilities(7).
 *
 * cred_prepare() gives current a writable copy, cred_commit() publishes it:
 * readers in other threads hold an RCU read section or a reference.
 */
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include "task_impl.h"

static struct kmem_cache *cred_cache, *user_cache;
static struct list_head users = LIST_INIT(users);	/* [users_lock] */
static struct spinlock users_lock = SPINLOCK_INIT(CRED);
static struct user_account root_user = { .refs = { 1 }, .uid = 0, .link = LIST_INIT(root_user.link) };

enum { SECURE_NOROOT = 0, SECURE_NO_SETUID_FIXUP = 2, SECURE_KEEP_CAPS = 4, SECURE_NO_CAP_AMBIENT_RAISE = 6 };
#define CAPS_ALL ((1ull << (CAP_LAST + 1)) - 1)
#define CAPS_FS (1ull << CAP_CHOWN | 1ull << CAP_MKNOD | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | \
	1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_LINUX_IMMUTABLE | 1ull << 27 /* CAP_MKNOD */ | 1ull << 32 /* CAP_MAC_OVERRIDE */)

/* ---- accounts ---- */

static struct user_account *user_get(uint32_t uid)
{
	struct user_account *u, *fresh;
	unsigned long flags;

	if (uid == 0) {
		ref_get(&root_user.refs);
		return &root_user;
	}
	fresh = kmem_cache_alloc(user_cache, ALLOC_ZERO);
	flags = spin_lock_irqsave(&users_lock);
	list_for_each(u, &users, link)
		if (u->uid == uid) {
			ref_get(&u->refs);
			spin_unlock_irqrestore(&users_lock, flags);
			if (fresh)
				kmem_cache_free(user_cache, fresh);
			return u;
		}
	if (fresh) {
		ref_init(&fresh->refs);
		fresh->uid = uid;
		list_add(&fresh->link, &users);
	}
	spin_unlock_irqrestore(&users_lock, flags);
	return fresh;
}

void user_account_put(struct user_account *u)
{
	unsigned long flags;
	bool last;
	int32_t n;

	if (!u)
		return;
	for (n = ref_read(&u->refs); n > 1;)
		if (__atomic_compare_exchange_n(&u->refs.n, &n, n - 1, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
	/* The last reference goes under the lock, so that user_get() never revives a dying one. */
	flags = spin_lock_irqsave(&users_lock);
	last = ref_put(&u->refs);
	if (last)
		list_del(&u->link);
	spin_unlock_irqrestore(&users_lock, flags);
	if (last)
		kmem_cache_free(user_cache, u);
}

struct user_account *user_account_current(void)
{
	struct user_account *u = current->cred ? current->cred->user : &root_user;

	ref_get(&u->refs);
	return u;
}

/* ---- the structs ---- */

void cred_init(void)
{
	cred_cache = kmem_cache_create("cred", sizeof(struct cred), 0);
	user_cache = kmem_cache_create("user", sizeof(struct user_account), 0);
}

struct cred *cred_init_root(void)
{
	struct cred *c = kmem_cache_alloc(cred_cache, ALLOC_ZERO);

	if (!c)
		return NULL;
	ref_init(&c->refs);
	c->user = user_get(0);
	c->cap_effective = c->cap_permitted = c->cap_bounding = CAPS_ALL;
	return c;
}

struct cred *cred_get(struct cred *c)
{
	ref_get(&c->refs);
	return c;
}

static void cred_free_rcu(struct rcu_head *h)
{
	struct cred *c = container_of(h, struct cred, rcu);

	user_account_put(c->user);
	kfree(c->groups);
	kmem_cache_free(cred_cache, c);
}

void cred_put(struct cred *c)
{
	if (c && ref_put(&c->refs))
		rcu_call(&c->rcu, cred_free_rcu);
}

/*
 * A task that opens and closes has some references aside, which nobody else sees change: others with the same credentials do so
 * at the same time.
 */
enum { SPARE_MOST = 8 };

struct cred *cred_get_current(void)
{
	struct task *t = current;

	if (t->cred_spare) {
		t->cred_spare--;
		return t->cred;
	}
	return t->cred ? cred_get(t->cred) : NULL;
}

void cred_put_here(struct cred *c)
{
	struct task *t = current;

	if (c && c == t->cred && t->cred_spare < SPARE_MOST)
		t->cred_spare++;
	else
		cred_put(c);
}

void cred_spare_drop(struct task *t)
{
	while (t->cred_spare) {
		t->cred_spare--;
		cred_put(t->cred);
	}
}

struct cred *cred_dup(const struct cred *old)
{
	struct cred *c = kmem_cache_alloc(cred_cache, 0);

	if (!c)
		return NULL;
	/* All but the count, which changes meanwhile. */
	memcpy(&c->user, &old->user, sizeof(*c) - offsetof(struct cred, user));
	ref_init(&c->refs);
	ref_get(&c->user->refs);
	if (c->ngroups) {
		c->groups = kmemdup(old->groups, old->ngroups * sizeof(uint32_t), 0);
		if (!c->groups) {
			user_account_put(c->user);
			kmem_cache_free(cred_cache, c);
			return NULL;
		}
	} else {
		c->groups = NULL;
	}
	return c;
}

struct cred *cred_prepare(void)
{
	return cred_dup(current->cred);
}

bool user_over_nproc(const struct user_account *u)
{
	return u->uid && (uint64_t)__atomic_load_n(&u->processes, __ATOMIC_RELAXED) > rlimit_get(RLIMIT_NPROC);
}

void cred_commit(struct cred *c)
{
	struct task *t = current;
	struct cred *old = t->cred;

	if (c->user->uid != c->uid) {
		struct user_account *u = user_get(c->uid);

		/* Without memory for the new account the old one goes on counting: no limit is evaded. */
		if (u) {
			if (t->process) {
				t->over_nproc = user_over_nproc(u);
				__atomic_add_fetch(&u->processes, 1, __ATOMIC_RELAXED);
				__atomic_sub_fetch(&c->user->processes, 1, __ATOMIC_RELAXED);
			}
			user_account_put(c->user);
			c->user = u;
		}
	}
	/* Who became somebody else may not be inspected by whom he was (ptrace(2), prctl(2) PR_SET_DUMPABLE). */
	if (old && (c->euid != old->euid || c->egid != old->egid || c->fsuid != old->fsuid || c->fsgid != old->fsgid ||
		    (c->cap_permitted & ~old->cap_permitted))) {
		if (t->vm)
			WRITE_ONCE(t->vm->secret, true);
		WRITE_ONCE(t->pdeath_signal, 0);
	}
	cred_spare_drop(t);
	rcu_assign(t->cred, c);
	cred_put(old);
}

struct cred *cred_override(struct cred *c)
{
	struct cred *old = current->cred;

	cred_spare_drop(current);
	rcu_assign(current->cred, c);
	return old;
}

bool capable(enum cap cap)
{
	const struct cred *c = current->cred;

	/* Kernel threads have no credentials: they are the kernel. */
	return !c || c->cap_effective >> cap & 1;
}

bool cred_in_group(const struct cred *c, uint32_t gid)
{
	unsigned lo = 0, hi = c->ngroups;

	if (c->fsgid == gid)
		return true;
	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (c->groups[mid] == gid)
			return true;
		if (c->groups[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* ---- execve (capabilities(7), "Transformation of capabilities during execve") ---- */

bool cred_exec(struct cred *c, struct inode *inode, bool set_ids, bool (*may_gain)(struct exec *e), struct exec *e)
{
	const struct cred *old = current->cred;
	uint32_t mode = inode_mode(inode);
	bool other_ids, root_file;

	if (set_ids && mode & S_ISUID)
		c->euid = inode->uid;
	/* S_ISGID without group execute permission means mandatory locking, not set-group-id. */
	if (set_ids && (mode & (S_ISGID | 0010)) == (S_ISGID | 0010))
		c->egid = inode->gid;
	c->cap_permitted = 0;
	root_file = !(c->securebits & 1u << SECURE_NOROOT) && (c->euid == 0 || c->uid == 0);
	if (root_file)
		c->cap_permitted = c->cap_bounding | c->cap_inheritable;
	root_file &= c->euid == 0;
	other_ids = c->euid != old->uid || c->egid != old->gid;
	if ((other_ids || c->cap_permitted & ~old->cap_permitted) && !may_gain(e)) {
		if (READ_ONCE(current->no_new_privs) || !capable(CAP_SETUID)) {
			c->euid = c->uid;
			c->egid = c->gid;
		}
		c->cap_permitted &= old->cap_permitted;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	if (other_ids)
		c->cap_ambient = 0;
	c->cap_permitted |= c->cap_ambient;
	c->cap_effective = root_file ? c->cap_permitted : c->cap_ambient;
	c->securebits &= ~(1u << SECURE_KEEP_CAPS);
	return other_ids || (c->uid != 0 && (root_file || c->cap_permitted & ~c->cap_ambient));
}
