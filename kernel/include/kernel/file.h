/* SPDX-License-Identifier: MIT */
/* Open files and file-descriptor tables. */
#ifndef KERNEL_FILE_H
#define KERNEL_FILE_H
#include <kernel/uio.h>
#include <kernel/vfs.h>

struct task;
struct file {
	struct refcount refs;		/* freed after an RCU grace period: look-ups take no lock */
	struct path path;		/* [I] mount and dentry */
	struct inode *inode;		/* [I] of the dentry */
	const struct file_ops *ops;	/* [I] after open */
	struct mapping *mapping;	/* [I] page cache, may be NULL */
	unsigned flags;			/* [lock] O_* without creation flags */
	unsigned mode;			/* [I] FMODE_* */
	uint64_t pos;			/* [pos_lock] */
	struct mutex pos_lock;		/* [FILE_POS] */
	struct spinlock lock;		/* [FILE] */
	void *private;			/* the driver's */
	struct cred *cred;		/* [I] opener */
	uint64_t ra_start, ra_next; unsigned ra_pages;	/* [lock] read-ahead */
	struct list_head epoll_links;	/* epoll items that watch it [lock] */
	struct fown { struct pid *pid; int pid_type, sig, fd; uint32_t uid, euid; } owner;	/* [lock] F_SETOWN */
	bool sigio;			/* has been in a list of those who want SIGIO: its last close takes it out of all */
	struct { errseq_t data, device, super; } told;	/* [lock] write-back errors, sync.c */
	struct rcu_head rcu;
};
enum { FMODE_READ = 1, FMODE_WRITE = 2, FMODE_LSEEK = 4, FMODE_PATH = 8, FMODE_NONBLOCK_ALWAYS = 16, FMODE_EXEC = 32,
	FMODE_WROTE_MNT = 64 /* counted as a writer of its mount and inode */,
	FMODE_DISSOLVE = 128 /* holds a mount that is in no tree: it goes with the file */,
	FMODE_NO_POS = 256 /* no pread and pwrite, though there may be an lseek */,
	FMODE_NO_DIRECT = 512 /* a regular file that has no O_DIRECT */,
	FMODE_POS = 1024 /* has pread and pwrite, though there is no lseek */,
	FMODE_CREATED = 2048 /* this open made the file */ };
/* This write goes to the end of the file. */
static inline bool file_appends(const struct file *f, const struct uio *u)
{
	return (READ_ONCE(f->flags) & O_APPEND && !(u->how & UIO_NOAPPEND)) || u->how & UIO_APPEND;
}
/* For file_open(): to execute it; needs execute permission instead of read. */
#define FILE_OPEN_EXEC (1u << 30)

/*
 * Open by kernel path relative to dfd.  flags: O_*.  0 and a referenced file.
 */
int file_open(int dfd, const char *name, unsigned flags, uint32_t mode, struct file **out) MUST_CHECK;
int file_open_path(const struct path *p, unsigned flags, struct file **out) MUST_CHECK;
/* A file without a name in any directory (pipes, sockets, eventfd): inode of the internal "anonfs"; name for /proc/self/fd ("pipe", "[eventfd]"). */
int file_create_anon(const char *name, uint32_t inode_mode, const struct file_ops *ops, void *private, unsigned o_flags, struct file **out) MUST_CHECK;
/* Another open file on the same nameless inode with other access (the second end of a pipe). */
int file_clone_anon(struct file *f, const struct file_ops *ops, void *private, unsigned o_flags, struct file **out) MUST_CHECK;
void file_get(struct file *f);
void file_put(struct file *f);		/* the last one closes: may sleep.  From atomic context: file_put_deferred */
void file_put_deferred(struct file *f);
/*
 * The same for process context where closing could go deeper and deeper (a socket holds a message that holds a socket ...):
 * the last one closes when the current call returns to its program.  Takes no lock.
 */
void file_put_later(struct file *f);
void files_close_later(struct task *t);	/* t is current: those; may sleep */

/* fd tables: grow without limit but RLIMIT_NOFILE. */
struct files *files_create(void);
struct files *files_copy(struct files *old, unsigned max_fd);
void files_get(struct files *t);
void files_put(struct files *t);
void files_close_on_exec(struct files *t);
bool files_shared(const struct files *t);	/* more than one thread uses it */
bool fd_is_cloexec(int fd);
bool fd_refers_to(int fd, const struct file *f);	/* in current's table, now */
/* current's: a reference, or NULL (EBADF). */
struct file *fd_get(int fd);
struct file *fd_get_any(int fd);	/* O_PATH ones too */
struct file *fd_get_task(struct task *t, int fd);
/* Reserve the lowest free fd >= min: fd or -EMFILE, -ENOMEM; then publish (takes the reference) or give back. */
int fd_reserve(unsigned min, unsigned o_flags /* O_CLOEXEC */) MUST_CHECK;
void fd_install(int fd, struct file *f);
void fd_unreserve(int fd);
/* The two lowest, told to user memory at fds: fd_install() both or fd_unreserve() both.  -EMFILE, -ENOMEM, -EFAULT: none is reserved. */
int fd_reserve_pair(uaddr_t fds, unsigned o_flags, int32_t fd[2]) MUST_CHECK;
/* reserve + install; on error the caller keeps the reference. */
int fd_add(struct file *f, unsigned o_flags) MUST_CHECK;
int fd_close(int fd);
int64_t llseek_nothing(struct file *f, int64_t off, int whence);	/* succeeds, as on Linux's nameless files */
/* Highest open fd + 1; used by procfs with fd_get_task. */
unsigned files_max(struct task *t);
unsigned files_room(void);		/* of current's table as it is now: no higher descriptor can be open */
/* SIGIO to the owner: drivers call it when data comes. */
void file_sigio(struct file *f, int band);
/* Whom SIGIO goes to, as F_SETOWN and F_GETOWN count: a process, below zero a process group, 0 nobody.  -EINVAL, -ESRCH. */
int file_setown(struct file *f, int who);
int file_getown(struct file *f);

/*
 * read, write, readv or writev of user memory at pos (if `positioned`, else at the file's offset), with RWF_* flags; the caller has looked
 * at f->mode.  Bytes or -errno: -EOPNOTSUPP for unknown flags, what uio_import() and the file say.  May sleep.
 */
int64_t file_rw_user(struct file *f, uaddr_t addr, uint64_t n, int64_t pos, bool positioned, unsigned rwf, bool write, bool vector);
/* Kernel-side I/O (exec, image loading). */
int64_t file_read_kernel(struct file *f, void *buf, size_t n, uint64_t pos);
int64_t file_write_kernel(struct file *f, const void *buf, size_t n, uint64_t pos);
/* fsync(2): 0, an error of writing, or of a write-back since the file was opened or asked last.  -EINVAL: it has nothing to sync.  May sleep. */
int file_fsync(struct file *f, bool datasync) MUST_CHECK;
/* The error of a write-back of which who has f open was not told yet, in the file or in its file system's metadata; he is now. */
int file_errors(struct file *f);
/* ETXTBSY bookkeeping. */
int file_deny_write(struct file *f);
void file_allow_write(struct file *f);
#endif
