/* SPDX-License-Identifier: MIT */
/* The kernel's own part of a unit test: starts it up to a thread that runs the test. */
#include <kernel/cpu.h>
#include <kernel/page.h>
#include <kernel/pagecache.h>
#include <kernel/slab.h>
#include <kernel/task.h>
#include <kernel/vfs.h>
#include <kernel/vm.h>
#include "sched/sched_internal.h"
#include "unit_internal.h"

static void test_thread(void *arg)
{
	work_start();
	rcu_start();
	vfs_init();
	pagecache_init();
	((void (*)(void))arg)();
	unit_passed();
}

void unit_boot(void (*fn)(void))
{
	sched_early_init();
	page_init();
	slab_init();
	sched_init();
	vm_init();
	task_init();
	if (!kthread_create(test_thread, (void *)fn, "test"))
		unit_fail(__FILE__, __LINE__, "no memory for the first thread");
	sched_idle();
}
