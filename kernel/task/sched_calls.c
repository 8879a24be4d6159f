/* SPDX-License-Identifier: MIT */
/* The system calls on scheduling: policies and affinity.  sched(7). */
#include <abi/time.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { RR_SLICE_NS = 100000000, FAIR_SLICE_NS = 3000000, AFFINITY_BYTES = 8 };
#define SCHED_RESET_ON_FORK 0x40000000
#define SCHED_FLAG_RESET_ON_FORK 1ull
#define SCHED_FLAG_KEEP 0x18ull

struct task *sched_task(int pid)
{
	struct task *t;

	if (pid) {
		t = task_find(pid);
	} else {
		t = current;
		task_get(t);
	}
	return t;
}

bool sched_caps_reach(struct task *t)
{
	struct cred *tc = task_cred_get(t);
	bool ok = !tc || !(tc->cap_permitted & ~current->cred->cap_permitted);

	cred_put(tc);
	return ok || capable(CAP_SYS_NICE);
}

static bool sched_permitted(struct task *t)
{
	const struct cred *c = current->cred;
	struct cred *tc;
	bool ok;

	if (t->process == current->process)
		return true;
	tc = task_cred_get(t);
	ok = !tc || c->euid == tc->euid || c->euid == tc->uid;
	cred_put(tc);
	return ok || capable(CAP_SYS_NICE);
}

static bool policy_is_rt(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

static int policy_check(int policy, int priority)
{
	if (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE && !policy_is_rt(policy))
		return -EINVAL;
	if (policy_is_rt(policy) ? priority < 1 || priority > 99 : priority != 0)
		return -EINVAL;
	return 0;
}

/* policy -1: as it is. nice: INT32_MIN: as it is. */
static long sched_set(int pid, int policy, int priority, int nice, bool reset)
{
	struct task *t = sched_task(pid);
	long err;

	if (!t)
		return -ESRCH;
	if (policy < 0) {
		policy = READ_ONCE(t->se.policy);
		reset = READ_ONCE(t->se.reset_on_fork);
	}
	err = policy_check(policy, priority);
	if (err)
		goto out;
	err = -EPERM;
	if (!capable(CAP_SYS_NICE)) {
		uint64_t limit = t->process ? READ_ONCE(t->process->rlimit[RLIMIT_RTPRIO].cur) : 0;

		if (policy_is_rt(policy)) {
			if (policy != READ_ONCE(t->se.policy) && !limit)
				goto out;
			if (priority > READ_ONCE(t->se.rt_priority) && (uint64_t)priority > limit)
				goto out;
		}
		if (nice != INT32_MIN && nice < READ_ONCE(t->se.nice) && 20 - nice > (int64_t)MIN(READ_ONCE(t->process->rlimit[RLIMIT_NICE].cur), (uint64_t)40))
			goto out;
		if (!sched_permitted(t))
			goto out;
		if (READ_ONCE(t->se.reset_on_fork) && !reset)
			goto out;
	}
	if (!sched_caps_reach(t))
		goto out;
	err = sched_set_policy(t, (unsigned)policy, (unsigned)priority);
	if (!err) {
		WRITE_ONCE(t->se.reset_on_fork, reset);
		if (nice != INT32_MIN && !policy_is_rt(policy))
			sched_set_nice(t, nice);
	}
out:
	task_put(t);
	return err;
}

long sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

long sys_sched_setscheduler(int pid, int policy, uaddr_t param)
{
	int32_t priority;

	if (!param || pid < 0 || policy < 0)
		return -EINVAL;
	if (get_user(priority, param))
		return -EFAULT;
	return sched_set(pid, policy & ~SCHED_RESET_ON_FORK, priority, INT32_MIN, policy & SCHED_RESET_ON_FORK);
}

long sys_sched_setparam(int pid, uaddr_t param)
{
	int32_t priority;

	if (!param || pid < 0)
		return -EINVAL;
	if (get_user(priority, param))
		return -EFAULT;
	return sched_set(pid, -1, priority, INT32_MIN, false);
}

long sys_sched_getscheduler(int pid)
{
	struct task *t;
	long ret;

	if (pid < 0)
		return -EINVAL;
	t = sched_task(pid);
	if (!t)
		return -ESRCH;
	ret = READ_ONCE(t->se.policy) | (READ_ONCE(t->se.reset_on_fork) ? SCHED_RESET_ON_FORK : 0);
	task_put(t);
	return ret;
}

long sys_sched_getparam(int pid, uaddr_t param)
{
	struct task *t;
	int32_t priority;

	if (!param || pid < 0)
		return -EINVAL;
	t = sched_task(pid);
	if (!t)
		return -ESRCH;
	priority = policy_is_rt(READ_ONCE(t->se.policy)) ? READ_ONCE(t->se.rt_priority) : 0;
	task_put(t);
	return put_user(priority, param);
}

struct abi_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};
enum { SCHED_ATTR_SIZE_VER0 = 48 };

long sys_sched_setattr(int pid, uaddr_t uattr, unsigned flags)
{
	struct abi_sched_attr a;
	uint32_t size;
	int err;

	if (!uattr || pid < 0 || flags)
		return -EINVAL;
	if (get_user(size, uattr))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		goto e2big;
	err = copy_struct_from_user(&a, sizeof(a), uattr, size);
	if (err == -E2BIG)
		goto e2big;
	if (err)
		return err;
	if ((int32_t)a.policy < 0 || a.flags & ~(SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP))
		return -EINVAL;
	if (a.nice < -20)
		a.nice = -20;
	if (a.nice > 19)
		a.nice = 19;
	return sched_set(pid, a.flags & 8 ? -1 : (int)a.policy, (int)a.priority, policy_is_rt((int)a.policy) ? INT32_MIN : a.nice,
		a.flags & SCHED_FLAG_RESET_ON_FORK);
e2big:
	if (put_user((uint32_t)sizeof(a), uattr))
		return -EFAULT;
	return -E2BIG;
}

long sys_sched_getattr(int pid, uaddr_t uattr, unsigned size, unsigned flags)
{
	struct abi_sched_attr a = { .size = sizeof(a) };
	struct task *t;

	if (!uattr || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	t = sched_task(pid);
	if (!t)
		return -ESRCH;
	a.policy = READ_ONCE(t->se.policy);
	a.flags = READ_ONCE(t->se.reset_on_fork) ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (policy_is_rt((int)a.policy))
		a.priority = READ_ONCE(t->se.rt_priority);
	else
		a.nice = READ_ONCE(t->se.nice);
	task_put(t);
	a.size = MIN(size, (unsigned)sizeof(a));
	return copy_to_user(uattr, &a, a.size);
}

long sys_sched_get_priority_max(int policy)
{
	return policy_is_rt(policy) ? 99 : policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE || policy == 6 ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
	return policy_is_rt(policy) ? 1 : policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE || policy == 6 ? 0 : -EINVAL;
}

long sys_sched_rr_get_interval(int pid, uaddr_t interval)
{
	struct abi_timespec ts = { 0, 0 };
	unsigned policy;
	struct task *t;

	if (pid < 0)
		return -EINVAL;
	t = sched_task(pid);
	if (!t)
		return -ESRCH;
	policy = READ_ONCE(t->se.policy);
	if (policy == SCHED_RR)
		ts.tv_nsec = RR_SLICE_NS;
	else if (policy != SCHED_FIFO)
		ts.tv_nsec = FAIR_SLICE_NS;
	task_put(t);
	return put_user(ts, interval);
}

long sys_sched_setaffinity(int pid, unsigned len, uaddr_t umask)
{
	uint64_t mask = 0;
	struct task *t;
	long err;

	if (copy_from_user(&mask, umask, MIN(len, (unsigned)AFFINITY_BYTES)))
		return -EFAULT;
	t = sched_task(pid);
	if (!t)
		return -ESRCH;
	err = -EPERM;
	if (sched_permitted(t) && sched_caps_reach(t))
		err = sched_set_affinity(t, mask);
	task_put(t);
	return err;
}

long sys_sched_getaffinity(int pid, unsigned len, uaddr_t umask)
{
	struct task *t;
	uint64_t mask;

	if (len < AFFINITY_BYTES || len % sizeof(long))
		return -EINVAL;
	t = sched_task(pid);
	if (!t)
		return -ESRCH;
	mask = READ_ONCE(t->se.affinity);
	if (cpu_count < 64)
		mask &= (1ull << cpu_count) - 1;
	task_put(t);
	return copy_to_user(umask, &mask, AFFINITY_BYTES) ? -EFAULT : AFFINITY_BYTES;
}

long sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t cache)
{
	uint32_t id = this_cpu()->id;

	if (cpu && put_user(id, cpu))
		return -EFAULT;
	return node ? put_user((uint32_t)0, node) : 0;
}
