/* SPDX-License-Identifier: MIT */
/* One pipe, many writers and readers: writes up to PIPE_BUF are never mixed, each byte arrives once, in each writer's order. */
#include "harness.h"
#include "child.h"

enum { WRITERS = 4, READERS = 3, RECORDS = 400, SIZE = 64 };
struct record { unsigned writer, serial; char fill[SIZE - 8]; };

int main(void)
{
	static unsigned char seen[WRITERS][RECORDS];
	struct record r;
	int p[2], out[2], whole = 1, ordered = 1, once = 1, bad = 0;
	pid_t w[WRITERS], rd[READERS];

	plan(6);
	if (pipe(p) || pipe(out))
		bail("pipe");
	for (int i = 0; i < WRITERS; i++)
		if (!(w[i] = fork())) {
			memset(&r, 'a' + i, sizeof(r));
			r.writer = (unsigned)i;
			for (r.serial = 0; r.serial < RECORDS; r.serial++)
				if (write(p[1], &r, sizeof(r)) != sizeof(r))
					_exit(1);
			_exit(0);
		}
	for (int i = 0; i < READERS; i++)
		if (!(rd[i] = fork())) {
			unsigned last[WRITERS];

			memset(last, 0xff, sizeof(last));
			close(p[1]);
			for (;;) {
				ssize_t n = read(p[0], &r, sizeof(r));

				if (n == 0)
					_exit(0);
				if (n != sizeof(r) || r.writer >= WRITERS)
					_exit(1);
				for (unsigned k = 0; k < sizeof(r.fill); k++)
					if (r.fill[k] != (char)('a' + r.writer))
						_exit(2);
				/* What one reader sees of one writer is in order. */
				if (last[r.writer] != ~0u && r.serial <= last[r.writer])
					_exit(3);
				last[r.writer] = r.serial;
				if (write(out[1], &r, sizeof(r)) != sizeof(r))
					_exit(4);
			}
		}
	close(p[0]);
	close(p[1]);
	close(out[1]);
	for (int n = 0; n < WRITERS * RECORDS; n++) {
		if (read(out[0], &r, sizeof(r)) != sizeof(r)) {
			whole = 0;
			break;
		}
		if (r.writer >= WRITERS || r.serial >= RECORDS)
			whole = 0;
		else if (seen[r.writer][r.serial]++)
			once = 0;
	}
	ok(whole, "all records come whole");
	ok(once, "none twice");
	for (int i = 0; i < WRITERS; i++)
		bad += exit_of(w[i]) != 0;
	ok(bad == 0, "the writers end well");
	for (int i = 0; i < READERS; i++) {
		int st = exit_of(rd[i]);

		bad += st != 0;
		ordered &= st != 3;
	}
	ok(ordered, "each reader sees each writer's records in order");
	ok(bad == 0, "the readers end at end of file, records never mixed");
	ok(read(out[0], &r, 1) == 0, "and nothing is left");
	return done();
}
