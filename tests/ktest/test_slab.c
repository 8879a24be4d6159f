/* SPDX-License-Identifier: MIT */
/* Slabs and kmalloc. */
#include <kernel/slab.h>
#include <kernel/string.h>
#include "ktest.h"

KTEST(sizes)
{
	for (size_t n = 1; n <= 64 * 1024; n = n * 3 / 2 + 1) {
		uint8_t *p = kmalloc(n, 0);

		if (!KCHECK(p))
			return;
		KCHECK(kmalloc_usable(p) >= n && !((uintptr_t)p & 7));
		memset(p, 0x5a, n);
		KCHECK(p[0] == 0x5a && p[n - 1] == 0x5a);
		kfree(p);
	}
}

KTEST(zeroed)
{
	uint8_t *p = kzalloc(1000, 0);

	for (unsigned i = 0; i < 1000; i++)
		if (p[i] && !KCHECK(!p[i]))
			break;
	KCHECK(p);
	kfree(p);
}

KTEST(realloc_keeps)
{
	char *p = kmalloc(10, 0);

	strlcpy(p, "contents", 10);
	for (size_t n = 20; n < 20000; n *= 3) {
		p = krealloc(p, n, 0);
		KCHECK(p && !strcmp(p, "contents"));
	}
	p = krealloc(p, 9, 0);
	KCHECK(p && !strcmp(p, "contents"));
	kfree(p);
	kfree(NULL);
}

KTEST(huge_fails_cleanly) { KCHECK(kmalloc((size_t)1 << 40, 0) == NULL); }

KTEST(cache_objects_do_not_overlap)
{
	struct kmem_cache *c = kmem_cache_create("ktest", 72, 64);
	void *obj[100];

	for (unsigned i = 0; i < 100; i++) {
		KCHECK(obj[i] = kmem_cache_alloc(c, 0));
		KCHECK(!((uintptr_t)obj[i] & 63));
		memset(obj[i], (int)i, 72);
	}
	for (unsigned i = 0; i < 100; i++) {
		KCHECK(*(uint8_t *)obj[i] == i && ((uint8_t *)obj[i])[71] == i);
		kmem_cache_free(c, obj[i]);
	}
}

KTEST(strings)
{
	char *s = kstrdup("hello", 0);
	int *m = kmemdup(&(int){ 7 }, sizeof(int), 0);

	KCHECK(s && !strcmp(s, "hello"));
	KCHECK(m && *m == 7);
	kfree(s);
	kfree(m);
}

static int left;
static void free_elsewhere(void *p)
{
	kfree(p);
	__atomic_sub_fetch(&left, 1, __ATOMIC_RELEASE);
}

KTEST(freed_on_another_cpu)
{
	left = 64;
	for (unsigned i = 0; i < 64; i++) {
		struct task *k = kthread_create(free_elsewhere, kmalloc(i * 10 + 1, 0), "free");

		KCHECK(k);
	}
	KEVENTUALLY(load_acquire(&left) == 0);
}

const struct ktest slab_tests[] = {
	KTEST_ROW(sizes), KTEST_ROW(zeroed), KTEST_ROW(realloc_keeps), KTEST_ROW(huge_fails_cleanly), KTEST_ROW(cache_objects_do_not_overlap),
	KTEST_ROW(strings), KTEST_ROW(freed_on_another_cpu), { NULL, NULL }
};
