/* SPDX-License-Identifier: MIT */
/*
 * Start-up, as a table of contents: memory, scheduler, file systems, drivers,
 * the other CPUs, the root file system, init.
 *
 * Command line: root=DEVICE (default /dev/vda; /dev/ram0 if the loader gave a RAM disk), rootfstype=, ro, init=PATH, rdinit=PATH,
 * console=NAME, loglevel=N, maxcpus=N, strace, ktest[=PATTERN], boot_timeout=SECONDS, oops=KIND.
 */
#include <hal/hal.h>
#include <kernel/block.h>
#include <kernel/cmdline.h>
#include <kernel/crash.h>
#include <kernel/device.h>
#include <kernel/fs_init.h>
#include <kernel/initrd.h>
#include <kernel/errno.h>
#include <kernel/ktest.h>
#include <kernel/pagecache.h>
#include <kernel/ipc_init.h>
#include <kernel/power.h>
#include <kernel/klog.h>
#include <kernel/string.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <kernel/vm.h>
#include "sched/sched_internal.h"

enum { INIT_ARGS_MAX = 256, INIT_ARG_BYTES = 4096, BOOT_FAILED = 102, BOOT_TIMEOUT_S = 60 };

static uint64_t option_number(const char *key, uint64_t otherwise)
{
	char buf[24];
	uint64_t v;

	return cmdline_get(key, buf, sizeof(buf)) && !parse_u64(buf, 0, &v) ? v : otherwise;
}

enum { LOG_LINE = 256 };

/* Reads the log to its end; the last record's text stays in line. */
static void log_end(struct klog_cursor *c, char line[LOG_LINE])
{
	struct klog_record r;

	line[0] = 0;
	while (klog_next(c, &r, line, LOG_LINE - 1))
		line[MIN(r.len, (unsigned)LOG_LINE - 1)] = 0;
}

/* What no user can repair from inside: say why in one line, and end with a status that shows it. */
static _Noreturn void boot_failed(const char *what, const char *which, int err)
{
	static const struct { int err; const char *why; } reasons[] = {
		{ -ENOENT, "there is no such file" }, { -ENODEV, "there is no such device" }, { -ENXIO, "there is no such device" },
		{ -EIO, "it cannot be read, or is cut short" }, { -EINVAL, "it is not a file system of this type" },
		{ -EUCLEAN, "the file system is damaged" }, { -ENOMEM, "there is too little memory" }, { -EACCES, "it is not executable" },
		{ -ENOEXEC, "it is not a program for this CPU" }, { -E2BIG, "the arguments are too long" },
	};
	const char *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].err == err)
			why = reasons[i].why;
	if (why)
		klog(KLOG_EMERG, "eft: %s %s: %s", what, which, why);
	else
		klog(KLOG_EMERG, "eft: %s %s: error %d", what, which, -err);
	hal_poweroff(BOOT_FAILED);
}

/* A disk that never answers must not leave a machine that hangs without a word. */
static struct ktimer late;
static void boot_late(struct ktimer *t)
{
	(void)t;
	klog(KLOG_EMERG, "eft: a disk does not answer (boot_timeout=0 waits for ever)");
	hal_poweroff(BOOT_FAILED);
}

static void late_arm(void)
{
	uint64_t s = option_number("boot_timeout", BOOT_TIMEOUT_S);

	ktimer_init(&late, boot_late);
	if (s)
		ktimer_arm(&late, hal_time_mono_ns() + s * NSEC_PER_SEC);
}

static void start_cpus(void)
{
	uint64_t max = option_number("maxcpus", HAL_CPUS);

	for (unsigned i = 1; i < hal_boot_info()->cpus && i < max; i++) {
		int err = sched_start_cpu(i);

		if (err)
			klog_warn("cpu %u did not start (%d)", i, -err);
	}
}

static void mount_dev(void)
{
	int err = vfs_mount("devfs", "/dev", "devfs", 0, NULL);

	if (err)
		klog_warn("no /dev on the root file system (%d)", -err);
}

/* An archive from the loader is the root file system, as Linux's initramfs: no disk is needed, and init is /init. */
static void unpack_root(void)
{
	int err = vfs_mount_root("rootfs", "tmpfs", 0);

	if (!err)
		err = initramfs_unpack();
	if (err == -EINVAL) {		/* which the log says more about */
		klog(KLOG_EMERG, "eft: cannot unpack the initial RAM disk");
		hal_poweroff(BOOT_FAILED);
	}
	if (err)
		boot_failed("cannot unpack", "the initial RAM disk", err);
	(void)vfs_mkdir(AT_FDCWD, "/dev", 0755);
	mount_dev();
}

static void mount_root(void)
{
	char root[64] = "/dev/vda", type[16] = "ext2";
	unsigned flags = cmdline_has("ro") ? MS_RDONLY : 0;
	char said[LOG_LINE];
	struct klog_cursor seen = { 0 };
	int err;

	if (initrd_kind() == INITRD_DISK)
		strlcpy(root, "/dev/ram0", sizeof(root));
	cmdline_get("root", root, sizeof(root));
	cmdline_get("rootfstype", type, sizeof(type));
	log_end(&seen, said);
	err = vfs_mount_root(root, type, flags);
	if (err)
		log_end(&seen, said);
	else
		said[0] = 0;
	if (said[0]) {	/* the file system's own word says more than its error number */
		klog(KLOG_EMERG, "eft: cannot mount the root file system %s: %s", root, said);
		hal_poweroff(BOOT_FAILED);
	}
	if (err)
		boot_failed("cannot mount the root file system", root, err);
	mount_dev();
}

/* `ktest` or `ktest=PATTERN`: the kernel's tests instead of init. */
static void run_ktest(void)
{
	char pattern[64] = "";
	int failed;

	if (!cmdline_get("ktest", pattern, sizeof(pattern)) && !cmdline_has("ktest"))
		return;
	ktimer_cancel_sync(&late);
	failed = ktest_run(pattern);
	hal_poweroff(failed ? 1 : 0);
}

static void start_init(void)
{
	static const char *const envp[] = { "HOME=/", "TERM=linux", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	const char **argv = kzalloc((INIT_ARGS_MAX + 2) * sizeof(*argv), 0);
	char path[256] = "/sbin/init", *buf = kmalloc(INIT_ARG_BYTES, 0);
	unsigned n = 0;
	int err;

	if (!argv || !buf)
		boot_failed("cannot start", path, -ENOMEM);
	if (initrd_kind() == INITRD_ARCHIVE) {
		strlcpy(path, "/init", sizeof(path));
		cmdline_get("rdinit", path, sizeof(path));
	} else {
		cmdline_get("init", path, sizeof(path));
	}
	argv[n++] = path;
	for (unsigned i = 0; cmdline_init_arg(i, buf, INIT_ARG_BYTES); i++) {
		if (n > INIT_ARGS_MAX || !(argv[n] = kstrdup(buf, 0)))
			boot_failed("cannot pass arguments to", path, n > INIT_ARGS_MAX ? -E2BIG : -ENOMEM);
		n++;
	}
	err = process_start_init(path, argv, envp);
	if (err)
		boot_failed("cannot start", path, err);
	for (unsigned i = 1; i < n; i++)
		kfree((void *)(uintptr_t)argv[i]);
	kfree(argv);
	kfree(buf);
}

/* The rest of the start, in a thread that may sleep. */
static void boot_thread(void *arg)
{
	int err;

	(void)arg;
	work_start();
	rcu_start();
	start_cpus();
	vfs_init();
	block_init();
	socket_init();
	epoll_init();
	timerfd_init();
	sysv_init();
	mqueue_init();
	tty_init();
	pagecache_init();
	ext2_init();
	if (initrd_kind() == INITRD_DISK && (err = ramdisk_init()) != 0)
		klog_warn("no /dev/ram0 (%d)", -err);
	late_arm();
	drivers_init();
	run_ktest();
	if (initrd_kind() == INITRD_ARCHIVE)
		unpack_root();
	else
		mount_root();
	klog_info("%u CPUs, init starts", cpu_count);
	start_init();
	ktimer_cancel_sync(&late);
	crash_if_asked();
}

enum { MIN_PAGES = 384 };	/* the kernel's own tables, a process and its program fit in little more */

_Noreturn void kernel_main(void)
{
	struct mem_info mem;

	sched_early_init();
	klog_console_level((enum klog_level)option_number("loglevel", KLOG_WARN));
	syscall_watch = cmdline_has("strace") ? SYSCALL_STRACE : 0;
	page_init();
	mem_info_get(&mem);
	if (mem.free_pages < MIN_PAGES)
		panic("not enough memory: %llu KiB are free, %u are needed", (unsigned long long)(mem.free_pages * PAGE_SIZE >> 10), (unsigned)(MIN_PAGES * PAGE_SIZE >> 10));
	slab_init();
	sched_init();
	vm_init();
	task_init();
	klog_info("Eft, %s", hal_boot_info()->cmdline);
	if (!kthread_create(boot_thread, NULL, "boot"))
		panic("no memory for the first thread");
	sched_idle();
}

_Noreturn void kernel_cpu_main(unsigned cpu)
{
	sched_init_cpu(cpu);
}
