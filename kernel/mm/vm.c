/* SPDX-License-Identifier: MIT */
/*
 * Address spaces as a whole: made, copied by fork, dropped.
 *
 * fork shares the private pages of both sides copy-on-write: their entries
 * lose VPE_W, the machine of the parent is told in runs and flushed once.
 * The child's machine tables start empty; faults fill them from its entries.
 * Pages of the page cache are not copied: a fault finds them again.
 *
 * A few pages are copied at once instead: those that the parent has written to
 * since it last forked (they have VPE_W).
 * Both sides will write to them again soon, and two faults cost more than a copy.
 * What has more of them than that is big, and copies nothing.  Nobody else may write to them meanwhile: where other threads
 * use the address space, none may run.  If one did after all, the copies may not be of one moment, and the child is made anew, without.
 */
#include <kernel/ipc_init.h>
#include <kernel/file.h>
#include <kernel/pagecache.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include "mm/mm.h"
#include "mm/vm_internal.h"

static struct kmem_cache *vm_cache;
static uint64_t vm_next_id;

static void vm_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(vm_cache, container_of(h, struct vm_space, rcu));
}

static struct vm_space *create(struct hal_as *parent)
{
	struct vm_space *vm = kmem_cache_alloc(vm_cache, ALLOC_ZERO);

	if (!vm)
		return NULL;
	ref_init(&vm->refs);
	rwsem_init(&vm->lock, LOCK_VM);
	vm->id = __atomic_add_fetch(&vm_next_id, 1, __ATOMIC_RELAXED);
	vm->mmap_base = hal_as_limit() - (1ull << 30);
	vm->pages = vm_pages_create();
	if (!vm->pages)
		goto free_vm;
	vm->as = hal_as_create(parent);
	if (!vm->as)
		goto free_pages;
	return vm;
free_pages:
	vm_pages_destroy(vm);
free_vm:
	kmem_cache_free(vm_cache, vm);
	return NULL;
}

struct vm_space *vm_create(void)
{
	return create(NULL);
}

void vm_get(struct vm_space *vm)
{
	ref_get(&vm->refs);
}

void vm_put(struct vm_space *vm)
{
	struct list_head dead = LIST_INIT(dead);
	struct rb_node *n;

	if (!ref_put(&vm->refs))
		return;
	might_sleep();
	aio_vm_gone(vm);
	rwsem_write_lock(&vm->lock);
	while ((n = rb_first(&vm->areas))) {
		struct vm_area *a = rb_entry(n, struct vm_area, node);

		/* Off its mapping's list: truncation no longer comes here. */
		vm_area_remove(vm, a);
		list_add(&a->mapping_link, &dead);
	}
	rwsem_write_unlock(&vm->lock);
	hal_as_destroy(vm->as);
	vm_pages_destroy(vm);
	fork_pages_drop(vm);
	vm_area_free_list(&dead);
	if (vm->exe) {
		file_allow_write(vm->exe);	/* execve denied writes while it runs (ETXTBSY) */
		file_put(vm->exe);
	}
	/* Look-ups under RCU may still read the count. */
	rcu_call(&vm->rcu, vm_free_rcu);
}

struct vm_space *vm_get_task(struct task *t)
{
	struct vm_space *vm;

	rcu_read_lock();
	vm = rcu_dereference(t->vm);
	if (vm && !ref_get_unless_zero(&vm->refs))
		vm = NULL;
	rcu_read_unlock();
	return vm;
}

bool task_dumpable(struct task *t)
{
	struct vm_space *vm;
	bool yes;

	rcu_read_lock();	/* the struct outlives its last reference */
	vm = rcu_dereference(t->vm);
	yes = vm ? !READ_ONCE(vm->secret) : READ_ONCE(t->was_dumpable);
	rcu_read_unlock();
	return yes;
}

void vm_activate(struct vm_space *vm)
{
	unsigned long flags;

	uaccess_forget(current);
	flags = hal_irq_save();
	rcu_assign(current->vm, vm);
	hal_as_activate(vm ? vm->as : NULL);
	hal_irq_restore(flags);
}

/*
 * What a process that forks again and again has written since the last time it
 * will write again, and its child probably, too: where that is not much, it is
 * copied at once, which costs less than the two faults that each page would.
 */
enum { COPY_FAULTS = 6 };	/* not much: what can be copied in the time of so many faults */
/* What it only reads, such as data that was relocated once, the child is likely to read, too: so many pages at most are mapped at once. */
#define SHARE_AHEAD (4 * hal_as_fault_pages())
struct fork {
	bool copy;		/* pages that are written to */
	unsigned ahead;		/* so many more that are only read may be mapped at once */
};

/*
 * How many pages of vm are to be copied now; 0: none.  No user code writes to them meanwhile: its other threads are in the kernel, or do
 * not run, and that holds until release().  What a call of theirs writes, the child has or has not, as if it had forked before or
 * behind that.
 */
static unsigned copy_now(struct vm_space *vm) REQUIRES(vm->lock)
{
	unsigned n = 0, most = COPY_FAULTS * hal_as_fault_pages();

	if (buddy_free_pages() < 2 * buddy_low_mark())
		return 0;
	for (struct rb_node *node = rb_first(&vm->areas); node; node = rb_next(node)) {
		struct vm_area *a = rb_entry(node, struct vm_area, node);
		uaddr_t at = a->start;
		vpe_t *slot;

		if (a->flags & (VM_SHARED | VM_SPECIAL | VM_DEVICE | VM_WIPEONFORK | VM_DONTFORK) || !(a->flags & VM_WRITE))
			continue;
		spin_lock(&vm->pages->lock);
		for (; n <= most && (slot = vpe_next(vm, &at, a->end)); at += PAGE_SIZE)
			n += *slot & VPE_W && !(*slot & (VPE_FILE | VPE_SHMEM | VPE_DEV));
		spin_unlock(&vm->pages->lock);
		if (n > most)
			return 0;
	}
	if (!n)
		return 0;
	WRITE_ONCE(vm->held, true);	/* whom the machine does not run waits */
	if (hal_as_hold(vm->as))
		return n;
	WRITE_ONCE(vm->held, false);
	return 0;
}

static void release(struct vm_space *vm) REQUIRES(vm->lock)
{
	if (!vm->held)
		return;
	hal_as_release(vm->as);
	WRITE_ONCE(vm->held, false);
}

void vm_user_wait(struct vm_space *vm)
{
	rwsem_read_lock(&vm->lock);
	rwsem_read_unlock(&vm->lock);
}

/* The child gets a copy of the parent's page, and is told.  False: no memory.  Both page locks. */
static bool copy_page(struct vm_area *a, struct vm_space *child, uaddr_t at, vpe_t e)
{
	struct page *p = fork_pages_take(a->vm, at);

	if (!p)
		return false;
	if (!page_test_set_flag(p, PG_ANON))
		counter_add(COUNT_ANON, 1);
	hal_page_copy(page_addr(p), page_addr(vpe_page(e)));
	if (a->flags & VM_EXEC)
		hal_icache_sync(page_addr(p), PAGE_SIZE);
	e = vpe_make(p, e & VPE_FLAGS);
	vpe_account(child, e, 1);
	vpe_set(vpe_find(child, at), e);
	(void)hal_as_map(child->as, at, page_to_phys(p), 1, vm_hal_prot(a, e));
	return true;
}

/* Share one leaf table's worth of private pages: [*at, end) at most.  Both page locks: parent, then child. */
static void share_leaf(struct vm_area *a, struct vm_space *child, uaddr_t *at, uaddr_t end, struct fork *f) NO_TSA
{
	struct vm_space *vm = a->vm;
	uaddr_t run = 0;
	size_t run_pages = 0;
	vpe_t *slot;

	spin_lock(&vm->pages->lock);
	spin_lock_nested(&child->pages->lock);
	while ((slot = vpe_next(vm, at, end))) {
		vpe_t e = *slot;

		if (!(e & (VPE_FILE | VPE_SHMEM | VPE_DEV)) && !vm_is_zero(vpe_page(e))) {
			vpe_t *to = vpe_find(child, *at);

			if (f->copy && e & VPE_W && copy_page(a, child, *at, e)) {
				*at += PAGE_SIZE;
				continue;
			}
			if (e & VPE_W) {
				e &= ~(vpe_t)VPE_W;
				vpe_set(slot, e);
				if (run_pages && *at != run + run_pages * PAGE_SIZE) {
					hal_as_protect(vm->as, run, run_pages, vm_hal_prot(a, e));
					run_pages = 0;
				}
				if (!run_pages++)
					run = *at;
			}
			page_get(vpe_page(e));
			vpe_account(child, e, 1);
			vpe_set(to, e);
			if (f->copy && e & VPE_R && f->ahead) {
				f->ahead--;
				(void)hal_as_map(child->as, *at, vpe_phys(e), 1, vm_hal_prot(a, e));
			}
		}
		*at += PAGE_SIZE;
	}
	if (run_pages)
		hal_as_protect(vm->as, run, run_pages, vm_hal_prot(a, VPE_R));
	spin_unlock(&child->pages->lock);
	spin_unlock(&vm->pages->lock);
	*at = end;
}

static int share_area(struct vm_area *a, struct vm_space *child, struct fork *f)
{
	uaddr_t at = a->start;
	const uint64_t leaf = PAGE_SIZE * (PAGE_SIZE / sizeof(vpe_t));

	while (at < a->end) {
		vpe_t *slot;
		int err;

		spin_lock(&a->vm->pages->lock);
		slot = vpe_next(a->vm, &at, a->end);
		spin_unlock(&a->vm->pages->lock);
		if (!slot)
			break;
		err = vpe_prepare(child, at);
		if (err)
			return err;
		share_leaf(a, child, &at, MIN(ALIGN_DOWN(at, leaf) + leaf, a->end), f);
	}
	return 0;
}

static void fork_fields(struct vm_space *child, const struct vm_space *vm)
{
	child->brk_start = vm->brk_start;
	child->brk = vm->brk;
	child->stack_top = vm->stack_top;
	child->mmap_base = vm->mmap_base;
	child->arg_start = vm->arg_start;
	child->arg_end = vm->arg_end;
	child->env_start = vm->env_start;
	child->env_end = vm->env_end;
	child->start_code = vm->start_code;
	child->end_code = vm->end_code;
	child->start_data = vm->start_data;
	child->end_data = vm->end_data;
	child->vdso = vm->vdso;
	memcpy(child->auxv, vm->auxv, sizeof(child->auxv));
	child->auxv_words = vm->auxv_words;
	child->secret = READ_ONCE(vm->secret);
	child->exe = vm->exe;
	if (child->exe) {
		file_get(child->exe);
		(void)file_deny_write(child->exe);	/* cannot fail: the parent's denial stands */
	}
}

struct vm_space *vm_fork(struct vm_space *vm)
{
	struct vm_space *child = create(vm->as);
	struct rb_node *n;
	unsigned ncopies;
	struct fork f;
	int err = 0;

	if (!child)
		return NULL;
	rwsem_write_lock(&vm->lock);
	ncopies = copy_now(vm);
	fork_pages_begin(vm, child, ncopies);
	f = (struct fork){ ncopies > 0, SHARE_AHEAD };
	rwsem_write_lock_nested(&child->lock);
	fork_fields(child, vm);
	for (n = rb_first(&vm->areas); n && !err; n = rb_next(n)) {
		struct vm_area *a = rb_entry(n, struct vm_area, node), *c;

		if (a->flags & VM_DONTFORK)
			continue;
		c = vm_area_dup(a);
		if (!c) {
			err = -ENOMEM;
			break;
		}
		c->flags &= ~(unsigned)VM_LOCKED;
		vm_area_insert_behind(child, c, a);
		if (!(a->flags & (VM_SHARED | VM_SPECIAL | VM_DEVICE | VM_WIPEONFORK)))
			err = share_area(a, child, &f);
	}
	if (!err)
		fork_text(vm, child);
	rwsem_write_unlock(&child->lock);
	vm_shootdown(vm);
	release(vm);	/* behind that: what was not copied is not written to either */
	rwsem_write_unlock(&vm->lock);
	if (err) {
		vm_put(child);
		return NULL;
	}
	child->max_rss = READ_ONCE(child->rss_anon) + READ_ONCE(child->rss_file) + READ_ONCE(child->rss_shmem);
	return child;
}

void vm_special_put(struct vm_special *s)
{
	if (!ref_put(&s->refs))
		return;
	for (unsigned i = 0; i < s->n; i++)
		page_put(s->pages[i]);
	kfree(s);
}

int vm_map_special(struct vm_space *vm, uaddr_t addr, uint64_t size, struct page **pages, unsigned n, unsigned vm_flags,
	const char *name)
{
	struct vm_special *s = kmalloc(sizeof(*s) + n * sizeof(s->pages[0]), 0);
	struct vm_area *a, *at;
	int err = -ENOMEM;

	if (!s)
		return -ENOMEM;
	ref_init(&s->refs);
	s->n = n;
	s->name = name;
	for (unsigned i = 0; i < n; i++) {
		s->pages[i] = pages[i];
		page_get(pages[i]);
	}
	a = vm_area_alloc(vm);
	if (!a)
		goto put_special;
	a->start = addr;
	a->end = addr + size;
	a->flags = vm_flags | VM_SPECIAL;
	a->special = s;
	rwsem_write_lock(&vm->lock);
	at = vm_find(vm, addr);
	err = at && at->start < a->end ? -EEXIST : 0;
	if (!err)
		vm_area_insert(vm, a);
	rwsem_write_unlock(&vm->lock);
	if (err)
		vm_area_free(a);
	return err;
put_special:
	vm_special_put(s);
	return err;
}

void vm_init(void)
{
	vm_cache = kmem_cache_create("vm_space", sizeof(struct vm_space), 0);
	vm_zero_pages = page_alloc(VM_ZERO_ORDER, ALLOC_ZERO | ALLOC_ATOMIC);
	if (!vm_zero_pages)
		panic("no memory for the zero pages");
	page_split(vm_zero_pages);	/* each is looked at, and put, on its own */
}
