/* SPDX-License-Identifier: MIT */
/*
 * CPUID without leaving to the hypervisor.
 *
 * Under virtualization each CPUID is an exit: 8 us where a signal takes 2.  A
 * program's libc executes some 70 of them before it begins.  Most of what they
 * say never changes, so those instructions are replaced, in copies of their
 * pages that only the machine sees (as in patch.c), by two bytes that trap, and
 * the stub's handler answers from a table; what it does not find there it asks
 * the CPU.
 *
 * Which bytes are such instructions cannot be seen from outside.  So when a
 * program is executed for the second time, its first instructions run with
 * CPUID faulting (arch_prctl(2), ARCH_SET_CPUID), until it has made LEARN_CALLS
 * system calls: each that faults is recorded by its page, executed by us and
 * entered in the table.  Faulting is a register of the CPU's that the host
 * writes at each switch to or from the thread, which is again an exit: hence
 * so seldom and so briefly, and not at all where a page of a known one is
 * mapped: most programs have theirs in the same dynamic loader.
 *
 * A page's sites are what was recorded when its copy was made; the copy never
 * changes.  An address space maps it instead of the page, and its stub has a
 * list of the addresses.  Changes of mappings take addresses from the list; a
 * thread that comes to the old copy meanwhile traps into the kernel, which lets
 * it try again behind the change.
 *
 * Leaves that name the processor are never in the table.
 *
 * A page that has patched calls as well (patch.c) gets the traps in that copy.
 *
 * Locking: lock, inside as->lock and a set's lock.
 */
#include "patch.h"
#include <kernel/slab.h>
#include <kernel/string.h>

enum { LEARN_CALLS = 2, PAGES_MAX = 256, BUCKETS = 256, SITES_MAX = UM_CPUID_SITES, CPUID_LEN = 2 };

/* A page with such instructions. */
struct known {
	struct page *orig, *copy;	/* references; copy [lock] to set; NULL: still being learnt */
	struct known *next;		/* [I] */
	unsigned n;			/* [lock] until there is a copy, then [I]; as `at` */
	uint16_t at[SITES_MAX];
};

static struct um_lock lock;
static struct known *known[BUCKETS];		/* [lock] to add; they stay */
static unsigned pages;				/* [lock] */
static struct page *table;			/* [lock] to set; struct stub_cpuid[], filled under the lock */

static struct known **bucket(paddr_t pa) { return &known[(pa >> PAGE_SHIFT) % BUCKETS]; }

/* They stay: no lock. */
static struct known *find(paddr_t pa)
{
	struct known *k = load_acquire(bucket(pa));

	while (k && page_to_phys(k->orig) != pa)
		k = k->next;
	return k;
}
/* It has a copy, and does not change any more. */
static struct known *find_learnt(paddr_t pa)
{
	struct known *k = find(pa);

	return k && load_acquire(&k->copy) ? k : NULL;
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

void um_cpuid_start(struct hal_as *as) { as->learn = um_cpuid_enabled() ? LEARN_CALLS : 0; }

bool um_cpuid_site(struct hal_as *as, uaddr_t ip, paddr_t pa) NO_TSA
{
	unsigned off = (unsigned)(ip & (PAGE_SIZE - 1));
	const uint8_t *bytes = page_addr(phys_to_page(pa));
	struct known *k;
	bool fresh = true;

	if (!as->learn || off + CPUID_LEN > PAGE_SIZE || bytes[off] != 0x0f || bytes[off + 1] != 0xa2)
		return false;
	as->cpuid_do = ip;
	um_lock(&lock);
	k = find(pa);
	if (!k && pages < PAGES_MAX && (k = kzalloc(sizeof(*k), ALLOC_ATOMIC))) {
		pages++;
		k->orig = phys_to_page(pa);
		page_get(k->orig);
		k->next = *bucket(pa);
		store_release(bucket(pa), k);
	}
	for (unsigned i = 0; k && i < k->n; i++)
		fresh &= k->at[i] != off;
	if (k && fresh && !k->copy && k->n < SITES_MAX) {
		k->at[k->n++] = (uint16_t)off;
		um_count(UM_STAT_CPUID);
	}
	um_unlock(&lock);
	return true;
}

static void copy_make(struct known *k)
{
	struct page *copy = page_alloc(0, ALLOC_ATOMIC);
	uint8_t *to;

	if (!copy)
		return;
	to = page_addr(copy);
	hal_page_copy(to, page_addr(k->orig));
	for (unsigned i = 0; i < k->n; i++)
		to[k->at[i]] = STUB_CPUID_TRAP;
	store_release(&k->copy, copy);
}

void um_cpuid_learnt(struct hal_as *as) NO_TSA
{
	as->learn = 0;
	um_lock(&lock);
	for (unsigned b = 0; b < BUCKETS; b++)
		for (struct known *k = known[b]; k; k = k->next)
			if (!k->copy)
				copy_make(k);
	um_unlock(&lock);
}

/* ---- mapping ---- */

/* The file may have been written to. */
static bool still_same(const struct known *k)
{
	const uint8_t *a = page_addr(k->orig), *b = page_addr(k->copy);
	unsigned at = 0;

	for (unsigned i = 0; i < k->n; i++)
		if (a[k->at[i]] != 0x0f)
			return false;
	while (at < PAGE_SIZE) {
		unsigned end = PAGE_SIZE;

		for (unsigned i = 0; i < k->n; i++)
			if (k->at[i] >= at && k->at[i] < end)
				end = k->at[i];
		if (memcmp(a + at, b + at, end - at))
			return false;
		at = end + 1;
	}
	return true;
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
	as->learn = 0;
	return true;
}

unsigned um_cpuid_sites(paddr_t pa, uint16_t *at)
{
	const struct known *k = find_learnt(pa);

	if (!k)
		return 0;
	memcpy(at, k->at, k->n * sizeof(*at));
	return k->n;
}

paddr_t um_cpuid_map(struct hal_as *as, uaddr_t va, paddr_t pa)
{
	const struct known *k = find_learnt(pa);

	return k && still_same(k) && um_cpuid_list(as, va, k->at, k->n) ? page_to_phys(k->copy) : pa;
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
