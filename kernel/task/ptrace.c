/* SPDX-License-Identifier: MIT */
/* Tracing: ptrace(2). */
#include "ptrace.h"
#include "syscall/syscall_impl.h"
#include "task_impl.h"

bool ptrace_may_access(struct task *t)
{
	const struct cred *c = current->cred;
	struct cred *tc;
	bool ok;

	if (t->process == current->process)
		return true;
	tc = task_cred_get(t);
	if (!tc)
		return false;
	ok = c->uid == tc->uid && c->uid == tc->euid && c->uid == tc->suid && c->gid == tc->gid && c->gid == tc->egid &&
		c->gid == tc->sgid && t->dumpable && !(tc->cap_permitted & ~c->cap_permitted);
	cred_put(tc);
	return ok || capable(CAP_SYS_PTRACE);
}

bool ptrace_signal(int *sig, struct abi_siginfo *info) { return true; }
void ptrace_exit(struct task *t) { }
void ptrace_event(int event, uint64_t message) { }
bool ptrace_event_enabled(struct task *t, int event) { return false; }
void ptrace_syscall_stop(bool entry) { }
bool ptrace_syscall_traced(struct task *t) { return false; }
void ptrace_clone(struct task *child, uint64_t clone_flags) { }
void ptrace_exec(void) { }
void ptrace_stop_work(void) { }
int ptrace_wait(struct process *tracer, const struct pid *only, const struct pid *pgrp, bool keep, pid_t *nr, uint32_t *uid, int *status)
{
	return -ECHILD;
}
bool ptrace_delays_wait(const struct process *p) { return false; }
