/* SPDX-License-Identifier: MIT */
/* Types of the contract.  The structs are the port's own: the kernel only holds pointers to them. */
#ifndef HAL_TYPES_H
#define HAL_TYPES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <kernel/tsa.h>

typedef uint64_t paddr_t;	/* physical address */
typedef uint64_t uaddr_t;	/* user address: an integer, so it cannot be dereferenced */

struct cpu;		/* the kernel's per-CPU data, <kernel/cpu.h> */
struct abi_regs;	/* a user thread's registers, <abi/regs.h> of the CPU */
struct hal_as;		/* a user address space, as the machine knows it */
struct hal_kctx;	/* a kernel thread that is not running */
struct hal_uctx;	/* a user thread's machine state */
#endif
