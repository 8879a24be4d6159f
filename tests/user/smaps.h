/* SPDX-License-Identifier: MIT */
/* One number of /proc/self/smaps for the mapping that holds an address, in KiB; -1: not found. */
#ifndef SMAPS_H
#define SMAPS_H
#include <stdio.h>
#include <string.h>

static inline long smaps_of(void *addr, const char *field)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long lo, hi, at = (unsigned long)addr;
	char line[512];
	long kb = -1;
	int here = 0;

	while (f && fgets(line, sizeof(line), f)) {
		size_t n = strlen(field);

		if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2 && strchr(line, '-') < strchr(line, ' '))
			here = lo <= at && at < hi;
		else if (here && !strncmp(line, field, n) && line[n] == ':')
			sscanf(line + n + 1, "%ld", &kb);
	}
	if (f)
		fclose(f);
	return kb;
}
#endif
