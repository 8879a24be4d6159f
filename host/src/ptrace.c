/* SPDX-License-Identifier: MIT */
/*
 * The ptrace backend: for hosts where seccomp does not work.
 *
 * It only replaces the filter.  A stub's threads make the main thread their
 * tracer and run under PTRACE_SYSCALL.  At the entry of a program's system call
 * the tracer makes it no call at all (number -1), and lets the thread have a SIGSYS
 * that looks like the filter's; everything else goes as it does there: the
 * handler, the frame, the hand-off.  While a thread is in the stub's own page
 * its system calls are let through.
 *
 * PTRACE_SYSEMU would save a stop per call, but a thread comes back from a
 * patched call without one in which it could be switched over.
 *
 * No state per thread: where the thread is says what comes next.
 */
#include "host.h"
#include <errno.h>
#include <host/stub_abi.h>
#include <linux/audit.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STUB_CODE = 0x10000, OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL };

static bool in_stub(uint64_t ip) { return ip >= STUB_BASE && ip < STUB_BASE + STUB_CODE; }

/* What the stub may call from its page. */
static bool stub_call(uint64_t nr)
{
	switch (nr) {
	case SYS_futex: case SYS_rt_sigreturn: case SYS_mmap: case SYS_munmap: case SYS_mprotect: case SYS_arch_prctl:
	case SYS_sigaltstack: case SYS_ptrace: case SYS_sched_yield:
		return true;
	}
	return false;
}

static void resume(int request, int tid, int sig) { ptrace((enum __ptrace_request)request, tid, 0, (long)sig); }

static void syscall_stop(int tid)
{
	struct __ptrace_syscall_info info;

	memset(&info, 0, sizeof(info));
	if (ptrace((enum __ptrace_request)PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) < 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		resume(PTRACE_SYSCALL, tid, 0);
		return;
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && in_stub(info.instruction_pointer) && stub_call(info.entry.nr)) {
		resume(PTRACE_SYSCALL, tid, 0);
		return;
	}
	/* In the frame rax shall be the number, as behind a filter. */
	ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rax), info.entry.nr);
	ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, orig_rax), -1L);
	resume(PTRACE_SYSCALL, tid, info.arch == AUDIT_ARCH_X86_64 ? SIGSYS : SIGILL);
}

void ptrace_stopped(int tid, int status)
{
	int sig = WSTOPSIG(status);

	if (sig == (SIGTRAP | 0x80)) {
		syscall_stop(tid);
		return;
	}
	if (sig == SIGSYS) {
		siginfo_t si;
		memset(&si, 0, sizeof(si));
		si.si_signo = SIGSYS;
		si.si_code = 1;		/* SYS_SECCOMP */
		si.si_arch = AUDIT_ARCH_X86_64;
		ptrace(PTRACE_SETSIGINFO, tid, 0, &si);
	} else if (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU) {
		/* Somebody on the host; a stopped stub would hold a CPU. */
		kill(tid, SIGKILL);
	} else if (sig == SIGTRAP) {
		ptrace(PTRACE_SETOPTIONS, tid, 0, (long)OPTIONS);	/* each thread begins with one */
	}
	resume(PTRACE_SYSCALL, tid, sig);
}
