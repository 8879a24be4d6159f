/* SPDX-License-Identifier: MIT */
/*
 * select(2) and pselect6(2), on the poller of poll.c.  The sets are bitmaps of
 * 64-bit words as long as the descriptor table needs them: there is no
 * FD_SETSIZE here.
 */
#include "ipc_internal.h"

enum { SET_IN, SET_OUT, SET_EX, SETS };
static const unsigned wanted[SETS] = { POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI };
/* What makes a member ready, as Linux maps it. */
static const unsigned ready_by[SETS] = { POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL,
	POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL, POLLPRI | POLLNVAL };

struct select { unsigned n; size_t words; uint64_t *in[SETS], *out[SETS]; uint64_t *memory; };

static int select_pass(struct select *s, struct poller *p, bool may_sleep)
{
	int ready = 0;

	for (size_t w = 0; w < s->words; w++) {
		uint64_t any = s->in[SET_IN][w] | s->in[SET_OUT][w] | s->in[SET_EX][w];

		for (unsigned b = 0; any >> b && b < 64; b++) {
			unsigned want = 0, got;
			struct file *f;

			if (!(any >> b & 1) || w * 64 + b >= s->n)
				continue;
			for (unsigned k = 0; k < SETS; k++)
				if (s->in[k][w] >> b & 1)
					want |= wanted[k];
			f = fd_get((int)(w * 64 + b));
			if (!f) {	/* open, but only a path: ready, and says EBADF when it is used */
				f = fd_get_any((int)(w * 64 + b));
				if (!f)
					return -EBADF;
				got = POLLNVAL;
			} else {
				got = file_poll(f, may_sleep && !ready ? poller_table(p, f, want) : NULL);
			}
			file_put(f);
			for (unsigned k = 0; k < SETS; k++)
				if ((s->in[k][w] >> b & 1) && (got & ready_by[k])) {
					s->out[k][w] |= 1ull << b;
					ready++;
				}
			if (b == 63)
				break;
		}
	}
	return ready;
}

static int select_loop(struct select *s, uint64_t deadline)
{
	struct poller p;
	int ready, last = 0;

	poller_init(&p);
	for (;;) {
		ready = select_pass(s, &p, deadline != 0);
		ready = poller_verdict(&p, ready, last);
		if (ready || last == -ETIMEDOUT || deadline == 0)
			break;
		last = poller_wait(&p, deadline);
	}
	poller_fini(&p);
	return ready;
}

static int do_select(int n, const uaddr_t sets[SETS], uint64_t deadline)
{
	struct select s;
	unsigned max = files_room();
	size_t bytes;
	int ret = 0;

	if (n < 0)
		return -EINVAL;
	/* Sets of descriptors that cannot be open are not looked at. */
	s.n = MIN((unsigned)n, max);
	s.words = BITMAP_WORDS(s.n);
	bytes = s.words * 8;
	s.memory = kzalloc(bytes ? bytes * 2 * SETS : 8, 0);
	if (!s.memory)
		return -ENOMEM;
	for (unsigned k = 0; k < SETS; k++) {
		s.in[k] = s.memory + s.words * k;
		s.out[k] = s.memory + s.words * (SETS + k);
		if (sets[k] && bytes && copy_from_user(s.in[k], sets[k], bytes)) {
			ret = -EFAULT;
			goto out;
		}
	}
	if (s.n % 64)
		for (unsigned k = 0; k < SETS && s.words; k++)
			s.in[k][s.words - 1] &= (1ull << s.n % 64) - 1;
	ret = select_loop(&s, deadline);
	if (ret < 0)
		goto out;
	for (unsigned k = 0; k < SETS; k++)
		if (sets[k] && bytes && copy_to_user(sets[k], s.out[k], bytes)) {
			ret = -EFAULT;
			goto out;
		}
out:
	kfree(s.memory);
	return ret;
}

static uint64_t left_ns(uint64_t deadline)
{
	uint64_t now = hal_time_mono_ns();

	return deadline > now ? deadline - now : 0;
}

long sys_select(int n, uaddr_t in, uaddr_t out, uaddr_t ex, uaddr_t timeout)
{
	const uaddr_t sets[SETS] = { in, out, ex };
	uint64_t deadline = UINT64_MAX;
	struct abi_timeval tv;
	int ret;

	if (timeout) {
		if (copy_from_user(&tv, timeout, sizeof(tv)))
			return -EFAULT;
		struct abi_timespec ts = { tv.tv_sec + tv.tv_usec / 1000000, tv.tv_usec % 1000000 * 1000 };

		if (timespec_check(&ts))
			return -EINVAL;
		deadline = deadline_after_ns(timespec_ns(&ts));
		if (!ts.tv_sec && !ts.tv_nsec)
			deadline = 0;
	}
	ret = do_select(n, sets, deadline);
	if (timeout && deadline) {	/* zero stays as it is */
		uint64_t left = left_ns(deadline);

		tv = (struct abi_timeval){ (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC / 1000) };
		if (copy_to_user(timeout, &tv, sizeof(tv)))
			return ret == -EINTR ? -EINTR : ret;	/* cannot be restarted with what is left */
	}
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

long sys_pselect6(int n, uaddr_t in, uaddr_t out, uaddr_t ex, uaddr_t timeout, uaddr_t sig)
{
	const uaddr_t sets[SETS] = { in, out, ex };
	struct { uaddr_t mask; uint64_t size; } arg = { 0, 0 };
	uint64_t deadline;
	bool masked;
	int ret;

	if (sig && copy_from_user(&arg, sig, sizeof(arg)))
		return -EFAULT;
	ret = deadline_from_user(timeout, &deadline);
	if (ret)
		return ret;
	ret = sigmask_enter(arg.mask, arg.size, &masked);
	if (ret)
		return ret;
	ret = do_select(n, sets, deadline);
	if (masked && ret != -EINTR)
		signal_restore_mask();
	if (timeout && deadline) {	/* zero stays as it is */
		uint64_t left = left_ns(deadline);
		struct abi_timespec ts = { (int64_t)(left / NSEC_PER_SEC), (int64_t)(left % NSEC_PER_SEC) };

		if (copy_to_user(timeout, &ts, sizeof(ts)))
			return ret == -EINTR ? -EINTR : ret;
	}
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}
