/* SPDX-License-Identifier: MIT */
/*
 * Targets `fdt`, `acpi` and `boot`: the native ports' parsers (tests/fuzz/parsers).
 *
 *   fdt    the input is the blob; it ends where nothing is mapped behind it
 *   acpi   physical memory from 0x1000: the RSDP, then tables.  Checksums are
 *          made right, since inputs that only fail there find nothing
 *   boot   physical memory from 0x2000: the PVH start_info, and what it points to
 *
 * Physical memory that no input says anything about is zeros; it ends up
 * written to here and there, and is thrown away after each run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "parsers/parsers.h"
#include "target_parsers.h"


size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

enum { PAGE = 4096, INPUT_MAX = 1 << 16, MAPS = 4096 };
#define MIB2 (UINT64_C(1) << 21)

extern char __start_parsers_data[], __stop_parsers_data[], __start_parsers_bss[], __stop_parsers_bss[];

static uint8_t *fdt_end;		/* a page that nobody may read */
static char *saved_data, *saved_bss;
static uint64_t maps[MAPS];
static unsigned nmaps;

void parsers_map(uint64_t pa)
{
	pa &= ~(MIB2 - 1);
	if (pa < PARSERS_EARLY || pa >= PARSERS_WINDOW || nmaps == MAPS)
		return;
	for (unsigned i = 0; i < nmaps; i++)
		if (maps[i] == pa)
			return;
	maps[nmaps++] = pa;
	if (mprotect(parsers_memory + pa, MIB2, PROT_READ | PROT_WRITE))
		abort();
}

__attribute__((no_sanitize("all"))) static void copy(char *to, const char *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

void parsers_init(void)
{
	size_t ndata = (size_t)(__stop_parsers_data - __start_parsers_data), nbss = (size_t)(__stop_parsers_bss - __start_parsers_bss);
	uint8_t *p = mmap(NULL, INPUT_MAX + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	parsers_memory = mmap(NULL, PARSERS_WINDOW, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED || parsers_memory == MAP_FAILED || mprotect(parsers_memory, PARSERS_EARLY, PROT_READ | PROT_WRITE) ||
	    mprotect(p + INPUT_MAX, PAGE, PROT_NONE)) {
		perror("eft-fuzz: mmap");
		exit(2);
	}
	madvise(parsers_memory, PARSERS_WINDOW, MADV_NOHUGEPAGE);
	fdt_end = p + INPUT_MAX;
	saved_data = malloc(ndata);
	saved_bss = malloc(nbss);
	copy(saved_data, __start_parsers_data, ndata);
	copy(saved_bss, __start_parsers_bss, nbss);
}

static void forget(void)
{
	for (unsigned i = 0; i < nmaps; i++)
		if (mprotect(parsers_memory + maps[i], MIB2, PROT_NONE) || madvise(parsers_memory + maps[i], MIB2, MADV_DONTNEED))
			abort();
	nmaps = 0;
	if (madvise(parsers_memory, PARSERS_EARLY, MADV_DONTNEED))
		abort();
	copy(__start_parsers_data, saved_data, (size_t)(__stop_parsers_data - __start_parsers_data));
	copy(__start_parsers_bss, saved_bss, (size_t)(__stop_parsers_bss - __start_parsers_bss));
}

uint64_t fdt_one(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	memcpy(fdt_end - size, data, size);
	parsers_fdt(fdt_end - size, size);
	return 0;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

/* The tables' checksums: of the RSDP, and of all that look like a table (a length that fits, on 16 bytes). */
static void checksums(uint8_t *p, size_t size)
{
	if (size >= 20)
		p[8] = (uint8_t)(p[8] - sum(p, 20));
	for (size_t at = 48; at + 36 <= size; at += 16) {
		uint32_t n;

		memcpy(&n, p + at + 4, 4);
		if (n > INPUT_MAX && n < 1 << 24 && (n >> 4) % 32 != 7)
			p[at + 7] = 0xff;	/* to sum up megabytes of zeros each time finds nothing: seldom */
		if (n >= 36 && n <= size - at && p[at] >= 'A' && p[at] <= 'Z')
			p[at + 9] = (uint8_t)(p[at + 9] - sum(p + at, n));
	}
}

uint64_t acpi_one(const uint8_t *data, size_t size)
{
	uint8_t *at = (uint8_t *)parsers_memory + PARSERS_RSDP;

	if (size > INPUT_MAX)
		return 0;
	memcpy(at, data, size);
	checksums(at, size);
	parsers_acpi();
	forget();
	return 0;
}

/* ---- inputs as firmware makes them, and changes of words ---- */

static void put(uint8_t *at, uint64_t v, unsigned n) { memcpy(at, &v, n); }

static uint8_t *table(uint8_t *p, const char *name, uint32_t length)
{
	memset(p, 0, length);
	memcpy(p, name, 4);
	put(p + 4, length, 4);
	p[8] = 6;
	return p;
}

enum { AT_XSDT = 0x40, AT_FADT = 0x80, AT_DSDT = 0x1a0, AT_MADT = 0x280, AT_MCFG = 0x300, AT_HPET = 0x340, ACPI_SIZE = 0x380 };

/* An RSDP and tables behind it; pa: where they will be. */
static void acpi_make(uint8_t *p, uint64_t pa)
{
	static const uint8_t entries[] = { 0, 8, 0, 0, 1, 0, 0, 0, 0, 8, 1, 1, 1, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,
		2, 10, 0, 0, 2, 0, 0, 0, 5, 0, 9, 16, 0, 0, 44, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t device[] = "_S5_\x12\x0a\x04\x0a\x05\x0a\x05 _HIDLNRO0005\x86\x09\x00\x01\x00\x00\xb0\xfe\x00\x02\x00\x00\x89\x06\x00\x01\x01\x05\x00\x00\x00";
	uint8_t *t;

	memset(p, 0, ACPI_SIZE);
	memcpy(p, "RSD PTR ", 8);
	p[15] = 2;
	put(p + 24, pa + AT_XSDT, 8);
	t = table(p + AT_XSDT, "XSDT", 36 + 4 * 8);
	put(t + 36, pa + AT_FADT, 8);
	put(t + 44, pa + AT_MADT, 8);
	put(t + 52, pa + AT_MCFG, 8);
	put(t + 60, pa + AT_HPET, 8);
	t = table(p + AT_FADT, "FACP", 276);
	put(t + 40, pa + AT_DSDT, 4);
	put(t + 64, 0x604, 4);
	put(t + 112, 1 << 10 | 1 << 8, 4);
	put(t + 116, 0x08010001, 4);
	put(t + 120, 0xcf9, 8);
	t = table(p + AT_DSDT, "DSDT", 36 + 2 * sizeof(device));
	memcpy(t + 36, device, sizeof(device));
	memcpy(t + 36 + sizeof(device), device, sizeof(device));
	t = table(p + AT_MADT, "APIC", 44 + sizeof(entries));
	memcpy(t + 44, entries, sizeof(entries));
	t = table(p + AT_MCFG, "MCFG", 60);
	put(t + 44, 0xb0000000, 8);
	t[55] = 255;
	t = table(p + AT_HPET, "HPET", 56);
	put(t + 44, 0xfed00000, 8);
}

enum { AT_CMDLINE = 0x80, AT_MODULE = 0xe0, AT_MEMMAP = 0x100, AT_ACPI = 0x400, BOOT_SIZE = AT_ACPI + ACPI_SIZE };

static void boot_make(uint8_t *p)
{
	static const uint64_t memory[][3] = { { 0, 0x9fc00, 1 }, { 0x9fc00, 0x400, 2 }, { 0xf0000, 0x10000, 2 }, { 0x100000, 0x7ee0000, 1 },
		{ 0x7fe0000, 0x20000, 2 }, { 0x100000000, 0x80000000, 1 } };
	uint8_t *m = p + AT_MEMMAP;

	memset(p, 0, BOOT_SIZE);
	put(p, 0x336ec578, 4);
	put(p + 4, 1, 4);
	put(p + 12, 1, 4);
	put(p + 16, PARSERS_START + AT_MODULE, 8);
	put(p + 24, PARSERS_START + AT_CMDLINE, 8);
	put(p + 32, PARSERS_START + AT_ACPI, 8);
	put(p + 40, PARSERS_START + AT_MEMMAP, 8);
	put(p + 48, sizeof(memory) / sizeof(memory[0]), 4);
	strcpy((char *)p + AT_CMDLINE, "console=ttyS0 virtio_mmio.device=512@0xfeb00e00:12 -- x");
	put(p + AT_MODULE, 0x700000, 8);
	put(p + AT_MODULE + 8, 0x123456, 8);
	for (unsigned i = 0; i < sizeof(memory) / sizeof(memory[0]); i++, m += 24) {
		put(m, memory[i][0], 8);
		put(m + 8, memory[i][1], 8);
		put(m + 16, memory[i][2], 4);
	}
	acpi_make(p + AT_ACPI, PARSERS_START + AT_ACPI);
}

/* A word that says something becomes something else. */
static size_t words_change(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const uint64_t odd[] = { 0, 1, 2, 4095, 4096, 0x100000, 0x200000, 0x1ff000, 0x600000, 0x601000, 0xffffffff, 0x100000000, 0xfffff000, 0x101000000,
		0x7fffffffff, 0x8000000000, 0x1ffffffffff, 0x20000000000, ~UINT64_C(0), ~UINT64_C(4095), 0x7fffffffffffffff, 0x1ffffff8, 0x1ffff0 };
	uint64_t s = seed, v = 0;
	size_t at;
	unsigned n;

	s = s * UINT64_C(0x9e3779b97f4a7c15) ^ seed >> 7;
	if (size < 64 || s % 4 == 0)
		return LLVMFuzzerMutate(data, size, max);
	for (unsigned k = 1 + (unsigned)(s >> 8) % 3; k-- > 0; s = s * UINT64_C(6364136223846793005) + 1442695040888963407u) {
		at = (size_t)(s >> 20) % size;
		for (unsigned tries = 0; tries < 64 && !data[at]; tries++)
			at = (at + 1) % size;
		at &= ~(size_t)3;
		n = s >> 14 & 1 && at + 8 <= size ? 8 : at + 4 <= size ? 4 : 1;
		memcpy(&v, data + at, n);
		switch (s >> 50 & 3) {
		case 0: v = odd[(s >> 33) % (sizeof(odd) / sizeof(odd[0]))]; break;
		case 1: v += (s >> 33 & 7) - 3; break;
		case 2: v += ((s >> 33 & 7) - 3) << 12; break;
		default: v ^= UINT64_C(1) << (s >> 33) % (8 * n); break;
		}
		memcpy(data + at, &v, n);
	}
	return size;
}

size_t acpi_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (size < 64 && max >= ACPI_SIZE) {
		acpi_make(data, PARSERS_RSDP);
		return ACPI_SIZE;
	}
	return words_change(data, size, max, seed);
}

size_t boot_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (size < 64 && max >= BOOT_SIZE) {
		boot_make(data);
		return BOOT_SIZE;
	}
	return words_change(data, size, max, seed);
}

/* A small device tree: big-endian words, strings collected at the end. */
struct tree { uint8_t *p; size_t n, strings; char names[256]; size_t nnames; };

static void tree_word(struct tree *t, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		t->p[t->n++] = (uint8_t)(v >> (24 - 8 * i));
}

static void tree_node(struct tree *t, const char *name)
{
	size_t n = strlen(name) + 1;

	tree_word(t, 1);
	memcpy(t->p + t->n, name, n);
	t->n = (t->n + n + 3) & ~(size_t)3;
}

static void tree_bytes(struct tree *t, const char *name, const void *p, size_t n)
{
	size_t at = 0;

	while (at < t->nnames && strcmp(t->names + at, name))
		at += strlen(t->names + at) + 1;
	if (at == t->nnames) {
		strcpy(t->names + at, name);
		t->nnames += strlen(name) + 1;
	}
	tree_word(t, 3);
	tree_word(t, (uint32_t)n);
	tree_word(t, (uint32_t)at);
	memcpy(t->p + t->n, p, n);
	t->n = (t->n + n + 3) & ~(size_t)3;
}

static void tree_text(struct tree *t, const char *name, const char *text) { tree_bytes(t, name, text, strlen(text) + 1); }

static void tree_cells(struct tree *t, const char *name, const uint32_t *v, unsigned n)
{
	uint8_t b[64];

	for (unsigned i = 0; i < 4 * n; i++)
		b[i] = (uint8_t)(v[i / 4] >> (24 - 8 * (i % 4)));
	tree_bytes(t, name, b, 4 * n);
}
#define CELLS(t, name, ...) tree_cells(t, name, (const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

enum { FDT_SIZE = 2048, FDT_STRUCTS = 72 };

static size_t fdt_make(uint8_t *out)
{
	struct tree t = { .p = out, .n = FDT_STRUCTS };
	size_t end;

	memset(out, 0, FDT_SIZE);
	tree_node(&t, "");
	CELLS(&t, "#address-cells", 2);
	CELLS(&t, "#size-cells", 2);
	CELLS(&t, "interrupt-parent", 1);
	tree_node(&t, "chosen");
	tree_text(&t, "bootargs", "console=ttyAMA0 -- x");
	tree_text(&t, "stdout-path", "/soc/uart@9000000:115200");
	CELLS(&t, "linux,initrd-start", 0, 0x48000000);
	CELLS(&t, "linux,initrd-end", 0, 0x48100000);
	tree_word(&t, 2);
	tree_node(&t, "memory@40000000");
	tree_text(&t, "device_type", "memory");
	CELLS(&t, "reg", 0, 0x40000000, 0, 0x10000000);
	tree_word(&t, 2);
	tree_node(&t, "reserved-memory");
	CELLS(&t, "ranges", 0);
	tree_node(&t, "secure@4e000000");
	CELLS(&t, "reg", 0, 0x4e000000, 0, 0x100000);
	tree_word(&t, 2);
	tree_word(&t, 2);
	tree_node(&t, "cpus");
	CELLS(&t, "#address-cells", 1);
	CELLS(&t, "#size-cells", 0);
	tree_node(&t, "cpu@0");
	tree_text(&t, "device_type", "cpu");
	CELLS(&t, "reg", 0);
	tree_word(&t, 2);
	tree_word(&t, 2);
	tree_node(&t, "intc@8000000");
	tree_text(&t, "compatible", "arm,cortex-a15-gic");
	CELLS(&t, "#interrupt-cells", 3);
	CELLS(&t, "phandle", 1);
	CELLS(&t, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8010000, 0, 0x10000);
	tree_word(&t, 2);
	tree_node(&t, "soc");
	CELLS(&t, "#address-cells", 1);
	CELLS(&t, "#size-cells", 1);
	CELLS(&t, "ranges", 0, 0, 0x9000000, 0x1000000);
	tree_node(&t, "uart@9000000");
	tree_text(&t, "compatible", "arm,pl011");
	CELLS(&t, "reg", 0, 0x1000);
	CELLS(&t, "interrupts", 0, 1, 4);
	tree_word(&t, 2);
	tree_node(&t, "virtio@a000000");
	tree_text(&t, "compatible", "virtio,mmio");
	CELLS(&t, "reg", 0x1000, 0x200);
	CELLS(&t, "interrupts-extended", 1, 0, 16, 1);
	tree_text(&t, "status", "okay");
	tree_word(&t, 2);
	tree_word(&t, 2);
	tree_word(&t, 2);
	tree_word(&t, 9);
	end = t.n;
	memcpy(out + end, t.names, t.nnames);
	t.n = 0;
	tree_word(&t, 0xd00dfeed);
	tree_word(&t, (uint32_t)(end + t.nnames));
	tree_word(&t, FDT_STRUCTS);
	tree_word(&t, (uint32_t)end);
	tree_word(&t, 40);
	tree_word(&t, 17);
	tree_word(&t, 16);
	tree_word(&t, 0);
	tree_word(&t, (uint32_t)t.nnames);
	tree_word(&t, (uint32_t)(end - FDT_STRUCTS));
	put(out + 44, 0x41, 1);		/* one reservation: at 0x41000000 00000000 */
	put(out + 54, 1, 1);
	return end + t.nnames;
}

size_t fdt_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (size < 64 && max >= FDT_SIZE)
		return fdt_make(data);
	return words_change(data, size, max, seed);
}

uint64_t boot_one(const uint8_t *data, size_t size)
{
	uint8_t *at = (uint8_t *)parsers_memory + PARSERS_START;

	if (size > INPUT_MAX)
		return 0;
	memcpy(at, data, size);
	if (size > AT_ACPI)
		checksums(at + AT_ACPI, size - AT_ACPI);
	parsers_boot();
	forget();
	return 0;
}
