/* SPDX-License-Identifier: MIT */
/*
 * Devices: virtio-mmio, version 2 (virtio 1.2, 4.2), split queues.  They work
 * at once, in the register write that notifies them, and raise their line on
 * the CPU that runs.
 *
 * Two disks in physical memory behind RAM, a console, an entropy source.  In
 * the `virtio` target every value that a device shows its driver passes
 * through fuzz_device_lie() first.
 */
#include "fz.h"
#include <kernel/errno.h>
#include "driver.h"
#include <kernel/string.h>

#define IO_BASE UINT64_C(0x10000000000)
enum { IO_SIZE = 0x1000, QUEUE_SIZE = 128, QUEUES = 2, SECTOR = 512, CHAIN_MAX = 130 };
enum { ID_BLOCK = 2, ID_CONSOLE = 3, ID_RNG = 4 };
enum { BLK_IN = 0, BLK_OUT = 1, BLK_FLUSH = 4, BLK_GET_ID = 8, BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2 };
enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4 };
#define F_VERSION_1 (UINT64_C(1) << 32)
#define F_BLK_FLUSH (UINT64_C(1) << 9)

__attribute__((visibility("default"))) uint32_t (*fuzz_device_lie)(unsigned what, uint32_t truth);

static uint32_t lie(unsigned what, uint32_t truth)
{
	return unlikely(fuzz_device_lie) && fz_run ? fuzz_device_lie(what, truth) : truth;
}

struct desc { uint64_t addr; uint32_t len; uint16_t flags, next; };
struct queue {
	uint32_t size;
	bool ready;
	uint64_t desc, avail, used;		/* physical */
	uint16_t last_avail, used_idx;
};
struct device {
	uint32_t id, status, isr, feature_sel, driver_feature_sel, queue_sel;
	uint64_t features, driver_features;
	unsigned disk;
	struct queue q[QUEUES];
};
enum { SPARE = 3 };
static struct device devices[FUZZ_DISKS + 2 + SPARE];
static unsigned ndevices, nspare;	/* that the machine lists; behind them, not yet seen by a driver */

static void devices_init(void)
{
	if (ndevices)
		return;
	for (unsigned i = 0; i < FUZZ_DISKS; i++)
		if (fz_boot_args->disk[i].size)
			devices[ndevices++] = (struct device){ .id = ID_BLOCK, .features = F_BLK_FLUSH, .disk = i };
	devices[ndevices++] = (struct device){ .id = ID_CONSOLE };
	devices[ndevices++] = (struct device){ .id = ID_RNG };
	devices[ndevices + nspare++] = (struct device){ .id = ID_BLOCK, .features = F_BLK_FLUSH, .disk = FUZZ_DISKS - 1 };
	devices[ndevices + nspare++] = (struct device){ .id = ID_CONSOLE };
	devices[ndevices + nspare++] = (struct device){ .id = ID_RNG };
}

static void describe(unsigned index, struct hal_dev *out)
{
	memset(out, 0, sizeof(*out));
	strlcpy(out->compatible, "virtio,mmio", sizeof(out->compatible));
	out->base = IO_BASE + (uint64_t)index * IO_SIZE;
	out->size = IO_SIZE;
	out->irq = index + 1;
}

int hal_dev_get(unsigned index, struct hal_dev *out)
{
	devices_init();
	if (index >= ndevices)
		return -ENODEV;
	describe(index, out);
	return 0;
}

void fz_probe(void)
{
	struct hal_dev d;

	for (unsigned i = ndevices; i < ndevices + nspare; i++) {
		describe(i, &d);
		(void)virtio_mmio_probe(&d);
	}
}

static void raise(struct device *d, uint32_t isr)
{
	d->isr |= isr;
	fz_irq_line((unsigned)(d - devices) + 1);
}

/* Physical memory that a device may touch. */
static void *at(uint64_t pa, uint64_t n)
{
	if (pa < FUZZ_RAM_BASE || n > fz_boot_args->ram_end || pa > fz_boot_args->ram_end - n)
		return NULL;
	return fz_boot_args->ram + pa;
}

/* What devices do to memory is not the program's doing: no sanitizer looks. */
__attribute__((no_sanitize("address", "undefined", "memory"))) static void move(void *to, const void *from, size_t n)
{
#ifdef FZ_MSAN
	__msan_unpoison(to, n);
#endif
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

struct seg { char *p; uint32_t len; };

static bool disk_io(struct device *d, uint64_t sector, const struct seg *s, unsigned n, bool write)
{
	uint64_t size = fz_boot_args->disk[d->disk].size, pos = sector * SECTOR;
	char *disk = fz_boot_args->ram + fz_boot_args->disk[d->disk].base;

	for (unsigned i = 0; i < n; i++) {
		if (pos > size || s[i].len > size - pos)
			return false;
		if (write)
			move(disk + pos, s[i].p, s[i].len);
		else
			move(s[i].p, disk + pos, s[i].len);
		pos += s[i].len;
	}
	return true;
}

/* out segments, then in; returns the bytes written to the in ones. */
static uint32_t block_request(struct device *d, const struct seg *s, unsigned out, unsigned in)
{
	struct { uint32_t type, reserved; uint64_t sector; } h;
	uint8_t status = BLK_S_OK;
	uint32_t n = 1;

	if (!out || !in || s[0].len < sizeof(h) || s[out + in - 1].len < 1)
		return 0;
	move(&h, s[0].p, sizeof(h));
	switch (h.type) {
	case BLK_IN:
		if (!disk_io(d, h.sector, s + out, in - 1, false))
			status = BLK_S_IOERR;
		for (unsigned i = out; i + 1 < out + in; i++)
			n += s[i].len;
		break;
	case BLK_OUT:
		if (!disk_io(d, h.sector, s + 1, out - 1, true))
			status = BLK_S_IOERR;
		break;
	case BLK_FLUSH:
		break;
	case BLK_GET_ID:
		if (in > 1 && s[out].len >= 5) {
			move(s[out].p, "fuzz\0", 5);
			n += s[out].len;
		}
		break;
	default:
		status = BLK_S_UNSUPP;
	}
	status = (uint8_t)lie(FUZZ_LIE_STATUS, status);
	move(s[out + in - 1].p, &status, 1);
	return n;
}

static uint32_t request(struct device *d, const struct seg *s, unsigned out, unsigned in)
{
	uint32_t n = 0;

	if (d->id == ID_BLOCK)
		return block_request(d, s, out, in);
	for (unsigned i = out; i < out + in && d->id == ID_RNG; i++)
		for (uint32_t k = 0; k < s[i].len; k++, n++) {
			uint8_t b = (uint8_t)fz_rand();

			move(s[i].p + k, &b, 1);
		}
	return n;
}

static bool chain(struct queue *q, uint16_t head, struct seg *s, unsigned *out, unsigned *in)
{
	struct desc d;
	unsigned n = 0, i = head;

	*out = *in = 0;
	for (;;) {
		void *p = i < q->size ? at(q->desc + i * sizeof(d), sizeof(d)) : NULL;

		if (!p || n == CHAIN_MAX)
			return false;
		move(&d, p, sizeof(d));
		s[n].p = at(d.addr, d.len);
		s[n].len = d.len;
		if (!s[n++].p || d.flags & F_INDIRECT)
			return false;
#ifdef FZ_MSAN
		if (!(d.flags & F_WRITE))
			__msan_check_mem_is_initialized(s[n - 1].p, d.len);	/* it leaves the machine */
#endif
		if (d.flags & F_WRITE)
			(*in)++;
		else if (*in)
			return false;
		else
			(*out)++;
		if (!(d.flags & F_NEXT))
			return true;
		i = d.next;
	}
}

static void queue_run(struct device *d, unsigned index)
{
	struct queue *q = &d->q[index];
	static struct seg segs[CHAIN_MAX];
	bool any = false;

	if (d->id == ID_CONSOLE && index == 0)
		return;		/* buffers for input: there is none */
	while (q->ready) {
		uint16_t *avail = at(q->avail, 6 + q->size * 2), *used = at(q->used, 6 + q->size * 8);
		uint16_t idx, head;
		unsigned out, in;
		struct { uint32_t id, len; } e;

		if (!avail || !used)
			return;
		move(&idx, avail + 1, 2);
		if (idx == q->last_avail)
			break;
		move(&head, avail + 2 + q->last_avail % q->size, 2);
		q->last_avail++;
		if (!chain(q, head, segs, &out, &in)) {
			d->status |= 64;	/* DEVICE_NEEDS_RESET */
			raise(d, 2);
			return;
		}
		e.len = lie(FUZZ_LIE_USED_LEN, request(d, segs, out, in));
		e.id = lie(FUZZ_LIE_USED_ID, head);
		move((char *)used + 4 + q->used_idx % q->size * 8, &e, 8);
		q->used_idx++;
		idx = (uint16_t)lie(FUZZ_LIE_USED_IDX, q->used_idx);
		move(used + 1, &idx, 2);
		any = true;
	}
	if (any && lie(FUZZ_LIE_IRQ, 1))
		raise(d, 1);
}

/* A device whose maker means harm: interrupts and ring contents that nobody asked for. */
void fz_device_event(void)
{
	uint32_t v = lie(FUZZ_LIE_EVENT, 0);
	struct device *d;
	struct queue *q;
	uint16_t *used, idx;
	char *p;

	if (!v)
		return;
	d = &devices[(v >> 4) % (ndevices + nspare)];
	q = &d->q[v >> 8 & 1];
	switch (v & 7) {
	case 1: raise(d, 1); break;
	case 2: raise(d, 2); break;
	case 3: d->status |= 64; raise(d, 2); break;
	case 4: case 5:
		used = q->ready ? at(q->used, 6 + q->size * 8) : NULL;
		if (!used)
			break;
		move(&idx, used + 1, 2);
		idx = (uint16_t)(v & 1 ? idx + 1 : v >> 16);
		move(used + 1, &idx, 2);
		raise(d, 1);
		break;
	case 6: case 7:
		p = q->ready ? at(v & 1 ? q->used : q->desc, q->size * 8u) : NULL;
		if (p)
			move(p + (v >> 9) % (q->size * 8u), (char *)&v + 3, 1);
		break;
	}
}

/* ---- registers ---- */

static uint32_t config(struct device *d, unsigned off, unsigned size)
{
	uint64_t sectors = d->id == ID_BLOCK ? fz_boot_args->disk[d->disk].size / SECTOR : 0;
	uint32_t v = 0;

	if (d->id == ID_BLOCK && off < 8)
		v = (uint32_t)(sectors >> off * 8);
	else if (d->id == ID_CONSOLE && off < 4)
		v = off ? 25 : 80 | 25 << 16;
	return lie(FUZZ_LIE_CONFIG, size == 4 ? v : v & ((1u << size * 8) - 1));
}

static uint32_t io_read(uint64_t reg, unsigned size)
{
	uint64_t off = reg - IO_BASE;
	struct device *d = &devices[off / IO_SIZE];
	struct queue *q;

	if (reg < IO_BASE || off / IO_SIZE >= ndevices + nspare)
		return UINT32_MAX;
	off %= IO_SIZE;
	q = d->queue_sel < QUEUES && (d->id != ID_BLOCK || !d->queue_sel) ? &d->q[d->queue_sel] : NULL;
	if (off >= 0x100)
		return config(d, (unsigned)off - 0x100, size);
	switch (off) {
	case 0x000: return 0x74726976;
	case 0x004: return 2;
	case 0x008: return d->id;
	case 0x00c: return 0x746665;
	case 0x010: return lie(FUZZ_LIE_REGISTER, (uint32_t)((d->features | F_VERSION_1) >> (d->feature_sel ? 32 : 0)));
	case 0x034: return lie(FUZZ_LIE_REGISTER, q ? QUEUE_SIZE : 0);
	case 0x044: return lie(FUZZ_LIE_REGISTER, q && q->ready);
	case 0x060: return lie(FUZZ_LIE_REGISTER, d->isr);
	case 0x070: return lie(FUZZ_LIE_REGISTER, d->status);
	case 0x0fc: return lie(FUZZ_LIE_REGISTER, 0);
	}
	return 0;
}

static void half(uint64_t *v, bool high, uint32_t part)
{
	*v = high ? (*v & UINT32_MAX) | (uint64_t)part << 32 : (*v & ~(uint64_t)UINT32_MAX) | part;
}

static void io_write(uint64_t reg, uint32_t v)
{
	uint64_t off = reg - IO_BASE;
	struct device *d = &devices[off / IO_SIZE];
	struct queue *q, *setup;

	if (reg < IO_BASE || off / IO_SIZE >= ndevices + nspare)
		return;
	off %= IO_SIZE;
	q = d->queue_sel < QUEUES ? &d->q[d->queue_sel] : NULL;
	setup = q && !q->ready ? q : NULL;
	switch (off) {
	case 0x014: d->feature_sel = v; break;
	case 0x020: half(&d->driver_features, d->driver_feature_sel, v); break;
	case 0x024: d->driver_feature_sel = v; break;
	case 0x030: d->queue_sel = v; break;
	case 0x038: if (setup) setup->size = v; break;
	case 0x044:
		if (q)
			q->ready = v && q->size && q->size <= QUEUE_SIZE && !(q->size & (q->size - 1));
		if (setup)
			setup->last_avail = setup->used_idx = 0;
		break;
	case 0x050:
		if (v < QUEUES && d->status & 4)
			queue_run(d, v);
		break;
	case 0x064: d->isr &= ~v; break;
	case 0x070:
		d->status = v;
		if (!v) {
			d->isr = d->feature_sel = d->driver_feature_sel = d->queue_sel = 0;
			memset(d->q, 0, sizeof(d->q));
		}
		break;
	case 0x080: case 0x084: if (setup) half(&setup->desc, off & 4, v); break;
	case 0x090: case 0x094: if (setup) half(&setup->avail, off & 4, v); break;
	case 0x0a0: case 0x0a4: if (setup) half(&setup->used, off & 4, v); break;
	}
}

uint8_t hal_io_read8(uint64_t reg) { return (uint8_t)io_read(reg, 1); }
uint16_t hal_io_read16(uint64_t reg) { return (uint16_t)io_read(reg, 2); }
uint32_t hal_io_read32(uint64_t reg) { return io_read(reg, 4); }
void hal_io_write8(uint64_t reg, uint8_t v) { io_write(reg, v); }
void hal_io_write16(uint64_t reg, uint16_t v) { io_write(reg, v); }
void hal_io_write32(uint64_t reg, uint32_t v) { io_write(reg, v); }

uint32_t hal_pci_read32(unsigned bdf, unsigned offset) { return UINT32_MAX; }
void hal_pci_write32(unsigned bdf, unsigned offset, uint32_t v) { }
int hal_pci_window(unsigned index, uint64_t *base, uint64_t *size) { return -ENODEV; }
int hal_pci_intx(unsigned bdf, unsigned pin, unsigned *irq) { return -ENODEV; }
