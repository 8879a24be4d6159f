/* SPDX-License-Identifier: MIT */
/*
 * CPUID without leaving to the hypervisor.
 *
 * Under virtualization each CPUID is an exit: 6 to 8 us.  A program's libc
 * executes some 40 to 70 of them before it begins.  Most of what they say never
 * changes, so those instructions are replaced in copies of their pages that only
 * the machine sees, together with call sites (patch.c): by a jump, where the
 * instruction behind can be moved and one question has been asked there; else by
 * two bytes that trap, and the stub's handler answers from a table.  What
 * neither has is asked from the CPU.
 *
 * Which bytes are such instructions cannot be seen from outside: they are seen
 * when a program is executed again.  Its first instructions, until it has made
 * LEARN_CALLS system calls, run
 *
 *  -  with CPUID faulting (arch_prctl(2), ARCH_SET_CPUID), where the CPU can do
 *     that: all are found at once.  It is a register that the host writes at
 *     each switch to or from the thread, which is again an exit: hence so seldom
 *     and so briefly, and not at all where a page of a known one is mapped: most
 *     programs have theirs in the same dynamic loader;
 *  -  or with breakpoints, in the CPU's debug registers, at HOST_WATCH of the
 *     places that look like one (`0f a2` in a page that has been mapped), at each
 *     place in one execution, until all have been tried: what is never come to is
 *     no instruction for us.  The first takes the host 15 to 30 ms: a thread of the
 *     host side's waits for that, from the PREPARE_FROMth program on that is started
 *     again; where it must not, we do, but not before the WATCH_FROMth.
 *
 * What stops there is executed by us, and recorded: page, question and answer.
 * A page's sites are what was recorded when all places had been tried; then
 * they never change.
 *
 * An address space that maps a copy with traps has a list of their addresses
 * for its stub.  Changes of mappings take addresses from the list; a thread that
 * comes to the old copy meanwhile traps into the kernel, which lets it try again
 * behind the change.
 *
 * Leaves that name the processor are never answered.
 *
 * Locking: lock, inside as->lock and a set's lock.
 */
#include "patch.h"
#include <kernel/slab.h>
#include <kernel/string.h>

enum { ESRCH_ = 3, EAGAIN_ = 11, LEARN_CALLS = 2, LEARN_STARTS = 16, PREPARE_FROM = 4, WATCH_FROM = 24, PAGES_MAX = 256, BUCKETS = 256, LEARNERS_WAIT = 4, CPUID_LEN = 2, PLACES_MAX = 48 };

/* A page with such instructions. */
struct um_known {
	struct page *orig;		/* reference */
	struct um_known *next;		/* [I] */
	bool learnt;			/* [lock] to set: nothing here changes any more */
	unsigned n;			/* [lock] */
	struct um_cpuid_site site[UM_CPUID_SITES];	/* [lock] */
	unsigned places, tried;		/* [lock] `0f a2`, watched in some execution */
	unsigned waited;		/* [lock] so many executions have ended since all were */
	uint64_t sum;			/* [I] of the page's contents */
	uint16_t place[PLACES_MAX];	/* [I] */
};

static struct um_lock lock;
static struct um_known *known[BUCKETS];		/* [lock] to add; they stay */
static unsigned pages;				/* [lock] */
static unsigned learners;			/* [lock] address spaces that learn */
static struct page *table;			/* [lock] to set; struct stub_cpuid[], filled under the lock */
static unsigned starts;				/* [a] of programs that had been started before */
static bool watch_refused;			/* [a] host_stub_watch() does not work */

static struct um_known **bucket(paddr_t pa) { return &known[(pa >> PAGE_SHIFT) % BUCKETS]; }

/* What the page contains, in short: sites of other contents are none. */
static uint64_t sum(const struct page *p)
{
	const uint64_t *w = page_addr((struct page *)p);
	uint64_t h = 0;

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*w); i++) {
		h = (h ^ w[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return h;
}

/* They stay: no lock. */
static struct um_known *find(paddr_t pa)
{
	struct um_known *k = load_acquire(bucket(pa));

	while (k && page_to_phys(k->orig) != pa)
		k = k->next;
	return k;
}

/* The page, known from now on; NULL: no memory, or too many. */
static struct um_known *find_or_add(paddr_t pa) REQUIRES(lock)
{
	struct um_known *k = find(pa);

	if (k || pages >= PAGES_MAX || !(k = kzalloc(sizeof(*k), ALLOC_ATOMIC)))
		return k;
	pages++;
	k->orig = phys_to_page(pa);
	page_get(k->orig);
	k->sum = sum(k->orig);
	k->next = *bucket(pa);
	store_release(bucket(pa), k);
	return k;
}

bool um_cpuid_enabled(void) { return um_boot->cpuid && um_patch_enabled() && !um_boot->trap_ptrace; }

paddr_t um_cpuid_table(void) NO_TSA
{
	paddr_t pa = 0;

	if (!um_cpuid_enabled())
		return 0;
	um_lock(&lock);
	if (!table)
		table = page_alloc(0, ALLOC_ATOMIC | ALLOC_ZERO);
	if (table)
		pa = page_to_phys(table);
	um_unlock(&lock);
	return pa;
}

/* ---- what it says ---- */

static void native(uint32_t r[4])
{
	__asm__ volatile("cpuid" : "+a"(r[0]), "=b"(r[1]), "+c"(r[2]), "=d"(r[3]));
}

static void remember(uint32_t leaf, uint32_t sub, const uint32_t r[4]) NO_TSA
{
	struct stub_cpuid *e;
	uint32_t i = stub_cpuid_slot(leaf, sub);

	if (!stub_cpuid_constant(leaf))
		return;
	um_lock(&lock);
	for (unsigned tries = 0; table && tries < STUB_CPUID_TRIES; tries++, i++) {
		e = (struct stub_cpuid *)page_addr(table) + i % STUB_CPUIDS;
		if (e->used && e->leaf == leaf && e->sub == sub)
			break;
		if (!e->used) {
			e->leaf = leaf;
			e->sub = sub;
			memcpy(e->r, r, sizeof(e->r));
			__atomic_store_n(&e->used, 1, __ATOMIC_RELEASE);
			break;
		}
	}
	um_unlock(&lock);
}

void um_cpuid_execute(struct abi_regs *r)
{
	uint32_t v[4] = { (uint32_t)r->rax, 0, (uint32_t)r->rcx, 0 }, leaf = v[0], sub = stub_cpuid_sub(v[0], v[2]);

	native(v);
	remember(leaf, sub, v);
	r->rax = v[0];
	r->rbx = v[1];
	r->rcx = v[2];
	r->rdx = v[3];
	r->rip += CPUID_LEN;
}

/* ---- learning ---- */

/* A program has been started again: may breakpoints be set? */
static bool may_watch(void)
{
	unsigned n = __atomic_add_fetch(&starts, 1, __ATOMIC_RELAXED);
	int err;

	if (READ_ONCE(watch_refused) || n < PREPARE_FROM)
		return false;
	err = host_watch_prepare();
	return !err || (err != -EAGAIN_ && n >= WATCH_FROM);
}

bool um_cpuid_start(struct hal_as *as, unsigned before) NO_TSA
{
	bool watch = um_boot->cpuid == 'w';

	if (!um_cpuid_enabled() || before >= (watch ? LEARN_STARTS : 1))
		return false;
	if (watch && !may_watch())
		return false;
	as->learn = LEARN_CALLS;
	as->faulting = !watch;
	um_lock(&lock);
	learners++;
	um_unlock(&lock);
	return true;
}

static bool same_question(const struct um_cpuid_site *s, uint32_t leaf, uint32_t sub) { return s->leaf == leaf && s->sub == sub; }

void um_cpuid_learn(struct hal_as *as, struct abi_regs *r) NO_TSA
{
	uint32_t leaf = (uint32_t)r->rax, sub = stub_cpuid_sub(leaf, (uint32_t)r->rcx);
	struct um_known *k = as->cpuid_page;
	unsigned off = (unsigned)(r->rip & (PAGE_SIZE - 1));

	um_cpuid_execute(r);
	um_lock(&lock);
	for (unsigned i = 0; k && !k->learnt && i < k->n; i++) {
		struct um_cpuid_site *s = &k->site[i];

		if (s->at != off)
			continue;
		if (!stub_cpuid_constant(leaf)) {
			s->varies = true;
		} else if (s->asked && !same_question(s, leaf, sub)) {
			s->asked = 2;
		} else if (!s->asked) {
			s->asked = 1;
			s->leaf = leaf;
			s->sub = sub;
			s->r[0] = (uint32_t)r->rax;
			s->r[1] = (uint32_t)r->rbx;
			s->r[2] = (uint32_t)r->rcx;
			s->r[3] = (uint32_t)r->rdx;
		}
	}
	um_unlock(&lock);
}

bool um_cpuid_site(struct hal_as *as, uaddr_t ip, paddr_t pa) NO_TSA
{
	unsigned off = (unsigned)(ip & (PAGE_SIZE - 1));
	const uint8_t *bytes = page_addr(phys_to_page(pa));
	struct um_known *k;
	bool fresh = true;

	if (!as->learn || off + CPUID_LEN > PAGE_SIZE || bytes[off] != 0x0f || bytes[off + 1] != 0xa2)
		return false;
	as->cpuid_do = ip;
	um_lock(&lock);
	as->cpuid_page = k = as->faulting ? find_or_add(pa) : find(pa);
	for (unsigned i = 0; k && i < k->n; i++)
		fresh &= k->site[i].at != off;
	if (k && fresh && !k->learnt && k->n < UM_CPUID_SITES) {
		k->site[k->n++].at = (uint16_t)off;
		um_count(UM_STAT_CPUID);
	}
	um_unlock(&lock);
	return true;
}

/* Where `0f a2` is in a page: at most `max` places. */
static unsigned places(const char *page, uint16_t *at, unsigned max)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	unsigned n = 0;

	for (unsigned o = 0; o < PAGE_SIZE && n < max; o += 8) {
		uint64_t v;

		memcpy(&v, page + o, sizeof(v));
		v ^= 0xa2 * ones;
		if (likely(!((v - ones) & ~v & 0x80 * ones)))
			continue;
		for (unsigned i = MAX(o, 1u); i < o + 8 && n < max; i++)
			if ((uint8_t)page[i] == 0xa2 && page[i - 1] == 0x0f)
				at[n++] = (uint16_t)(i - 1);
	}
	return n;
}

void um_cpuid_seen(struct hal_as *as, uaddr_t va, paddr_t pa) NO_TSA
{
	struct um_known *k = find(pa);
	uint16_t at[PLACES_MAX];
	unsigned n;

	if (as->faulting || as->watch_n == HOST_WATCH || (k && load_acquire(&k->learnt)))
		return;
	n = k ? 1 : places(page_addr(phys_to_page(pa)), at, PLACES_MAX);
	if (!n)
		return;
	um_lock(&lock);
	k = find_or_add(pa);
	if (k && !k->places) {
		memcpy(k->place, at, n * sizeof(*at));
		k->places = n;
	}
	while (k && k->tried < k->places && as->watch_n < HOST_WATCH) {
		as->watch[as->watch_n++] = va + k->place[k->tried++];
		WRITE_ONCE(as->watch_changes, as->watch_changes + 1);
	}
	um_unlock(&lock);
}

void um_cpuid_learnt(struct hal_as *as) NO_TSA
{
	as->learn = 0;
	as->faulting = false;
	if (as->watch_n) {
		as->watch_n = 0;
		WRITE_ONCE(as->watch_changes, as->watch_changes + 1);
	}
	um_lock(&lock);
	learners--;
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct um_known *k = known[b]; k; k = k->next)
			/* Others may be at its last places still; but one that never ends shall not hold it up. */
			if (!k->learnt && k->tried == k->places && (!learners || ++k->waited == LEARNERS_WAIT))
				store_release(&k->learnt, true);
	um_unlock(&lock);
}

void um_cpuid_watch(struct hal_as *as, struct um_thread *t) NO_TSA
{
	uint64_t at[HOST_WATCH];
	unsigned n;

	um_lock(&as->lock);
	n = as->watch_n;
	memcpy(at, as->watch, sizeof(at));
	t->watch_changes = as->watch_changes;
	um_unlock(&as->lock);
	if (n == 0 && !t->watches)
		return;
	int err = host_stub_watch(as->pid, t->tid, at, n);

	if (!err)
		t->watches = n;
	else if (err != -ESRCH_)	/* that one has died */
		WRITE_ONCE(watch_refused, true);
	as->watched = true;
}

/* ---- sites ---- */

const struct um_cpuid_site *um_cpuid_sites(paddr_t pa, unsigned *n)
{
	const struct um_known *k = find(pa);

	if (likely(!k) || !load_acquire(&k->learnt) || !k->n || sum(k->orig) != k->sum)
		return NULL;
	*n = k->n;
	return k->site;
}

bool um_cpuid_list(struct hal_as *as, uaddr_t va, const uint16_t *at, unsigned n)
{
	struct stub_svc *svc = as->svc;

	if (as->cpuid_n + n > STUB_CPUID_SITES || !svc->cpuid)
		return false;
	for (unsigned i = 0; i < n; i++)
		svc->cpuid_site[as->cpuid_n++] = va + at[i];
	__atomic_store_n(&svc->cpuid_sites, as->cpuid_n, __ATOMIC_RELEASE);
	as->cpuid_ever = true;
	return true;
}

bool um_cpuid_forget(struct hal_as *as, uaddr_t va, uint64_t len)
{
	struct stub_svc *svc = as->svc;
	unsigned n = 0;

	for (unsigned i = 0; i < as->cpuid_n; i++) {
		uint64_t site = svc->cpuid_site[i];

		if (site - va >= len)
			svc->cpuid_site[n++] = site;
	}
	if (n == as->cpuid_n)
		return false;
	as->cpuid_n = n;
	__atomic_store_n(&svc->cpuid_sites, n, __ATOMIC_RELEASE);
	return true;
}

/* ---- traps ---- */

bool um_cpuid_fault(struct hal_uctx *u, struct hal_as *as, struct hal_trap_info *info, bool stepped)
{
	if (!as->learn)
		return false;
	/* Not one, or in memory that is no page of a file: it did not come here by itself. */
	if (stepped || as->learn_ip == u->regs.rip) {
		um_cpuid_learnt(as);
	} else {
		as->learn_ip = u->regs.rip;
		info->hot_call = u->regs.rip;
	}
	return true;
}

enum um_cpuid_gp um_cpuid_trap(struct hal_uctx *u, struct hal_as *as) NO_TSA
{
	uaddr_t ip = u->regs.rip;
	uint32_t changes;
	bool ours = false;

	if (!as->cpuid_ever)
		return UM_CPUID_OTHER;
	um_lock(&as->lock);
	for (unsigned i = 0; i < as->cpuid_n; i++)
		ours |= as->svc->cpuid_site[i] == ip;
	changes = as->changes;
	um_unlock(&as->lock);
	if (ours) {
		um_cpuid_execute(&u->regs);
		return UM_CPUID_DONE;
	}
	if (u->gp_ip == ip && u->gp_changes == changes)
		return UM_CPUID_OTHER;
	u->gp_ip = ip;
	u->gp_changes = changes;
	return UM_CPUID_AGAIN;
}
