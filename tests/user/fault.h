/* SPDX-License-Identifier: MIT */
/* Touching memory that may not be there: which signal and si_code it brings. */
#ifndef FAULT_H
#define FAULT_H
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

static sigjmp_buf fault_jump_;
static volatile sig_atomic_t fault_signal, fault_code;
static void *volatile fault_addr;

static void fault_handler_(int sig, siginfo_t *si, void *ctx)
{
	(void)ctx;
	fault_signal = sig;
	fault_code = si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(fault_jump_, 1);
}

static inline void fault_init(void)
{
	struct sigaction sa = { .sa_sigaction = fault_handler_, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* 0: the access worked; else the signal. */
static inline int fault_read(const volatile void *p)
{
	fault_signal = 0;
	if (!sigsetjmp(fault_jump_, 1))
		(void)*(const volatile char *)p;
	return fault_signal;
}
static inline int fault_write(volatile void *p, char v)
{
	fault_signal = 0;
	if (!sigsetjmp(fault_jump_, 1))
		*(volatile char *)p = v;
	return fault_signal;
}
static inline int fault_call(void *p)
{
	fault_signal = 0;
	if (!sigsetjmp(fault_jump_, 1))
		((void (*)(void))(uintptr_t)p)();
	return fault_signal;
}
#endif
