/* SPDX-License-Identifier: MIT */
/* What main.c starts of kernel/ipc and kernel/net, and what others have to tell them. */
#ifndef KERNEL_IPC_INIT_H
#define KERNEL_IPC_INIT_H
#include <hal/types.h>
struct task;
struct process;
struct vm_space;
void epoll_init(void);
void timerfd_init(void);
void sysv_init(void);
void mqueue_init(void);
void socket_init(void);
/* CLOCK_REALTIME jumped: absolute timers are set anew, TFD_TIMER_CANCEL_ON_SET ones are cancelled. */
void timerfd_clock_set(void);
/* The last user of an address space is gone: so are its AIO contexts. */
void aio_vm_gone(struct vm_space *vm);
uint64_t aio_in_use(void);	/* requests that contexts were made for, for /proc/sys/fs/aio-nr */
uint64_t epoll_items_max(void);	/* items of epoll sets that a user may have: fs.epoll.max_user_watches */
/* Undo what p did to semaphores with SEM_UNDO: it exits, or is one thread that unshares them.  Nobody else may be in p.  May sleep. */
void sysv_semaphores_undo(struct process *p);
#endif
