/* SPDX-License-Identifier: MIT */
/* What the files of fs/vfs share with each other and with nobody else. */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H
#include <kernel/file.h>
#include <kernel/task.h>
#include <kernel/vfs.h>

/* ---- inode.c ---- */
void inode_cache_init(void);
size_t inode_shrink(size_t max);
extern size_t inode_count, inode_lru_count, dentry_count, dcache_lru_count;	/* for /proc/sys/fs */
/* Writes attributes of dirty inodes of s. */
int inode_write_dirty(struct super *s);
/*
 * A walk over the inodes of s that are in memory, for which want() says yes: the one behind prev (NULL: the first), with a
 * reference; prev's is given back.  NULL: there is none.  Those that come meanwhile are not met; one that is being
 * thrown away is waited for.  want() is asked under a spin lock.
 */
struct inode *inode_next(struct super *s, struct inode *prev, bool (*want)(const struct inode *i));
void inode_evict_super(struct super *s);	/* every unused inode; for the unmount */
bool inode_super_busy(struct super *s);		/* some are in memory yet */
extern struct mapping_ops inode_no_mapping_ops;

/* ---- times.c ---- */
static inline bool inode_time_same(const struct inode_time *a, const struct inode_time *b) { return a->sec == b->sec && a->nsec == b->nsec; }

/* ---- dcache.c ---- */
void dcache_init(void);
uint32_t qstr_hash(const char *name, unsigned len);
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name);	/* NULL: no memory; referenced, not hashed */
/* In no directory; takes the reference on i (also on failure: NULL). */
struct dentry *d_alloc_nameless(struct inode *i, const struct qstr *name);
/* Cached child with a reference, or NULL: not cached, or moving.  Takes no lock. */
struct dentry *d_find(struct dentry *parent, const struct qstr *name);
/*
 * The same without a reference, inside rcu_read_lock(); *seq says where it was found.  d_peek_take() takes the reference, still inside:
 * 1; 0: it is gone; -1: it was moved or removed, and the reference must be put, outside.
 */
struct dentry *d_peek(struct dentry *parent, const struct qstr *name, uint32_t *seq);
int d_peek_take(struct dentry *d, uint32_t seq) MUST_CHECK;
bool d_peek_changed(const struct dentry *d, uint32_t seq);	/* not there any more, or under another name */
/* The same; certain if the parent's inode is locked. */
struct dentry *d_find_locked(struct dentry *parent, const struct qstr *name);
/* Hash d, or return the one that is there already (referenced).  Not hashed, NULL: a directory that is elsewhere, too. */
struct dentry *d_hash_unique(struct dentry *d);
void d_move(struct dentry *d, struct dentry *target, bool exchange);
bool d_is_ancestor(const struct dentry *a, struct dentry *d);	/* of d, or d itself; [RENAME] */
struct dentry *dentry_get_parent(struct dentry *d);
size_t dcache_shrink(size_t max);
void dcache_shrink_super(struct super *s);	/* every unused dentry below its root */
void d_prune_children(struct dentry *d);	/* unused entries below d, a directory that is gone: after d_drop() */
static inline bool d_unlinked(const struct dentry *d)
{
	return !(READ_ONCE(d->flags) & (DENTRY_HASHED | DENTRY_NOCACHE)) && READ_ONCE(d->parent) != d;
}
static inline bool d_negative(const struct dentry *d) { return rcu_dereference(((struct dentry *)d)->inode) == NULL; }

/* ---- super.c ---- */
const struct filesystem *filesystem_find(const char *name);
const struct filesystem *filesystem_next(const struct filesystem *fs);	/* NULL: the first */
struct blkdev;
struct super *super_find_number(kdev_t dev);		/* mounted, by st_dev, and an unmount waits for super_leave(); or NULL */
void super_leave(struct super *s);
struct super *super_find_device(struct blkdev *bdev);	/* mounted from it; [mount_mutex] */
void file_errors_begin(struct file *f);	/* it is open: errors from now on are told to it (sync.c) */
int super_sync(struct super *s);	/* all of it, with what is under way.  The first error met */
int super_unmount(struct super *s);	/* the last mount is gone: write all, drop all */
void super_drop_pages(void);

/* ---- mount.c ---- */
extern struct mutex mount_mutex;
extern struct spinlock mount_tree_lock;
/* A tree of mounts: of the tasks that see it, or of the descriptor that holds it until it is hung in somewhere. */
struct mount_ns {
	struct refcount refs;		/* contexts that are in it, its file */
	bool anonymous;			/* [I] a descriptor's */
	uint64_t id;			/* [I] greater than that of any from before; 0: a descriptor's */
	uint64_t ino;			/* [I] of its file */
	struct inode *file;		/* [nsfs: inodes_lock] without a reference; NULL: nobody has one */
	struct mount *root;		/* [MOUNT] */
	struct list_head mounts;	/* [MOUNT] struct mount, in mount order */
	unsigned count;			/* [MOUNT] of them */
	unsigned coming;		/* [MOUNT] that the operation under way is to add */
	struct list_head all_link;	/* [MOUNT] mount_ns_all; not of a descriptor's */
	struct work work;
};
extern struct mount_ns init_mount_ns;
extern unsigned mount_max;		/* fs.mount-max: in one name space */
void mount_get(struct mount *m);
void mount_put(struct mount *m);
void mount_put_quietly(struct mount *m);	/* one that is not a use: an expiring mount stays so */
/* What is mounted on p, with a reference; NULL: nothing. */
struct mount *mount_find(const struct path *p);
/* The same without a reference, inside rcu_read_lock(); *sure: the tree did not change meanwhile. */
struct mount *mount_peek(const struct path *p, bool *sure);
/* Somebody has used it: an expiring mount is so no more. */
static inline void mount_used(struct mount *m)
{
	if (unlikely(READ_ONCE(m->expiring)))
		WRITE_ONCE(m->expiring, false);
}
/* From a mount's root to where it is mounted; false: at the top. */
bool path_up(struct path *p);
/* Cross mounts that cover p. */
void path_cross_down(struct path *p);
bool mount_readonly(const struct mount *m);
struct mount *mount_internal(struct super *s);	/* for memfd, message queues: in no tree */
/* At the start of the machine: the same of files outside of any directory (anonfs, nsfs), nothing of which can be executed. */
struct mount *mount_pseudo(const struct filesystem *fs, const struct super_ops *ops);
void mount_init(void);
/*
 * For mount.c, mount_ns.c, mount_propagation.c, mount_calls.c, pivot_root.c and mount_api.c.
 * mount_make: a mount of a new or shared super, in no tree yet: -EINVAL, -ENODEV, -EBUSY, what the file system says.
 */
#define MS_PROPAGATION ((unsigned)(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
enum { MOUNT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_NOSYMFOLLOW };
int mount_make(const char *source, const char *type, unsigned flags, const char *data, struct mount **out) MUST_CHECK;
unsigned mount_atime(unsigned flags);		/* relatime unless told otherwise */
struct mount *mount_alloc(struct super *s, struct dentry *root, const char *source, unsigned flags) REQUIRES(&mount_mutex);
/* What is mounted at (parent, at), without a reference. */
struct mount *mount_child(const struct mount *parent, const struct dentry *at) REQUIRES(&mount_mutex);
/* The tree below top, parents first: what comes after m, and what comes after m and all below; NULL: nothing. */
struct mount *mount_next(struct mount *m, const struct mount *top) REQUIRES(&mount_mutex);
struct mount *mount_next_beside(struct mount *m, const struct mount *top) REQUIRES(&mount_mutex);
bool mount_shows(const struct dentry *root, struct dentry *d);	/* d is root or below */
/* Into the tree; what is mounted there is then on top of m. */
void mount_attach(struct mount *m, struct mount *parent, struct dentry *at) REQUIRES(&mount_mutex);
/* To another place at once: no look-up finds it nowhere. */
void mount_change_parent(struct mount *m, struct mount *parent, struct dentry *at) REQUIRES(&mount_mutex);
/* Out of the tree; the tree's reference on m is the caller's then. */
void mount_detach(struct mount *m) REQUIRES(&mount_mutex);
int mount_target_check(struct path *at, bool dir) MUST_CHECK REQUIRES(&mount_mutex);	/* goes to the top of what is mounted there */
int mount_clone(const struct path *from, bool recursive, struct mount **out) MUST_CHECK REQUIRES(&mount_mutex);
int mount_move_path(const struct path *from, struct path *at) MUST_CHECK REQUIRES(&mount_mutex);	/* from may be a descriptor's tree */

/* A name that is removed: is it a mount point for the caller (-EBUSY then)?  After the removal: others' mounts there go, too.  Sleeps, no inode is locked. */
bool mount_point_here(const struct dentry *d);
void mount_point_gone(struct dentry *d);
/* Around hanging something in at `at`, which mount_point_gone() waits for; false: the name is gone already. */
bool mount_point_pin(struct dentry *at) MUST_CHECK REQUIRES(&mount_mutex);
void mount_point_unpin(struct dentry *at) REQUIRES(&mount_mutex);

/* ---- mount_propagation.c ---- */
enum mount_copy_how { COPY_AS_IT_IS, COPY_TO_SLAVE = 1, COPY_SHARED = 2, COPY_UNBINDABLE = 4, COPY_NS_FILES = 8 };
enum { MOUNT_STAYS, MOUNT_LEAVES, MOUNT_MAY_LEAVE };
/* A mount of the same, in its group or of the same master unless told otherwise; NULL: no memory. */
struct mount *mount_copy(struct mount *m, struct dentry *root, unsigned how) REQUIRES(&mount_mutex);
/*
 * The tree at m, seen from `root`, as a tree of its own; without what is unbindable and without files of name spaces unless these
 * are asked for.  -ENOMEM; -EINVAL: it is such a file.
 */
int mount_copy_tree(struct mount *m, struct dentry *root, unsigned how, struct mount **out) MUST_CHECK REQUIRES(&mount_mutex);
/*
 * Hangs the tree at m into the one of parent, and copies of it wherever parent's events are heard: all or nothing.
 * m has no parent, or one that it is moved away from.  -ENOMEM, -ENOENT: `at` has been removed, -ENOSPC: fs.mount-max.
 */
int mount_graft(struct mount *m, struct mount *parent, struct dentry *at) MUST_CHECK REQUIRES(&mount_mutex);
/* MS_SHARED, MS_PRIVATE, MS_SLAVE or MS_UNBINDABLE; -EINVAL: none or several of them. */
int mount_set_propagation(struct mount *m, bool recursive, unsigned type) MUST_CHECK REQUIRES(&mount_mutex);
/* MOVE_MOUNT_SET_GROUP: a private mount becomes what another of the same file system is.  -EINVAL. */
int mount_join_group(const struct path *from, const struct path *to) MUST_CHECK REQUIRES(&mount_mutex);
bool mount_tree_unbindable(struct mount *m) REQUIRES(&mount_mutex);
/* In use beyond `refs`, or one that would go with it is. */
bool mount_is_busy(struct mount *m, int refs) REQUIRES(&mount_mutex);
/* Takes m and everything below out of the tree, and if told to, what corresponds elsewhere; drops the tree's references.  How many of m's super went. */
int mount_take_out(struct mount *m, bool tell) REQUIRES(&mount_mutex);
/* The nearest group that m gets events from and that has a member below root; 0: none. */
int mount_dominating_group(const struct mount *m, const struct mount_ns *ns, const struct path *root) REQUIRES(&mount_mutex);

/* ---- mount_ns.c ---- */
struct mount_ns *mount_ns_current(void);
bool mount_is_ours(const struct mount *m) REQUIRES(&mount_mutex);	/* in the tree that the caller sees */
bool mount_is_ours_or_loose(const struct mount *m) REQUIRES(&mount_mutex);	/* or in a descriptor's */
/* A descriptor's name space for the tree at m.  -ENOMEM. */
int mount_ns_for_tree(struct mount *m) MUST_CHECK REQUIRES(&mount_mutex);
void mount_ns_enter(struct mount *m, struct mount_ns *ns) REQUIRES(&mount_mutex);	/* with all below */
void mount_ns_leave(struct mount *m) REQUIRES(&mount_mutex);	/* one; a descriptor's name space ends with its last */
/* Room for n mounts more: in ns->coming until they come or do not.  -ENOSPC. */
int mount_ns_reserve(struct mount_ns *ns, unsigned n) MUST_CHECK REQUIRES(&mount_mutex);
/* Does the way up from m lead to root? */
bool mount_is_below(const struct mount *m, const struct path *root) REQUIRES(&mount_mutex);
void mount_ns_get(struct mount_ns *ns);
/* Would a mount of d in the caller's name space, which d may be the file of, keep that for ever?  Only what is younger is mounted. */
bool mount_ns_loops(const struct dentry *d);
bool mount_tree_loops(struct mount *m) REQUIRES(&mount_mutex);		/* a mount in this tree */
unsigned mount_ns_count(struct mount_ns *ns);				/* of its mounts */
struct mount_ns *mount_ns_beside(struct mount_ns *ns, bool before);	/* the next one by age, with a reference; NULL: there is none */

/* ---- ../nsfs.c ---- */
void nsfs_init(void);
struct mount_ns *nsfs_dentry_ns(const struct dentry *d);	/* whose file it is, without a reference; NULL: none's */
int nsfs_path(struct mount_ns *ns, struct path *out) MUST_CHECK;	/* to its file; -ENOMEM */

/* ---- super.c, fs_config.c, mount_api.c ---- */
int super_remount(struct super *s, unsigned flags, const char *data) MUST_CHECK;
/* A copy of a string of at most max - 1 bytes, from kmalloc.  -EFAULT, -ENOMEM; -EINVAL: longer.  *out is NULL then. */
int fs_string_from_user(uaddr_t u, size_t max, char **out) MUST_CHECK;
/* s stays as if something were mounted of it. */
void super_pin(struct super *s);
void super_unpin(struct super *s);	/* may unmount it */
/* mount_api.c: MS_* of MOUNT_ATTR_* (-EINVAL); a descriptor that owns m, which is in no tree (on error m is gone). */
int mount_attr_flags(uint64_t attr, unsigned *out) MUST_CHECK;
int mount_open_detached(struct mount *m, bool cloexec) MUST_CHECK;
/* The descriptor that held a mount in no tree is closed. */
void mount_dissolve(struct mount *m);
static inline bool same_path(const struct path *a, const struct path *b) { return a->mnt == b->mnt && a->dentry == b->dentry; }
/* Files opened for writing on any mount of s?  [mount_mutex] */
bool super_has_writers(struct super *s);

/* ---- open.c, file.c ---- */
int inode_get_write(struct inode *i) MUST_CHECK;	/* a writer: -ETXTBSY while it is being executed */
void inode_put_write(struct inode *i);

/* ---- path_peek.c; all but path_ask() inside rcu_read_lock() ---- */
struct peek {
	struct path at;			/* where it is, without references */
	const char *rest;		/* what is left of the name */
	uint32_t seq;			/* of at.dentry when it was found, if that was by its name */
	bool moved;			/* not where it began */
	bool mount_root;		/* at.dentry is the root of a mount that was crossed to */
	bool mounts;			/* something may be mounted on `at`, which was not crossed */
};
bool peek_start(struct peek *p, struct fs_context *c, bool from_root, const char *name);	/* false: nothing is mounted yet */
/*
 * Ahead through directories, and with `may_cross` mounts; whole: to the last component, too, if that is no link and no slash follows.
 * To find out how far, look at *p.
 */
void peek_ahead(struct peek *p, bool whole, bool may_cross);
/* References on where it is, the mount's unless that is `held`.  Ends the read section.  False: it is nowhere, or gone. */
bool peek_take(const struct peek *p, const struct mount *held) MUST_CHECK;
/*
 * Ask about what a path leads to: first without references, inside rcu_read_lock(), where what is found out was so at one moment, and
 * where the question may be refused (-EAGAIN); then, if need be, with them (held), where it may sleep.  0, what the question
 * says, or an error of the look-up.
 */
typedef int path_question_t(const struct path *p, bool held, void *arg);
int path_ask(int dfd, uaddr_t uname, unsigned flags, path_question_t *ask, void *arg) MUST_CHECK;

/* ---- path.c ---- */
enum last_type { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };
enum { WALK_LINKS = SYMLOOP_MAX };
struct walk {
	struct path path;		/* where we are */
	struct path root;		/* what / and .. see, once one of them has been asked for */
	unsigned flags;			/* LOOKUP_* */
	struct qstr last;		/* after walk_parent: the last component */
	enum last_type last_type;
	bool trailing;			/* slashes follow the last component */
	bool done;			/* path is the result: a magic link ended the walk, or walk_init() came to its end */
	unsigned links, depth;
	const char *rest;
	struct { const char *rest; char *buf; } stack[WALK_LINKS];
	char *buf;			/* link text that rest points into */
};
/*
 * Start, as far as all is in the cache; then walk_parent() goes to the last component's directory.  With LOOKUP_WHOLE the last
 * component may have been found as well, which is no link then: w->done.
 */
int walk_init(struct walk *w, int dfd, const char *name, unsigned flags) MUST_CHECK;
int walk_parent(struct walk *w) MUST_CHECK;
/* The last component is this symbolic link: make it the rest of the path.  Then walk_parent() again. */
int walk_push_link(struct walk *w, struct dentry *link) MUST_CHECK;
/* Can a directory have an entry of that name?  One that is gone has none (-ENOENT), however long; otherwise -ENAMETOOLONG. */
static inline int entry_name_check(const struct dentry *dir, const struct qstr *name)
{
	if (likely(name->len <= NAME_MAX))
		return 0;
	return READ_ONCE(dir->inode->nlink) ? -ENAMETOOLONG : -ENOENT;
}
/* Look up a component in w->path; *out is referenced, may be negative. */
int walk_lookup(struct walk *w, const struct qstr *name, struct dentry **out) MUST_CHECK;
int walk_dotdot(struct walk *w) MUST_CHECK;
/* Go to d, a child of w->path, and across what is mounted there; takes the reference. */
int walk_enter(struct walk *w, struct dentry *d) MUST_CHECK;
void walk_end(struct walk *w);		/* drops everything but what was taken out of w->path */
/* Child of a directory whose inode is locked by the caller. */
int dir_lookup_locked(struct dentry *dir, const struct qstr *name, struct dentry **out) MUST_CHECK;
/*
 * For calls that make an entry: parent locked, entry negative.
 * On success the parent's inode is write-locked and the mount may be written.
 */
struct new_entry { struct path parent; struct dentry *dentry; bool trailing; };
int entry_prepare(int dfd, const char *name, bool for_dir, struct new_entry *e) MUST_CHECK;
void entry_finish(struct new_entry *e);
/* Takes a name away: unlink(2), rmdir(2) once the parent is found.  trailing: slashes follow the name. */
int entry_remove(const struct path *parent, const struct qstr *name, bool trailing, bool isdir) MUST_CHECK;

/* ---- permission.c ---- */
int may_create(struct inode *dir);
int may_delete(struct inode *dir, struct dentry *victim, bool isdir);
extern bool protected_hardlinks, protected_symlinks;	/* [a] /proc/sys/fs/protected_* (proc_sys_fs(5)) */
extern unsigned protected_fifos, protected_regular;	/* [a] 0 to 2 */
int may_link(struct inode *i) MUST_CHECK;	/* another name for i: -EPERM */
/* The last component of a path, found in dir, is this link, and is to be followed: -EACCES where anybody could have put it. */
int may_follow(const struct inode *dir, const struct inode *link) MUST_CHECK;
/* O_CREAT found i in a directory with that mode and owner: -EACCES where anybody could have put it. */
int may_create_over(uint32_t dir_mode, uint32_t dir_uid, const struct inode *i) MUST_CHECK;
bool inode_owner_or_capable(const struct inode *i);
int inode_permission_cred(struct inode *i, unsigned mask, const struct cred *c, uint32_t uid, uint32_t gid, uint64_t caps);
bool inode_is_sticky_denied(struct inode *dir, struct inode *victim);
bool cred_in_group_fs(uint32_t gid);

/* ---- attr.c ---- */
int notify_change_locked(struct inode *i, struct inode_attr *a) MUST_CHECK;
void file_accessed(struct file *f);
void path_accessed(const struct path *p);
/* What open(2) does once the file is found, with all the flags that a program may say. */
int file_open_found(const struct path *p, unsigned flags, struct file **out) MUST_CHECK;
int file_remove_privs(struct file *f);	/* [inode lock] before a write */

int do_truncate(struct inode *i, uint64_t size, struct file *f);

/* ---- generic.c ---- */
/* [inode lock] Of a write of something: where it goes (O_APPEND), how much of it limits allow; set-id bits go, times change.  0, -EFBIG. */
/*
 * RLIMIT_FSIZE for a write at pos: cuts *n to what it allows; -EFBIG, and SIGXFSZ, at or behind it.  Compared as signed
 * numbers, as on Linux: a limit of 2^63 and more is below everything.
 */
int file_size_limit(uint64_t pos, size_t *n) MUST_CHECK;
int generic_write_begin(struct file *f, struct uio *u, uint64_t *pos) MUST_CHECK;

/* ---- attr.c ---- */

/* ---- file.c, fdtable.c ---- */
struct fdtable {
	unsigned max;
	struct file **fd;		/* read under RCU */
	uint64_t *open, *cloexec;	/* bitmaps */
	struct rcu_head rcu;
};
struct files {
	struct fdtable *table;		/* [lock] read under RCU */
	unsigned growing;		/* [lock] read without it: how many are making a bigger table: fd_install() waits for the lock then */
	struct refcount refs;
	struct fdtable first;
	uint8_t apart[64];		/* each look-up reads what is before, each open and close changes what is behind */
	struct spinlock lock;		/* [FILES] */
	unsigned next;			/* [lock] no free fd is below */
	struct file *first_fd[64];
	uint64_t first_open[1], first_cloexec[1];
};
void file_cache_init(void);
struct file *file_alloc(void);
int file_open_dentry(struct file *f);
bool fd_cloexec(int fd, bool *out);	/* false: EBADF */
int fd_set_cloexec(int fd, bool on);
int fd_dup_at(struct file *f, unsigned min, unsigned o_flags);
int fd_replace(int fd, struct file *f, unsigned o_flags);	/* dup2 */
int fd_close_range(unsigned first, unsigned last, bool cloexec_only, bool unshare);
void file_set_owner(struct file *f, struct pid *pid, int type, bool force);
int fasync_set(struct file *f, int fd, bool on);
bool fasync_can(const struct file *f);	/* does it have O_ASYNC? */

/* ---- lock.c ---- */
void locks_remove_posix(struct file *f, struct files *owner);
void locks_remove_file(struct file *f);
struct abi_flock;
int lock_fcntl_get(struct file *f, uaddr_t arg, bool ofd);
/* f is what fd refers to, for -EBADF: if it does no more when the lock has been set, that is taken back. */
int lock_fcntl_set(struct file *f, int fd, uaddr_t arg, bool ofd, bool wait);
void inode_free_locks(struct inode *i);

/* ---- rw.c ---- */
int64_t vfs_read(struct file *f, struct uio *u, uint64_t *pos);
int64_t vfs_write(struct file *f, struct uio *u, uint64_t *pos);

/* ---- inotify.c (fsnotify) ---- */
enum { IN_ACCESS = 1, IN_MODIFY = 2, IN_ATTRIB = 4, IN_CLOSE_WRITE = 8, IN_CLOSE_NOWRITE = 16, IN_OPEN = 32, IN_MOVED_FROM = 64,
	IN_MOVED_TO = 128, IN_CREATE = 256, IN_DELETE = 512, IN_DELETE_SELF = 1024, IN_MOVE_SELF = 2048, IN_UNMOUNT = 0x2000,
	IN_Q_OVERFLOW = 0x4000, IN_IGNORED = 0x8000, IN_ONLYDIR = 0x1000000, IN_DONT_FOLLOW = 0x2000000, IN_EXCL_UNLINK = 0x4000000,
	IN_MASK_CREATE = 0x10000000, IN_MASK_ADD = 0x20000000, IN_ISDIR = 0x40000000, IN_ONESHOT = 0x80000000u };
extern unsigned inotify_watches;	/* [a] in the system: 0 makes the hooks free */
void notify_entry_(struct dentry *d, uint32_t mask);
void notify_name_(struct inode *dir, const char *name, unsigned len, uint32_t mask, uint32_t cookie, bool isdir);
void notify_self_(struct inode *i, uint32_t mask);
uint32_t notify_cookie(void);
/* Something happened to what d names: its watchers and its directory's. */
static inline void notify_entry(struct dentry *d, uint32_t mask)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		notify_entry_(d, mask);
}
/* The same, through an open file: no news for who asked with IN_EXCL_UNLINK if the name is gone. */
static inline void notify_file(struct dentry *d, uint32_t mask) { notify_entry(d, mask | IN_EXCL_UNLINK); }
static inline void notify_name(struct inode *dir, const char *name, unsigned len, uint32_t mask, uint32_t cookie, bool isdir)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		notify_name_(dir, name, len, mask, cookie, isdir);
}
static inline void notify_self(struct inode *i, uint32_t mask)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		notify_self_(i, mask);
}
void inode_free_marks(struct inode *i);
void notify_unmount(struct super *s);

/* ---- the rest ---- */
extern struct file_ops noopen_file_ops;	/* open: ENXIO */
void fs_context_init(void);
void chrdev_init(void);
void anonfs_init(void);
void tmpfs_init(void);
void devfs_init(void);
void procfs_init(void);
void sysfs_init(void);
void memfd_init(void);
long memfd_fcntl(struct file *f, bool add, unsigned seals);
/* acl.c: does the attribute stand for an access control list?  Setting one (size 0: taking it away) with i->lock held for writing. */
bool acl_name(const char *name);
int acl_set(struct inode *i, const char *name, const void *value, size_t size) MUST_CHECK;
bool chrdev_get(unsigned index, unsigned *major, const char **name);
extern struct mount *anonfs_mount;

/* A kernel string from user memory for the length of a call. */
static inline bool name_is_dot(const struct qstr *q) { return q->len == 1 && q->name[0] == '.'; }
static inline bool name_is_dotdot(const struct qstr *q) { return q->len == 2 && q->name[0] == '.' && q->name[1] == '.'; }
/* A kernel thread has none: whose paths are looked up for it. */
static inline struct fs_context *fs_context_now(void) { return current->fs ? current->fs : &init_fs_context; }
/* For who changes root or cwd, with c->lock. */
static inline void fs_context_change(struct fs_context *c, struct path *which, const struct path *to)
{
	__atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(which->mnt, to->mnt);
	WRITE_ONCE(which->dentry, to->dentry);
	store_release(&c->seq, c->seq + 1);
}
static inline uint32_t current_umask(void) { return current->fs ? READ_ONCE(current->fs->umask) & 0777 : 0; }
#endif
