/* SPDX-License-Identifier: MIT */
/* Signals inside the kernel (signal(7)); wire formats are in <abi/signal.h>. */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H
#include <abi/signal.h>
#include <hal/types.h>
#include <kernel/lock.h>

struct task;
struct process;

#define SIGMASK(sig) (1ull << ((sig) - 1))
struct sigqueue_list {
	uint64_t set;			/* one bit a pending signal */
	struct list_head queue;		/* struct sigqueue: siginfo, in order of arrival */
};
struct user_account;
struct sigqueue {
	struct list_head link;
	struct abi_siginfo info;
	struct user_account *user;	/* a reference: who is charged for it */
	bool preallocated;		/* a posix timer's: never freed, link empty when not queued */
};

struct ksigaction { uint64_t handler, flags, restorer, mask; };
struct sighand {
	struct refcount refs;
	struct spinlock lock;		/* guards this and everything marked [sig] */
	struct ksigaction action[64];	/* [lock] index sig - 1 */
	struct rcu_head rcu;
};

/* Send; info NULL: SI_KERNEL.  -EAGAIN (RLIMIT_SIGPENDING, real-time only), -ESRCH (exiting).  Any context. */
int signal_send_task(struct task *t, int sig, const struct abi_siginfo *info);
/* To the calling thread, as if it had sent it itself (SIGPIPE, SIGXFSZ): SI_USER. May sleep: no. */
void signal_send_current(int sig);
int signal_send_process(struct process *p, int sig, const struct abi_siginfo *info);
/* What p does with sig (1 ... 64), at this moment.  Takes [sig].  Any context. */
struct ksigaction process_action(struct process *p, int sig);
/* To every process of the group; -ESRCH: none. */
struct pid;
int signal_send_pgrp(struct pid *pgrp, int sig, const struct abi_siginfo *info);
/*
 * To the process, group or thread that pid is as type says, each of them only if who had these ids may signal it (fcntl(2) F_SETOWN:
 * those of who set it; Linux: sigio_perm()).  Any context.
 */
void signal_send_owned(struct pid *pid, int type, int sig, const struct abi_siginfo *info, uint32_t uid, uint32_t euid);
/* A synchronous one that cannot be ignored or blocked away (faults). */
void signal_force(int sig, int si_code, uaddr_t addr);
/* The same with all that is told; deadly: whatever handler there is. */
void signal_force_info(const struct abi_siginfo *info, bool deadly);
/* Before user code: delivers, stops, exits.  Called by task_user_loop(). */
void signal_deliver(void);
/* Take the first pending signal that is in `wanted` off current's queues (signalfd, sigtimedwait): its number, 0: none. */
int signal_dequeue(uint64_t wanted, struct abi_siginfo *info);
/* What is pending for current, blocked or not. */
uint64_t signal_pending_set(void);
/* Replace current's mask (SIGKILL and SIGSTOP stay deliverable). */
void signal_set_mask(uint64_t mask);
/*
 * The mask of ppoll, pselect, epoll_pwait, sigsuspend: in force until the call
 * ends; the old one comes back after a handler has run.  Without a handler call
 * signal_restore_mask() unless the call returns because of a signal.
 */
void signal_set_temporary_mask(uint64_t mask);
void signal_restore_mask(void);
/* May current send sig to p?  kill(2). */
bool signal_permitted(struct process *p, int sig);
#endif
