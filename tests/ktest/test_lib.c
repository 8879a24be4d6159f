/* SPDX-License-Identifier: MIT */
/* Strings, formatting, trees, bitmaps, random numbers. */
#include <kernel/errno.h>
#include <kernel/klog.h>
#include <kernel/radix.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "ktest.h"

KTEST(format)
{
	static const struct { const char *want; const char *fmt; long arg; } rows[] = {
		{ "42", "%ld", 42 }, { "-42", "%ld", -42 }, { "   42", "%5ld", 42 }, { "42   ", "%-5ld", 42 }, { "00042", "%05ld", 42 },
		{ "-0042", "%05ld", -42 }, { "+42", "%+ld", 42 }, { "2a", "%lx", 42 }, { "0x2a", "%#lx", 42 }, { "2A", "%lX", 42 },
		{ "0x0000002a", "%#010lx", 42 }, { "52", "%lo", 42 }, { "052", "%#lo", 42 }, { "0", "%#lx", 0 },
		{ "-9223372036854775808", "%ld", INT64_MIN }, { "18446744073709551615", "%lu", -1 }, { "100%", "%ld%%", 100 },
	};
	char buf[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		int n = ksnprintf(buf, sizeof(buf), rows[i].fmt, rows[i].arg);
#pragma GCC diagnostic pop
		if (!KCHECK(!strcmp(buf, rows[i].want)))
			klog_err("%s: got %s want %s", rows[i].fmt, buf, rows[i].want);
		KCHECK((size_t)n == strlen(rows[i].want));
	}
}

KTEST(format_cut)
{
	char buf[8];

	memset(buf, 'x', sizeof(buf));
	KCHECK(ksnprintf(buf, 4, "%s", "abcdef") == 6);
	KCHECK(!strcmp(buf, "abc") && buf[4] == 'x');
	KCHECK(ksnprintf(NULL, 0, "%d", 12345) == 5);
	KCHECK(ksnprintf(buf, sizeof(buf), "%.3s|%3s", "abcdef", "z") == 7 && !strcmp(buf, "abc|  z"));
}

KTEST(memory_functions)
{
	uint8_t a[300], b[300];

	for (unsigned off = 0; off < 9; off++)
		for (unsigned n = 0; n < 280; n += 7) {
			for (unsigned i = 0; i < sizeof(a); i++)
				a[i] = (uint8_t)i, b[i] = 0xee;
			memcpy(b + off, a + 3, n);
			KCHECK(!memcmp(b + off, a + 3, n) && b[off + n] == 0xee);
			for (unsigned d = 0; d < n; d += 5) {
				/* The first difference decides, as bytes without a sign. */
				b[off + d] ^= 0x80;
				KCHECK((memcmp(b + off, a + 3, n) > 0) == !(a[3 + d] & 0x80) && !memcmp(b + off, a + 3, d));
				if (d + 1 < n) {
					uint8_t last = b[off + n - 1];

					b[off + n - 1] = (uint8_t)(a[3 + n - 1] + 1);
					KCHECK((memcmp(b + off, a + 3, n) > 0) == !(a[3 + d] & 0x80));
					b[off + n - 1] = last;
				}
				b[off + d] ^= 0x80;
			}
			memmove(a + off, a + 3, n);
			KCHECK(!n || a[off] == 3);
			memset(b + off, 0x55, n);
			KCHECK((!n || (b[off] == 0x55 && b[off + n - 1] == 0x55)) && b[off + n] == 0xee);
		}
}

/* Pages of it, aligned alike and not. */
KTEST(memory_functions_long)
{
	static const unsigned offs[] = { 0, 1, 16, 63, 64 }, sizes[] = { 2047, 2048, 2049, 4096, 5001, 8100 };
	uint8_t *a = kmalloc(16384, 0), *b = kmalloc(16384, 0);

	if (!KCHECK(a && b))
		goto out;
	for (unsigned i = 0; i < 16384; i++)
		a[i] = (uint8_t)(i * 7 + i / 256);
	for (unsigned o = 0; o < ARRAY_SIZE(offs); o++)
		for (unsigned k = 0; k < ARRAY_SIZE(offs) * ARRAY_SIZE(sizes); k++) {
			unsigned from = offs[k % ARRAY_SIZE(offs)], to = offs[o] + 64, n = sizes[k / ARRAY_SIZE(offs)];

			memset(b, 0xee, 16384);
			KCHECK(memcpy(b + to, a + from, n) == b + to);
			KCHECK(!memcmp(b + to, a + from, n) && b[to - 1] == 0xee && b[to + n] == 0xee);
			/* Over itself, both ways. */
			memcpy(b, a, 16384);
			memmove(b + to, b + from, n);
			KCHECK(!memcmp(b + to, a + from, n) && b[to - 1] == a[to - 1] && b[to + n] == a[to + n]);
			memcpy(b, a, 16384);
			memmove(b + from, b + from + 64, n);
			KCHECK(!memcmp(b + from, a + from + 64, n) && b[from + n] == a[from + n]);
		}
out:
	kfree(a);
	kfree(b);
}

KTEST(string_functions)
{
	char d[8];

	KCHECK(strlcpy(d, "123456789", sizeof(d)) == 9);
	KCHECK(!strcmp(d, "1234567"));
	KCHECK(strstr("haystack", "st") && !strstr("haystack", "sty") && strstr("x", ""));
	KCHECK(strrchr("a/b/c", '/') && !strcmp(strrchr("a/b/c", '/'), "/c"));
	KCHECK(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
	KCHECK(memchr("abc", 'c', 3) && !memchr("abc", 'c', 2));
	KCHECK(strnlen("abc", 2) == 2);
}

KTEST(numbers)
{
	uint64_t v;

	KCHECK(!parse_u64("0x10", 0, &v) && v == 16);
	KCHECK(!parse_u64("010", 0, &v) && v == 8);
	KCHECK(!parse_u64("18446744073709551615", 10, &v) && v == UINT64_MAX);
	KCHECK(parse_u64("18446744073709551616", 10, &v) == -ERANGE);
	KCHECK(parse_u64("", 10, &v) == -EINVAL);
	KCHECK(parse_u64("12x", 10, &v) == -EINVAL);
	KCHECK(!parse_size("64M", &v) && v == 64ull << 20);
	KCHECK(parse_size("64Q", &v) == -EINVAL);
}

struct item { struct rb_node node; uint64_t key; };
static bool item_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct item, node)->key < rb_entry(b, struct item, node)->key;
}
/* Black height of a subtree, or -1 where a rule is broken. */
static int black_height(const struct rb_node *n)
{
	int l, r;

	if (!n)
		return 0;
	if (n->red && ((n->left && n->left->red) || (n->right && n->right->red)))
		return -1;
	l = black_height(n->left);
	r = black_height(n->right);
	return l < 0 || l != r ? -1 : l + !n->red;
}

KTEST(rbtree)
{
	enum { N = 500 };
	struct item *items = kmalloc(N * sizeof(*items), 0);
	struct rb_root root = { NULL };
	uint64_t x = 1, prev = 0;
	unsigned n = 0;

	if (!KCHECK(items))
		return;
	for (unsigned i = 0; i < N; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		items[i].key = x >> 40;
		rb_insert(&root, &items[i].node, item_less);
		KCHECK(black_height(root.node) >= 0 && !root.node->red);
	}
	for (struct rb_node *i = rb_first(&root); i; i = rb_next(i), n++) {
		KCHECK(rb_entry(i, struct item, node)->key >= prev);
		prev = rb_entry(i, struct item, node)->key;
	}
	KCHECK(n == N);
	for (unsigned i = 0; i < N; i++) {
		rb_erase(&root, &items[(i * 7) % N].node);
		KCHECK(black_height(root.node) >= 0);
	}
	KCHECK(!root.node);
	kfree(items);
}

KTEST(radix)
{
	static const uint64_t at[] = { 0, 1, 63, 64, 4095, 4096, 1ull << 30, 1ull << 52, UINT64_MAX };
	struct radix_tree r = { NULL, 0 };
	uint64_t i = 0;

	for (unsigned k = 0; k < ARRAY_SIZE(at); k++)
		KCHECK(!radix_insert(&r, at[k], (void *)(at + k)));
	KCHECK(radix_insert(&r, 64, &r) == -EEXIST);
	for (unsigned k = 0; k < ARRAY_SIZE(at); k++) {
		KCHECK(radix_find(&r, at[k]) == at + k);
		KCHECK(radix_next(&r, &i) == at + k && i == at[k]);
		i++;
	}
	KCHECK(!radix_find(&r, 2) && !radix_find(&r, 1ull << 40));
	for (unsigned k = 0; k < ARRAY_SIZE(at); k++)
		KCHECK(radix_erase(&r, at[k]) == at + k);
	KCHECK(!r.root);
	radix_destroy(&r);
}

KTEST(bitmap)
{
	uint64_t map[3] = { 0 };

	KCHECK(bitmap_find_set(map, 130, 0) == 130);
	bit_set(map, 64);
	bit_set(map, 129);
	KCHECK(bitmap_find_set(map, 130, 0) == 64 && bitmap_find_set(map, 130, 65) == 129);
	KCHECK(bitmap_find_clear(map, 130, 64) == 65);
	map[0] = map[1] = UINT64_MAX;
	KCHECK(bitmap_find_clear(map, 128, 0) == 128);
}

KTEST(random_differs)
{
	uint8_t a[100], b[100];
	unsigned same = 0;

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	for (unsigned i = 0; i < sizeof(a); i++)
		same += a[i] == b[i];
	KCHECK(same < 20);
}

KTEST(log_keeps_the_newest)
{
	struct klog_cursor c = klog_end();
	struct klog_record r;
	bool found = false, lost;
	char line[128];

	klog_debug("ktest marker %u", 4711);
	while (klog_next(&c, &r, line, sizeof(line)))
		found |= r.len == 17 && r.level == KLOG_DEBUG && !memcmp(line, "ktest marker 4711", 17);
	KCHECK(found && !klog_waits(&c, &lost) && !lost);
	for (unsigned i = 0; i < 6000; i++)
		klog_debug("filling the ring with a line of some length, number %u", i);
	KCHECK(klog_waits(&c, &lost) && lost);
	KCHECK(klog_next(&c, &r, line, sizeof(line)) && r.seq > 1 && c.seq == r.seq + 1);	/* the oldest fell out */
	KCHECK(klog_next(&c, &r, line, sizeof(line)) && r.seq + 1 == c.seq && r.len > 50 && !memcmp(line, "filling the ring", 16));
}

const struct ktest lib_tests[] = {
	KTEST_ROW(format), KTEST_ROW(format_cut), KTEST_ROW(memory_functions), KTEST_ROW(memory_functions_long), KTEST_ROW(string_functions), KTEST_ROW(numbers), KTEST_ROW(rbtree), KTEST_ROW(radix),
	KTEST_ROW(bitmap), KTEST_ROW(random_differs), KTEST_ROW(log_keeps_the_newest), { NULL, NULL }
};
