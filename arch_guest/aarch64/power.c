/* SPDX-License-Identifier: MIT */
/*
 * Power: PSCI (ARM DEN 0022) for CPUs, power-off and reset.  It has no room for an
 * exit status; where the command line says `semihosting`, a debugger or an
 * emulator takes the status first.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "aarch64/port.h"

static enum { NO_PSCI, PSCI_HVC, PSCI_SMC } method;
static uint64_t fn_cpu_on = 0xc4000003;
enum { FN_SYSTEM_OFF = (int)0x84000008, FN_SYSTEM_RESET = (int)0x84000009 };

static int64_t psci(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;
#define PSCI_CLOBBERS "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"
	if (method == PSCI_HVC)
		__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PSCI_CLOBBERS);
	else if (method == PSCI_SMC)
		__asm__ volatile(".inst 0xd4000003" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PSCI_CLOBBERS);
	else
		return -1;
	return (int64_t)x0;
}

void psci_init(void)
{
	static const char *const names[] = { "arm,psci-1.0", "arm,psci-0.2", "arm,psci" };
	int node = FDT_NONE;
	uint64_t v;
	for (unsigned i = 0; i < ARRAY_SIZE(names) && node == FDT_NONE; i++)
		node = fdt_find(&boot_fdt, FDT_NONE, names[i]);
	const char *m = fdt_string(&boot_fdt, node, "method");
	if (!m)
		return;
	method = strcmp(m, "smc") == 0 ? PSCI_SMC : strcmp(m, "hvc") == 0 ? PSCI_HVC : NO_PSCI;
	/* Version 0.1 says the numbers; later ones have them fixed. */
	if (!fdt_compatible(&boot_fdt, node, "arm,psci-0.2") && !fdt_compatible(&boot_fdt, node, "arm,psci-1.0") &&
	    fdt_number(&boot_fdt, node, "cpu_on", &v))
		fn_cpu_on = v;
}

int64_t psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context) { return psci(fn_cpu_on, mpidr, entry, context); }

_Noreturn void hal_poweroff(int status)
{
	hal_irq_save();
	if (boot_word("semihosting")) {
		/* SYS_EXIT_EXTENDED, ADP_Stopped_ApplicationExit */
		uint64_t block[2] = { 0x20026, (uint64_t)(status & 0xff) };
		register uint64_t w0 __asm__("x0") = 0x20;
		register uint64_t x1 __asm__("x1") = (uintptr_t)block;
		__asm__ volatile("hlt #0xf000" : "+r"(w0) : "r"(x1) : "memory");
	}
	psci((uint32_t)FN_SYSTEM_OFF, 0, 0, 0);
	hal_cpu_stop();
}

_Noreturn void hal_reboot(void)
{
	hal_irq_save();
	psci((uint32_t)FN_SYSTEM_RESET, 0, 0, 0);
	hal_cpu_stop();
}
