/* SPDX-License-Identifier: MIT */
/*
 * A file system put together step by step: fsopen(2) names its type,
 * fsconfig(2) collects parameters and creates it, fsmount(2) makes a mount of
 * it that is in no tree yet (mount_api.c).  fspick(2) takes one that is
 * mounted, to reconfigure it.
 *
 * A context collects options as the text that mount(2) would have been given.
 * Its phase says what may come next, as on Linux: parameters, then CREATE, then
 * one fsmount, then parameters for RECONFIGURE.
 *
 * Reading from a context gives messages on Linux; there are none: ENODATA.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

enum { FSOPEN_CLOEXEC = 1, FSMOUNT_CLOEXEC = 1, FSPICK_CLOEXEC = 1, FSPICK_NOFOLLOW = 2, FSPICK_NO_AUTOMOUNT = 4, FSPICK_EMPTY = 8 };
enum { SET_FLAG, SET_STRING, SET_BINARY, SET_PATH, SET_PATH_EMPTY, SET_FD, CMD_CREATE, CMD_RECONFIGURE, CMD_CREATE_EXCL };
enum phase { CREATE_PARAMS, AWAITING_MOUNT, RECONF_PARAMS, FAILED };
enum { KEY_MAX = 256, FLAGS_OF_SUPER = MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME | MS_MANDLOCK };

struct fs_config {
	struct mutex lock;		/* [FS_CONFIG] */
	const struct filesystem *fs;	/* [I] */
	enum phase phase;		/* [lock] */
	unsigned flags, flags_set;	/* [lock] MS_* of the super block; which of them were said */
	char *source;			/* [lock] */
	char *data;			/* [lock] PAGE_SIZE bytes: a,b=c */
	struct mount *mnt;		/* [lock] made, not yet given to fsmount */
	struct super *super;		/* [lock] to reconfigure; pinned */
};
static const struct file_ops fs_config_ops;

static void config_free(struct fs_config *c)
{
	if (c->mnt)
		mount_put(c->mnt);	/* it is in no tree yet */
	if (c->super)
		super_unpin(c->super);
	kfree(c->source);
	kfree(c->data);
	kfree(c);
}

static struct fs_config *config_alloc(const struct filesystem *fs, enum phase phase)
{
	struct fs_config *c = kzalloc(sizeof(*c), 0);

	if (!c)
		return NULL;
	c->data = kzalloc(PAGE_SIZE, 0);
	if (!c->data) {
		kfree(c);
		return NULL;
	}
	mutex_init(&c->lock, LOCK_FS_CONFIG);
	c->fs = fs;
	c->phase = phase;
	return c;
}

static int config_fd(struct fs_config *c, bool cloexec)
{
	struct file *f;
	int fd = file_create_anon("[fscontext]", 0600, &fs_config_ops, c, O_RDWR, &f);

	if (fd) {
		config_free(c);
		return fd;
	}
	fd = fd_add(f, cloexec ? O_CLOEXEC : 0);
	if (fd < 0)
		file_put(f);
	return fd;
}

static void config_release(struct file *f) { config_free(f->private); }
static int64_t config_read(struct file *f, struct uio *u, uint64_t *pos) { return -ENODATA; }
static const struct file_ops fs_config_ops = { .release = config_release, .read = config_read };

long sys_fsopen(uaddr_t uname, unsigned flags)
{
	const struct filesystem *fs;
	struct fs_config *c;
	char name[64];
	int64_t n;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(unsigned)FSOPEN_CLOEXEC)
		return -EINVAL;
	n = strncpy_from_user(name, uname, sizeof(name));
	if (n < 0)
		return n;
	fs = (size_t)n < sizeof(name) ? filesystem_find(name) : NULL;
	if (!fs)
		return -ENODEV;
	c = config_alloc(fs, CREATE_PARAMS);
	return c ? config_fd(c, flags & FSOPEN_CLOEXEC) : -ENOMEM;
}

long sys_fspick(int dfd, uaddr_t name, unsigned flags)
{
	struct fs_config *c;
	struct path p;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(unsigned)(FSPICK_CLOEXEC | FSPICK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY))
		return -EINVAL;
	err = path_lookup_user(dfd, name, (flags & FSPICK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & FSPICK_EMPTY ? LOOKUP_EMPTY : 0), &p);
	if (err)
		return err;
	err = -EINVAL;
	if (p.mnt->root != p.dentry)
		goto fail;
	err = -ENOMEM;
	c = config_alloc(p.mnt->super->fs, RECONF_PARAMS);
	if (!c)
		goto fail;
	c->super = p.mnt->super;
	super_pin(c->super);
	path_put(&p);
	return config_fd(c, flags & FSPICK_CLOEXEC);
fail:
	path_put(&p);
	return err;
}

/* ---- parameters ---- */

/* One of the words that every file system knows: into c->flags. */
static bool common_flag(struct fs_config *c, const char *key)
{
	static const struct { const char *key; unsigned set, clr; } words[] = {
		{ "ro", MS_RDONLY, 0 }, { "rw", 0, MS_RDONLY }, { "sync", MS_SYNCHRONOUS, 0 }, { "async", 0, MS_SYNCHRONOUS },
		{ "dirsync", MS_DIRSYNC, 0 }, { "lazytime", MS_LAZYTIME, 0 }, { "nolazytime", 0, MS_LAZYTIME }, { "mand", MS_MANDLOCK, 0 },
		{ "nomand", 0, MS_MANDLOCK },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].key, key)) {
			c->flags = (c->flags & ~words[i].clr) | words[i].set;
			c->flags_set |= words[i].set | words[i].clr;
			return true;
		}
	return false;
}

static int add_option(struct fs_config *c, const char *key, const char *value)
{
	size_t used = strlen(c->data), klen = strlen(key), vlen = value ? strlen(value) : 0;
	int err = 0;

	/* A comma would make two options of one. */
	if (strchr(key, ',') || (value && strchr(value, ',')))
		return -EINVAL;
	if (used + klen + vlen + 3 > PAGE_SIZE)
		return -EINVAL;
	ksnprintf(c->data + used, PAGE_SIZE - used, "%s%s%s%s", used ? "," : "", key, value ? "=" : "", value ? value : "");
	if (c->fs->check_options)
		err = c->fs->check_options(c->data);
	if (err)
		c->data[used] = '\0';
	return err;
}

static int set_param(struct fs_config *c, unsigned cmd, const char *key, const char *value)
{
	if (c->phase != CREATE_PARAMS && c->phase != RECONF_PARAMS)
		return -EBUSY;
	if (cmd == SET_FLAG)
		return common_flag(c, key) ? 0 : add_option(c, key, NULL);
	if (strcmp(key, "source"))
		return common_flag(c, key) ? 0 : add_option(c, key, value);
	if (c->source)
		return -EINVAL;
	c->source = kstrdup(value, 0);
	return c->source ? 0 : -ENOMEM;
}

static int create(struct fs_config *c)
{
	int err;

	if (c->phase != CREATE_PARAMS)
		return -EBUSY;
	err = mount_make(c->source, c->fs->name, c->flags & FLAGS_OF_SUPER, c->data, &c->mnt);
	c->phase = err ? FAILED : AWAITING_MOUNT;
	return err;
}

static int reconfigure(struct fs_config *c)
{
	unsigned flags;
	int err;

	if (c->phase != RECONF_PARAMS)
		return -EBUSY;
	mutex_lock(&mount_mutex);
	flags = (READ_ONCE(c->super->flags) & ~c->flags_set) | c->flags;
	err = super_remount(c->super, flags, c->data);
	mutex_unlock(&mount_mutex);
	if (err) {
		c->phase = FAILED;
	} else {
		c->data[0] = '\0';
		c->flags = c->flags_set = 0;
	}
	return err;
}

/* Which of key, value and aux a command has. */
static int check_arguments(unsigned cmd, uaddr_t key, uaddr_t value, int aux)
{
	bool good;

	switch (cmd) {
	case SET_FLAG: good = key && !value && !aux; break;
	case SET_STRING: good = key && value && !aux; break;
	case SET_BINARY: good = key && value && aux > 0 && aux <= 1 << 20; break;
	case SET_PATH: case SET_PATH_EMPTY: good = key && value && (aux == AT_FDCWD || aux >= 0); break;
	case SET_FD: good = key && !value && aux >= 0; break;
	case CMD_CREATE: case CMD_CREATE_EXCL: case CMD_RECONFIGURE: good = !key && !value && !aux; break;
	default: return -EOPNOTSUPP;
	}
	return good ? 0 : -EINVAL;
}

int fs_string_from_user(uaddr_t u, size_t max, char **out)
{
	int64_t n;

	*out = kmalloc(max, 0);
	if (!*out)
		return -ENOMEM;
	n = strncpy_from_user(*out, u, max);
	if (n >= 0 && (size_t)n < max)
		return 0;
	kfree(*out);
	*out = NULL;
	return n < 0 ? (int)n : -EINVAL;
}

long sys_fsconfig(int fd, unsigned cmd, uaddr_t ukey, uaddr_t uvalue, int aux)
{
	char *key = NULL, *value = NULL;
	struct fs_config *c;
	struct file *f;
	int err;

	if (fd < 0)
		return -EINVAL;
	err = check_arguments(cmd, ukey, uvalue, aux);
	if (err)
		return err;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = -EINVAL;
	if (f->ops != &fs_config_ops)
		goto out;
	c = f->private;
	if (cmd == SET_BINARY || cmd == SET_PATH || cmd == SET_PATH_EMPTY || cmd == SET_FD || cmd == CMD_CREATE_EXCL) {
		err = -EOPNOTSUPP;	/* no file system here has such a parameter */
		goto out;
	}
	err = ukey ? fs_string_from_user(ukey, KEY_MAX, &key) : 0;
	if (!err && cmd == SET_STRING)
		err = fs_string_from_user(uvalue, KEY_MAX, &value);
	if (!err) {
		mutex_lock(&c->lock);
		if (cmd == CMD_CREATE)
			err = capable(CAP_SYS_ADMIN) ? create(c) : -EPERM;
		else if (cmd == CMD_RECONFIGURE)
			err = capable(CAP_SYS_ADMIN) ? reconfigure(c) : -EPERM;
		else
			err = set_param(c, cmd, key, value);
		mutex_unlock(&c->lock);
	}
	kfree(key);
	kfree(value);
out:
	file_put(f);
	return err;
}

long sys_fsmount(int fd, unsigned flags, unsigned attr)
{
	struct fs_config *c;
	struct mount *m;
	struct file *f;
	unsigned ms;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(unsigned)FSMOUNT_CLOEXEC)
		return -EINVAL;
	err = mount_attr_flags(attr, &ms);
	if (err)
		return err;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	err = -EINVAL;
	if (f->ops != &fs_config_ops)
		goto out;
	c = f->private;
	mutex_lock(&c->lock);
	if (c->phase == AWAITING_MOUNT) {
		m = c->mnt;
		m->flags = ms;	/* nobody else knows it yet */
		c->super = m->super;
		super_pin(c->super);
		c->mnt = NULL;
		c->phase = RECONF_PARAMS;
		c->data[0] = '\0';
		c->flags = c->flags_set = 0;
		err = mount_open_detached(m, flags & FSMOUNT_CLOEXEC);
	} else {
		err = c->super ? -EBUSY : -EINVAL;
	}
	mutex_unlock(&c->lock);
out:
	file_put(f);
	return err;
}
