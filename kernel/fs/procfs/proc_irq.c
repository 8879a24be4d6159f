/* SPDX-License-Identifier: MIT */
/*
 * /proc/irq/N: where device interrupts go (Documentation/core-api/irq/irq-affinity.rst).
 *
 * A line goes to one CPU: of a mask that is written, the first one that is
 * online.  So smp_affinity shows one bit, and effective_affinity the same.
 */
#include <kernel/cpu.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include "procfs.h"

static bool line_get(int nr, struct irq_info *info) { return irq_info_get((unsigned)nr, info) && info->irq == (unsigned)nr; }

static int show_mask(struct seq *s, int nr)
{
	struct irq_info info;

	if (!line_get(nr, &info))
		return -EIO;
	if (cpu_count > 32)
		seq_printf(s, "%08x,%08x\n", info.cpu >= 32 ? 1u << (info.cpu - 32) : 0, info.cpu < 32 ? 1u << info.cpu : 0);
	else
		seq_printf(s, "%0*x\n", (int)(cpu_count + 3) / 4, 1u << info.cpu);
	return 0;
}

static int show_list(struct seq *s, int nr)
{
	struct irq_info info;

	if (!line_get(nr, &info))
		return -EIO;
	seq_printf(s, "%u\n", info.cpu);
	return 0;
}

/* The first CPU of the mask that the line can be given to. */
static int set_mask(int nr, uint64_t mask)
{
	int err = -EINVAL;

	for (unsigned cpu = 0; cpu < cpu_count && err == -EINVAL; cpu++)
		if (mask >> cpu & 1)
			err = irq_set_cpu((unsigned)nr, cpu);
	return err == -ENOTSUP ? -EIO : err;
}

/* Hexadecimal digits, a comma between groups of eight. */
static int store_mask(int nr, char *text, size_t n)
{
	uint64_t mask = 0;
	size_t digits = 0;

	for (size_t i = 0; i < n && text[i] != '\n'; i++) {
		char c = (char)(text[i] | 32);

		if (text[i] == ',')
			continue;
		if (c >= '0' && c <= '9')
			mask = mask << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			mask = mask << 4 | (uint64_t)(c - 'a' + 10);
		else
			return -EINVAL;
		digits++;
	}
	return digits && digits <= 16 ? set_mask(nr, mask) : digits ? -EOVERFLOW : -EINVAL;
}

/* Numbers and ranges: 0,2-3. */
static int store_list(int nr, char *text, size_t n)
{
	uint64_t mask = 0;
	size_t i = 0;

	while (i < n && text[i] != '\n') {
		unsigned v[2] = { 0, 0 }, k = 0;

		for (;; i++) {
			if (text[i] >= '0' && text[i] <= '9')
				v[k] = MIN(v[k] * 10 + (unsigned)(text[i] - '0'), 1000u);
			else if (text[i] == '-' && !k && i && text[i - 1] >= '0' && text[i - 1] <= '9')
				k = 1;
			else
				break;
		}
		if (i == 0 || text[i - 1] < '0' || text[i - 1] > '9' || (text[i] && text[i] != ',' && text[i] != '\n') || (k && v[1] < v[0]))
			return -EINVAL;
		for (unsigned cpu = v[0]; cpu <= (k ? v[1] : v[0]) && cpu < 64; cpu++)
			mask |= 1ull << cpu;
		i += text[i] == ',';
	}
	return set_mask(nr, mask);
}

static const struct proc_node line_nodes[] = {
	{ .name = "smp_affinity", .mode = S_IFREG | 0644, .show_nr = show_mask, .store_nr = store_mask },
	{ .name = "smp_affinity_list", .mode = S_IFREG | 0644, .show_nr = show_list, .store_nr = store_list },
	{ .name = "effective_affinity", .mode = S_IFREG | 0444, .show_nr = show_mask },
	{ .name = "effective_affinity_list", .mode = S_IFREG | 0444, .show_nr = show_list },
};
static const struct proc_node line_dir = PROC_DIR("irq-line", line_nodes);

int proc_irq_lookup(struct inode *dir, struct dentry *d)
{
	struct irq_info info;
	unsigned nr;

	if (!parse_number(&d->name, &nr) || !line_get((int)nr, &info))
		return 0;
	return proc_instantiate(dir->super, d, &line_dir, NULL, false, (int)nr);
}

int proc_irq_iterate(struct file *f, struct dir_context *ctx)
{
	struct irq_info info;

	while (irq_info_get((unsigned)(ctx->pos - 2), &info)) {
		char name[16];
		int n = ksnprintf(name, sizeof(name), "%u", info.irq);

		if (!ctx->emit(ctx, name, (unsigned)n, (uint64_t)info.irq | 1ull << 41, DT_DIR))
			return 0;
		ctx->pos = (uint64_t)info.irq + 3;
	}
	return 0;
}
