/* SPDX-License-Identifier: MIT */
/*
 * The libraries under the sanitizers: trees against an array, formatting at
 * every cut, numbers, bitmaps.  (String functions are libc's here: tests/ktest has those.)
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/radix.h>
#include <kernel/rbtree.h>
#include <kernel/string.h>
#include "unit.h"

static uint64_t seed = 42;
static uint64_t next(void) { return (seed = seed * 6364136223846793005ull + 1442695040888963407ull) >> 20; }

struct item { struct rb_node node; uint64_t key, sum; bool in; };
static bool less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, node)->key < rb_entry(b, struct item, node)->key;
}
static struct item *item(struct rb_node *n) { return n ? rb_entry(n, struct item, node) : NULL; }
static void update(struct rb_node *n)
{
	item(n)->sum = item(n)->key + (n->left ? item(n->left)->sum : 0) + (n->right ? item(n->right)->sum : 0);
}
static int height(struct rb_node *n)
{
	int l, r;

	if (!n)
		return 0;
	CHECK(!n->red || ((!n->left || !n->left->red) && (!n->right || !n->right->red)));
	CHECK(!n->left || n->left->parent == n);
	CHECK(!n->right || n->right->parent == n);
	CHECK_EQ(item(n)->sum, item(n)->key + (n->left ? item(n->left)->sum : 0) + (n->right ? item(n->right)->sum : 0));
	l = height(n->left);
	r = height(n->right);
	CHECK_EQ(l, r);
	return l + !n->red;
}

static void augmented_trees_keep_their_rules(void)
{
	enum { N = 300 };
	static struct item items[N];
	struct rb_root root = { NULL };

	for (unsigned round = 0; round < 4000; round++) {
		struct item *i = &items[next() % N];

		if (i->in) {
			rb_erase_augmented(&root, &i->node, update);
		} else {
			struct rb_node **link = &root.node, *parent = NULL;

			i->key = next() % 1000;
			while (*link) {
				parent = *link;
				link = less(&i->node, parent) ? &parent->left : &parent->right;
			}
			rb_insert_at_augmented(&root, &i->node, parent, link, update);
		}
		i->in = !i->in;
		height(root.node);
		if (round % 100 == 0) {
			unsigned n = 0, want = 0;
			uint64_t prev = 0;

			for (struct rb_node *k = rb_first(&root); k; k = rb_next(k), n++) {
				CHECK(item(k)->key >= prev);
				prev = item(k)->key;
				CHECK(!rb_next(k) || rb_prev(rb_next(k)) == k);
			}
			for (unsigned k = 0; k < N; k++)
				want += items[k].in;
			CHECK_EQ(n, want);
		}
	}
}

static void radix_against_an_array(void)
{
	enum { N = 5000 };
	static void *model[N];
	struct radix_tree t = { NULL, 0 };

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t i = next() % N;

		if (model[i]) {
			CHECK(radix_insert(&t, i, &t) == -EEXIST);
			CHECK(radix_erase(&t, i) == model[i]);
			model[i] = NULL;
		} else {
			model[i] = &model[i];
			CHECK_EQ(radix_insert(&t, i, model[i]), 0);
		}
		i = next() % N;
		CHECK(radix_find(&t, i) == model[i]);
	}
	uint64_t at = 0;

	for (uint64_t i = 0; i < N; i++)
		if (model[i]) {
			CHECK(radix_next(&t, &at) == model[i]);
			CHECK_EQ(at, i);
			at++;
		}
	CHECK(!radix_next(&t, &at));
	radix_destroy(&t);
}

static void formatting_never_writes_past_the_end(void)
{
	char whole[200], buf[200];
	int n = ksnprintf(whole, sizeof(whole), "%s|%-8d|%#010llx|%c|%%|%.2s|%*d", "text", -7, 0xbeefull, 'x', "abc", 5, 42);

	CHECK(!strcmp(whole, "text|-7      |0x0000beef|x|%|ab|   42"));
	for (size_t max = 0; max < sizeof(buf); max++) {
		memset(buf, '#', sizeof(buf));
		CHECK_EQ(ksnprintf(buf, max, "%s|%-8d|%#010llx|%c|%%|%.2s|%*d", "text", -7, 0xbeefull, 'x', "abc", 5, 42), n);
		CHECK(!max || buf[MIN(max - 1, (size_t)n)] == 0);
		for (size_t i = max; i < sizeof(buf); i++)
			CHECK_EQ(buf[i], '#');
	}
}

static void numbers_and_sizes(void)
{
	uint64_t v = 0;

	CHECK(!parse_size("8G", &v) && v == 8ull << 30);
	CHECK(parse_size("99999999999G", &v) == -ERANGE);
	CHECK(parse_size("-1", &v) == -EINVAL);
	CHECK(parse_u64("0x", 0, &v) == -EINVAL);
	CHECK(!parse_u64("0", 0, &v) && v == 0);
}

static void bitmaps(void)
{
	uint64_t map[4] = { 0 };

	for (size_t i = 0; i < 256; i += 3)
		bit_set(map, i);
	for (size_t i = 0, n = 0; (i = bitmap_find_set(map, 256, i)) < 256; i++, n++)
		CHECK_EQ(i, n * 3);
	bit_clear(map, 0);
	CHECK_EQ(bitmap_find_set(map, 256, 0), 3);
	CHECK_EQ(bitmap_find_set(map, 2, 0), 2);
}

const struct unit_test unit_tests[] = {
	{ "augmented_trees_keep_their_rules", augmented_trees_keep_their_rules },
	{ "radix_against_an_array", radix_against_an_array },
	{ "formatting_never_writes_past_the_end", formatting_never_writes_past_the_end },
	{ "numbers_and_sizes", numbers_and_sizes },
	{ "bitmaps", bitmaps },
	{ 0 }
};
