/* SPDX-License-Identifier: MIT */
/*
 * The x86-64 port's address spaces on CPUs that exist only here: translation
 * buffers with and without process-context identifiers (SDM 3A 4.10) that keep
 * everything they may keep.  Many random changes, switches and accesses; every
 * access must find what the space has, and no CPU may walk a table that was freed.
 */

/* The names of the fake machine's own address spaces are taken. */
#define hal_as_own_pages x86_as_own_pages
#define hal_as_own x86_as_own
#define hal_as_fault_pages x86_as_fault_pages
#define hal_as_hot_call x86_as_hot_call
#define hal_as_create x86_as_create
#define hal_as_destroy x86_as_destroy
#define hal_as_map x86_as_map
#define hal_as_unmap x86_as_unmap
#define hal_as_protect x86_as_protect
#define hal_as_test_clear x86_as_test_clear
#define hal_as_limit x86_as_limit
#define hal_as_min x86_as_min
#define hal_as_activate x86_as_activate
#define hal_as_flush x86_as_flush
#define hal_as_hold x86_as_hold
#define hal_as_release x86_as_release
#include <hal/hal.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include "unit.h"

/* ---- in place of the instructions (arch_guest/x86_64/insn.h, whose guard this has) ---- */
#define X86_INSN_H
static uint64_t read_cr3(void);
static void write_cr3(uint64_t v);
static void invlpg(uint64_t va);
static inline void cpu_pause(void) { }
static inline unsigned long flags_save_cli(void) { return 0; }
static inline void flags_restore(unsigned long f) { (void)f; }
struct leaf_lock { bool held; };
static inline unsigned long leaf_lock(struct leaf_lock *l) { return l->held = true, 0; }
static inline void leaf_unlock(struct leaf_lock *l, unsigned long f) { (void)f, l->held = false; }

#define pcpu(...) pcpu_by_gs(__VA_ARGS__)	/* the function, not the struct */
#include "../../arch_guest/x86_64/cpu.h"
#undef pcpu
static struct pcpu *pcpu(void);
#include "../../arch_guest/x86_64/aspace.c"

/* ---- the CPUs ---- */

enum { CPUS = 3, PCIDS = 16, SPACES = 14, VAS = 24, PHYS = 32 };
/* What a CPU keeps for an identifier: translations, and which last-level table it found for an address. */
struct cached { uint64_t pte[VAS]; uint64_t *table[VAS]; };
static struct machine_cpu {
	struct pcpu p;
	uint64_t cr3;
	struct cached of[PCIDS];
} machine[CPUS];
static unsigned self;
static uint64_t kept, dropped, interrupts;
struct pcpu *cpu_table[HAL_CPUS];
struct cpu_features cpu_features;
uint64_t *kernel_pml4;
uint64_t pte_nx(void) { return PTE_NX; }

static struct pcpu *pcpu(void) { return &machine[self].p; }
static struct cached *now(void) { return &machine[self].of[machine[self].cr3 & 0xfff]; }
/* Some share a table, some have all tables to themselves. */
static uaddr_t va_of(unsigned i) { return 0x10000000 + (uaddr_t)(i / 8) * 0x8040200000 + (uaddr_t)(i % 8 / 2) * 0x200000 + (i & 1) * PAGE_SIZE; }

void apic_send(unsigned apic_id, uint32_t command)
{
	unsigned was = self;

	CHECK_EQ(command & 0xff, VEC_TLB);
	interrupts++;
	self = apic_id;
	tlb_catch_up(pcpu());
	self = was;
}

static uint64_t *table_in_tree(uint64_t root, uaddr_t va)
{
	uint64_t *t = hal_phys_to_virt(root & PTE_ADDR);

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		if (!(t[va >> shift & 511] & PTE_P))
			return NULL;
		t = hal_phys_to_virt(t[va >> shift & 511] & PTE_ADDR);
	}
	return t;
}

static uint64_t read_cr3(void) { return machine[self].cr3; }

static void write_cr3(uint64_t v)
{
	machine[self].cr3 = v & ~((uint64_t)1 << 63);
	CHECK((v & 0xfff) < (cpu_features.pcid ? PCIDS : 1));
	CHECK(cpu_features.pcid || !(v >> 63));
	if (!(v >> 63)) {
		memset(now(), 0, sizeof(*now()));
		dropped++;
		return;
	}
	kept++;
	/* The processor may walk ahead from here on: tables that it still knows must be the ones there are. */
	for (unsigned i = 0; i < VAS; i++)
		if (now()->table[i])
			CHECK(now()->table[i] == table_in_tree(v & PTE_ADDR, va_of(i)));
}

static void invlpg(uint64_t va)
{
	for (unsigned i = 0; i < VAS; i++) {
		now()->table[i] = NULL;		/* of all addresses, 4.10.4.1 */
		if (va_of(i) == va)
			now()->pte[i] = 0;
	}
}

/* The entry by which user code would reach page i; 0: a fault. */
static uint64_t translate(unsigned i)
{
	struct cached *c = now();

	if (c->pte[i])
		return c->pte[i];
	if (!c->table[i])
		c->table[i] = table_in_tree(machine[self].cr3, va_of(i));
	if (!c->table[i])
		return 0;
	c->pte[i] = c->table[i][va_of(i) >> 12 & 511];
	return c->pte[i] & PTE_P ? c->pte[i] : (c->pte[i] = 0);
}

/* ---- the test ---- */

static uint64_t seed;
static unsigned any(unsigned n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(seed >> 33) % n;
}

static void churn(bool pcid)
{
	static struct { struct hal_as *as; uint64_t has[VAS]; } space[SPACES];
	unsigned on[CPUS], faults = 0, hits = 0;

	memset(machine, 0, sizeof(machine));
	memset(space, 0, sizeof(space));
	kept = dropped = interrupts = 0;
	seed = 11 + pcid;
	cpu_features.pcid = pcid;
	kernel_pml4 = page_addr(page_alloc(0, ALLOC_ZERO));
	for (unsigned c = 0; c < CPUS; c++) {
		machine[c].p.id = machine[c].p.apic_id = c;
		cpu_table[c] = &machine[c].p;
		on[c] = SPACES;
	}
	for (unsigned round = 0; round < 200000; round++) {
		unsigned s = any(SPACES), i = any(VAS), what = any(100), busy = 0;

		self = any(CPUS);
		/* Mostly a few spaces, so that coming back is common. */
		if (any(3))
			s %= 4;
		if (!space[s].as) {
			space[s].as = x86_as_create(NULL);
			CHECK(space[s].as);
			memset(space[s].has, 0, sizeof(space[s].has));
		}
		if (what < 40) {
			if (on[self] != s)
				x86_as_activate(space[s].as);
			on[self] = s;
		} else if (what < 44) {
			x86_as_activate(NULL);
			on[self] = SPACES;
		} else if (what < 50) {
			uint64_t pa = 0x100000 + any(PHYS) * PAGE_SIZE;
			unsigned prot = HAL_READ | (any(2) ? HAL_WRITE : 0);

			CHECK_EQ(x86_as_map(space[s].as, va_of(i), pa, 1, prot), 0);
			space[s].has[i] = pa | (prot & HAL_WRITE ? PTE_W : 0) | PTE_P;
			x86_as_flush(space[s].as);
		} else if (what < 53) {
			x86_as_unmap(space[s].as, va_of(i), 1);
			space[s].has[i] = 0;
			x86_as_flush(space[s].as);
		} else if (what < 55) {
			x86_as_protect(space[s].as, va_of(i), 1, HAL_READ);
			space[s].has[i] &= ~(uint64_t)PTE_W;
			x86_as_flush(space[s].as);
		} else if (what < 56 && !any(20)) {
			for (unsigned c = 0; c < CPUS; c++)
				busy += on[c] == s;
			if (!busy) {
				x86_as_destroy(space[s].as);
				space[s].as = NULL;
			}
		} else if (on[self] < SPACES) {
			uint64_t e;

			tlb_catch_up(pcpu());	/* as on every way to user code */
			e = translate(i);
			CHECK_EQ(e & (PTE_ADDR | PTE_W | PTE_P), space[on[self]].has[i]);
			if (e)
				hits++;
			else
				faults++;
		}
	}
	CHECK(hits > 1000 && faults > 1000 && dropped > 1000 && interrupts > 100);
	CHECK(pcid ? kept > 1000 : !kept);
	for (unsigned c = 0; c < CPUS; c++) {
		self = c;
		x86_as_activate(NULL);
	}
	for (unsigned s = 0; s < SPACES; s++)
		if (space[s].as)
			x86_as_destroy(space[s].as);
}

static void every_access_finds_what_the_space_has(void) { churn(false); }
static void also_with_identifiers(void) { churn(true); }

/* Away and back with nothing changed: nothing is dropped; after a change, it is. */
static void coming_back_keeps_what_is_good(void)
{
	struct hal_as *a, *b;

	cpu_features.pcid = true;
	cpu_table[0] = &machine[0].p;
	kernel_pml4 = page_addr(page_alloc(0, ALLOC_ZERO));
	a = x86_as_create(NULL);
	b = x86_as_create(NULL);
	CHECK_EQ(x86_as_map(a, va_of(0), 0x100000, 1, HAL_READ), 0);
	x86_as_activate(a);
	CHECK(translate(0));
	x86_as_activate(b);
	kept = dropped = 0;
	x86_as_activate(a);
	CHECK(kept == 1 && !dropped && now()->pte[0]);
	x86_as_activate(b);
	x86_as_unmap(a, va_of(0), 1);
	x86_as_flush(a);
	CHECK(kept == 2 && !dropped);
	x86_as_activate(a);
	CHECK(kept == 2 && dropped == 1);
	CHECK(!translate(0));
	x86_as_activate(NULL);
	x86_as_destroy(a);
	x86_as_destroy(b);
}

const struct unit_test unit_tests[] = {
	{ "every_access_finds_what_the_space_has", every_access_finds_what_the_space_has },
	{ "also_with_identifiers", also_with_identifiers },
	{ "coming_back_keeps_what_is_good", coming_back_keeps_what_is_good },
	{ 0 },
};
