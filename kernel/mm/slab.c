/* SPDX-License-Identifier: MIT */
/*
 * Caches of equal objects (J. Bonwick, "The Slab Allocator", 1994, and
 * "Magazines and Vmem", 2001).
 *
 * A slab is a block of 2^order pages cut into objects; free objects are
 * chained through their first word from page.free_list.  In front of the slabs
 * each CPU has a magazine, a small stack of free objects that it uses with
 * interrupts off and without a lock; it exchanges half a magazine with the
 * slabs at a time.
 *
 * Debugging: with EFT_DEBUG a red zone behind each object and a poison pattern
 * in free ones are checked when objects change hands.  With ASan the same
 * ranges are poisoned in its shadow instead, and freed objects wait in a
 * quarantine, so that a late use is seen at the access.
 *
 * Locks: SLAB (a cache's slabs).
 */
#include <hal/dev.h>
#include <kernel/cpu.h>
#include <kernel/lock.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "mm/asan.h"
#include "mm/mm.h"
#include "mm/slab_internal.h"

enum { MAG_SIZE = 31, SLAB_ORDER_MAX = 3, KEEP_EMPTY = 2 };
struct magazine {
	unsigned n;			/* [c] */
	void *obj[MAG_SIZE];		/* [c] */
};
struct kmem_cache {
	struct spinlock lock;
	const char *name;		/* [I] */
	uint32_t size, stride;		/* [I] bytes of an object; from one to the next */
	uint16_t per_slab, order;	/* [I] */
	struct list_head partial;	/* [lock] slabs with a free object */
	unsigned empty;			/* [lock] slabs on it without a used one */
	uint64_t slabs, used;		/* [lock] used: handed out or in a magazine */
	struct magazine *mags;		/* [I] by CPU */
#ifdef EFT_DEBUG
	uint64_t live;			/* [a] handed out */
#endif
	struct kmem_cache *next;	/* [caches_lock] */
};

#if defined(EFT_ASAN)
enum { RED_ZONE = 16 };
#elif defined(EFT_DEBUG)
#define SLAB_PATTERNS 1
enum { RED_ZONE = 16, RED_BYTE = 0xbb, POISON_BYTE = 0x6b };
#else
enum { RED_ZONE = 0 };
#endif

static struct spinlock caches_lock = SPINLOCK_INIT(SLAB);
static struct kmem_cache *caches;	/* [caches_lock] newest first */
static struct kmem_cache cache_cache;	/* of struct kmem_cache */

NO_ASAN static void *link_get(void *obj) { return *(void *volatile *)obj; }
NO_ASAN static void link_set(void *obj, void *next) { *(void *volatile *)obj = next; }

static struct page *slab_head(const void *obj)
{
	struct page *p = virt_to_page(obj);

	if (unlikely(!p || !(READ_ONCE(p->flags) & PG_SLAB)))
		panic("slab: %p is no object of a cache", obj);
	return p - ((page_to_phys(p) >> PAGE_SHIFT) & ((1u << p->order) - 1));
}

static struct page *slab_new(struct kmem_cache *c, unsigned flags)
{
	struct page *p = page_alloc(c->order, flags & ~(unsigned)ALLOC_ZERO);
	char *base;
	void *list = NULL;

	if (!p)
		return NULL;
	base = page_addr(p);
#ifdef SLAB_PATTERNS
	memset(base, POISON_BYTE, PAGE_SIZE << c->order);
#endif
	asan_poison(base, PAGE_SIZE << c->order);
	for (unsigned i = c->per_slab; i-- > 0;) {
		link_set(base + (size_t)i * c->stride, list);
		list = base + (size_t)i * c->stride;
	}
	for (unsigned i = 0; i < 1u << c->order; i++) {
		p[i].priv = c;
		p[i].order = (uint8_t)c->order;
		WRITE_ONCE(p[i].flags, PG_SLAB);
	}
	p->free_list = list;
	p->inuse = 0;
	counter_add(COUNT_SLAB, 1ll << c->order);
	return p;
}

static void slab_destroy(struct kmem_cache *c, struct page *p)
{
	counter_add(COUNT_SLAB, -(1ll << c->order));
	for (unsigned i = 0; i < 1u << c->order; i++) {
		WRITE_ONCE(p[i].flags, 0);
		p[i].priv = NULL;
	}
	list_init(&p->link);
	p->free_list = NULL;
	page_put(p);
}

/* Up to n free objects out of the slabs into obj[]; returns how many. */
static unsigned slab_take(struct kmem_cache *c, void **obj, unsigned n) REQUIRES(c->lock)
{
	unsigned got = 0;

	while (got < n && !list_empty(&c->partial)) {
		struct page *p = list_first(&c->partial, struct page, link);

		if (p->inuse == 0)
			c->empty--;
		while (got < n && p->free_list) {
			obj[got++] = p->free_list;
			p->free_list = link_get(p->free_list);
			p->inuse++;
		}
		if (!p->free_list)
			list_del_init(&p->link);
	}
	c->used += got;
	return got;
}

/* Give objects back; slabs that are empty now and not wanted are collected on `dead`. */
static void slab_give(struct kmem_cache *c, void **obj, unsigned n, struct list_head *dead) REQUIRES(c->lock)
{
	for (unsigned i = 0; i < n; i++) {
		struct page *p = slab_head(obj[i]);

		if (unlikely(p->inuse == 0))
			panic("slab %s: object %p freed twice", c->name, obj[i]);
		if (!p->free_list)
			list_add(&p->link, &c->partial);
		link_set(obj[i], p->free_list);
		p->free_list = obj[i];
		if (--p->inuse == 0) {
			if (c->empty >= KEEP_EMPTY) {
				list_del(&p->link);
				list_add(&p->link, dead);
				c->slabs--;
			} else {
				c->empty++;
				list_move_tail(&p->link, &c->partial);
			}
		}
	}
	c->used -= n;
}

static void slab_destroy_list(struct kmem_cache *c, struct list_head *dead)
{
	struct page *p, *tmp;

	list_for_each_safe(p, tmp, dead, link)
		slab_destroy(c, p);
}

/* An object for this CPU's magazine or, without interrupts in between, straight out of it. */
static void *cache_get(struct kmem_cache *c, unsigned flags) NO_TSA	/* interrupts are off around the lock */
{
	for (;;) {
		unsigned long irq = hal_irq_save();
		struct magazine *m = &c->mags[this_cpu()->id];
		struct page *p;

		if (!m->n) {
			spin_lock(&c->lock);
			m->n = slab_take(c, m->obj, MAG_SIZE / 2);
			spin_unlock(&c->lock);
		}
		if (likely(m->n)) {
			void *obj = m->obj[--m->n];

			hal_irq_restore(irq);
			return obj;
		}
		hal_irq_restore(irq);
		p = slab_new(c, flags);
		if (!p)
			return NULL;
		irq = spin_lock_irqsave(&c->lock);
		list_add(&p->link, &c->partial);
		c->slabs++;
		c->empty++;
		spin_unlock_irqrestore(&c->lock, irq);
	}
}

static void cache_put(struct kmem_cache *c, void *obj) NO_TSA
{
	struct list_head dead = LIST_INIT(dead);
	unsigned long irq = hal_irq_save();
	struct magazine *m = &c->mags[this_cpu()->id];

	if (m->n == MAG_SIZE) {
		unsigned keep = MAG_SIZE / 2;

		spin_lock(&c->lock);
		slab_give(c, m->obj + keep, MAG_SIZE - keep, &dead);
		spin_unlock(&c->lock);
		m->n = keep;
	}
	m->obj[m->n++] = obj;
	hal_irq_restore(irq);
	if (unlikely(!list_empty(&dead)))
		slab_destroy_list(c, &dead);
}

#ifdef EFT_ASAN
/* Freed objects, oldest first; the oldest becomes free when the ring is full. */
enum { QUARANTINE = 1024 };
static struct { struct kmem_cache *cache; void *obj; } quarantine[QUARANTINE];
static unsigned quarantine_next;
static struct spinlock quarantine_lock = SPINLOCK_INIT(SLAB);

static void cache_retire(struct kmem_cache *c, void *obj)
{
	unsigned long irq = spin_lock_irqsave(&quarantine_lock);
	struct kmem_cache *old_cache = quarantine[quarantine_next].cache;
	void *old = quarantine[quarantine_next].obj;

	quarantine[quarantine_next].cache = c;
	quarantine[quarantine_next].obj = obj;
	quarantine_next = (quarantine_next + 1) % QUARANTINE;
	spin_unlock_irqrestore(&quarantine_lock, irq);
	if (old)
		cache_put(old_cache, old);
}
#else
static void cache_retire(struct kmem_cache *c, void *obj) { cache_put(c, obj); }
#endif

#ifdef EFT_DEBUG
static void live_add(struct kmem_cache *c, int n) { __atomic_add_fetch(&c->live, (uint64_t)(int64_t)n, __ATOMIC_RELAXED); }
static size_t live_get(const struct kmem_cache *c) { return __atomic_load_n(&c->live, __ATOMIC_RELAXED); }
#else
static void live_add(struct kmem_cache *c, int n) { (void)c, (void)n; }
static size_t live_get(const struct kmem_cache *c) { return (void)c, (size_t)0; }
#endif

#ifdef SLAB_PATTERNS
static void pattern_check(struct kmem_cache *c, const uint8_t *p, size_t n, uint8_t byte, const char *what, const void *obj)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte)
			panic("slab %s: %s of %p overwritten at byte %zu: %02x", c->name, what, obj, i, p[i]);
}

static void object_take(struct kmem_cache *c, uint8_t *obj, size_t n)
{
	pattern_check(c, obj + sizeof(void *), c->size - sizeof(void *), POISON_BYTE, "freed object", obj);
	memset(obj, 0x5a, sizeof(void *));
	memset(obj + c->size, RED_BYTE, RED_ZONE);
}

static void object_give(struct kmem_cache *c, uint8_t *obj)
{
	pattern_check(c, obj + c->size, RED_ZONE, RED_BYTE, "red zone", obj);
	memset(obj, POISON_BYTE, c->size + RED_ZONE);
}
#else
static void object_take(struct kmem_cache *c, uint8_t *obj, size_t n) { asan_unpoison(obj, n); }
static void object_give(struct kmem_cache *c, uint8_t *obj)
{
#ifdef EFT_ASAN
	if (__asan_address_is_poisoned(obj))
		panic("slab %s: object %p freed twice", c->name, (void *)obj);
#endif
	asan_poison(obj, c->size);
}
#endif

void *slab_alloc(struct kmem_cache *c, size_t n, unsigned flags)
{
	void *obj;

	if (!(flags & ALLOC_ATOMIC))
		might_sleep();
	if (unlikely(alloc_should_fail()))
		return NULL;
	obj = cache_get(c, flags);
	if (unlikely(!obj))
		return NULL;
	live_add(c, 1);
	object_take(c, obj, n);
	msan_fresh(obj, n);
	if (flags & ALLOC_ZERO)
		memset(obj, 0, n);
	return obj;
}

void *kmem_cache_alloc(struct kmem_cache *c, unsigned flags)
{
	return slab_alloc(c, c->size, flags);
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	if (!obj)
		return;
	if (unlikely(slab_head(obj)->priv != c))
		panic("slab %s: %p belongs to another cache", c->name, obj);
	live_add(c, -1);
	object_give(c, obj);
	cache_retire(c, obj);
}

size_t slab_object_size(const void *obj, struct kmem_cache **cache)
{
	struct kmem_cache *c = slab_head(obj)->priv;

	*cache = c;
	return c->size;
}

/* Fewest pages that waste at most an eighth. */
static unsigned slab_order(size_t stride)
{
	unsigned order = 0;

	while (order < SLAB_ORDER_MAX) {
		size_t bytes = PAGE_SIZE << order;

		if (bytes / stride >= 4 && bytes % stride <= bytes / 8)
			break;
		order++;
	}
	while ((PAGE_SIZE << order) < stride)
		order++;
	return order;
}

static void cache_setup(struct kmem_cache *c, const char *name, size_t size, size_t align)
{
	size_t mags = hal_boot_info()->cpus * sizeof(struct magazine);
	unsigned order = 0;
	struct page *p;
	unsigned long irq;

	if (align < 8)
		align = 8;
	BUG_ON(align & (align - 1) || align > PAGE_SIZE);
	size = ALIGN_UP(MAX(size, 2 * sizeof(void *)), (size_t)8);
	spin_init(&c->lock, LOCK_SLAB);
	c->name = name;
	c->size = (uint32_t)size;
	c->stride = (uint32_t)ALIGN_UP(size + RED_ZONE, align);
	c->order = (uint16_t)slab_order(c->stride);
	c->per_slab = (uint16_t)((PAGE_SIZE << c->order) / c->stride);
	list_init(&c->partial);
	while ((PAGE_SIZE << order) < mags)
		order++;
	p = page_alloc(order, ALLOC_ZERO | ALLOC_ATOMIC);
	if (!p)
		panic("slab: no memory for cache %s", name);
	c->mags = page_addr(p);
	irq = spin_lock_irqsave(&caches_lock);
	c->next = caches;
	caches = c;
	spin_unlock_irqrestore(&caches_lock, irq);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
	struct kmem_cache *c = kmem_cache_alloc(&cache_cache, ALLOC_ZERO | ALLOC_ATOMIC);

	if (!c)
		panic("slab: no memory for cache %s", name);
	cache_setup(c, name, size, align);
	return c;
}

bool slab_info_get(unsigned index, struct slab_info *out)
{
	unsigned long irq = spin_lock_irqsave(&caches_lock);
	struct kmem_cache *c = caches;

	while (c && index--)
		c = c->next;
	spin_unlock_irqrestore(&caches_lock, irq);
	if (!c)
		return false;
	irq = spin_lock_irqsave(&c->lock);
	*out = (struct slab_info){
		.name = c->name, .object_size = c->size, .objects = c->slabs * c->per_slab, .used = c->used,
		.pages = c->slabs << c->order, .live = live_get(c),
	};
	spin_unlock_irqrestore(&c->lock, irq);
	return true;
}

void slab_init(void)
{
	cache_setup(&cache_cache, "kmem_cache", sizeof(struct kmem_cache), 64);
	kmalloc_init();
}
