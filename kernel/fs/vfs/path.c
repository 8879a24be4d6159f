/* SPDX-License-Identifier: MIT */
/*
 * Path resolution (path_resolution(7), openat2(2)).
 *
 * A walk goes component by component from a start (root, working directory or
 * a directory descriptor), crossing mounts and expanding symbolic links.  It
 * holds a reference to where it is.  A link's text is pushed in front of what
 * is left of the path: a stack of at most 40 remainders, as many as links are
 * allowed.
 *
 * walk_parent() stops in front of the last component; calls that make or
 * remove names go on from there, path_lookup() looks the last one up.
 *
 * RESOLVE_*: BENEATH and IN_ROOT make the start the root of the walk (..
 * past it is EXDEV, or stays there); NO_XDEV refuses mount crossings.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include "vfs_internal.h"

int path_name_from_user(uaddr_t uname, unsigned flags, char **out)
{
	char few[128], *name;
	int64_t n = 0;

	/* Most names are short: these need no page. */
	if (uname || !(flags & LOOKUP_NULL))
		n = strncpy_from_user(few, uname, sizeof(few));
	if (n < 0)
		return (int)n;
	if (n == 0 && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	name = kmalloc(n < (int64_t)sizeof(few) ? (size_t)n + 1 : PATH_MAX, 0);
	if (!name)
		return -ENOMEM;
	if (n < (int64_t)sizeof(few)) {
		memcpy(name, few, (size_t)n);
		name[n] = '\0';
	} else {
		n = strncpy_from_user(name, uname, PATH_MAX);	/* from the start: it may be another one by now */
		if (n < 0 || n >= PATH_MAX || (n == 0 && !(flags & LOOKUP_EMPTY))) {
			kfree(name);
			return n < 0 ? (int)n : n == 0 ? -ENOENT : -ENAMETOOLONG;
		}
	}
	*out = name;
	return 0;
}

/* The root, with a reference: only links, .. and scopes ask for it. */
static void walk_need_root(struct walk *w)
{
	struct fs_context *c = fs_context_now();

	if (w->root.dentry)
		return;
	spin_lock(&c->lock);
	w->root = c->root;
	path_get(&w->root);
	spin_unlock(&c->lock);
}

/*
 * From the root or the working directory, neither of which is referenced: only what it comes to.
 * w->path is that then; false: nothing has happened.
 */
static bool start_ahead(struct walk *w, struct fs_context *c, bool from_root)
{
	struct peek p;

	rcu_read_lock();
	if (peek_start(&p, c, from_root, w->rest))
		peek_ahead(&p, w->flags & LOOKUP_WHOLE, true);
	if (!peek_take(&p, NULL))
		return false;
	w->path = p.at;
	w->rest = p.rest;
	w->done = !*p.rest;
	if (p.mounts)
		path_cross_down(&w->path);
	return true;
}

static int walk_start(struct walk *w, int dfd)
{
	bool scoped = w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	bool absolute = *w->rest == '/', from_root = absolute && !(w->flags & LOOKUP_IN_ROOT);
	struct fs_context *c = fs_context_now();

	if (absolute && (w->flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (from_root || dfd == AT_FDCWD) {
		if (!scoped && !(w->flags & LOOKUP_NO_XDEV) && start_ahead(w, c, from_root))
			return 0;
		spin_lock(&c->lock);
		w->path = from_root ? c->root : c->cwd;
		if (w->path.dentry)
			path_get(&w->path);
		spin_unlock(&c->lock);
		if (!w->path.dentry)	/* nothing is mounted yet */
			return -ENOENT;
	} else {
		struct file *f = fd_get_any(dfd);

		if (!f)
			return -EBADF;
		if (w->flags & LOOKUP_OPENER && f->cred != current->cred && !capable(CAP_DAC_READ_SEARCH)) {
			file_put(f);
			return -ENOENT;
		}
		if (*w->rest && !S_ISDIR(inode_mode(f->inode))) {
			file_put(f);
			return -ENOTDIR;
		}
		w->path = f->path;
		path_get(&w->path);
		file_put(f);
	}
	if (scoped) {
		w->root = w->path;
		path_get(&w->root);
	}
	return 0;
}

int walk_init(struct walk *w, int dfd, const char *name, unsigned flags)
{
	int err;

	memset(w, 0, offsetof(struct walk, stack));
	w->buf = NULL;
	w->flags = flags;
	w->rest = name;
	if (!*name && !(flags & LOOKUP_EMPTY))
		return -ENOENT;
	err = walk_start(w, dfd);
	if (err)
		walk_end(w);
	return err;
}

static void walk_pop(struct walk *w)
{
	kfree(w->buf);
	w->depth--;
	w->rest = w->stack[w->depth].rest;
	w->buf = w->stack[w->depth].buf;
}

void walk_end(struct walk *w)
{
	kfree(w->buf);
	w->buf = NULL;
	while (w->depth > 0)
		kfree(w->stack[--w->depth].buf);
	if (w->path.dentry)
		path_put(&w->path);
	if (w->root.dentry)
		path_put(&w->root);
}

static bool at_root(const struct walk *w)
{
	return w->path.dentry == w->root.dentry && w->path.mnt == w->root.mnt;
}

int walk_dotdot(struct walk *w)
{
	struct dentry *parent;

	walk_need_root(w);
	for (;;) {
		if (at_root(w))
			return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
		if (w->path.dentry != w->path.mnt->root)
			break;
		if (w->flags & LOOKUP_NO_XDEV) {
			struct path p = w->path;

			path_get(&p);
			if (!path_up(&p)) {
				path_put(&p);
				return 0;
			}
			path_put(&p);
			return -EXDEV;
		}
		if (!path_up(&w->path))
			return 0;
	}
	parent = dentry_get_parent(w->path.dentry);
	dentry_put(w->path.dentry);
	w->path.dentry = parent;
	if (READ_ONCE(parent->mounts))
		path_cross_down(&w->path);
	return 0;
}

int dir_lookup_locked(struct dentry *dir, const struct qstr *name, struct dentry **out)
{
	struct inode *i = dir->inode;
	struct dentry *d = d_find_locked(dir, name), *other;
	int err;

	if (d) {
		*out = d;
		return 0;
	}
	if (i->nlink == 0)
		return -ENOENT;
	if (!i->ops || !i->ops->lookup)
		return -ENOTDIR;
	d = d_alloc(dir, name);
	if (!d)
		return -ENOMEM;
	err = i->ops->lookup(i, d);
	if (err) {
		dentry_put(d);
		return err;
	}
	other = d_hash_unique(d);
	if (other) {		/* somebody was faster */
		dentry_put(d);
		d = other;
	} else if (d_unlinked(d)) {
		klog_err("%s: directory %llu is in two places, one is '%.*s'", d->super->fs->name, (unsigned long long)d->inode->ino,
			(int)name->len, name->name);
		dentry_put(d);
		return -EIO;
	}
	*out = d;
	return 0;
}

int walk_lookup(struct walk *w, const struct qstr *name, struct dentry **out)
{
	struct dentry *dir = w->path.dentry, *d;
	int err;

	err = entry_name_check(dir, name);
	if (err)
		return err;
	d = d_find(dir, name);
	if (d) {
		*out = d;
		return 0;
	}
	rwsem_read_lock(&dir->inode->lock);
	err = dir_lookup_locked(dir, name, out);
	rwsem_read_unlock(&dir->inode->lock);
	return err;
}

static int jump_root(struct walk *w)
{
	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	walk_need_root(w);
	if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt != w->root.mnt)
		return -EXDEV;
	path_put(&w->path);
	w->path = w->root;
	path_get(&w->path);
	return 0;
}

static void update_atime(struct walk *w, struct dentry *link)
{
	struct path p = { .mnt = w->path.mnt, .dentry = link };

	path_accessed(&p);
}

int walk_push_link(struct walk *w, struct dentry *link)
{
	struct inode *i = link->inode;
	char *text;
	int n;

	w->done = false;	/* says it of this link, not of one before it */
	if (++w->links > WALK_LINKS || (w->flags & LOOKUP_NO_SYMLINKS) || (READ_ONCE(w->path.mnt->flags) & MS_NOSYMFOLLOW))
		return -ELOOP;
	if (i->ops->get_link) {
		struct path to;
		int err;

		if (w->flags & LOOKUP_NO_MAGICLINKS)
			return -ELOOP;
		if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
			return -EXDEV;
		err = i->ops->get_link(i, &to);
		if (!err) {
			if ((w->flags & LOOKUP_NO_XDEV) && to.mnt != w->path.mnt) {
				path_put(&to);
				return -EXDEV;
			}
			path_put(&w->path);
			w->path = to;
			w->done = true;
			return 0;
		}
		if (err != -EINVAL)	/* EINVAL: this one has a text after all */
			return err;
	}
	if (!i->ops->readlink)
		return -EINVAL;
	text = kmalloc(PATH_MAX, 0);
	if (!text)
		return -ENOMEM;
	n = i->ops->readlink(i, text, PATH_MAX);
	if (n <= 0) {
		kfree(text);
		return n < 0 ? n : -ENOENT;
	}
	update_atime(w, link);
	if (*w->rest) {
		w->stack[w->depth].rest = w->rest;
		w->stack[w->depth].buf = w->buf;
		w->depth++;
	} else {
		kfree(w->buf);
	}
	w->buf = text;
	w->rest = text;
	if (*text == '/')
		return jump_root(w);
	return 0;
}

/* Enter d, a child of where we are; takes the reference. */
int walk_enter(struct walk *w, struct dentry *d)
{
	dentry_put(w->path.dentry);
	w->path.dentry = d;
	if (unlikely(READ_ONCE(d->mounts))) {
		struct mount *m = w->path.mnt;

		path_cross_down(&w->path);
		if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt != m)
			return -EXDEV;
	}
	return 0;
}

/* Without references from where we are, as far as that goes.  0: the rest of the path is for a walk with references. */
static int walk_ahead(struct walk *w, bool *again)
{
	struct peek p = { .at = w->path, .rest = w->rest };
	struct mount *from = w->path.mnt;

	rcu_read_lock();
	peek_ahead(&p, false, !(w->flags & LOOKUP_NO_XDEV));
	if (!peek_take(&p, from))
		return 0;
	w->rest = p.rest;
	if (p.at.mnt != from) {
		path_put(&w->path);
		w->path = p.at;
		if (p.mounts)
			path_cross_down(&w->path);
		return 0;
	}
	*again = p.mounts;
	return walk_enter(w, p.at.dentry);
}

int walk_parent(struct walk *w)
{
	int err;
	bool ahead = true;

	w->done = false;
	for (;;) {
		struct inode *dir;
		struct dentry *d;
		unsigned len = 0;
		bool last, slashes;

		while (ahead) {
			ahead = false;
			err = walk_ahead(w, &ahead);
			if (err)
				return err;
		}
		while (*w->rest == '/')
			w->rest++;
		if (!*w->rest) {
			if (w->depth > 0) {
				walk_pop(w);
				continue;
			}
			w->last_type = LAST_ROOT;	/* "/", or the empty path */
			return 0;
		}
		dir = w->path.dentry->inode;
		if (!S_ISDIR(inode_mode(dir)))
			return -ENOTDIR;
		err = inode_permission(dir, MAY_EXEC);
		if (err)
			return err;
		while (w->rest[len] && w->rest[len] != '/')
			len++;
		w->last = (struct qstr){ .name = w->rest, .len = len };
		w->rest += len;
		slashes = *w->rest == '/';
		while (*w->rest == '/')
			w->rest++;
		last = !*w->rest && w->depth == 0;
		w->last_type = name_is_dot(&w->last) ? LAST_DOT : name_is_dotdot(&w->last) ? LAST_DOTDOT : LAST_NORM;
		if (last) {
			w->trailing |= slashes;
			if (w->last_type == LAST_NORM)
				w->last.hash = qstr_hash(w->last.name, len);
			return 0;
		}
		ahead = true;
		if (w->last_type == LAST_DOT)
			continue;
		if (w->last_type == LAST_DOTDOT) {
			err = walk_dotdot(w);
			if (err)
				return err;
			continue;
		}
		w->last.hash = qstr_hash(w->last.name, len);
		err = walk_lookup(w, &w->last, &d);
		if (err)
			return err;
		if (d_negative(d)) {
			dentry_put(d);
			return -ENOENT;
		}
		if (S_ISLNK(inode_mode(d->inode))) {
			err = walk_push_link(w, d);
			dentry_put(d);
			if (err)
				return err;
			continue;
		}
		err = walk_enter(w, d);
		if (err)
			return err;
	}
}

/* All of the path, links followed if asked. w->path is the result. */
static int walk_whole(struct walk *w)
{
	int err;

	while (!w->done) {
		struct dentry *d;

		err = walk_parent(w);
		if (err)
			return err;
		switch (w->last_type) {
		case LAST_ROOT:
		case LAST_DOT:
			goto found;
		case LAST_DOTDOT:
			err = walk_dotdot(w);
			if (err)
				return err;
			goto found;
		case LAST_NORM:
			break;
		}
		err = walk_lookup(w, &w->last, &d);
		if (err)
			return err;
		if (d_negative(d)) {
			dentry_put(d);
			return -ENOENT;
		}
		if (S_ISLNK(inode_mode(d->inode)) && ((w->flags & LOOKUP_FOLLOW) || w->trailing)) {
			err = may_follow(w->path.dentry->inode, d->inode);
			if (!err)
				err = walk_push_link(w, d);
			dentry_put(d);
			if (err)
				return err;
			continue;
		}
		err = walk_enter(w, d);
		if (err)
			return err;
		break;
	}
found:
	if ((w->trailing || (w->flags & LOOKUP_DIRECTORY)) && !S_ISDIR(inode_mode(w->path.dentry->inode)))
		return -ENOTDIR;
	return 0;
}

int path_lookup(int dfd, const char *name, unsigned flags, struct path *out)
{
	struct walk *w = kmalloc(sizeof(*w), 0);
	int err;

	out->mnt = NULL;
	out->dentry = NULL;
	if (!w)
		return -ENOMEM;
	err = walk_init(w, dfd, name, flags | LOOKUP_WHOLE);
	if (!err) {
		err = walk_whole(w);
		if (!err) {
			*out = w->path;
			w->path = (struct path){ 0 };
		}
		walk_end(w);
	}
	kfree(w);
	return err;
}

int path_lookup_user(int dfd, uaddr_t uname, unsigned flags, struct path *out)
{
	char *name;
	int err = path_name_from_user(uname, flags, &name);

	out->mnt = NULL;
	out->dentry = NULL;
	if (err)
		return err;
	err = path_lookup(dfd, name, flags, out);
	kfree(name);
	return err;
}

/* Hands the directory locked to entry_finish(). */
int entry_prepare(int dfd, const char *name, bool for_dir, struct new_entry *e) NO_TSA
{
	struct walk *w = kmalloc(sizeof(*w), 0);
	struct inode *dir;
	int err, ro;

	memset(e, 0, sizeof(*e));
	if (!w)
		return -ENOMEM;
	err = walk_init(w, dfd, name, LOOKUP_PARENT);
	if (err)
		goto out_free;
	err = walk_parent(w);
	if (err)
		goto out_end;
	err = -EEXIST;
	if (w->last_type != LAST_NORM)
		goto out_end;
	err = entry_name_check(w->path.dentry, &w->last);
	if (err)
		goto out_end;
	e->trailing = w->trailing;
	dir = w->path.dentry->inode;
	/* EEXIST is the more telling of two errors: EROFS comes after the look-up. */
	ro = mount_want_write(w->path.mnt);
	rwsem_write_lock(&dir->lock);
	err = dir_lookup_locked(w->path.dentry, &w->last, &e->dentry);
	if (!err) {
		if (!d_negative(e->dentry))
			err = -EEXIST;
		else if (w->trailing && !for_dir)
			err = -ENOENT;
		else if (ro)
			err = ro;
		if (err)
			dentry_put(e->dentry);
	}
	if (!err) {
		e->parent = w->path;
		w->path = (struct path){ 0 };
	} else {
		e->dentry = NULL;
		rwsem_write_unlock(&dir->lock);
		if (!ro)
			mount_drop_write(w->path.mnt);
	}
out_end:
	walk_end(w);
out_free:
	kfree(w);
	return err;
}

void entry_finish(struct new_entry *e) NO_TSA
{
	rwsem_write_unlock(&e->parent.dentry->inode->lock);
	mount_drop_write(e->parent.mnt);
	dentry_put(e->dentry);
	path_put(&e->parent);
}

static char *prepend(char *p, char *buf, const char *s, size_t n)
{
	if (!p || (size_t)(p - buf) < n)
		return NULL;
	p -= n;
	memcpy(p, s, n);
	return p;
}

char *path_name(const struct path *path, char *buf, size_t max)
{
	struct fs_context *c = fs_context_now();
	struct path root;
	char *name;

	spin_lock(&c->lock);
	root = c->root;
	if (root.dentry)
		path_get(&root);
	spin_unlock(&c->lock);
	name = path_name_from(&root, path, buf, max);
	if (root.dentry)
		path_put(&root);
	return name;
}

char *path_name_from(const struct path *root, const struct path *path, char *buf, size_t max)
{
	struct path p = *path;
	char *out = buf + max;

	if (max < 2)
		return NULL;
	*--out = '\0';
	if (READ_ONCE(p.mnt->parent) == p.mnt && READ_ONCE(p.dentry->parent) == p.dentry && p.dentry != p.mnt->root) {	/* nameless */
		const struct qstr *q = &p.dentry->name;
		int n;

		if (q->name[0] == '[' || q->name[0] == '/')
			n = ksnprintf(buf, max, "%s%s", q->name[0] == '[' ? "anon_inode:" : "", q->name);
		else
			n = ksnprintf(buf, max, "%s:[%llu]", q->name, (unsigned long long)p.dentry->inode->ino);
		return (size_t)n < max ? buf : NULL;
	}
	if (d_unlinked(p.dentry))
		out = prepend(out, buf, " (deleted)", 10);
	path_get(&p);
	while (out && !same_path(&p, root)) {
		struct dentry *parent;

		if (p.dentry == p.mnt->root || READ_ONCE(p.dentry->parent) == p.dentry) {
			if (path_up(&p))
				continue;
			break;	/* not reachable from the root */
		}
		spin_lock(&p.dentry->lock);
		out = prepend(out, buf, p.dentry->name.name, p.dentry->name.len);
		parent = dentry_get(p.dentry->parent);
		spin_unlock(&p.dentry->lock);
		out = prepend(out, buf, "/", 1);
		dentry_put(p.dentry);
		p.dentry = parent;
	}
	if (out && (*out == '\0' || *out == ' '))
		out = prepend(out, buf, "/", 1);
	path_put(&p);
	return out;
}
