/* SPDX-License-Identifier: MIT */
#include <kernel/counter.h>

struct counter_part counter_parts[HAL_CPUS];

uint64_t counter_sum(enum counter c)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < hal_boot_info()->cpus; i++)
		sum += __atomic_load_n(&counter_parts[i].n[c], __ATOMIC_RELAXED);
	return (uint64_t)MAX(sum, (int64_t)0);
}
