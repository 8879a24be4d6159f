/* SPDX-License-Identifier: MIT */
/* The table of targets, and those whose input is a program of system calls. */
#include <string.h>
#include "engine.h"
#include "program/program.h"
#include "programs.h"
#include "target_diff.h"
#include "target_elf.h"
#include "target_ext2.h"
#include "target_parsers.h"
#include "target_tty.h"
#include "target_virtio.h"

static uint64_t syscalls_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .schedule = FUZZ_FAIR };

	programs_run(data, size, &r);
	return r.trace;
}

static uint64_t syscalls_mt_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .schedule = programs_flags(data, size) & 1 ? FUZZ_RANDOM : FUZZ_PCT };

	programs_run(data, size, &r);
	return r.trace;
}

static uint64_t fail_one(const uint8_t *data, size_t size)
{
	struct fuzz_run r = { .fail = true };

	programs_run(data, size, &r);
	return r.trace;
}

static bool mt_allowed(const struct syscall_desc *d) { return d->level != LEVEL_ABSENT; }

/* Sockets, and what is done with descriptors. */
static bool unix_allowed(const struct syscall_desc *d)
{
	static const char *const names[] = { "socket", "socketpair", "bind", "listen", "accept", "accept4", "connect", "getsockname",
		"getpeername", "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown", "setsockopt", "getsockopt",
		"read", "write", "readv", "writev", "close", "dup", "dup2", "fcntl", "ioctl", "poll", "epoll_create1", "epoll_ctl",
		"epoll_wait", "fork", "clone", "unlink", "pipe2", "sendfile", "splice", "exit", "mkdir", "chdir" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(d->name, names[i]))
			return true;
	return false;
}

static const struct fuzz_choice unix_choice = { .allowed = unix_allowed, .max_calls = 24, .streams = 3, .races = 5 };
static const struct fuzz_choice mt_choice = { .allowed = mt_allowed, .max_calls = 24, .streams = 3, .races = 40 };
static void mt_init(void) { programs_choose(&mt_choice); }
static void unix_init(void) { programs_choose(&unix_choice); }

#define PROGRAM .mutate = programs_mutate, .cross = programs_cross, .print = programs_print, .print_c = programs_print_c
const struct fuzz_target fuzz_targets[] = {
	{ .name = "syscalls", .what = "programs of system calls", .cpus = 1, .one = syscalls_one, PROGRAM },
	{ .name = "syscalls-mt", .what = "programs of several tasks on two CPUs, schedules from the input", .cpus = 2, .one = syscalls_mt_one, .init = mt_init, PROGRAM },
	{ .name = "fail", .what = "programs whose allocations fail here and there", .cpus = 1, .one = fail_one, PROGRAM },
	{ .name = "unix", .what = "programs of sockets and what is done with descriptors", .cpus = 1, .one = syscalls_one, .init = unix_init, PROGRAM },
	{ .name = "virtio", .what = "programs on devices that lie", .cpus = 1, .one = virtio_one, .init = virtio_init, .mutate = virtio_mutate, .print = virtio_print },
	{ .name = "ext2", .what = "a file system whose maker means harm, mounted and used", .cpus = 1, .one = ext2_one, .init = ext2_init, .mutate = ext2_mutate,
		.print = ext2_print },
	{ .name = "elf", .what = "a file that is executed", .cpus = 1, .one = elf_one, .mutate = elf_mutate, .print = elf_print },
	{ .name = "tty", .what = "a pseudo terminal: what is typed, printed and set", .cpus = 1, .one = tty_one, .print = tty_print },
	{ .name = "fdt", .what = "a device tree, as the AArch64 port reads it", .one = fdt_one, .mutate = fdt_mutate, .init = parsers_init },
	{ .name = "acpi", .what = "a PC's ACPI tables, as the x86-64 port reads them", .one = acpi_one, .mutate = acpi_mutate, .init = parsers_init },
	{ .name = "boot", .what = "what a boot loader says to the x86-64 port", .one = boot_one, .mutate = boot_mutate, .init = parsers_init },
	{ .name = "diff", .what = "programs on the host's Linux and on Eft", .cpus = 1, .one = diff_one, .init = diff_init, PROGRAM },
	{ 0 }
};
