/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: what the syndrome register says, in the contract's words.
 * From user code the answer is the return value of hal_user_run(); from the
 * kernel it is an interrupt, a user copy that faulted, or an oops.
 */
#include <kernel/print.h>
#include "aarch64/port.h"
#include "aarch64/trap.h"

enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11 };
enum { ILL_ILLOPC = 1, BUS_ADRALN = 1, BUS_OBJERR = 3, TRAP_BRKPT = 1, TRAP_TRACE = 2, TRAP_HWBKPT = 4,
       FPE_FLTDIV = 3, FPE_FLTOVF = 4, FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7, SEGV_MAPERR = 1 };

/* Exception classes (ARM ARM D17.2.37). */
enum {
	EC_UNKNOWN = 0x00, EC_FP = 0x07, EC_ILLEGAL = 0x0e, EC_SVC = 0x15, EC_SYSREG = 0x18,
	EC_IABT_EL0 = 0x20, EC_IABT = 0x21, EC_PC_ALIGN = 0x22, EC_DABT_EL0 = 0x24, EC_DABT = 0x25, EC_SP_ALIGN = 0x26,
	EC_FPE = 0x2c, EC_SERROR = 0x2f, EC_BKPT_EL0 = 0x30, EC_STEP_EL0 = 0x32, EC_WATCH_EL0 = 0x34, EC_BRK = 0x3c,
};

static enum hal_trap exception(struct hal_trap_info *info, int signal, int code, uaddr_t addr)
{
	info->signal = signal;
	info->si_code = code;
	info->addr = addr;
	return HAL_TRAP_EXCEPTION;
}

static enum hal_trap abort_from_user(struct hal_trap_info *info, uint64_t esr, uaddr_t far)
{
	unsigned fsc = esr & 0x3f;
	/* Tagged pointers: the byte is not part of the address. */
	far = (uaddr_t)((int64_t)(far << 8) >> 8);
	switch (fsc >> 2) {
	case 1: case 2: case 3:		/* translation, access flag, permission; any level */
		info->addr = far;
		info->access = esr >> 26 == EC_IABT_EL0 ? HAL_EXEC :
			(esr & 1 << 6) && !(esr & 1 << 8) ? HAL_WRITE : HAL_READ;
		return HAL_TRAP_FAULT;
	}
	if (fsc == 0x21)
		return exception(info, SIGBUS, BUS_ADRALN, far);
	if (fsc == 0x30) {		/* TLB conflict */
		__asm__ volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
		return HAL_TRAP_KICK;
	}
	if (fsc <= 3)			/* address size: a table of ours is wrong, or no such memory */
		return exception(info, SIGBUS, BUS_OBJERR, far);
	return exception(info, SIGBUS, BUS_OBJERR, far);
}

static int fpe_code(uint64_t iss)
{
	if (!(iss & 1 << 23))
		return 14;		/* FPE_FLTUNK */
	return iss & 1 ? FPE_FLTINV : iss & 2 ? FPE_FLTDIV : iss & 4 ? FPE_FLTOVF : iss & 8 ? FPE_FLTUND : FPE_FLTRES;
}

enum hal_trap trap_from_user(struct abi_regs *r, struct hal_trap_info *info, uint64_t esr, uint64_t far)
{
	unsigned ec = esr >> 26 & 0x3f;
	uint32_t insn;
	info->trap_nr = ec;
	info->error_code = (unsigned)esr;
	switch (ec) {
	case EC_SVC:
		r->orig_x0 = r->x[0];
		r->syscallno = (int32_t)r->x[8];
		return HAL_TRAP_SYSCALL;
	case EC_IABT_EL0:
	case EC_DABT_EL0:
		return abort_from_user(info, esr, far);
	case EC_UNKNOWN:
	case EC_SYSREG:
		/* Not there any more (unmapped, reclaimed): it is fetched again, and that faults. */
		if (!user_read32(r->pc, &insn) || cpufeat_emulate(insn, r))
			return HAL_TRAP_KICK;
		return exception(info, SIGILL, ILL_ILLOPC, r->pc);
	case EC_PC_ALIGN:
		return exception(info, SIGBUS, BUS_ADRALN, r->pc);
	case EC_SP_ALIGN:
		return exception(info, SIGBUS, BUS_ADRALN, r->sp);
	case EC_FPE:
		return exception(info, SIGFPE, fpe_code(esr), r->pc);
	case EC_STEP_EL0:
		return exception(info, SIGTRAP, TRAP_TRACE, r->pc);
	case EC_BKPT_EL0:
	case EC_WATCH_EL0:
		return exception(info, SIGTRAP, TRAP_HWBKPT, ec == EC_WATCH_EL0 ? far : r->pc);
	case EC_BRK:
		return exception(info, SIGTRAP, TRAP_BRKPT, r->pc);
	default:	/* FP, SVE, SME traps, illegal state, BTI, AArch32 leftovers: not for this program */
		return exception(info, SIGILL, ILL_ILLOPC, r->pc);
	}
}

/* ---- from the kernel, called by vectors.S ---- */

void trap_el1_irq(struct kframe *f);
void trap_el1_sync(struct kframe *f);
_Noreturn void trap_el1_bad(struct kframe *f, unsigned vec);

void trap_el1_irq(struct kframe *f) NO_TSA
{
	(void)f;
	gic_handle();
}

static const char *what_of(uint64_t esr)
{
	switch (esr >> 26 & 0x3f) {
	case EC_UNKNOWN: return "undefined instruction";
	case EC_FP: return "floating point in the kernel";
	case EC_IABT: return "instruction abort";
	case EC_DABT: return esr & 1 << 6 ? "write to a bad address" : "read from a bad address";
	case EC_PC_ALIGN: return "misaligned pc";
	case EC_SP_ALIGN: return "misaligned stack";
	case EC_BRK: return "brk";
	case EC_SERROR: return "SError";
	default: return "unexpected exception";
	}
}

/* The interrupted kernel's registers, on the console. */
static void say_registers(const struct kframe *f, uint64_t esr, uint64_t far)
{
	static char text[1200];
	static bool once;
	size_t n = 0;
	if (__atomic_exchange_n(&once, true, __ATOMIC_RELAXED))
		hal_cpu_stop();		/* another CPU is at it */
	n = (size_t)ksnprintf(text, sizeof(text), "\nexception in the kernel, CPU %u", percpu()->index);
	for (unsigned i = 0; i < 31; i++)
		n += (size_t)ksnprintf(text + n, sizeof(text) - n, "%sx%-2u %016llx", i % 4 ? " " : "\n ", i, (unsigned long long)f->x[i]);
	n += (size_t)ksnprintf(text + n, sizeof(text) - n, " sp  %016llx\n pc  %016llx pstate %08llx esr %08llx far %016llx\n",
		(unsigned long long)f->sp, (unsigned long long)f->pc, (unsigned long long)f->pstate, (unsigned long long)esr, (unsigned long long)far);
	hal_console_write(text, n);
}

void trap_el1_sync(struct kframe *f)
{
	uint64_t esr = sysreg_read(esr_el1), far = sysreg_read(far_el1);
	if ((esr >> 26 & 0x3f) == EC_DABT && user_fixup(f))
		return;
	static char what[96];
	say_registers(f, esr, far);
	ksnprintf(what, sizeof(what), "%s (esr %#llx, lr %#llx)", what_of(esr), (unsigned long long)esr, (unsigned long long)f->x[30]);
	kernel_oops(what, f->pc, f->x[29], far);
}

_Noreturn void trap_el1_bad(struct kframe *f, unsigned vec)
{
	static const char *const what[] = { "sync", "irq", "unexpected FIQ", "SError", "kernel stack overflow", "bad vector" };
	say_registers(f, sysreg_read(esr_el1), sysreg_read(far_el1));
	kernel_oops(vec < ARRAY_SIZE(what) ? what[vec] : "?", f->pc, f->x[29],
		    vec == VEC_OVERFLOW ? f->sp : sysreg_read(far_el1));
}
