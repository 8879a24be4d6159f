/* SPDX-License-Identifier: MIT */
/*
 * Devices are models on the host's side (host/src/virtio*.c), seen as
 * virtio-mmio register windows at addresses that nothing else has.  No PCI.
 */
#include "um.h"
#include <host/dev.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#define IO_BASE UINT64_C(0x10000000000)
enum { IO_SIZE = 0x1000 };

int hal_dev_get(unsigned index, struct hal_dev *out)
{
	if (index >= host_dev_count())
		return -ENODEV;
	memset(out, 0, sizeof(*out));
	strlcpy(out->compatible, "virtio,mmio", sizeof(out->compatible));
	out->base = IO_BASE + (uint64_t)index * IO_SIZE;
	out->size = IO_SIZE;
	out->irq = index + 1;
	return 0;
}

static uint32_t io_read(uint64_t reg, unsigned size)
{
	uint64_t off = reg - IO_BASE;
	uint64_t dev = off / IO_SIZE;

	if (reg < IO_BASE || dev >= host_dev_count())
		return UINT32_MAX;
	unsigned long flags = hal_irq_save();
	uint32_t v = host_dev_read((unsigned)dev, (uint32_t)(off % IO_SIZE), size);
	hal_irq_restore(flags);
	return v;
}

static void io_write(uint64_t reg, unsigned size, uint32_t v)
{
	uint64_t off = reg - IO_BASE;
	uint64_t dev = off / IO_SIZE;

	if (reg < IO_BASE || dev >= host_dev_count())
		return;
	unsigned long flags = hal_irq_save();
	host_dev_write((unsigned)dev, (uint32_t)(off % IO_SIZE), size, v);
	hal_irq_restore(flags);
}

uint8_t hal_io_read8(uint64_t reg) { return (uint8_t)io_read(reg, 1); }
uint16_t hal_io_read16(uint64_t reg) { return (uint16_t)io_read(reg, 2); }
uint32_t hal_io_read32(uint64_t reg) { return io_read(reg, 4); }
void hal_io_write8(uint64_t reg, uint8_t v) { io_write(reg, 1, v); }
void hal_io_write16(uint64_t reg, uint16_t v) { io_write(reg, 2, v); }
void hal_io_write32(uint64_t reg, uint32_t v) { io_write(reg, 4, v); }

uint32_t hal_pci_read32(unsigned bdf, unsigned offset) { return UINT32_MAX; }
void hal_pci_write32(unsigned bdf, unsigned offset, uint32_t v) { }
int hal_pci_window(unsigned index, uint64_t *base, uint64_t *size) { return -ENODEV; }
int hal_pci_intx(unsigned bdf, unsigned pin, unsigned *irq) { return -ENODEV; }

void hal_console_write(const char *s, size_t n)
{
	unsigned long flags = hal_irq_save();
	host_console_log(s, n);
	hal_irq_restore(flags);
}

void hal_entropy(void *buf, size_t n)
{
	unsigned long flags = hal_irq_save();
	host_entropy(buf, n);
	hal_irq_restore(flags);
}

_Noreturn void hal_poweroff(int status)
{
	um_irq_set_off();
	host_exit(status & 0xff);
}

_Noreturn void hal_reboot(void)
{
	um_irq_set_off();
	host_restart();
}

static struct hal_cpu_caps caps = { .platform = "x86_64" };

void um_caps_init(void)
{
	caps.hwcap = um_boot->hwcap;
	caps.hwcap2 = um_boot->hwcap2;
	caps.min_sigstack = um_boot->min_sigstack;
}

const struct hal_cpu_caps *hal_cpu_caps(void) { return &caps; }
