/* SPDX-License-Identifier: MIT */
/*
 * Devices that are not found by asking a bus: the serial port, the PCI host
 * bridge, and virtio-mmio transports, which microvm lists in its DSDT or, with
 * ACPI off, on the command line (virtio_mmio.device=<size>@<base>:<irq>).
 * And the access to their registers.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "acpi.h"
#include "apic.h"
#include "cpu.h"
#include "machine.h"
#include "pci.h"

enum { DEVICES = 40 };
static struct hal_dev devs[DEVICES];
static unsigned dev_count;

static void add(const char *compatible, uint64_t base, uint64_t size, unsigned irq)
{
	struct hal_dev *d = &devs[dev_count];

	for (unsigned i = 0; i < dev_count; i++)
		if (devs[i].base == base && !strcmp(devs[i].compatible, compatible))
			return;
	if (dev_count == DEVICES)
		return;
	strlcpy(d->compatible, compatible, sizeof(d->compatible));
	d->base = base;
	d->size = size;
	d->irq = irq;
	dev_count++;
}

bool cmdline_word(const char *key, unsigned index, char *value, size_t max)
{
	const char *s = hal_boot_info()->cmdline;
	size_t n = strlen(key);

	while (*s) {
		const char *end;

		while (*s == ' ')
			s++;
		for (end = s; *end && *end != ' '; end++)
			;
		if (end - s == 2 && s[0] == '-' && s[1] == '-')
			break;		/* the rest is init's */
		if ((size_t)(end - s) > n && !memcmp(s, key, n) && s[n] == '=' && index-- == 0) {
			size_t k = MIN((size_t)(end - s) - n - 1, max - 1);

			memcpy(value, s + n + 1, k);
			value[k] = 0;
			return true;
		}
		s = end;
	}
	return false;
}

static void add_virtio_word(char *w)
{
	char *at = strchr(w, '@'), *colon = at ? strchr(at, ':') : NULL, *more;
	uint64_t size, base, irq;

	if (!colon)
		return;
	*at = *colon = 0;
	more = strchr(colon + 1, ':');	/* an id may follow */
	if (more)
		*more = 0;
	if (parse_size(w, &size) || parse_u64(at + 1, 0, &base) || parse_u64(colon + 1, 0, &irq) || !mmio_map(base))
		return;
	irq_set_level((unsigned)irq, true);
	add("virtio,mmio", base, size, (unsigned)irq);
}

void dev_init(void)
{
	struct acpi_virtio v;
	unsigned first;
	char word[80];

	outb(0x3ff, 0xa5);
	if (inb(0x3ff) == 0xa5)
		add("ns16550a", 0x3f8 | HAL_IO_PORT, 8, irq_of_isa(4));
	pci_config_init();
	if (pci_config_present())
		add("pci-host-ecam-generic", pci_ecam_base(), pci_ecam_size(), 0);
	first = dev_count;
	for (unsigned i = 0; acpi_virtio_get(i, &v); i++) {
		irq_set_level(v.irq, true);
		add("virtio,mmio", v.base, v.size, v.irq);
	}
	/* The DSDT names them in no useful order; the first disk is the one with the lowest address. */
	for (unsigned i = first + 1; i < dev_count; i++)
		for (unsigned k = i; k > first && devs[k].base < devs[k - 1].base; k--) {
			struct hal_dev swap = devs[k];

			devs[k] = devs[k - 1];
			devs[k - 1] = swap;
		}
	for (unsigned i = 0; cmdline_word("virtio_mmio.device", i, word, sizeof(word)); i++)
		add_virtio_word(word);
}

int hal_dev_get(unsigned index, struct hal_dev *out)
{
	if (index >= dev_count)
		return -ENODEV;
	*out = devs[index];
	return 0;
}

#define IO_ACCESS(bits, suffix) \
uint##bits##_t hal_io_read##bits(uint64_t reg) \
{ \
	const volatile uint##bits##_t *p; \
	if (reg & HAL_IO_PORT) \
		return in##suffix((uint16_t)reg); \
	p = mmio_map(reg); \
	return p ? *p : (uint##bits##_t)-1; \
} \
void hal_io_write##bits(uint64_t reg, uint##bits##_t v) \
{ \
	volatile uint##bits##_t *p; \
	if (reg & HAL_IO_PORT) { \
		out##suffix((uint16_t)reg, v); \
		return; \
	} \
	p = mmio_map(reg); \
	if (p) \
		*p = v; \
}
IO_ACCESS(8, b)
IO_ACCESS(16, w)
IO_ACCESS(32, l)
