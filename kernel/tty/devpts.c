/* SPDX-License-Identifier: MIT */
/*
 * devpts: the directory of pty slaves, and ptmx.  There is one instance; each
 * mount shows it.  The inode of a slave is made with the pty, lives as long as
 * its master and keeps owner, mode and times; names are looked up afresh each
 * time, so nothing has to be told when one goes.
 *
 * Mount options: uid= gid= mode= ptmxmode= max=.  Owner without uid/gid=: who
 * opened the master.
 */
#include <kernel/print.h>
#include <kernel/radix.h>
#include "tty_internal.h"

enum { DEVPTS_MAGIC = 0x1cd1, INO_ROOT = 1, INO_PTMX = 2, INO_FIRST = 3, PTS_MAX = 1 << 20 };

static struct super *instance;		/* [I] once mounted the first time */
static struct mutex lock;		/* [MODULE] everything below */
static struct radix_tree nodes;		/* [lock] index -> inode */
static struct inode *ptmx;		/* [lock] */
static uint64_t *used;			/* [lock] bitmap of indices */
static size_t used_size;		/* [lock] bits */
struct options { bool have_uid, have_gid; uint32_t uid, gid, mode, ptmxmode; uint64_t max; };
static struct options options = { .mode = 0600, .max = PTS_MAX };	/* [lock] */

int devpts_index_alloc(unsigned *index)
{
	size_t i;
	int err = 0;

	mutex_lock(&lock);
	i = bitmap_find_clear(used, used_size, 0);
	if (i >= options.max) {
		err = -ENOSPC;
	} else if (i == used_size) {
		size_t bits = used_size ? used_size * 2 : 64;
		uint64_t *grown = krealloc(used, bits / 8, 0);

		if (!grown) {
			err = -ENOMEM;
		} else {
			memset(grown + used_size / 64, 0, (bits - used_size) / 8);
			used = grown;
			used_size = bits;
		}
	}
	if (!err) {
		bit_set(used, i);
		*index = (unsigned)i;
	}
	mutex_unlock(&lock);
	return err;
}

void devpts_index_free(unsigned index)
{
	mutex_lock(&lock);
	bit_clear(used, index);
	mutex_unlock(&lock);
}

static struct options options_now(void)
{
	struct options o;

	mutex_lock(&lock);
	o = options;
	mutex_unlock(&lock);
	return o;
}

int devpts_add(unsigned index, struct inode **out)
{
	struct options o = options_now();
	struct inode *i;
	int err;

	if (!instance)
		return -ENODEV;
	i = inode_new(instance, index + INO_FIRST);
	if (!i)
		return -ENOMEM;
	inode_init_special(i, S_IFCHR | o.mode, KDEV(136, index));
	i->mode = S_IFCHR | o.mode;
	i->rdev = KDEV(136, index);
	i->uid = o.have_uid ? o.uid : current->cred->fsuid;
	i->gid = o.have_gid ? o.gid : current->cred->fsgid;
	i->nlink = 1;
	i->blksize = 1024;
	i->atime = i->mtime = i->ctime = i->btime = inode_now();
	mutex_lock(&lock);
	err = radix_insert(&nodes, index, i);
	mutex_unlock(&lock);
	if (err) {
		inode_put(i);
		return err;
	}
	*out = i;
	return 0;
}

void devpts_remove(unsigned index)
{
	mutex_lock(&lock);
	radix_erase(&nodes, index);
	mutex_unlock(&lock);
}

static int devpts_lookup(struct inode *dir, struct dentry *d)
{
	struct inode *i = NULL;
	uint64_t index = 0;
	bool number = d->name.len > 0 && d->name.len <= 7;

	for (unsigned k = 0; k < d->name.len && number; k++) {
		uint8_t c = (uint8_t)d->name.name[k];

		number = c >= '0' && c <= '9' && !(k == 0 && c == '0' && d->name.len > 1);
		index = index * 10 + (c - '0');
	}
	d->flags |= DENTRY_NOCACHE;
	mutex_lock(&lock);
	if (number)
		i = radix_find(&nodes, index);
	else if (d->name.len == 4 && !memcmp(d->name.name, "ptmx", 4))
		i = ptmx;
	if (i)
		inode_get(i);
	mutex_unlock(&lock);
	if (i)
		d_instantiate(d, i);
	return 0;
}

static int devpts_iterate(struct file *f, struct dir_context *ctx)
{
	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, INO_ROOT, DT_DIR))
			return 0;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, INO_ROOT, DT_DIR))
			return 0;
		ctx->pos = 2;
	}
	if (ctx->pos == 2) {
		if (!ctx->emit(ctx, "ptmx", 4, INO_PTMX, DT_CHR))
			return 0;
		ctx->pos = 3;
	}
	for (;;) {
		uint64_t index = ctx->pos - 3;
		char name[16];
		unsigned len;
		void *p;

		mutex_lock(&lock);
		p = radix_next(&nodes, &index);
		mutex_unlock(&lock);
		if (!p)
			return 0;
		len = (unsigned)ksnprintf(name, sizeof(name), "%llu", (unsigned long long)index);
		if (!ctx->emit(ctx, name, len, index + INO_FIRST, DT_CHR))
			return 0;
		ctx->pos = index + 4;
	}
}

static const struct inode_ops root_ops = { .lookup = devpts_lookup, .setattr = NULL };
static const struct file_ops root_fops = { .iterate = devpts_iterate, .llseek = vfs_llseek };

static int devpts_statfs(struct super *s, struct abi_statfs *out)
{
	out->f_type = DEVPTS_MAGIC;
	out->f_bsize = out->f_frsize = 4096;
	out->f_namelen = NAME_MAX;
	return 0;
}

static void devpts_show_options(struct super *s, char *buf, size_t max)
{
	struct options o = options_now();
	size_t n = 0;

	if (o.have_uid)
		n += (size_t)ksnprintf(buf, max, ",uid=%u", o.uid);
	if (o.have_gid && n < max)
		n += (size_t)ksnprintf(buf + n, max - n, ",gid=%u", o.gid);
	if (n < max)
		ksnprintf(buf + n, max - n, ",mode=%03o,ptmxmode=%03o", o.mode, o.ptmxmode);
}

/* All of them, or none. */
static int set_options(const char *data)
{
	struct options o;
	char *copy, *word, *next;
	bool ptmx_set = false;
	int err = 0;

	if (!data || !*data)
		return 0;
	copy = kstrdup(data, 0);
	if (!copy)
		return -ENOMEM;
	mutex_lock(&lock);
	o = options;
	for (word = copy; word && !err; word = next) {
		char *eq = strchr(word, '=');
		uint64_t v = 0;

		next = strchr(word, ',');
		if (next)
			*next++ = '\0';
		if (!*word || !strcmp(word, "newinstance"))
			continue;
		if (!eq || (next && eq >= next)) {
			err = -EINVAL;
			break;
		}
		*eq++ = '\0';
		err = parse_u64(eq, !strcmp(word, "mode") || !strcmp(word, "ptmxmode") ? 8 : 10, &v);
		if (err) {
			err = -EINVAL;
		} else if (!strcmp(word, "uid")) {
			o.uid = (uint32_t)v;
			o.have_uid = true;
		} else if (!strcmp(word, "gid")) {
			o.gid = (uint32_t)v;
			o.have_gid = true;
		} else if (!strcmp(word, "mode")) {
			o.mode = v & 07777;
		} else if (!strcmp(word, "ptmxmode")) {
			o.ptmxmode = v & 07777;
			ptmx_set = true;
		} else if (!strcmp(word, "max")) {
			o.max = MIN(v, (uint64_t)PTS_MAX);
		} else {
			err = -EINVAL;
		}
	}
	if (!err) {
		options = o;
		if (ptmx_set)
			WRITE_ONCE(ptmx->mode, S_IFCHR | o.ptmxmode);
	}
	mutex_unlock(&lock);
	kfree(copy);
	return err;
}

static int devpts_remount(struct super *s, unsigned flags, const char *data)
{
	return set_options(data);
}

static const struct super_ops super_ops = { .statfs = devpts_statfs, .show_options = devpts_show_options, .remount = devpts_remount };

static struct inode *make_inode(struct super *s, uint64_t ino, uint32_t mode, kdev_t dev)
{
	struct inode *i = inode_new(s, ino);

	if (!i)
		return NULL;
	if (S_ISCHR(mode))
		inode_init_special(i, mode, dev);
	i->mode = mode;
	i->rdev = dev;
	i->nlink = S_ISDIR(mode) ? 2 : 1;
	i->blksize = 1024;
	i->atime = i->mtime = i->ctime = i->btime = inode_now();
	return i;
}

static int devpts_mount(const struct filesystem *fs, const char *source, unsigned ms_flags, const char *data, struct super **out)
{
	int err = set_options(data);

	if (err)
		return err;
	*out = instance;	/* which the ptys' own mount keeps */
	return 0;
}

static struct filesystem devpts = { .name = "devpts", .mount = devpts_mount };

void devpts_init(void)
{
	struct super *s;
	struct inode *root;

	mutex_init(&lock, LOCK_MODULE);
	s = super_alloc(&devpts);
	root = s ? make_inode(s, INO_ROOT, S_IFDIR | 0755, 0) : NULL;
	ptmx = s ? make_inode(s, INO_PTMX, S_IFCHR | options.ptmxmode, KDEV(5, 2)) : NULL;
	if (!root || !ptmx)
		panic("devpts: no memory");
	root->ops = &root_ops;
	root->fops = &root_fops;
	s->ops = &super_ops;
	s->block_size = 1024;
	strlcpy(s->id, "devpts", sizeof(s->id));
	s->root = d_make_root(root);
	if (!s->root)
		panic("devpts: no memory");
	s->mounts = 1;	/* the ptys' own: it does not end with the last mount that programs see */
	instance = s;
	filesystem_register(&devpts);
}
