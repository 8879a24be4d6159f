/* SPDX-License-Identifier: MIT */
/*
 * The system calls as data.  The rows are in kernel/syscall/syscalls.def:
 * prototypes, dispatch for both number sets, flag validation, strace text and
 * documentation all come of them.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H
#include <hal/types.h>
#include <kernel/compiler.h>

enum syscall_level { LEVEL_ABSENT, LEVEL_PARTIAL, LEVEL_FULL };
enum arg_kind {
	ARG_INT, ARG_UINT, ARG_LONG, ARG_SIZE, ARG_HEX, ARG_MODE /* octal */, ARG_FD, ARG_DIRFD, ARG_PID, ARG_SIG,
	ARG_ADDR, ARG_PATH, ARG_STR, ARG_BUF_IN /* aux: length argument */, ARG_BUF_OUT, ARG_FLAGS /* aux: flag set */,
	ARG_ENUM, ARG_IN /* aux: struct */, ARG_OUT, ARG_INOUT, ARG_STRV,
	ARG_ARRAY /* of struct aux, read and written; the next argument is the number of elements */,
	ARG_LEN /* bytes of argument aux; aux sigset: 8 */, ARG_ANY /* a number or a pointer: another argument says which */,
	ARG_TIMER, ARG_WATCH, ARG_IPC /* identifiers: timer_create, inotify, System V (aux: sem, msg, shm) */,
	/* fields of structs only */
	ARG_PTR /* to bytes; aux: the field with the length */, ARG_TIME /* depends on the clock */,
	ARG_ID /* chosen by the machine: device and inode numbers, free space */, ARG_PAD /* not written */
};
struct flag_name { uint64_t bit; const char *name; bool supported; };
struct arg_desc { const char *type, *name; enum arg_kind kind; const char *aux; const struct flag_name *flags; };
struct syscall_desc {
	const char *name;
	long (*call)(const uint64_t *args);	/* NULL: absent */
	int x86_64, aarch64;			/* numbers, -1: not on that CPU */
	enum syscall_level level;
	const char *note;
	unsigned nargs;
	struct arg_desc args[6];
};
const struct syscall_desc *syscall_lookup(unsigned nr);	/* by this CPU's number; NULL: none */
const struct syscall_desc *syscall_by_index(size_t i);	/* NULL past the end */
/* Runs the call of current. -ENOSYS: unknown or absent. */
long syscall_dispatch(unsigned nr, const uint64_t *args);
bool syscall_is_strict(unsigned nr);	/* seccomp(2): strict mode leaves it */
/* strace text: the call; and its result ("= 3", "= -1 ENOENT"). */
size_t syscall_format_entry(char *out, size_t max, unsigned nr, const uint64_t *args);
size_t syscall_format_exit(char *out, size_t max, unsigned nr, const uint64_t *args, long result);
/* What else happens at each call: one word, so that nothing costs one test. */
enum { SYSCALL_STRACE = 1 /* cmdline `strace` */, SYSCALL_COUNT = 2 /* of processes that have count_calls set */ };
extern unsigned syscall_watch;
/* The counts: from now on zero, of current's process and what it forks; one more call; the calls of a row so far. */
void syscall_count_start(void);
void syscall_count(unsigned nr);
uint64_t syscall_counted(size_t index);
#endif
