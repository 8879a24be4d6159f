/* SPDX-License-Identifier: MIT */
#ifndef ABI_AARCH64_H
#define ABI_AARCH64_H
#include <stdbool.h>
#include <stdint.h>
/* EL0, AArch64, no exception masked. */
bool abi_pstate_valid(uint64_t pstate);
#endif
