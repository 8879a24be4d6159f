/* SPDX-License-Identifier: MIT */
/*
 * pivot_root(2): another mount becomes the root of the tree, and the old root
 * is mounted in it.  Everybody whose root or working directory was the old
 * root gets the new one.
 */
#include <kernel/errno.h>
#include <kernel/task.h>
#include "syscall/syscall_impl.h"
#include "vfs_internal.h"

/* Everybody whose root or working directory is the old root gets the new one. */
static void chroot_everybody(const struct path *from, const struct path *to)
{
	enum { BATCH = 64 };
	struct fs_context *found[BATCH];
	unsigned n;

	do {
		struct process *p;
		struct task *t;
		unsigned long flags;

		n = 0;
		flags = spin_lock_irqsave(&process_tree_lock);
		rcu_read_lock();
		list_for_each(p, &process_list, all_link)
			list_for_each(t, &p->threads, thread_link) {
				struct fs_context *c = rcu_dereference(t->fs);

				if (c && n < BATCH && (same_path(&c->root, from) || same_path(&c->cwd, from)) &&
				    ref_get_unless_zero(&c->refs))
					found[n++] = c;
			}
		rcu_read_unlock();
		spin_unlock_irqrestore(&process_tree_lock, flags);
		for (unsigned i = 0; i < n; i++) {
			struct path drop[2] = { 0 };

			spin_lock(&found[i]->lock);
			if (same_path(&found[i]->root, from)) {
				drop[0] = found[i]->root;
				path_get(to);
				fs_context_change(found[i], &found[i]->root, to);
			}
			if (same_path(&found[i]->cwd, from)) {
				drop[1] = found[i]->cwd;
				path_get(to);
				fs_context_change(found[i], &found[i]->cwd, to);
			}
			spin_unlock(&found[i]->lock);
			path_put(&drop[0]);
			path_put(&drop[1]);
			fs_context_put(found[i]);
		}
	} while (n == BATCH);
}

long sys_pivot_root(uaddr_t new_root, uaddr_t put_old)
{
	struct path new = { 0 }, old = { 0 }, root;
	struct mount *new_mnt, *root_mnt, *root_parent, *up;
	struct mount_ns *ns;
	struct dentry *root_at;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (err)
		return err;
	err = path_lookup_user(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (err)
		goto out_new;
	spin_lock(&current->fs->lock);
	root = current->fs->root;
	path_get(&root);
	spin_unlock(&current->fs->lock);
	mutex_lock(&mount_mutex);
	new_mnt = new.mnt;
	root_mnt = root.mnt;
	ns = root_mnt->ns;
	err = -EINVAL;
	/* The peers of these would have to be told, and have roots of their own. */
	if (!mount_is_ours(root_mnt) || !mount_is_ours(new_mnt) || !mount_is_ours(old.mnt) || old.mnt->shared || new_mnt->parent->shared ||
	    (root_mnt->parent != root_mnt && root_mnt->parent->shared))
		goto out;
	err = -EBUSY;
	if (new_mnt == root_mnt || old.mnt == root_mnt)
		goto out;
	err = -EINVAL;
	if (new.dentry != new_mnt->root || root.dentry != root_mnt->root || new_mnt->parent == new_mnt)
		goto out;
	/* new_root must be below the root, and put_old at or below new_root. */
	if (!mount_is_below(new_mnt, &root))
		goto out;
	for (up = old.mnt; up != new_mnt; up = up->parent)
		if (up->parent == up)
			goto out;
	err = -ENOENT;
	if (d_unlinked(new.dentry) || !mount_point_pin(old.dentry))
		goto out;
	root_parent = root_mnt->parent == root_mnt ? NULL : root_mnt->parent;
	root_at = root_mnt->mountpoint;
	if (root_parent) {
		mount_get(root_parent);
		dentry_get(root_at);
		mount_detach(root_mnt);
	}
	mount_detach(new_mnt);
	mount_attach(root_mnt, old.mnt, old.dentry);
	if (root_parent) {
		mount_attach(new_mnt, root_parent, root_at);
		dentry_put(root_at);
		mount_put(root_parent);
	} else {
		ns->root = new_mnt;
	}
	mount_point_unpin(old.dentry);
	err = 0;
out:
	mutex_unlock(&mount_mutex);
	if (!err)
		chroot_everybody(&root, &new);
	path_put(&root);
	path_put(&old);
out_new:
	path_put(&new);
	return err;
}
