/* SPDX-License-Identifier: MIT */
/* Stub processes.  The protocol with them is <host/stub_abi.h>. */
#ifndef HOST_STUB_H
#define HOST_STUB_H
#include <stdint.h>

/*
 * A new stub whose struct stub_svc is at this physical address, on that host
 * CPU (-1: any).  Its process id is stored before its death can be reported.
 * 0 or -errno.
 */
int host_stub_create(uint64_t svc_pa, uint64_t clock_pa, uint64_t cpuid_pa, void *cookie, int cpu, int *pid);
void host_stub_kill(int pid);
/* Make the thread stop. */
void host_stub_kick(int pid, int tid);
/*
 * A stub's thread gets SIGTRAP, TRAP_HWBKPT before it executes what is at one of the
 * n <= HOST_WATCH addresses, and not for those of the call before.  A thread in
 * user code or in a wait.  Blocks until it has been stopped for that: about
 * 100 us.  Only without the ptrace backend.  0, or -errno: as it was (-EPERM:
 * somebody else traces it, or the host lets nobody).
 * Source: ptrace(2), PTRACE_POKEUSER; Intel SDM 3B 18.2 (debug registers).
 */
enum { HOST_WATCH = 4 };
int host_stub_watch(int pid, int tid, const uint64_t *at, unsigned n);
/*
 * Breakpoints will be wanted in the next two seconds.  0: the first does not make its caller wait; -EAGAIN: it would, for tens of
 * ms, but not much longer; -EPERM: it will.  Does not block.  Source: perf_event_open(2), PERF_COUNT_SW_DUMMY.
 */
int host_watch_prepare(void);
/* Run only on that host CPU. */
void host_stub_pin(int tid, int cpu);
#endif
