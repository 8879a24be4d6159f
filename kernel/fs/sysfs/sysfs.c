/* SPDX-License-Identifier: MIT */
/*
 * sysfs: the little of /sys that programs look at to count CPUs and find
 * disks.  Made of the same node tables as procfs.
 */
#include <kernel/block.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include "fs/procfs/procfs.h"

/* ---- /sys/devices/system/cpu ---- */

static int show_cpus(struct seq *s, struct task *t)
{
	if (cpu_count > 1)
		seq_printf(s, "0-%u\n", cpu_count - 1);
	else
		seq_puts(s, "0\n");
	return 0;
}

static int show_none(struct seq *s, struct task *t)
{
	seq_puts(s, "\n");
	return 0;
}
static int show_zero(struct seq *s, struct task *t)
{
	seq_puts(s, "0\n");
	return 0;
}
static int show_one(struct seq *s, struct task *t)
{
	seq_puts(s, "1\n");
	return 0;
}
static int show_kernel_max(struct seq *s, struct task *t)
{
	seq_printf(s, "%d\n", HAL_CPUS - 1);
	return 0;
}

static const struct proc_node topology_nodes[] = { PROC_FILE("physical_package_id", 0444, show_zero), PROC_FILE("core_siblings_list", 0444, show_cpus) };
static const struct proc_node cpu_nodes[] = { PROC_FILE("online", 0444, show_one), PROC_DIR("topology", topology_nodes) };
static const struct proc_node cpu_dir = PROC_DIR("cpu", cpu_nodes);

static int cpus_lookup(struct inode *dir, struct dentry *d)
{
	struct qstr q = d->name;
	unsigned nr;

	if (q.len < 4 || memcmp(q.name, "cpu", 3))
		return 0;
	q.name += 3;
	q.len -= 3;
	return parse_number(&q, &nr) && nr < cpu_count ? proc_instantiate(dir->super, d, &cpu_dir, NULL, false, (int)nr) : 0;
}

static int cpus_iterate(struct file *f, struct dir_context *ctx)
{
	uint64_t first = 2 + proc_i(f->inode)->node->nchildren;

	for (; ctx->pos - first < cpu_count; ctx->pos++) {
		char name[16];
		int n = ksnprintf(name, sizeof(name), "cpu%u", (unsigned)(ctx->pos - first));

		if (!ctx->emit(ctx, name, (unsigned)n, ctx->pos + 1000, DT_DIR))
			break;
	}
	return 0;
}

static const struct proc_node cpus_nodes[] = {
	PROC_FILE("online", 0444, show_cpus), PROC_FILE("possible", 0444, show_cpus), PROC_FILE("present", 0444, show_cpus),
	PROC_FILE("offline", 0444, show_none), PROC_FILE("isolated", 0444, show_none), PROC_FILE("kernel_max", 0444, show_kernel_max),
};
static const struct proc_node node0_nodes[] = { PROC_FILE("cpulist", 0444, show_cpus) };
static const struct proc_node node_nodes[] = { PROC_FILE("online", 0444, show_zero), PROC_FILE("possible", 0444, show_zero), PROC_DIR("node0", node0_nodes) };
static const struct proc_node system_nodes[] = {
	{ .name = "cpu", .mode = S_IFDIR | 0755, .children = cpus_nodes, .nchildren = ARRAY_SIZE(cpus_nodes), .lookup = cpus_lookup,
	  .iterate = cpus_iterate },
	PROC_DIR("node", node_nodes),
};

/* ---- /sys/block: a directory per disk; the device is the inode's number ---- */

static int64_t block_attr_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct proc_inode *pi = proc_i(f->inode);
	const char *name = pi->node->name;
	char text[256];
	struct blkdev *d;
	int n;

	if (!blkdev_info((unsigned)pi->fd, &d))
		return -ENODEV;
	if (!strcmp(name, "size"))
		n = ksnprintf(text, sizeof(text), "%llu\n", (unsigned long long)READ_ONCE(d->sectors));
	else if (!strcmp(name, "dev"))
		n = ksnprintf(text, sizeof(text), "%u:%u\n", KDEV_MAJOR(d->dev), KDEV_MINOR(d->dev));
	else if (!strcmp(name, "ro"))
		n = ksnprintf(text, sizeof(text), "%d\n", d->read_only);
	else if (!strcmp(name, "uevent"))
		n = ksnprintf(text, sizeof(text), "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=disk\n", KDEV_MAJOR(d->dev), KDEV_MINOR(d->dev), d->name);
	else if (!strcmp(name, "stat"))
		n = ksnprintf(text, sizeof(text), "%8llu 0 %8llu 0 %8llu 0 %8llu 0 %8u 0 0\n", (unsigned long long)READ_ONCE(d->reads),
			      (unsigned long long)READ_ONCE(d->read_sectors), (unsigned long long)READ_ONCE(d->writes),
			      (unsigned long long)READ_ONCE(d->write_sectors), READ_ONCE(d->inflight));
	else if (!strcmp(name, "serial"))
		n = ksnprintf(text, sizeof(text), "%s\n", d->serial);
	else if (!strcmp(name, "logical_block_size"))
		n = ksnprintf(text, sizeof(text), "%u\n", d->block_size);
	else
		n = ksnprintf(text, sizeof(text), "0\n");
	if (*pos >= (uint64_t)n)
		return 0;
	n = (int)uio_copy_to(u, text + *pos, MIN(u->left, (size_t)n - (size_t)*pos));
	*pos += (uint64_t)n;
	return n;
}
static const struct file_ops block_attr_fops = { .read = block_attr_read, .llseek = vfs_llseek };
#define BLOCK_ATTR(n) { .name = n, .mode = S_IFREG | 0444, .fops = &block_attr_fops }

static const struct proc_node block_nodes[] = { BLOCK_ATTR("size"), BLOCK_ATTR("dev"), BLOCK_ATTR("ro"), BLOCK_ATTR("removable"), BLOCK_ATTR("uevent"),
	BLOCK_ATTR("stat"), BLOCK_ATTR("logical_block_size"), BLOCK_ATTR("serial") };

static int disk_lookup(struct inode *dir, struct dentry *d)
{
	for (size_t i = 0; i < ARRAY_SIZE(block_nodes); i++)
		if (strlen(block_nodes[i].name) == d->name.len && !memcmp(block_nodes[i].name, d->name.name, d->name.len))
			return proc_instantiate(dir->super, d, &block_nodes[i], NULL, false, proc_i(dir)->fd);
	return 0;
}

static int disk_iterate(struct file *f, struct dir_context *ctx)
{
	for (; ctx->pos - 2 < ARRAY_SIZE(block_nodes); ctx->pos++) {
		const char *name = block_nodes[ctx->pos - 2].name;

		if (!ctx->emit(ctx, name, (unsigned)strlen(name), ctx->pos + 2000, DT_REG))
			break;
	}
	return 0;
}
static const struct proc_node disk_dir = { .name = "disk", .mode = S_IFDIR | 0755, .lookup = disk_lookup, .iterate = disk_iterate };

static int disks_lookup(struct inode *dir, struct dentry *d)
{
	struct blkdev *b;

	for (unsigned i = 0; blkdev_info(i, &b); i++)
		if (strlen(b->name) == d->name.len && !memcmp(b->name, d->name.name, d->name.len))
			return proc_instantiate(dir->super, d, &disk_dir, NULL, false, (int)i);
	d->flags |= DENTRY_NOCACHE;	/* it may come yet */
	return 0;
}

static int disks_iterate(struct file *f, struct dir_context *ctx)
{
	struct blkdev *b;

	for (; blkdev_info((unsigned)(ctx->pos - 2), &b); ctx->pos++)
		if (!ctx->emit(ctx, b->name, (unsigned)strlen(b->name), ctx->pos + 3000, DT_DIR))
			break;
	return 0;
}

#define DISKS(n) { .name = n, .mode = S_IFDIR | 0755, .lookup = disks_lookup, .iterate = disks_iterate }
#define EMPTY(n) { .name = n, .mode = S_IFDIR | 0755 }
static const struct proc_node class_nodes[] = { DISKS("block"), EMPTY("tty"), EMPTY("net"), EMPTY("mem"), EMPTY("input"), EMPTY("thermal"), EMPTY("power_supply") };
static const struct proc_node devices_nodes[] = { PROC_DIR("system", system_nodes), EMPTY("virtual"), EMPTY("platform") };
static const struct proc_node dev_nodes[] = { EMPTY("block"), EMPTY("char") };
static const struct proc_node fs_nodes[] = { EMPTY("cgroup"), EMPTY("ext2") };
static const struct proc_node mm_nodes[] = { EMPTY("transparent_hugepage"), EMPTY("hugepages") };
static const struct proc_node kernel_nodes[] = { EMPTY("debug"), EMPTY("security"), PROC_DIR("mm", mm_nodes) };
static const struct proc_node root_nodes[] = {
	DISKS("block"), EMPTY("bus"), PROC_DIR("class", class_nodes), PROC_DIR("dev", dev_nodes), PROC_DIR("devices", devices_nodes), EMPTY("firmware"),
	PROC_DIR("fs", fs_nodes), PROC_DIR("kernel", kernel_nodes), EMPTY("module"), EMPTY("power"),
};
static const struct proc_node root = PROC_DIR("/", root_nodes);

static int sysfs_statfs(struct super *s, struct abi_statfs *out)
{
	out->f_type = 0x62656572;
	return 0;
}
static const struct super_ops sysfs_super_ops = { .evict_inode = proc_evict, .statfs = sysfs_statfs };

static int sysfs_mount(const struct filesystem *fs, const char *source, unsigned flags, const char *data, struct super **out)
{
	return proc_make_super(fs, &root, &sysfs_super_ops, out);
}
static struct filesystem sysfs_type = { .name = "sysfs", .mount = sysfs_mount };

void sysfs_init(void) { filesystem_register(&sysfs_type); }
