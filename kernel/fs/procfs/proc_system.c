/* SPDX-License-Identifier: MIT */
/* The files of /proc that are about the whole system (proc(5)). */
#include <kernel/abi_cpu.h>
#include <kernel/block.h>
#include <kernel/crash.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uts.h>
#include <kernel/syscall.h>
#include "procfs.h"

enum { USER_HZ = 100 };
static unsigned long long ticks(uint64_t ns) { return ns / (NSEC_PER_SEC / USER_HZ); }

static int show_meminfo(struct seq *s, struct task *t)
{
	const unsigned long long kb = PAGE_SIZE / 1024;
	struct mem_info m;

	mem_info_get(&m);
	seq_printf(s, "MemTotal:       %8llu kB\nMemFree:        %8llu kB\nMemAvailable:   %8llu kB\nBuffers:        %8llu kB\nCached:         %8llu kB\n",
		   (unsigned long long)m.total_pages * kb, (unsigned long long)m.free_pages * kb, (unsigned long long)m.available_pages * kb, 0ull,
		   (unsigned long long)m.cache_pages * kb);
	seq_printf(s, "SwapCached:     %8u kB\nActive:         %8llu kB\nInactive:       %8llu kB\nSwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0,
		   (unsigned long long)(m.anon_pages + m.mapped_pages) * kb, (unsigned long long)(m.cache_pages - MIN(m.cache_pages, m.mapped_pages)) * kb, 0, 0);
	seq_printf(s, "Dirty:          %8llu kB\nWriteback:      %8llu kB\nAnonPages:      %8llu kB\nMapped:         %8llu kB\nShmem:          %8llu kB\n",
		   (unsigned long long)m.dirty_pages * kb, (unsigned long long)m.writeback_pages * kb, (unsigned long long)m.anon_pages * kb,
		   (unsigned long long)m.mapped_pages * kb, (unsigned long long)m.shmem_pages * kb);
	seq_printf(s, "KReclaimable:   %8u kB\nSlab:           %8llu kB\nSReclaimable:   %8u kB\nSUnreclaim:     %8llu kB\nPageTables:     %8llu kB\n", 0,
		   (unsigned long long)m.slab_pages * kb, 0, (unsigned long long)m.slab_pages * kb, (unsigned long long)m.table_pages * kb);
	seq_printf(s, "CommitLimit:    %8llu kB\nCommitted_AS:   %8llu kB\nVmallocTotal:   %8u kB\nVmallocUsed:    %8u kB\nVmallocChunk:   %8u kB\n",
		   (unsigned long long)m.total_pages / 2 * kb, (unsigned long long)m.anon_pages * kb, 0, 0, 0);
	return 0;
}

static void cpu_line(struct seq *s, const char *name, uint64_t user, uint64_t sys, uint64_t idle)
{
	seq_printf(s, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name, ticks(user), ticks(sys), ticks(idle));
}

static int show_stat(struct seq *s, struct task *t)
{
	uint64_t user = 0, sys = 0, idle = 0, irqs = 0, switches = 0, avg[3];
	unsigned running, threads;

	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i]) {
			user += READ_ONCE(cpus[i]->user_ns);
			sys += READ_ONCE(cpus[i]->system_ns);
			idle += READ_ONCE(cpus[i]->idle_ns);
			irqs += READ_ONCE(cpus[i]->irqs) + READ_ONCE(cpus[i]->timer_irqs);
			switches += READ_ONCE(cpus[i]->switches);
		}
	cpu_line(s, "cpu ", user, sys, idle);
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i]) {
			char name[16];

			ksnprintf(name, sizeof(name), "cpu%u", i);
			cpu_line(s, name, READ_ONCE(cpus[i]->user_ns), READ_ONCE(cpus[i]->system_ns), READ_ONCE(cpus[i]->idle_ns));
		}
	sched_loadavg(avg, &running, &threads);
	seq_printf(s, "intr %llu\nctxt %llu\nbtime %llu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\nsoftirq 0\n", (unsigned long long)irqs,
		   (unsigned long long)switches, (unsigned long long)((time_real_ns() - hal_time_mono_ns()) / NSEC_PER_SEC), threads, running);
	return 0;
}

static int show_uptime(struct seq *s, struct task *t)
{
	uint64_t up = hal_time_mono_ns() / (NSEC_PER_SEC / 100), idle = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i])
			idle += READ_ONCE(cpus[i]->idle_ns) / (NSEC_PER_SEC / 100);
	seq_printf(s, "%llu.%02llu %llu.%02llu\n", (unsigned long long)up / 100, (unsigned long long)up % 100, (unsigned long long)idle / 100,
		   (unsigned long long)idle % 100);
	return 0;
}

static int show_loadavg(struct seq *s, struct task *t)
{
	uint64_t avg[3];
	unsigned running, threads;

	sched_loadavg(avg, &running, &threads);
	for (int i = 0; i < 3; i++) {
		uint64_t v = avg[i] + 1024 / 100;	/* rounded to hundredths of 11-bit fixed point */

		seq_printf(s, "%llu.%02llu ", (unsigned long long)(v >> 11), (unsigned long long)((v & 2047) * 100 >> 11));
	}
	seq_printf(s, "%u/%u %d\n", running, threads, pid_newest());
	return 0;
}

static int show_version(struct seq *s, struct task *t)
{
	struct uts_names n;

	uts_get(&n);
	seq_printf(s, "%s version %s (eft) %s\n", n.sysname, n.release, n.version);
	return 0;
}

static int show_cpuinfo(struct seq *s, struct task *t)
{
	enum { ENTRY_MAX = 3072 };
	char *entry = kmalloc(ENTRY_MAX, 0);

	if (!entry)
		return -ENOMEM;
	for (unsigned i = 0; i < cpu_count; i++) {
		seq_printf(s, "processor\t: %u\n", i);
		seq_write(s, entry, abi_cpuinfo(i, cpu_count, entry, ENTRY_MAX));
	}
	kfree(entry);
	return 0;
}

static int show_filesystems(struct seq *s, struct task *t)
{
	for (const struct filesystem *fs = filesystem_next(NULL); fs; fs = filesystem_next(fs))
		seq_printf(s, "%s\t%s\n", fs->needs_device ? "" : "nodev", fs->name);
	return 0;
}

static int show_partitions(struct seq *s, struct task *t)
{
	struct blkdev *d;

	seq_puts(s, "major minor  #blocks  name\n\n");
	for (unsigned i = 0; blkdev_info(i, &d); i++)
		seq_printf(s, "%4u  %7u %10llu %s\n", KDEV_MAJOR(d->dev), KDEV_MINOR(d->dev), (unsigned long long)d->sectors / 2, d->name);
	return 0;
}

static int show_diskstats(struct seq *s, struct task *t)
{
	struct blkdev *d;

	for (unsigned i = 0; blkdev_info(i, &d); i++)
		seq_printf(s, "%4u %7u %s %llu 0 %llu 0 %llu 0 %llu 0 %u 0 0 0 0 0 0 0 0\n", KDEV_MAJOR(d->dev), KDEV_MINOR(d->dev), d->name,
			   (unsigned long long)READ_ONCE(d->reads), (unsigned long long)READ_ONCE(d->read_sectors), (unsigned long long)READ_ONCE(d->writes),
			   (unsigned long long)READ_ONCE(d->write_sectors), READ_ONCE(d->inflight));
	return 0;
}

static int show_devices(struct seq *s, struct task *t)
{
	unsigned major, last = 0;
	const char *name;
	struct blkdev *d;

	seq_puts(s, "Character devices:\n");
	for (unsigned i = 0; chrdev_get(i, &major, &name); i++)
		if (major != last || i == 0) {
			seq_printf(s, "%3u %s\n", major, name);
			last = major;
		}
	seq_puts(s, "\nBlock devices:\n");
	last = 0;
	for (unsigned i = 0; blkdev_info(i, &d); i++)
		if (KDEV_MAJOR(d->dev) != last) {
			last = KDEV_MAJOR(d->dev);
			seq_printf(s, "%3u %s\n", last, "virtblk");
		}
	return 0;
}

static int show_cmdline(struct seq *s, struct task *t)
{
	seq_printf(s, "%s\n", hal_boot_info()->cmdline ? hal_boot_info()->cmdline : "");
	return 0;
}

static int show_interrupts(struct seq *s, struct task *t)
{
	struct irq_info info;

	seq_puts(s, "    ");
	for (unsigned i = 0; i < cpu_count; i++)
		seq_printf(s, "       CPU%u", i);
	seq_puts(s, "\n");
	for (unsigned irq = 0; irq_info_get(irq, &info); irq = info.irq + 1) {
		seq_printf(s, "%3u:", info.irq);
		for (unsigned i = 0; i < cpu_count; i++)
			seq_printf(s, " %10llu", (unsigned long long)READ_ONCE(info.count[i]));
		seq_printf(s, "   %s\n", info.name);
	}
	seq_puts(s, "LOC:");
	for (unsigned i = 0; i < cpu_count; i++)
		seq_printf(s, " %10llu", cpus[i] ? (unsigned long long)READ_ONCE(cpus[i]->timer_irqs) : 0ull);
	seq_puts(s, "   Local timer interrupts\nRES:");
	for (unsigned i = 0; i < cpu_count; i++)
		seq_printf(s, " %10llu", cpus[i] ? (unsigned long long)READ_ONCE(cpus[i]->ipis) : 0ull);
	seq_puts(s, "   Rescheduling interrupts\n");
	return 0;
}

static int show_slabinfo(struct seq *s, struct task *t)
{
	struct slab_info si;

	seq_puts(s, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		    " : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned i = 0; slab_info_get(i, &si); i++)
		seq_printf(s, "%-17s %6zu %6zu %6zu %4zu %4u : tunables    0    0    0 : slabdata %6zu %6zu      0\n", si.name, si.used, si.objects,
			   si.object_size, si.object_size ? PAGE_SIZE / MAX(si.object_size, (size_t)1) : 0, 1, si.pages, si.pages);
	return 0;
}

static int show_swaps(struct seq *s, struct task *t)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static int show_vmstat(struct seq *s, struct task *t)
{
	struct mem_info m;
	uint64_t faults = 0;

	mem_info_get(&m);
	for (unsigned i = 0; i < cpu_count; i++)
		faults += cpus[i] ? READ_ONCE(cpus[i]->faults) : 0;
	seq_printf(s, "nr_free_pages %llu\nnr_file_pages %llu\nnr_dirty %llu\nnr_writeback %llu\nnr_anon_pages %llu\nnr_mapped %llu\nnr_shmem %llu\n",
		   (unsigned long long)m.free_pages, (unsigned long long)m.cache_pages, (unsigned long long)m.dirty_pages,
		   (unsigned long long)m.writeback_pages, (unsigned long long)m.anon_pages, (unsigned long long)m.mapped_pages,
		   (unsigned long long)m.shmem_pages);
	seq_printf(s, "nr_page_table_pages %llu\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault %llu\npgmajfault 0\n", (unsigned long long)m.table_pages,
		   (unsigned long long)faults);
	return 0;
}

static int read_self(struct task *t, char *buf, size_t max) { return ksnprintf(buf, max, "%d", process_pid(t->process)); }

static int read_thread_self(struct task *t, char *buf, size_t max)
{
	return ksnprintf(buf, max, "%d/task/%d", process_pid(t->process), task_tid(t));
}

static int store_sysrq(struct task *t, char *text, size_t n)
{
	if (n)
		sysrq(text[0]);
	return 0;
}

/* Ours, not Linux's: writing starts the counts of the writer and its children. */
static int store_syscalls(struct task *t, char *text, size_t n)
{
	syscall_count_start();
	return 0;
}

static int show_syscalls(struct seq *s, struct task *t)
{
	const struct syscall_desc *d;

	for (size_t i = 0; (d = syscall_by_index(i)); i++)
		if (syscall_counted(i))
			seq_printf(s, "%s %llu\n", d->name, (unsigned long long)syscall_counted(i));
	return 0;
}

const struct proc_node proc_system_nodes[] = {
	{ .name = "self", .mode = S_IFLNK | 0777, .readlink = read_self },
	{ .name = "thread-self", .mode = S_IFLNK | 0777, .readlink = read_thread_self },
	PROC_LINK("mounts", "self/mounts"),
	PROC_FILE("meminfo", 0444, show_meminfo),
	PROC_FILE("stat", 0444, show_stat),
	PROC_FILE("uptime", 0444, show_uptime),
	PROC_FILE("loadavg", 0444, show_loadavg),
	PROC_FILE("version", 0444, show_version),
	PROC_FILE("cpuinfo", 0444, show_cpuinfo),
	PROC_FILE("filesystems", 0444, show_filesystems),
	PROC_FILE("partitions", 0444, show_partitions),
	PROC_FILE("diskstats", 0444, show_diskstats),
	PROC_FILE("devices", 0444, show_devices),
	PROC_FILE("cmdline", 0444, show_cmdline),
	PROC_FILE("interrupts", 0444, show_interrupts),
	PROC_FILE("slabinfo", 0400, show_slabinfo),
	PROC_FILE("swaps", 0444, show_swaps),
	PROC_FILE("vmstat", 0444, show_vmstat),
	{ .name = "syscalls", .mode = S_IFREG | 0600, .show = show_syscalls, .store = store_syscalls },
	{ .name = "sysrq-trigger", .mode = S_IFREG | 0200, .store = store_sysrq },
	{ .name = "irq", .mode = S_IFDIR | 0555, .lookup = proc_irq_lookup, .iterate = proc_irq_iterate },
	{ .name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_nodes, .nchildren = 6 },
};
const unsigned proc_system_count = ARRAY_SIZE(proc_system_nodes);
