/* SPDX-License-Identifier: MIT */
/* Credentials: immutable once published, replaced as a whole (credentials(7), capabilities(7)). */
#ifndef KERNEL_CRED_H
#define KERNEL_CRED_H
#include <kernel/lock.h>

/* What one real user has in use: what outlives or is beside a process's memory is limited by user. */
struct user_account {
	struct refcount refs;
	uint32_t uid;			/* [I] */
	int32_t processes;		/* [a] threads: RLIMIT_NPROC */
	int64_t signals;		/* [a] queued, and those set aside for timers: RLIMIT_SIGPENDING */
	int64_t mq_bytes;		/* [a] RLIMIT_MSGQUEUE */
	int64_t files_in_flight;	/* [a] in messages of UNIX sockets: RLIMIT_NOFILE */
	int64_t pipe_slots;		/* [a] fs.pipe-user-pages-soft */
	int64_t inotify_instances, inotify_watches;	/* [a] fs.inotify.max_user_* */
	int64_t epoll_items;		/* [a] fs.epoll.max_user_watches */
	struct list_head link;
};

struct cred {
	struct refcount refs;
	uint8_t apart[64 - sizeof(struct refcount)];	/* each check of a right reads what is behind, each open and close changes refs */
	struct user_account *user;	/* of uid */
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint64_t cap_effective, cap_permitted, cap_inheritable, cap_bounding, cap_ambient;
	unsigned securebits;
	unsigned ngroups;
	uint32_t *groups;		/* sorted */
	struct rcu_head rcu;
};
enum cap {
	CAP_CHOWN = 0, CAP_DAC_OVERRIDE = 1, CAP_DAC_READ_SEARCH = 2, CAP_FOWNER = 3, CAP_FSETID = 4, CAP_KILL = 5,
	CAP_SETGID = 6, CAP_SETUID = 7, CAP_SETPCAP = 8, CAP_LINUX_IMMUTABLE = 9, CAP_NET_BIND_SERVICE = 10, CAP_NET_ADMIN = 12, CAP_NET_RAW = 13,
	CAP_IPC_LOCK = 14, CAP_IPC_OWNER = 15, CAP_SYS_RAWIO = 17, CAP_SYS_CHROOT = 18, CAP_SYS_PTRACE = 19,
	CAP_SYS_ADMIN = 21, CAP_SYS_BOOT = 22, CAP_SYS_NICE = 23, CAP_SYS_RESOURCE = 24, CAP_SYS_TIME = 25,
	CAP_SYS_TTY_CONFIG = 26, CAP_MKNOD = 27, CAP_LEASE = 28, CAP_SETFCAP = 31, CAP_SYSLOG = 34, CAP_WAKE_ALARM = 35, CAP_CHECKPOINT_RESTORE = 40, CAP_LAST = 40
};
void user_account_put(struct user_account *u);	/* any context */
bool user_over_nproc(const struct user_account *u);	/* more processes than current's RLIMIT_NPROC, and not root */
struct user_account *user_account_current(void);	/* the running thread's (a kernel thread's: root's), with a reference: for what may outlive it */
/* n more of what *counter, a field of an account, counts; false, and none more, if that would be above limit.  Any context. */
static inline bool user_charge(int64_t *counter, int64_t n, uint64_t limit)
{
	if ((uint64_t)__atomic_add_fetch(counter, n, __ATOMIC_RELAXED) <= limit)
		return true;
	__atomic_sub_fetch(counter, n, __ATOMIC_RELAXED);
	return false;
}
static inline void user_uncharge(int64_t *counter, int64_t n) { __atomic_sub_fetch(counter, n, __ATOMIC_RELAXED); }
/* current's effective set. */
enum { SECUREBIT_NO_SETUID_FIXUP = 1 << 2 };	/* in cred.securebits: rights do not follow ids */
bool capable(enum cap c);
bool cred_in_group(const struct cred *c, uint32_t gid);
/* Another task's, with a reference. */
struct task;
struct cred *task_cred_get(struct task *t);
uint32_t task_uid(struct task *t);		/* of any task, the real one; 0 when it has no credentials */
struct cred *cred_get(struct cred *c);
void cred_put(struct cred *c);
/* The same of current's, for what is soon put back by the same task; NULL: a kernel thread.  Not in interrupts. */
struct cred *cred_get_current(void);
void cred_put_here(struct cred *c);		/* anybody's, or NULL */
void cred_spare_drop(struct task *t);		/* current's own, or a task's that does not run any more: before its credentials change */
/* A writable copy of current's, to change and commit.  NULL: no memory. */
struct cred *cred_prepare(void);
void cred_commit(struct cred *c);
/* For a while, c is current's: it takes the reference and returns the one that was, to be put back the same way (access(2)). */
struct cred *cred_override(struct cred *c);
#endif
