/* SPDX-License-Identifier: MIT */
/* fork(2): stack, heap, data, bss and anonymous maps are apart in both directions, at any depth; shared maps are not. */
#include "harness.h"
#include "child.h"
#include <sys/mman.h>

static int data = 11, bss;
static char big[64 * 4096];

static int deep(int depth)	/* every generation changes what it has and looks at what its parent had */
{
	int local = depth, st;
	pid_t pid;

	data = bss = depth;
	big[depth * 4096] = (char)depth;
	if (depth == 6)
		return 0;
	pid = fork();
	if (!pid) {
		if (local != depth || data != depth || bss != depth || big[depth * 4096] != depth)
			_exit(1);
		_exit(deep(depth + 1));
	}
	st = exit_of(pid);
	return st || local != depth || data != depth || bss != depth || big[(depth + 1) * 4096] ? 2 : 0;
}

int main(void)
{
	int stack = 22, *heap = malloc(3 * 4096), *shared, *private;
	volatile int *vstack = &stack;
	struct gate to_child, to_parent;
	pid_t pid;

	plan(12);
	gate_init(&to_child);
	gate_init(&to_parent);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	private = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	heap[2000] = 33;
	private[1024] = 44;
	pid = fork();
	if (!pid) {
		/* what the parent does after fork is not seen */
		gate_wait(&to_child);
		shared[0] = data == 11;
		shared[1] = *vstack == 22;
		shared[2] = heap[2000] == 33;
		shared[3] = private[1024] == 44 && private[2048] == 0;
		data = *vstack = heap[2000] = private[1024] = private[2048] = bss = 99;
		gate_open(&to_parent);
		gate_wait(&to_child);
		_exit(data == 99 && *vstack == 99 && heap[2000] == 99 && private[1024] == 99 && bss == 99 ? 0 : 1);
	}
	data = 12, *vstack = 23, heap[2000] = 34, private[1024] = 45, private[2048] = 7;
	gate_open(&to_child);
	gate_wait(&to_parent);
	ok(shared[0], "the child's data is of the time of fork");
	ok(shared[1], "its stack");
	ok(shared[2], "its heap");
	ok(shared[3], "its maps, touched or not");
	ok(data == 12 && bss == 0, "the parent's data is its own");
	ok(*vstack == 23 && heap[2000] == 34, "its stack and heap");
	ok(private[1024] == 45 && private[2048] == 7, "its maps");
	data = *vstack = heap[2000] = private[1024] = bss = 5;
	gate_open(&to_child);
	ok(exit_of(pid) == 0, "the child keeps what it wrote");
	ok(deep(1) == 0, "six generations, each apart");

	/* a child's map and unmap do not touch the parent */
	ok(in_child((munmap(private, 8 * 4096), 0)) == 0 && private[1024] == 5, "the child's munmap is its own");
	ok(in_child(mprotect(private, 8 * 4096, PROT_NONE)) == 0 && (private[1024] = 6) == 6, "and its mprotect");
	ok(in_child((shared[9] = 1234, 0)) == 0 && shared[9] == 1234, "a shared map is one");
	return done();
}
