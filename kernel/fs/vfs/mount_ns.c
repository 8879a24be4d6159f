/* SPDX-License-Identifier: MIT */
/*
 * Mount name spaces: trees of mounts.  A task is in the one of its fs_context,
 * which tasks share that are to see the same root and working directory anyway.
 *
 * unshare(2) and clone(2) copy the tree (CLONE_NEWNS): shared mounts become
 * peers of their originals, so that the two go on hearing from each other.
 * The last context's end takes the tree down, which no other hears of.
 *
 * They are files, too (nsfs.c), whose number (id) grows: a name space's file
 * can be mounted only in an older one, and a copy of a tree is without such
 * mounts, so that no name space keeps itself.
 *
 * setns(2) gives the task another context: whoever looks at the old one from
 * outside goes on seeing one state.
 *
 * A tree that a descriptor holds (open_tree(2), fsmount(2)) has an anonymous
 * name space until move_mount(2) hangs it in.  It hears no events.
 *
 * Specification: mount_namespaces(7); fs.mount-max: Linux's sysctl/fs.rst.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include "vfs_internal.h"

#define INO_FIRST 0xeffffff8u		/* Linux's */
#define INO_LATER 0xf0000000u
static struct list_head mount_ns_all = { &init_mount_ns.all_link, &init_mount_ns.all_link };	/* [mount_mutex] by age */
static uint64_t last_id = 1;		/* [mount_mutex] */
struct mount_ns init_mount_ns = { .refs = { 1 }, .id = 1, .ino = INO_FIRST, .mounts = LIST_INIT(init_mount_ns.mounts), .all_link = { &mount_ns_all, &mount_ns_all } };
unsigned mount_max = 100000;

struct mount_ns *mount_ns_current(void)
{
	return (current->fs ? current->fs : &init_fs_context)->ns;
}

bool mount_is_ours(const struct mount *m) { return m->ns && m->ns == mount_ns_current(); }
bool mount_is_ours_or_loose(const struct mount *m) { return m->ns && (m->ns->anonymous || m->ns == mount_ns_current()); }

bool mount_is_below(const struct mount *m, const struct path *root)
{
	struct dentry *d = m->root;

	for (; m != root->mnt; m = m->parent) {
		if (m->parent == m)
			return false;
		d = m->mountpoint;
	}
	return mount_shows(root->dentry, d);
}

static struct mount_ns *ns_alloc(bool anonymous)
{
	struct mount_ns *ns = kzalloc(sizeof(*ns), 0);

	if (!ns)
		return NULL;
	ref_init(&ns->refs);
	ns->anonymous = anonymous;
	list_init(&ns->mounts);
	return ns;
}

int mount_ns_for_tree(struct mount *m)
{
	struct mount_ns *ns = ns_alloc(true);

	if (!ns)
		return -ENOMEM;
	ns->root = m;
	mount_ns_enter(m, ns);
	return 0;
}

void mount_ns_leave(struct mount *m)
{
	struct mount_ns *ns = m->ns;

	if (!ns)
		return;
	list_del_init(&m->ns_link);
	WRITE_ONCE(m->ns, NULL);
	if (--ns->count == 0 && ns->anonymous)
		kfree(ns);
}

void mount_ns_enter(struct mount *top, struct mount_ns *ns)
{
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		if (m->ns == ns)
			continue;
		mount_ns_leave(m);
		WRITE_ONCE(m->ns, ns);		/* mount_point_here() looks */
		ns->count++;
		list_add_tail(&m->ns_link, &ns->mounts);
	}
}

int mount_ns_reserve(struct mount_ns *ns, unsigned n)
{
	unsigned max = READ_ONCE(mount_max), have = ns->count + ns->coming;

	if (have >= max || n > max - have)
		return -ENOSPC;
	ns->coming += n;
	return 0;
}

void mount_ns_get(struct mount_ns *ns) { ref_get(&ns->refs); }

static void ns_destroy(struct work *w)
{
	struct mount_ns *ns = container_of(w, struct mount_ns, work);

	mutex_lock(&mount_mutex);
	list_del(&ns->all_link);
	mount_take_out(ns->root, false);
	mutex_unlock(&mount_mutex);
	kfree(ns);
}

void mount_ns_put(struct mount_ns *ns)
{
	if (!ref_put(&ns->refs))
		return;
	work_init(&ns->work, ns_destroy);
	work_queue(&ns->work);
}

int fs_context_new_ns(struct fs_context *c)
{
	struct mount_ns *ns, *old = c->ns;
	struct path *p[2] = { &c->root, &c->cwd };
	struct mount *was[2] = { NULL };
	int err;

	ns = old ? ns_alloc(false) : NULL;
	if (!ns)
		return old ? -ENOMEM : -EINVAL;
	mutex_lock(&mount_mutex);
	err = mount_copy_tree(old->root, old->root->root, COPY_UNBINDABLE, &ns->root);
	if (!err) {
		ns->id = ++last_id;
		ns->ino = INO_LATER + ns->id;
		list_add_tail(&ns->all_link, &mount_ns_all);
		mount_ns_enter(ns->root, ns);
		for (int i = 0; i < 2; i++)
			if (p[i]->mnt->ns == old && p[i]->mnt->copy) {
				was[i] = p[i]->mnt;
				p[i]->mnt = was[i]->copy;
				mount_get(p[i]->mnt);
			}
	}
	mutex_unlock(&mount_mutex);
	if (err) {
		kfree(ns);
		return err;
	}
	c->ns = ns;
	for (int i = 0; i < 2; i++)
		if (was[i])
			mount_put_quietly(was[i]);
	mount_ns_put(old);
	return 0;
}

int fs_context_enter_ns(struct mount_ns *ns)
{
	struct fs_context *c, *old = current->fs;

	if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_CHROOT))
		return -EPERM;
	if (__atomic_load_n(&old->tasks, __ATOMIC_RELAXED) != 1)
		return -EINVAL;
	c = fs_context_copy(old);
	if (!c)
		return -ENOMEM;
	mount_ns_get(ns);
	mount_ns_put(c->ns);
	c->ns = ns;
	path_put(&c->root);
	path_put(&c->cwd);
	/* pivot_root() finds it with the new root, or already there. */
	mutex_lock(&mount_mutex);
	c->root = (struct path){ .mnt = ns->root, .dentry = ns->root->root };
	path_get(&c->root);
	path_cross_down(&c->root);
	c->cwd = c->root;
	path_get(&c->cwd);
	rcu_assign(current->fs, c);
	mutex_unlock(&mount_mutex);
	fs_context_leave(old);
	return 0;
}

struct mount_ns *mount_ns_of_task(struct task *t)
{
	struct fs_context *c = NULL;
	struct mount_ns *ns = NULL;

	rcu_read_lock();
	if (READ_ONCE(t->flags) & TASKF_KTHREAD)
		ns = &init_mount_ns;
	else
		c = rcu_dereference(t->fs);
	if (c && !ref_get_unless_zero(&c->refs))
		c = NULL;
	rcu_read_unlock();
	if (c)
		ns = c->ns;
	if (ns)
		mount_ns_get(ns);
	if (c)
		fs_context_put(c);
	return ns;
}

/* ---- files of name spaces ---- */

bool mount_ns_loops(const struct dentry *d)
{
	const struct mount_ns *ns = nsfs_dentry_ns(d);

	return ns && ns->id <= mount_ns_current()->id;
}

bool mount_tree_loops(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top))
		if (mount_ns_loops(m->root))
			return true;
	return false;
}

unsigned mount_ns_count(struct mount_ns *ns)
{
	unsigned n;

	mutex_lock(&mount_mutex);
	n = ns->count;
	mutex_unlock(&mount_mutex);
	return n;
}

struct mount_ns *mount_ns_beside(struct mount_ns *ns, bool before)
{
	struct list_head *l = &ns->all_link;
	struct mount_ns *found = NULL;

	mutex_lock(&mount_mutex);
	while (!found && (l = before ? l->prev : l->next) != &mount_ns_all) {
		found = list_entry(l, struct mount_ns, all_link);
		if (!ref_get_unless_zero(&found->refs))	/* it is going */
			found = NULL;
	}
	mutex_unlock(&mount_mutex);
	return found;
}
