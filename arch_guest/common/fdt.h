/* SPDX-License-Identifier: MIT */
/*
 * Flattened device tree, read in place (Devicetree Specification 0.4, chapter 5).
 * A node is the offset of its FDT_BEGIN_NODE token in the structure block.
 */
#ifndef GUEST_COMMON_FDT_H
#define GUEST_COMMON_FDT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fdt {
	const uint8_t *base;
	const uint8_t *structs;
	const char *strings;
	uint32_t total, structs_size, strings_size, reserve_off;
};
enum { FDT_NONE = -1, FDT_ROOT = 0, FDT_SPEC_MAX = 8 };

/* 0 or -EINVAL: not a device tree, or larger than max. */
int fdt_open(struct fdt *f, const void *blob, size_t max);

/* The next node in document order, any depth; FDT_NONE after the last. */
int fdt_next(const struct fdt *f, int node);
int fdt_first_child(const struct fdt *f, int node);
int fdt_next_sibling(const struct fdt *f, int node);
int fdt_parent(const struct fdt *f, int node);
#define fdt_for_each_child(f, child, node) \
	for (child = fdt_first_child(f, node); child != FDT_NONE; child = fdt_next_sibling(f, child))

const char *fdt_name(const struct fdt *f, int node);
/* NULL: no such property. */
const void *fdt_prop(const struct fdt *f, int node, const char *name, uint32_t *len);
/* A property that is one string; NULL if absent or not terminated. */
const char *fdt_string(const struct fdt *f, int node, const char *name);
/* A property of one or two cells. */
bool fdt_number(const struct fdt *f, int node, const char *name, uint64_t *out);
bool fdt_compatible(const struct fdt *f, int node, const char *with);
/* status is absent, "okay" or "ok". */
bool fdt_enabled(const struct fdt *f, int node);
/* The next enabled node after `node` (FDT_NONE: from the start) that is compatible. */
int fdt_find(const struct fdt *f, int node, const char *compatible);
/* "/a/b@1", or an alias without a slash; up to a ':' as in stdout-path. */
int fdt_by_path(const struct fdt *f, const char *path);
int fdt_by_phandle(const struct fdt *f, uint32_t phandle);

uint32_t fdt_be32(const void *p);
uint64_t fdt_cells(const void *p, unsigned cells);
/* #address-cells and the like of a node, with the specification's default. */
unsigned fdt_cell_count(const struct fdt *f, int node, const char *name, unsigned def);

/* The index'th pair of `reg`, as a CPU address.  0, -ENODEV: no such pair, -EINVAL: not translatable. */
int fdt_reg(const struct fdt *f, int node, unsigned index, uint64_t *addr, uint64_t *size);
/* An address on `bus`'s child side as a CPU address. */
int fdt_translate(const struct fdt *f, int bus, uint64_t addr, uint64_t *out);
/* The index'th pair of the reservation block. */
bool fdt_reserved(const struct fdt *f, unsigned index, uint64_t *addr, uint64_t *size);

/* One interrupt specifier: the controller's node and its cells. */
struct fdt_irq { int controller; unsigned cells; uint32_t spec[FDT_SPEC_MAX]; };
int fdt_interrupt(const struct fdt *f, int node, unsigned index, struct fdt_irq *out);
#endif
