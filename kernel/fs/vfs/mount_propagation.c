/* SPDX-License-Identifier: MIT */
/*
 * Mount propagation: who hears of a mount, a bind, a move or an unmount.
 *
 * A shared mount is in a peer group, a ring (`peers`), which has a number.
 * What is mounted on a member is mounted on all of it, and on their slaves: a
 * mount hears a master's events and tells it none.  A slave may be shared, too;
 * then its group passes on what it hears.  All members of a group have the
 * same master.  A copy of a shared mount (a bind, a new name space) joins its
 * group; a copy of a slave is a slave of the same master.
 *
 * Of an event hears who receivers() lists: a group after its master's, members
 * next to each other.  What is hung into a shared mount becomes shared, all
 * the tree, and each receiver gets a copy of it: within a group the copies are
 * peers, and they are slaves of what the master's group got.  Where a receiver
 * has something mounted at that place already, that stays on top.
 *
 * An unmount takes what receivers have at the place, too, unless something
 * stays below: then that stays, with what it is mounted on.  What covers just
 * the root of a mount that goes does not count: it slides down on its place.
 *
 * An event is prepared on copies that nobody sees and cannot fail once the
 * first of them is hung in.  Nothing here is recursive: a tree is as deep as
 * somebody wants it.  All of it runs under mount_mutex.
 *
 * Specification: mount_namespaces(7), mount(2); sharedsubtree.rst of Linux.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "vfs_internal.h"

static uint64_t event;			/* [mount_mutex] the number of the last */
static int last_group;			/* [mount_mutex] */

static struct mount *next_peer(const struct mount *m)
{
	return list_entry(m->peers.next, struct mount, peers);
}

static void set_shared(struct mount *m)
{
	m->unbindable = false;
	if (m->shared)
		return;
	m->shared = true;
	m->group_id = ++last_group;
}

/* ---- types ---- */

/* Who is to be the master of m's slaves, or of m itself, when m leaves its group: a peer, if possible one that shows the same. */
static struct mount *heir(const struct mount *m)
{
	struct mount *p, *found = NULL;

	for (p = next_peer(m); p != m; p = next_peer(p)) {
		if (p->leaving)
			continue;
		if (p->root == m->root)
			return p;
		if (!found)
			found = p;
	}
	return found ? found : m->master;
}

static void set_master(struct mount *m, struct mount *master)
{
	list_del_init(&m->slave_link);
	m->master = master;
	if (master)
		list_add_tail(&m->slave_link, &master->slaves);
}

static void change_type(struct mount *m, unsigned type)
{
	struct mount *master = m->master;

	if (type == MS_SHARED) {
		set_shared(m);
		return;
	}
	if (m->shared) {
		if (type == MS_SLAVE || !list_empty(&m->slaves))
			master = heir(m);
		while (!list_empty(&m->slaves))
			set_master(list_first(&m->slaves, struct mount, slave_link), master);
		list_del_init(&m->peers);
		m->shared = false;
		m->group_id = 0;
	}
	set_master(m, type == MS_SLAVE ? master : NULL);
	if (type != MS_SLAVE)
		m->unbindable = type == MS_UNBINDABLE;
}

int mount_set_propagation(struct mount *top, bool recursive, unsigned type)
{
	if (type != MS_SHARED && type != MS_PRIVATE && type != MS_SLAVE && type != MS_UNBINDABLE)
		return -EINVAL;
	for (struct mount *m = top; m; m = recursive ? mount_next(m, top) : NULL)
		change_type(m, type);
	return 0;
}

int mount_join_group(const struct path *from, const struct path *to)
{
	struct mount *f = from->mnt, *t = to->mnt;

	if (!f->ns || !t->ns || from->dentry != f->root || to->dentry != t->root)
		return -EINVAL;
	/* What the one shows the other's events have to be about. */
	if (f->super != t->super || !mount_shows(f->root, t->root))
		return -EINVAL;
	if (t->shared || t->master || (!f->shared && !f->master))
		return -EINVAL;
	set_master(t, f->master);
	if (f->shared) {
		t->unbindable = false;
		t->shared = true;
		t->group_id = f->group_id;
		list_add(&t->peers, &f->peers);
	}
	return 0;
}

bool mount_tree_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top))
		if (m->unbindable)
			return true;
	return false;
}

/* ---- copies ---- */

struct mount *mount_copy(struct mount *m, struct dentry *root, unsigned how)
{
	struct mount *n = mount_alloc(m->super, root, m->source, m->flags);

	if (!n)
		return NULL;
	if (how & COPY_TO_SLAVE) {
		set_master(n, m);
	} else {
		if (m->shared) {
			n->shared = true;
			n->group_id = m->group_id;
			list_add(&n->peers, &m->peers);
		}
		set_master(n, m->master);
	}
	if (how & COPY_SHARED)
		set_shared(n);
	return n;
}

int mount_copy_tree(struct mount *top, struct dentry *root, unsigned how, struct mount **out)
{
	struct mount *m, *n;

	if (!(how & COPY_NS_FILES) && nsfs_dentry_ns(root))
		return -EINVAL;
	n = mount_copy(top, root, how);
	if (!n)
		return -ENOMEM;
	*out = n;
	for (m = top; m; m = mount_next(m, top))
		m->copy = NULL;		/* not all are copied */
	top->copy = n;
	for (m = mount_next(top, top); m;) {
		if ((m->parent == top && !mount_shows(root, m->mountpoint)) || (m->unbindable && !(how & COPY_UNBINDABLE)) ||
		    (!(how & COPY_NS_FILES) && nsfs_dentry_ns(m->root))) {
			m = mount_next_beside(m, top);
			continue;
		}
		n = mount_copy(m, m->root, how);
		if (!n) {
			mount_take_out(*out, false);
			return -ENOMEM;
		}
		m->copy = n;
		mount_attach(n, m->parent->copy, m->mountpoint);
		m = mount_next(m, top);
	}
	return 0;
}

/* ---- events ---- */

static void add_group(struct mount *m, struct list_head *out)
{
	struct mount *p = m;

	do {
		p->heard = event;
		list_add_tail(&p->event_link, out);
		p = next_peer(p);
	} while (p != m);
}

/* Who hears what happens on m, itself first if it tells anybody; masters before their slaves. */
static void receivers(struct mount *m, struct list_head *out)
{
	struct mount *r, *s;

	list_init(out);
	if (!m->shared)
		return;
	event++;
	add_group(m, out);
	list_for_each(r, out, event_link)
		list_for_each(s, &r->slaves, slave_link)
			if (s->heard != event)
				add_group(s, out);
}

/* Can r show what comes to `at`, and is it in a tree?  What is just being hung in is not, and neither is a descriptor's. */
static bool gets_copy(const struct mount *r, const struct mount *parent, struct dentry *at)
{
	return r != parent && r->ns && !r->ns->anonymous && mount_shows(r->root, at);
}

/* A copy of m, `size` mounts, for everybody in r's group that is to have one. */
static int serve_group(struct mount *r, struct mount *m, struct mount *parent, struct dentry *at,
	unsigned size, struct list_head *copies) REQUIRES(&mount_mutex)
{
	bool own = r->shared && r->group_id == parent->group_id;
	struct mount *p = r, *last = own ? m : NULL, *above = own ? NULL : r->master->group_copy, *n;
	int err;

	do {
		if (gets_copy(p, parent, at)) {
			err = mount_ns_reserve(p->ns, size);
			if (!err)
				err = last ? mount_copy_tree(last, last->root, COPY_AS_IT_IS, &n) :
					     mount_copy_tree(above, above->root, COPY_TO_SLAVE | (p->shared ? COPY_SHARED : 0), &n);
			if (err)
				return err;
			n->goes_to = p;
			list_add_tail(&n->op_link, copies);
			last = n;
		}
		p = next_peer(p);
	} while (p != r);
	do {
		p->group_copy = last ? last : above;
		p->served = event;
		p = next_peer(p);
	} while (p != r);
	return 0;
}

static void no_more_coming(struct mount *parent, struct list_head *told)
{
	struct mount *r;

	parent->ns->coming = 0;
	list_for_each(r, told, event_link)
		if (r->ns)
			r->ns->coming = 0;
}

int mount_graft(struct mount *m, struct mount *parent, struct dentry *at)
{
	struct list_head told, copies = LIST_INIT(copies);
	struct mount *x, *r, *next;
	unsigned size = 0;
	int err = 0;

	if (!mount_point_pin(at))
		return -ENOENT;
	for (x = m; x; x = mount_next(x, m))
		size++;
	receivers(parent, &told);
	if (m->ns != parent->ns)
		err = mount_ns_reserve(parent->ns, size);
	for (x = m; x && !err && parent->shared; x = mount_next(x, m)) {
		x->newly_shared = !x->shared;
		set_shared(x);
	}
	list_for_each(r, &told, event_link) {
		if (err)
			break;
		if (r->served != event)
			err = serve_group(r, m, parent, at, size, &copies);
	}
	no_more_coming(parent, &told);
	if (err) {
		list_for_each_safe(r, next, &copies, op_link)
			mount_take_out(r, false);
		for (x = m; x; x = mount_next(x, m))
			if (x->newly_shared) {
				x->shared = x->newly_shared = false;
				x->group_id = 0;
			}
		mount_point_unpin(at);
		return err;
	}
	for (x = m; x; x = mount_next(x, m))
		x->newly_shared = false;
	if (m->parent != m)
		mount_change_parent(m, parent, at);
	else
		mount_attach(m, parent, at);
	mount_ns_enter(m, parent->ns);
	list_for_each(r, &copies, op_link) {
		mount_attach(r, r->goes_to, at);
		mount_ns_enter(r, r->goes_to->ns);
	}
	mount_point_unpin(at);
	return 0;
}

/* ---- unmount ---- */

bool mount_is_busy(struct mount *m, int refs)
{
	struct list_head told;
	struct mount *r;

	if (!list_empty(&m->children) || ref_read(&m->refs) > refs)
		return true;
	if (m->parent == m)
		return false;
	receivers(m->parent, &told);
	list_for_each(r, &told, event_link) {
		struct mount *c = mount_child(r, m->mountpoint), *cover;
		int own = 1;

		if (!c || c == m)
			continue;
		if (!list_empty(&c->children)) {
			cover = list_first(&c->children, struct mount, child_link);
			if (cover->mountpoint != c->root || c->children.prev != &cover->child_link)
				continue;	/* it stays */
			own++;
		}
		if (ref_read(&c->refs) > own)
			return true;
	}
	return false;
}

/* What corresponds to the leaving mounts elsewhere. */
static void find_candidates(struct list_head *set, struct list_head *candidates) REQUIRES(&mount_mutex)
{
	struct list_head told;
	struct mount *m, *r, *c;

	list_for_each(m, set, op_link) {
		if (m->parent == m)
			continue;
		receivers(m->parent, &told);
		list_for_each(r, &told, event_link) {
			c = mount_child(r, m->mountpoint);
			if (c && c->leaving == MOUNT_STAYS) {
				c->leaving = MOUNT_MAY_LEAVE;
				list_add_tail(&c->op_link, candidates);
			}
		}
	}
}

/* y stays: so does what it is mounted on, but for a mount whose root it covers, which it replaces. */
static void keep_what_holds(struct mount *y)
{
	struct mount *p;

	for (; (p = y->parent)->leaving == MOUNT_MAY_LEAVE; y = p)
		if (y->mountpoint != p->root)
			p->leaving = MOUNT_STAYS;
}

static void drop_held(struct list_head *candidates)
{
	struct mount *c, *y, *next;

	list_for_each(c, candidates, op_link)
		list_for_each(y, &c->children, child_link)
			if (y->leaving == MOUNT_STAYS && c->leaving == MOUNT_MAY_LEAVE)
				keep_what_holds(y);
	list_for_each_safe(c, next, candidates, op_link)
		if (c->leaving == MOUNT_STAYS)
			list_del(&c->op_link);
}

/* What covers a root that goes takes the place of the whole stack that goes with it. */
static void slide_covers(struct list_head *candidates) REQUIRES(&mount_mutex)
{
	struct mount *c, *cover, *parent;
	struct dentry *at;

	list_for_each(c, candidates, op_link) {
		cover = mount_child(c, c->root);
		if (!cover || cover->leaving)
			continue;
		parent = c;
		do {
			at = parent->mountpoint;
			parent = parent->parent;
		} while (parent->leaving);
		mount_change_parent(cover, parent, at);
	}
}

int mount_take_out(struct mount *top, bool tell)
{
	struct list_head set = LIST_INIT(set), candidates = LIST_INIT(candidates);
	struct super *s = top->super;
	struct mount *m;
	int n = 0;

	for (m = top; m; m = mount_next(m, top)) {
		m->leaving = MOUNT_LEAVES;
		list_add_tail(&m->op_link, &set);
	}
	if (tell) {
		find_candidates(&set, &candidates);
		drop_held(&candidates);
		slide_covers(&candidates);
		list_splice_tail(&candidates, &set);
	}
	/* Slaves before masters: then only those that stay need a new one. */
	while (!list_empty(&set)) {
		m = list_last(&set, struct mount, op_link);
		list_del(&m->op_link);
		n += m->super == s;
		change_type(m, MS_PRIVATE);
		mount_detach(m);
		mount_ns_leave(m);
		m->leaving = MOUNT_STAYS;
		mount_put_quietly(m);
	}
	return n;
}

/* ---- mountinfo ---- */

int mount_dominating_group(const struct mount *m, const struct mount_ns *ns, const struct path *root)
{
	for (struct mount *g = m->master; g; g = g->master) {
		struct mount *p = g;

		do {
			if (p->ns == ns && mount_is_below(p, root))
				return p->group_id;
			p = next_peer(p);
		} while (p != g);
	}
	return 0;
}
