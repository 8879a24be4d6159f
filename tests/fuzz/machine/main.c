/* SPDX-License-Identifier: MIT */
/* Start of the machine, and of a run. */
#include "fz.h"
#include <kernel/cpu.h>
#include <kernel/string.h>
#include <kernel/syscall.h>

const struct fuzz_boot *fz_boot_args;
struct fuzz_run *fz_run;

static struct hal_boot boot;
enum { BOOT_STACK = KSTACK_SIZE };
enum { BOOT_SEED = 1 };

const struct hal_boot *hal_boot_info(void) { return &boot; }

static void boot_entry(void *arg) { kernel_main(); }

__attribute__((visibility("default"))) enum fuzz_end fuzz_machine_boot(const struct fuzz_boot *b)
{
	fz_boot_args = b;
	fz_ncpus = MIN(b->cpus, (unsigned)FUZZ_CPUS);
	boot.cmdline = b->cmdline;
	boot.cpus = fz_ncpus;
	boot.ranges = 1;
	boot.range[0].base = FUZZ_RAM_BASE + BOOT_STACK;
	boot.range[0].size = b->ram_end - boot.range[0].base;
	fz_now = 1000000000;
	fz_rand_seed(BOOT_SEED);
	for (unsigned i = 0; i < FUZZ_CPUS; i++) {
		fz_cpus[i].index = i;
		fz_cpus[i].irq_off = true;
		fz_cpus[i].timer = UINT64_MAX;
	}
	fz_self = &fz_cpus[0];
	fz_self->started = true;
	fz_context_make(&fz_self->first, b->ram + FUZZ_RAM_BASE, BOOT_STACK, boot_entry, NULL);
	fz_self->ctx = &fz_self->first;
	return fz_enter(fz_self->ctx);
}

__attribute__((visibility("default"))) void fuzz_machine_run(struct fuzz_run *r)
{
	fz_run = r;
	r->trace = r->calls = r->switches = 0;
	r->keeps = false;
	fz_rand_seed(r->seed);
	fz_schedule_init();
	r->end = fz_continue();
	r->points = fz_points();
}

__attribute__((visibility("default"))) const struct syscall_desc *fuzz_syscall(size_t i)
{
	const struct syscall_desc *d;

	fz_outside = true;
	d = syscall_by_index(i);
	fz_outside = false;
	return d;
}

__attribute__((visibility("default"))) size_t fuzz_syscalls(void)
{
	size_t n = 0;

	while (fuzz_syscall(n))
		n++;
	return n;
}

/* ---- the rest of the contract ---- */

void hal_console_write(const char *s, size_t n) { fuzz_host_console(s, n); }

void hal_entropy(void *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buf)[i] = (uint8_t)fz_rand();
}

/* A sanitizer or a debugger says more than a walk from here could. */
unsigned hal_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max) { return 0; }
const char *hal_symbol(uintptr_t pc, size_t *offset) { return NULL; }

_Noreturn void hal_poweroff(int status)
{
	if (status == 101)
		fuzz_host_crash("kernel panic");
	if (!fz_run)
		fuzz_host_crash("the machine did not start");
	fz_end(FUZZ_END_OFF);
}

_Noreturn void hal_reboot(void) { fz_end(FUZZ_END_OFF); }
