/* SPDX-License-Identifier: MIT */
/*
 * From boot.S to kernel_main(): what the device tree says about memory, the
 * final page tables, then the parts of the machine in the order in which they
 * need each other.
 *
 * Memory is a small sorted list of segments; memory nodes are added, everything
 * that is in use (the image, the tree, the initrd, reservations) is cut out.
 * What is reserved stays in the direct map unless the tree says no-map.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include "aarch64/port.h"

struct fdt boot_fdt;
uint64_t kernel_phys;
struct percpu percpus[HAL_CPUS];

static struct hal_boot info;
static const char *cmdline = "";
static bool booted;	/* page_alloc() works, or soon will */

enum { SEGMENTS = 128, EARLY_PAGES = 64 };
struct segments { unsigned n; struct { paddr_t from, to; } s[SEGMENTS]; };
static struct segments ram, usable;
static uint8_t early_pages[EARLY_PAGES][4096] ALIGNED(4096);
static unsigned early_used;

_Noreturn void boot_main(paddr_t fdt, paddr_t load);
_Noreturn void secondary_main(struct percpu *c);
void *secondary_stack;

_Noreturn void boot_fail(const char *why)
{
	static const char prefix[] = "eft: cannot boot: ";
	hal_console_write(prefix, sizeof(prefix) - 1);
	hal_console_write(why, strlen(why));
	hal_console_write("\n", 1);
	hal_poweroff(101);
}

void *boot_page(void)
{
	if (booted) {
		struct page *p = page_alloc(0, ALLOC_ZERO | ALLOC_ATOMIC);
		return p ? page_addr(p) : NULL;
	}
	if (early_used < EARLY_PAGES)
		return early_pages[early_used++];	/* .bss: zero */
	if (!info.ranges)
		return NULL;
	unsigned last = info.ranges - 1;
	info.range[last].size -= PAGE_SIZE;
	void *p = hal_phys_to_virt(info.range[last].base + info.range[last].size);
	memset(p, 0, PAGE_SIZE);
	return p;
}

static void segment_cut(struct segments *l, paddr_t from, paddr_t to)
{
	for (unsigned i = 0; i < l->n; i++) {
		paddr_t a = l->s[i].from, b = l->s[i].to;
		if (to <= a || from >= b)
			continue;
		if (from > a && to < b) {
			if (l->n == SEGMENTS) {		/* lose the smaller part */
				l->s[i].to = from;
				continue;
			}
			memmove(&l->s[i + 1], &l->s[i], (l->n - i) * sizeof(l->s[0]));
			l->n++;
			l->s[i].to = from;
			l->s[i + 1].from = to;
		} else if (from > a) {
			l->s[i].to = from;
		} else if (to < b) {
			l->s[i].from = to;
		} else {
			memmove(&l->s[i], &l->s[i + 1], (l->n - i - 1) * sizeof(l->s[0]));
			l->n--;
			i--;
		}
	}
}

static void segment_add(struct segments *l, paddr_t from, paddr_t to)
{
	unsigned i = 0;
	segment_cut(l, from, to);
	while (i < l->n && l->s[i].from < from)
		i++;
	if (i && l->s[i - 1].to == from) {
		l->s[i - 1].to = to;
		return;
	}
	if (l->n == SEGMENTS)
		return;
	memmove(&l->s[i + 1], &l->s[i], (l->n - i) * sizeof(l->s[0]));
	l->n++;
	l->s[i].from = from;
	l->s[i].to = to;
}

static void reserve(paddr_t from, uint64_t size)
{
	if (size && from + size > from)
		segment_cut(&usable, from & PAGE_MASK, ALIGN_UP(from + size, PAGE_SIZE));
}

static void find_memory(void)
{
	const struct fdt *f = &boot_fdt;
	uint64_t a, n, limit = (uint64_t)1 << MIN(cpu_features.pa_bits, (unsigned)DIRECT_BITS);
	for (int node = FDT_ROOT; node != FDT_NONE; node = fdt_next(f, node)) {
		const char *type = fdt_string(f, node, "device_type");
		if (!type || strcmp(type, "memory") || !fdt_enabled(f, node))
			continue;
		for (unsigned i = 0; fdt_reg(f, node, i, &a, &n) == 0; i++) {
			paddr_t from = ALIGN_UP(a, PAGE_SIZE), to = (a + n) & PAGE_MASK;
			if (n && a + n > a && from < MIN(to, limit))
				segment_add(&ram, from, MIN(to, limit));
		}
	}
	int node, top = fdt_by_path(f, "/reserved-memory");
	if (top != FDT_NONE)
		fdt_for_each_child(f, node, top)
			if (fdt_prop(f, node, "no-map", NULL))
				for (unsigned i = 0; fdt_reg(f, node, i, &a, &n) == 0; i++)
					segment_cut(&ram, a & PAGE_MASK, ALIGN_UP(a + n, PAGE_SIZE));
	usable = ram;
	if (top != FDT_NONE)
		fdt_for_each_child(f, node, top)
			for (unsigned i = 0; fdt_reg(f, node, i, &a, &n) == 0; i++)
				reserve(a, n);
	for (unsigned i = 0; fdt_reserved(f, i, &a, &n); i++)
		reserve(a, n);
	reserve(kernel_phys, (uint64_t)(_end - _text));
}

static void find_chosen(void)
{
	const struct fdt *f = &boot_fdt;
	int chosen = fdt_by_path(f, "/chosen");
	uint64_t from, to;
	const char *s = fdt_string(f, chosen, "bootargs");
	if (s)
		cmdline = s;
	if (fdt_number(f, chosen, "linux,initrd-start", &from) && fdt_number(f, chosen, "linux,initrd-end", &to) && to > from) {
		reserve(from, to - from);
		info.initrd = from;
		info.initrd_size = to - from;
	}
}

bool boot_word(const char *word)
{
	size_t n = strlen(word);
	for (const char *p = cmdline; *p;) {
		size_t len = 0;
		while (*p == ' ')
			p++;
		while (p[len] && p[len] != ' ')
			len++;
		if (len == 2 && p[0] == '-' && p[1] == '-')
			return false;
		if (len == n && strncmp(p, word, n) == 0)
			return true;
		p += len;
	}
	return false;
}

static void publish_ranges(void)
{
	for (unsigned i = 0; i < usable.n && info.ranges < HAL_RANGES; i++) {
		info.range[info.ranges].base = usable.s[i].from;
		info.range[info.ranges].size = usable.s[i].to - usable.s[i].from;
		info.ranges++;
	}
	info.cmdline = cmdline;
}

static void percpu_init(struct percpu *c)
{
	sysreg_write(tpidr_el1, c);
	sysreg_write(sp_el0, 0);	/* hal_current() */
	c->mpidr = sysreg_read(mpidr_el1) & 0xff00ffffff;
}

_Noreturn void boot_main(paddr_t fdt, paddr_t load) NO_TSA
{
	static uint8_t emergency[EMERGENCY_STACK] ALIGNED(16);
	uint64_t in_block = fdt & 0x1fffff;
	kernel_phys = load;
	percpus[0].emergency_top = emergency + sizeof(emergency);
	percpu_init(&percpus[0]);
	if (!fdt || fdt_open(&boot_fdt, (void *)(FDT_BASE + in_block), 0x400000 - in_block))
		boot_fail("no device tree");
	cpufeat_init();
	find_memory();
	find_chosen();
	reserve(fdt, boot_fdt.total);

	mmu_init();
	for (unsigned i = 0; i < ram.n; i++)
		mmu_direct_map(ram.s[i].from, ram.s[i].to - ram.s[i].from);
	if (mmu_map(FDT_BASE, fdt - in_block, ALIGN_UP(in_block + boot_fdt.total, PAGE_SIZE), MAP_RW))
		boot_fail("no memory for page tables");
	mmu_final();
	cpufeat_cpu_init();
	publish_ranges();

	console_init();
	psci_init();
	smp_init();
	asid_init();
	gic_init();
	timer_init();
	rtc_init();
	pci_host_init();
	msi_init();
	booted = true;
	kernel_main();
}

_Noreturn void secondary_main(struct percpu *c) NO_TSA
{
	percpu_init(c);
	cpufeat_cpu_init();
	asid_switch(NULL);
	gic_cpu_init();
	timer_cpu_init();
	store_release(&c->online, true);
	kernel_cpu_main(c->index);
}

const struct hal_boot *hal_boot_info(void)
{
	return &info;
}

/* ---- processors ---- */

void smp_init(void)
{
	const struct fdt *f = &boot_fdt;
	int node, top = fdt_by_path(f, "/cpus");
	uint64_t mpidr;
	info.cpus = 1;
	percpus[0].online = true;
	if (top == FDT_NONE)
		return;
	fdt_for_each_child(f, node, top) {
		const char *type = fdt_string(f, node, "device_type"), *method = fdt_string(f, node, "enable-method");
		uint32_t len;
		const void *reg = fdt_prop(f, node, "reg", &len);
		if (!type || strcmp(type, "cpu") || !fdt_enabled(f, node) || !reg || (len != 4 && len != 8))
			continue;
		mpidr = fdt_cells(reg, len / 4);
		if (mpidr == percpus[0].mpidr || !method || strcmp(method, "psci") || info.cpus == HAL_CPUS)
			continue;
		percpus[info.cpus].index = info.cpus;
		percpus[info.cpus].mpidr = mpidr;
		info.cpus++;
	}
}

int hal_cpu_start(unsigned cpu, void *stack_base, size_t stack_size)
{
	struct percpu *c = &percpus[cpu];
	if (cpu == 0 || cpu >= info.cpus)
		return -ENODEV;
	struct page *emergency = page_alloc(1, 0);
	if (!emergency)
		return -EIO;
	c->emergency_top = (char *)page_addr(emergency) + EMERGENCY_STACK;
	secondary_stack = (char *)stack_base + stack_size;
	dsb(ish);
	if (psci_cpu_on(c->mpidr, kernel_phys + ((uintptr_t)secondary_entry - KERNEL_BASE), (uintptr_t)c)) {
		page_put(emergency);
		return -EIO;
	}
	/* A machine under load may take its time; one that never comes is reported, its stack is lost. */
	uint64_t until = hal_time_mono_ns() + 10 * (uint64_t)1000000000;
	while (!load_acquire(&c->online))
		if (hal_time_mono_ns() > until)
			return -EIO;
	return 0;
}

struct cpu *hal_cpu_self(void) { return percpu()->self; }
void hal_cpu_set_self(struct cpu *c) { percpu()->self = c; }
uint64_t hal_cpu_shares(unsigned cpu) { return 0; }
void hal_cpu_relax(void) { __asm__ volatile("yield" : : : "memory"); }

void hal_cpu_idle(void) NO_TSA
{
	/* A pending interrupt ends WFI although it is masked. */
	__asm__ volatile("dsb sy; wfi; msr daifclr, #2; isb; msr daifset, #2" : : : "memory");
}

_Noreturn void hal_cpu_stop(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #15; wfi" : : : "memory");
}
