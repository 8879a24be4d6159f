/* SPDX-License-Identifier: MIT */
/*
 * Faults on purpose, so that the report of a real one can be tested: `oops=KIND`
 * on the command line breaks the kernel when init has been started, and
 * /proc/sysrq-trigger does what Linux's does (Documentation/admin-guide/sysrq.rst).
 *
 *	null   a store near address 0        exec   a jump into data
 *	stack  endless recursion             panic  panic()
 */
#include <hal/dev.h>
#include <kernel/cmdline.h>
#include <kernel/crash.h>
#include <kernel/power.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/vfs.h>

static NOINLINE void crash_null(void)
{
	static uintptr_t volatile where = 8;	/* the compiler must not know */

	*(volatile uint64_t *)where = 0x0dead;
}

static NOINLINE void crash_exec(void)
{
	static uint32_t data[16];
	void (*volatile fn)(void) = (void (*)(void))(uintptr_t)data;

	fn();
}

#ifdef __clang__
#pragma clang diagnostic ignored "-Winfinite-recursion"
#elif __GNUC__ >= 12
#pragma GCC diagnostic ignored "-Winfinite-recursion"
#endif
static NOINLINE unsigned crash_stack(unsigned depth)
{
	volatile uint8_t frame[256];

	frame[depth % 256] = (uint8_t)depth;
	return crash_stack(depth + 1) + frame[depth % 256];
}

void crash_if_asked(void)
{
	char kind[16];

	if (!cmdline_get("oops", kind, sizeof(kind)))
		return;
	if (!strcmp(kind, "null"))
		crash_null();
	else if (!strcmp(kind, "exec"))
		crash_exec();
	else if (!strcmp(kind, "stack"))
		(void)crash_stack(0);
	else
		panic("oops=%s", kind);
}

void sysrq(char key)
{
	switch (key) {
	case 'b':
		hal_reboot();
	case 'c':
		panic("sysrq triggered crash");
	case 'o':
		power_off(poweroff_status);
	case 's':
		vfs_sync();
		break;
	case '0' ... '9':
		klog_console_level((enum klog_level)(key - '0'));
		break;
	default:
		klog(KLOG_INFO, "sysrq: HELP : loglevel(0-9) reboot(b) crash(c) poweroff(o) sync(s)");
		break;
	}
}
