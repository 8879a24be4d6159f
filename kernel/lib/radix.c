/* SPDX-License-Identifier: MIT */
/*
 * Radix tree, 64-way, height as needed.  A node is published only when it is
 * complete, and freed after a grace period, so that look-ups need no lock.
 * Writers are serialized by the caller.
 */
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/radix.h>
#include <kernel/slab.h>

enum { RADIX_BITS = 6, RADIX_SLOTS = 1 << RADIX_BITS };

struct radix_node {
	void *slot[RADIX_SLOTS];	/* nodes, or entries in the lowest level */
	unsigned used;
	unsigned shift;			/* of the index, at this level */
	struct rcu_head rcu;
};

static void node_free_rcu(struct rcu_head *h) { kfree(container_of(h, struct radix_node, rcu)); }

static struct radix_node *node_alloc(unsigned shift)
{
	struct radix_node *n = kzalloc(sizeof(*n), ALLOC_ATOMIC);

	if (n)
		n->shift = shift;
	return n;
}

static bool index_fits(const struct radix_node *n, uint64_t index)
{
	return n->shift + RADIX_BITS >= 64 || !(index >> (n->shift + RADIX_BITS));
}

static unsigned slot_of(const struct radix_node *n, uint64_t index)
{
	return (unsigned)(index >> n->shift) & (RADIX_SLOTS - 1);
}

void *radix_find(const struct radix_tree *t, uint64_t index)
{
	struct radix_node *n = rcu_dereference(t->root);

	if (!n || !index_fits(n, index))
		return NULL;
	while (n) {
		void *p = rcu_dereference(n->slot[slot_of(n, index)]);

		if (!n->shift)
			return p;
		n = p;
	}
	return NULL;
}

unsigned radix_find_run(const struct radix_tree *t, uint64_t index, void **out, unsigned max)
{
	struct radix_node *n = rcu_dereference(t->root);
	unsigned i, found = 0;

	if (!n || !index_fits(n, index))
		return 0;
	while (n && n->shift)
		n = rcu_dereference(n->slot[slot_of(n, index)]);
	if (!n)
		return 0;
	for (i = slot_of(n, index); i < RADIX_SLOTS && found < max; i++, found++) {
		out[found] = rcu_dereference(n->slot[i]);
		if (!out[found])
			break;
	}
	return found;
}

int radix_insert(struct radix_tree *t, uint64_t index, void *p)
{
	struct radix_node *n = t->root;

	if (!n) {
		n = node_alloc(0);
		if (!n)
			return -ENOMEM;
		rcu_assign(t->root, n);
	}
	while (!index_fits(n, index)) {
		struct radix_node *up = node_alloc(n->shift + RADIX_BITS);

		if (!up)
			return -ENOMEM;
		up->slot[0] = n;
		up->used = 1;
		rcu_assign(t->root, up);
		n = up;
	}
	while (n->shift) {
		unsigned i = slot_of(n, index);
		struct radix_node *down = n->slot[i];

		if (!down) {
			down = node_alloc(n->shift - RADIX_BITS);
			if (!down)
				return -ENOMEM;
			n->used++;
			rcu_assign(n->slot[i], (void *)down);
		}
		n = down;
	}
	if (n->slot[slot_of(n, index)])
		return -EEXIST;
	n->used++;
	rcu_assign(n->slot[slot_of(n, index)], p);
	return 0;
}

void *radix_erase(struct radix_tree *t, uint64_t index)
{
	struct radix_node *path[64 / RADIX_BITS + 1], *n = t->root;
	unsigned depth = 0;
	void *p;

	if (!n || !index_fits(n, index))
		return NULL;
	for (;;) {
		path[depth++] = n;
		p = n->slot[slot_of(n, index)];
		if (!n->shift || !p)
			break;
		n = p;
	}
	if (!p)
		return NULL;
	for (;;) {
		n = path[--depth];
		rcu_assign(n->slot[slot_of(n, index)], (void *)NULL);
		if (--n->used)
			break;
		if (!depth)
			rcu_assign(t->root, (struct radix_node *)NULL);
		rcu_call(&n->rcu, node_free_rcu);
		if (!depth)
			break;
	}
	return p;
}

void *radix_replace(struct radix_tree *t, uint64_t index, void *p)
{
	struct radix_node *n = t->root;
	void *old;

	while (n->shift)
		n = n->slot[slot_of(n, index)];
	old = n->slot[slot_of(n, index)];
	rcu_assign(n->slot[slot_of(n, index)], p);
	return old;
}

void *radix_next(const struct radix_tree *t, uint64_t *index)
{
	struct radix_node *n = rcu_dereference(t->root);
	uint64_t i = *index;

again:
	n = rcu_dereference(t->root);
	if (!n || !index_fits(n, i))
		return NULL;
	for (;;) {
		unsigned s = slot_of(n, i);
		void *p = rcu_dereference(n->slot[s]);

		while (!p && ++s < RADIX_SLOTS) {
			p = rcu_dereference(n->slot[s]);
			i = ((i >> n->shift) + 1) << n->shift;
		}
		if (!p) {	/* nothing more here: on with the subtree behind this node */
			unsigned up = n->shift + RADIX_BITS;

			if (up >= 64 || (i >> up) == UINT64_MAX >> up)
				return NULL;
			i = ((i >> up) + 1) << up;
			goto again;
		}
		if (!n->shift) {
			*index = i;
			return p;
		}
		n = p;
	}
}

static void node_destroy(struct radix_node *n)
{
	if (!n)
		return;
	for (unsigned i = 0; n->shift && i < RADIX_SLOTS; i++)
		node_destroy(n->slot[i]);	/* depth is at most 11 */
	rcu_call(&n->rcu, node_free_rcu);
}

void radix_destroy(struct radix_tree *t)
{
	struct radix_node *n = t->root;

	rcu_assign(t->root, (struct radix_node *)NULL);
	node_destroy(n);
}

static size_t bitmap_find(const uint64_t *map, size_t n, size_t from, uint64_t invert)
{
	for (size_t i = from; i < n;) {
		uint64_t w = (map[i / 64] ^ invert) >> (i % 64);

		if (w) {
			i += (size_t)__builtin_ctzll(w);
			return MIN(i, n);
		}
		i = (i / 64 + 1) * 64;
	}
	return n;
}

size_t bitmap_find_clear(const uint64_t *map, size_t n, size_t from) { return bitmap_find(map, n, from, UINT64_MAX); }
size_t bitmap_find_set(const uint64_t *map, size_t n, size_t from) { return bitmap_find(map, n, from, 0); }
