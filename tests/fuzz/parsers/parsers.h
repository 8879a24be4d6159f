/* SPDX-License-Identifier: MIT */
/*
 * The parsers of the native ports, hosted: what firmware and boot loaders say
 * is read by the ports' own files, on a physical memory that is a window of
 * this process.  Plain C types: the hosted side includes it, too.
 *
 * One host thread.  Their data and bss are put back before each run.
 */
#ifndef FUZZ_PARSERS_H
#define FUZZ_PARSERS_H
#include <stddef.h>
#include <stdint.h>

#define PARSERS_WINDOW	(UINT64_C(4) << 39)	/* bytes of the direct map, as in arch_guest/x86_64/layout.h */
#define PARSERS_EARLY	(UINT64_C(4) << 30)	/* what is mapped from the first instruction on */
#define PARSERS_RSDP	UINT64_C(0x1000)
#define PARSERS_START	UINT64_C(0x2000)

/* Where physical address 0 is. */
extern char *parsers_memory;
/* The page of 2 MiB around pa can be accessed from now on; by the hosted side. */
void parsers_map(uint64_t pa);

void parsers_fdt(const void *blob, size_t size);
void parsers_acpi(void);
void parsers_boot(void);
#endif
