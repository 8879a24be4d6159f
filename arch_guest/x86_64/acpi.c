/* SPDX-License-Identifier: MIT */
/*
 * ACPI: finding tables (ACPI 6.5, 5.2), and what is read off the DSDT's bytes.
 *
 * There is no AML interpreter.  Two things are worth knowing from AML, and both
 * have a fixed shape in practice: the \_S5 package (sleep types for power off),
 * and the resources of virtio-mmio devices (microvm).  They are found by
 * pattern; a DSDT of another shape only means that they are not found.
 */
#include <kernel/string.h>
#include "cpu.h"
#include "acpi.h"

struct acpi_power acpi_power;
enum { ROOT_MAX = 64 << 10 };
static struct { paddr_t root; bool wide, root_good /* summed up once */; const struct acpi_header *dsdt; } acpi;

static uint8_t sum(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *b++);
	return s;
}

static uint32_t le32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }
static uint64_t le64(const uint8_t *p) { return le32(p) | (uint64_t)le32(p + 4) << 32; }

/* n bytes at pa, which may be in no RAM that the loader named; NULL: cannot be mapped.  mmio_map() maps pages of 2 MiB, in line. */
static const void *bytes_at(paddr_t pa, uint64_t n)
{
	const uint64_t step = 2 << 20;

	if (!pa || pa >= (paddr_t)1 << 39)
		return NULL;
	for (paddr_t p = ALIGN_DOWN(pa, step); p < pa + n; p += step)
		if (!mmio_map(p))
			return NULL;
	return mmio_map(pa);
}

/* signature: NULL, or what it must be; another's is not summed up. */
static const struct acpi_header *table_at(paddr_t pa, const char *signature)
{
	const struct acpi_header *h = bytes_at(pa, sizeof(*h));

	if (!h || (signature && memcmp(h->signature, signature, 4)) || h->length < sizeof(*h) || h->length >= 1 << 24 || !bytes_at(pa, h->length))
		return NULL;
	return sum(h, h->length) ? NULL : h;
}

const struct acpi_header *acpi_find(const char *signature, unsigned index)
{
	const struct acpi_header *root = acpi.root_good ? bytes_at(acpi.root, sizeof(*root)) : table_at(acpi.root, NULL);
	unsigned step = acpi.wide ? 8 : 4;

	if (!root || root->length > ROOT_MAX || !bytes_at(acpi.root, root->length))
		return NULL;
	acpi.root_good = true;
	for (uint32_t off = sizeof(*root); off + step <= root->length; off += step) {
		const uint8_t *p = (const uint8_t *)root + off;
		const struct acpi_header *h = table_at(acpi.wide ? le64(p) : le32(p), signature);

		if (h && index-- == 0)
			return h;
	}
	return NULL;
}

static bool rsdp_use(paddr_t pa)
{
	const uint8_t *r = bytes_at(pa, 36);

	if (!r || memcmp(r, "RSD PTR ", 8) || sum(r, 20))
		return false;
	acpi.wide = r[15] >= 2 && le64(r + 24);
	acpi.root = acpi.wide ? le64(r + 24) : le32(r + 16);
	acpi.root_good = false;
	return true;
}

static struct acpi_reg gas(const uint8_t *p)
{
	struct acpi_reg r = { ACPI_IO_NONE, le64(p + 4) };

	if (r.addr)
		r.space = p[0] == 1 ? ACPI_IO_PORT : p[0] == 0 ? ACPI_IO_MEMORY : ACPI_IO_NONE;
	return r;
}

static struct acpi_reg port32(const uint8_t *p)
{
	struct acpi_reg r = { le32(p) ? ACPI_IO_PORT : ACPI_IO_NONE, le32(p) };

	return r;
}

static void read_fadt(const uint8_t *f, uint32_t len)
{
	struct acpi_power *a = &acpi_power;

	a->boot_arch = 0xffff;
	if (len < 116)
		return;
	acpi.dsdt = table_at(le32(f + 40), NULL);
	a->pm1a = port32(f + 64);
	a->pm1b = port32(f + 68);
	a->pm_timer = port32(f + 76);
	a->pm_timer_32 = le32(f + 112) >> 8 & 1;
	if (f[8] >= 2)
		a->boot_arch = (uint16_t)(f[109] | f[110] << 8);
	if (len >= 129 && le32(f + 112) >> 10 & 1) {
		a->reset = gas(f + 116);
		a->reset_value = f[128];
	}
	if (len >= 148 && !acpi.dsdt)
		acpi.dsdt = table_at(le64(f + 140), NULL);
	if (len >= 256 && le32(f + 112) >> 20 & 1) {	/* reduced hardware */
		a->sleep = gas(f + 244);
		a->pm1a.space = a->pm1b.space = a->pm_timer.space = ACPI_IO_NONE;
	}
}

static const uint8_t *aml_search(const uint8_t *p, const uint8_t *end, const char *what, size_t n)
{
	for (; p + n <= end; p++)
		if (!memcmp(p, what, n))
			return p;
	return NULL;
}

static const uint8_t *aml_byte(const uint8_t *p, uint8_t *out)
{
	if (*p == 0x0a) {	/* BytePrefix */
		*out = p[1];
		return p + 2;
	}
	*out = *p <= 1 ? *p : 0;	/* ZeroOp, OneOp */
	return p + 1;
}

static void read_s5(void)
{
	const uint8_t *p = (const uint8_t *)acpi.dsdt, *end = p + acpi.dsdt->length;

	acpi_power.slp_typa = acpi_power.slp_typb = 5;
	p = aml_search(p, end, "_S5_\x12", 5);
	if (!p || p + 14 > end)		/* with the longest PkgLength and two prefixed bytes */
		return;
	p += 5;
	p += 1 + (*p >> 6);	/* PkgLength */
	p++;			/* number of elements */
	p = aml_byte(p, &acpi_power.slp_typa);
	aml_byte(p, &acpi_power.slp_typb);
}

/* After the device's _HID: Memory32Fixed (0x86) and an extended interrupt (0x89), ACPI 6.5, 6.4.3. */
bool acpi_virtio_get(unsigned index, struct acpi_virtio *out)
{
	const uint8_t *p, *end;

	if (!acpi.dsdt)
		return false;
	p = (const uint8_t *)acpi.dsdt;
	end = p + acpi.dsdt->length;
	while ((p = aml_search(p, end, "LNRO0005", 8))) {
		const uint8_t *mem, *irq, *stop;

		p += 8;
		stop = aml_search(p, end, "LNRO0005", 8);
		if (!stop)
			stop = MIN(end, p + 256);
		mem = aml_search(p, stop, "\x86\x09\x00", 3);
		irq = aml_search(p, stop, "\x89\x06\x00", 3);
		if (!mem || !irq || mem + 12 > end || irq + 9 > end)
			continue;
		if (index--)
			continue;
		*out = (struct acpi_virtio){ .base = le32(mem + 4), .size = le32(mem + 8), .irq = le32(irq + 5),
			.level = !(irq[3] & 2) };
		return true;
	}
	return false;
}

void acpi_init(paddr_t rsdp)
{
	const struct acpi_header *fadt;
	bool found = rsdp && rsdp_use(rsdp);
	paddr_t ebda = (paddr_t)*(volatile uint16_t *)hal_phys_to_virt(0x40e) << 4;

	for (paddr_t p = ebda; !found && ebda >= 0x80000 && p < ebda + 1024 && p < 0xa0000; p += 16)
		found = rsdp_use(p);
	for (paddr_t p = 0xe0000; !found && p < 0x100000; p += 16)
		found = rsdp_use(p);
	acpi_power.boot_arch = 0xffff;
	fadt = acpi_find("FACP", 0);
	if (fadt)
		read_fadt((const uint8_t *)fadt, fadt->length);
	if (acpi.dsdt)
		read_s5();
}
