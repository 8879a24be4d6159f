/* SPDX-License-Identifier: MIT */
/* From main() to the kernel, and every way out. */
#include "host.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

bool host_want_stats;
static struct host_boot boot;
static bool started;
static char **saved_argv;

_Noreturn void host_exit(int status)
{
	static int leaving;

	/* One thread leaves; the others end with the process. */
	if (__atomic_exchange_n(&leaving, 1, __ATOMIC_ACQ_REL))
		for (;;)
			pause();
	tty_restore();
	if (started)
		stub_kill_all();
	if (host_want_stats)
		stats_print();
	fflush(NULL);
#ifdef EFT_HOST_COVERAGE
	exit(status);
#endif
	syscall(SYS_exit_group, status);	/* not through a sanitizer's wrapper, which waits for its locks */
	__builtin_unreachable();
}

_Noreturn void host_restart(void)
{
	sigset_t none;

	tty_restore();
	stub_kill_all();
	fflush(NULL);
	/* The other threads end here; children that are not yet waited for are the new program's. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	cpu_unpin();
	execv("/proc/self/exe", saved_argv);
	host_exit(EXIT_USAGE);
}

void host_console_log(const char *s, size_t n)
{
	/* A raw terminal needs the carriage return. */
	char buf[512];
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n' && tty_in)
			buf[k++] = '\r';
		buf[k++] = s[i];
		if (k >= sizeof(buf) - 2 || i + 1 == n) {
			if (write(STDERR_FILENO, buf, k) < 0 && errno != EINTR)
				return;		/* nobody listens */
			k = 0;
		}
	}
}

void host_entropy(void *buf, size_t n)
{
	char *p = buf;

	while (n) {
		ssize_t r = getrandom(p, n < 256 ? n : 256, 0);
		if (r > 0) {
			p += r;
			n -= (size_t)r;
		}
	}
}

static bool seccomp_works(void)
{
	uint32_t action = SECCOMP_RET_TRAP;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static uint64_t map_min(void)
{
	unsigned long long v = 0x10000;
	FILE *f = fopen("/proc/sys/vm/mmap_min_addr", "re");

	if (f) {
		if (fscanf(f, "%llu", &v) != 1)
			v = UINT64_MAX;
		fclose(f);
	}
	return v;
}

static void cpu0(void *arg)
{
	(void)arg;
	um_main(&boot);
}

int main(int argc, char **argv)
{
	struct options o;
	unsigned a, b, c, d;

	saved_argv = argv;
	prctl(PR_SET_TIMERSLACK, 1UL);	/* inherited by all threads: 20 us are 20 us, not 70 */
	options_parse(&o, argc, argv);
	host_want_stats = o.stats;
	time_init();
	tty_init();
	mem_init(o.mem, o.initrd);
	if (o.trap != 'p' && !seccomp_works()) {
		if (o.trap == 's')
			fatal("--trap=seccomp: %s", strerror(errno));
		fprintf(stderr, "eft: seccomp does not work here (%s): using ptrace, which is slower\n", strerror(errno));
		o.trap = 'p';
	}
	stub_init(o.trap == 'p');
	started = true;
	loop_init();
	devices_init(&o);
	boot.cmdline = options_cmdline(&o);
	boot.ram = host_ram;
	boot.ram_end = host_ram_end;
	if (o.initrd)
		boot.initrd = mem_load_initrd(o.initrd, &boot.initrd_size);
	boot.cpus = o.cpus;
	boot.trap_ptrace = o.trap == 'p';
	boot.patch = o.patch;
	boot.spin = o.spin;
	boot.yield = o.yield;
	boot.answer = o.answer;
	boot.keep = o.keep;
	boot.cpuid = o.cpuid;
	if (boot.cpuid == 'f' && syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1))	/* as it is: only whether that can be said */
		boot.cpuid = 'w';
	boot.map_min = map_min();
	boot.xsave_size = 512;
	if (__get_cpuid_count(0xd, 0, &a, &b, &c, &d))
		boot.xsave_size = b;
	boot.hwcap = getauxval(AT_HWCAP);
	boot.hwcap2 = getauxval(AT_HWCAP2);
	boot.min_sigstack = getauxval(AT_MINSIGSTKSZ);
	if (!boot.min_sigstack)
		boot.min_sigstack = 2048 + boot.xsave_size;
	boot.host_cpus = cpu_init(o.cpus, o.pin);
	tty_raw();
	loop_start();
	if (host_cpu_start(0, cpu0, NULL))
		fatal("cannot start a thread: %s", strerror(errno));
	stub_wait_loop();
}

/* The kernel's stacks and signal stacks are its own affair. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "use_sigaltstack=0:detect_leaks=0:symbolize=0:handle_segv=1:allocator_may_return_null=1"; }
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "report_signal_unsafe=0:handle_segv=0:symbolize=0"; }
