/* SPDX-License-Identifier: MIT */
/* getrandom(2) over core/random.c. */
#include <kernel/random.h>
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 };

long sys_getrandom(uaddr_t buf, size_t n, unsigned flags)
{
	uint8_t chunk[256];
	size_t done = 0;

	if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	n = MIN(n, (size_t)INT32_MAX);
	while (done < n) {
		size_t m = MIN(n - done, sizeof(chunk));

		random_bytes(chunk, m);
		if (copy_to_user(buf + done, chunk, m)) {
			if (!done)
				return -EFAULT;
			break;
		}
		done += m;
		if (done % PAGE_SIZE == 0 && signal_pending(current))
			break;
	}
	memset(chunk, 0, sizeof(chunk));
	return (long)done;
}
