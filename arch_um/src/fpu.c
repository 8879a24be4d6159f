/* SPDX-License-Identifier: MIT */
/*
 * FP and vector state: an XSAVE area in the standard format (Intel SDM vol. 1,
 * ch. 13), either in the signal frame of the stub's thread or, if that stopped
 * in a patched call, still in the CPU and in an area of its own when asked for; or, when the user
 * thread is bound to none, in u->fpu.  Bytes 464..511 belong to the host's
 * frame (struct _fpx_sw_bytes) and are left alone there.
 */
#include "stubs.h"
#include <kernel/errno.h>
#include <kernel/string.h>

enum { SW = 464, LEGACY = 512, HEADER = 64, MXCSR = 24, MXCSR_MASK = 0xffff };

size_t um_fpu_size;

void um_fpu_init(void *fpu)
{
	memset(fpu, 0, um_fpu_size);
	*(uint16_t *)fpu = 0x37f;
	*(uint32_t *)((char *)fpu + MXCSR) = 0x1f80;
}

static void fpu_copy(void *dst, const void *src)
{
	memcpy(dst, src, SW);
	memcpy((char *)dst + LEGACY, (const char *)src + LEGACY, um_fpu_size - LEGACY);
}

void um_fpu_save(struct hal_uctx *u, struct um_thread *t)
{
	fpu_copy(u->fpu, um_thread_fp(t, false));
}

void um_fpu_load(struct hal_uctx *u, struct um_thread *t)
{
	/* A patched call: what is in the CPU belongs to nobody. */
	t->fp_saved = true;
	fpu_copy(um_thread_fp(t, true), u->fpu);
}

/* Interrupts off. */
static void *fpu_of(struct hal_uctx *u, bool change) { return u->t ? um_thread_fp(u->t, change) : u->fpu; }

static uint64_t xfeatures(void)
{
	uint32_t lo, hi;
	__asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

size_t hal_user_fpu_size(void) { return um_boot->xsave_size; }

size_t hal_user_fpu_get(struct hal_uctx *u, void *buf, size_t max)
{
	size_t n = MIN(max, um_fpu_size);
	unsigned long flags = hal_irq_save();
	memcpy(buf, fpu_of(u, false), n);
	hal_irq_restore(flags);
	if (n >= LEGACY)
		memset((char *)buf + SW, 0, LEGACY - SW);
	return n;
}

int hal_user_fpu_set(struct hal_uctx *u, const void *buf, size_t n)
{
	const char *src = buf;

	if (n < LEGACY || (*(const uint32_t *)(src + MXCSR) & ~(uint32_t)MXCSR_MASK))
		return -EINVAL;
	if (n >= LEGACY + HEADER) {
		const uint64_t *h = (const uint64_t *)(src + LEGACY);
		if (n < um_fpu_size || (h[0] & ~xfeatures()))
			return -EINVAL;
		for (int i = 1; i < 8; i++)
			if (h[i])
				return -EINVAL;
	}
	unsigned long flags = hal_irq_save();
	char *dst = fpu_of(u, true);
	if (n >= LEGACY + HEADER) {
		fpu_copy(dst, src);
	} else {
		memcpy(dst, src, SW);
		memset(dst + LEGACY, 0, um_fpu_size - LEGACY);
		*(uint64_t *)(dst + LEGACY) = 3;	/* x87 and SSE only */
	}
	hal_irq_restore(flags);
	return 0;
}

void hal_user_fpu_reset(struct hal_uctx *u)
{
	unsigned long flags = hal_irq_save();
	char *dst = fpu_of(u, true);
	memset(dst, 0, SW);
	memset(dst + LEGACY, 0, um_fpu_size - LEGACY);
	*(uint16_t *)dst = 0x37f;
	*(uint32_t *)(dst + MXCSR) = 0x1f80;
	hal_irq_restore(flags);
}
