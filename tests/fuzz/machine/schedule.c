/* SPDX-License-Identifier: MIT */
/*
 * Which CPU runs: decided at points (interrupts being turned off or on, sent,
 * user code; with EFT_FUZZ_POINTS also every branch of the kernel's) from the
 * run's seed, so that the same input gives the same schedule.
 *
 * RANDOM: after a random number of points another CPU that can run continues;
 * sometimes time jumps by a slice, so that a thread is preempted there.
 *
 * PCT (Burckhardt and others, "A Randomized Scheduler with Probabilistic
 * Guarantees of Finding Bugs", 2010): every CPU has a random priority, the
 * highest one that can run runs, and at a few random points the running one's
 * priority becomes the lowest.
 *
 * In half of the PCT runs the points are drawn from all of the run; in the
 * other half from calls: a call at random, then a point not far into it.  Who
 * was interrupted there waits until the other CPUs have done what they had to
 * do, so that it does not matter whether the two met there anyway.
 */
#include "fz.h"
#include <kernel/string.h>

enum { PCT_CHANGES = 4, CALLS_OF_A_CHANGE = 4, CALL_POINTS_LOG = 10, SLICE_NS = 4000000, JUMP_POINTS = 3000, MAX_POINTS = 1000000 };

bool fz_outside;
static uint64_t rand_state;
static uint64_t points, next_change, next_jump, max_points;
static uint32_t mean;			/* points between changes; PCT: in all of them */
static uint64_t lowest;			/* the next low priority */
static unsigned changes_left;
static bool by_call;			/* PCT: points are drawn from calls */

uint64_t fz_rand(void)	/* SplitMix64 (Steele and others, 2014) */
{
	uint64_t z = rand_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void fz_rand_seed(uint64_t seed) { rand_state = seed; }

static void change_next(void)
{
	if (by_call)
		next_change = UINT64_MAX;	/* until a call is drawn */
	else if (fz_run->schedule == FUZZ_PCT)
		next_change = changes_left ? points + 1 + fz_rand() % mean / PCT_CHANGES : UINT64_MAX;
	else
		next_change = points + 1 + fz_rand() % mean;
}

void fz_schedule_init(void)
{
	static const uint16_t means[] = { 4, 16, 64, 256, 1024, 4096 };
	static const uint32_t lengths[] = { 64, 512, 4096, 32768 };

	points = 0;
	next_jump = fz_rand() % JUMP_POINTS;
	next_change = UINT64_MAX;
	by_call = false;
	max_points = fz_run->max_points ? fz_run->max_points : MAX_POINTS;
	if (fz_run->schedule == FUZZ_FAIR)
		return;
	mean = fz_run->schedule == FUZZ_PCT ? lengths[fz_rand() % ARRAY_SIZE(lengths)] : means[fz_rand() % ARRAY_SIZE(means)];
	by_call = fz_run->schedule == FUZZ_PCT && fz_rand() % 2;
	lowest = UINT32_MAX;
	changes_left = PCT_CHANGES;
	for (unsigned i = 0; i < fz_ncpus; i++)
		fz_cpus[i].priority = (fz_rand() >> 1) | UINT32_MAX;
	change_next();
}

void fz_schedule_call(void)
{
	if (by_call && changes_left && fz_rand() % CALLS_OF_A_CHANGE == 0)
		next_change = points + 1 + fz_rand() % (UINT64_C(8) << fz_rand() % CALL_POINTS_LOG);
}

static bool runnable(const struct fz_cpu *c)
{
	return c->started && !c->spinning && (!c->idle || fz_due(c));
}

struct fz_cpu *fz_choose(const struct fz_cpu *but)
{
	struct fz_cpu *best = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < fz_ncpus; i++) {
		struct fz_cpu *c = &fz_cpus[i];

		if (c == but || !runnable(c))
			continue;
		n++;
		if (fz_run && fz_run->schedule == FUZZ_RANDOM ? fz_rand() % n == 0 : !best || c->priority > best->priority)
			best = c;
	}
	if (best)
		return best;
	/* Others that spin, too: they may be waiting for each other in turn. */
	for (unsigned i = 0; i < fz_ncpus; i++) {
		struct fz_cpu *c = &fz_cpus[(fz_self->index + 1 + i) % fz_ncpus];

		if (c != but && c->started && c->spinning)
			return c;
	}
	return NULL;
}

static void change(void) NO_TSA
{
	struct fz_cpu *to;

	if (fz_run->schedule == FUZZ_PCT) {
		changes_left--;
		fz_self->priority = lowest--;
	} else if (points >= next_jump) {	/* not so often that interrupts are all that runs */
		fz_now += SLICE_NS;	/* the slice of whoever runs is over */
		next_jump = points + JUMP_POINTS + fz_rand() % JUMP_POINTS;
	}
	change_next();
	to = fz_choose(fz_run->schedule == FUZZ_PCT ? NULL : fz_self);
	if (to && (fz_run->schedule == FUZZ_RANDOM || to->priority > fz_self->priority))
		fz_cpu_switch(to);
}

void fz_point(void)
{
	if (!fz_run)
		return;
	if (unlikely(++points >= next_change))
		change();
	if (unlikely(points > max_points))
		fz_end(FUZZ_END_LIMIT);
}

void fz_tire(void)
{
	if (fz_run && unlikely(++points > max_points))
		fz_end(FUZZ_END_LIMIT);
}

/* Builds with EFT_FUZZ_POINTS: at every branch of the kernel's. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	if (fz_ncpus > 1 && !fz_outside)
		fz_point();
}

uint64_t fz_points(void) { return points; }
