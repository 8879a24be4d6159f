/* SPDX-License-Identifier: MIT */
/*
 * The UEFI application: a PVH loader (UEFI 2.10; xen's start_info.h).
 *
 * A separate little program, PE32+, with kernel.elf inside.  The command line is the one that the firmware passes; if it passes
 * none, as for \EFI\BOOT\BOOTX64.EFI, the text of \eft.txt on the volume that the program came from.  initrd=FILE in it
 * names a file of that volume, the initial RAM disk.
 *
 * It puts the
 * kernel's segments where they belong, asks the firmware for the memory map,
 * the ACPI tables and the command line, ends the firmware's boot services,
 * leaves long mode, and enters the kernel the way QEMU's -kernel does.  So the
 * kernel knows one loader only.
 */
#include <stddef.h>
#include <stdint.h>

typedef uint64_t efi_status;
typedef void *efi_handle;
struct efi_guid { uint32_t a; uint16_t b, c; uint8_t d[8]; };
struct efi_memory { uint32_t type, pad; uint64_t start, virt, pages, attribute; };
struct efi_text_output { void *reset; efi_status (*output)(struct efi_text_output *self, const uint16_t *s); };
struct efi_config { struct efi_guid guid; void *table; };

struct efi_boot {
	char header[24];
	void *tpl[2];
	efi_status (*allocate_pages)(uint32_t how, uint32_t type, uint64_t pages, uint64_t *addr);
	void *free_pages;
	efi_status (*get_memory_map)(uint64_t *size, struct efi_memory *map, uint64_t *key, uint64_t *step, uint32_t *version);
	void *skip[11];
	efi_status (*handle_protocol)(efi_handle h, const struct efi_guid *guid, void **out);
	void *skip2[9];
	efi_status (*exit_boot_services)(efi_handle image, uint64_t key);
};
_Static_assert(offsetof(struct efi_boot, handle_protocol) == 152, "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot, exit_boot_services) == 232, "UEFI 4.4");

struct efi_system {
	char header[24];
	void *vendor;
	uint64_t revision;
	void *con[3];
	struct efi_text_output *out;
	void *err[2];
	void *runtime;
	struct efi_boot *boot;
	uint64_t config_count;
	struct efi_config *config;
};
_Static_assert(offsetof(struct efi_system, boot) == 96, "UEFI 4.3");

struct efi_loaded_image {
	uint64_t revision;
	void *parent, *system;
	efi_handle device;
	void *skip[2];
	uint32_t options_size;
	uint16_t *options;
};
_Static_assert(offsetof(struct efi_loaded_image, options) == 56, "UEFI 9.1");

struct efi_file {
	uint64_t revision;
	efi_status (*open)(struct efi_file *dir, struct efi_file **out, const uint16_t *name, uint64_t mode, uint64_t attributes);
	efi_status (*close)(struct efi_file *f);
	void *delete;
	efi_status (*read)(struct efi_file *f, uint64_t *size, void *buf);
	void *write;
	efi_status (*get_position)(struct efi_file *f, uint64_t *pos);
	efi_status (*set_position)(struct efi_file *f, uint64_t pos);	/* all ones: the end */
};
struct efi_volume { uint64_t revision; efi_status (*open)(struct efi_volume *v, struct efi_file **root); };
enum { EFI_FILE_READ = 1 };

enum { ALLOCATE_ANY, ALLOCATE_MAX, ALLOCATE_ADDRESS };
enum { LOADER_CODE = 1, LOADER_DATA, BOOT_CODE, BOOT_DATA, CONVENTIONAL = 7 };

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t memmap_entries, reserved;
};
struct start_mem { uint64_t addr, size; uint32_t type, reserved; };
struct start_module { uint64_t paddr, size, cmdline, reserved; };

struct elf { char ident[16]; uint16_t type, machine; uint32_t version; uint64_t entry, phoff, shoff; uint32_t flags; uint16_t ehsize, phentsize, phnum; };
struct phdr { uint32_t type, flags; uint64_t offset, vaddr, paddr, filesz, memsz, align; };

/* What is handed over, in one block below 4 GiB. */
enum { MAP_MAX = 512, MAP_BYTES = 64 << 10, CMDLINE = 4096 };
struct handover {
	uint8_t code[512];
	uint64_t gdt[3];
	struct { uint16_t pad[3], limit; uint64_t base; } gdtr;
	struct start_info info;
	struct start_mem mem[MAP_MAX];
	struct start_module initrd;
	char cmdline[CMDLINE];
	uint8_t map[MAP_BYTES];
};

extern const uint8_t kernel_image[], leave_long_mode[], leave_long_mode_end[];

static struct efi_system *sys;

static void copy(void *d, const void *s, uint64_t n) { __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory"); }
static void clear(void *d, uint64_t n) { __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(0) : "memory"); }

static efi_status fail(const uint16_t *why, efi_status err)
{
	sys->out->output(sys->out, u"eft: cannot start: ");
	sys->out->output(sys->out, why);
	sys->out->output(sys->out, u"\r\n");
	return err ? err : (uint64_t)1 << 63 | 1;
}

static int same(const struct efi_guid *a, const struct efi_guid *b)
{
	const uint64_t *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1];
}

static uint64_t find_rsdp(void)
{
	static const struct efi_guid acpi2 = { 0x8868e871, 0xe4f1, 0x11d3, { 0xbc, 0x22, 0, 0x80, 0xc7, 0x3c, 0x88, 0x81 } };
	static const struct efi_guid acpi1 = { 0xeb9d2d30, 0x2d88, 0x11d3, { 0x9a, 0x16, 0, 0x90, 0x27, 0x3f, 0xc1, 0x4d } };
	uint64_t found = 0;

	for (uint64_t i = 0; i < sys->config_count; i++) {
		if (same(&sys->config[i].guid, &acpi2))
			return (uint64_t)sys->config[i].table;
		if (same(&sys->config[i].guid, &acpi1))
			found = (uint64_t)sys->config[i].table;
	}
	return found;
}

/* The volume that the program was loaded from; NULL: none that can be read. */
static struct efi_file *own_volume(const struct efi_loaded_image *li)
{
	static const struct efi_guid guid = { 0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };
	struct efi_volume *v;
	struct efi_file *root;

	if (!li->device || sys->boot->handle_protocol(li->device, &guid, (void **)&v) || v->open(v, &root))
		return NULL;
	return root;
}

/* A file of the volume into pages below max; its size, 0: there is none. */
static uint64_t read_file(struct efi_file *root, const uint16_t *name, uint64_t max, uint64_t *addr)
{
	uint64_t size = 0, done = 0, n;
	struct efi_file *f;

	if (root->open(root, &f, name, EFI_FILE_READ, 0))
		return 0;
	*addr = max;
	if (f->set_position(f, UINT64_MAX) || f->get_position(f, &size) || f->set_position(f, 0) || !size ||
	    sys->boot->allocate_pages(ALLOCATE_MAX, LOADER_DATA, (size + 4095) / 4096, addr))
		size = 0;
	for (; done < size; done += n) {
		n = size - done;
		if (f->read(f, &n, (void *)(*addr + done)) || n == 0)
			size = 0;	/* the pages stay the loader's */
	}
	f->close(f);
	return size;
}

static void read_options(const struct efi_loaded_image *li, struct efi_file *root, char *cmdline)
{
	uint64_t addr, size;
	uint32_t i = 0;

	for (; i < li->options_size / 2 && i < CMDLINE - 1 && li->options[i]; i++)
		cmdline[i] = (char)li->options[i];
	if (i == 0 && root) {
		size = read_file(root, u"\\eft.txt", 0xffffffff, &addr);
		for (; i < size && i < CMDLINE - 1; i++)
			cmdline[i] = ((char *)addr)[i] < ' ' ? ' ' : ((char *)addr)[i];
	}
	cmdline[i] = 0;
}

/* initrd=FILE of the command line, as Linux's loader has it.  0: there is none, or it is read. */
static efi_status read_initrd(struct efi_file *root, struct handover *h)
{
	static const char key[] = "initrd=";
	uint16_t name[256];
	const char *p;

	for (p = h->cmdline; *p; p++) {
		unsigned n = 0;

		while (p[n] && p[n] == key[n])
			n++;
		if (key[n] || (p > h->cmdline && p[-1] != ' '))
			continue;
		p += n;
		for (n = 0; p[n] && p[n] != ' ' && n < 255; n++)
			name[n] = p[n] == '/' ? '\\' : (uint8_t)p[n];
		name[n] = 0;
		h->initrd.size = root ? read_file(root, name, 0xffffffff, &h->initrd.paddr) : 0;
		if (!h->initrd.size)
			return fail(u"the initial RAM disk cannot be read", 0);
		h->info.modules = (uint64_t)&h->initrd;
		h->info.nr_modules = 1;
		break;
	}
	return 0;
}

static efi_status load_kernel(uint32_t *entry)
{
	const struct elf *e = (const struct elf *)kernel_image;
	const struct phdr *p = (const struct phdr *)(kernel_image + e->phoff);
	uint64_t low = UINT64_MAX, high = 0;
	efi_status err;

	for (unsigned i = 0; i < e->phnum; i++)
		if (p[i].type == 1) {
			low = p[i].paddr < low ? p[i].paddr : low;
			high = p[i].paddr + p[i].memsz > high ? p[i].paddr + p[i].memsz : high;
		}
	low &= ~(uint64_t)4095;
	err = sys->boot->allocate_pages(ALLOCATE_ADDRESS, LOADER_DATA, (high - low + 4095) / 4096, &low);
	if (err)
		return fail(u"the kernel's memory is in use", err);
	clear((void *)low, high - low);
	for (unsigned i = 0; i < e->phnum; i++) {
		if (p[i].type == 1)
			copy((void *)p[i].paddr, kernel_image + p[i].offset, p[i].filesz);
		if (p[i].type == 4)	/* the PVH note: the only one, see boot.S */
			*entry = *(const uint32_t *)(kernel_image + p[i].offset + 16);
	}
	return 0;
}

efi_status efi_main(efi_handle image, struct efi_system *system);
efi_status efi_main(efi_handle image, struct efi_system *system)
{
	static const struct efi_guid image_guid = { 0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0, 0xa0, 0xc9, 0x69, 0x72, 0x3b } };
	uint64_t size, key, step, addr = 0xffffffff;
	struct efi_loaded_image *li;
	struct efi_file *root;
	struct handover *h;
	uint32_t version, entry = 0;
	efi_status err;

	sys = system;
	err = sys->boot->allocate_pages(ALLOCATE_MAX, LOADER_CODE, (sizeof(*h) + 4095) / 4096, &addr);
	if (err)
		return fail(u"no memory", err);
	h = (struct handover *)addr;
	clear(h, sizeof(*h));
	err = load_kernel(&entry);
	if (err)
		return err;
	copy(h->code, leave_long_mode, (uint64_t)(leave_long_mode_end - leave_long_mode));
	h->gdt[1] = 0x00cf9a000000ffff;
	h->gdt[2] = 0x00cf92000000ffff;
	h->gdtr.limit = sizeof(h->gdt) - 1;
	h->gdtr.base = (uint64_t)h->gdt;
	h->info = (struct start_info){ .magic = 0x336ec578, .version = 1, .cmdline = (uint64_t)h->cmdline,
		.rsdp = find_rsdp(), .memmap = (uint64_t)h->mem };
	err = sys->boot->handle_protocol(image, &image_guid, (void **)&li);
	if (err)
		return fail(u"no command line", err);
	root = own_volume(li);
	read_options(li, root, h->cmdline);
	err = read_initrd(root, h);
	if (err)
		return err;
	do {	/* the map may change under our hands: once more, then */
		size = MAP_BYTES;
		err = sys->boot->get_memory_map(&size, (struct efi_memory *)h->map, &key, &step, &version);
		if (err)
			return fail(u"no memory map", err);
		err = sys->boot->exit_boot_services(image, key);
	} while (err == ((uint64_t)1 << 63 | 2));
	if (err)
		return fail(u"the firmware will not let go", err);
	/* No firmware from here on. */
	for (uint64_t off = 0; off + sizeof(struct efi_memory) <= size && h->info.memmap_entries < MAP_MAX; off += step) {
		const struct efi_memory *m = (const struct efi_memory *)(h->map + off);
		int ram = (m->type >= LOADER_CODE && m->type <= BOOT_DATA) || m->type == CONVENTIONAL;

		h->mem[h->info.memmap_entries++] = (struct start_mem){ m->start, m->pages * 4096, ram ? 1 : 2, 0 };
	}
	((void (__attribute__((sysv_abi)) *)(uint64_t, uint64_t, uint64_t))h->code)(entry, (uint64_t)&h->info,
										  (uint64_t)&h->gdtr.limit);
	return 0;
}
