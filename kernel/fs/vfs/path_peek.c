/* SPDX-License-Identifier: MIT */
/*
 * Walking a path under RCU, without references or locks: as far as all is in the cache and nothing about it is special (a link, a
 * file system that decides about permissions, "..", an error).  Each directory was a child of the one before when it was found, and
 * each mount was where it was found, which is all that a walk with references knows.
 *
 * What such a walk comes to is taken (peek_take()), or asked where it is (path_ask()).
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include "vfs_internal.h"

bool peek_start(struct peek *p, struct fs_context *c, bool from_root, const char *name)
{
	uint32_t seq;

	for (;; hal_cpu_relax()) {
		seq = load_acquire(&c->seq);
		p->at.mnt = READ_ONCE((from_root ? &c->root : &c->cwd)->mnt);
		p->at.dentry = READ_ONCE((from_root ? &c->root : &c->cwd)->dentry);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (likely(!(seq & 1) && READ_ONCE(c->seq) == seq))
			break;
	}
	p->rest = name;
	p->moved = p->mounts = p->mount_root = false;
	return p->at.dentry != NULL;
}

/* To the top of what is mounted here.  False: it changes just now. */
static bool cross(struct peek *p)
{
	struct mount *m;
	bool sure;

	while ((m = mount_peek(&p->at, &sure))) {
		p->at = (struct path){ .mnt = m, .dentry = m->root };
		p->mount_root = true;
	}
	return sure;
}

void peek_ahead(struct peek *p, bool whole, bool may_cross)
{
	do {
		struct inode *dir = rcu_dereference(p->at.dentry->inode), *i;
		struct qstr name = { .name = p->rest };
		const char *behind;
		struct dentry *d;
		uint32_t seq;

		while (*name.name == '/')
			name.name++;
		while (name.name[name.len] && name.name[name.len] != '/')
			name.len++;
		for (behind = name.name + name.len; *behind == '/'; behind++)
			;
		if (!name.len || name.len > NAME_MAX || name_is_dot(&name) || name_is_dotdot(&name))
			break;
		if (!*behind && (!whole || behind[-1] == '/'))
			break;
		if (!S_ISDIR(inode_mode(dir)) || (dir->ops && dir->ops->permission) || inode_permission(dir, MAY_EXEC))
			break;
		name.hash = qstr_hash(name.name, name.len);
		d = d_peek(p->at.dentry, &name, &seq);
		i = d ? rcu_dereference(d->inode) : NULL;
		if (!i || (*behind ? !S_ISDIR(inode_mode(i)) : S_ISLNK(inode_mode(i))))
			break;
		p->rest = behind;
		p->at.dentry = d;
		p->seq = seq;
		p->moved = true;
		p->mount_root = false;
		if (READ_ONCE(d->mounts)) {
			struct path here = p->at;

			p->mounts = !may_cross || !cross(p);
			if (p->mounts) {
				p->at = here;
				p->mount_root = false;
			}
		}
	} while (*p->rest && !p->mounts);
}

bool peek_take(const struct peek *p, const struct mount *held)
{
	struct dentry *moved = NULL;
	bool got = p->moved, mount = got && p->at.mnt != held;

	if (mount)
		got = mount = ref_get_unless_zero(&p->at.mnt->refs);
	if (got && p->mount_root) {
		dentry_get(p->at.dentry);	/* which its mount has one to */
	} else if (got) {
		int taken = d_peek_take(p->at.dentry, p->seq);

		got = taken > 0;
		if (taken < 0)
			moved = p->at.dentry;
	}
	rcu_read_unlock();
	if (moved)
		dentry_put(moved);
	if (!got && mount)
		mount_put(p->at.mnt);
	return got;
}

/* Without references.  -EAGAIN: not to be had so. */
static int ask_ahead(int dfd, const char *name, unsigned flags, path_question_t *ask, void *arg)
{
	int err = -EAGAIN;
	struct peek p;

	if ((*name != '/' && dfd != AT_FDCWD) || flags & ~(unsigned)(LOOKUP_FOLLOW | LOOKUP_EMPTY | LOOKUP_NULL))
		return err;
	rcu_read_lock();
	if (peek_start(&p, fs_context_now(), *name == '/', name)) {
		peek_ahead(&p, true, true);
		if (p.moved && !*p.rest && !p.mounts && !p.mount_root) {
			err = ask(&p.at, false, arg);
			if (d_peek_changed(p.at.dentry, p.seq))
				err = -EAGAIN;
			if (err != -EAGAIN)
				mount_used(p.at.mnt);
		}
	}
	rcu_read_unlock();
	return err;
}

int path_ask(int dfd, uaddr_t uname, unsigned flags, path_question_t *ask, void *arg)
{
	struct path p;
	char *name;
	int err = path_name_from_user(uname, flags, &name);

	if (err)
		return err;
	err = ask_ahead(dfd, name, flags, ask, arg);
	if (err == -EAGAIN) {
		err = path_lookup(dfd, name, flags, &p);
		if (!err) {
			err = ask(&p, true, arg);
			path_put(&p);
		}
	}
	kfree(name);
	return err;
}
