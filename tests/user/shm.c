/* SPDX-License-Identifier: MIT */
/* Shared anonymous memory between processes: coherence both ways, with atomics, after exec of nothing and exit of some. */
#include "harness.h"
#include "child.h"
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared { atomic_int counter, ready; char text[64]; int data[4096]; };

int main(void)
{
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[4];
	int status, good = 1, sum = 0;

	plan(5);
	ok(s != MAP_FAILED && s->counter == 0, "shared memory");
	for (int k = 0; k < 4; k++) {
		pid[k] = fork();
		if (!pid[k]) {
			for (int i = 0; i < 20000; i++)
				atomic_fetch_add(&s->counter, 1);
			for (int i = k; i < 4096; i += 4)
				s->data[i] = i * 3;
			_exit(0);
		}
	}
	for (int k = 0; k < 4; k++)
		good &= waitpid(pid[k], &status, 0) == pid[k] && status == 0;
	ok(good && s->counter == 80000, "four processes add up to %d", s->counter);
	for (int i = 0; i < 4096; i++)
		sum += s->data[i] == i * 3;
	ok(sum == 4096, "and fill an array");
	pid[0] = fork();
	if (!pid[0]) {
		pid_t grandchild = fork();

		if (!grandchild) {
			while (!atomic_load(&s->ready))
				usleep(1000);
			strcpy(s->text, "from the grandchild");
			atomic_store(&s->ready, 2);
			_exit(0);
		}
		_exit(0);
	}
	waitpid(pid[0], &status, 0);
	atomic_store(&s->ready, 1);
	wait_until(atomic_load(&s->ready) == 2);
	ok(!strcmp(s->text, "from the grandchild"), "it outlives the process that was forked between");
	ok(munmap(s, sizeof(*s)) == 0, "munmap");
	return done();
}
