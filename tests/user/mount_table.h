/* SPDX-License-Identifier: MIT */
/* What /proc/self/mountinfo says of a mount, by a name below the working directory. */
#ifndef MOUNT_TABLE_H
#define MOUNT_TABLE_H
#include <fcntl.h>
#include <sys/mount.h>

/* How many lines have this mount point; `last` gets the last of them. */
static inline int mountinfo_of(const char *table, const char *name, char *last, size_t max)
{
	char line[4400], want[4400], cwd[4096];
	FILE *f = fopen(table, "r");
	int n = 0;

	if (!f || !getcwd(cwd, sizeof(cwd)))
		bail("mountinfo");
	snprintf(want, sizeof(want), "%s/%s", strcmp(cwd, "/") ? cwd : "", name);
	while (fgets(line, sizeof(line), f)) {
		char at[4100];

		if (sscanf(line, "%*d %*d %*s %*s %4099s", at) == 1 && !strcmp(at, want)) {
			n++;
			snprintf(last, max, "%s", line);
		}
	}
	fclose(f);
	return n;
}

static inline int mounts_at(const char *name)
{
	char line[4400];

	return mountinfo_of("/proc/self/mountinfo", name, line, sizeof(line));
}

/* The number of an optional field (shared, master, propagate_from), 0: it has none; -1: nothing is mounted there. */
static inline int mount_field(const char *name, const char *field)
{
	char line[4400], want[64], *end, *p;

	if (!mountinfo_of("/proc/self/mountinfo", name, line, sizeof(line)))
		return -1;
	end = strstr(line, " - ");
	snprintf(want, sizeof(want), " %s:", field);
	p = strstr(line, want);
	return p && p < end ? atoi(p + strlen(want)) : 0;
}

static inline int mount_shared(const char *name) { return mount_field(name, "shared"); }
static inline int mount_master(const char *name) { return mount_field(name, "master"); }
static inline int mount_tmpfs(const char *at) { return mount("none", at, "tmpfs", 0, ""); }
static inline int mount_bind_at(const char *from, const char *at) { return mount(from, at, NULL, MS_BIND, NULL); }
static inline int mount_propagation_of(const char *at, unsigned long type) { return mount(NULL, at, NULL, type, NULL); }
#endif
