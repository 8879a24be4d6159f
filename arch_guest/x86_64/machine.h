/* SPDX-License-Identifier: MIT */
/* The parts of a PC that boot.c brings up in turn. */
#ifndef X86_MACHINE_H
#define X86_MACHINE_H
#include <hal/types.h>

extern paddr_t ap_page;		/* below 1 MiB, for the start of other CPUs; 0: none */

void console_init(void);
void time_init(void);
void time_cpu_init(void);	/* on each CPU: its timer */
bool timer_due(void);		/* the timer interrupt: is it time for the upcall? */
void dev_init(void);
void delay_us(unsigned us);	/* busy: for the few hardware protocols that prescribe one; after time_init() */
bool cmdline_word(const char *key, unsigned index, char *value, size_t max);	/* key=value, the index-th */
#endif
