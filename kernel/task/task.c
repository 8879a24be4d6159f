/* SPDX-License-Identifier: MIT */
/*
 * Tasks and processes: allocation, references, times; and the first process.
 *
 * A task's references: the scheduler's (until the last switch away from it),
 * the process tree's (from clone until it is released: at exit, or when the
 * leader is waited for) and temporary ones.  Each task holds a reference on
 * its process, the tree holds one, and so do look-ups.  Both structs are freed
 * after an RCU grace period.
 */
#include <kernel/file.h>
#include <kernel/random.h>
#include <kernel/tty.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include "task_impl.h"

struct spinlock process_tree_lock = SPINLOCK_INIT(PROCESS_TREE);
struct list_head process_list = LIST_INIT(process_list);
struct process *init_process;
static struct kmem_cache *task_cache, *process_cache, *sighand_cache;

static const struct rlimit rlimit_default[RLIMIT_COUNT] = {
	[RLIMIT_CPU] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_FSIZE] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_DATA] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_STACK] = { 8 << 20, RLIM_INFINITY },
	[RLIMIT_CORE] = { 0, RLIM_INFINITY },
	[RLIMIT_RSS] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_NPROC] = { 0, 0 },		/* by memory, below */
	[RLIMIT_NOFILE] = { 1024, 1048576 },
	[RLIMIT_MEMLOCK] = { 8 << 20, 8 << 20 },
	[RLIMIT_AS] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_LOCKS] = { RLIM_INFINITY, RLIM_INFINITY },
	[RLIMIT_SIGPENDING] = { 0, 0 },
	[RLIMIT_MSGQUEUE] = { 819200, 819200 },
	[RLIMIT_NICE] = { 0, 0 },
	[RLIMIT_RTPRIO] = { 0, 0 },
	[RLIMIT_RTTIME] = { RLIM_INFINITY, RLIM_INFINITY },
};

/* ---- signal handlers ---- */

struct sighand *sighand_create(void)
{
	struct sighand *sh = kmem_cache_alloc(sighand_cache, ALLOC_ZERO);

	if (!sh)
		return NULL;
	ref_init(&sh->refs);
	spin_init(&sh->lock, LOCK_SIGHAND);
	return sh;
}

static void sighand_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(sighand_cache, container_of(h, struct sighand, rcu));
}

void sighand_put(struct sighand *sh)
{
	if (sh && ref_put(&sh->refs))
		rcu_call(&sh->rcu, sighand_free_rcu);
}

/*
 * The lock of p's signal state lies in its sighand, which execve may replace:
 * look again once it is locked.  The RCU read section keeps a replaced one
 * from being freed while we look.
 */
struct sighand *process_siglock(struct process *p, unsigned long *flags) NO_TSA
{
	struct sighand *sh;

	rcu_read_lock();
	for (;;) {
		sh = rcu_dereference(p->sighand);
		*flags = spin_lock_irqsave(&sh->lock);
		if (sh == READ_ONCE(p->sighand))
			break;
		spin_unlock_irqrestore(&sh->lock, *flags);
	}
	rcu_read_unlock();
	return sh;
}

void process_sigunlock(struct sighand *sh, unsigned long flags) NO_TSA
{
	spin_unlock_irqrestore(&sh->lock, flags);
}

/* Only current's thread is left in p. */
int sighand_unshare(struct process *p)
{
	struct sighand *old = p->sighand, *fresh;
	unsigned long flags;

	if (ref_read(&old->refs) == 1)
		return 0;
	fresh = sighand_create();
	if (!fresh)
		return -ENOMEM;
	flags = spin_lock_irqsave(&process_tree_lock);
	spin_lock(&old->lock);
	memcpy(fresh->action, old->action, sizeof(fresh->action));
	rcu_assign(p->sighand, fresh);
	WRITE_ONCE(current->sighand, fresh);
	spin_unlock(&old->lock);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	sighand_put(old);
	return 0;
}

/* ---- processes ---- */

struct process *process_alloc(void)
{
	struct process *p = kmem_cache_alloc(process_cache, ALLOC_ZERO);

	if (!p)
		return NULL;
	ref_init(&p->refs);
	for (unsigned i = 0; i < PID_TYPES; i++)
		list_init(&p->pid_link[i]);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->all_link);
	list_init(&p->ptraced);
	list_init(&p->shared_pending.queue);
	waitq_init(&p->child_wait);
	waitq_init(&p->exec_wait);
	waitq_init(&p->signalfd_wait);
	ktimer_init(&p->real_timer, real_timer_fn);
	ktimer_init(&p->cpu_timer, cpu_timer_fn);
	p->start_ns = hal_time_mono_ns();
	return p;
}

static void process_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(process_cache, container_of(h, struct process, rcu));
}

void process_put(struct process *p)
{
	if (!p || !ref_put(&p->refs))
		return;
	for (unsigned i = 0; i < PID_TYPES; i++)
		pid_put(p->pid[i]);
	pid_put(p->tty_old_pgrp);
	sigqueue_flush(&p->shared_pending);
	sighand_put(p->sighand);
	rcu_call(&p->rcu, process_free_rcu);
}

/* ---- tasks ---- */

struct task_start { void (*fn)(void *arg); void *arg; };

static void task_entry(void *arg)
{
	struct task_start s = *(struct task_start *)arg;

	sched_thread_start();
	current->start = NULL;
	kfree(arg);
	s.fn(s.arg);
	preempt_disable();
	WRITE_ONCE(current->flags, current->flags | TASKF_EXITING);
	sched_exit();
}

struct task *task_alloc(const char *comm, void (*fn)(void *arg), void *arg)
{
	struct task_start *start = kmalloc(sizeof(*start), 0);
	struct task *t = kmem_cache_alloc(task_cache, ALLOC_ZERO);

	if (!t || !start)
		goto fail;
	start->fn = fn;
	start->arg = arg;
	t->kstack = hal_kstack_alloc(KSTACK_SIZE);
	if (!t->kstack)
		goto fail;
	t->kctx = hal_kctx_create(t->kstack, KSTACK_SIZE, task_entry, start);
	if (!t->kctx)
		goto fail_stack;
	t->start = start;
	ref_init(&t->refs);
	strlcpy(t->comm, comm, sizeof(t->comm));
	t->flags = TASKF_KTHREAD;
	t->syscall_nr = -1;
	t->timer_slack_ns = 50000;
	t->altstack_flags = SS_DISABLE;
	list_init(&t->pid_link);
	list_init(&t->thread_link);
	list_init(&t->pending.queue);
	list_init(&t->pi_waiters);
	t->start_ns = hal_time_mono_ns();
	return t;
fail_stack:
	hal_kstack_free(t->kstack, KSTACK_SIZE);
fail:
	if (t)
		kmem_cache_free(task_cache, t);
	kfree(start);
	return NULL;
}

void task_free_stack(struct task *t)
{
	if (t->kctx)
		hal_kctx_destroy(t->kctx);
	if (t->kstack)
		hal_kstack_free(t->kstack, KSTACK_SIZE);
	t->kctx = NULL;
	t->kstack = NULL;
}

static void task_free_rcu(struct rcu_head *h)
{
	struct task *t = container_of(h, struct task, rcu);

	task_free_stack(t);
	kfree(t->start);	/* it never ran */
	if (t->uctx)
		hal_user_destroy(t->uctx);
	seccomp_free(t);
	sigqueue_flush(&t->pending);
	cred_spare_drop(t);
	cred_put(t->cred);
	pid_put(t->pid);
	process_put(t->process);
	kmem_cache_free(task_cache, t);
}

void task_put(struct task *t)
{
	if (t && ref_put(&t->refs))
		rcu_call(&t->rcu, task_free_rcu);
}

struct cred *task_cred_get(struct task *t)
{
	struct cred *c;

	rcu_read_lock();
	do
		c = rcu_dereference(t->cred);
	while (c && !ref_get_unless_zero(&c->refs));
	rcu_read_unlock();
	return c;
}

uint32_t task_uid(struct task *t)
{
	struct cred *c;
	uint32_t uid;

	rcu_read_lock();
	c = rcu_dereference(t->cred);
	uid = c ? c->uid : 0;
	rcu_read_unlock();
	return uid;
}

uint64_t rlimit_get(enum rlimit_id id)
{
	struct process *p = current->process;

	return p ? READ_ONCE(p->rlimit[id].cur) : RLIM_INFINITY;
}

void task_comm_get(const struct task *t, char name[TASK_COMM_LEN])
{
	for (unsigned i = 0; i < TASK_COMM_LEN; i++)
		name[i] = READ_ONCE(t->comm[i]);
}

void task_comm_set(struct task *t, const char *name)
{
	for (unsigned i = 0; i < TASK_COMM_LEN - 1; i++) {	/* the last byte stays 0 */
		WRITE_ONCE(t->comm[i], *name);
		name += *name != '\0';
	}
}

/* User threads that have not exited. */
unsigned task_count(void)
{
	unsigned long flags = spin_lock_irqsave(&process_tree_lock);
	struct process *p;
	unsigned n = 0;

	list_for_each(p, &process_list, all_link)
		n += READ_ONCE(p->thread_count);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return n;
}

char task_state_char(const struct task *t)
{
	unsigned state = READ_ONCE(t->state);

	if (state & (TASK_ZOMBIE | TASK_DEAD) || READ_ONCE(t->flags) & TASKF_ZOMBIE)
		return 'Z';
	if (state & TASK_STOPPED)
		return 'T';
	if (state & TASK_TRACED)
		return 't';
	if (state & (TASK_UNINTERRUPTIBLE | TASK_KILLABLE))
		return t->process ? 'D' : 'S';
	return state & TASK_INTERRUPTIBLE ? 'S' : 'R';
}

/* ---- times ---- */

void task_times(struct task *t, uint64_t *user_ns, uint64_t *system_ns)
{
	uint64_t total = task_runtime_ns(t), user = READ_ONCE(t->user_ns);

	if (user > total)
		user = total;
	*user_ns = user;
	*system_ns = total - user;
}

void process_times(struct process *p, uint64_t *user_ns, uint64_t *system_ns)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(p, &flags);
	uint64_t user = p->dead_user_ns, system = p->dead_system_ns;
	struct task *t;

	list_for_each(t, &p->threads, thread_link) {
		uint64_t u, s;

		if (READ_ONCE(t->flags) & TASKF_ACCOUNTED)
			continue;	/* already in dead_* */
		task_times(t, &u, &s);
		user += u;
		system += s;
	}
	process_sigunlock(sh, flags);
	*user_ns = user;
	*system_ns = system;
}

/* ---- the first process ---- */

struct init_start {
	const char *path;
	const char *const *argv, *const *envp;
	struct completion done;
	int err;
};

/* Descriptors 0, 1 and 2 of the first process; it can live without. */
static void init_open_console(void)
{
	struct file *f;

	if (file_open(AT_FDCWD, "/dev/console", O_RDWR | O_NOCTTY, 0, &f)) {
		klog_warn("no /dev/console for init");
		return;
	}
	for (unsigned i = 0; i < 3; i++) {
		file_get(f);
		if (fd_add(f, 0) < 0)
			file_put(f);
	}
	file_put(f);
}

static void task_init_thread(void *arg)
{
	struct init_start *s = arg;
	int err;

	init_open_console();
	err = exec_kernel(s->path, s->argv, s->envp);

	s->err = err;
	complete(&s->done);
	if (err)
		return;
	task_user_loop();
}

int process_start_init(const char *path, const char *const *argv, const char *const *envp)
{
	struct init_start s = { .path = path, .argv = argv, .envp = envp };
	struct process *p = process_alloc();
	struct task *t = task_alloc("init", task_init_thread, &s);
	struct mem_info mem;
	struct pid *pid;
	unsigned long flags;
	int err = -ENOMEM;

	completion_init(&s.done);
	if (!p || !t)
		goto fail;
	t->flags &= ~TASKF_KTHREAD;
	p->sighand = sighand_create();
	t->uctx = hal_user_create();
	t->cred = cred_init_root();
	t->files = files_create();
	t->fs = fs_context_copy(&init_fs_context);
	pid = pid_alloc();
	if (!p->sighand || !t->uctx || !t->cred || !t->files || !t->fs || !pid)
		panic("no memory for the first process");
	if (pid->nr != 1)
		panic("the first process has number %d", pid->nr);
	mem_info_get(&mem);
	memcpy(p->rlimit, rlimit_default, sizeof(p->rlimit));
	/* A thread costs about 12 pages at least: allow an eighth of memory for them, as Linux does. */
	p->rlimit[RLIMIT_NPROC].cur = p->rlimit[RLIMIT_NPROC].max = MAX(mem.total_pages / 96, (uint64_t)256);
	p->rlimit[RLIMIT_SIGPENDING] = p->rlimit[RLIMIT_NPROC];
	p->exit_signal = SIGCHLD;
	p->no_signals = true;
	p->thread_count = p->threads_left = 1;
	p->leader = t;
	t->process = p;
	process_get(p);
	t->sighand = p->sighand;
	sched_fork(t);

	flags = spin_lock_irqsave(&process_tree_lock);
	p->parent = p;
	pid_attach_task(t, pid);
	pid_attach_process(p, PID_PROCESS, pid);
	pid_attach_process(p, PID_PGRP, pid);
	pid_attach_process(p, PID_SESSION, pid);
	p->session_leader = true;
	list_add_tail(&t->thread_link, &p->threads);
	list_add_tail(&p->all_link, &process_list);
	init_process = p;
	task_get(t);			/* the tree's */
	spin_unlock_irqrestore(&process_tree_lock, flags);
	pid_put(pid);

	sched_start(t);
	completion_wait(&s.done);
	return s.err;
fail:
	if (p)
		process_put(p);
	task_put(t);
	return err;
}

void task_init(void)
{
	task_cache = kmem_cache_create("task", sizeof(struct task), 64);
	process_cache = kmem_cache_create("process", sizeof(struct process), 64);
	sighand_cache = kmem_cache_create("sighand", sizeof(struct sighand), 64);
	pid_init();
	sigqueue_init();
	cred_init();
	futex_init();
	vdso_init();
}
