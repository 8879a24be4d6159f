/* SPDX-License-Identifier: MIT */
/*
 * procfs is made of tables of nodes: a name, a mode, and functions that show,
 * store or link.  Directories whose entries are not constant (the root, task/,
 * fd/) look up and list by functions.
 */
#ifndef PROCFS_H
#define PROCFS_H
#include <kernel/print.h>
#include "fs/vfs/vfs_internal.h"

/* A text being made: grows as needed; -ENOMEM is remembered. */
struct seq { char *buf; size_t len, max; int error; };
void seq_printf(struct seq *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void seq_write(struct seq *s, const void *p, size_t n);
static inline void seq_puts(struct seq *s, const char *t) { seq_write(s, t, __builtin_strlen(t)); }
/* A path, with blanks and backslashes in octal as mounts(5) and maps need it. */
void seq_path(struct seq *s, const struct path *p, const char *escape);
void seq_path_from(struct seq *s, const struct path *root, const struct path *p, const char *escape);
void seq_escape(struct seq *s, const char *t, const char *escape);

struct proc_node;
struct proc_inode {
	const struct proc_node *node;
	struct pid *pid;		/* reference; NULL: not of a task */
	bool thread;			/* in task/: of the thread, not of the group */
	int fd;				/* in fd/ and fdinfo/; in irq/: the line */
};
enum { PROC_PTRACE = 1 /* only for who may trace the task */, PROC_THREAD_ONLY = 2, PROC_GROUP_ONLY = 4, PROC_NO_SIZE = 8 /* a link whose length is not told */,
	PROC_OF_VM = 16 /* tells of the program that ran when it was opened: nothing of what the process executes later */ };
struct proc_node {
	const char *name;
	uint32_t mode;
	unsigned flags;
	/* Files: t is NULL outside of /proc/PID, else referenced. */
	int (*show)(struct seq *s, struct task *t);
	int (*store)(struct task *t, char *text, size_t n);	/* NUL-terminated, at most a page */
	int (*show_nr)(struct seq *s, int nr);			/* instead: in a numbered directory that is not a task's */
	int (*store_nr)(int nr, char *text, size_t n);
	const struct file_ops *fops;				/* instead of both */
	/* Links. */
	const char *target;
	int (*readlink)(struct task *t, char *buf, size_t max);
	int (*link)(struct task *t, int fd, struct path *out);
	/* Directories. */
	const struct proc_node *children;
	unsigned nchildren;
	int (*lookup)(struct inode *dir, struct dentry *d);
	int (*iterate)(struct file *f, struct dir_context *ctx);	/* pos starts at 2 */
};
#define PROC_FILE(n, m, s) { .name = n, .mode = S_IFREG | (m), .show = s }
#define PROC_DIR(n, c) { .name = n, .mode = S_IFDIR | 0555, .children = c, .nchildren = ARRAY_SIZE(c) }
#define PROC_LINK(n, t) { .name = n, .mode = S_IFLNK | 0777, .target = t }

/* The inode of a node into d.  Takes over the pid reference (also on failure). */
int proc_instantiate(struct super *s, struct dentry *d, const struct proc_node *n, struct pid *pid, bool thread, int fd);
struct proc_inode *proc_i(const struct inode *i);
/* The task an inode is about, referenced; NULL: it is gone. */
struct task *proc_task(const struct inode *i);
bool proc_may_trace(struct task *t);
uint64_t proc_vm(struct task *t);	/* which address space it has: vm_space.id; 0: none */
extern const struct file_ops proc_mem_fops;
/* A file system made of such nodes: procfs, sysfs. */
int proc_make_super(const struct filesystem *fs, const struct proc_node *root, const struct super_ops *ops, struct super **out);
void proc_evict(struct inode *i);

extern const struct proc_node proc_pid_nodes[], proc_sys_nodes[];
extern const unsigned proc_pid_count, proc_sys_count;
extern const struct proc_node proc_pid_dir, proc_tid_dir;	/* /proc/PID, /proc/PID/task/TID */
/* proc_system.c */
extern const struct proc_node proc_system_nodes[];
extern const unsigned proc_system_count;
/* proc_fd.c */
int proc_fd_lookup(struct inode *dir, struct dentry *d);
int proc_fd_iterate(struct file *f, struct dir_context *ctx);
int proc_fdinfo_lookup(struct inode *dir, struct dentry *d);
int proc_fdinfo_iterate(struct file *f, struct dir_context *ctx);
int proc_task_lookup(struct inode *dir, struct dentry *d);
int proc_task_iterate(struct file *f, struct dir_context *ctx);
bool parse_number(const struct qstr *q, unsigned *out);
/* proc_irq.c */
int proc_irq_lookup(struct inode *dir, struct dentry *d);
int proc_irq_iterate(struct file *f, struct dir_context *ctx);
/* proc_maps.c */
int proc_show_maps(struct seq *s, struct task *t);
int proc_show_smaps(struct seq *s, struct task *t);
int proc_show_smaps_rollup(struct seq *s, struct task *t);
/* proc_mounts.c */
struct fs_context *proc_fs_context(struct task *t);	/* with a reference; NULL: it has exited */
int proc_show_mounts(struct seq *s, struct task *t);
int proc_show_mountinfo(struct seq *s, struct task *t);
#endif
