/* SPDX-License-Identifier: MIT */
/* In place of arch_guest/x86_64/insn.h, whose guard this has: the instructions that only a kernel may use do nothing, ports float high. */
#ifndef X86_INSN_H
#define X86_INSN_H
#include <stdbool.h>
#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v) { (void)port, (void)v; }
static inline void outw(uint16_t port, uint16_t v) { (void)port, (void)v; }
static inline void outl(uint16_t port, uint32_t v) { (void)port, (void)v; }
static inline uint8_t inb(uint16_t port) { return (uint8_t)(port == 0x3ff ? 0xa5 : 0xff); }
static inline uint16_t inw(uint16_t port) { return (void)port, UINT16_MAX; }
static inline uint32_t inl(uint16_t port) { return port == 0xcf8 ? 0x80000000 : UINT32_MAX; }
static inline uint64_t rdmsr(uint32_t msr) { return msr == 0x1b ? 0xfee00900 : 0; }
static inline void wrmsr(uint32_t msr, uint64_t v) { (void)msr, (void)v; }
static inline uint64_t rdtsc(void) { return 0; }
static inline void cpu_pause(void) { }
static inline void wbinvd(void) { }
enum { FLAGS_TF = 1 << 8, FLAGS_IF = 1 << 9, FLAGS_RF = 1 << 16, FLAGS_AC = 1 << 18 };
static inline unsigned long flags_save_cli(void) { return 0; }
static inline void flags_restore(unsigned long f) { (void)f; }
struct leaf_lock { bool held; };
static inline unsigned long leaf_lock(struct leaf_lock *l) { return l->held = true, 0; }
static inline void leaf_unlock(struct leaf_lock *l, unsigned long f) { (void)f, l->held = false; }
#endif
