/* SPDX-License-Identifier: MIT */
/* From the host's main() to kernel_main(): boot information, CPU 0. */
#include "patch.h"
#include <kernel/cpu.h>

const struct host_boot *um_boot;
char *um_ram;

static struct hal_boot boot;
enum { BOOT_STACK = KSTACK_SIZE };	/* the first physical pages: a stack may be the target of DMA */
static const struct host_hooks hooks = {
	.interrupt = um_interrupt_entry, .interrupt_return = um_interrupt_return, .crash = um_crash, .irq = um_irq_line, .stub_died = um_stub_died,
	.stats = um_stats,
};

const struct hal_boot *hal_boot_info(void) { return &boot; }

static void boot_ranges(const struct host_boot *b)
{
	uint64_t end = b->ram_end;

	if (b->initrd)		/* the host loaded it at the end */
		end = b->initrd;
	boot.ranges = 1;
	boot.range[0].base = HOST_RAM_BASE + BOOT_STACK;
	boot.range[0].size = end - boot.range[0].base;
}

static void boot_enter(void *arg) { kernel_main(); }

__attribute__((visibility("default"))) void um_main(const struct host_boot *b)
{
	um_boot = b;
	um_ram = b->ram;
	boot.cmdline = b->cmdline;
	boot.cpus = b->cpus;
	boot.initrd = b->initrd;
	boot.initrd_size = b->initrd_size;
	boot_ranges(b);
	um_caps_init();
	um_patch_init();
	host_set_hooks(&hooks);
	for (unsigned i = 0; i < HOST_CPUS; i++) {
		um_cpus[i].self = &um_cpus[i];
		um_cpus[i].index = i;
		um_cpus[i].irq_off = 1;
		um_cpus[i].timer_want = um_cpus[i].timer_set = UINT64_MAX;
	}
	um_cpus[0].stack = um_ram + HOST_RAM_BASE;
	um_cpus[0].stack_size = BOOT_STACK;
	um_cpus[0].host_cpu = host_cpu_pinned(0);
	um_cpus[0].spare_cpu = host_cpu_spare(0);
	host_cpu_ready(0, &um_cpus[0]);
	um_enter_stack(um_ram + HOST_RAM_BASE + BOOT_STACK, boot_enter, NULL);
}
