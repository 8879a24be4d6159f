/* SPDX-License-Identifier: MIT */
/* Translation table entries, VMSAv8-64, 4 KiB granule (ARM ARM D8.3). */
#ifndef AARCH64_PTE_H
#define AARCH64_PTE_H
#include <stdint.h>

#define PTE_VALID	((uint64_t)1 << 0)
#define PTE_TABLE	((uint64_t)1 << 1)	/* or a page, on level 3 */
#define PTE_ATTR(n)	((uint64_t)(n) << 2)	/* index into MAIR_VALUE */
#define PTE_USER	((uint64_t)1 << 6)
#define PTE_RO		((uint64_t)1 << 7)
#define PTE_SH_INNER	((uint64_t)3 << 8)
#define PTE_AF		((uint64_t)1 << 10)
#define PTE_NG		((uint64_t)1 << 11)
#define PTE_PXN		((uint64_t)1 << 53)
#define PTE_UXN		((uint64_t)1 << 54)
#define PTE_ADDR	((uint64_t)0x0000fffffffff000)
#endif
