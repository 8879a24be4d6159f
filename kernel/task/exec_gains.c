/* SPDX-License-Identifier: MIT */
/*
 * What execve(2) gives: the ids of the file, capabilities; and to whom not.  See
 * execve(2), capabilities(7), "Safety checking for capability-dumb binaries".
 *
 * A tracer could make the new program do anything; so could who shares its root
 * and directory.  Unless the tracer may trace anybody, the program then gets no
 * more than its caller had.
 *
 * Whether there is such a tracer is looked at before the image is built, since the
 * image tells the program what it is (AT_EUID, AT_SECURE).  From then on until the
 * credentials have changed, process.gains keeps others from attaching; afterwards
 * they are refused by what the credentials say.  A context of the file system that
 * came to be shared meanwhile is replaced by an own one: exec_commit().
 */
#include <kernel/file.h>
#include <kernel/vfs.h>
#include "exec.h"
#include "ptrace.h"
#include "task_impl.h"

/* What personality(2) asked for and a program that gains does not: known addresses, data that can be executed. */
enum { PERSONALITY_OF_CALLER = ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC | 0x0200000 /* ADDR_COMPAT_LAYOUT */ | 0x0100000 /* MMAP_PAGE_ZERO */ };
#define STACK_OF_GAINERS (8ull << 20)

/* [tree] Others than threads of this process have its root and directory. */
static bool fs_shared_outside(const struct process *p)
{
	const struct fs_context *fs = current->fs;
	int32_t own = 0;
	struct task *t;

	list_for_each(t, &p->threads, thread_link)
		own += READ_ONCE(t->fs) == fs;
	return __atomic_load_n(&fs->tasks, __ATOMIC_ACQUIRE) > own;
}

static bool may_gain(struct exec *e)
{
	struct process *p = current->process;
	const struct ptrace *pt;
	unsigned long flags;

	if (READ_ONCE(current->no_new_privs))
		return false;
	flags = spin_lock_irqsave(&process_tree_lock);
	pt = current->ptrace;
	e->gains = (!pt || pt->powerful) && !fs_shared_outside(p);
	p->gains += e->gains;
	spin_unlock_irqrestore(&process_tree_lock, flags);
	return e->gains;
}

int exec_gains(struct exec *e)
{
	const struct inode *inode = e->file->inode;
	bool set_ids = !path_nosuid(&e->file->path) && !READ_ONCE(current->no_new_privs);
	uint32_t mode = inode_mode(inode);
	struct cred *c = cred_dup(current->cred);

	if (!c)
		return -ENOMEM;
	e->secure = cred_exec(c, e->file->inode, set_ids, may_gain, e);
	e->cred = c;
	e->personality = current->personality;
	if (set_ids && (mode & S_ISUID || (mode & (S_ISGID | 0010)) == (S_ISGID | 0010)))
		e->personality &= ~(unsigned)PERSONALITY_OF_CALLER;
	return 0;
}

void exec_settled(struct exec *e)
{
	struct process *p = current->process;
	unsigned long flags;

	if (!e->gains)
		return;
	e->gains = false;
	flags = spin_lock_irqsave(&process_tree_lock);
	WRITE_ONCE(p->gains, p->gains - 1);
	spin_unlock_irqrestore(&process_tree_lock, flags);
	waitq_wake_all(&p->exec_wait);
}

uint64_t exec_stack_limit(const struct exec *e)
{
	uint64_t limit = rlimit_get(RLIMIT_STACK);

	return e->secure ? MIN(limit, STACK_OF_GAINERS) : limit;
}
