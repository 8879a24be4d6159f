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

static void table_end(struct fs_context *c, struct path *root)
{
	path_put(root);
	fs_context_put(c);
}

/* The tree of t's name space and its root; -EINVAL: it has none any more. */
static int table_of(struct task *t, struct fs_context **out, struct path *root)
{
	struct fs_context *c = proc_fs_context(t);

	if (!c)
		return -EINVAL;
	spin_lock(&c->lock);
	*root = c->root;
	if (root->dentry)
		path_get(root);
	spin_unlock(&c->lock);
	if (!root->dentry || !c->ns) {	/* a kernel thread from before there was one */
		table_end(c, root);
		return -EINVAL;
	}
	*out = c;
	return 0;
}

static void source(struct seq *s, const struct mount *m) { seq_escape(s, m->source[0] ? m->source : "none", " \t\n#"); }

/* Below the root, and not on a name that has been removed: that goes with it in a moment (mount_point_gone()). */
static bool shown(const struct mount *m, const struct path *root) REQUIRES(&mount_mutex)
{
	return mount_is_below(m, root) && (m->parent == m || !d_unlinked(m->mountpoint));
}

int proc_show_mounts(struct seq *s, struct task *t)
{
	struct fs_context *c;
	struct path root;
	struct mount *m;
	int err = table_of(t, &c, &root);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	list_for_each(m, &c->ns->mounts, ns_link) {
		struct path p = { .mnt = m, .dentry = m->root };

		if (!shown(m, &root))
			continue;
		source(s, m);
		seq_puts(s, " ");
		seq_path_from(s, &root, &p, " \t\n");
		seq_printf(s, " %s %s", m->super->fs->name, mount_readonly(m) ? "ro" : "rw");
		super_flags(s, m->super);
		mount_options(s, m);
		super_options(s, m->super);
		seq_puts(s, " 0 0\n");
	}
	mutex_unlock(&mount_mutex);
	table_end(c, &root);
	return 0;
}

/* Where in its file system a mount's root is. */
static void show_root(struct seq *s, const struct mount *m)
{
	struct dentry *d = m->root, *up;
	char *buf, *at;

	if (nsfs_dentry_ns(d)) {
		seq_printf(s, "%s:[%llu]", d->name.name, (unsigned long long)d->inode->ino);
		return;
	}
	buf = kmalloc(PATH_MAX, 0);
	if (!buf) {
		s->error = -ENOMEM;
		return;
	}
	at = buf + PATH_MAX - 1;
	*at = '\0';
	/* Directories above may be renamed meanwhile: a name is its dentry's only under that one's lock. */
	for (d = dentry_get(d);; d = up) {
		spin_lock(&d->lock);
		up = d->parent != d && (size_t)(at - buf) > d->name.len ? dentry_get(d->parent) : NULL;
		if (up) {
			at -= d->name.len;
			memcpy(at, d->name.name, d->name.len);
			*--at = '/';
		}
		spin_unlock(&d->lock);
		dentry_put(d);
		if (!up)
			break;
	}
	seq_escape(s, *at ? at : "/", " \t\n");
	kfree(buf);
}

static void propagation(struct seq *s, const struct mount *m, const struct path *root) REQUIRES(&mount_mutex)
{
	if (m->shared)
		seq_printf(s, " shared:%d", m->group_id);
	if (m->master) {
		int from = mount_dominating_group(m, m->ns, root);

		seq_printf(s, " master:%d", m->master->group_id);
		if (from && from != m->master->group_id)
			seq_printf(s, " propagate_from:%d", from);
	}
	if (m->unbindable)
		seq_puts(s, " unbindable");
}

int proc_show_mountinfo(struct seq *s, struct task *t)
{
	struct fs_context *c;
	struct path root;
	struct mount *m;
	int err = table_of(t, &c, &root);

	if (err)
		return err;
	mutex_lock(&mount_mutex);
	list_for_each(m, &c->ns->mounts, ns_link) {
		struct path p = { .mnt = m, .dentry = m->root };

		if (!shown(m, &root))
			continue;
		seq_printf(s, "%d %d %u:%u ", m->id, m->parent == m ? 1 : m->parent->id, KDEV_MAJOR(m->super->dev), KDEV_MINOR(m->super->dev));
		show_root(s, m);
		seq_puts(s, " ");
		seq_path_from(s, &root, &p, " \t\n");
		seq_printf(s, " %s", m->flags & MS_RDONLY ? "ro" : "rw");
		mount_options(s, m);
		propagation(s, m, &root);
		seq_printf(s, " - %s ", m->super->fs->name);
		source(s, m);
		seq_printf(s, " %s", READ_ONCE(m->super->flags) & MS_RDONLY ? "ro" : "rw");
		super_flags(s, m->super);
		super_options(s, m->super);
		seq_puts(s, "\n");
	}
	mutex_unlock(&mount_mutex);
	table_end(c, &root);
	return 0;
}
