/* SPDX-License-Identifier: MIT */
/*
 * How often each system call was made by a program and its children: what a
 * test covers, from the kernel's own table (/proc/syscalls).  Off, it costs
 * the test of a word that is tested anyway.
 * What the machine answers by itself (hal_user_answers()) is not counted: that
 * a call was made is known from the first ones, which come here.
 */
#include <kernel/syscall.h>
#include <kernel/task.h>

enum { ROWS_MAX = 512 };
unsigned syscall_watch;
static uint64_t counts[ROWS_MAX];	/* [a] by row */

void syscall_count_start(void)
{
	for (unsigned i = 0; i < ROWS_MAX; i++)
		__atomic_store_n(&counts[i], 0, __ATOMIC_RELAXED);
	WRITE_ONCE(current->process->count_calls, true);
	__atomic_fetch_or(&syscall_watch, SYSCALL_COUNT, __ATOMIC_RELAXED);
}

void syscall_count(unsigned nr)
{
	const struct syscall_desc *d = syscall_lookup(nr);
	size_t row = d ? (size_t)(d - syscall_by_index(0)) : ROWS_MAX;

	if (row < ROWS_MAX)
		__atomic_add_fetch(&counts[row], 1, __ATOMIC_RELAXED);
}

uint64_t syscall_counted(size_t row) { return row < ROWS_MAX ? __atomic_load_n(&counts[row], __ATOMIC_RELAXED) : 0; }
