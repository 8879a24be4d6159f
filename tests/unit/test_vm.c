/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: areas, faults, copy on write, user copies, and that the
 * machine's tables never say more than the truth.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/pagecache.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>
#include "mm/mm.h"
#include "mm/mman.h"
#include "mm/vm_internal.h"
#include "syscall/syscall_impl.h"
#include "unit.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static struct vm_space *enter_new(void)
{
	struct vm_space *vm = vm_create();

	CHECK(vm);
	vm_activate(vm);
	return vm;
}

static void leave(struct vm_space *vm)
{
	if (current->vm == vm)
		vm_activate(NULL);
	vm_put(vm);
}

static uaddr_t map_at(struct vm_space *vm, uaddr_t addr, uint64_t len, unsigned prot, unsigned flags)
{
	int64_t at = vm_mmap(vm, addr, len, prot, flags, NULL, 0);

	CHECK(at > 0);
	return (uaddr_t)at;
}

static void put8(uaddr_t at, uint8_t v) { CHECK_EQ(copy_to_user(at, &v, 1), 0); }
static uint8_t get8(uaddr_t at)
{
	uint8_t v;

	CHECK_EQ(copy_from_user(&v, at, 1), 0);
	return v;
}

/* Whatever the machine has mapped, vm->pages has too, and with no fewer rights. */
static void check_machine(struct vm_space *vm)
{
	size_t found = 0;
	uaddr_t at = 0;
	vpe_t *slot;

	spin_lock(&vm->pages->lock);
	while ((slot = vpe_next(vm, &at, hal_as_limit()))) {
		unsigned prot;
		paddr_t pa;

		if (fake_as_lookup(vm->as, at, &pa, &prot)) {
			CHECK_EQ(pa, vpe_phys(*slot));
			CHECK(!(prot & HAL_WRITE) || *slot & VPE_W);
			CHECK(!(prot & HAL_READ) || *slot & VPE_R);
			found++;
		}
		at += PAGE_SIZE;
	}
	spin_unlock(&vm->pages->lock);
	CHECK_EQ(found, fake_as_mapped(vm->as));
}

static void check_tree(struct vm_space *vm)
{
	struct vm_area *a = vm_find(vm, 0), *prev = NULL;
	uint64_t pages = 0;
	unsigned n = 0;

	for (; a; prev = a, a = vm_next(a)) {
		uint64_t max = a->gap;

		CHECK(a->start < a->end);
		CHECK(!prev || prev->end <= a->start);
		if (!(a->flags & VM_GROWSDOWN))
			CHECK_EQ(a->gap, a->start - (prev ? prev->end : 0));
		if (a->node.left)
			max = MAX(max, rb_entry(a->node.left, struct vm_area, node)->max_gap);
		if (a->node.right)
			max = MAX(max, rb_entry(a->node.right, struct vm_area, node)->max_gap);
		CHECK_EQ(a->max_gap, max);
		pages += (a->end - a->start) >> PAGE_SHIFT;
		n++;
	}
	CHECK_EQ(vm->total_pages, pages);
	CHECK_EQ(vm->area_count, n);
}

static void demand_zero(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, 16 * PAGE_SIZE, RW, ANON);

	CHECK_EQ(get8(at), 0);
	CHECK_EQ(vm->rss_anon, 0);	/* the zero page */
	put8(at + 5, 7);
	CHECK_EQ(get8(at + 5), 7);
	CHECK_EQ(get8(at + 4), 0);
	CHECK_EQ(vm->rss_anon, 1);
	put8(at + 16 * PAGE_SIZE - 1, 9);
	CHECK_EQ(vm->rss_anon, 2);
	check_machine(vm);
	CHECK_EQ(vm_munmap(vm, at, 16 * PAGE_SIZE), 0);
	CHECK_EQ(vm->rss_anon, 0);
	CHECK_EQ(fake_as_mapped(vm->as), 0);
	CHECK_EQ(copy_to_user(at, "x", 1), -EFAULT);
	check_tree(vm);
	leave(vm);
}

static void nothing_leaks(void)
{
	/* One round first: caches and magazines fill. */
	uint64_t before = 0;

	for (unsigned round = 0; round < 4; round++) {
		struct vm_space *vm = enter_new(), *child;
		uaddr_t at = map_at(vm, 0, 256 * PAGE_SIZE, RW, ANON);

		for (unsigned i = 0; i < 256; i++)
			put8(at + i * PAGE_SIZE, (uint8_t)i);
		child = vm_fork(vm);
		CHECK(child);
		for (unsigned i = 0; i < 256; i += 3)
			put8(at + i * PAGE_SIZE, 1);
		leave(vm);
		vm_put(child);
		rcu_synchronize();
		if (round == 1)
			before = buddy_free_pages();
		if (round > 1)
			CHECK(buddy_free_pages() + 8 >= before);
	}
	{
		struct mem_info i;

		mem_info_get(&i);
		CHECK_EQ(i.anon_pages, 0);
		CHECK_EQ(i.table_pages, 0);
	}
}

static void fork_copies_on_write(void)
{
	struct vm_space *parent = enter_new(), *child;
	uaddr_t at = map_at(parent, 0, 64 * PAGE_SIZE, RW, ANON);
	unsigned prot;
	paddr_t pa, ca;

	/* More than fork copies at once. */
	for (unsigned i = 0; i < 64; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)(10 + i));
	child = vm_fork(parent);
	CHECK(child);
	CHECK_EQ(child->rss_anon, 64);
	CHECK(fake_as_lookup(parent->as, at, &pa, &prot));
	CHECK(!(prot & HAL_WRITE));
	check_machine(parent);
	put8(at, 99);
	vm_activate(child);
	CHECK_EQ(get8(at), 10);
	CHECK_EQ(get8(at + PAGE_SIZE), 11);
	put8(at + PAGE_SIZE, 55);
	check_machine(child);
	vm_activate(parent);
	CHECK_EQ(get8(at), 99);
	CHECK_EQ(get8(at + PAGE_SIZE), 11);
	/* The child is gone: its sharer becomes the sole owner, and copies nothing. */
	CHECK(fake_as_lookup(parent->as, at + 2 * PAGE_SIZE, &pa, &prot));
	vm_put(child);
	put8(at + 2 * PAGE_SIZE, 77);
	CHECK(fake_as_lookup(parent->as, at + 2 * PAGE_SIZE, &ca, &prot));
	CHECK_EQ(pa, ca);
	CHECK(prot & HAL_WRITE);
	CHECK_EQ(parent->rss_anon, 64);
	leave(parent);
}

static void fork_copies_few_at_once(void)
{
	struct vm_space *parent = enter_new(), *child, *second;
	uaddr_t at = map_at(parent, 0, 4 * PAGE_SIZE, RW, ANON);
	unsigned prot;
	paddr_t pa, ca;

	for (unsigned i = 0; i < 4; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)(10 + i));
	child = vm_fork(parent);
	CHECK(child);
	CHECK_EQ(child->rss_anon, 4);
	/* Both can write without a fault, to pages of their own. */
	CHECK(fake_as_lookup(parent->as, at, &pa, &prot));
	CHECK(prot & HAL_WRITE);
	CHECK(fake_as_lookup(child->as, at, &ca, &prot));
	CHECK(prot & HAL_WRITE);
	CHECK(pa != ca);
	put8(at, 99);
	vm_activate(child);
	CHECK_EQ(get8(at), 10);
	CHECK_EQ(get8(at + 3 * PAGE_SIZE), 13);
	put8(at + PAGE_SIZE, 55);
	check_machine(child);
	vm_activate(parent);
	CHECK_EQ(get8(at + PAGE_SIZE), 11);
	check_machine(parent);
	CHECK(!parent->held);
	/* Another user of the address space whose code does not run makes no difference. */
	vm_get(parent);
	second = vm_fork(parent);
	CHECK(second);
	CHECK(fake_as_lookup(parent->as, at, &pa, &prot));
	CHECK(prot & HAL_WRITE);
	vm_put(second);
	/* With one on another CPU, who may be writing now, they are shared. */
	fake_user_runs = true;
	second = vm_fork(parent);
	fake_user_runs = false;
	CHECK(second);
	CHECK(!parent->held);
	CHECK(fake_as_lookup(parent->as, at, &pa, &prot));
	CHECK(!(prot & HAL_WRITE));
	vm_put(parent);
	vm_put(second);
	vm_put(child);
	leave(parent);
}

static paddr_t page_of(struct vm_space *vm, uaddr_t at)
{
	unsigned prot;
	paddr_t pa = 0;

	CHECK(fake_as_lookup(vm->as, at, &pa, &prot));
	return pa;
}

/* What is copied at once is in the same pages for one child after the other, as long as nobody else has them. */
static void fork_in_the_same_pages(void)
{
	enum { N = 3 };
	struct vm_space *parent = enter_new(), *a, *b, *c;
	uaddr_t at = map_at(parent, 0, N * PAGE_SIZE, RW, ANON);
	paddr_t pa[N], pb;

	for (unsigned i = 0; i < N; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)(10 + i));
	a = vm_fork(parent);
	for (unsigned i = 0; i < N; i++)
		pa[i] = page_of(a, at + i * PAGE_SIZE);
	b = vm_fork(parent);
	pb = page_of(b, at);
	CHECK(pb != pa[0]);
	c = vm_fork(parent);	/* a third at the same time has pages of its own, too */
	CHECK(page_of(c, at) != pa[0] && page_of(c, at) != pb);
	vm_put(c);
	vm_put(b);
	vm_put(a);
	a = vm_fork(parent);
	pa[0] = page_of(a, at);
	pa[2] = page_of(a, at + 2 * PAGE_SIZE);
	vm_put(a);
	put8(at, 77);
	a = vm_fork(parent);
	CHECK(page_of(a, at) == pa[0] && page_of(a, at + 2 * PAGE_SIZE) == pa[2]);
	vm_activate(a);
	CHECK(get8(at) == 77 && get8(at + 2 * PAGE_SIZE) == 12);
	vm_activate(parent);
	vm_put(a);
	leave(parent);
}

/* A child that looks at a small area gets all of it at once, and nothing of it is the parent's any more. */
static void fork_child_reads_small_area(void)
{
	enum { N = 16 };	/* more than fork copies at once */
	struct vm_space *parent = enter_new(), *child;
	uaddr_t at = map_at(parent, 0, N * PAGE_SIZE, RW, ANON);
	paddr_t pa[N], ca[N];
	unsigned prot;
	int code;

	for (unsigned i = 0; i < N; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)(10 + i));
	for (unsigned i = 0; i < N; i++)
		CHECK(fake_as_lookup(parent->as, at + i * PAGE_SIZE, &pa[i], &prot));
	child = vm_fork(parent);
	CHECK(child);
	vm_activate(child);
	CHECK_EQ(vm_fault(child, at + 3 * PAGE_SIZE, HAL_READ, &code), 0);
	for (unsigned i = 0; i < N; i++) {
		CHECK(fake_as_lookup(child->as, at + i * PAGE_SIZE, &ca[i], &prot));
		CHECK(prot & HAL_WRITE);
		CHECK(ca[i] != pa[i]);
		CHECK_EQ(get8(at + i * PAGE_SIZE), 10 + i);
		put8(at + i * PAGE_SIZE, (uint8_t)(100 + i));
	}
	check_machine(child);
	vm_activate(parent);
	for (unsigned i = 0; i < N; i++)
		CHECK_EQ(get8(at + i * PAGE_SIZE), 10 + i);
	CHECK_EQ(child->rss_anon, N);
	vm_put(child);
	leave(parent);
}

static struct mapping *unmapped;
static unsigned looked;
static void still_counted(void) { looked += unmapped->writable_maps == 1; }

/* A mapping that may be written to counts as such until the machine has forgotten it: who seals the file relies on that. */
static void counted_while_mapped(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS);

	unmapped = vm_find(vm, at)->mapping;
	shmem_get(unmapped);
	put8(at, 1);
	CHECK_EQ(unmapped->writable_maps, 1);
	looked = 0;
	fake_on_flush = still_counted;
	CHECK_EQ(vm_munmap(vm, at, 4 * PAGE_SIZE), 0);
	fake_on_flush = NULL;
	CHECK_EQ(looked, 1);
	CHECK_EQ(unmapped->writable_maps, 0);
	/* Cut in two, and one of them gone; an area that was never made. */
	at = map_at(vm, 0, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS);
	shmem_put(unmapped);
	unmapped = vm_find(vm, at)->mapping;
	shmem_get(unmapped);
	CHECK_EQ(vm_munmap(vm, at + PAGE_SIZE, PAGE_SIZE), 0);
	CHECK_EQ(unmapped->writable_maps, 2);
	leave(vm);
	CHECK_EQ(unmapped->writable_maps, 0);
	shmem_put(unmapped);
}

static void shared_anonymous(void)
{
	struct vm_space *parent = enter_new(), *child;
	uaddr_t at = map_at(parent, 0, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS);

	put8(at, 1);
	child = vm_fork(parent);
	put8(at + PAGE_SIZE, 2);
	vm_activate(child);
	CHECK_EQ(get8(at), 1);
	CHECK_EQ(get8(at + PAGE_SIZE), 2);
	put8(at + 2 * PAGE_SIZE, 3);
	vm_activate(parent);
	CHECK_EQ(get8(at + 2 * PAGE_SIZE), 3);
	CHECK_EQ(sys_madvise(at, PAGE_SIZE, MADV_DONTNEED), 0);
	CHECK_EQ(get8(at), 1);
	CHECK_EQ(sys_madvise(at, PAGE_SIZE, MADV_REMOVE), 0);
	CHECK_EQ(get8(at), 0);
	vm_activate(child);
	CHECK_EQ(get8(at), 0);
	vm_put(parent);
	check_machine(child);
	leave(child);
}

static void machine_forgets(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, 64 * PAGE_SIZE, RW, ANON);
	int code;

	for (unsigned i = 0; i < 64; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)i);
	fake_as_forget(vm->as);
	CHECK_EQ(vm_fault(vm, at + 20 * PAGE_SIZE, HAL_READ, &code), 0);
	CHECK(fake_as_mapped(vm->as) >= 8);
	check_machine(vm);
	for (unsigned i = 0; i < 64; i++)
		CHECK_EQ(get8(at + i * PAGE_SIZE), i);
	leave(vm);
}

static void protection(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, 8 * PAGE_SIZE, RW, ANON);
	int code;

	for (unsigned i = 0; i < 8; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)i);
	CHECK_EQ(sys_mprotect(at + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ), 0);
	CHECK_EQ(copy_to_user(at + 2 * PAGE_SIZE, "x", 1), -EFAULT);
	CHECK_EQ(vm_fault(vm, at + 2 * PAGE_SIZE, HAL_WRITE, &code), -EFAULT);
	CHECK_EQ(code, SEGV_ACCERR);
	CHECK_EQ(get8(at + 2 * PAGE_SIZE), 2);
	check_tree(vm);
	CHECK_EQ(vm->area_count, 3);
	CHECK_EQ(sys_mprotect(at + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_NONE), 0);
	CHECK_EQ(vm_fault(vm, at + 2 * PAGE_SIZE, HAL_READ, &code), -EFAULT);
	CHECK_EQ(code, SEGV_ACCERR);
	{
		uint8_t b;

		CHECK_EQ(copy_from_user(&b, at + 2 * PAGE_SIZE, 1), -EFAULT);
	}
	check_machine(vm);
	CHECK_EQ(sys_mprotect(at, 8 * PAGE_SIZE, RW), 0);
	CHECK_EQ(vm->area_count, 1);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(get8(at + i * PAGE_SIZE), i);
	put8(at + 2 * PAGE_SIZE, 1);
	check_machine(vm);
	check_tree(vm);
	CHECK_EQ(vm_fault(vm, at, HAL_EXEC, &code), -EFAULT);
	CHECK_EQ(sys_mprotect(at + 1, PAGE_SIZE, RW), -EINVAL);
	CHECK_EQ(sys_mprotect(at, PAGE_SIZE, 0x40), -EINVAL);
	CHECK_EQ(sys_mprotect(at + 7 * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ), -ENOMEM);
	CHECK_EQ(vm_fault(vm, 0x1000, HAL_READ, &code), -EFAULT);
	CHECK_EQ(code, SEGV_MAPERR);
	leave(vm);
}

static void mmap_errors(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, PAGE_SIZE, RW, ANON);

	CHECK_EQ(vm_mmap(vm, 0, 0, RW, ANON, NULL, 0), -EINVAL);
	CHECK_EQ(vm_mmap(vm, 0, UINT64_MAX - 100, RW, ANON, NULL, 0), -ENOMEM);
	CHECK_EQ(vm_mmap(vm, 0, 1ull << 50, PROT_NONE, ANON, NULL, 0), -ENOMEM);
	CHECK_EQ(vm_mmap(vm, 0, PAGE_SIZE, RW, MAP_ANONYMOUS, NULL, 0), -EINVAL);
	CHECK_EQ(vm_mmap(vm, at + 1, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), -EINVAL);
	CHECK_EQ(vm_mmap(vm, at, PAGE_SIZE, RW, ANON | MAP_FIXED_NOREPLACE, NULL, 0), -EEXIST);
	CHECK_EQ(vm_mmap(vm, 0, PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), -EPERM);
	CHECK_EQ(vm_mmap(vm, 0, 128ull << 20, RW, ANON, NULL, 0), -ENOMEM);	/* more than there is */
	CHECK(vm_mmap(vm, 0, 128ull << 20, PROT_NONE, ANON, NULL, 0) > 0);
	CHECK_EQ(vm_munmap(vm, at + 1, PAGE_SIZE), -EINVAL);
	CHECK_EQ(vm_munmap(vm, at, 0), -EINVAL);
	CHECK_EQ(vm_munmap(vm, at + 64 * PAGE_SIZE, PAGE_SIZE), 0);
	CHECK_EQ(sys_mmap(0, PAGE_SIZE, RW, ANON, -1, 1), -EINVAL);
	check_tree(vm);
	leave(vm);
}

static void partial_unmap(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, 10 * PAGE_SIZE, RW, ANON);

	for (unsigned i = 0; i < 10; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)i);
	CHECK_EQ(vm_munmap(vm, at + 3 * PAGE_SIZE, 2 * PAGE_SIZE), 0);
	CHECK_EQ(vm->area_count, 2);
	CHECK_EQ(vm->rss_anon, 8);
	CHECK_EQ(copy_to_user(at + 3 * PAGE_SIZE, "x", 1), -EFAULT);
	CHECK_EQ(get8(at + 2 * PAGE_SIZE), 2);
	CHECK_EQ(get8(at + 5 * PAGE_SIZE), 5);
	/* The hole is found again. */
	CHECK_EQ(map_at(vm, at + 3 * PAGE_SIZE, 2 * PAGE_SIZE, RW, ANON), at + 3 * PAGE_SIZE);
	CHECK_EQ(vm->area_count, 1);
	CHECK_EQ(get8(at + 3 * PAGE_SIZE), 0);
	check_tree(vm);
	check_machine(vm);
	leave(vm);
}

static void remap(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0x10000000, 4 * PAGE_SIZE, RW, ANON), block, moved;

	for (unsigned i = 0; i < 4; i++)
		put8(at + i * PAGE_SIZE, (uint8_t)(1 + i));
	/* In place. */
	CHECK_EQ(sys_mremap(at, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0), at);
	CHECK_EQ(get8(at + 7 * PAGE_SIZE), 0);
	/* Something is in the way. */
	block = map_at(vm, at + 8 * PAGE_SIZE, PAGE_SIZE, PROT_READ, ANON);
	CHECK_EQ(block, at + 8 * PAGE_SIZE);
	CHECK_EQ(sys_mremap(at, 8 * PAGE_SIZE, 16 * PAGE_SIZE, 0, 0), -ENOMEM);
	moved = (uaddr_t)sys_mremap(at, 8 * PAGE_SIZE, 16 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
	CHECK((int64_t)moved > 0 && moved != at);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(get8(moved + i * PAGE_SIZE), 1 + i);
	CHECK_EQ(copy_to_user(at, "x", 1), -EFAULT);
	/* Shrink, move to a given place. */
	CHECK_EQ(sys_mremap(moved, 16 * PAGE_SIZE, 2 * PAGE_SIZE, 0, 0), moved);
	CHECK_EQ(copy_to_user(moved + 2 * PAGE_SIZE, "x", 1), -EFAULT);
	CHECK_EQ(sys_mremap(moved, 2 * PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at), at);
	CHECK_EQ(get8(at + PAGE_SIZE), 2);
	CHECK_EQ(sys_mremap(at, 2 * PAGE_SIZE, PAGE_SIZE, MREMAP_FIXED, moved), -EINVAL);
	CHECK_EQ(sys_mremap(at + 1, PAGE_SIZE, PAGE_SIZE, 0, 0), -EINVAL);
	CHECK_EQ(sys_mremap(at, PAGE_SIZE, 0, 0, 0), -EINVAL);
	CHECK_EQ(sys_mremap(0x5000000, PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE, 0), -EFAULT);
	check_tree(vm);
	check_machine(vm);
	leave(vm);
}

static void heap(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t base = 0x20000000;

	vm_set_brk(vm, base + 100, base + 100);
	CHECK_EQ(sys_brk(0), base + 100);
	CHECK_EQ(sys_brk(base + 3 * PAGE_SIZE), base + 3 * PAGE_SIZE);
	put8(base + PAGE_SIZE + 5, 3);
	put8(base + 3 * PAGE_SIZE - 1, 3);
	CHECK_EQ(sys_brk(base + 2 * PAGE_SIZE), base + 2 * PAGE_SIZE);
	CHECK_EQ(copy_to_user(base + 2 * PAGE_SIZE, "x", 1), -EFAULT);
	CHECK_EQ(sys_brk(base + 8 * PAGE_SIZE), base + 8 * PAGE_SIZE);
	CHECK_EQ(get8(base + 2 * PAGE_SIZE), 0);
	CHECK_EQ(get8(base + PAGE_SIZE + 5), 3);
	CHECK_EQ(sys_brk(base), base + 8 * PAGE_SIZE);
	map_at(vm, base + 16 * PAGE_SIZE, PAGE_SIZE, RW, ANON | MAP_FIXED);
	CHECK_EQ(sys_brk(base + 16 * PAGE_SIZE), base + 8 * PAGE_SIZE);
	CHECK_EQ(sys_brk(base + 15 * PAGE_SIZE), base + 15 * PAGE_SIZE);
	check_tree(vm);
	leave(vm);
}

static void stack_grows(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t top = 0x7ff000000000;
	int code;

	CHECK_EQ(vm_map_stack(vm, top, 4 * PAGE_SIZE, 0), 0);
	put8(top - 1, 1);
	put8(top - 20 * PAGE_SIZE, 2);
	CHECK_EQ(vm_find(vm, top - PAGE_SIZE)->start, top - 20 * PAGE_SIZE);
	check_tree(vm);
	/* Maps keep their distance. */
	CHECK(map_at(vm, 0, PAGE_SIZE, RW, ANON) < top - (8 << 20));
	map_at(vm, top - (1 << 20), PAGE_SIZE, RW, ANON | MAP_FIXED);
	CHECK_EQ(vm_fault(vm, top - (1 << 20) + 4 * PAGE_SIZE, HAL_WRITE, &code), -EFAULT);
	leave(vm);
}

static uint64_t rnd_state = 12345;
static uint64_t rnd(uint64_t n)
{
	rnd_state = rnd_state * 6364136223846793005ull + 1442695040888963407ull;
	return (rnd_state >> 33) % n;
}

/* Random operations on a window of pages against an array that says what must be there. */
static void against_a_model(void)
{
	enum { PAGES = 96, STEPS = 4000 };
	static struct { bool mapped, writable; uint8_t value; } model[PAGES];
	const uaddr_t base = 0x40000000;
	struct vm_space *vm = enter_new(), *forked = NULL;
	static uint8_t forked_value[PAGES];
	static bool forked_mapped[PAGES];

	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)rnd(PAGES), n = 1 + (unsigned)rnd(MIN(PAGES - i, 12u));
		uaddr_t at = base + i * PAGE_SIZE;
		bool all = true;

		for (unsigned k = i; k < i + n; k++)
			all = all && model[k].mapped;
		switch (rnd(9)) {
		case 0:
			map_at(vm, at, n * PAGE_SIZE, RW, ANON | MAP_FIXED);
			for (unsigned k = i; k < i + n; k++)
				model[k].mapped = model[k].writable = true, model[k].value = 0;
			break;
		case 1:
			CHECK_EQ(vm_munmap(vm, at, n * PAGE_SIZE), 0);
			for (unsigned k = i; k < i + n; k++)
				model[k].mapped = false;
			break;
		case 2: {
			bool w = rnd(2);

			if (!all)
				break;
			CHECK_EQ(sys_mprotect(at, n * PAGE_SIZE, w ? RW : PROT_READ), 0);
			for (unsigned k = i; k < i + n; k++)
				model[k].writable = w;
			break;
		}
		case 3:
			if (!all)
				break;
			CHECK_EQ(sys_madvise(at, n * PAGE_SIZE, MADV_DONTNEED), 0);
			for (unsigned k = i; k < i + n; k++)
				model[k].value = 0;
			break;
		case 4:
			if (rnd(8))
				break;
			if (forked) {
				vm_activate(forked);
				for (unsigned k = 0; k < PAGES; k++) {
					uint8_t v;
					int got = copy_from_user(&v, base + k * PAGE_SIZE + 9, 1);

					CHECK_EQ(got, forked_mapped[k] ? 0 : -EFAULT);
					if (!got)
						CHECK_EQ(v, forked_value[k]);
				}
				check_machine(forked);
				vm_activate(vm);
				vm_put(forked);
			}
			forked = vm_fork(vm);
			CHECK(forked);
			for (unsigned k = 0; k < PAGES; k++) {
				forked_mapped[k] = model[k].mapped;
				forked_value[k] = model[k].value;
			}
			break;
		case 5:
			if (!rnd(4))
				fake_as_forget(vm->as);
			break;
		default: {
			uint8_t v = (uint8_t)rnd(256), old;
			int put = copy_to_user(at + 9, &v, 1);

			CHECK_EQ(put, model[i].mapped && model[i].writable ? 0 : -EFAULT);
			if (!put)
				model[i].value = v;
			if (model[i].mapped) {
				CHECK_EQ(copy_from_user(&old, at + 9, 1), 0);
				CHECK_EQ(old, model[i].value);
			}
		}
		}
		if (step % 64 == 0) {
			check_machine(vm);
			check_tree(vm);
		}
	}
	for (unsigned k = 0; k < PAGES; k++)
		if (model[k].mapped)
			CHECK_EQ(get8(base + k * PAGE_SIZE + 9), model[k].value);
	if (forked)
		vm_put(forked);
	leave(vm);
}

/* Every gap that the tree finds is free, and it finds one whenever a scan does. */
static void gaps_against_a_scan(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t low = 0x50000000, high = low + 512 * PAGE_SIZE;

	for (unsigned step = 0; step < 2000; step++) {
		uint64_t len = (1 + rnd(20)) * PAGE_SIZE, best = 0, first = 0;
		uaddr_t at = low + rnd(500) * PAGE_SIZE;

		if (rnd(2))
			(void)vm_mmap(vm, at, len, PROT_READ | (unsigned)(rnd(2) ? PROT_WRITE : 0), ANON | MAP_FIXED, NULL, 0);
		else
			CHECK_EQ(vm_munmap(vm, at, len), 0);
		for (uaddr_t s = low; s + len <= high; s += PAGE_SIZE) {
			struct vm_area *a = vm_find(vm, s);

			if (!a || a->start >= s + len) {
				best = s;
				if (!first)
					first = s;
			}
		}
		rwsem_write_lock(&vm->lock);
		CHECK_EQ(vm_find_gap(vm, len, low, high, true), best);
		CHECK_EQ(vm_find_gap(vm, len, low, high, false), first);
		rwsem_write_unlock(&vm->lock);
	}
	check_tree(vm);
	leave(vm);
}

static void copies_across_pages(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0x60000000, 3 * PAGE_SIZE, RW, ANON);
	static uint8_t buf[3 * 4096], back[3 * 4096];
	uint32_t old;

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i * 7);
	CHECK_EQ(copy_to_user(at + 100, buf, sizeof(buf) - 200), 0);
	CHECK_EQ(copy_from_user(back, at + 100, sizeof(buf) - 200), 0);
	CHECK(!memcmp(buf, back, sizeof(buf) - 200));
	CHECK_EQ(copy_to_user(at + 100, buf, sizeof(buf)), -EFAULT);
	CHECK_EQ(copy_to_user_partial(at + 100, buf, sizeof(buf)), sizeof(buf) - 100);
	CHECK_EQ(copy_from_user_partial(back, at + 3 * PAGE_SIZE - 5, 10), 5);
	CHECK_EQ(copy_to_user(hal_as_limit() - 4, buf, 8), -EFAULT);
	CHECK_EQ(copy_to_user(UINT64_MAX - 2, buf, 8), -EFAULT);
	CHECK_EQ(clear_user(at, 3 * PAGE_SIZE), 0);
	CHECK_EQ(get8(at + 5000), 0);
	/* A string that ends where the mapping ends. */
	CHECK_EQ(copy_to_user(at + 3 * PAGE_SIZE - 4, "abc", 4), 0);
	CHECK_EQ(strncpy_from_user((char *)back, at + 3 * PAGE_SIZE - 4, 100), 3);
	CHECK(!strcmp((char *)back, "abc"));
	CHECK_EQ(copy_to_user(at + 3 * PAGE_SIZE - 3, "xyz", 3), 0);
	CHECK_EQ(strncpy_from_user((char *)back, at + 3 * PAGE_SIZE - 3, 100), -EFAULT);
	CHECK_EQ(strncpy_from_user((char *)back, at + 3 * PAGE_SIZE - 3, 2), 2);
	/* Words. */
	CHECK_EQ(user_cmpxchg32(at, 0, 5, &old), 0);
	CHECK_EQ(old, 0);
	CHECK_EQ(user_cmpxchg32(at, 0, 6, &old), 0);
	CHECK_EQ(old, 5);
	CHECK_EQ(user_load32(at, &old), 0);
	CHECK_EQ(old, 5);
	CHECK_EQ(user_load32_nofault(at, &old), 0);
	CHECK_EQ(user_load32(at + 3 * PAGE_SIZE, &old), -EFAULT);
	CHECK_EQ(vm_munmap(vm, at, PAGE_SIZE), 0);
	CHECK_EQ(user_load32_nofault(at, &old), -EFAULT);
	leave(vm);
}

static void struct_copies(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, PAGE_SIZE, RW, ANON);
	uint64_t in[4] = { 1, 2, 0, 0 }, out[3] = { 9, 9, 9 };

	CHECK_EQ(copy_to_user(at, in, sizeof(in)), 0);
	CHECK_EQ(copy_struct_from_user(out, 16, at, 32), 0);
	CHECK_EQ(out[1], 2);
	CHECK_EQ(copy_struct_from_user(out, 24, at, 8), 0);
	CHECK_EQ(out[0], 1);
	CHECK_EQ(out[1], 0);
	CHECK_EQ(copy_struct_from_user(out, 8, at, 32), -E2BIG);
	leave(vm);
}

static void locked_and_counted(void)
{
	struct vm_space *vm = enter_new();
	uaddr_t at = map_at(vm, 0, 8 * PAGE_SIZE, RW, ANON);
	uaddr_t vec = map_at(vm, 0x70000000, PAGE_SIZE, RW, ANON);
	uint8_t out[8];

	CHECK_EQ(sys_mincore(at, 8 * PAGE_SIZE, vec), 0);
	CHECK_EQ(copy_from_user(out, vec, 8), 0);
	CHECK_EQ(out[0], 0);
	CHECK_EQ(sys_mlock(at + PAGE_SIZE, 2 * PAGE_SIZE), 0);
	CHECK_EQ(vm->locked_pages, 2);
	CHECK_EQ(sys_mincore(at, 8 * PAGE_SIZE, vec), 0);
	CHECK_EQ(copy_from_user(out, vec, 8), 0);
	CHECK_EQ(out[0], 0);
	CHECK_EQ(out[1], 1);
	CHECK_EQ(out[2], 1);
	CHECK_EQ(out[3], 0);
	CHECK_EQ(sys_madvise(at, 8 * PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	CHECK_EQ(sys_munlock(at, 8 * PAGE_SIZE), 0);
	CHECK_EQ(vm->locked_pages, 0);
	CHECK_EQ(sys_mincore(at + 1, PAGE_SIZE, vec), -EINVAL);
	CHECK_EQ(sys_mincore(at + 64 * PAGE_SIZE, PAGE_SIZE, vec), -ENOMEM);
	CHECK_EQ(sys_mincore(at, PAGE_SIZE, 0x1000), -EFAULT);
	CHECK_EQ(sys_mlockall(MCL_FUTURE), 0);
	at = map_at(vm, 0, 4 * PAGE_SIZE, RW, ANON);
	CHECK_EQ(sys_mincore(at, 4 * PAGE_SIZE, vec), 0);
	CHECK_EQ(get8(vec + 3), 1);
	check_tree(vm);
	leave(vm);
}

static void advice_for_fork(void)
{
	struct vm_space *vm = enter_new(), *child;
	uaddr_t a = map_at(vm, 0x30000000, PAGE_SIZE, RW, ANON), b = map_at(vm, 0x31000000, PAGE_SIZE, RW, ANON);
	uint8_t v;

	put8(a, 1);
	put8(b, 2);
	CHECK_EQ(sys_madvise(a, PAGE_SIZE, MADV_DONTFORK), 0);
	CHECK_EQ(sys_madvise(b, PAGE_SIZE, MADV_WIPEONFORK), 0);
	CHECK_EQ(sys_madvise(b, PAGE_SIZE, 77), -EINVAL);
	child = vm_fork(vm);
	CHECK(child);
	vm_activate(child);
	CHECK_EQ(copy_from_user(&v, a, 1), -EFAULT);
	CHECK_EQ(get8(b), 0);
	vm_activate(vm);
	vm_put(child);
	CHECK_EQ(get8(b), 2);
	leave(vm);
}

static void force_writes_to_read_only(void)
{
	struct vm_space *vm = enter_new(), *child;
	uaddr_t at = map_at(vm, 0, PAGE_SIZE, RW, ANON);
	char buf[4];

	put8(at, 'a');
	CHECK_EQ(sys_mprotect(at, PAGE_SIZE, PROT_READ), 0);
	child = vm_fork(vm);
	CHECK_EQ(vm_access(vm, at, "b", 1, true, false), 0);
	CHECK_EQ(vm_access(vm, at, "b", 1, true, true), 1);
	CHECK_EQ(get8(at), 'b');
	CHECK_EQ(copy_to_user(at, "c", 1), -EFAULT);
	CHECK_EQ(vm_access(child, at, buf, 1, false, false), 1);
	CHECK_EQ(buf[0], 'a');
	check_machine(vm);
	vm_put(child);
	leave(vm);
}

/* Every allocation of fork fails in turn: no leak, no panic, and at last it succeeds. */
static void fork_with_failing_allocations(void)
{
	struct vm_space *vm = enter_new(), *child = NULL;
	uaddr_t at = map_at(vm, 0, 4 * PAGE_SIZE, RW, ANON);
	uaddr_t sh = map_at(vm, 0x33000000, 4 * PAGE_SIZE, RW, MAP_SHARED | MAP_ANONYMOUS);
	unsigned n;
	bool failed = true;

	put8(at, 1);
	put8(sh, 2);
	for (n = 1; n < 200 && failed; n++) {
		current->fail_nth = n;
		child = vm_fork(vm);
		failed = !current->fail_nth;
		CHECK(child || failed);
		current->fail_nth = 0;
		put8(at, (uint8_t)n);
		if (child) {	/* some it can do without */
			vm_activate(child);
			CHECK_EQ(get8(sh), 2);
			check_machine(child);
			vm_activate(vm);
			vm_put(child);
		}
	}
	CHECK(!failed && child);
	CHECK(n > 8);
	check_machine(vm);
	leave(vm);
}

const struct unit_test unit_tests[] = {
	{ "demand_zero", demand_zero },
	{ "nothing_leaks", nothing_leaks },
	{ "fork_copies_on_write", fork_copies_on_write },
	{ "fork_copies_few_at_once", fork_copies_few_at_once },
	{ "fork_in_the_same_pages", fork_in_the_same_pages },
	{ "fork_child_reads_small_area", fork_child_reads_small_area },
	{ "shared_anonymous", shared_anonymous },
	{ "counted_while_mapped", counted_while_mapped },
	{ "machine_forgets", machine_forgets },
	{ "protection", protection },
	{ "mmap_errors", mmap_errors },
	{ "partial_unmap", partial_unmap },
	{ "remap", remap },
	{ "heap", heap },
	{ "stack_grows", stack_grows },
	{ "against_a_model", against_a_model },
	{ "gaps_against_a_scan", gaps_against_a_scan },
	{ "copies_across_pages", copies_across_pages },
	{ "struct_copies", struct_copies },
	{ "locked_and_counted", locked_and_counted },
	{ "advice_for_fork", advice_for_fork },
	{ "force_writes_to_read_only", force_writes_to_read_only },
	{ "fork_with_failing_allocations", fork_with_failing_allocations },
	{ 0 },
};
