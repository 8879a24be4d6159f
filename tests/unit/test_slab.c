/* SPDX-License-Identifier: MIT */
/* Slab caches and kmalloc: sizes, alignment, isolation of objects, reuse, misuse that must be noticed. */
#include <kernel/page.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include "mm/mm.h"
#include "unit.h"

static void sizes(void)
{
	static const size_t n[] = { 0, 1, 8, 15, 16, 17, 31, 33, 64, 65, 96, 100, 129, 255, 257, 512, 513, 1000, 1025, 2047, 2048, 2049,
		4096, 4097, 10000, 65536, 1 << 20 };
	void *p[ARRAY_SIZE(n)];

	for (unsigned i = 0; i < ARRAY_SIZE(n); i++) {
		p[i] = kmalloc(n[i], 0);
		CHECK(p[i]);
		CHECK_EQ((uintptr_t)p[i] & 7, 0);
		CHECK(kmalloc_usable(p[i]) >= n[i]);
		memset(p[i], (int)i + 1, n[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(n); i++) {
		for (size_t k = 0; k < n[i]; k++)
			CHECK_EQ(((uint8_t *)p[i])[k], i + 1);
		kfree(p[i]);
	}
	kfree(NULL);
	CHECK(!kmalloc((size_t)64 << 20, ALLOC_ATOMIC));
}

static void many_objects(void)
{
	struct kmem_cache *c = kmem_cache_create("test", 72, 0);
	enum { N = 5000 };
	uint64_t **p = kmalloc(N * sizeof(*p), 0);
	struct slab_info info;
	unsigned i;

	for (i = 0; i < N; i++) {
		p[i] = kmem_cache_alloc(c, i & 1 ? ALLOC_ZERO : 0);
		CHECK(p[i]);
		if (i & 1)
			for (unsigned k = 0; k < 9; k++)
				CHECK_EQ(p[i][k], 0);
		for (unsigned k = 0; k < 9; k++)
			p[i][k] = i;
	}
	CHECK(slab_info_get(0, &info));
	CHECK(!strcmp(info.name, "test"));
	CHECK(info.used >= N && info.objects >= info.used);
	for (i = 0; i < N; i += 2) {
		for (unsigned k = 0; k < 9; k++)
			CHECK_EQ(p[i][k], i);
		kmem_cache_free(c, p[i]);
	}
	for (i = 1; i < N; i += 2) {
		for (unsigned k = 0; k < 9; k++)
			CHECK_EQ(p[i][k], i);
		kmem_cache_free(c, p[i]);
	}
	slab_info_get(0, &info);
	CHECK(info.pages < 60);
	kfree(p);
}

static void aligned_objects(void)
{
	struct kmem_cache *c = kmem_cache_create("aligned", 40, 256);

	for (unsigned i = 0; i < 100; i++)
		CHECK_EQ((uintptr_t)kmem_cache_alloc(c, 0) & 255, 0);
}

static void realloc_keeps_contents(void)
{
	char *p = kmalloc(10, 0);

	memcpy(p, "012345678", 10);
	for (size_t n = 20; n < 100000; n = n * 3 / 2) {
		p = krealloc(p, n, 0);
		CHECK(p);
		CHECK(!memcmp(p, "012345678", 10));
		p[n - 1] = 1;
	}
	p = krealloc(p, 10, 0);
	CHECK(!memcmp(p, "012345678", 10));
	kfree(p);
	p = kstrdup("eft", 0);
	CHECK(!strcmp(p, "eft"));
	kfree(p);
}

static void exhaustion_is_an_error(void)
{
	void *list = NULL, *p;
	unsigned n = 0;

	while ((p = kmalloc(2048, 0))) {
		*(void **)p = list;
		list = p;
		n++;
	}
	CHECK(n > 10000);
	while (list) {
		p = list;
		list = *(void **)p;
		kfree(p);
	}
	p = kmalloc(2048, 0);
	CHECK(p);
	kfree(p);
}

static void nth_fails(void)
{
	void *p;

	current->fail_nth = 1;
	CHECK(!kmalloc(100, 0));
	p = kmalloc(100, 0);
	CHECK(p);
	current->fail_nth = 1;
	CHECK(!krealloc(p, 5000, 0));
	kfree(p);
}

static void wrong_pointer(void)
{
	struct page *p = page_alloc(0, 0);

	unit_expect_panic("was not kmalloc'd");
	kfree(page_addr(p));
}

static void wrong_cache(void)
{
	struct kmem_cache *a = kmem_cache_create("a", 64, 0), *b = kmem_cache_create("b", 64, 0);

	unit_expect_panic("belongs to another cache");
	kmem_cache_free(b, kmem_cache_alloc(a, 0));
}

const struct unit_test unit_tests[] = {
	{ "sizes", sizes },
	{ "many_objects", many_objects },
	{ "aligned_objects", aligned_objects },
	{ "realloc_keeps_contents", realloc_keeps_contents },
	{ "exhaustion_is_an_error", exhaustion_is_an_error },
	{ "nth_fails", nth_fails },
	{ "wrong_pointer", wrong_pointer },
	{ "wrong_cache", wrong_cache },
	{ 0 },
};
