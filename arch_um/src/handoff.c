/* SPDX-License-Identifier: MIT */
/*
 * How a CPU and the stub's thread wait for each other.
 *
 * Two ways.  On one host CPU each sleeps while the other runs: a hand-off is
 * two context switches, whatever else happens.  On two host CPUs both spin:
 * three times faster while both are quick, and a disaster when one sleeps,
 * because waking a sleeping host CPU takes longer than all the rest.
 *
 * So: a thread begins on its CPU's host CPU.  It is moved to a spare one when
 * there is one (fewer CPUs are busy than half of the host's) and its last
 * stretches of user code were all short; it goes back as soon as the spinning
 * fails too often, or the spare CPU is wanted.
 */
#include "stubs.h"
#include <host/stub.h>

enum {
	SPIN_PAUSES = 600,	/* ours, for user code to stop */
	STUB_PAUSES = 1500,	/* the stub's, for the kernel to be done */
	QUICK_TSC = 100000,	/* a stretch that would have been worth spinning for, with two switches */
	FIT = 32, SCORE_MAX = 16, SCORE_FAIL = 4, PENALTY = 300,
};

static bool spare_free(const struct um_cpu *c)
{
	if (um_boot->spin != 'a')
		return um_boot->spin == 'f' && c->spare_cpu >= 0;
	return c->spare_cpu >= 0 && __atomic_load_n(&um_busy, __ATOMIC_RELAXED) * 2 <= um_boot->host_cpus;
}

void um_spin_choose(struct um_cpu *c, struct hal_uctx *u, struct um_thread *t)
{
	bool free = spare_free(c);

	if (um_boot->spin == 'f' && free) {
		u->spin = true;
	} else if (u->spin && !free) {
		u->score -= SCORE_FAIL;
		if (u->score < 0)
			u->spin = false;
	} else if (!u->spin && free && u->fit >= FIT) {
		u->spin = true;
		u->score = SCORE_MAX;
	}
	t->ctl->spin = u->spin ? STUB_PAUSES : 0;
	int want = u->spin ? c->spare_cpu : c->host_cpu;
	if (t->host_cpu != want) {
		t->host_cpu = want;
		host_stub_pin(t->tid, want);
	}
}

bool um_spin_wait(struct um_cpu *c, struct hal_uctx *u, uint32_t *stop)
{
	if (!u->spin)
		return false;
	for (int i = 0; i < SPIN_PAUSES; i++) {
		if (__atomic_load_n(stop, __ATOMIC_ACQUIRE) & STUB_STOPPED)
			return true;
		if (__atomic_load_n(&c->pending, __ATOMIC_RELAXED))
			return false;
		__builtin_ia32_pause();
	}
	return false;
}

void um_spin_learn(struct hal_uctx *u, bool was_asleep, bool spun, uint64_t tsc)
{
	if (u->spin) {
		if (spun && !was_asleep)
			u->score += u->score < SCORE_MAX;
		else
			u->score -= SCORE_FAIL;
		if (u->score < 0 && um_boot->spin != 'f') {
			u->spin = false;
			u->fit = -PENALTY;
		}
	} else if (tsc < QUICK_TSC) {
		u->fit += u->fit < FIT;
	} else if (u->fit > 0) {
		u->fit = 0;
	}
}
