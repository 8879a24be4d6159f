/* SPDX-License-Identifier: MIT */
/*
 * What this processor has (CPUID), and bringing one into the state that the
 * kernel runs in: segments, task state, control registers, system-call MSRs.
 *
 * All CPUs are taken to be alike; what the first has is what is used.
 */
#include <kernel/string.h>
#include "cpu.h"

_Static_assert(offsetof(struct pcpu, self) == CPU_SELF, "layout.h");
_Static_assert(offsetof(struct pcpu, kernel) == CPU_KERNEL, "layout.h");
_Static_assert(offsetof(struct pcpu, ksp) == CPU_KSP, "layout.h");
_Static_assert(offsetof(struct pcpu, scratch) == CPU_SCRATCH, "layout.h");
_Static_assert(offsetof(struct pcpu, tss) + 4 == CPU_RSP0, "layout.h");
_Static_assert(offsetof(struct pcpu, current) == CPU_CURRENT, "layout.h");
_Static_assert(sizeof(struct tss) == 104, "SDM 3A 8.7");
_Static_assert(sizeof(struct pcpu) <= 4096, "CPU_BLOCK");

struct cpu_features cpu_features;
struct pcpu *cpu_table[HAL_CPUS];

extern const char syscall_entry[], syscall32_entry[];
extern const uint64_t stac_table_start[], stac_table_end[];

void cpu_features_init(void)
{
	struct cpu_features *f = &cpu_features;
	struct cpuid c = cpuid(0, 0);

	f->max_leaf = c.a;
	c = cpuid(1, 0);
	f->leaf1_edx = c.d;
	f->pge = c.d >> 13 & 1;
	f->pcid = f->pge && c.c >> 17 & 1;	/* kernel pages are global, or invlpg would not reach them in all spaces */
	f->x2apic = c.c >> 21 & 1;
	f->tsc_deadline = c.c >> 24 & 1;
	f->xsave = c.c >> 26 & 1;
	f->rdrand = c.c >> 30 & 1;
	f->hypervisor = c.c >> 31;
	if (f->max_leaf >= 7) {
		c = cpuid(7, 0);
		f->fsgsbase = c.b & 1;
		f->smep = c.b >> 7 & 1;
		f->erms = c.b >> 9 & 1;
		f->rdseed = c.b >> 18 & 1;
		f->smap = c.b >> 20 & 1;
		f->umip = c.c >> 2 & 1;
	}
	f->phys_bits = 36;
	c = cpuid(0x80000000, 0);
	if (c.a >= 0x80000001) {
		struct cpuid x = cpuid(0x80000001, 0);

		f->nx = x.d >> 20 & 1;
		f->gib_pages = x.d >> 26 & 1;
	}
	if (c.a >= 0x80000007)
		f->invariant_tsc = cpuid(0x80000007, 0).d >> 8 & 1;
	if (c.a >= 0x80000008)
		f->phys_bits = cpuid(0x80000008, 0).a & 0xff;
	fpu_init();
}

/* The text is still writable when this runs. */
void cpu_stac_init(void)
{
	static const uint8_t nop[3] = { 0x0f, 0x1f, 0x00 };

	if (cpu_features.smap)
		return;
	for (const uint64_t *p = stac_table_start; p < stac_table_end; p++)
		memcpy((void *)*p, nop, 3);
}

struct pcpu *cpu_prepare(void *block, unsigned id, unsigned apic_id)
{
	struct pcpu *c = block;
	char *b = block;
	uint64_t tss;

	memset(block, 0, CPU_BLOCK);
	c->self = c;
	c->id = id;
	c->apic_id = apic_id;
	*(struct pcpu **)(b + 4096) = c;
	*(struct pcpu **)(b + MC_STACK) = c;
	*(struct pcpu **)(b + DF_STACK) = c;
	c->tss.ist[0] = (uint64_t)b + 4096 + NMI_STACK;
	c->tss.ist[1] = (uint64_t)b + MC_STACK + MC_STACK;
	c->tss.ist[2] = (uint64_t)b + DF_STACK + DF_STACK;
	c->tss.iomap = sizeof(c->tss);	/* beyond the limit: no port for user code */
	c->gdt[1] = 0x00cf9a000000ffff;
	c->gdt[2] = 0x00af9a000000ffff;
	c->gdt[3] = 0x00cf92000000ffff;
	c->gdt[4] = 0;			/* no 32-bit user code */
	c->gdt[5] = 0x00cff2000000ffff;
	c->gdt[6] = 0x00affa000000ffff;
	tss = (uint64_t)&c->tss;
	c->gdt[8] = (sizeof(c->tss) - 1) | (tss & 0xffffff) << 16 | (uint64_t)0x89 << 40 | (tss >> 24 & 0xff) << 56;
	c->gdt[9] = tss >> 32;
	return c;
}

void cpu_load(struct pcpu *c)
{
	struct PACKED { uint16_t limit; uint64_t base; } gdtr = { sizeof(c->gdt) - 1, (uint64_t)c->gdt };
	const struct cpu_features *f = &cpu_features;
	uint64_t cr4 = read_cr4();

	__asm__ volatile(
		"lgdt %0\n\t"
		"pushq %1\n\t"
		"leaq 1f(%%rip), %%rax\n\t"
		"pushq %%rax\n\t"
		"lretq\n"
		"1:	movl %2, %%eax\n\t"
		"movl %%eax, %%ss\n\t"
		"xorl %%eax, %%eax\n\t"
		"movl %%eax, %%ds\n\t"
		"movl %%eax, %%es\n\t"
		"movl %%eax, %%fs\n\t"
		"movl %%eax, %%gs\n\t"
		"lldt %%ax\n\t"
		: : "m"(gdtr), "i"(SEL_KCODE), "i"(SEL_KDATA) : "rax", "memory");
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
	__asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
	trap_init();

	cr4 |= 1 << 9 | 1 << 10;	/* OSFXSR, OSXMMEXCPT */
	cr4 &= ~(uint64_t)(1 << 2);	/* rdtsc stays a user instruction */
	if (f->leaf1_edx & 1 << 7)
		cr4 |= 1 << 6;		/* machine checks are traps, not a shutdown */
	if (f->pge)
		cr4 |= 1 << 7;
	if (f->pcid)
		cr4 |= 1 << 17;		/* CR3's low bits are zero so far, as this asks for */
	if (f->umip)
		cr4 |= 1 << 11;
	if (f->fsgsbase)
		cr4 |= 1 << 16;
	if (f->xsave)
		cr4 |= 1 << 18;
	if (f->smep)
		cr4 |= 1 << 20;
	if (f->smap)
		cr4 |= 1 << 21;
	write_cr4(cr4);
	fpu_cpu_init();

	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	wrmsr(MSR_STAR, (uint64_t)SEL_UCODE32 << 48 | (uint64_t)SEL_KCODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_CSTAR, (uint64_t)syscall32_entry);
	wrmsr(MSR_FMASK, 0x257fd5);	/* all flags that mean anything, as Linux clears them */
}

struct cpu *hal_cpu_self(void)
{
	struct cpu *k;

	__asm__ volatile("movq %%gs:8, %0" : "=r"(k));
	return k;
}

void hal_cpu_set_self(struct cpu *k) { pcpu()->kernel = k; }
struct task *hal_current(void)
{
	struct task *t;

	__asm__ volatile("movq %%gs:32, %0" : "=r"(t));
	return t;
}

void hal_current_set(struct task *t) { __asm__ volatile("movq %0, %%gs:32" : : "r"(t) : "memory"); }
uint64_t hal_cpu_shares(unsigned cpu) { return 0; }
void hal_cpu_relax(void) { cpu_pause(); }

void hal_cpu_idle(void) NO_TSA
{
	/* sti takes effect after the next instruction: no interrupt between the two. */
	__asm__ volatile("sti\n\thlt\n\tcli" : : : "memory");
}

_Noreturn void hal_cpu_stop(void)
{
	for (;;)
		__asm__ volatile("cli\n\thlt" : : : "memory");
}

unsigned long hal_irq_save(void) NO_TSA { return flags_save_cli(); }
void hal_irq_restore(unsigned long flags) NO_TSA { flags_restore(flags); }
void hal_irq_disable(void) NO_TSA { __asm__ volatile("cli" : : : "memory"); }
void hal_irq_enable(void) NO_TSA { __asm__ volatile("sti" : : : "memory"); }
bool hal_irq_enabled(void)
{
	unsigned long f;

	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(f) : : "memory");
	return f & FLAGS_IF;
}
