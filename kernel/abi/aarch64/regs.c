/* SPDX-License-Identifier: MIT */
/*
 * AArch64: system-call and clone conventions, ptrace's view of the registers.
 *
 * The number is w8, arguments x0-x5, the result x0.  orig_x0 keeps the first
 * argument for a restart; syscallno is -1 when no call is being served (see
 * <abi/regs.h>).  PSTATE from user space is accepted if it says EL0, AArch64 and
 * nothing masked, as Linux's valid_user_regs(); other bits are the port's to clear.
 */
#include <kernel/abi_cpu.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include "abi_aarch64.h"

enum { NR_RESTART_SYSCALL = 128 };

const char abi_uts_machine[] = "aarch64";
const uint16_t abi_elf_machine = 183;

unsigned abi_syscall_nr(const struct abi_regs *r) { return (unsigned)r->syscallno; }

void abi_syscall_args(const struct abi_regs *r, uint64_t args[6])
{
	for (unsigned i = 0; i < 6; i++)
		args[i] = r->x[i];
}

void abi_syscall_result(struct abi_regs *r, long result) { r->x[0] = (uint64_t)result; }
long abi_syscall_get_result(const struct abi_regs *r) { return (long)r->x[0]; }

void abi_syscall_restart(struct abi_regs *r, bool with_restart_block)
{
	r->pc -= 4;
	r->x[0] = r->orig_x0;
	if (with_restart_block)
		r->x[8] = NR_RESTART_SYSCALL;
}

void abi_syscall_done(struct abi_regs *r) { r->syscallno = -1; }
bool abi_in_syscall(const struct abi_regs *r) { return r->syscallno != -1; }

void abi_regs_exec(struct abi_regs *r, uaddr_t pc, uaddr_t sp)
{
	*r = (struct abi_regs){ .pc = pc, .sp = sp, .syscallno = -1 };
}

void abi_regs_clone(struct abi_regs *r, uaddr_t sp, bool set_tls, uaddr_t tls)
{
	r->x[0] = 0;
	r->syscallno = -1;
	if (sp)
		r->sp = sp;
	if (set_tls)
		r->tls = tls;
}

uaddr_t abi_regs_pc(const struct abi_regs *r) { return r->pc; }
uaddr_t abi_regs_sp(const struct abi_regs *r) { return r->sp; }
uint64_t abi_tls_get(const struct abi_regs *r) { return r->tls; }

bool abi_pstate_valid(uint64_t pstate)
{
	enum { MODE = 0x1f, DAIF = 0x3c0 };
	return !(pstate & (MODE | DAIF));
}

/* struct user_pt_regs: x0-x30, sp, pc, pstate: the start of struct abi_regs. */
enum { PT_REGS = offsetof(struct abi_regs, orig_x0) };
_Static_assert(PT_REGS == 34 * 8, "struct user_pt_regs");

size_t abi_regset_get(const struct abi_regs *r, void *buf, size_t max)
{
	size_t n = MIN(max, (size_t)PT_REGS);
	memcpy(buf, r, n);
	return n;
}

int abi_regset_set(struct abi_regs *r, const void *buf, size_t n)
{
	struct abi_regs new = *r;
	memcpy(&new, buf, MIN(n, (size_t)PT_REGS));
	if (!abi_pstate_valid(new.pstate))
		return -EINVAL;
	*r = new;
	return 0;
}
