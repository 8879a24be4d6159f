/* SPDX-License-Identifier: MIT */
/*
 * The virtual file system: inodes, names (dentries), mounts, and what a file
 * system implements.
 *
 * A path is (mount, dentry).  Look-ups go through the dentry cache (negative
 * entries included); a directory's contents change under its inode lock.
 */
#ifndef KERNEL_VFS_H
#define KERNEL_VFS_H
#include <abi/fs.h>
#include <hal/types.h>
#include <kernel/cred.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/pagecache.h>
#include <kernel/timer.h>
#include <kernel/wait.h>

struct dentry;
struct file;
struct inode;
struct mount;
struct mount_ns;
struct super;
struct filesystem;
struct poll_table;
struct uio;
struct vm_area;

typedef uint32_t kdev_t;	/* (major << 20) | minor */
#define KDEV(major, minor) ((kdev_t)((major) << 20 | (minor)))
#define KDEV_MAJOR(d) ((d) >> 20)
#define KDEV_MINOR(d) ((d) & 0xfffff)

struct qstr { const char *name; unsigned len; uint32_t hash; };	/* not NUL-terminated */

struct inode_time { int64_t sec; uint32_t nsec; };
struct inode {
	struct refcount refs;
	struct super *super;		/* [I] */
	uint64_t ino;			/* [I] */
	uint32_t mode;			/* [lock], read without it: inode_mode(); type and permissions; type is [I] */
	uint32_t uid, gid, nlink;	/* [lock], read without it */
	uint64_t size;			/* [lock]; read without it */
	uint64_t blocks;		/* [lock] in 512-byte units */
	struct inode_time atime, mtime, ctime, btime;	/* [lock] */
	kdev_t rdev;			/* [I] of device nodes */
	uint32_t blksize;		/* [I] st_blksize */
	uint32_t flags;			/* [lock], read without it: inode_flags(); INODE_* */
	uint64_t version;		/* [a] changes of a directory */
	struct rwsem lock;		/* [INODE] contents, attributes, directory entries */
	const struct inode_ops *ops;	/* [I] */
	const struct file_ops *fops;	/* [I] of files opened from it */
	struct mapping *mapping;	/* [I] &own_mapping, or the device's */
	struct mapping own_mapping;
	void *fs_private;		/* the file system's */
	struct pipe *pipe;		/* FIFOs: ipc/fifo.c [LOCK_INODE_STATE state_lock] */
	struct unix_socket *socket;	/* bound UNIX sockets: net/unix.c [state_lock] */
	struct file_locks *locks;	/* flock, fcntl: vfs/lock.c [state_lock] */
	struct inotify_marks *marks;	/* vfs/inotify.c [state_lock] */
	struct spinlock state_lock;	/* [INODE_STATE] */
	int32_t write_count;		/* [a] open writers; negative: being executed (ETXTBSY) */
	uint8_t write_hint;		/* [a] F_SET_RW_HINT: how long what is written will stay; nobody asks */
	struct list_head hash_link, super_link, dirty_link;	/* vfs/inode.c */
	struct list_head lru_link;
	unsigned state;			/* [a] ISTATE_* */
	uint32_t writing;		/* [a] how many are at writing attributes for which ISTATE_DIRTY is not set any more */
	struct dentry *place;		/* [a] of a directory: the one dentry that can be found, dcache.c */
	struct rcu_head rcu;
};
static inline uint32_t inode_mode(const struct inode *i) { return READ_ONCE(i->mode); }
static inline uint32_t inode_flags(const struct inode *i) { return READ_ONCE(i->flags); }
/* [lock] */
static inline void inode_links(struct inode *i, int more) { WRITE_ONCE(i->nlink, i->nlink + (uint32_t)more); }
enum { INODE_APPEND = 1, INODE_IMMUTABLE = 2, INODE_NOATIME = 4, INODE_LINKABLE = 8 /* O_TMPFILE: no name yet */ };
enum { ISTATE_NEW = 1, ISTATE_DIRTY = 2 /* attributes newer than the disk */, ISTATE_FREEING = 4,
	ISTATE_NO_CAPS = 32 /* has no security.capability: a write need not look */,
	ISTATE_SEEN = 64 /* somebody knows its ctime: the next change has another one */ };

/* What look-ups read has cache lines of its own: they find an entry that others take and put without waiting for these. */
struct dentry {
	uint32_t seq;			/* [lock] odd while name, parent or DENTRY_HASHED change; read without it */
	unsigned mounts;		/* [MOUNT_TREE] read without: something may be mounted here, in some name space */
	struct inode *inode;		/* [lock], read under RCU; NULL: negative */
	struct dentry *parent;		/* [lock, RENAME], read under RCU; itself: a root */
	struct qstr name;		/* [lock, RENAME] */
	struct dentry *hash_next;	/* [DCACHE_HASH] */
	unsigned flags;			/* [a] */
	struct super *super;		/* [I] */
	_Alignas(8) char inline_name[40];	/* behind the name are zeros */
	uint8_t apart[24];
	struct refcount refs;		/* users and children; 0: cached on the LRU */
	bool on_lru;			/* [DCACHE_LRU] read without */
	struct spinlock lock;		/* [DENTRY] */
	struct list_head children, sibling;	/* [parent->lock] */
	struct list_head lru_link;	/* [DCACHE_LRU] */
	void *fs_private;
	struct rcu_head rcu;
};
_Static_assert(offsetof(struct dentry, refs) % 64 == 0, "a cache line of its own");
enum { DENTRY_HASHED = 1, DENTRY_NOCACHE = 2 /* revalidate always: procfs */ };

struct mount {
	struct refcount refs;		/* paths through it, and 1 while it is in the tree */
	struct super *super;		/* [I] */
	struct dentry *root;		/* [I] what of the super is seen: not its root for a bind mount */
	struct mount *parent;		/* [MOUNT, MOUNT_TREE]; itself: the root of the tree, or detached */
	struct dentry *mountpoint;	/* [MOUNT, MOUNT_TREE] in parent */
	unsigned flags;			/* [a] MS_RDONLY, NOSUID, NODEV, NOEXEC, NOATIME, NODIRATIME, RELATIME, NOSYMFOLLOW */
	int id;				/* [I] for mountinfo, statx */
	char *source;			/* [I] as given to mount(2) */
	bool turned_readonly;		/* [MOUNT] by the mount_setattr() under way */
	bool expiring;			/* [a] umount2(MNT_EXPIRE) asked for it, and nobody has let go of it since */
	int32_t writers;		/* [a] open for writing */
	struct list_head children, child_link;	/* [MOUNT] */
	struct mount *hash_next;	/* [MOUNT_TREE] read under RCU */
	struct mount *at_next;		/* [MOUNT_TREE] by mountpoint alone */
	struct list_head ns_link;	/* [MOUNT] of ns, in mount order */
	struct list_head super_link;	/* [MOUNT] of super */
	struct mount_ns *ns;		/* [MOUNT] the name space whose tree it is in; NULL: none yet, or not any more */

	/* vfs/mount_propagation.c; all [MOUNT] */
	bool shared;			/* MS_SHARED: tells its peers and their slaves what is mounted on it */
	bool unbindable;		/* MS_UNBINDABLE */
	bool newly_shared;		/* by the operation under way, which may fail yet */
	unsigned leaving;		/* MOUNT_* of the unmount under way */
	int group_id;			/* of the peer group; 0: not shared */
	struct list_head peers;		/* the ring of the group */
	struct list_head slaves, slave_link;
	struct mount *master;		/* hears what happens to it; NULL: nobody's slave */
	uint64_t heard;			/* which event was seen last, by number */
	uint64_t served;		/* and got its copy */
	struct list_head event_link;	/* who hears the event under way */
	struct list_head op_link;	/* mounts that the operation under way makes or takes out */
	struct mount *copy;		/* of it, in the tree that is being copied */
	struct mount *group_copy;	/* what its peers, or the nearest master that got one, have for the event under way */
	struct mount *goes_to;		/* a new one's parent to be */

	struct work work;		/* destroys it */
	struct rcu_head rcu;
};
struct path { struct mount *mnt; struct dentry *dentry; };
bool path_noexec(const struct path *p);		/* mounted noexec: EACCES for execve and PROT_EXEC mappings */
bool path_nosuid(const struct path *p);		/* set-user-id bits are ignored */
/* Around a change of what is seen through a mount: it does not become read-only meanwhile. */
int mount_want_write(struct mount *m) MUST_CHECK;	/* -EROFS */
void mount_drop_write(struct mount *m);
void path_get(const struct path *p);
void path_put(struct path *p);

struct dir_context {
	/* Called by iterate for each entry; false: the buffer is full, stop. */
	bool (*emit)(struct dir_context *ctx, const char *name, unsigned len, uint64_t ino, unsigned dt_type);
	uint64_t pos;			/* in: where to go on; out: past the last emitted */
};

struct inode_attr {			/* notify_change */
	unsigned valid;			/* ATTR_* */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct inode_time atime, mtime;
};
enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16, ATTR_MTIME = 32, ATTR_CTIME = 64,
	ATTR_ATIME_SET = 128, ATTR_MTIME_SET = 256, ATTR_KILL_SUID = 512 };

/*
 * All run with the directory's inode write-locked (look-up: read-locked), after
 * permission checks and with the name's absence or presence known from the
 * dentry cache.  A missing operation means -EPERM (or -ENOTDIR for look-up).
 */
struct inode_ops {
	/* Finds d->name in dir: d_instantiate()s d, or leaves it negative.  0 or -errno (-EIO, -ENOMEM). */
	int (*lookup)(struct inode *dir, struct dentry *d);
	int (*create)(struct inode *dir, struct dentry *d, uint32_t mode);		/* regular file */
	int (*mkdir)(struct inode *dir, struct dentry *d, uint32_t mode);
	int (*mknod)(struct inode *dir, struct dentry *d, uint32_t mode, kdev_t dev);	/* devices, FIFOs, sockets */
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*link)(struct inode *dir, struct dentry *d, struct inode *target);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*rmdir)(struct inode *dir, struct dentry *d);	/* -ENOTEMPTY */
	/* flags: RENAME_NOREPLACE is checked above; RENAME_EXCHANGE is passed */
	int (*rename)(struct inode *odir, struct dentry *od, struct inode *ndir, struct dentry *nd, unsigned flags);
	/* Target of a symbolic link into buf (NUL-terminated); its length or -errno. */
	int (*readlink)(struct inode *inode, char *buf, size_t max);
	/* Magic links (/proc/self/fd/N): the path itself, with references.  Absent: follow readlink. */
	int (*get_link)(struct inode *inode, struct path *out);
	int (*setattr)(struct inode *inode, const struct inode_attr *a);	/* inode write-locked; absent: attributes in memory only */
	int (*getattr)(struct inode *inode);		/* refresh the fields (procfs); may be absent */
	int (*permission)(struct inode *inode, unsigned mask);	/* absent: mode bits */
	int64_t (*getxattr)(struct inode *inode, const char *name, void *buf, size_t max);
	int (*setxattr)(struct inode *inode, const char *name, const void *buf, size_t n, unsigned flags);
	int64_t (*listxattr)(struct inode *inode, char *buf, size_t max);
	int (*removexattr)(struct inode *inode, const char *name);
};

struct file_ops {
	int (*open)(struct inode *inode, struct file *f);
	void (*release)(struct file *f);		/* the last reference is gone */
	int (*flush)(struct file *f);			/* each close(2) */
	/* pos is in and out; files that cannot seek ignore it.  Bytes or -errno. */
	int64_t (*read)(struct file *f, struct uio *u, uint64_t *pos);
	int64_t (*write)(struct file *f, struct uio *u, uint64_t *pos);
	/* They take one buffer: each segment of a vector is a call of its own, and RWF_* is refused (but RWF_HIPRI). */
	bool plain_read, plain_write;
	int64_t (*llseek)(struct file *f, int64_t off, int whence);	/* absent: -ESPIPE; vfs_llseek for regular ones */
	int (*iterate)(struct file *f, struct dir_context *ctx);
	unsigned (*poll)(struct file *f, struct poll_table *pt);	/* POLL* now; registers on wait queues if pt.  Absent: always ready */
	long (*ioctl)(struct file *f, unsigned cmd, uint64_t arg);	/* absent: -ENOTTY */
	int (*mmap)(struct file *f, struct vm_area *a);	/* sets a->mapping...; absent: the inode's mapping, -ENODEV if it has none */
	/* An area more (fork, a split, a move) or less maps f; areas of a file that has this are not joined.  vm->lock may be held: it does not sleep. */
	void (*mapped)(struct file *f, bool more);
	int (*fsync)(struct file *f, bool datasync);
	int (*fallocate)(struct file *f, unsigned mode, uint64_t off, uint64_t len);
	int (*fasync)(struct file *f, bool on);
	/* splice: absent means through a buffer */
	void (*show_fdinfo)(struct file *f, char *buf, size_t max);
};

struct super_ops {
	int (*write_inode)(struct inode *inode);	/* attributes to the buffer cache */
	void (*evict_inode)(struct inode *inode);	/* last reference; frees the blocks if nlink == 0; mapping_destroy() is the caller's */
	int (*sync)(struct super *s);
	int (*statfs)(struct super *s, struct abi_statfs *out);
	void (*put_super)(struct super *s);		/* unmounted: everything is written */
	int (*remount)(struct super *s, unsigned flags, const char *data);
	/* For file handles; both or none.  A referenced inode, or -ESTALE, -ENOMEM, -EIO; changes when the number is used anew. */
	int (*inode_by_number)(struct super *s, uint64_t ino, struct inode **out);
	uint32_t (*generation)(const struct inode *inode);
	void (*show_options)(struct super *s, char *buf, size_t max);
};
struct super {
	struct refcount refs;
	const struct filesystem *fs;	/* [I] */
	const struct super_ops *ops;	/* [I] */
	kdev_t dev;			/* [I] st_dev */
	uint32_t block_size;
	uint64_t max_bytes;		/* largest file */
	errseq_t error;			/* [a] of write-back of any of its files, for syncfs(2) */
	unsigned flags;			/* [a] MS_RDONLY ... of the super block, SUPER_DYING ... */
	struct dentry *root;
	struct blkdev *bdev;		/* NULL: no device */
	struct mutex rename_lock;	/* [RENAME] */
	struct spinlock inodes_lock;	/* [ICACHE_LRU] */
	struct list_head inodes, dirty;	/* [inodes_lock] all; with attributes newer than the disk */
	int32_t mounts;			/* [MOUNT] of it; 0: internal */
	int32_t stays;			/* [a] of those who use it without a mount: an unmount waits for them */
	struct waitq left;		/* SUPER_DYING: the last of these, or of the inodes, is gone */
	struct list_head mount_links;	/* [MOUNT] struct mount */
	struct list_head link;		/* all supers */
	void *fs_private;
	struct work free_work;		/* vfs/super.c */
	struct rcu_head rcu;
	char id[64];			/* device name as mounted */
};
enum {
	SUPER_DYING = 1 << 30,		/* unmounted: nothing is cached any more */
	SUPER_NOEXEC = 1 << 29,		/* nothing in it can be executed or mapped so, however it is mounted (Linux: SB_I_NOEXEC) */
	SUPER_TURNING_RO = 1 << 28,	/* a remount is under way: no new writers */
};
struct filesystem {
	const char *name;
	/* source: path of a device or any word.  0 and *out, or -errno (-EINVAL: not such a file system). */
	int (*mount)(const struct filesystem *fs, const char *source, unsigned ms_flags, const char *data, struct super **out);
	/* Are these mount options?  0 or -EINVAL.  Absent: whatever mount says. */
	int (*check_options)(const char *data);
	bool needs_device;
	struct list_head link;
};
void filesystem_register(struct filesystem *fs);

/* ---- for file systems ---- */
struct super *super_alloc(const struct filesystem *fs);		/* NULL: no memory; takes a fresh anonymous device number */
void super_put(struct super *s);
/* Its names are gone, or it was never mounted: nobody comes to it any more, and who is at it (sync, write-back, reclaim) has gone. */
void super_retire(struct super *s);
/* A referenced inode with ISTATE_NEW (fill it, then inode_unlock_new) or the cached one.  NULL: no memory. */
struct inode *inode_get_locked(struct super *s, uint64_t ino);
void inode_unlock_new(struct inode *i);
void inode_fail_new(struct inode *i);				/* filling failed: drops it */
struct inode *inode_new(struct super *s, uint64_t ino);		/* a fresh one, not hashed if ino == 0 (gets a number) */
void inode_get(struct inode *i);
void inode_put(struct inode *i);
/* A reference, also of one that nobody has any: it is kept from being freed by RCU.  False: it is on its way out, and writes itself. */
bool inode_get_cached(struct inode *i);
void inode_mark_dirty(struct inode *i);				/* attributes changed */
/* What of them is newer than the disk's cache is there when this returns, whoever wrote it.  0 or what write_inode says. */
int inode_write(struct inode *i) MUST_CHECK;
void inode_init_owner(struct inode *i, const struct inode *dir, uint32_t mode);	/* uid, gid (setgid dirs), times */
void inode_touch(struct inode *i, unsigned attr_times);		/* ATTR_ATIME|MTIME|CTIME: now */
/*
 * Now, as files know it: as coarse as Linux's tick, so that most of what happens to one changes no attribute, but never before a
 * time that any file has.  For a change of a file that somebody has looked at since the last one (inode_seen()) it is exact: he sees
 * that there was a change.  (Linux: multigrain timestamps.)
 */
struct inode_time inode_now(void);
struct inode_time inode_change_time(struct inode *i);	/* [lock] */
static inline void inode_seen(struct inode *i)
{
	if (!(READ_ONCE(i->state) & ISTATE_SEEN))
		__atomic_fetch_or(&i->state, ISTATE_SEEN, __ATOMIC_RELAXED);
}
void inode_init_special(struct inode *i, uint32_t mode, kdev_t dev);	/* fops of devices, FIFOs, sockets */
void d_instantiate(struct dentry *d, struct inode *i);		/* takes the caller's reference on i */
struct dentry *d_make_root(struct inode *i);			/* takes the reference; NULL: no memory (inode dropped) */
void d_drop(struct dentry *d);					/* out of the hash: a later look-up asks the file system */
struct dentry *dentry_get(struct dentry *d);
static inline bool dentry_shared(const struct dentry *d) { return READ_ONCE(d->refs.n) > 1; }	/* not only the caller's */
void dentry_put(struct dentry *d);
int vfs_size_limit(uint64_t size) MUST_CHECK;			/* a file is about to be made that long: -EFBIG and SIGXFSZ, or 0 */
int vfs_setattr_simple(struct inode *i, const struct inode_attr *a);	/* copies the valid fields */
extern const struct file_ops generic_file_ops;			/* page cache: read, write, mmap, llseek, fsync */
int64_t vfs_llseek(struct file *f, int64_t off, int whence);	/* SEEK_SET/CUR/END against inode->size */

/* ---- paths and name-space changes, for system calls and the kernel ---- */
enum { LOOKUP_FOLLOW = 1, LOOKUP_DIRECTORY = 2, LOOKUP_PARENT = 4, LOOKUP_CREATE = 8, LOOKUP_EMPTY = 16, LOOKUP_NO_AUTOMOUNT = 32,
	LOOKUP_NO_SYMLINKS = 64, LOOKUP_NO_MAGICLINKS = 128, LOOKUP_NO_XDEV = 256, LOOKUP_BENEATH = 512, LOOKUP_IN_ROOT = 1024,
	LOOKUP_NULL = 2048 /* a null pointer is an empty path */,
	LOOKUP_OPENER = 4096 /* from a descriptor only for who opened it with the credentials of now, or may look anywhere: -ENOENT */,
	LOOKUP_WHOLE = 8192 /* walk_init() */ };
enum { AT_FDCWD = -100 };
/* A kernel-space path.  0 and a referenced path, or -errno. */
int path_lookup(int dfd, const char *name, unsigned flags, struct path *out) MUST_CHECK;
/* The same with the name in user memory. */
int path_lookup_user(int dfd, uaddr_t name, unsigned flags, struct path *out) MUST_CHECK;
/* Copies a path in: kmalloc'd by *out, -ENOENT if empty (unless LOOKUP_EMPTY), -ENAMETOOLONG. */
int path_name_from_user(uaddr_t name, unsigned flags, char **out) MUST_CHECK;
int inode_permission(struct inode *i, unsigned mask);		/* MAY_* against current's fs ids */
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4, MAY_APPEND = 8 };
/* Absolute name of a path as current's root sees it, into buf; pointer inside buf or NULL (too long). */
char *path_name(const struct path *p, char *buf, size_t max);
char *path_name_from(const struct path *root, const struct path *p, char *buf, size_t max);	/* as who has this root sees it */
int vfs_mkdir(int dfd, const char *name, uint32_t mode);	/* kernel path; also used at boot */
int vfs_mknod(int dfd, const char *name, uint32_t mode, kdev_t dev);
int vfs_symlink(const char *target, int dfd, const char *name);
int vfs_link(const struct path *old, int ndfd, const char *name);	/* -EXDEV, -EPERM (a directory) ... */
/* chmod, chown, utimes: the fields that a->valid names, with current's rights.  Takes the inode lock. */
int vfs_setattr(const struct path *p, struct inode_attr *a) MUST_CHECK;
int vfs_mount(const char *source, const char *target, const char *fstype, unsigned flags, const char *data);
/* Mount the root file system and make it init's root and cwd. */
int vfs_mount_root(const char *source, const char *fstype, unsigned flags);
/* UNIX sockets: create a socket inode at a path (-EADDRINUSE), find one.  References. */
int vfs_mksock(const char *name, uint32_t mode, struct path *out);
int vfs_unlink_name(const char *name);		/* as unlink(2) of a name in kernel memory */
void vfs_sync(void);
void vfs_init(void);

enum { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };

struct fs_context {
	struct refcount refs;		/* its tasks together, and who looks at it */
	int32_t tasks;			/* [a] whose it is */
	struct spinlock lock;		/* [FS_CONTEXT] */
	uint32_t seq;			/* [lock] odd while these change; read without it */
	struct path root, cwd;		/* [lock], read under RCU */
	struct mount_ns *ns;		/* [I] once a task has it; NULL: before there is a root */
	uint32_t umask;			/* [lock] */
	struct rcu_head rcu;
};
struct fs_context *fs_context_copy(struct fs_context *old);	/* for one task; NULL: no memory */
/* Another mount name space, a copy, for a context that nobody else has.  -ENOMEM. */
int fs_context_new_ns(struct fs_context *c) MUST_CHECK;
/* Into the name space, at its root, if nobody shares current's context.  -EPERM, -EINVAL, -ENOMEM. */
int fs_context_enter_ns(struct mount_ns *ns) MUST_CHECK;
void fs_context_share(struct fs_context *c);	/* by another task */
void fs_context_leave(struct fs_context *c);	/* a task goes: with its reference */
void fs_context_put(struct fs_context *c);	/* who only looked */
/* With a reference; NULL: the task has exited. */
struct mount_ns *mount_ns_of_task(struct task *t);
void mount_ns_put(struct mount_ns *ns);
/* nsfs.c: whose file it is, without a reference, NULL: none's; a descriptor (O_CLOEXEC) of its file, or -ENOMEM, -EMFILE, -ENFILE. */
struct mount_ns *nsfs_file_ns(const struct file *f);
int nsfs_open(struct mount_ns *ns) MUST_CHECK;
extern struct fs_context init_fs_context;

/* ---- devices ---- */
/* Character devices: open() finds the driver by number.  -EBUSY: taken. */
int chrdev_register(unsigned major, unsigned minor_base, unsigned count, const struct file_ops *ops, const char *name);
const struct file_ops *chrdev_find(kdev_t dev);
/* A node in /dev (any time; before devfs is mounted it is remembered). */
int devfs_add(const char *name, uint32_t mode, kdev_t dev);
void devfs_remove(const char *name);

/* Files of FIFOs (ipc) and block devices (block): by inode type. */
extern const struct file_ops fifo_file_ops;
extern const struct file_ops blkdev_file_ops;
/* Memory is short: unused dentries and inodes are given back soon, by a work item.  Any context. */
void vfs_shrink_async(void);
#endif
