/* SPDX-License-Identifier: MIT */
/* Classic BPF: programs that look at a block of words and return a number (bpf(4), linux/filter.h). */
#ifndef LIB_CBPF_H
#define LIB_CBPF_H
#include <kernel/compiler.h>
#include <stdint.h>

enum { CBPF_MAX_INSNS = 4096 };
struct cbpf_insn { uint16_t code; uint8_t jt, jf; uint32_t k; };	/* struct sock_filter */

/*
 * May this run over `words' 32-bit words?  0, -EINVAL (an unknown or forbidden instruction, a jump to outside, a division
 * by zero, a shift of 32 or more, a load outside of the data or of a cell that may not have been stored, no return at
 * the end), -ENOMEM.  May sleep.
 */
int cbpf_check(const struct cbpf_insn *insns, unsigned n, unsigned words) MUST_CHECK;
/* Runs a checked program: it ends, as jumps only go forward.  Returns what it returns; 0 when it divides by zero.  Any context. */
uint32_t cbpf_run(const struct cbpf_insn *insns, const uint32_t *data, unsigned words);
#endif
