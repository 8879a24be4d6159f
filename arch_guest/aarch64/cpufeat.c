/* SPDX-License-Identifier: MIT */
/*
 * What the processor can do, and what of it user programs are told.
 *
 * The ID registers of the boot CPU decide.  Offered: FP and Advanced SIMD with
 * their extensions, cryptography, atomics, and the instructions that need no
 * help from the kernel.  Not offered: SVE and SME (CPACR traps them: SIGILL),
 * pointer authentication and BTI (they need keys and guarded pages; their
 * instructions in hint space do nothing), MTE.
 *
 * HWCAP_CPUID: reading an ID register at EL0 traps; the answer has the same
 * sanitized fields (Linux: Documentation/arch/arm64/cpu-feature-registers.rst).
 */
#include <kernel/string.h>
#include "aarch64/port.h"

struct cpu_features cpu_features;
static struct hal_cpu_caps caps = { .platform = "aarch64", .min_sigstack = 5120 };

enum { ISAR0, ISAR1, PFR0, PFR1, MMFR0, MMFR1, MMFR2, ISAR2, ID_COUNT };
static uint64_t id[ID_COUNT];	/* sanitized, as user code sees them */

struct field { uint8_t reg, shift, max; uint8_t is_signed; };
static const struct field visible[] = {
	{ ISAR0, 4, 2, 0 }, { ISAR0, 8, 1, 0 }, { ISAR0, 12, 2, 0 }, { ISAR0, 16, 1, 0 }, { ISAR0, 20, 2, 0 },
	{ ISAR0, 28, 1, 0 }, { ISAR0, 32, 1, 0 }, { ISAR0, 36, 1, 0 }, { ISAR0, 40, 1, 0 }, { ISAR0, 44, 1, 0 },
	{ ISAR0, 48, 1, 0 }, { ISAR0, 52, 2, 0 }, { ISAR0, 60, 1, 0 },
	{ ISAR1, 0, 2, 0 }, { ISAR1, 12, 1, 0 }, { ISAR1, 16, 1, 0 }, { ISAR1, 20, 2, 0 }, { ISAR1, 32, 1, 0 },
	{ ISAR1, 36, 1, 0 }, { ISAR1, 44, 1, 0 }, { ISAR1, 48, 1, 0 }, { ISAR1, 52, 1, 0 },
	{ PFR0, 16, 1, 1 }, { PFR0, 20, 1, 1 }, { PFR0, 48, 1, 0 },
	{ PFR1, 4, 2, 0 },
	{ MMFR2, 32, 1, 0 },
};

/* Which field value gives which bit of AT_HWCAP (word 0) or AT_HWCAP2 (word 1). */
static const struct { uint8_t reg, shift, min, word, bit; uint8_t is_signed; } hwcap[] = {
	{ PFR0, 16, 0, 0, 0, 1 }, { PFR0, 20, 0, 0, 1, 1 }, { PFR0, 16, 1, 0, 9, 1 }, { PFR0, 20, 1, 0, 10, 1 },
	{ ISAR0, 4, 1, 0, 3, 0 }, { ISAR0, 4, 2, 0, 4, 0 }, { ISAR0, 8, 1, 0, 5, 0 }, { ISAR0, 12, 1, 0, 6, 0 },
	{ ISAR0, 12, 2, 0, 21, 0 }, { ISAR0, 16, 1, 0, 7, 0 }, { ISAR0, 20, 2, 0, 8, 0 }, { ISAR0, 28, 1, 0, 12, 0 },
	{ ISAR0, 32, 1, 0, 17, 0 }, { ISAR0, 36, 1, 0, 18, 0 }, { ISAR0, 40, 1, 0, 19, 0 }, { ISAR0, 44, 1, 0, 20, 0 },
	{ ISAR0, 48, 1, 0, 23, 0 }, { ISAR0, 52, 1, 0, 27, 0 }, { ISAR0, 52, 2, 1, 7, 0 }, { ISAR0, 60, 1, 1, 16, 0 },
	{ ISAR1, 0, 1, 0, 16, 0 }, { ISAR1, 0, 2, 1, 0, 0 }, { ISAR1, 12, 1, 0, 13, 0 }, { ISAR1, 16, 1, 0, 14, 0 },
	{ ISAR1, 20, 1, 0, 15, 0 }, { ISAR1, 20, 2, 0, 26, 0 }, { ISAR1, 32, 1, 1, 8, 0 }, { ISAR1, 36, 1, 0, 29, 0 },
	{ ISAR1, 44, 1, 1, 14, 0 }, { ISAR1, 48, 1, 1, 15, 0 }, { ISAR1, 52, 1, 1, 13, 0 },
	{ PFR0, 48, 1, 0, 24, 0 }, { PFR1, 4, 2, 0, 28, 0 }, { MMFR2, 32, 1, 0, 25, 0 },
};

static int field_of(uint64_t reg, unsigned shift, bool is_signed)
{
	int v = reg >> shift & 15;
	return is_signed && v >= 8 ? v - 16 : v;
}

static uint64_t raw_id(unsigned reg)
{
	switch (reg) {
	case ISAR0: return sysreg_read(id_aa64isar0_el1);
	case ISAR1: return sysreg_read(id_aa64isar1_el1);
	case PFR0: return sysreg_read(id_aa64pfr0_el1);
	case PFR1: return sysreg_read(id_aa64pfr1_el1);
	case MMFR0: return sysreg_read(id_aa64mmfr0_el1);
	case MMFR1: return sysreg_read(id_aa64mmfr1_el1);
	case MMFR2: return sysreg_read(id_aa64mmfr2_el1);
	default: return 0;
	}
}

void cpufeat_init(void)
{
	uint64_t mmfr0 = raw_id(MMFR0), mmfr1 = raw_id(MMFR1), ctr = sysreg_read(ctr_el0);
	static const uint8_t pa_bits[] = { 32, 36, 40, 42, 44, 48 };
	cpu_features = (struct cpu_features){
		.pa_bits = pa_bits[MIN(mmfr0 & 15, 5u)],
		.asid_bits = (mmfr0 >> 4 & 15) == 2 ? 16 : 8,
		.pan = (mmfr1 >> 20 & 15) >= 1,
		.hafdbs = (mmfr1 & 15) >= 1,
		.rng = (raw_id(ISAR0) >> 60 & 15) >= 1,
		.dit = (raw_id(PFR0) >> 48 & 15) >= 1,
		.ssbs = (raw_id(PFR1) >> 4 & 15) >= 2,
		.idc = ctr >> 28 & 1,
		.dic = ctr >> 29 & 1,
	};
	for (unsigned i = 0; i < ARRAY_SIZE(visible); i++) {
		const struct field *f = &visible[i];
		int v = field_of(raw_id(f->reg), f->shift, f->is_signed);
		id[f->reg] |= (uint64_t)(MIN(v, (int)f->max) & 15) << f->shift;
	}
	id[PFR0] |= 0x11;	/* EL1 and EL0: AArch64 only */
	caps.hwcap = (uint64_t)1 << 11;		/* HWCAP_CPUID */
	for (unsigned i = 0; i < ARRAY_SIZE(hwcap); i++)
		if (field_of(id[hwcap[i].reg], hwcap[i].shift, hwcap[i].is_signed) >= hwcap[i].min)
			*(hwcap[i].word ? &caps.hwcap2 : &caps.hwcap) |= (uint64_t)1 << hwcap[i].bit;
}

void cpufeat_cpu_init(void)
{
	uint64_t tcr = sysreg_read(tcr_el1);
	if (cpu_features.asid_bits == 16)
		tcr |= (uint64_t)1 << 36;	/* AS */
	if (cpu_features.hafdbs)
		tcr |= (uint64_t)1 << 39;	/* HA */
	sysreg_write(tcr_el1, tcr);
	sysreg_write(cntkctl_el1, 2);		/* EL0VCTEN: user code reads the virtual counter */
	if ((sysreg_read(id_aa64dfr0_el1) >> 8 & 15) - 1 < 14)
		sysreg_write(pmuserenr_el0, 0);
	sysreg_write(mdscr_el1, 1 << 12);	/* TDCC: the debug channel is not for programs */
	sysreg_write(oslar_el1, 0);		/* OS lock off: single step works */
	sysreg_write(tpidrro_el0, 0);
	isb();
	if (cpu_features.pan)
		__asm__ volatile(".inst 0xd500419f" : : : "memory");	/* msr pan, #1 */
	if (cpu_features.ssbs)
		__asm__ volatile(".inst 0xd503403f" : : : "memory");	/* msr ssbs, #0 */
	__asm__ volatile("msr daifclr, #4" : : : "memory");		/* SError is worth knowing */
	__asm__ volatile("tlbi vmalle1; dsb nsh; isb" : : : "memory");
}

/*
 * MRS Xt, <ID register> at EL0: op0 = 3, op1 = 0, CRn = 0, CRm = 0 or 2..7.
 * Fields that nobody lists read as 0 (AArch32's registers as well).
 */
bool cpufeat_emulate(uint32_t insn, struct abi_regs *r)
{
	if ((insn & 0xfff00000) != 0xd5300000)
		return false;
	unsigned op0 = 2 + (insn >> 19 & 1), op1 = insn >> 16 & 7, crn = insn >> 12 & 15, crm = insn >> 8 & 15, op2 = insn >> 5 & 7;
	unsigned rt = insn & 31;
	uint64_t v = 0;
	if (op0 != 3 || op1 || crn)
		return false;
	if (crm == 0) {
		if (op2 == 0)
			v = sysreg_read(midr_el1);
		else if (op2 == 5)
			v = 1u << 31;	/* MPIDR: res1, no affinity told */
		else if (op2 == 6)
			v = sysreg_read(revidr_el1);
		else
			return false;
	} else if (crm == 4) {
		v = op2 == 0 ? id[PFR0] : op2 == 1 ? id[PFR1] : 0;
	} else if (crm == 5) {
		v = op2 == 0 ? 6 : 0;	/* DFR0: debug architecture v8 */
	} else if (crm == 6) {
		v = op2 == 0 ? id[ISAR0] : op2 == 1 ? id[ISAR1] : op2 == 2 ? id[ISAR2] : 0;
	} else if (crm == 7) {
		v = op2 == 0 ? (uint64_t)0xff000000 : op2 == 2 ? id[MMFR2] : 0;	/* MMFR0: no granule */
	} else if (crm == 1 || crm > 7) {
		return false;
	}
	if (rt != 31)
		r->x[rt] = v;
	r->pc += 4;
	return true;
}

const struct hal_cpu_caps *hal_cpu_caps(void) { return &caps; }
