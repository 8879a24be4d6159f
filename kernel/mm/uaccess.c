/* SPDX-License-Identifier: MIT */
/*
 * Copies between the kernel and user memory.
 *
 * First the machine's own way (hal_user_copy_*), which may stop anywhere.  The
 * rest goes page by page through the direct map, with vm->pages as the truth
 * and a fault where it says no.
 *
 * Each task caches translations it has used.  They hold as long as
 * vm->generation, which is bumped whenever a mapping goes away or loses
 * rights, is what it was.  The check and the copy form a section with
 * preemption off, announced in ua_seq of the CPU (odd: inside).  Whoever
 * unmaps bumps the generation and then waits in uaccess_quiesce() until every
 * CPU that was inside has left: after that nobody writes through an old
 * translation, and the page may be given away.  Sections are short (32 pages),
 * do not sleep, and take no lock, so the wait is bounded.
 */
#include <hal/dev.h>
#include <hal/thread.h>
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/pagecache.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include "mm/asan.h"
#include "mm/mm.h"
#include "mm/user_mem.h"
#include "mm/vm_internal.h"

enum { SLOTS_FEW = 32, SLOTS_MANY = PAGE_SIZE / 16, MANY_BYTES = 64 << 10 /* a copy as long as that gets them */ };
enum { FILL = 8 /* a cache line of vm->pages */, SECTION_PAGES = 32 };
struct slot { uint64_t tag; char *kva; };	/* tag: user page | 1: valid | 2: may be written */
struct uaccess_cache {
	uint64_t vm_id, generation;	/* [o] what the slots were filled under */
	unsigned slots;			/* [o] */
	struct slot *slot;		/* [o] few, or a page of them */
	struct slot few[SLOTS_FEW];
};

static struct { uint64_t seq; } ALIGNED(64) ua_cpu[HAL_CPUS];

bool user_range_ok(uaddr_t addr, size_t n)
{
	uaddr_t limit = hal_as_limit();

	return n <= limit && addr <= limit - n;
}

uint64_t *uaccess_enter(void)
{
	uint64_t *seq;

	preempt_disable();
	seq = &ua_cpu[this_cpu()->id].seq;
	/* Orders the announcement before the look at the generation, on every CPU. */
	__atomic_add_fetch(seq, 1, __ATOMIC_SEQ_CST);
	return seq;
}

void uaccess_leave(uint64_t *seq)
{
	__atomic_store_n(seq, *seq + 1, __ATOMIC_RELEASE);	/* this CPU's alone */
	preempt_enable();
}

void uaccess_quiesce(void)
{
	for (unsigned i = 0; i < hal_boot_info()->cpus; i++) {
		uint64_t s = __atomic_load_n(&ua_cpu[i].seq, __ATOMIC_SEQ_CST);

		if (s & 1)
			while (__atomic_load_n(&ua_cpu[i].seq, __ATOMIC_ACQUIRE) == s)
				hal_cpu_relax();
	}
}

void uaccess_forget(struct task *t)
{
	if (t->ucache && t->ucache->slot != t->ucache->few)
		page_put(virt_to_page(t->ucache->slot));
	kfree(t->ucache);
	t->ucache = NULL;
}

/* In a section: the translations, if they still hold; looked at once, since whoever ends them waits for us. */
static const struct uaccess_cache *cache_now(const struct task *t)
{
	const struct uaccess_cache *c = t->ucache;

	return c && c->vm_id == t->vm->id && c->generation == __atomic_load_n(&t->vm->generation, __ATOMIC_SEQ_CST) ? c : NULL;
}

/* Where to find addr, or NULL. */
static inline char *cache_look(const struct uaccess_cache *c, uaddr_t addr, bool write)
{
	const struct slot *s = &c->slot[(addr >> PAGE_SHIFT) & (c->slots - 1)];
	uint64_t want = (addr & PAGE_MASK) | 1 | (write ? 2 : 0);

	return (s->tag & (PAGE_MASK | want)) == want ? s->kva + (addr & (PAGE_SIZE - 1)) : NULL;
}

static char *cache_find(const struct task *t, uaddr_t addr, bool write)
{
	const struct uaccess_cache *c = cache_now(t);

	return c ? cache_look(c, addr, write) : NULL;
}

/* A task's first translations. */
static struct uaccess_cache *cache_of(struct task *t)
{
	struct uaccess_cache *c = t->ucache;

	if (!c) {
		c = kzalloc(sizeof(*c), ALLOC_ATOMIC);
		if (!c)
			return NULL;
		c->slots = SLOTS_FEW;
		c->slot = c->few;
		t->ucache = c;
	}
	return c;
}

/*
 * Look addr up in vm->pages and remember it.  n: of a copy that goes on so far;
 * the rest of the table's cache line is taken as well then: a slot each, by the
 * same lock.  False: not there for this access.
 */
static bool cache_fill(struct task *t, uaddr_t addr, bool write, size_t n)
{
	struct vm_space *vm = t->vm;
	uint64_t generation = __atomic_load_n(&vm->generation, __ATOMIC_SEQ_CST);
	unsigned first = (addr >> PAGE_SHIFT) % FILL, pages = n >= PAGE_SIZE - (addr & (PAGE_SIZE - 1)) ? FILL - first : 1;
	struct uaccess_cache *c;
	vpe_t *entry, e[FILL] = { 0 };

	spin_lock(&vm->pages->lock);
	entry = vpe_find(vm, addr);
	for (unsigned k = 0; entry && k < pages; k++)
		e[k] = entry[k];	/* a group never leaves its table */
	spin_unlock(&vm->pages->lock);
	if (!(e[0] & VPE_R) || e[0] & VPE_DEV || (write && !(e[0] & VPE_W)))
		return false;
	c = cache_of(t);
	if (!c)
		return false;
	if (c->vm_id != vm->id || c->generation != generation) {
		memset(c->slot, 0, c->slots * sizeof(*c->slot));
		c->vm_id = vm->id;
		c->generation = generation;
	}
	for (unsigned k = 0; k < pages; k++) {
		struct slot *s = &c->slot[((addr >> PAGE_SHIFT) + k) & (c->slots - 1)];

		if (!(e[k] & VPE_R) || e[k] & VPE_DEV)
			continue;
		s->tag = ((addr & PAGE_MASK) + k * PAGE_SIZE) | 1 | (e[k] & VPE_W ? 2 : 0);
		s->kva = page_addr(vpe_page(e[k]));
	}
	return true;
}

enum copy_kind { COPY_IN, COPY_OUT, COPY_CLEAR };

static void copy_part(enum copy_kind kind, void *k, char *at, size_t n)
{
	if (kind == COPY_IN)
		user_mem_copy(k, at, n);
	else if (kind == COPY_OUT)
		user_mem_copy(at, k, n);
	else
		user_mem_zero(at, n);
}

/* In a section: bytes moved; stops at the first page without a translation at hand. */
static size_t copy_at_hand(const struct task *t, enum copy_kind kind, char *k, uaddr_t u, size_t n)
{
	const struct uaccess_cache *c = cache_now(t);
	bool write = kind != COPY_IN;
	size_t done = 0;

	for (unsigned pages = 0; c && done < n && pages < SECTION_PAGES; pages++) {
		size_t part = MIN(n - done, PAGE_SIZE - ((u + done) & (PAGE_SIZE - 1)));
		char *at = cache_look(c, u + done, write);

		if (!at)
			break;
		/* Neighbours in memory as one piece. */
		while (part < n - done && ++pages < SECTION_PAGES && cache_look(c, u + done + part, write) == at + part)
			part += MIN(n - done - part, (size_t)PAGE_SIZE);
		copy_part(kind, k ? k + done : NULL, at, part);
		done += part;
	}
	return done;
}

void uaccess_expect(size_t n)
{
	struct uaccess_cache *c;
	struct page *p;

	if (n < MANY_BYTES || !current->vm || !(c = cache_of(current)) || c->slots != SLOTS_FEW)
		return;
	p = page_alloc(0, ALLOC_ATOMIC | ALLOC_NOWAIT | ALLOC_ZERO);
	if (p) {
		c->slot = page_addr(p);
		c->slots = SLOTS_MANY;
	}
}

size_t uaccess_copy_out(uaddr_t dst, const void *src, size_t n)
{
	size_t done = hal_user_copy_to(dst, src, n);

	if (done < n && current->vm) {
		msan_check((const char *)src + done, n - done);
		done += copy_at_hand(current, COPY_OUT, (char *)(uintptr_t)src + done, dst + done, n - done);
	}
	return done;
}

size_t uaccess_copy_in(void *dst, uaddr_t src, size_t n)
{
	size_t done = hal_user_copy_from(dst, src, n);

	if (done < n && current->vm)
		done += copy_at_hand(current, COPY_IN, (char *)dst + done, src + done, n - done);
	return done;
}

bool uaccess_prepare(uaddr_t addr, size_t n, bool write)
{
	return user_range_ok(addr, n) && current->vm && cache_fill(current, addr, write, n);
}

/* Bytes moved; stops at the first page that cannot be had. */
static size_t copy_slow(enum copy_kind kind, void *k, uaddr_t u, size_t n, bool fault)
{
	struct task *t = current;
	bool write = kind != COPY_IN;
	size_t done = 0;
	unsigned tries = 0;

	if (!t->vm)
		return 0;
	if (kind == COPY_OUT)
		msan_check(k, n);
	while (done < n) {
		uint64_t *seq = uaccess_enter();
		size_t got = copy_at_hand(t, kind, k ? (char *)k + done : NULL, u + done, n - done);
		int code;

		uaccess_leave(seq);
		if (got) {
			done += got;
			tries = 0;
			continue;
		}
		/* A long copy, perhaps in pieces. */
		if (cache_fill(t, u + done, write, n - done)) {
			/* Another thread may unmap faster than we look: let it go on for a while only. */
			if (++tries < 1000)
				continue;
			break;
		}
		if (!fault || vm_fault(t->vm, u + done, write ? HAL_WRITE : HAL_READ, &code))
			break;
	}
	return done;
}

size_t copy_from_user_partial(void *dst, uaddr_t src, size_t n)
{
	size_t done;

	if (!user_range_ok(src, n))
		n = src < hal_as_limit() ? hal_as_limit() - src : 0;
	done = hal_user_copy_from(dst, src, n);
	if (done < n)
		done += copy_slow(COPY_IN, (char *)dst + done, src + done, n - done, true);
	return done;
}

size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t n)
{
	size_t done;

	if (!user_range_ok(dst, n))
		n = dst < hal_as_limit() ? hal_as_limit() - dst : 0;
	done = hal_user_copy_to(dst, src, n);
	if (done < n)
		done += copy_slow(COPY_OUT, (char *)(uintptr_t)src + done, dst + done, n - done, true);
	return done;
}

size_t copy_from_user_nofault(void *dst, uaddr_t src, size_t n)
{
	size_t done;

	if (!user_range_ok(src, n))
		return 0;
	done = hal_user_copy_from(dst, src, n);
	if (done < n)
		done += copy_slow(COPY_IN, (char *)dst + done, src + done, n - done, false);
	return done;
}

size_t copy_to_user_nofault(uaddr_t dst, const void *src, size_t n)
{
	size_t done;

	if (!user_range_ok(dst, n))
		return 0;
	done = hal_user_copy_to(dst, src, n);
	if (done < n)
		done += copy_slow(COPY_OUT, (char *)(uintptr_t)src + done, dst + done, n - done, false);
	return done;
}

int copy_from_user(void *dst, uaddr_t src, size_t n)
{
	if (!user_range_ok(src, n))
		return -EFAULT;
	return copy_from_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int copy_to_user(uaddr_t dst, const void *src, size_t n)
{
	if (!user_range_ok(dst, n))
		return -EFAULT;
	return copy_to_user_partial(dst, src, n) == n ? 0 : -EFAULT;
}

int clear_user(uaddr_t dst, size_t n)
{
	if (!user_range_ok(dst, n))
		return -EFAULT;
	return copy_slow(COPY_CLEAR, NULL, dst, n, true) == n ? 0 : -EFAULT;
}

int64_t strncpy_from_user(char *dst, uaddr_t src, size_t max)
{
	size_t done = 0;

	while (done < max) {
		uaddr_t at = src + done;
		/* Up to the end of the page: the string may end just before one that is not there. */
		size_t part = MIN(max - done, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
		size_t got = copy_from_user_partial(dst + done, at, part);
		const char *nul = memchr(dst + done, 0, got);

		if (nul)
			return nul - dst;
		if (got < part)
			return -EFAULT;
		done += part;
	}
	return (int64_t)max;
}

int copy_struct_from_user(void *dst, size_t ksize, uaddr_t src, size_t usize)
{
	size_t known = MIN(ksize, usize);
	uint8_t rest[64];

	for (size_t at = known; at < usize;) {
		size_t n = MIN(usize - at, sizeof(rest));

		if (copy_from_user(rest, src + at, n))
			return -EFAULT;
		for (size_t i = 0; i < n; i++)
			if (rest[i])
				return -E2BIG;
		at += n;
	}
	memset((char *)dst + known, 0, ksize - known);
	return copy_from_user(dst, src, known);
}

int user_load32_nofault(uaddr_t addr, uint32_t *out)
{
	struct task *t = current;
	const char *at;
	uint64_t *seq;

	if (addr & 3 || !user_range_ok(addr, 4) || !t->vm)
		return -EFAULT;
	seq = uaccess_enter();
	at = cache_find(t, addr, false);
	if (at)
		*out = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_SEQ_CST);
	uaccess_leave(seq);
	return at ? 0 : -EFAULT;
}

/* Until fn's access has been made, with the page at hand. */
static int user_atomic32(uaddr_t addr, bool write, uint32_t expected, uint32_t desired, uint32_t *old)
{
	struct task *t = current;
	int code;

	if (addr & 3 || !user_range_ok(addr, 4) || !t->vm)
		return -EFAULT;
	for (;;) {
		uint64_t *seq = uaccess_enter();
		uint32_t *at = (uint32_t *)(void *)cache_find(t, addr, write);

		if (at && write) {
			*old = expected;
			__atomic_compare_exchange_n(at, old, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		} else if (at) {
			*old = __atomic_load_n(at, __ATOMIC_SEQ_CST);
		}
		uaccess_leave(seq);
		if (at)
			return 0;
		if (cache_fill(t, addr, write, 0))
			continue;
		if (vm_fault(t->vm, addr, write ? HAL_WRITE : HAL_READ, &code))
			return -EFAULT;
	}
}

int user_load32(uaddr_t addr, uint32_t *out)
{
	return user_atomic32(addr, false, 0, 0, out);
}

int user_cmpxchg32(uaddr_t addr, uint32_t expected, uint32_t desired, uint32_t *old)
{
	return user_atomic32(addr, true, expected, desired, old);
}
