/* SPDX-License-Identifier: MIT */
/* The local APIC of each CPU, the I/O APICs, and who has which vector. */
#ifndef X86_APIC_H
#define X86_APIC_H
#include <hal/types.h>

enum {	/* registers, by xAPIC offset */
	APIC_ID = 0x20, APIC_EOI = 0xb0, APIC_SVR = 0xf0, APIC_ICR = 0x300, APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360, APIC_LVT_ERROR = 0x370, APIC_TIMER_INIT = 0x380, APIC_TIMER_COUNT = 0x390, APIC_TIMER_DIV = 0x3e0,
};
enum { APIC_MASKED = 1 << 16, APIC_INIT = 5 << 8, APIC_STARTUP = 6 << 8, APIC_ASSERT = 1 << 14 };

/* Returns the number of CPUs. */
unsigned apic_init(void);
void apic_cpu_init(void);	/* on each CPU */
uint32_t apic_read(unsigned reg);
void apic_write(unsigned reg, uint32_t v);
void apic_send(unsigned apic_id, uint32_t command);	/* any context */
unsigned apic_id_of(unsigned cpu);
/* An ISA interrupt's line on the I/O APIC. */
unsigned irq_of_isa(unsigned isa);
void irq_set_level(unsigned irq, bool level);	/* before it is unmasked */
#endif
