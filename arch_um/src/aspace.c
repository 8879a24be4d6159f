/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: stub processes and the changes of their mappings.
 *
 * Changes are collected in one of two buffers in a page that the stub sees.
 * The next thread that is resumed does them before its user code runs (the
 * buffer is "in flight", the other one fills), so that they cost no hand-off of
 * their own.  Whoever else wants to run or flush waits until they are done, and
 * so they are done in order.  When no thread of the address space is in user
 * code, a flush is nothing at all: stale mappings cannot be used.  Otherwise
 * the service thread does them at once.
 *
 * Stubs are kept for reuse; the first change of a reused one is to unmap all that is not wanted again (kept.c).
 *
 * Lifetime: struct hal_as is never freed, see stubs.h.  A dead stub (somebody
 * killed it) keeps its struct until hal_as_destroy(), and gets a new process
 * when it is taken from the pool.
 */
#include "patch.h"
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define PATIENCE_NS UINT64_C(20000000000)	/* a busy host may give a stub no CPU for seconds */
enum { INFLIGHT_YIELDS = 64, INFLIGHT_SLEEP_NS = 20000 };
enum { POOL_MAX = 32, THREADS_KEEP = 4, ALIVE_CHECK_NS = 100000000 };

static struct { struct um_lock lock; struct list_head ready, empty; unsigned count; bool init; } pool;

uaddr_t hal_as_limit(void) { return STUB_BASE; }
unsigned hal_as_fault_pages(void) { return 10; }

bool um_as_dead(const struct hal_as *as)
{
	int pid = __atomic_load_n(&as->pid, __ATOMIC_ACQUIRE);

	return pid <= 0 || __atomic_load_n(&as->dead_pid, __ATOMIC_ACQUIRE) == pid;
}

/* The stub's own code takes microseconds.  If it does not answer, the program has overwritten its control block. */
static void patience(struct hal_as *as, uint64_t since)
{
	if (host_time_mono_ns() - since > PATIENCE_NS)
		host_stub_kill(as->pid);
}

bool um_stop_wait(struct hal_as *as, uint32_t *stop, int host_cpu)
{
	uint64_t start;

	if (um_short_wait(stop, host_cpu))
		return true;
	start = host_time_mono_ns();
	for (;;) {
		uint32_t v = __atomic_load_n(stop, __ATOMIC_ACQUIRE);
		if (um_as_dead(as))
			return false;
		if (v & STUB_STOPPED)
			return true;
		if (!(v & STUB_WAITER)) {
			__atomic_fetch_or(stop, STUB_WAITER, __ATOMIC_ACQ_REL);
			continue;
		}
		host_futex_wait(stop, v, ALIVE_CHECK_NS);
		patience(as, start);
	}
}

bool um_go(uint32_t *go)
{
	if (__atomic_exchange_n(go, STUB_GO_RUN, __ATOMIC_ACQ_REL) != STUB_GO_SLEEP)
		return false;
	host_futex_wake(go);
	return true;
}

static bool svc_call(struct hal_as *as, enum stub_cmd cmd)
{
	struct um_cpu *c = um_cpu();

	if (as->svc_cpu != c->host_cpu) {
		as->svc_cpu = c->host_cpu;
		host_stub_pin(as->pid, c->host_cpu);
	}
	as->svc->cmd = cmd;
	__atomic_store_n(&as->svc->stop, 0, __ATOMIC_RELEASE);
	um_go(&as->svc->go);
	return um_stop_wait(as, &as->svc->stop, as->svc_cpu);
}

bool um_as_runs(struct hal_as *as)
{
	__atomic_store_n(&as->due, true, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* hal_user_run() */
	for (unsigned i = 0; i < um_boot->cpus; i++)
		if (__atomic_load_n(&um_cpus[i].user_as, __ATOMIC_ACQUIRE) == as)
			return true;
	return false;
}

void um_as_wait_inflight(struct hal_as *as)
{
	struct um_thread *t = as->inflight;

	if (!t)
		return;
	uint64_t start = host_time_mono_ns();
	for (unsigned i = 1; !__atomic_load_n(&t->ctl->ops_done, __ATOMIC_ACQUIRE) && !um_as_dead(as); i++) {
		if (i % INFLIGHT_YIELDS)
			host_yield();
		else	/* nobody wakes us: as hal_cpu_relax() does */
			host_futex_wait(&t->ctl->ops_done, 0, INFLIGHT_SLEEP_NS);
		patience(as, start);
	}
	as->inflight = NULL;
}

/* A reused stub forgets what it has of its last program, before anything else of the first batch. */
static void ops_seal(struct hal_as *as) REQUIRES(as->lock)
{
	struct stub_op forget[UM_KEPT_GAPS + 1], *op = as->svc->op[as->buffer];
	unsigned n = um_kept_seal(&as->kept, forget);

	if (as->kept.claims) {
		um_count_add(UM_STAT_KEPT, as->kept.claims);
		as->kept.claims = 0;
	}
	if (!n)
		return;
	memmove(op + n, op, as->count * sizeof(*op));
	memcpy(op, forget, n * sizeof(*op));
	as->count += n;
}

unsigned um_as_take_ops(struct hal_as *as)
{
	unsigned n;

	ops_seal(as);
	n = as->count;
	as->count = 0;
	return n;
}

/* Everything pending, now. */
static void ops_sync(struct hal_as *as) REQUIRES(as->lock)
{
	um_as_wait_inflight(as);
	ops_seal(as);
	if (as->count && !um_as_dead(as)) {
		um_count(UM_STAT_SYNC);
		um_count_add(UM_STAT_OPS, as->count);
		as->svc->buffer = as->buffer;
		as->svc->count = as->count;
		svc_call(as, STUB_CMD_OPS);
	}
	as->count = 0;
}

/* ---- processes ---- */

static bool as_spawn(struct hal_as *as) REQUIRES(as->lock)
{
	memset(as->svc, 0, offsetof(struct stub_svc, stack));
	as->svc->traceme = (uint32_t)um_boot->trap_ptrace;
	__atomic_store_n(&as->pid, 0, __ATOMIC_RELEASE);
	um_count(UM_STAT_SPAWN);
	as->nthreads = 0;
	as->buffer = as->count = 0;
	um_kept_reset(&as->kept);
	as->inflight = NULL;
	as->watched = false;
	as->tramp_mapped = 0;
	as->cpuid_n = 0;
	as->svc_cpu = um_cpu()->host_cpu;
	if (host_stub_create(page_to_phys(as->svc_page), um_clock_page, um_cpuid_table(), as, as->svc_cpu, &as->pid))
		return false;
	if (um_stop_wait(as, &as->svc->stop, as->svc_cpu))
		return true;
	host_stub_kill(as->pid);
	__atomic_store_n(&as->pid, 0, __ATOMIC_RELEASE);
	return false;
}

static void threads_free(struct hal_as *as) REQUIRES(as->lock)
{
	struct um_thread *t, *tmp;

	list_for_each_safe(t, tmp, &as->threads, link) {
		list_del(&t->link);
		page_put(t->page);
		kfree(t);
	}
	as->nthreads = 0;
}

static struct hal_as *as_alloc(void)
{
	struct hal_as *as = kzalloc(sizeof(*as), 0);
	if (!as)
		return NULL;
	as->svc_page = page_alloc(1, 0);
	if (!as->svc_page) {
		kfree(as);
		return NULL;
	}
	as->svc = page_addr(as->svc_page);
	list_init(&as->threads);
	list_init(&as->pool);
	return as;
}

/*
 * How much of what an idle stub maps is likely to be wanted: it was a child of the same parent, or ran the same program.  And it did
 * so here: where it was elsewhere, the host would tell that CPU of what we unmap.
 */
enum { FIT_HERE = 1, FIT_PROGRAM = 2, FIT_PARENT = 4, FIT_BEST = FIT_HERE | FIT_PROGRAM | FIT_PARENT };
static unsigned pool_fit(const struct hal_as *as, const struct hal_as *parent, const void *program, int here)
{
	return (as->kept_parent == parent) * FIT_PARENT + (as->kept_for == program) * FIT_PROGRAM + (as->pool_cpu == here) * FIT_HERE;
}

static struct hal_as *pool_take(const struct hal_as *parent)
{
	const void *program = parent ? __atomic_load_n(&parent->patch, __ATOMIC_RELAXED) : NULL;
	struct hal_as *as = NULL, *other;
	int here = um_cpu()->host_cpu;
	unsigned fit, best = 0;

	um_lock(&pool.lock);
	if (!pool.init) {
		pool.init = true;
		list_init(&pool.ready);
		list_init(&pool.empty);
	}
	struct list_head *from = !list_empty(&pool.ready) ? &pool.ready : &pool.empty;
	if (!list_empty(from)) {
		as = list_first(from, struct hal_as, pool);
		if (program && from == &pool.ready)
			list_for_each(other, from, pool) {
				fit = pool_fit(other, parent, program, here);
				if (fit / FIT_PROGRAM && fit > best) {
					as = other;
					best = fit;
				}
				if (best == FIT_BEST)
					break;
			}
		list_del_init(&as->pool);
		if (from == &pool.ready)
			pool.count--;
	}
	um_unlock(&pool.lock);
	return as;
}

static void pool_give(struct hal_as *as)
{
	um_lock(&pool.lock);
	as->pool_cpu = um_cpu()->host_cpu;
	if (um_as_dead(as)) {
		list_add_tail(&as->pool, &pool.empty);
	} else {
		list_add(&as->pool, &pool.ready);
		pool.count++;
	}
	um_unlock(&pool.lock);
}

struct hal_as *hal_as_create(struct hal_as *parent) NO_TSA
{
	unsigned long flags = hal_irq_save();
	struct hal_as *as = pool_take(parent);
	hal_irq_restore(flags);
	if (!as)
		as = as_alloc();
	if (!as)
		return NULL;
	flags = hal_irq_save();
	um_lock(&as->lock);
	if (um_as_dead(as))
		threads_free(as);
	bool ok = !um_as_dead(as) || as_spawn(as);
	if (ok && list_empty(&as->threads))
		ok = um_thread_get(as);		/* the first one now, while failing is easy */
	um_unlock(&as->lock);
	if (!ok) {
		pool_give(as);
		as = NULL;
	} else {
		as->kept_parent = parent;
		as->due = true;		/* to forget what its last program had */
		if (parent)
			um_patch_share(as, parent);	/* nobody knows this one yet: without its lock */
	}
	hal_irq_restore(flags);
	return as;
}

void hal_as_destroy(struct hal_as *as) NO_TSA
{
	struct um_thread *t;
	unsigned long flags = hal_irq_save();

	um_lock(&as->lock);
	list_for_each(t, &as->threads, link)
		if (t->owner) {
			/* Its owner exits, or executes a program that begins with a fresh state: not worth asking for. */
			if (t->fast && !t->fp_saved)
				um_fpu_init(t->owner->fpu);
			else
				um_fpu_save(t->owner, t);
			um_rest_fetch(t->owner, t);
			/* The last look at the owner: it may be freed once it sees this (user_unbind()). */
			__atomic_store_n(&t->owner->t, NULL, __ATOMIC_RELEASE);
			t->owner = NULL;
			um_count_answered(t);
		}
	as->inflight = NULL;
	um_kept_stale(&as->kept, as->svc->op[as->buffer], as->count, as->svc->lost || !um_boot->keep);
	as->svc->lost = 0;
	as->kept_for = as->patch;
	as->count = 0;
	struct um_patch *patch = as->patch;
	as->patch = NULL;
	as->own = 0;
	as->patch_off = false;
	as->tramp_mapped = 0;
	as->cpuid_n = as->svc->cpuid_sites = 0;
	as->cpuid_ever = false;
	if (as->learn)
		um_cpuid_learnt(as);
	as->learn_ip = as->cpuid_do = 0;
	um_lock(&pool.lock);
	bool many = pool.count >= POOL_MAX;
	um_unlock(&pool.lock);
	/* One that has had breakpoints is slower to switch to ever after: the host keeps them, disabled. */
	if (!um_as_dead(as) && (many || as->nthreads > THREADS_KEEP || as->watched)) {
		host_stub_kill(as->pid);
		__atomic_store_n(&as->pid, 0, __ATOMIC_RELEASE);
	}
	if (um_as_dead(as)) {
		threads_free(as);
	}
	um_unlock(&as->lock);
	/* What it mapped is given back like the program's own pages: the stub runs no user code before it has forgotten all. */
	um_patch_put(patch);
	pool_give(as);
	hal_irq_restore(flags);
}

/* From the host's main thread: only atomics here.  The struct may have another process by now. */
void um_stub_died(void *cookie, int pid)
{
	struct hal_as *as = cookie;

	/* Whoever waits looks at um_as_dead() when woken, or soon. */
	__atomic_store_n(&as->dead_pid, pid, __ATOMIC_RELEASE);
	if (!um_as_dead(as))
		return;
	__atomic_fetch_or(&as->svc->stop, STUB_DEAD, __ATOMIC_ACQ_REL);
	host_futex_wake(&as->svc->stop);
}

void hal_as_activate(struct hal_as *as) { um_cpu()->as = as; }

/* ---- threads ---- */

/* The stub itself does something; no user code runs. */
static bool fast_ask(struct um_thread *t, uint32_t what)
{
	__atomic_store_n(&t->ctl->stop, 0, __ATOMIC_RELEASE);
	t->ctl->answer = (struct stub_answer){ .resume = what, .fp_load = t->fp_load };
	t->fp_load = false;
	um_go(&t->ctl->go);
	return um_stop_wait(t->as, &t->ctl->stop, t->host_cpu);
}

/* Control block and FP state before it: a patched call saves that without a frame. */
uint32_t um_sigstack_offset(void)
{
	return STUB_THREAD_CTL + (um_patch_enabled() ? (uint32_t)ALIGN_UP(um_boot->xsave_size, 64) : 0);
}

bool um_thread_settle(struct um_thread *t)
{
	if (!t->fast)
		return !um_as_dead(t->as);
	t->fast = false;
	um_count(UM_STAT_SETTLE);
	return fast_ask(t, STUB_RESUME_FRAME);
}

void *um_thread_fp(struct um_thread *t, bool change)
{
	if (!t->fast)
		return um_frame_fp(t);
	if (!t->fp_saved) {
		um_count(UM_STAT_FP);
		(void)fast_ask(t, STUB_RESUME_SAVE);
		t->fp_saved = true;
	}
	t->fp_load |= change;
	return um_fast_fp(t);
}

static struct um_thread *thread_create(struct hal_as *as) REQUIRES(as->lock)
{
	size_t need = um_boot->min_sigstack + 2048 + um_sigstack_offset();
	size_t size = need <= 2 * PAGE_SIZE ? 2 * PAGE_SIZE : 4 * PAGE_SIZE;
	struct um_thread *t;

	if (as->nthreads >= STUB_SLOTS)
		return NULL;
	t = kzalloc(sizeof(*t), ALLOC_ATOMIC);
	if (!t)
		return NULL;
	t->page = page_alloc(size == 2 * PAGE_SIZE ? 1 : 2, ALLOC_ATOMIC | ALLOC_ZERO);
	if (!t->page)
		goto free;
	t->as = as;
	t->ctl = page_addr(t->page);
	t->size = size;
	t->area = STUB_THREADS + (uint64_t)as->nthreads * STUB_SLOT;
	t->host_cpu = -1;
	t->ctl->has_fsgsbase = um_boot->hwcap2 >> 1 & 1;
	as->svc->slot = as->nthreads;
	as->svc->pa = page_to_phys(t->page);
	as->svc->size = size;
	as->svc->sigstack = um_sigstack_offset();
	if (!svc_call(as, STUB_CMD_THREAD) || as->svc->result <= 0)
		goto put;
	as->nthreads++;
	t->tid = as->svc->result;
	if (!um_stop_wait(as, &t->ctl->stop, as->svc_cpu))
		goto put;
	/* No user code has run in it yet: what it says can be believed, and is remembered. */
	t->frame = (uint32_t)(t->ctl->frame - t->area);
	t->fp = (uint32_t)(um_frame(t)->fpstate - t->area);
	uint32_t *sw = (uint32_t *)((char *)um_frame_fp(t) + 464);
	t->fp_size = sw[4];	/* struct _fpx_sw_bytes: magic1, extended_size, xfeatures, xstate_size */
	BUG_ON(t->frame + sizeof(struct um_frame) > size || t->fp + um_fpu_size > size);
	list_add(&t->link, &as->threads);
	return t;
put:
	page_put(t->page);
free:
	kfree(t);
	return NULL;
}

struct um_thread *um_thread_get(struct hal_as *as)
{
	struct um_thread *t;

	if (um_as_dead(as))
		return NULL;
	t = list_empty(&as->threads) ? NULL : list_first(&as->threads, struct um_thread, link);
	return t && !t->owner ? t : thread_create(as);
}

/* ---- mappings ---- */

static void op_put(struct hal_as *as, enum stub_op_kind kind, uaddr_t va, uint64_t len, paddr_t pa, unsigned prot)
	REQUIRES(as->lock)
{
	struct stub_op what = { va, len, pa, kind, prot };

	__atomic_store_n(&as->due, true, __ATOMIC_RELAXED);
	if (!um_kept_put(&as->kept, as->svc->op[as->buffer], &as->count, what)) {
		ops_sync(as);
		(void)um_kept_put(&as->kept, as->svc->op[as->buffer], &as->count, what);
	}
}

void um_as_forget(struct hal_as *as, uaddr_t va) { op_put(as, STUB_OP_UNMAP, va, PAGE_SIZE, 0, 0); }

/* ---- patched pages ---- */

enum { TRAMP_PAGES = STUB_TRAMP_SIZE / PAGE_SIZE };

static void tramp_map(struct hal_as *as, unsigned i) REQUIRES(as->lock)
{
	uaddr_t base = i < TRAMP_PAGES ? STUB_TRAMP_LOW : as->own, va = base + i % TRAMP_PAGES * PAGE_SIZE;
	paddr_t pa;

	if (base && um_patch_tramp(as, va, &pa)) {
		op_put(as, STUB_OP_MAP, va, PAGE_SIZE, pa, HAL_READ | HAL_EXEC);
		as->tramp_mapped |= 1u << i;
	}
}

bool um_as_tramp_fault(struct hal_as *as, uaddr_t va) NO_TSA
{
	bool low = va - STUB_TRAMP_LOW < STUB_TRAMP_SIZE;
	uaddr_t base = low ? STUB_TRAMP_LOW : as->own;
	paddr_t pa;

	if (!as->patch || (!low && (!base || va - base >= STUB_TRAMP_SIZE)))
		return false;
	um_lock(&as->lock);
	bool ok = um_patch_tramp(as, va & PAGE_MASK, &pa);
	if (ok)
		tramp_map(as, (unsigned)((va - base) >> PAGE_SHIFT) + (low ? 0 : TRAMP_PAGES));
	um_unlock(&as->lock);
	return ok;
}

/* Executable pages: patched copies in the place of some. */
static void map_patched(struct hal_as *as, uaddr_t va, uint64_t len, paddr_t pa, unsigned prot) REQUIRES(as->lock)
{
	enum { AT_ONCE = 32 };
	uint64_t run = 0;	/* from where on it has not been said yet: neighbours, in the file or among the copies */
	paddr_t from = 0, uses[AT_ONCE];
	bool any = false;

	for (uint64_t o = 0, i = 0; o < len; o += PAGE_SIZE, i++) {
		if (i % AT_ONCE == 0)
			um_patch_map(as, va + o, pa + o, (unsigned)MIN((len - o) >> PAGE_SHIFT, (uint64_t)AT_ONCE), uses);
		paddr_t use = uses[i % AT_ONCE];

		any |= use != pa + o;
		if (unlikely(as->learn) && use == pa + o)
			um_cpuid_seen(as, va + o, pa + o);
		if (o == run) {
			from = use;
		} else if (use != from + (o - run)) {
			op_put(as, STUB_OP_MAP, va + run, o - run, from, prot);
			run = o;
			from = use;
		}
	}
	op_put(as, STUB_OP_MAP, va + run, len - run, from, prot);
	for (unsigned i = 0; any && i < 2 * TRAMP_PAGES; i++)
		if (!(as->tramp_mapped >> i & 1))
			tramp_map(as, i);
}

/* Is this between the program and the patches? */
static bool overlaps_own(const struct hal_as *as, uaddr_t va, uint64_t len)
{
	return as->own && !as->patch_off && va < as->own + STUB_TRAMP_SIZE && as->own < va + len;
}

static void op_add(struct hal_as *as, enum stub_op_kind kind, uaddr_t va, uint64_t len, paddr_t pa, unsigned prot) NO_TSA
{
	unsigned long flags = hal_irq_save();
	unsigned rwx = prot & 7;
	bool cpuid = false;

	um_lock(&as->lock);
	if (um_as_dead(as))
		goto out;
	WRITE_ONCE(as->changes, as->changes + 1);	/* read without the lock: user.c */
	if (unlikely(overlaps_own(as, va, len))) {
		/* The jumps would lead to nowhere: all pages come back as they are. */
		if (as->patch)
			op_put(as, STUB_OP_UNMAP, 0, STUB_BASE, 0, 0);
		as->patch_off = true;
		(void)um_cpuid_forget(as, 0, STUB_BASE);
	}
	if (unlikely(as->cpuid_n))
		cpuid = um_cpuid_forget(as, va, len);
	if (!as->patch || as->patch_off)
		op_put(as, kind, va, len, pa, rwx);
	else if (kind == STUB_OP_MAP && (prot & (HAL_EXEC | HAL_WRITE | HAL_PRIVATE)) == (HAL_EXEC | HAL_PRIVATE))
		map_patched(as, va, len, pa, rwx);
	else if (kind == STUB_OP_PROTECT && (cpuid || ((prot & (HAL_EXEC | HAL_WRITE)) != HAL_EXEC && um_patch_any(as, va, len))))
		op_put(as, STUB_OP_UNMAP, va, len, 0, 0);
	else
		op_put(as, kind, va, len, pa, rwx);
out:
	um_unlock(&as->lock);
	hal_irq_restore(flags);
}

int hal_as_map(struct hal_as *as, uaddr_t va, paddr_t pa, size_t pages, unsigned prot)
{
	BUG_ON(va >= STUB_BASE || pages > (STUB_BASE - va) >> PAGE_SHIFT);
	op_add(as, STUB_OP_MAP, va, (uint64_t)pages << PAGE_SHIFT, pa, prot);
	return 0;
}

void hal_as_unmap(struct hal_as *as, uaddr_t va, size_t pages)
{
	BUG_ON(va >= STUB_BASE || pages > (STUB_BASE - va) >> PAGE_SHIFT);
	op_add(as, STUB_OP_UNMAP, va, (uint64_t)pages << PAGE_SHIFT, 0, 0);
}

void hal_as_protect(struct hal_as *as, uaddr_t va, size_t pages, unsigned prot)
{
	BUG_ON(va >= STUB_BASE || pages > (STUB_BASE - va) >> PAGE_SHIFT);
	op_add(as, STUB_OP_PROTECT, va, (uint64_t)pages << PAGE_SHIFT, 0, prot);
}

unsigned hal_as_test_clear(struct hal_as *as, uaddr_t va) { return 0; }

void hal_as_flush(struct hal_as *as) NO_TSA
{
	unsigned long flags = hal_irq_save();

	um_lock(&as->lock);
	if (um_as_runs(as))
		ops_sync(as);
	um_unlock(&as->lock);
	hal_irq_restore(flags);
}

bool hal_as_hold(struct hal_as *as) NO_TSA
{
	unsigned long flags = hal_irq_save();

	um_lock(&as->lock);
	as->held = !um_as_runs(as);
	bool held = as->held;
	um_unlock(&as->lock);
	hal_irq_restore(flags);
	return held;
}

void hal_as_release(struct hal_as *as) NO_TSA
{
	unsigned long flags = hal_irq_save();

	um_lock(&as->lock);
	as->held = false;
	um_unlock(&as->lock);
	hal_irq_restore(flags);
}
