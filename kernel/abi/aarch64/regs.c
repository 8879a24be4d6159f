/* SPDX-License-Identifier: MIT */
/* Registers of AArch64 user threads: the system-call convention and what execve and clone set. */
#include <hal/aspace.h>
#include <kernel/abi_cpu.h>
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/string.h>

enum { NR_restart_syscall = 128, SVC_INSN = 4 };

const char abi_uts_machine[] = "aarch64";
const uint16_t abi_elf_machine = 183;
const uint32_t abi_audit_arch = 0xc00000b7;

unsigned abi_syscall_nr(const struct abi_regs *r) { return (unsigned)r->syscallno; }
uint64_t abi_syscall_arg0(const struct abi_regs *r) { return r->x[0]; }
void abi_syscall_args(const struct abi_regs *r, uint64_t args[6]) { memcpy(args, r->x, 6 * sizeof(uint64_t)); }
void abi_syscall_result(struct abi_regs *r, long result) { r->x[0] = (uint64_t)result; }
long abi_syscall_get_result(const struct abi_regs *r) { return (long)r->x[0]; }

void abi_syscall_restart(struct abi_regs *r, bool with_restart_block)
{
	r->x[0] = r->orig_x0;
	if (with_restart_block)
		r->x[8] = NR_restart_syscall;
	r->pc -= SVC_INSN;
}

void abi_syscall_done(struct abi_regs *r) { r->syscallno = -1; }
void abi_syscall_rollback(struct abi_regs *r) { r->x[0] = r->orig_x0; }
bool abi_in_syscall(const struct abi_regs *r) { return r->syscallno >= 0; }

void abi_regs_exec(struct abi_regs *r, uaddr_t pc, uaddr_t sp)
{
	memset(r, 0, sizeof(*r));
	r->pc = pc;
	r->sp = sp;
	r->syscallno = -1;
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
void abi_regs_set_pc(struct abi_regs *r, uaddr_t pc) { r->pc = pc; }

/* struct user_pt_regs: x0-x30, sp, pc, pstate. */
enum { USER_PT_REGS = 34 * 8 };

size_t abi_regset_get(const struct abi_regs *r, void *buf, size_t max)
{
	size_t n = MIN(max, (size_t)USER_PT_REGS);

	memcpy(buf, r, n);
	return n;
}

int abi_regset_set(struct abi_regs *r, const void *buf, size_t n)
{
	uint64_t pstate = r->pstate;

	if (n > USER_PT_REGS || n % 8)
		return -EINVAL;
	memcpy(r, buf, n);
	/* Condition flags and single step state belong to the program, the mode does not. */
	r->pstate = (pstate & ~0xf0200000ull) | (r->pstate & 0xf0200000ull);
	return 0;
}
