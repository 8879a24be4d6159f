/* SPDX-License-Identifier: MIT */
/*
 * The third machine, for unit tests: 64 MiB of host memory as RAM, one CPU,
 * kernel threads on malloc'd stacks, and virtual time that goes on only when the CPU
 * has nothing to do but wait for its timer.  Interrupts are a flag: the only
 * one is the timer, which fires in hal_cpu_idle().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <hal/hal.h>
#include "unit.h"

enum { RAM_MIB = 64, PAGE = 4096, AS_BUCKETS = 1024 };
static const paddr_t ram_base = 1u << 20;
static char *ram;

static void ram_init(void)
{
	/* Aligned as physical memory is: blocks are aligned in both. */
	size_t size = (size_t)RAM_MIB << 20, align = (size_t)4 << 20;
	char *p = mmap(NULL, size + 2 * align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	ram = (char *)(((uintptr_t)p + align - 1) & ~(align - 1)) + ram_base;
}

const struct hal_boot *hal_boot_info(void)
{
	static struct hal_boot b = { .cmdline = "", .cpus = 1, .ranges = 1 };

	if (!ram) {
		ram_init();
		b.range[0].base = ram_base;
		b.range[0].size = (size_t)RAM_MIB << 20;
	}
	return &b;
}

/* ---- CPU, interrupts, time ---- */
static struct cpu *self;
static struct task *running;
static bool irqs_on;
static uint64_t now_ns = 1000000, deadline_ns = UINT64_MAX;

struct cpu *hal_cpu_self(void) { return self; }
void hal_cpu_set_self(struct cpu *c) { self = c; }
struct task *hal_current(void) { return running; }
void hal_current_set(struct task *t) { running = t; }
int hal_cpu_start(unsigned cpu, void *base, size_t size) { return -19; }
void hal_cpu_ipi(unsigned cpu) {}
uint64_t hal_cpu_shares(unsigned cpu) { return 0; }
void hal_cpu_relax(void) { now_ns += 100; }
_Noreturn void hal_cpu_stop(void) { abort(); }
unsigned long hal_irq_save(void) NO_TSA { bool f = irqs_on; irqs_on = false; return f; }
void hal_irq_restore(unsigned long f) NO_TSA { irqs_on = f; }
void hal_irq_disable(void) NO_TSA { irqs_on = false; }
void hal_irq_enable(void) NO_TSA { irqs_on = true; }
bool hal_irq_enabled(void) { return irqs_on; }
int hal_irq_unmask(unsigned irq) { return -22; }
void hal_irq_mask(unsigned irq) {}
int hal_msi_alloc(unsigned bdf, unsigned *irq, uint64_t *addr, uint32_t *data) { return -95; }
void hal_msi_free(unsigned irq) {}
int hal_msi_message(unsigned irq, uint64_t *addr, uint32_t *data) { return -22; }
int hal_irq_route(unsigned irq, unsigned cpu) { return -95; }
uint64_t hal_time_mono_ns(void) { return now_ns; }
uint64_t hal_time_real_ns(void) { return 1700000000000000000ull + now_ns; }
void hal_timer_arm(uint64_t deadline) NO_TSA { deadline_ns = deadline; }
int hal_time_vclock(struct hal_vclock *out) { return -95; }

void hal_cpu_idle(void) NO_TSA
{
	if (deadline_ns == UINT64_MAX) {
		/* Everything sleeps, and nothing will ever wake it. */
		unit_fail(__FILE__, __LINE__, "deadlock: all threads sleep and no timer is armed");
	}
	if (deadline_ns > now_ns)
		now_ns = deadline_ns;
	deadline_ns = UINT64_MAX;
	kernel_timer();
	irqs_on = false;
}

/* ---- memory ---- */
void *hal_phys_to_virt(paddr_t pa) { return ram + (pa - ram_base); }
paddr_t hal_virt_to_phys(const void *va) { return (paddr_t)((const char *)va - ram) + ram_base; }
void hal_page_clear(void *p) { memset(p, 0, PAGE); }
void hal_page_copy(void *d, const void *s) { memcpy(d, s, PAGE); }
void *hal_kstack_alloc(size_t n) { void *p = malloc(n * 8); return p; }	/* host code runs on it, too */
void hal_kstack_free(void *p, size_t n) { free(p); }
void hal_icache_sync(const void *p, size_t n) {}
bool hal_kernel_mapping(uintptr_t va, struct hal_mapping *out) { return false; }

/* ---- threads: the callee-saved registers on the stack, and the sanitizer told of every switch ---- */
#if defined(__SANITIZE_ADDRESS__)
#define UNIT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNIT_ASAN 1
#endif
#endif
#ifdef UNIT_ASAN
void __sanitizer_start_switch_fiber(void **save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *save, const void **bottom, size_t *size);
#endif

struct hal_kctx { void *sp; void *base; size_t size; void *fake; void (*fn)(void *); void *arg; };
static struct hal_kctx *switching_from, *switching_to;

void unit_switch(void **save, void *to);
void unit_start(void);
#if defined(__x86_64__)
__asm__(".text\nunit_switch:\n\tpush %rbp\n\tpush %rbx\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n"
	"\tmov %rsp, (%rdi)\n\tmov %rsi, %rsp\n"
	"\tpop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbx\n\tpop %rbp\n\tret\n");
enum { FRAME_WORDS = 8, FRAME_PC = 6 };	/* ret leaves the stack as a call would */
#else
__asm__(".text\nunit_switch:\n\tsub sp, sp, #160\n\tstp x19, x20, [sp]\n\tstp x21, x22, [sp, #16]\n\tstp x23, x24, [sp, #32]\n"
	"\tstp x25, x26, [sp, #48]\n\tstp x27, x28, [sp, #64]\n\tstp x29, x30, [sp, #80]\n\tstp d8, d9, [sp, #96]\n"
	"\tstp d10, d11, [sp, #112]\n\tstp d12, d13, [sp, #128]\n\tstp d14, d15, [sp, #144]\n"
	"\tmov x9, sp\n\tstr x9, [x0]\n\tmov sp, x1\n"
	"\tldp x19, x20, [sp]\n\tldp x21, x22, [sp, #16]\n\tldp x23, x24, [sp, #32]\n\tldp x25, x26, [sp, #48]\n"
	"\tldp x27, x28, [sp, #64]\n\tldp x29, x30, [sp, #80]\n\tldp d8, d9, [sp, #96]\n\tldp d10, d11, [sp, #112]\n"
	"\tldp d12, d13, [sp, #128]\n\tldp d14, d15, [sp, #144]\n\tadd sp, sp, #160\n\tret\n");
enum { FRAME_WORDS = 20, FRAME_PC = 11 };
#endif

/* On the stack switched to. */
static void switch_done(void)
{
#ifdef UNIT_ASAN
	const void *bottom;
	size_t size;

	__sanitizer_finish_switch_fiber(switching_to->fake, &bottom, &size);
	if (!switching_from->base) {	/* the first thread's stack is the host's */
		switching_from->base = (void *)(uintptr_t)bottom;
		switching_from->size = size;
	}
#endif
}

void unit_start(void)
{
	struct hal_kctx *k = switching_to;

	switch_done();
	k->fn(k->arg);
	abort();
}

struct hal_kctx *hal_kctx_create(void *base, size_t size, void (*fn)(void *), void *arg)
{
	struct hal_kctx *k = calloc(1, sizeof(*k));
	uintptr_t *frame;

	if (!k)
		return NULL;
	k->fn = fn;
	k->arg = arg;
	k->base = base;
	k->size = size * 8;
	frame = (uintptr_t *)(((uintptr_t)base + k->size) & ~(uintptr_t)15) - FRAME_WORDS;
	memset(frame, 0, FRAME_WORDS * sizeof(*frame));
	frame[FRAME_PC] = (uintptr_t)unit_start;
	k->sp = frame;
	return k;
}
struct hal_kctx *hal_kctx_create_self(void *base, size_t size) { return calloc(1, sizeof(struct hal_kctx)); }
void hal_kctx_destroy(struct hal_kctx *k) { free(k); }
void hal_kctx_switch(struct hal_kctx *from, struct hal_kctx *to) NO_TSA
{
	switching_from = from;
	switching_to = to;
#ifdef UNIT_ASAN
	__sanitizer_start_switch_fiber(&from->fake, to->base, to->size);
#endif
	unit_switch(&from->sp, to->sp);
	switch_done();
}

/* ---- user side: there is none, but its address spaces can be looked at ---- */
struct fake_map { uint64_t va; paddr_t pa; unsigned prot; struct fake_map *next; };
struct hal_as { struct fake_map *bucket[AS_BUCKETS]; size_t pages; bool held; };
struct fake_counters fake_counters;
bool fake_user_runs;
void (*fake_on_flush)(void);

struct hal_as *hal_as_create(struct hal_as *parent) { return calloc(1, sizeof(struct hal_as)); }
static struct fake_map **as_slot(struct hal_as *as, uint64_t va)
{
	struct fake_map **p = &as->bucket[(va / PAGE) % AS_BUCKETS];

	while (*p && (*p)->va != va)
		p = &(*p)->next;
	return p;
}
static void as_drop(struct hal_as *as, struct fake_map **p)
{
	struct fake_map *m = *p;

	*p = m->next;
	free(m);
	as->pages--;
}
void fake_as_forget(struct hal_as *as)
{
	for (unsigned i = 0; i < AS_BUCKETS; i++)
		while (as->bucket[i])
			as_drop(as, &as->bucket[i]);
}
void hal_as_destroy(struct hal_as *as) { fake_as_forget(as); free(as); }
void hal_as_activate(struct hal_as *as) NO_TSA {}
int hal_as_map(struct hal_as *as, uaddr_t va, paddr_t pa, size_t pages, unsigned prot)
{
	fake_counters.maps++;
	for (size_t i = 0; i < pages; i++, va += PAGE, pa += PAGE) {
		struct fake_map **p = as_slot(as, va);

		if (!*p) {
			*p = calloc(1, sizeof(**p));
			(*p)->va = va;
			as->pages++;
		}
		(*p)->pa = pa;
		(*p)->prot = prot;
	}
	return 0;
}
void hal_as_unmap(struct hal_as *as, uaddr_t va, size_t pages)
{
	fake_counters.unmaps++;
	if (pages > as->pages * 2 + 4096) {
		/* A large range: by what is there. */
		for (unsigned i = 0; i < AS_BUCKETS; i++)
			for (struct fake_map **p = &as->bucket[i]; *p;)
				if ((*p)->va - va < (uint64_t)pages * PAGE)
					as_drop(as, p);
				else
					p = &(*p)->next;
		return;
	}
	for (size_t i = 0; i < pages; i++, va += PAGE) {
		struct fake_map **p = as_slot(as, va);

		if (*p)
			as_drop(as, p);
	}
}
void hal_as_protect(struct hal_as *as, uaddr_t va, size_t pages, unsigned prot)
{
	fake_counters.protects++;
	for (size_t i = 0; i < pages; i++, va += PAGE) {
		struct fake_map **p = as_slot(as, va);

		if (*p)
			(*p)->prot = prot;
	}
}
unsigned hal_as_test_clear(struct hal_as *as, uaddr_t va) { return 0; }
void hal_as_flush(struct hal_as *as)
{
	fake_counters.flushes++;
	if (fake_on_flush)
		fake_on_flush();
}
bool hal_as_hold(struct hal_as *as)
{
	if (as->held)
		abort();	/* not nested */
	return as->held = !fake_user_runs;
}
void hal_as_release(struct hal_as *as)
{
	if (!as->held)
		abort();
	as->held = false;
}
uaddr_t hal_as_limit(void) { return 0x7ffffffff000; }
uaddr_t hal_as_min(void) { return 0x10000; }
size_t hal_as_own_pages(void) { return 0; }
void hal_as_own(struct hal_as *as, uaddr_t va, const void *program) { }
unsigned hal_as_fault_pages(void) { return 2; }
bool hal_as_hot_call(struct hal_as *as, uaddr_t ip, paddr_t pa) { return false; }
bool fake_as_lookup(struct hal_as *as, uint64_t va, uint64_t *pa, unsigned *prot)
{
	struct fake_map *m = *as_slot(as, va & ~(uint64_t)(PAGE - 1));

	if (m) {
		*pa = m->pa;
		*prot = m->prot;
	}
	return m;
}
size_t fake_as_mapped(struct hal_as *as) { return as->pages; }

struct hal_uctx *hal_user_create(void) { return calloc(1, 4096); }
struct hal_uctx *hal_user_clone(struct hal_uctx *p) { return calloc(1, 4096); }
int hal_user_prepare(struct hal_uctx *u, struct hal_as *as) { return 0; }
void hal_user_leave(struct hal_uctx *u) { }
void hal_user_answers(struct hal_uctx *u, int pid, int tid) { }
void hal_user_clock(paddr_t page) { }
void hal_user_destroy(struct hal_uctx *u) { free(u); }
struct abi_regs *hal_user_regs(struct hal_uctx *u) { return (struct abi_regs *)u; }
struct abi_regs *hal_user_call_regs(struct hal_uctx *u) { return (struct abi_regs *)u; }
enum hal_trap hal_user_run(struct hal_uctx *u, struct hal_trap_info *info) NO_TSA { return HAL_TRAP_KICK; }
void hal_user_switch_out(struct hal_uctx *u) NO_TSA {}
size_t hal_user_fpu_size(void) { return 512; }
size_t hal_user_fpu_get(struct hal_uctx *u, void *buf, size_t max) { return 0; }
int hal_user_fpu_set(struct hal_uctx *u, const void *buf, size_t n) { return 0; }
void hal_user_fpu_reset(struct hal_uctx *u) {}
void hal_user_single_step(struct hal_uctx *u, bool on) {}
size_t hal_user_copy_from(void *dst, uaddr_t src, size_t n) { return 0; }
size_t hal_user_copy_to(uaddr_t dst, const void *src, size_t n) { return 0; }
const struct hal_cpu_caps *hal_cpu_caps(void) { static const struct hal_cpu_caps c = { .platform = "test" }; return &c; }

/* ---- devices: none ---- */
int hal_dev_get(unsigned i, struct hal_dev *out) { return -19; }
uint8_t hal_io_read8(uint64_t r) { return 0xff; }
uint16_t hal_io_read16(uint64_t r) { return 0xffff; }
uint32_t hal_io_read32(uint64_t r) { return 0xffffffff; }
void hal_io_write8(uint64_t r, uint8_t v) {}
void hal_io_write16(uint64_t r, uint16_t v) {}
void hal_io_write32(uint64_t r, uint32_t v) {}
uint32_t hal_pci_read32(unsigned bdf, unsigned off) { return 0xffffffff; }
void hal_pci_write32(unsigned bdf, unsigned off, uint32_t v) {}
int hal_pci_window(unsigned i, uint64_t *b, uint64_t *s) { return -19; }
int hal_pci_intx(unsigned bdf, unsigned pin, unsigned *irq) { return -19; }
void hal_entropy(void *buf, size_t n)
{
	static uint64_t seed = 88172645463325252ull;	/* the same in every run */

	for (size_t i = 0; i < n; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		((uint8_t *)buf)[i] = (uint8_t)seed;
	}
}
unsigned hal_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max) { return 0; }

/* ---- the end ---- */
static const char *expected_panic;
static char console[4096];
static size_t console_len;

void unit_expect_panic(const char *text) { expected_panic = text; }
void hal_console_write(const char *s, size_t n)
{
	fwrite(s, 1, n, stderr);
	for (size_t i = 0; i < n && console_len < sizeof(console) - 1; i++)
		console[console_len++] = s[i];
}
_Noreturn void hal_poweroff(int status)
{
	if (status == 101 && expected_panic && strstr(console, expected_panic))
		exit(0);
	unit_fail(__FILE__, __LINE__, "the machine went off with status %d", status);
}
_Noreturn void hal_reboot(void) { hal_poweroff(102); }
void *unit_malloc(size_t n) { return calloc(1, n); }
void unit_free(void *p) { free(p); }

/* The layer below the kernel's own that tests do without. */
void drivers_init(void);
void drivers_init(void) {}

const char *hal_symbol(uintptr_t pc, size_t *offset) { return NULL; }
int ktest_run(const char *pattern);
int ktest_run(const char *pattern) { return -1; }
