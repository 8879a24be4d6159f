/* SPDX-License-Identifier: MIT */
/* /proc/sys: settings and facts that programs look for (proc(5), sysctl(8)). */
#include <kernel/counter.h>
#include <kernel/errno.h>
#include <kernel/ipc_init.h>
#include <kernel/klog.h>
#include <kernel/power.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/uts.h>
#include <kernel/vm.h>
#include "procfs.h"

#define CONST_FILE(fn, text) static int fn(struct seq *s, struct task *t) { seq_puts(s, text "\n"); return 0; }

static int show_uts(struct seq *s, size_t field)
{
	struct uts_names n;

	uts_get(&n);
	seq_printf(s, "%s\n", (const char *)&n + field);
	return 0;
}
static int show_ostype(struct seq *s, struct task *t) { return show_uts(s, offsetof(struct uts_names, sysname)); }
static int show_osrelease(struct seq *s, struct task *t) { return show_uts(s, offsetof(struct uts_names, release)); }
static int show_uversion(struct seq *s, struct task *t) { return show_uts(s, offsetof(struct uts_names, version)); }
static int show_hostname(struct seq *s, struct task *t) { return show_uts(s, offsetof(struct uts_names, nodename)); }
static int show_domainname(struct seq *s, struct task *t) { return show_uts(s, offsetof(struct uts_names, domainname)); }

static size_t line_len(const char *text, size_t n)
{
	const char *nl = memchr(text, '\n', n);

	return nl ? (size_t)(nl - text) : strnlen(text, n);
}

/* A setting as it was written: a decimal number up to max, or -EINVAL. */
static int number_of(char *text, size_t n, uint64_t max, uint64_t *v)
{
	text[line_len(text, n)] = '\0';
	return parse_u64(text, 10, v) || *v > max ? -EINVAL : 0;
}

/* A number from 0 to most that a program sets: show_fn and store_fn. */
#define SETTING(fn, var, most) \
	static int show_##fn(struct seq *s, struct task *t) { seq_printf(s, "%u\n", (unsigned)READ_ONCE(var)); return 0; } \
	static int store_##fn(struct task *t, char *text, size_t n) \
	{ \
		uint64_t v; \
		int err = number_of(text, n, most, &v); \
\
		if (!err) \
			WRITE_ONCE(var, (__typeof__(var))v); \
		return err; \
	}
#define SETTING_FILE(n, fn) { .name = n, .mode = S_IFREG | 0644, .show = show_##fn, .store = store_##fn }

static int store_hostname(struct task *t, char *text, size_t n) { return uts_set_nodename(text, MIN(line_len(text, n), (size_t)64)); }
static int store_domainname(struct task *t, char *text, size_t n) { return uts_set_domainname(text, MIN(line_len(text, n), (size_t)64)); }

static void format_uuid(struct seq *s, const uint8_t *b)
{
	for (int i = 0; i < 16; i++)
		seq_printf(s, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	seq_puts(s, "\n");
}

static int show_uuid(struct seq *s, struct task *t)
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	format_uuid(s, b);
	return 0;
}

static int show_boot_id(struct seq *s, struct task *t)
{
	static uint8_t id[16];
	static uint32_t state;		/* [a] 0: none, 1: being made, 2: there */
	uint32_t none = 0;

	if (__atomic_compare_exchange_n(&state, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
		random_bytes(id, sizeof(id));
		id[6] = (id[6] & 0x0f) | 0x40;
		id[8] = (id[8] & 0x3f) | 0x80;
		store_release(&state, 2);
	} else if (none == 1) {
		return -EAGAIN;
	}
	format_uuid(s, id);
	return 0;
}

static int show_file_nr(struct seq *s, struct task *t)
{
	seq_printf(s, "%llu\t0\t%llu\n", (unsigned long long)counter_sum(COUNT_FILES), (unsigned long long)INT64_MAX);
	return 0;
}

static int show_inode_nr(struct seq *s, struct task *t)
{
	seq_printf(s, "%zu\t%zu\n", READ_ONCE(inode_count), READ_ONCE(inode_lru_count));
	return 0;
}

static int show_dentry_state(struct seq *s, struct task *t)
{
	seq_printf(s, "%zu\t%zu\t45\t0\t0\t0\n", READ_ONCE(dentry_count), READ_ONCE(dcache_lru_count));
	return 0;
}

static int store_drop_caches(struct task *t, char *text, size_t n)
{
	uint64_t v;

	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	if (parse_u64(text, 10, &v) || v < 1 || v > 4)
		return -EINVAL;
	if (v & 1)
		super_drop_pages();
	if (v & 2) {
		(void)dcache_shrink(SIZE_MAX);
		(void)inode_shrink(SIZE_MAX);
	}
	return 0;
}

SETTING(max_map, vm_areas_max, INT32_MAX)
SETTING(dmesg_restrict, dmesg_restrict, 1)
/* All 0 as on Linux, whose distributions set them. */
SETTING(symlinks, protected_symlinks, 1)
SETTING(hardlinks, protected_hardlinks, 1)
SETTING(fifos, protected_fifos, 2)
SETTING(regular, protected_regular, 2)

static int show_mount_max(struct seq *s, struct task *t)
{
	seq_printf(s, "%u\n", READ_ONCE(mount_max));
	return 0;
}
static int store_mount_max(struct task *t, char *text, size_t n)
{
	uint64_t v;
	int err = number_of(text, n, INT32_MAX, &v);

	if (!err && !v)
		err = -EINVAL;
	if (!err)
		WRITE_ONCE(mount_max, (unsigned)v);
	return err;
}

/* The status that the machine ends with, for whoever started it; ours, not Linux's. */
static int show_poweroff(struct seq *s, struct task *t)
{
	seq_printf(s, "%d\n", READ_ONCE(poweroff_status));
	return 0;
}

static int store_poweroff(struct task *t, char *text, size_t n)
{
	uint64_t v;
	int err = number_of(text, n, 255, &v);

	if (!err)
		WRITE_ONCE(poweroff_status, (int)v);
	return err;
}

CONST_FILE(show_pid_max, "4194304")
CONST_FILE(show_threads_max, "127000")
CONST_FILE(show_cap_last, "40")
CONST_FILE(show_ngroups, "65536")
CONST_FILE(show_65534, "65534")
CONST_FILE(show_zero, "0")
CONST_FILE(show_one, "1")
CONST_FILE(show_printk, "7\t4\t1\t7")
CONST_FILE(show_core_pattern, "core")
CONST_FILE(show_shmmax, "18446744073692774399")
CONST_FILE(show_shmmni, "4096")
CONST_FILE(show_sem, "32000\t1024000000\t500\t32000")
CONST_FILE(show_msgmax, "8192")
CONST_FILE(show_msgmnb, "16384")
CONST_FILE(show_msgmni, "32000")
CONST_FILE(show_file_max, "9223372036854775807")
CONST_FILE(show_aio_max, "65536")
CONST_FILE(show_nr_open, "1048576")
CONST_FILE(show_pipe_max, "1048576")
CONST_FILE(show_pipe_soft, "16384")
CONST_FILE(show_watches, "65536")
CONST_FILE(show_instances, "128")
CONST_FILE(show_queued, "16384")
CONST_FILE(show_min_addr, "65536")
CONST_FILE(show_fifty, "50")
CONST_FILE(show_poolsize, "256")
CONST_FILE(show_somaxconn, "4096")
CONST_FILE(show_wmem, "212992")
CONST_FILE(show_rt_period, "1000000")
CONST_FILE(show_rt_runtime, "950000")

static const struct proc_node random_nodes[] = {
	PROC_FILE("boot_id", 0444, show_boot_id), PROC_FILE("uuid", 0444, show_uuid), PROC_FILE("entropy_avail", 0444, show_poolsize),
	PROC_FILE("poolsize", 0444, show_poolsize),
};
static const struct proc_node kernel_nodes[] = {
	PROC_FILE("ostype", 0444, show_ostype), PROC_FILE("osrelease", 0444, show_osrelease), PROC_FILE("version", 0444, show_uversion),
	{ .name = "hostname", .mode = S_IFREG | 0644, .show = show_hostname, .store = store_hostname },
	{ .name = "domainname", .mode = S_IFREG | 0644, .show = show_domainname, .store = store_domainname },
	PROC_FILE("pid_max", 0444, show_pid_max), PROC_FILE("threads-max", 0444, show_threads_max), PROC_FILE("cap_last_cap", 0444, show_cap_last),
	PROC_FILE("ngroups_max", 0444, show_ngroups), PROC_FILE("overflowuid", 0444, show_65534), PROC_FILE("overflowgid", 0444, show_65534),
	PROC_FILE("printk", 0444, show_printk), PROC_FILE("panic", 0444, show_zero), PROC_FILE("tainted", 0444, show_zero),
	PROC_FILE("core_pattern", 0444, show_core_pattern), PROC_FILE("core_uses_pid", 0444, show_zero), PROC_FILE("randomize_va_space", 0444, show_one),
	PROC_FILE("shmmax", 0444, show_shmmax), PROC_FILE("shmall", 0444, show_shmmax), PROC_FILE("shmmni", 0444, show_shmmni),
	PROC_FILE("sem", 0444, show_sem), PROC_FILE("msgmax", 0444, show_msgmax), PROC_FILE("msgmnb", 0444, show_msgmnb),
	PROC_FILE("msgmni", 0444, show_msgmni), SETTING_FILE("dmesg_restrict", dmesg_restrict), PROC_FILE("kptr_restrict", 0444, show_one),
	PROC_FILE("sched_rt_period_us", 0444, show_rt_period), PROC_FILE("sched_rt_runtime_us", 0444, show_rt_runtime),
	{ .name = "poweroff_status", .mode = S_IFREG | 0644, .show = show_poweroff, .store = store_poweroff },
	PROC_DIR("random", random_nodes),
};
static const struct proc_node inotify_nodes[] = {
	PROC_FILE("max_user_watches", 0444, show_watches), PROC_FILE("max_user_instances", 0444, show_instances),
	PROC_FILE("max_queued_events", 0444, show_queued),
};
static int show_aio_nr(struct seq *s, struct task *t)
{
	seq_printf(s, "%llu\n", (unsigned long long)aio_in_use());
	return 0;
}
static int show_epoll(struct seq *s, struct task *t)
{
	seq_printf(s, "%llu\n", (unsigned long long)epoll_items_max());
	return 0;
}
static const struct proc_node epoll_nodes[] = { PROC_FILE("max_user_watches", 0444, show_epoll) };
static const struct proc_node fs_nodes[] = {
	PROC_FILE("file-max", 0444, show_file_max), PROC_FILE("file-nr", 0444, show_file_nr),
	PROC_FILE("aio-nr", 0444, show_aio_nr), PROC_FILE("aio-max-nr", 0444, show_aio_max), PROC_FILE("nr_open", 0444, show_nr_open),
	PROC_FILE("inode-nr", 0444, show_inode_nr), PROC_FILE("dentry-state", 0444, show_dentry_state),
	PROC_FILE("pipe-max-size", 0444, show_pipe_max), PROC_FILE("pipe-user-pages-soft", 0444, show_pipe_soft),
	PROC_FILE("pipe-user-pages-hard", 0444, show_zero), SETTING_FILE("mount-max", mount_max), SETTING_FILE("protected_symlinks", symlinks),
	SETTING_FILE("protected_hardlinks", hardlinks), SETTING_FILE("protected_fifos", fifos), SETTING_FILE("protected_regular", regular), PROC_FILE("suid_dumpable", 0444, show_zero), PROC_FILE("overflowuid", 0444, show_65534),
	PROC_FILE("overflowgid", 0444, show_65534), PROC_DIR("inotify", inotify_nodes), PROC_DIR("epoll", epoll_nodes),
};
static const struct proc_node vm_nodes[] = {
	PROC_FILE("overcommit_memory", 0444, show_one), PROC_FILE("overcommit_ratio", 0444, show_fifty),
	SETTING_FILE("max_map_count", max_map),
	PROC_FILE("mmap_min_addr", 0444, show_min_addr), PROC_FILE("swappiness", 0444, show_zero),
	{ .name = "drop_caches", .mode = S_IFREG | 0200, .store = store_drop_caches },
};
static const struct proc_node net_core_nodes[] = { PROC_FILE("somaxconn", 0444, show_somaxconn), PROC_FILE("wmem_max", 0444, show_wmem),
	PROC_FILE("rmem_max", 0444, show_wmem), PROC_FILE("wmem_default", 0444, show_wmem), PROC_FILE("rmem_default", 0444, show_wmem) };
static const struct proc_node net_unix_nodes[] = { PROC_FILE("max_dgram_qlen", 0444, show_watches) };
static const struct proc_node net_nodes[] = { PROC_DIR("core", net_core_nodes), PROC_DIR("unix", net_unix_nodes) };

const struct proc_node proc_sys_nodes[] = {
	PROC_DIR("kernel", kernel_nodes), PROC_DIR("fs", fs_nodes), PROC_DIR("vm", vm_nodes), PROC_DIR("net", net_nodes),
	{ .name = "dev", .mode = S_IFDIR | 0555 }, { .name = "user", .mode = S_IFDIR | 0555 },
};
_Static_assert(ARRAY_SIZE(proc_sys_nodes) == 6, "as in proc_system.c");
