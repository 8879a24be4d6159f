/* SPDX-License-Identifier: MIT */
/* What a thread may change about itself: prctl(2), arch_prctl(2), personality(2), set_tid_address(2). */
#include <kernel/vm.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_GET_UNALIGN, PR_SET_UNALIGN, PR_GET_KEEPCAPS,
	PR_SET_KEEPCAPS, PR_GET_TIMING = 13, PR_SET_TIMING, PR_SET_NAME, PR_GET_NAME, PR_GET_SECCOMP = 21, PR_SET_SECCOMP,
	PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_GET_TSC, PR_SET_TSC, PR_GET_SECUREBITS, PR_SET_SECUREBITS, PR_SET_TIMERSLACK,
	PR_GET_TIMERSLACK, PR_SET_MM = 35, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS,
	PR_GET_NO_NEW_PRIVS, PR_GET_TID_ADDRESS, PR_SET_THP_DISABLE, PR_GET_THP_DISABLE, PR_CAP_AMBIENT = 47,
	PR_SET_VMA = 0x53564d41, PR_SET_PTRACER = 0x59616d61 };
enum { PR_CAP_AMBIENT_IS_SET = 1, PR_CAP_AMBIENT_RAISE, PR_CAP_AMBIENT_LOWER, PR_CAP_AMBIENT_CLEAR_ALL };
enum { SECUREBITS_ALL = 0xff, SECURE_NO_CAP_AMBIENT_RAISE = 6, SECURE_KEEP_CAPS = 4, SECURE_KEEP_CAPS_LOCKED = 5 };

static long prctl_name(uaddr_t to, uaddr_t from)
{
	char name[TASK_COMM_LEN] = "";
	int64_t n;

	if (to) {
		task_comm_get(current, name);
		return copy_to_user(to, name, sizeof(name));
	}
	n = strncpy_from_user(name, from, sizeof(name) - 1);
	if (n < 0)
		return -EFAULT;
	name[sizeof(name) - 1] = '\0';
	task_comm_set(current, name);
	return 0;
}

static long prctl_ambient(uint64_t op, uint64_t cap, uint64_t a4, uint64_t a5)
{
	const struct cred *old = current->cred;
	struct cred *c;

	if (a4 || a5)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap)
			return -EINVAL;
	} else if (op < PR_CAP_AMBIENT_IS_SET || op > PR_CAP_AMBIENT_LOWER || cap > CAP_LAST) {
		return -EINVAL;
	}
	if (op == PR_CAP_AMBIENT_IS_SET)
		return old->cap_ambient >> cap & 1;
	if (op == PR_CAP_AMBIENT_RAISE && (!(old->cap_permitted >> cap & 1) || !(old->cap_inheritable >> cap & 1) ||
	    old->securebits & 1u << SECURE_NO_CAP_AMBIENT_RAISE))
		return -EPERM;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_CLEAR_ALL)
		c->cap_ambient = 0;
	else if (op == PR_CAP_AMBIENT_RAISE)
		c->cap_ambient |= 1ull << cap;
	else
		c->cap_ambient &= ~(1ull << cap);
	cred_commit(c);
	return 0;
}

static long prctl_cap_drop(uint64_t cap)
{
	struct cred *c;

	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	c->cap_bounding &= ~(1ull << cap);
	cred_commit(c);
	return 0;
}

static long prctl_securebits(uint64_t bits)
{
	const struct cred *old = current->cred;
	struct cred *c;

	/* A locked bit, and the lock itself, stay as they are. */
	if (bits & ~(uint64_t)SECUREBITS_ALL || !capable(CAP_SETPCAP) || ((old->securebits & 0xaa) >> 1 & (old->securebits ^ bits)) ||
	    (old->securebits & 0xaa & ~bits))
		return -EPERM;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	c->securebits = (unsigned)bits;
	current->keep_caps = bits >> SECURE_KEEP_CAPS & 1;
	cred_commit(c);
	return 0;
}

static void subreaper_mark(struct process *p)
{
	struct process *c;

	/* Depth first without recursion: down to the first child, on to siblings, up again. */
	for (c = p;;) {
		if (!list_empty(&c->children)) {
			c = list_first(&c->children, struct process, sibling);
		} else {
			while (c != p && c->sibling.next == &c->parent->children)
				c = c->parent;
			if (c == p)
				return;
			c = list_entry(c->sibling.next, struct process, sibling);
		}
		c->has_child_subreaper = true;
	}
}

long sys_prctl(int option, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	struct task *t = current;
	unsigned long flags;

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (a2 > SIGRTMAX)
			return -EINVAL;
		WRITE_ONCE(t->pdeath_signal, (int)a2);
		return 0;
	case PR_GET_PDEATHSIG:
		return put_user((int32_t)t->pdeath_signal, a2);
	case PR_GET_DUMPABLE:
		return task_dumpable(t);
	case PR_SET_DUMPABLE:
		if (a2 > 1)
			return -EINVAL;
		WRITE_ONCE(t->vm->secret, !a2);
		return 0;
	case PR_GET_KEEPCAPS:
		return t->keep_caps;
	case PR_SET_KEEPCAPS:
		if (a2 > 1)
			return -EINVAL;
		if (t->cred->securebits & 1u << SECURE_KEEP_CAPS_LOCKED)
			return -EPERM;
		t->keep_caps = a2;
		return 0;
	case PR_GET_TIMING:
		return 0;		/* statistical */
	case PR_SET_TIMING:
		return a2 ? -EINVAL : 0;
	case PR_SET_NAME:
		return prctl_name(0, a2);
	case PR_GET_NAME:
		return prctl_name(a2, 0);
	case PR_GET_SECCOMP:
		return READ_ONCE(t->seccomp_mode);
	case PR_SET_SECCOMP:
		return seccomp_prctl_set(a2, a3);
	case PR_CAPBSET_READ:
		return a2 > CAP_LAST ? -EINVAL : (long)(t->cred->cap_bounding >> a2 & 1);
	case PR_CAPBSET_DROP:
		return prctl_cap_drop(a2);
	case PR_GET_TSC:
		return abi_elf_machine == 62 ? put_user((int32_t)1, a2) : -EINVAL;
	case PR_SET_TSC:
		return abi_elf_machine == 62 && a2 == 1 ? 0 : -EINVAL;
	case PR_GET_SECUREBITS:
		return (t->cred->securebits & ~(1u << SECURE_KEEP_CAPS)) | (unsigned)t->keep_caps << SECURE_KEEP_CAPS;
	case PR_SET_SECUREBITS:
		return prctl_securebits(a2);
	case PR_SET_TIMERSLACK:
		t->timer_slack_ns = (int64_t)a2 > 0 ? a2 : 50000;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)t->timer_slack_ns;
	case PR_SET_CHILD_SUBREAPER:
		flags = spin_lock_irqsave(&process_tree_lock);
		WRITE_ONCE(t->process->child_subreaper, a2 != 0);
		if (a2)
			subreaper_mark(t->process);
		spin_unlock_irqrestore(&process_tree_lock, flags);
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((int32_t)READ_ONCE(t->process->child_subreaper), a2);
	case PR_SET_NO_NEW_PRIVS:
		if (a2 != 1 || a3 || a4 || a5)
			return -EINVAL;
		WRITE_ONCE(t->no_new_privs, true);	/* a TSYNC of another thread writes it, too */
		return 0;
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : READ_ONCE(t->no_new_privs);
	case PR_GET_TID_ADDRESS:
		return put_user(t->clear_child_tid, a2);
	case PR_SET_THP_DISABLE:
		return a3 || a4 || a5 ? -EINVAL : 0;	/* there are no huge pages to disable */
	case PR_GET_THP_DISABLE:
		return a2 || a3 || a4 || a5 ? -EINVAL : 0;
	case PR_CAP_AMBIENT:
		return prctl_ambient(a2, a3, a4, a5);
	default:
		return -EINVAL;
	}
}

#ifdef EFT_CPU_x86_64
enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS, ARCH_GET_CPUID = 0x1011, ARCH_SET_CPUID };

long sys_arch_prctl(int code, uaddr_t addr)
{
	struct abi_regs *r = hal_user_regs(current->uctx);

	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (addr >= hal_as_limit())
			return -EPERM;
		*(code == ARCH_SET_FS ? &r->fs_base : &r->gs_base) = addr;
		return 0;
	case ARCH_GET_FS:
		return put_user(r->fs_base, addr);
	case ARCH_GET_GS:
		return put_user(r->gs_base, addr);
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return addr ? 0 : -ENODEV;
	default:
		return -EINVAL;
	}
}
#endif

long sys_personality(unsigned persona)
{
	unsigned was = current->personality;

	if (persona != 0xffffffff)
		WRITE_ONCE(current->personality, persona);	/* /proc shows it */
	return was;
}

long sys_set_tid_address(uaddr_t tidptr)
{
	current->clear_child_tid = tidptr;
	return task_tid(current);
}
