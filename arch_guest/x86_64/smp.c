/* SPDX-License-Identifier: MIT */
/*
 * Starting the other CPUs: INIT, then a start-up message with the page that
 * holds a copy of ap_start (boot.S; SDM 3A 9.4).  One at a time: the caller
 * does not start two at once.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include "apic.h"
#include "cpu.h"
#include "machine.h"

/* What boot.S needs before C can run. */
struct pcpu *ap_boot_cpu;
uint64_t ap_boot_stack, ap_boot_cr3, ap_boot_efer;
extern const char ap_start[], ap_start_end[];
_Noreturn void ap_main(struct pcpu *c);

_Noreturn void ap_main(struct pcpu *c)
{
	unsigned id = c->id;

	cpu_load(c);
	apic_cpu_init();
	time_cpu_init();
	store_release(&c->online, true);
	kernel_cpu_main(id);
}

int hal_cpu_start(unsigned cpu, void *stack_base, size_t stack_size)
{
	struct page *block;
	struct pcpu *c;

	if (cpu >= hal_boot_info()->cpus || !cpu || cpu_table[cpu] || !ap_page)
		return -ENODEV;
	block = page_alloc(3, ALLOC_ZERO);
	if (!block)
		return -EIO;
	_Static_assert(PAGE_SIZE << 3 == CPU_BLOCK, "order");
	c = cpu_prepare(page_addr(block), cpu, apic_id_of(cpu));
	ap_boot_cpu = c;
	ap_boot_stack = (uint64_t)stack_base + stack_size;
	ap_boot_cr3 = (uint64_t)kernel_pml4 - DIRECT_BASE;
	ap_boot_efer = cpu_features.nx ? EFER_NXE : 0;
	memcpy(hal_phys_to_virt(ap_page), ap_start, (size_t)(ap_start_end - ap_start));
	store_release(&cpu_table[cpu], c);

	apic_send(c->apic_id, APIC_INIT | APIC_ASSERT);
	delay_us(cpu_features.hypervisor ? 10 : 10000);
	for (unsigned try = 0; try < 2; try++) {
		apic_send(c->apic_id, APIC_STARTUP | APIC_ASSERT | (uint32_t)(ap_page >> 12));
		for (unsigned i = 0; i < (try ? 100000 : 20) && !load_acquire(&c->online); i++)
			delay_us(10);
		if (load_acquire(&c->online))
			return 0;
	}
	/* It may still wake up: its block and stack stay its own. */
	return -EIO;
}
