/* SPDX-License-Identifier: MIT */
/* Prototypes of the handlers, from the table: one that disagrees with its row does not compile. */
#ifndef SYSCALL_IMPL_H
#define SYSCALL_IMPL_H
#include <abi/fs.h>
#include <kernel/errno.h>
#include <kernel/syscall.h>

#define DECL_(t, n, k, x) t n
#define DECL(a) DECL_ a
#define SYSCALL0(f, nr, lv, note) long sys_##f(void);
#define SYSCALL1(f, nr, lv, note, A) long sys_##f(DECL(A));
#define SYSCALL2(f, nr, lv, note, A, B) long sys_##f(DECL(A), DECL(B));
#define SYSCALL3(f, nr, lv, note, A, B, C) long sys_##f(DECL(A), DECL(B), DECL(C));
#define SYSCALL4(f, nr, lv, note, A, B, C, D) long sys_##f(DECL(A), DECL(B), DECL(C), DECL(D));
#define SYSCALL5(f, nr, lv, note, A, B, C, D, E) long sys_##f(DECL(A), DECL(B), DECL(C), DECL(D), DECL(E));
#define SYSCALL6(f, nr, lv, note, A, B, C, D, E, F) long sys_##f(DECL(A), DECL(B), DECL(C), DECL(D), DECL(E), DECL(F));
#include "syscall/syscalls.def"
#include "syscall/undef_rows.h"
#undef DECL_
#undef DECL

/* NAME_supported: the flags of a set that are implemented; a handler refuses the others. */
#define FLAG(n, v, s) | ((s) ? (uint64_t)(v) : 0)
#define FLAGSET(n, m) static const uint64_t n##_supported UNUSED = 0 m;
#include "syscall/flags.def"
#undef FLAG
#undef FLAGSET
#endif
