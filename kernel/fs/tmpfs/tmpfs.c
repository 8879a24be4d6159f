/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: a file system in the page cache (tmpfs(5)).
 *
 * A directory keeps its entries in two trees: by name for look-ups, by an
 * offset that never changes for readdir, so that an interrupted listing goes
 * on where it was whatever came and went.  An entry holds a reference on its
 * inode; dentries come and go as in any other file system.
 *
 * Removing a tree at unmount is iterative: a directory that goes hands its
 * entries to a list of the super block, which one thread drains.
 *
 * Limits: size= counts pages of files, nr_inodes= inodes.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "tmpfs.h"

static const struct super_ops tmpfs_super_ops;
static const struct inode_ops tmpfs_dir_ops, tmpfs_inode_ops, tmpfs_special_ops, tmpfs_link_ops;

static int entry_cmp(const struct tmpfs_entry *e, const struct qstr *q)
{
	if (e->hash != q->hash)
		return e->hash < q->hash ? -1 : 1;
	if (e->len != q->len)
		return e->len < q->len ? -1 : 1;
	return memcmp(e->name, q->name, q->len);
}

struct tmpfs_entry *tmpfs_find(struct inode *dir, const struct qstr *q)
{
	struct rb_node *n = ((struct tmpfs_node *)dir->fs_private)->names.node;

	while (n) {
		struct tmpfs_entry *e = rb_entry(n, struct tmpfs_entry, by_name);
		int c = entry_cmp(e, q);

		if (!c)
			return e;
		n = c < 0 ? n->right : n->left;
	}
	return NULL;
}

static bool less_off(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct tmpfs_entry, by_off)->off < rb_entry(b, struct tmpfs_entry, by_off)->off;
}

int tmpfs_add(struct inode *dir, const struct qstr *q, struct inode *inode)
{
	struct tmpfs_node *node = dir->fs_private;
	struct tmpfs_entry *e = kzalloc(sizeof(*e) + q->len + 1, 0);
	struct rb_node **link = &node->names.node, *parent = NULL;

	if (!e)
		return -ENOMEM;
	memcpy(e->name, q->name, q->len);
	e->len = q->len;
	e->hash = q->hash;
	e->inode = inode;
	e->off = node->next_off++;
	while (*link) {
		parent = *link;
		link = entry_cmp(rb_entry(parent, struct tmpfs_entry, by_name), q) < 0 ? &parent->right : &parent->left;
	}
	rb_insert_at(&node->names, &e->by_name, parent, link);
	rb_insert(&node->offs, &e->by_off, less_off);
	WRITE_ONCE(dir->size, dir->size + 20);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	__atomic_add_fetch(&dir->version, 1, __ATOMIC_RELAXED);
	return 0;
}

static void tmpfs_remove(struct inode *dir, struct tmpfs_entry *e)
{
	struct tmpfs_node *node = dir->fs_private;

	rb_erase(&node->names, &e->by_name);
	rb_erase(&node->offs, &e->by_off);
	WRITE_ONCE(dir->size, dir->size - 20);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
	__atomic_add_fetch(&dir->version, 1, __ATOMIC_RELAXED);
}

struct inode *tmpfs_inode(struct super *s, struct inode *dir, uint32_t mode, kdev_t dev)
{
	struct tmpfs_super *ts = s->fs_private;
	uint64_t most = READ_ONCE(ts->max_inodes);
	struct tmpfs_node *node;
	struct inode *i;

	if (__atomic_add_fetch(&ts->inodes, 1, __ATOMIC_RELAXED) > most && most)
		goto full;
	node = kzalloc(sizeof(*node), 0);
	if (!node)
		goto full;
	i = inode_new(s, 0);
	if (!i) {
		kfree(node);
		goto full;
	}
	i->fs_private = node;
	inode_init_owner(i, dir, mode);
	node->next_off = 2;
	node->parent = dir;
	switch (mode & S_IFMT) {
	case S_IFREG:
		i->ops = &tmpfs_inode_ops;
		i->fops = &tmpfs_file_ops;
		WRITE_ONCE(i->own_mapping.ops, &tmpfs_mapping_ops);
		break;
	case S_IFDIR:
		i->ops = &tmpfs_dir_ops;
		i->fops = &tmpfs_dir_fops;
		WRITE_ONCE(i->nlink, 2);	/* a remount looks at all that there are */
		i->size = 40;
		break;
	case S_IFLNK:
		i->ops = &tmpfs_link_ops;
		break;
	default:
		i->ops = &tmpfs_special_ops;
		inode_init_special(i, i->mode, dev);
		break;
	}
	return i;
full:
	__atomic_sub_fetch(&ts->inodes, 1, __ATOMIC_RELAXED);
	return NULL;
}

int tmpfs_lookup(struct inode *dir, struct dentry *d)
{
	struct tmpfs_entry *e = tmpfs_find(dir, &d->name);

	if (e) {
		inode_get(e->inode);
		d_instantiate(d, e->inode);
	}
	return 0;
}

static int tmpfs_make(struct inode *dir, struct dentry *d, uint32_t mode, kdev_t dev, const char *target)
{
	struct inode *i = tmpfs_inode(dir->super, dir, mode, dev);
	struct tmpfs_node *node;
	int err;

	if (!i)
		return -ENOSPC;
	node = i->fs_private;
	if (target) {
		node->target = kstrdup(target, 0);
		i->size = strlen(target);
	}
	err = target && !node->target ? -ENOMEM : tmpfs_add(dir, &d->name, i);
	if (err) {
		WRITE_ONCE(i->nlink, 0);
		inode_put(i);
		return err;
	}
	if (S_ISDIR(mode))
		inode_links(dir, 1);
	inode_get(i);
	d_instantiate(d, i);
	return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *d, uint32_t mode) { return tmpfs_make(dir, d, mode, 0, NULL); }
static int tmpfs_mkdir(struct inode *dir, struct dentry *d, uint32_t mode) { return tmpfs_make(dir, d, mode, 0, NULL); }
static int tmpfs_mknod(struct inode *dir, struct dentry *d, uint32_t mode, kdev_t dev) { return tmpfs_make(dir, d, mode, dev, NULL); }
static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target) { return tmpfs_make(dir, d, S_IFLNK | 0777, 0, target); }

static int tmpfs_link(struct inode *dir, struct dentry *d, struct inode *target)
{
	int err = tmpfs_add(dir, &d->name, target);

	if (err)
		return err;
	inode_get(target);
	inode_get(target);
	inode_links(target, 1);
	inode_touch(target, ATTR_CTIME);
	d_instantiate(d, target);
	return 0;
}

int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	struct tmpfs_entry *e = tmpfs_find(dir, &d->name);
	struct inode *i = d->inode;

	if (!e)
		return -ENOENT;
	tmpfs_remove(dir, e);
	inode_links(i, -1);
	inode_touch(i, ATTR_CTIME);
	inode_put(e->inode);
	kfree(e);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	struct tmpfs_node *node = d->inode->fs_private;

	if (node->names.node)
		return -ENOTEMPTY;
	inode_links(d->inode, -1);	/* its own "." */
	inode_links(dir, -1);
	return tmpfs_unlink(dir, d);
}

static int tmpfs_rename(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd, unsigned flags)
{
	struct tmpfs_entry *oe = tmpfs_find(odir, &od->name), *ne = tmpfs_find(ndir, &nd->name);
	struct inode *i = od->inode, *t = nd->inode;
	bool isdir = S_ISDIR(inode_mode(i)), tdir = t && S_ISDIR(inode_mode(t));
	int err;

	if (!oe)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE) {
		oe->inode = t;
		ne->inode = i;
		if (isdir != tdir && odir != ndir) {
			inode_links(odir, tdir ? 1 : -1);
			inode_links(ndir, tdir ? -1 : 1);
		}
		if (isdir)
			((struct tmpfs_node *)i->fs_private)->parent = ndir;
		if (tdir)
			((struct tmpfs_node *)t->fs_private)->parent = odir;
		inode_touch(t, ATTR_CTIME);
		inode_touch(odir, ATTR_MTIME | ATTR_CTIME);
		inode_touch(ndir, ATTR_MTIME | ATTR_CTIME);
	} else {
		if (t) {
			if (tdir && ((struct tmpfs_node *)t->fs_private)->names.node)
				return -ENOTEMPTY;
			/* The entry changes its inode: nobody sees the name absent. */
			inode_links(t, tdir ? -2 : -1);
			inode_touch(t, ATTR_CTIME);
			ne->inode = i;
			inode_put(t);
			if (tdir)
				inode_links(ndir, -1);
		} else {
			err = tmpfs_add(ndir, &nd->name, i);
			if (err)
				return err;
		}
		tmpfs_remove(odir, oe);
		kfree(oe);
		if (isdir) {
			inode_links(odir, -1);
			inode_links(ndir, 1);
			((struct tmpfs_node *)i->fs_private)->parent = ndir;
		}
		inode_touch(ndir, ATTR_MTIME | ATTR_CTIME);
	}
	inode_touch(i, ATTR_CTIME);
	return 0;
}

static int tmpfs_readlink(struct inode *i, char *buf, size_t max)
{
	size_t n = strlcpy(buf, ((struct tmpfs_node *)i->fs_private)->target, max);

	return (int)MIN(n, max - 1);
}

static int tmpfs_iterate(struct file *f, struct dir_context *ctx)
{
	struct inode *i = f->inode;
	struct tmpfs_node *node = i->fs_private;
	struct rb_node *n, *best = NULL;
	struct dentry *parent;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, i->ino, DT_DIR))
			return 0;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		uint64_t up;

		parent = dentry_get_parent(f->path.dentry);
		up = parent->inode->ino;
		dentry_put(parent);
		if (!ctx->emit(ctx, "..", 2, up, DT_DIR))
			return 0;
		ctx->pos = 2;
	}
	for (n = node->offs.node; n;) {
		if (rb_entry(n, struct tmpfs_entry, by_off)->off >= ctx->pos) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	for (n = best; n; n = rb_next(n)) {
		struct tmpfs_entry *e = rb_entry(n, struct tmpfs_entry, by_off);

		ctx->pos = e->off;
		if (!ctx->emit(ctx, e->name, e->len, e->inode->ino, MODE_TO_DT(inode_mode(e->inode))))
			return 0;
		ctx->pos = e->off + 1;
	}
	return 0;
}

static int tmpfs_dir_fsync(struct file *f, bool datasync) { return 0; }

static int tmpfs_setattr(struct inode *i, const struct inode_attr *a)
{
	int err;

	if (a->valid & ATTR_MODE && S_ISREG(inode_mode(i)) && ((struct tmpfs_node *)i->fs_private)->seals & F_SEAL_EXEC && (i->mode ^ a->mode) & 0111)
		return -EPERM;
	err = a->valid & ATTR_SIZE ? tmpfs_resize(i, a->size) : 0;
	return err ? err : vfs_setattr_simple(i, a);
}

static int tmpfs_getattr(struct inode *i)
{
	tmpfs_account(i);
	/* Two may ask at once, and pages come and go. */
	spin_lock(&i->own_mapping.lock);
	WRITE_ONCE(i->blocks, i->own_mapping.page_count * (PAGE_SIZE / 512));
	spin_unlock(&i->own_mapping.lock);
	return 0;
}

static const struct inode_ops tmpfs_dir_ops = {
	.lookup = tmpfs_lookup, .create = tmpfs_create, .mkdir = tmpfs_mkdir, .mknod = tmpfs_mknod, .symlink = tmpfs_symlink,
	.link = tmpfs_link, .unlink = tmpfs_unlink, .rmdir = tmpfs_rmdir, .rename = tmpfs_rename, .setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr,
};
static const struct inode_ops tmpfs_special_ops = {
	.setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr,
};
static const struct inode_ops tmpfs_inode_ops = {
	.setattr = tmpfs_setattr, .getattr = tmpfs_getattr,
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr,
};
static const struct inode_ops tmpfs_link_ops = {
	.readlink = tmpfs_readlink, .setattr = tmpfs_setattr,
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr,
};
/* A directory has no end, data or holes. */
static int64_t tmpfs_dir_llseek(struct file *f, int64_t off, int whence)
{
	return whence > SEEK_CUR ? -EINVAL : vfs_llseek(f, off, whence);
}

const struct file_ops tmpfs_dir_fops = { .iterate = tmpfs_iterate, .llseek = tmpfs_dir_llseek, .fsync = tmpfs_dir_fsync };

/* ---- the super block ---- */

static void entry_free(struct tmpfs_entry *e)
{
	inode_put(e->inode);
	kfree(e);
}

void tmpfs_evict(struct inode *i)
{
	struct tmpfs_super *ts = i->super->fs_private;
	struct tmpfs_node *node = i->fs_private;
	bool drain;

	if (!node)
		return;
	spin_lock(&ts->lock);
	while (node->names.node) {
		struct tmpfs_entry *e = rb_entry(node->names.node, struct tmpfs_entry, by_name);

		rb_erase(&node->names, &e->by_name);
		list_add_tail(&e->dead_link, &ts->dead);
	}
	drain = !ts->draining && !list_empty(&ts->dead);
	if (drain)
		ts->draining = true;
	while (drain && !list_empty(&ts->dead)) {
		struct tmpfs_entry *e = list_first(&ts->dead, struct tmpfs_entry, dead_link);

		list_del(&e->dead_link);
		spin_unlock(&ts->lock);
		entry_free(e);
		spin_lock(&ts->lock);
	}
	if (drain)
		ts->draining = false;
	spin_unlock(&ts->lock);
	__atomic_sub_fetch(&ts->pages, node->charged, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&ts->inodes, 1, __ATOMIC_RELAXED);
	tmpfs_free_xattrs(node);
	kfree(node->target);
	kfree(node);
	i->fs_private = NULL;
}

static int tmpfs_statfs(struct super *s, struct abi_statfs *out)
{
	struct tmpfs_super *ts = s->fs_private;
	uint64_t used = __atomic_load_n(&ts->pages, __ATOMIC_RELAXED), inodes = READ_ONCE(ts->inodes);
	uint64_t max_pages = READ_ONCE(ts->max_pages), max_inodes = READ_ONCE(ts->max_inodes);

	out->f_type = 0x01021994;
	out->f_bsize = (int64_t)PAGE_SIZE;
	out->f_blocks = max_pages;
	out->f_bfree = out->f_bavail = max_pages > used ? max_pages - used : 0;
	out->f_files = max_inodes;
	out->f_ffree = max_inodes > inodes ? max_inodes - inodes : 0;
	return 0;
}

static void tmpfs_put_super(struct super *s)
{
	kfree(s->fs_private);
	s->fs_private = NULL;
}

struct tmpfs_options { uint64_t max_pages, max_inodes, mode, uid, gid; };

static int parse_options(const char *data, struct tmpfs_options *o)
{
	char *copy, *p, *next;
	int err = 0;

	if (!data || !*data)
		return 0;
	copy = kstrdup(data, 0);
	if (!copy)
		return -ENOMEM;
	for (p = copy; p && !err; p = next) {
		char *val;
		size_t len;

		next = strchr(p, ',');
		if (next)
			*next++ = '\0';
		if (!*p)
			continue;
		val = strchr(p, '=');
		if (!val) {
			err = strcmp(p, "noswap") && strcmp(p, "inode64") ? -EINVAL : 0;
			continue;
		}
		*val++ = '\0';
		len = strlen(val);
		if (!strcmp(p, "size")) {
			if (len && val[len - 1] == '%') {
				struct mem_info mi;

				val[len - 1] = '\0';
				mem_info_get(&mi);
				err = parse_u64(val, 10, &o->max_pages);
				o->max_pages = o->max_pages * mi.total_pages / 100;
			} else {
				err = parse_size(val, &o->max_pages);
				o->max_pages = DIV_ROUND_UP(o->max_pages, PAGE_SIZE);
			}
		} else if (!strcmp(p, "nr_blocks")) {
			err = parse_size(val, &o->max_pages);
		} else if (!strcmp(p, "nr_inodes")) {
			err = parse_size(val, &o->max_inodes);
		} else if (!strcmp(p, "mode")) {
			err = parse_u64(val, 8, &o->mode);
			o->mode &= 07777;
		} else if (!strcmp(p, "uid")) {
			err = parse_u64(val, 10, &o->uid);
		} else if (!strcmp(p, "gid")) {
			err = parse_u64(val, 10, &o->gid);
		} else if (strcmp(p, "huge") && strcmp(p, "mpol")) {
			err = -EINVAL;
		}
		if (err)
			err = -EINVAL;
	}
	kfree(copy);
	return err;
}

static int tmpfs_check_options(const char *data)
{
	struct tmpfs_options o = { 0 };

	return parse_options(data, &o);
}

static int tmpfs_remount(struct super *s, unsigned flags, const char *data)
{
	struct tmpfs_super *ts = s->fs_private;
	struct tmpfs_options o = { .max_pages = ts->max_pages, .max_inodes = ts->max_inodes };
	int err = parse_options(data, &o);

	if (err)
		return err;
	if ((o.max_pages != ts->max_pages && o.max_pages && o.max_pages < READ_ONCE(ts->pages)) || (o.max_inodes && o.max_inodes < READ_ONCE(ts->inodes)))
		return -EINVAL;
	WRITE_ONCE(ts->max_pages, o.max_pages);
	WRITE_ONCE(ts->max_inodes, o.max_inodes);
	return 0;
}

/* Half of memory, pages and inodes. */
static uint64_t default_limit(void)
{
	struct mem_info mi;

	mem_info_get(&mi);
	return mi.total_pages / 2;
}

/* What is not as it would be without options. */
static void tmpfs_show_options(struct super *s, char *buf, size_t max)
{
	struct tmpfs_super *ts = s->fs_private;
	struct inode *root = s->root->inode;
	uint32_t mode = inode_mode(root) & 07777, uid = READ_ONCE(root->uid), gid = READ_ONCE(root->gid);
	int n = 0;

	buf[0] = '\0';
	if (ts->max_pages != default_limit())
		n = ksnprintf(buf, max, ",size=%lluk", (unsigned long long)ts->max_pages * (PAGE_SIZE / 1024));
	if (ts->max_inodes != default_limit() && (size_t)n < max)
		n += ksnprintf(buf + n, max - (size_t)n, ",nr_inodes=%llu", (unsigned long long)ts->max_inodes);
	if (mode != 01777 && (size_t)n < max)
		n += ksnprintf(buf + n, max - (size_t)n, ",mode=%03o", mode);
	if (uid && (size_t)n < max)
		n += ksnprintf(buf + n, max - (size_t)n, ",uid=%u", uid);
	if (gid && (size_t)n < max)
		ksnprintf(buf + n, max - (size_t)n, ",gid=%u", gid);
}

static const struct super_ops tmpfs_super_ops = {
	.evict_inode = tmpfs_evict, .statfs = tmpfs_statfs, .put_super = tmpfs_put_super, .remount = tmpfs_remount,
	.show_options = tmpfs_show_options,
};

struct super *tmpfs_super_create(const struct filesystem *fs, uint32_t root_mode, uint64_t max_pages, uint64_t max_inodes)
{
	struct super *s = super_alloc(fs);
	struct tmpfs_super *ts = s ? kzalloc(sizeof(*ts), 0) : NULL;
	struct inode *root;

	if (!ts)
		goto fail;
	spin_init(&ts->lock, LOCK_FILE);
	list_init(&ts->dead);
	ts->max_pages = max_pages;
	ts->max_inodes = max_inodes;
	s->fs_private = ts;
	store_release(&s->ops, &tmpfs_super_ops);	/* a sync(2) may look at it already */
	root = tmpfs_inode(s, NULL, S_IFDIR | root_mode, 0);
	if (!root)
		goto fail;
	s->root = d_make_root(root);
	if (!s->root)
		goto fail;
	return s;
fail:
	kfree(ts);
	if (s)
		super_put(s);
	return NULL;
}

static int tmpfs_mount(const struct filesystem *fs, const char *source, unsigned flags, const char *data, struct super **out)
{
	struct tmpfs_options o = { .mode = 01777, .max_pages = default_limit(), .max_inodes = default_limit() };
	struct super *s;
	int err;

	if (current->cred) {
		o.uid = current->cred->fsuid;
		o.gid = current->cred->fsgid;
	}
	err = parse_options(data, &o);
	if (err)
		return err;
	s = tmpfs_super_create(fs, (uint32_t)o.mode, o.max_pages, o.max_inodes);
	if (!s)
		return -ENOMEM;
	s->root->inode->uid = (uint32_t)o.uid;
	s->root->inode->gid = (uint32_t)o.gid;
	*out = s;
	return 0;
}

static struct filesystem tmpfs_type = { .name = "tmpfs", .mount = tmpfs_mount, .check_options = tmpfs_check_options };
static struct filesystem ramfs_type = { .name = "ramfs", .mount = tmpfs_mount };

void tmpfs_init(void)
{
	filesystem_register(&tmpfs_type);
	filesystem_register(&ramfs_type);
}
