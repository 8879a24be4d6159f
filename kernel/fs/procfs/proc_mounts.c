/* SPDX-License-Identifier: MIT */
/* /proc/PID/mounts and mountinfo: what the task's root can reach. */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "procfs.h"

static void mount_options(struct seq *s, const struct mount *m)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" }, { MS_NOATIME, ",noatime" },
		{ MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" }, { MS_NOSYMFOLLOW, ",nosymfollow" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (m->flags & names[i].bit)
			seq_puts(s, names[i].name);
}

static void super_flags(struct seq *s, const struct super *sb)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ MS_SYNCHRONOUS, ",sync" }, { MS_DIRSYNC, ",dirsync" }, { MS_MANDLOCK, ",mand" }, { MS_LAZYTIME, ",lazytime" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (READ_ONCE(sb->flags) & names[i].bit)
			seq_puts(s, names[i].name);
}

static void super_options(struct seq *s, struct super *sb)
{
	char *buf;

	if (!sb->ops || !sb->ops->show_options)
		return;
	buf = kzalloc(512, 0);
	if (!buf)
		return;
	sb->ops->show_options(sb, buf, 512);
	if (buf[0] && buf[0] != ',')
		seq_puts(s, ",");
	seq_puts(s, buf);
	kfree(buf);
}

static bool reachable(struct mount *m)
{
	struct path p = { .mnt = m, .dentry = m->root };
	char *buf = kmalloc(PATH_MAX, 0);
	bool ok = buf && path_name(&p, buf, PATH_MAX);

	kfree(buf);
	return ok;
}

static void source(struct seq *s, const struct mount *m) { seq_escape(s, m->source[0] ? m->source : "none", " \t\n#"); }

int proc_show_mounts(struct seq *s, struct task *t)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	list_for_each(m, &mount_list, all_link) {
		struct path p = { .mnt = m, .dentry = m->root };

		if (!reachable(m))
			continue;
		source(s, m);
		seq_puts(s, " ");
		seq_path(s, &p, " \t\n");
		seq_printf(s, " %s %s", m->super->fs->name, mount_readonly(m) ? "ro" : "rw");
		super_flags(s, m->super);
		mount_options(s, m);
		super_options(s, m->super);
		seq_puts(s, " 0 0\n");
	}
	mutex_unlock(&mount_mutex);
	return 0;
}

/* Where in its file system a mount's root is. */
static void show_root(struct seq *s, const struct mount *m)
{
	struct dentry *d = m->root;
	const char *parts[64];
	unsigned n = 0;

	if (d->parent == d) {
		seq_puts(s, "/");
		return;
	}
	for (; d->parent != d && n < ARRAY_SIZE(parts); d = d->parent)
		parts[n++] = d->name.name;
	while (n--) {
		seq_puts(s, "/");
		seq_escape(s, parts[n], " \t\n");
	}
}

int proc_show_mountinfo(struct seq *s, struct task *t)
{
	struct mount *m;

	mutex_lock(&mount_mutex);
	list_for_each(m, &mount_list, all_link) {
		struct path p = { .mnt = m, .dentry = m->root };

		if (!reachable(m))
			continue;
		seq_printf(s, "%d %d %u:%u ", m->id, m->parent == m ? 1 : m->parent->id, KDEV_MAJOR(m->super->dev), KDEV_MINOR(m->super->dev));
		show_root(s, m);
		seq_puts(s, " ");
		seq_path(s, &p, " \t\n");
		seq_printf(s, " %s", m->flags & MS_RDONLY ? "ro" : "rw");
		mount_options(s, m);
		seq_printf(s, "%s - %s ", m->unbindable ? " unbindable" : "", m->super->fs->name);
		source(s, m);
		seq_printf(s, " %s", m->super->flags & MS_RDONLY ? "ro" : "rw");
		super_flags(s, m->super);
		super_options(s, m->super);
		seq_puts(s, "\n");
	}
	mutex_unlock(&mount_mutex);
	return 0;
}
