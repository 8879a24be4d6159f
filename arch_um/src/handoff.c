/* SPDX-License-Identifier: MIT */
/*
 * How a CPU and the stub's thread wait for each other.
 *
 * Three ways.  On two host CPUs both spin: ten times faster than the others while
 * both are quick, and a disaster when one sleeps, because waking a sleeping
 * host CPU takes longer than all the rest.  On one host CPU each lets the other
 * run: by yielding it (one host call each way, nothing to wake), or asleep.
 * A yield is a third cheaper, and a disaster when somebody else wants that CPU:
 * then it is his for a whole time slice.
 *
 * So: a thread begins on its CPU's host CPU.  It is moved to a spare one when
 * there is one (fewer CPUs are busy than half of the host's) and its last
 * stretches of user code were all short; it goes back as soon as the spinning
 * fails too often, or the spare CPU is wanted.
 *
 * A yield that took long stops the yielding on that host CPU for a while, twice
 * as long each time, until yields are quick again: where the scheduler gives
 * each yield's rest to somebody else, every second one takes long.  Long
 * stretches of user code look the same, and do not suffer: it is the short ones
 * that gain.  Who was not answered after two yields sleeps.
 * So does, at once, whose call likely waits, as the last ones of that number did:
 * a yield would only bring the CPU back to it, to go to sleep then.
 *
 * Programs that wake each other: while the CPU is with one of them the other's
 * thread is not asleep yet but yields the spare host CPU, which is where the
 * first one's thread runs; to wake it would cost several times that.
 */
#include "stubs.h"
#include <host/cpu.h>
#include <host/stub.h>

enum {
	SPIN_PAUSES = 600,	/* ours, for user code to stop */
	STUB_PAUSES = 1500,	/* the stub's, for the kernel to be done */
	QUICK_TSC = 100000,	/* a stretch that would have been worth spinning for, with two switches */
	FIT = 32, SCORE_MAX = 16, SCORE_FAIL = 4, PENALTY = 300,
	YIELDS = 2, YIELD_SLOW_TSC = 600000,	/* some 200 us: a time slice of somebody else */
	AWAY_YIELDS = 100,	/* the stub's, while another program runs on the same CPUs: some 30 us */
	YIELD_SKIP_MIN = 16, YIELD_SKIP_MAX = 16384, YIELD_GOOD = 32,
	WAITS_LIKELY = 2, WAITS_MAX = 3,
};

static bool spare_free(const struct um_cpu *c)
{
	if (um_boot->spin != 'a')
		return um_boot->spin == 'f' && c->spare_cpu >= 0;
	return c->spare_cpu >= 0 && __atomic_load_n(&um_busy, __ATOMIC_RELAXED) * 2 <= um_boot->host_cpus;
}

/* Both sides are on that host CPU, and nobody else wants it. */
static bool yield_pays(const struct um_cpu *c)
{
	return c->host_cpu >= 0 && (um_boot->yield == 'a' ? !c->yield_skip : um_boot->yield == 'f');
}

/* What a call of this thread did, for what its next one of that number will do. */
static void waits_learn(struct hal_uctx *u)
{
	if (u->call_key == u->waits_at) {
		u->waits = u->waited ? MIN(u->waits + 1, WAITS_MAX) : MAX(u->waits - 1, 0);
	} else if (u->waited) {
		if (!u->waits)
			u->waits_at = u->call_key;
		u->waits = u->waits ? u->waits - 1 : 1;
	}
	u->waited = false;
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
	TELL(t->ctl->spin, u->spin ? STUB_PAUSES : 0);
	TELL(t->ctl->yield, u->spin || !yield_pays(c) ? 0 : YIELDS);
	waits_learn(u);
	TELL(t->ctl->sleep_at, !u->spin && u->waits >= WAITS_LIKELY ? u->waits_at : UINT64_MAX);
	int want = u->spin ? c->spare_cpu : c->host_cpu;
	if (t->host_cpu != want) {
		t->host_cpu = want;
		host_stub_pin(t->tid, want);
	}
}

void um_spin_away(struct hal_uctx *u, struct um_thread *t)
{
	u->waited |= u->regs.orig_rax == (uint32_t)u->call_key;
	t->ctl->spin = 0;
	t->ctl->yield = u->spin && um_boot->yield != 'o' ? AWAY_YIELDS : 0;
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

bool um_short_wait(uint32_t *stop, int host_cpu)
{
	struct um_cpu *c = um_cpu();

	if (host_cpu < 0 || c->host_cpu < 0)
		return false;
	if (host_cpu == c->host_cpu) {
		for (int i = 0; i <= YIELDS; i++) {
			if (__atomic_load_n(stop, __ATOMIC_ACQUIRE) & STUB_STOPPED)
				return true;
			if (i < YIELDS && yield_pays(c))
				host_yield();
		}
		return false;
	}
	for (int i = 0; i < SPIN_PAUSES && um_boot->spin != 'o'; i++) {
		if (__atomic_load_n(stop, __ATOMIC_ACQUIRE) & STUB_STOPPED)
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

bool um_yield_wait(struct um_cpu *c, struct hal_uctx *u, uint32_t *stop)
{
	uint64_t start = __builtin_ia32_rdtsc(), took = 0;
	bool stopped = false;

	if (u->spin || !yield_pays(c)) {
		c->yield_skip -= c->yield_skip > 0;
		return false;
	}
	for (int i = 0;; i++) {
		/* Also before the first: to wake a sleeper may have let him run. */
		stopped = __atomic_load_n(stop, __ATOMIC_ACQUIRE) & STUB_STOPPED;
		if (stopped || i == YIELDS || took >= YIELD_SLOW_TSC)
			break;
		if (__atomic_load_n(&c->pending, __ATOMIC_ACQUIRE))
			return false;
		host_yield();
		took = __builtin_ia32_rdtsc() - start;
	}
	if (took >= YIELD_SLOW_TSC) {
		/* Behind a run of quick ones it was not the yield: the slice had ended, or user code took that long. */
		c->yield_back = c->yield_good >= YIELD_GOOD ? 0 :
			MIN(MAX(c->yield_back * 2, (uint32_t)YIELD_SKIP_MIN), (uint32_t)YIELD_SKIP_MAX);
		c->yield_skip = c->yield_back;
		c->yield_good = 0;
	} else if (stopped && took) {
		c->yield_good += c->yield_good < YIELD_GOOD;
	}
	return stopped;
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
