/* SPDX-License-Identifier: MIT */
/*
 * FP and vector state: always the user's, because the kernel is compiled
 * without.  It stays in the registers while the thread is in the kernel; it is
 * stored when the thread is switched away from, and loaded before user code
 * runs unless this CPU's registers still hold it (SDM 1 chapter 13).
 */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "user.h"

enum { FXSAVE_SIZE = 512, XSAVE_HEADER = 512, XSAVE_MIN = 576 };
static uint32_t mxcsr_mask = 0xffbf;

void fpu_init(void)
{
	struct cpu_features *f = &cpu_features;
	struct cpuid c;

	f->fpu_size = FXSAVE_SIZE;
	if (!f->xsave || f->max_leaf < 0xd) {
		f->xsave = false;
		return;
	}
	c = cpuid(0xd, 0);
	f->xcr0 = ((uint64_t)c.d << 32 | c.a) & 0xe7;	/* x87, SSE, AVX, AVX-512 */
	if ((f->xcr0 & 0xe4) != 0xe4)
		f->xcr0 &= 7;
	f->fpu_size = XSAVE_MIN;
	for (unsigned i = 2; i < 8; i++)
		if (f->xcr0 >> i & 1) {
			c = cpuid(0xd, i);
			f->fpu_size = MAX(f->fpu_size, c.a + c.b);
		}
}

void fpu_cpu_init(void)
{
	static uint8_t area[FXSAVE_SIZE] ALIGNED(16);
	uint32_t mask;

	write_cr0((read_cr0() & ~(uint64_t)(1 << 2 | 1 << 3)) | 1 << 1 | 1 << 5);	/* no EM, TS; MP, NE */
	if (cpu_features.xsave)
		__asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)cpu_features.xcr0), "d"((uint32_t)(cpu_features.xcr0 >> 32)));
	__asm__ volatile("fninit" : : : "memory");
	if (!pcpu()->id) {
		__asm__ volatile("fxsave64 %0" : "=m"(area) : : "memory");
		memcpy(&mask, area + 28, 4);
		if (mask)
			mxcsr_mask = mask;
	}
}

static void save(void *area)
{
	uint32_t lo = (uint32_t)cpu_features.xcr0, hi = (uint32_t)(cpu_features.xcr0 >> 32);

	if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static void restore(const void *area)
{
	uint32_t lo = (uint32_t)cpu_features.xcr0, hi = (uint32_t)(cpu_features.xcr0 >> 32);

	if (cpu_features.xsave)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

void fpu_load(struct hal_uctx *u, struct pcpu *c)
{
	if (u->fpu_in_regs)
		return;
	if (c->fpu_owner != u || u->fpu_cpu != (int)c->id) {
		restore(u->fpu);
		c->fpu_owner = u;
		u->fpu_cpu = (int)c->id;
	}
	u->fpu_in_regs = true;
}

void fpu_store(struct hal_uctx *u)
{
	if (u->fpu_in_regs) {
		save(u->fpu);
		u->fpu_in_regs = false;
	}
}

void fpu_initial(struct hal_uctx *u)
{
	static const uint16_t fcw = 0x37f;
	static const uint32_t mxcsr = 0x1f80;

	memset(u->fpu, 0, cpu_features.fpu_size);
	memcpy(u->fpu, &fcw, 2);
	memcpy(u->fpu + 24, &mxcsr, 4);
	u->fpu_in_regs = false;
	u->fpu_cpu = -1;
}

size_t hal_user_fpu_size(void) { return cpu_features.fpu_size; }

size_t hal_user_fpu_get(struct hal_uctx *u, void *buf, size_t max)
{
	unsigned long f = flags_save_cli();
	size_t n = MIN(max, (size_t)cpu_features.fpu_size);

	fpu_store(u);
	flags_restore(f);
	memcpy(buf, u->fpu, n);
	return n;
}

int hal_user_fpu_set(struct hal_uctx *u, const void *buf, size_t n)
{
	const uint8_t *b = buf;
	uint64_t header[8] = { 3 };	/* a plain FXSAVE area: x87 and SSE */
	uint32_t mxcsr;
	unsigned long f;

	if (n < FXSAVE_SIZE)
		return -EINVAL;
	memcpy(&mxcsr, b + 24, 4);
	if (mxcsr & ~mxcsr_mask)
		return -EINVAL;
	if (cpu_features.xsave && n >= XSAVE_MIN) {
		memcpy(header, b + XSAVE_HEADER, sizeof(header));
		if (header[0] & ~cpu_features.xcr0)
			return -EINVAL;
		for (unsigned i = 1; i < 8; i++)
			if (header[i])
				return -EINVAL;
		if (header[0] & ~(uint64_t)3 && n < cpu_features.fpu_size)
			return -EINVAL;
	}
	f = flags_save_cli();
	u->fpu_in_regs = false;
	u->fpu_cpu = -1;
	flags_restore(f);
	n = MIN(n, (size_t)cpu_features.fpu_size);
	memcpy(u->fpu, buf, n);
	memset(u->fpu + n, 0, cpu_features.fpu_size - n);
	if (cpu_features.xsave)
		memcpy(u->fpu + XSAVE_HEADER, header, sizeof(header));
	return 0;
}

void hal_user_fpu_reset(struct hal_uctx *u)
{
	unsigned long f = flags_save_cli();

	fpu_initial(u);
	flags_restore(f);
}

int fpu_error_code(bool simd)
{
	enum { FLTDIV = 3, FLTOVF, FLTUND, FLTRES, FLTINV };
	uint32_t mxcsr, e;
	uint16_t sw, cw;

	if (simd) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		e = mxcsr & ~(mxcsr >> 7);
	} else {
		__asm__ volatile("fnstsw %0" : "=m"(sw));
		__asm__ volatile("fnstcw %0" : "=m"(cw));
		e = sw & ~(unsigned)cw;
	}
	return e & 1 ? FLTINV : e & 4 ? FLTDIV : e & 8 ? FLTOVF : e & 0x12 ? FLTUND : e & 0x20 ? FLTRES : 0;
}
