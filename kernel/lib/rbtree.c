/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees.  Invariants: the root is black, a red node has black
 * children, every path from a node to a leaf has as many black nodes.  Every
 * function takes an optional `update` that keeps a summary of each subtree.
 */
#include <kernel/rbtree.h>

typedef void (*update_fn)(struct rb_node *n);

static void update_path(struct rb_node *n, update_fn update)
{
	for (; update && n; n = n->parent)
		update(n);
}

static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

/* n's right child takes its place (or the left one: mirrored). */
static void rotate(struct rb_root *root, struct rb_node *n, bool left, update_fn update)
{
	struct rb_node *c = left ? n->right : n->left;
	struct rb_node *inner = left ? c->left : c->right;

	replace_child(root, n->parent, n, c);
	if (left) {
		n->right = inner;
		c->left = n;
	} else {
		n->left = inner;
		c->right = n;
	}
	if (inner)
		inner->parent = n;
	n->parent = c;
	if (update) {
		update(n);
		update(c);
	}
}

void rb_insert_at_augmented(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link, update_fn update)
{
	*n = (struct rb_node){ .parent = parent, .red = true };
	*link = n;
	update_path(n, update);
	while ((parent = n->parent) && parent->red) {
		struct rb_node *grand = parent->parent;
		bool left = parent == grand->left;
		struct rb_node *uncle = left ? grand->right : grand->left;

		if (uncle && uncle->red) {
			parent->red = uncle->red = false;
			grand->red = true;
			n = grand;
			continue;
		}
		if (n == (left ? parent->right : parent->left)) {
			rotate(root, parent, left, update);
			n = parent;
			parent = n->parent;
		}
		parent->red = false;
		grand->red = true;
		rotate(root, grand, !left, update);
	}
	root->node->red = false;
}

/* n (perhaps NULL) under `parent` lacks one black node. */
static void erase_fixup(struct rb_root *root, struct rb_node *n, struct rb_node *parent, update_fn update)
{
	while (n != root->node && (!n || !n->red)) {
		bool left = n == parent->left;
		struct rb_node *sib = left ? parent->right : parent->left;

		if (sib->red) {
			sib->red = false;
			parent->red = true;
			rotate(root, parent, left, update);
			sib = left ? parent->right : parent->left;
		}
		struct rb_node *outer = left ? sib->right : sib->left, *inner = left ? sib->left : sib->right;

		if ((!outer || !outer->red) && (!inner || !inner->red)) {
			sib->red = true;
			n = parent;
			parent = n->parent;
			continue;
		}
		if (!outer || !outer->red) {
			inner->red = false;
			sib->red = true;
			rotate(root, sib, !left, update);
			sib = left ? parent->right : parent->left;
			outer = left ? sib->right : sib->left;
		}
		sib->red = parent->red;
		parent->red = false;
		outer->red = false;
		rotate(root, parent, left, update);
		n = root->node;
	}
	if (n)
		n->red = false;
}

void rb_erase_augmented(struct rb_root *root, struct rb_node *n, update_fn update)
{
	struct rb_node *child, *parent;
	bool red;

	if (n->left && n->right) {	/* the successor takes n's place and colour */
		struct rb_node *s = n->right;

		while (s->left)
			s = s->left;
		child = s->right;
		red = s->red;
		parent = s->parent == n ? s : s->parent;
		replace_child(root, s->parent, s, child);
		replace_child(root, n->parent, n, s);
		s->red = n->red;
		s->left = n->left;
		s->left->parent = s;
		s->right = n->right;
		if (s->right)
			s->right->parent = s;
	} else {
		child = n->left ? n->left : n->right;
		red = n->red;
		parent = n->parent;
		replace_child(root, parent, n, child);
	}
	update_path(parent, update);
	if (!red && root->node)
		erase_fixup(root, child, parent, update);
}

void rb_insert_at(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link)
{
	rb_insert_at_augmented(root, n, parent, link, NULL);
}

void rb_erase(struct rb_root *root, struct rb_node *n)
{
	rb_erase_augmented(root, n, NULL);
}

void rb_insert(struct rb_root *root, struct rb_node *n, bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(n, parent) ? &parent->left : &parent->right;
	}
	rb_insert_at(root, n, parent, link);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	if (n->right) {
		n = n->right;
		while (n->left)
			n = n->left;
		return (struct rb_node *)(uintptr_t)n;
	}
	while (n->parent && n == n->parent->right)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	if (n->left) {
		n = n->left;
		while (n->right)
			n = n->right;
		return (struct rb_node *)(uintptr_t)n;
	}
	while (n->parent && n == n->parent->left)
		n = n->parent;
	return n->parent;
}
