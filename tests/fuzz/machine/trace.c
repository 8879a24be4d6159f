/* SPDX-License-Identifier: MIT */
/*
 * The trace hash: calls with their arguments, results, switches of threads and
 * CPUs.  Two runs of one input that differ in anything that matters differ here.
 */
#include "fz.h"

void fz_trace(uint64_t a, uint64_t b)
{
	uint64_t h;

	if (!fz_run)
		return;
	h = (fz_run->trace ^ a) * 0x9e3779b97f4a7c15ull;
	h = ((h ^ h >> 29) + b) * 0xbf58476d1ce4e5b9ull;
	fz_run->trace = h ^ h >> 32;
}
