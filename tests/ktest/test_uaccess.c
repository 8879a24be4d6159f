/* SPDX-License-Identifier: MIT */
/*
 * User copies at every edge, and address spaces seen from inside: a kernel
 * thread takes on an address space, maps, faults and copies in it, and even
 * runs a few user instructions.
 */
#include <hal/hal.h>
#include <kernel/abi_cpu.h>
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/vm.h>
#include "ktest.h"

enum { P_READ = 1, P_WRITE = 2, P_EXEC = 4, M_PRIVATE = 2, M_FIXED = 0x10, M_ANON = 0x20 };
#define AT UINT64_C(0x10000000)
static uint8_t kbuf[4 * PAGE_SIZE];

static struct vm_space *enter(struct ktest_state *t)
{
	struct vm_space *vm = vm_create();

	if (KCHECK(vm))
		vm_activate(vm);
	return vm;
}

static void leave(struct vm_space *vm)
{
	vm_activate(NULL);
	vm_put(vm);
}

static bool map(struct vm_space *vm, uaddr_t at, unsigned pages, unsigned prot)
{
	return vm_mmap(vm, at, pages * PAGE_SIZE, prot, M_PRIVATE | M_ANON | M_FIXED, NULL, 0) == (int64_t)at;
}

KTEST(copies_of_every_length_and_alignment)
{
	struct vm_space *vm = enter(t);
	uint8_t out[80], in[80];
	unsigned bad = 0;

	if (!vm)
		return;
	KCHECK(map(vm, AT, 3, P_READ | P_WRITE));
	for (unsigned i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i + 1);
	for (unsigned len = 0; len <= 64; len++)
		for (unsigned off = 0; off < 16; off++) {	/* on both sides of a page's end */
			uaddr_t at = AT + PAGE_SIZE - 32 + off;

			memset(in, 0, sizeof(in));
			bad += copy_to_user(at, out + off, len) != 0 || copy_from_user(in, at, len) != 0 || memcmp(in, out + off, len) || in[len];
		}
	KCHECK(bad == 0);
	leave(vm);
}

KTEST(faults_in_the_middle)
{
	struct vm_space *vm = enter(t);

	if (!vm)
		return;
	KCHECK(map(vm, AT, 2, P_READ | P_WRITE));	/* and nothing behind it */
	memset(kbuf, 0x5a, sizeof(kbuf));
	KCHECK(copy_to_user(AT + PAGE_SIZE, kbuf, PAGE_SIZE) == 0);
	for (unsigned n = 1; n < 200; n += 13) {
		uaddr_t at = AT + 2 * PAGE_SIZE - n;

		KCHECK(copy_from_user(kbuf, at, n) == 0);
		KCHECK(copy_from_user(kbuf, at, n + 1) == -EFAULT);
		KCHECK(copy_from_user_partial(kbuf, at, n + 100) == n);
		KCHECK(copy_to_user_partial(at, kbuf, n + 100) == n);
		KCHECK(clear_user(at, n) == 0 && clear_user(at, n + 1) == -EFAULT);
	}
	leave(vm);
}

KTEST(protections_bind_the_kernel)
{
	struct vm_space *vm = enter(t);
	uint32_t v = 7, old = 0;

	if (!vm)
		return;
	KCHECK(map(vm, AT, 1, P_READ) && map(vm, AT + PAGE_SIZE, 1, 0));
	KCHECK(get_user(v, AT) == 0 && v == 0);
	KCHECK(put_user(v, AT) == -EFAULT);
	KCHECK(get_user(v, AT + PAGE_SIZE) == -EFAULT);
	KCHECK(user_cmpxchg32(AT, 0, 1, &old) == -EFAULT && user_load32(AT, &v) == 0);
	KCHECK(user_load32(AT + PAGE_SIZE, &v) == -EFAULT);
	leave(vm);
}

KTEST(ranges_outside_of_user_memory)
{
	struct vm_space *vm = enter(t);
	uint64_t v = 1;

	if (!vm)
		return;
	KCHECK(!user_range_ok(hal_as_limit(), 1) && user_range_ok(hal_as_limit() - 1, 1) && !user_range_ok(hal_as_limit() - 1, 2));
	KCHECK(!user_range_ok(UINT64_MAX - 3, 8) && !user_range_ok(AT, UINT64_MAX) && !user_range_ok(UINT64_MAX, 1));
	KCHECK(copy_from_user(&v, (uaddr_t)(uintptr_t)kbuf, 8) == -EFAULT);	/* the kernel's own memory */
	KCHECK(copy_to_user((uaddr_t)(uintptr_t)kbuf, &v, 8) == -EFAULT);
	KCHECK(copy_from_user(&v, hal_as_limit() - 4, 8) == -EFAULT && copy_from_user(&v, UINT64_MAX - 2, 8) == -EFAULT);
	KCHECK(copy_from_user(&v, 0, 8) == -EFAULT && put_user(v, 0) == -EFAULT);
	KCHECK(copy_from_user(&v, 0, 0) == 0 && v == 1);
	leave(vm);
}

KTEST(strings_and_their_ends)
{
	struct vm_space *vm = enter(t);
	char text[64];

	if (!vm)
		return;
	KCHECK(map(vm, AT, 1, P_READ | P_WRITE));
	KCHECK(copy_to_user(AT + PAGE_SIZE - 6, "hello", 6) == 0);
	KCHECK(strncpy_from_user(text, AT + PAGE_SIZE - 6, sizeof(text)) == 5 && !strcmp(text, "hello"));
	KCHECK(strncpy_from_user(text, AT + PAGE_SIZE - 6, 5) == 5);
	KCHECK(strncpy_from_user(text, AT + PAGE_SIZE - 6, 3) == 3 && !memcmp(text, "hel", 3));
	KCHECK(strncpy_from_user(text, AT + PAGE_SIZE - 1, sizeof(text)) == 0 && !text[0]);
	KCHECK(copy_to_user(AT + PAGE_SIZE - 6, "helloX", 6) == 0);
	KCHECK(strncpy_from_user(text, AT + PAGE_SIZE - 6, sizeof(text)) == -EFAULT);	/* no end before the page's */
	KCHECK(strncpy_from_user(text, AT + PAGE_SIZE, sizeof(text)) == -EFAULT);
	leave(vm);
}

KTEST(structs_that_grow)
{
	struct vm_space *vm = enter(t);
	uint64_t user[4] = { 1, 2, 0, 0 }, mine[3];

	if (!vm)
		return;
	KCHECK(map(vm, AT, 1, P_READ | P_WRITE));
	KCHECK(copy_to_user(AT, user, sizeof(user)) == 0);
	KCHECK(copy_struct_from_user(mine, sizeof(mine), AT, 16) == 0 && mine[0] == 1 && mine[1] == 2 && mine[2] == 0);
	KCHECK(copy_struct_from_user(mine, sizeof(mine), AT, 32) == 0 && mine[1] == 2);
	user[3] = 1;
	KCHECK(copy_to_user(AT, user, sizeof(user)) == 0);
	KCHECK(copy_struct_from_user(mine, sizeof(mine), AT, 32) == -E2BIG);
	leave(vm);
}

KTEST(nofault_copies_take_no_fault)
{
	struct vm_space *vm = enter(t);
	uint64_t v = 5;
	uint32_t w;

	if (!vm)
		return;
	KCHECK(map(vm, AT, 2, P_READ | P_WRITE));
	KCHECK(copy_from_user_nofault(&v, AT, 8) == 0 && copy_to_user_nofault(AT, &v, 8) == 0);
	KCHECK(user_load32_nofault(AT, &w) == -EFAULT);
	KCHECK(put_user(v, AT) == 0);
	KCHECK(copy_to_user_nofault(AT, &v, 8) == 8 && copy_from_user_nofault(&v, AT, 8) == 8);
	KCHECK(user_load32_nofault(AT, &w) == 0 && w == 5);
	leave(vm);
}

KTEST(copy_on_write_between_spaces)
{
	struct vm_space *a = enter(t), *b;
	uint64_t v = 11, w = 0;

	if (!a)
		return;
	KCHECK(map(a, AT, 4, P_READ | P_WRITE));
	KCHECK(put_user(v, AT) == 0 && put_user(v, AT + 2 * PAGE_SIZE) == 0);
	b = vm_fork(a);
	if (KCHECK(b)) {
		v = 22;
		KCHECK(put_user(v, AT) == 0);
		KCHECK(vm_access(b, AT, &w, 8, false, false) == 8 && w == 11);
		w = 33;
		KCHECK(vm_access(b, AT + 2 * PAGE_SIZE, &w, 8, true, false) == 8);
		KCHECK(get_user(v, AT + 2 * PAGE_SIZE) == 0 && v == 11);
		vm_activate(b);
		KCHECK(get_user(v, AT) == 0 && v == 11 && get_user(v, AT + 2 * PAGE_SIZE) == 0 && v == 33);
		vm_activate(a);
		vm_put(b);
		KCHECK(get_user(v, AT) == 0 && v == 22);
	}
	leave(a);
}

KTEST(spaces_give_everything_back)
{
	struct mem_info before, after;

	for (unsigned round = 0; round < 21; round++) {
		struct vm_space *vm = enter(t);
		uint64_t v = round;

		if (!vm)
			return;
		KCHECK(map(vm, AT, 64, P_READ | P_WRITE));
		for (unsigned i = 0; i < 64; i++)
			KCHECK(put_user(v, AT + i * PAGE_SIZE) == 0);
		KCHECK(vm_munmap(vm, AT + 8 * PAGE_SIZE, 16 * PAGE_SIZE) == 0);
		KCHECK(get_user(v, AT + 9 * PAGE_SIZE) == -EFAULT);
		leave(vm);
		rcu_synchronize();
		if (round == 0)		/* the first fills caches */
			mem_info_get(&before);
	}
	mem_info_get(&after);
	KCHECK(after.anon_pages <= before.anon_pages + 8 && after.free_pages + 300 > before.free_pages);
}

/* Run u until it makes a system call, taking its faults. */
static bool run_to_call(struct vm_space *vm, struct hal_uctx *u, struct hal_trap_info *info) NO_TSA
{
	for (unsigned i = 0; i < 10000; i++) {
		enum hal_trap trap;
		int code;

		hal_irq_disable();
		trap = hal_user_run(u, info);
		hal_irq_enable();
		sched_user_return();
		if (trap == HAL_TRAP_SYSCALL)
			return true;
		if (trap == HAL_TRAP_EXCEPTION || (trap == HAL_TRAP_FAULT && vm_fault(vm, info->addr, info->access, &code)))
			return false;
	}
	return false;
}

/* mov number,42; system call; again with 43; then a load from address 8 */
#ifdef EFT_CPU_x86_64
static const uint8_t code[] = { 0xb8, 42, 0, 0, 0, 0x0f, 0x05, 0xb8, 43, 0, 0, 0, 0x0f, 0x05, 0x48, 0x8b, 0x04, 0x25, 8, 0, 0, 0 };
#else
static const uint32_t code[] = { 0xd2800548, 0xd4000001, 0xd2800568, 0xd4000001, 0xd2800101, 0xf9400020 };
#endif

KTEST(user_code_runs_and_traps)
{
	struct vm_space *vm = enter(t);
	struct hal_uctx *u = hal_user_create(), *twin = NULL;
	struct hal_trap_info info;
	struct page *p = NULL;

	if (!vm || !KCHECK(u))
		return;
	KCHECK(map(vm, AT, 2, P_READ | P_WRITE | P_EXEC));
	KCHECK(copy_to_user(AT, code, sizeof(code)) == 0);
	if (KCHECK(vm_get_page(vm, AT, HAL_EXEC, &p) == 0)) {
		hal_icache_sync(page_addr(p), PAGE_SIZE);
		page_put(p);
	}
	KCHECK(hal_user_prepare(u, vm->as) == 0);
	abi_regs_exec(hal_user_regs(u), AT, AT + 2 * PAGE_SIZE - 64);
	current->uctx = u;
	if (KCHECK(run_to_call(vm, u, &info))) {
		KCHECK(abi_syscall_nr(hal_user_regs(u)) == 42);
		abi_syscall_result(hal_user_regs(u), 0);
		twin = hal_user_clone(u);	/* a copy goes on from here as well */
		KCHECK(twin);
		KCHECK(run_to_call(vm, u, &info) && abi_syscall_nr(hal_user_regs(u)) == 43);
		KCHECK(!run_to_call(vm, u, &info) && info.addr == 8 && info.access == HAL_READ);
	}
	if (twin) {
		hal_irq_disable();
		hal_user_switch_out(u);
		hal_irq_enable();
		current->uctx = twin;
		KCHECK(run_to_call(vm, twin, &info) && abi_syscall_nr(hal_user_regs(twin)) == 43);
		current->uctx = u;
		hal_irq_disable();
		hal_user_switch_out(twin);
		hal_irq_enable();
		hal_user_destroy(twin);
	}
	current->uctx = NULL;
	leave(vm);
	hal_user_destroy(u);
}

KTEST(direct_copies_are_a_fast_path_only)
{
	struct vm_space *vm = enter(t);
	uint64_t v = 0x1122334455667788, w = 0;
	size_t n;

	if (!vm)
		return;
	KCHECK(map(vm, AT, 1, P_READ | P_WRITE) && put_user(v, AT) == 0);
	n = hal_user_copy_from(&w, AT, 8);
	KCHECK(n == 0 || (n == 8 && w == v));
	w = 99;
	n = hal_user_copy_to(AT, &w, 8);
	KCHECK(n <= 8 && get_user(v, AT) == 0 && v == (n == 8 ? 99 : 0x1122334455667788));
	KCHECK(hal_user_copy_from(&w, AT + PAGE_SIZE - 4, 8) <= 4);	/* nothing is mapped behind */
	leave(vm);
}

/*
 * More spaces than a CPU may remember, the same address in each: what one has is never seen in another, and what changed while
 * a space was not here is what is found on coming back.
 */
KTEST(spaces_keep_apart)
{
	enum { N = 20, ROUNDS = 60 };
	static struct vm_space *vm[N];
	uint64_t told[N], v;
	unsigned wrong = 0, i = 0;

	for (i = 0; i < N; i++) {
		vm[i] = enter(t);
		if (!vm[i])
			return;
		KCHECK(map(vm[i], AT, 2, P_READ | P_WRITE));
		told[i] = i;
		wrong += copy_to_user(AT, &told[i], sizeof(v)) != 0;
		wrong += copy_to_user(AT + PAGE_SIZE, &told[i], sizeof(v)) != 0;
	}
	KCHECK(!wrong);
	for (unsigned r = 0; r < ROUNDS; r++) {
		unsigned a = r * 7 % N, near = (a + 1 + r % 3) % N;

		/* Back and forth between a few, then on to others. */
		for (unsigned k = 0; k < 4; k++) {
			unsigned w = k & 1 ? near : a;

			vm_activate(vm[w]);
			wrong += copy_from_user(&v, AT, sizeof(v)) != 0 || v != told[w];
			told[w] = told[w] + N;
			wrong += copy_to_user(AT, &told[w], sizeof(v)) != 0;
		}
		/* The second page of a space that is not here goes, or is another one, read-only. */
		if (r % 2)
			wrong += vm_munmap(vm[a], AT + PAGE_SIZE, PAGE_SIZE) != 0;
		else
			wrong += !map(vm[a], AT + PAGE_SIZE, 1, P_READ);
		vm_activate(vm[a]);
		wrong += copy_to_user(AT + PAGE_SIZE, &v, sizeof(v)) == 0;
		wrong += !(r % 2) && (copy_from_user(&v, AT + PAGE_SIZE, sizeof(v)) != 0 || v);
		KCHECK(map(vm[a], AT + PAGE_SIZE, 1, P_READ | P_WRITE));
		v = a;
		wrong += copy_to_user(AT + PAGE_SIZE, &v, sizeof(v)) != 0;
	}
	KCHECK(!wrong);
	vm_activate(NULL);
	for (i = 0; i < N; i++)
		vm_put(vm[i]);
}

const struct ktest uaccess_tests[] = {
	KTEST_ROW(copies_of_every_length_and_alignment), KTEST_ROW(faults_in_the_middle), KTEST_ROW(protections_bind_the_kernel),
	KTEST_ROW(ranges_outside_of_user_memory), KTEST_ROW(strings_and_their_ends), KTEST_ROW(structs_that_grow),
	KTEST_ROW(nofault_copies_take_no_fault), KTEST_ROW(copy_on_write_between_spaces), KTEST_ROW(spaces_give_everything_back), KTEST_ROW(spaces_keep_apart),
	KTEST_ROW(user_code_runs_and_traps), KTEST_ROW(direct_copies_are_a_fast_path_only), { NULL, NULL }
};
