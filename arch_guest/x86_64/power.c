/* SPDX-License-Identifier: MIT */
/*
 * The end.  The exit status for the shell that started the machine goes out as
 * three digits through the QEMU debug console (isa-debugcon, port 0xe9), which
 * run.sh connects to a pipe: isa-debug-exit alone can pass 7 bits only, and an
 * ACPI power off none.  Then the machine is turned off by whatever there is.
 */
#include "acpi.h"
#include "cpu.h"
#include "machine.h"

enum { DEBUGCON = 0xe9, DEBUG_EXIT = 0xf4 };

static void reg_write8(struct acpi_reg r, uint8_t v)
{
	if (r.space == ACPI_IO_PORT)
		outb((uint16_t)r.addr, v);
	else if (r.space == ACPI_IO_MEMORY && r.addr >> 39 < DIRECT_SLOTS)
		*(volatile uint8_t *)mmio_map(r.addr) = v;
}

_Noreturn void hal_poweroff(int status)
{
	const struct acpi_power *a = &acpi_power;

	__asm__ volatile("cli");
	if (cpu_features.hypervisor) {
		if (inb(DEBUGCON) == 0xe9) {
			unsigned v = status & 0xff;

			outb(DEBUGCON, (uint8_t)('0' + v / 100));
			outb(DEBUGCON, (uint8_t)('0' + v / 10 % 10));
			outb(DEBUGCON, (uint8_t)('0' + v % 10));
			outb(DEBUGCON, '\n');
		}
		outl(DEBUG_EXIT, (uint32_t)status & 0xff);	/* QEMU ends here if it has the device */
	}
	if (a->sleep.space != ACPI_IO_NONE)
		reg_write8(a->sleep, (uint8_t)(1 << 5 | a->slp_typa << 2));
	if (a->pm1a.space == ACPI_IO_PORT)
		outw((uint16_t)a->pm1a.addr, (uint16_t)(1 << 13 | a->slp_typa << 10));
	if (a->pm1b.space == ACPI_IO_PORT)
		outw((uint16_t)a->pm1b.addr, (uint16_t)(1 << 13 | a->slp_typb << 10));
	hal_cpu_stop();
}

_Noreturn void hal_reboot(void)
{
	struct PACKED { uint16_t limit; uint64_t base; } none = { 0, 0 };

	__asm__ volatile("cli");
	reg_write8(acpi_power.reset, acpi_power.reset_value);
	for (unsigned i = 0; i < 10000 && inb(0x64) & 2; i++)
		cpu_pause();
	outb(0x64, 0xfe);	/* the keyboard controller's reset line */
	delay_us(1000);
	outb(0xcf9, 6);
	delay_us(1000);
	__asm__ volatile("lidt %0\n\tint3" : : "m"(none));	/* a triple fault resets any PC */
	hal_cpu_stop();
}
