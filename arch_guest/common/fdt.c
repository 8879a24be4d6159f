/* SPDX-License-Identifier: MIT */
/*
 * Flattened device tree.
 *
 * The blob is read in place, big-endian, never changed and never trusted: every
 * token, name and value is checked against the block's end, so a damaged tree
 * yields "not found".  There is no unflattened copy: the tree is walked at boot
 * only, by a few dozen look-ups, before there is an allocator.
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "common/fdt.h"

enum { TOK_BEGIN = 1, TOK_END = 2, TOK_PROP = 3, TOK_NOP = 4, TOK_FINISH = 9 };
enum { FDT_MAGIC = (int)0xd00dfeed };

uint32_t fdt_be32(const void *p)
{
	const uint8_t *b = p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t fdt_cells(const void *p, unsigned cells)
{
	const uint8_t *b = p;
	uint64_t v = 0;
	for (unsigned i = 0; i < cells; i++)
		v = v << 32 | fdt_be32(b + 4 * i);
	return v;
}

int fdt_open(struct fdt *f, const void *blob, size_t max)
{
	const uint8_t *b = blob;
	if (max < 40 || fdt_be32(b) != (uint32_t)FDT_MAGIC)
		return -EINVAL;
	uint32_t total = fdt_be32(b + 4), structs = fdt_be32(b + 8), strings = fdt_be32(b + 12);
	uint32_t version = fdt_be32(b + 20), compat = fdt_be32(b + 24);
	uint32_t strings_size = fdt_be32(b + 32), structs_size = fdt_be32(b + 36);
	if (total > max || total < 40 || version < 17 || compat > 17)
		return -EINVAL;
	if (structs > total || structs_size > total - structs || structs_size < 8 || (structs & 3))
		return -EINVAL;
	if (strings > total || strings_size > total - strings)
		return -EINVAL;
	*f = (struct fdt){ .base = b, .structs = b + structs, .strings = (const char *)b + strings, .total = total,
		.structs_size = structs_size, .strings_size = strings_size, .reserve_off = fdt_be32(b + 16) };
	if (fdt_be32(f->structs) != TOK_BEGIN)
		return -EINVAL;
	return 0;
}

/* The token at off; *next is where the following one starts.  TOK_FINISH at a damaged place. */
static uint32_t fdt_token(const struct fdt *f, uint32_t off, uint32_t *next)
{
	if (off > f->structs_size - 4)
		return TOK_FINISH;
	uint32_t tok = fdt_be32(f->structs + off), left = f->structs_size - off - 4, size = 0;
	switch (tok) {
	case TOK_BEGIN: {
		const void *end = memchr(f->structs + off + 4, 0, left);
		if (!end)
			return TOK_FINISH;
		size = (uint32_t)((const uint8_t *)end - (f->structs + off + 4)) + 1;
		break;
	}
	case TOK_PROP:
		if (left < 8)
			return TOK_FINISH;
		size = fdt_be32(f->structs + off + 4);
		if (size > left - 8)
			return TOK_FINISH;
		size += 8;
		break;
	case TOK_END:
	case TOK_NOP:
		break;
	default:
		return TOK_FINISH;
	}
	*next = off + 4 + ((size + 3) & ~3u);
	return tok;
}

/* The next BEGIN after the node's own; *depth counts levels entered (1: a child of node). */
static int fdt_step(const struct fdt *f, int node, int *depth)
{
	uint32_t off, next;
	if (fdt_token(f, (uint32_t)node, &next) != TOK_BEGIN)
		return FDT_NONE;
	for (off = next;; off = next) {
		switch (fdt_token(f, off, &next)) {
		case TOK_BEGIN:
			(*depth)++;
			return (int)off;
		case TOK_END:
			(*depth)--;
			break;
		case TOK_PROP:
		case TOK_NOP:
			break;
		default:
			return FDT_NONE;
		}
	}
}

int fdt_next(const struct fdt *f, int node)
{
	int depth = 0;
	return fdt_step(f, node, &depth);
}

int fdt_first_child(const struct fdt *f, int node)
{
	int depth = 0, n = fdt_step(f, node, &depth);
	return depth == 1 ? n : FDT_NONE;
}

int fdt_next_sibling(const struct fdt *f, int node)
{
	int depth = 0;
	do {
		node = fdt_step(f, node, &depth);
	} while (node != FDT_NONE && depth > 0);
	/* 0: after our END came a BEGIN on our level. */
	return depth == 0 ? node : FDT_NONE;
}

int fdt_parent(const struct fdt *f, int node)
{
	/* The last node before `node` whose depth is one less. */
	int path[32], depth = 0;
	for (int n = FDT_ROOT; n != FDT_NONE && n <= node;) {
		if (depth < 0 || depth >= 32)
			return FDT_NONE;
		path[depth] = n;
		if (n == node)
			return depth ? path[depth - 1] : FDT_NONE;
		n = fdt_step(f, n, &depth);
	}
	return FDT_NONE;
}

const char *fdt_name(const struct fdt *f, int node)
{
	uint32_t next;
	return fdt_token(f, (uint32_t)node, &next) == TOK_BEGIN ? (const char *)f->structs + node + 4 : "";
}

const void *fdt_prop(const struct fdt *f, int node, const char *name, uint32_t *len)
{
	uint32_t off, next;
	if (node < 0 || fdt_token(f, (uint32_t)node, &next) != TOK_BEGIN)
		return NULL;
	for (off = next;; off = next) {
		uint32_t tok = fdt_token(f, off, &next);
		if (tok == TOK_NOP)
			continue;
		if (tok != TOK_PROP)	/* properties come before subnodes */
			return NULL;
		uint32_t str = fdt_be32(f->structs + off + 8);
		if (str >= f->strings_size || !memchr(f->strings + str, 0, f->strings_size - str))
			continue;
		if (strcmp(f->strings + str, name) == 0) {
			if (len)
				*len = fdt_be32(f->structs + off + 4);
			return f->structs + off + 12;
		}
	}
}

const char *fdt_string(const struct fdt *f, int node, const char *name)
{
	uint32_t len;
	const char *s = fdt_prop(f, node, name, &len);
	return s && len && memchr(s, 0, len) ? s : NULL;
}

bool fdt_number(const struct fdt *f, int node, const char *name, uint64_t *out)
{
	uint32_t len;
	const void *p = fdt_prop(f, node, name, &len);
	if (!p || (len != 4 && len != 8))
		return false;
	*out = fdt_cells(p, len / 4);
	return true;
}

bool fdt_compatible(const struct fdt *f, int node, const char *with)
{
	uint32_t len;
	const char *s = fdt_prop(f, node, "compatible", &len);
	while (s && len) {
		size_t n = strnlen(s, len);
		if (n == len)
			return false;
		if (strcmp(s, with) == 0)
			return true;
		s += n + 1;
		len -= (uint32_t)n + 1;
	}
	return false;
}

bool fdt_enabled(const struct fdt *f, int node)
{
	const char *s = fdt_string(f, node, "status");
	return !s || strcmp(s, "okay") == 0 || strcmp(s, "ok") == 0;
}

int fdt_find(const struct fdt *f, int node, const char *compatible)
{
	node = node == FDT_NONE ? FDT_ROOT : fdt_next(f, node);
	for (; node != FDT_NONE; node = fdt_next(f, node))
		if (fdt_compatible(f, node, compatible) && fdt_enabled(f, node))
			return node;
	return FDT_NONE;
}

int fdt_by_path(const struct fdt *f, const char *path)
{
	int node = FDT_ROOT;
	if (*path != '/') {
		char alias[64];
		size_t n = 0;
		while (path[n] && path[n] != ':' && n < sizeof(alias) - 1) {
			alias[n] = path[n];
			n++;
		}
		alias[n] = 0;
		path = fdt_string(f, fdt_by_path(f, "/aliases"), alias);
		if (!path || *path != '/')
			return FDT_NONE;
	}
	while (*path == '/')
		path++;
	while (*path && *path != ':') {
		size_t n = 0;
		while (path[n] && path[n] != '/' && path[n] != ':')
			n++;
		int child;
		fdt_for_each_child(f, child, node) {
			const char *name = fdt_name(f, child);
			/* A path may leave out the unit address. */
			if (strncmp(name, path, n) == 0 && (name[n] == 0 || (name[n] == '@' && !memchr(path, '@', n))))
				break;
		}
		if (child == FDT_NONE)
			return FDT_NONE;
		node = child;
		path += n;
		while (*path == '/')
			path++;
	}
	return node;
}

int fdt_by_phandle(const struct fdt *f, uint32_t phandle)
{
	for (int node = FDT_ROOT; node != FDT_NONE; node = fdt_next(f, node)) {
		uint64_t h;
		if (fdt_number(f, node, "phandle", &h) && h == phandle)
			return node;
	}
	return FDT_NONE;
}

unsigned fdt_cell_count(const struct fdt *f, int node, const char *name, unsigned def)
{
	uint64_t v;
	return fdt_number(f, node, name, &v) && v <= 4 ? (unsigned)v : def;
}

int fdt_translate(const struct fdt *f, int bus, uint64_t addr, uint64_t *out)
{
	while (bus != FDT_ROOT && bus != FDT_NONE) {
		int up = fdt_parent(f, bus);
		uint32_t len;
		const uint8_t *r = fdt_prop(f, bus, "ranges", &len);
		if (!r)
			return -EINVAL;	/* not mapped into the parent at all */
		if (len) {
			unsigned ca = fdt_cell_count(f, bus, "#address-cells", 2), cs = fdt_cell_count(f, bus, "#size-cells", 1);
			unsigned pa = fdt_cell_count(f, up, "#address-cells", 2);
			uint32_t entry = 4 * (ca + pa + cs);
			bool hit = false;
			if (!entry || ca > 2)
				return -EINVAL;
			for (; len >= entry && !hit; r += entry, len -= entry) {
				uint64_t child = fdt_cells(r, ca), size = fdt_cells(r + 4 * (ca + pa), cs);
				if (addr >= child && addr - child < size) {
					addr = fdt_cells(r + 4 * ca, pa) + (addr - child);
					hit = true;
				}
			}
			if (!hit)
				return -EINVAL;
		}
		bus = up;
	}
	*out = addr;
	return bus == FDT_ROOT ? 0 : -EINVAL;
}

int fdt_reg(const struct fdt *f, int node, unsigned index, uint64_t *addr, uint64_t *size)
{
	int bus = fdt_parent(f, node);
	unsigned ca = fdt_cell_count(f, bus, "#address-cells", 2), cs = fdt_cell_count(f, bus, "#size-cells", 1);
	uint32_t len, entry = 4 * (ca + cs);
	const uint8_t *r = fdt_prop(f, node, "reg", &len);
	if (!r || !entry || len / entry <= index)
		return -ENODEV;
	r += entry * index;
	if (size)
		*size = fdt_cells(r + 4 * ca, cs);
	return fdt_translate(f, bus, fdt_cells(r, ca), addr);
}

bool fdt_reserved(const struct fdt *f, unsigned index, uint64_t *addr, uint64_t *size)
{
	if (f->reserve_off > f->total || f->total - f->reserve_off < 16 * (uint64_t)(index + 1))
		return false;
	const uint8_t *p = f->base + f->reserve_off + 16 * (uint64_t)index;
	*addr = fdt_cells(p, 2);
	*size = fdt_cells(p + 8, 2);
	return *addr || *size;
}

static int fdt_controller(const struct fdt *f, int node)
{
	for (; node != FDT_NONE; node = fdt_parent(f, node)) {
		uint64_t h;
		if (fdt_number(f, node, "interrupt-parent", &h))
			return fdt_by_phandle(f, (uint32_t)h);
	}
	return FDT_NONE;
}

static int fdt_irq_fill(const struct fdt *f, int ctl, const uint8_t *p, uint32_t left, struct fdt_irq *out)
{
	unsigned cells = fdt_cell_count(f, ctl, "#interrupt-cells", 0);
	if (ctl == FDT_NONE || !cells || left < 4 * cells)
		return -EINVAL;
	out->controller = ctl;
	out->cells = cells;
	for (unsigned i = 0; i < cells && i < FDT_SPEC_MAX; i++)
		out->spec[i] = fdt_be32(p + 4 * i);
	return 0;
}

int fdt_interrupt(const struct fdt *f, int node, unsigned index, struct fdt_irq *out)
{
	uint32_t len;
	const uint8_t *p = fdt_prop(f, node, "interrupts-extended", &len);
	if (p) {
		while (len >= 4) {
			int ctl = fdt_by_phandle(f, fdt_be32(p));
			unsigned cells = fdt_cell_count(f, ctl, "#interrupt-cells", 0);
			if (ctl == FDT_NONE || len < 4 + 4 * cells)
				return -EINVAL;
			if (index-- == 0)
				return fdt_irq_fill(f, ctl, p + 4, len - 4, out);
			p += 4 + 4 * cells;
			len -= 4 + 4 * cells;
		}
		return -ENODEV;
	}
	p = fdt_prop(f, node, "interrupts", &len);
	if (!p)
		return -ENODEV;
	int ctl = fdt_controller(f, node);
	unsigned cells = fdt_cell_count(f, ctl, "#interrupt-cells", 0);
	if (!cells)
		return -EINVAL;
	if (len / (4 * cells) <= index)
		return -ENODEV;
	return fdt_irq_fill(f, ctl, p + 4 * cells * index, len - 4 * cells * index, out);
}
