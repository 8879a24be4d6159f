/* SPDX-License-Identifier: MIT */
/*
 * The page that the kernel shares with the vDSO: how to compute the clocks.
 * A sequence lock: odd while it is being written.  All CPUs, kernel and user code.
 */
#ifndef ABI_VVAR_H
#define ABI_VVAR_H
#include <stdint.h>
struct abi_vvar {
	uint32_t seq;
	uint32_t usable;		/* 0: the counter cannot be relied on, make the system call */
	uint64_t base_counter, base_ns;	/* monotonic ns = base_ns + ((counter - base_counter) * mult >> shift) */
	uint32_t mult, shift;
	int64_t wall_ns;		/* realtime - monotonic */
};
#endif
