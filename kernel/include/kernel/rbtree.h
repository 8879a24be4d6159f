/* SPDX-License-Identifier: MIT */
/* Red-black trees, embedded in their elements (CLRS ch. 13).  O(log n) insert, erase, step. */
#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H
#include <kernel/compiler.h>
struct rb_node { struct rb_node *parent, *left, *right; bool red; };
struct rb_root { struct rb_node *node; };
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
/* Link at a place found by descending; then rebalances. */
void rb_insert_at(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link);
void rb_erase(struct rb_root *root, struct rb_node *n);
/* Generic insert: less(a, b) orders; equal elements go behind. */
void rb_insert(struct rb_root *root, struct rb_node *n, bool (*less)(const struct rb_node *a, const struct rb_node *b));
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);
/*
 * Augmented trees: update(n) recomputes n's summary from itself and its children.
 * All changes go through these then.
 */
void rb_insert_at_augmented(struct rb_root *root, struct rb_node *n, struct rb_node *parent, struct rb_node **link,
	void (*update)(struct rb_node *n));
void rb_erase_augmented(struct rb_root *root, struct rb_node *n, void (*update)(struct rb_node *n));
#endif
