/* SPDX-License-Identifier: MIT */
#ifndef AARCH64_TRAP_H
#define AARCH64_TRAP_H
#include <hal/thread.h>
#include <abi/regs.h>
/* A synchronous exception from EL0; what it changes in r is part of the answer. */
enum hal_trap trap_from_user(struct abi_regs *r, struct hal_trap_info *info, uint64_t esr, uint64_t far);
#endif
