/* SPDX-License-Identifier: MIT */
/*
 * Names of functions, for oopses.  The table is a section of its own, empty
 * when the kernel is linked and filled by ksyms.sh from the finished symbol
 * table: strings "xxxxxxxx name", by ascending address, of which the low 32
 * bits are given; the name "-" is where no function is any more.  It is read with a plain scan: whoever asks has time.
 */
#include <hal/dev.h>
#include <kernel/compiler.h>

enum { TABLE_BYTES = 256 << 10 };	/* ksyms.sh knows it too */
extern const char ksyms_start[];	/* linker script: not to be confused with the array, whose contents the compiler believes */
__attribute__((section(".ksyms"), used)) static const char reserved[TABLE_BYTES] = "";

static uint32_t hex(const char *s)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 4 | (uint32_t)(s[i] <= '9' ? s[i] - '0' : s[i] - 'a' + 10);
	return v;
}

const char *hal_symbol(uintptr_t pc, size_t *offset)
{
	const char *s = ksyms_start, *end = ksyms_start + TABLE_BYTES, *best = NULL;

	while (s + 10 < end && *s) {
		uint32_t addr = hex(s);

		if (addr > (uint32_t)pc)
			break;
		best = s + 9;
		*offset = (uint32_t)pc - addr;
		while (s < end && *s)
			s++;
		s++;
	}
	return best && *best != '-' ? best : NULL;
}
