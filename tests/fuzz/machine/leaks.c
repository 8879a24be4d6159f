/* SPDX-License-Identifier: MIT */
/*
 * What is left when every program has exited: of these caches, as much as after
 * a program that made no call.  (Not inodes, names and plain memory: files and
 * System V objects outlive programs.)
 */
#include "fz.h"
#include <kernel/slab.h>
#include <kernel/string.h>

static const char *const names[] = { "task", "process", "sighand", "sigqueue", "pid", "vm_space", "vm_area", "file", "cred", "blk_request" };
_Static_assert(ARRAY_SIZE(names) <= FUZZ_CACHES, "room");

__attribute__((visibility("default"))) const char *fuzz_cache_name(unsigned i)
{
	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

void fz_count(void)
{
	struct slab_info s;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		fz_run->live[i] = 0;
	for (unsigned k = 0; slab_info_get(k, &s); k++)
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
			if (!strcmp(s.name, names[i]))
				fz_run->live[i] += (uint32_t)s.live;
}

bool fz_writing(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], "blk_request"))
			return fz_run->live[i] != 0;
	return false;
}
