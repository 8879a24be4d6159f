/* SPDX-License-Identifier: MIT */
/*
 * Registers of x86-64 user threads: the system-call convention (System V ABI,
 * AMD64 supplement, A.2.1) and what execve and clone set.
 */
#include <hal/aspace.h>
#include <kernel/abi_cpu.h>
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/string.h>

enum { NR_restart_syscall = 219, SYSCALL_INSN = 2 };
enum { USER_CS = 0x33, USER_SS = 0x2b, EFLAGS_IF = 0x200 };

const char abi_uts_machine[] = "x86_64";
const uint16_t abi_elf_machine = 62;
const uint32_t abi_audit_arch = 0xc000003e;

unsigned abi_syscall_nr(const struct abi_regs *r) { return (unsigned)r->orig_rax; }

uint64_t abi_syscall_arg0(const struct abi_regs *r) { return r->rdi; }
void abi_syscall_args(const struct abi_regs *r, uint64_t args[6])
{
	args[0] = r->rdi;
	args[1] = r->rsi;
	args[2] = r->rdx;
	args[3] = r->r10;
	args[4] = r->r8;
	args[5] = r->r9;
}

void abi_syscall_result(struct abi_regs *r, long result) { r->rax = (uint64_t)result; }
long abi_syscall_get_result(const struct abi_regs *r) { return (long)r->rax; }

void abi_syscall_restart(struct abi_regs *r, bool with_restart_block)
{
	r->rax = with_restart_block ? NR_restart_syscall : r->orig_rax;
	r->rip -= SYSCALL_INSN;
}

void abi_syscall_done(struct abi_regs *r) { r->orig_rax = (uint64_t)-1; }
void abi_syscall_rollback(struct abi_regs *r) { r->rax = r->orig_rax; }
bool abi_in_syscall(const struct abi_regs *r) { return (int64_t)r->orig_rax >= 0; }

void abi_regs_exec(struct abi_regs *r, uaddr_t pc, uaddr_t sp)
{
	memset(r, 0, sizeof(*r));
	r->rip = pc;
	r->rsp = sp;
	r->cs = USER_CS;
	r->ss = USER_SS;
	r->eflags = EFLAGS_IF;
	r->orig_rax = (uint64_t)-1;
}

void abi_regs_clone(struct abi_regs *r, uaddr_t sp, bool set_tls, uaddr_t tls)
{
	r->rax = 0;
	r->orig_rax = (uint64_t)-1;
	if (sp)
		r->rsp = sp;
	if (set_tls)
		r->fs_base = tls;
}

uaddr_t abi_regs_pc(const struct abi_regs *r) { return r->rip; }
uaddr_t abi_regs_sp(const struct abi_regs *r) { return r->rsp; }
uint64_t abi_tls_get(const struct abi_regs *r) { return r->fs_base; }
void abi_regs_set_pc(struct abi_regs *r, uaddr_t pc) { r->rip = pc; }

size_t abi_regset_get(const struct abi_regs *r, void *buf, size_t max)
{
	size_t n = MIN(max, sizeof(*r));

	memcpy(buf, r, n);
	return n;
}

int abi_regset_set(struct abi_regs *r, const void *buf, size_t n)
{
	struct abi_regs new = *r;

	if (n > sizeof(new) || n % 8)
		return -EINVAL;
	memcpy(&new, buf, n);
	if (new.fs_base >= hal_as_limit() || new.gs_base >= hal_as_limit())
		return -EIO;
	/* Segments stay flat; of the flags only those that user code can change itself. */
	new.cs = r->cs;
	new.ss = r->ss;
	new.eflags = (r->eflags & ~0x50dd5ull) | (new.eflags & 0x50dd5);
	*r = new;
	return 0;
}
