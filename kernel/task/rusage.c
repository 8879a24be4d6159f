/* SPDX-License-Identifier: MIT */
/* What threads, processes and waited-for children have used: getrusage(2), times(2). */
#include <abi/time.h>
#include <kernel/vm.h>
#include "rusage.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1, CLK_TCK_NS = 10000000 };

struct abi_rusage {
	struct abi_timeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};

void rusage_process(struct process *p, struct rusage_sum *out)
{
	struct sighand *sh;
	unsigned long flags;
	struct task *t;

	memset(out, 0, sizeof(*out));
	process_times(p, &out->user_ns, &out->system_ns);
	out->min_faults = READ_ONCE(p->min_faults);
	out->maj_faults = READ_ONCE(p->maj_faults);
	out->max_rss_pages = READ_ONCE(p->max_rss_pages);
	sh = process_siglock(p, &flags);
	out->nvcsw = p->dead_nvcsw;
	out->nivcsw = p->dead_nivcsw;
	list_for_each(t, &p->threads, thread_link)
		if (!(READ_ONCE(t->flags) & TASKF_ACCOUNTED)) {
			out->nvcsw += READ_ONCE(t->nvcsw);
			out->nivcsw += READ_ONCE(t->nivcsw);
			out->min_faults += READ_ONCE(t->min_faults);
			out->maj_faults += READ_ONCE(t->maj_faults);
		}
	process_sigunlock(sh, flags);
}

void process_note_rss(struct process *p, const struct vm_space *vm)
{
	uint64_t now = (uint64_t)READ_ONCE(vm->max_rss), was = READ_ONCE(p->max_rss_pages);

	while (now > was && !__atomic_compare_exchange_n(&p->max_rss_pages, &was, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void rusage_add_children(const struct process *p, struct rusage_sum *out)
{
	out->user_ns += p->children_user_ns;
	out->system_ns += p->children_system_ns;
	out->min_faults += p->children_min_faults;
	out->maj_faults += p->children_maj_faults;
	out->nvcsw += p->children_nvcsw;
	out->nivcsw += p->children_nivcsw;
	out->max_rss_pages = MAX(out->max_rss_pages, p->children_max_rss_pages);
}

void rusage_reap(struct process *parent, const struct rusage_sum *child)
{
	unsigned long flags;
	struct sighand *sh = process_siglock(parent, &flags);

	/* /proc shows them without the lock. */
	WRITE_ONCE(parent->children_user_ns, parent->children_user_ns + child->user_ns);
	WRITE_ONCE(parent->children_system_ns, parent->children_system_ns + child->system_ns);
	WRITE_ONCE(parent->children_min_faults, parent->children_min_faults + child->min_faults);
	WRITE_ONCE(parent->children_maj_faults, parent->children_maj_faults + child->maj_faults);
	parent->children_nvcsw += child->nvcsw;
	parent->children_nivcsw += child->nivcsw;
	parent->children_max_rss_pages = MAX(parent->children_max_rss_pages, child->max_rss_pages);
	process_sigunlock(sh, flags);
}

static struct abi_timeval ns_to_timeval(uint64_t ns)
{
	return (struct abi_timeval){ (int64_t)(ns / NSEC_PER_SEC), (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

int rusage_to_user(const struct rusage_sum *s, uaddr_t to)
{
	struct abi_rusage ru = {
		.utime = ns_to_timeval(s->user_ns), .stime = ns_to_timeval(s->system_ns),
		.maxrss = (int64_t)(s->max_rss_pages * (PAGE_SIZE / 1024)),
		.minflt = (int64_t)s->min_faults, .majflt = (int64_t)s->maj_faults,
		.nvcsw = (int64_t)s->nvcsw, .nivcsw = (int64_t)s->nivcsw,
	};

	return copy_to_user(to, &ru, sizeof(ru));
}

long sys_getrusage(int who, uaddr_t to)
{
	struct task *t = current;
	struct rusage_sum sum = { 0 };
	unsigned long flags;
	struct sighand *sh;

	switch (who) {
	case RUSAGE_SELF:
		rusage_process(t->process, &sum);
		break;
	case RUSAGE_CHILDREN:
		sh = process_siglock(t->process, &flags);	/* another thread may be waiting for one */
		rusage_add_children(t->process, &sum);
		process_sigunlock(sh, flags);
		break;
	case RUSAGE_THREAD:
		task_times(t, &sum.user_ns, &sum.system_ns);
		sum.min_faults = t->min_faults;
		sum.maj_faults = t->maj_faults;
		sum.nvcsw = t->nvcsw;
		sum.nivcsw = t->nivcsw;
		break;
	default:
		return -EINVAL;
	}
	if (who != RUSAGE_CHILDREN && t->vm)
		sum.max_rss_pages = MAX(sum.max_rss_pages, (uint64_t)READ_ONCE(t->vm->max_rss));
	return rusage_to_user(&sum, to);
}

long sys_times(uaddr_t buf)
{
	struct process *p = current->process;
	uint64_t user, system;
	unsigned long flags;
	struct sighand *sh;
	int64_t tms[4];

	if (buf) {
		process_times(p, &user, &system);
		tms[0] = (int64_t)(user / CLK_TCK_NS);
		tms[1] = (int64_t)(system / CLK_TCK_NS);
		sh = process_siglock(p, &flags);
		tms[2] = (int64_t)(p->children_user_ns / CLK_TCK_NS);
		tms[3] = (int64_t)(p->children_system_ns / CLK_TCK_NS);
		process_sigunlock(sh, flags);
		if (copy_to_user(buf, tms, sizeof(tms)))
			return -EFAULT;
	}
	return (long)(hal_time_mono_ns() / CLK_TCK_NS);
}
