/* SPDX-License-Identifier: MIT */
/*
 * Traps: the descriptor table, what happens when the kernel itself traps, and
 * the backtrace.  Traps of user code end hal_user_run(): see user.c.
 *
 * The kernel may fault in two places, both listed in the exception table: user
 * copies and the loads of a backtrace.  Anything else is a bug of ours: an oops.
 */
#include <kernel/print.h>
#include <kernel/string.h>
#include "cpu.h"

struct gate { uint16_t offset0, sel; uint8_t ist, type; uint16_t offset1; uint32_t offset2, zero; };
static struct gate idt[256];
static bool idt_ready;

extern const char trap_stubs[], trap_nmi[], trap_df[], trap_mc[];
extern const char image_start[], text_end[];
extern const struct ex_entry { uint64_t insn, fixup; } ex_table_start[], ex_table_end[];
extern bool load_safe(uint64_t *out, uint64_t addr);

void trap_in_kernel(unsigned vector, struct kframe *f) NO_TSA;
void trap_ist(unsigned vector, struct kframe *f);

static const char *const names[32] = {
	"divide error", "debug trap", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode",
	"no FP unit", "double fault", "coprocessor overrun", "invalid TSS", "segment not present",
	"stack segment fault", "general protection fault", "page fault", "trap 15", "FP error",
	"alignment check", "machine check", "SIMD FP error", "virtualization exception", "control protection",
};

static void gate_set(unsigned vector, const char *target, unsigned ist, unsigned dpl)
{
	uint64_t a = (uint64_t)target;

	idt[vector] = (struct gate){ .offset0 = (uint16_t)a, .sel = SEL_KCODE, .ist = (uint8_t)ist,
		.type = (uint8_t)(0x8e | dpl << 5), .offset1 = (uint16_t)(a >> 16), .offset2 = (uint32_t)(a >> 32) };
}

void trap_init(void)
{
	struct PACKED { uint16_t limit; uint64_t base; } idtr = { sizeof(idt) - 1, (uint64_t)idt };

	if (!idt_ready) {
		for (unsigned v = 0; v < 256; v++)
			gate_set(v, trap_stubs + 16 * v, 0, v == 3 || v == 4 ? 3 : 0);
		gate_set(2, trap_nmi, 1, 0);
		gate_set(8, trap_df, 3, 0);
		gate_set(18, trap_mc, 2, 0);
		idt_ready = true;
	}
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

static bool fixup(struct kframe *f)
{
	for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
		if (e->insn == f->rip) {
			f->rip = e->fixup;
			return true;
		}
	return false;
}

static _Noreturn void oops(unsigned vector, const struct kframe *f, uint64_t addr)
{
	const char *what = vector < 32 && names[vector] ? names[vector] : "trap";
	static char text[900];
	static bool once;

	if (__atomic_exchange_n(&once, true, __ATOMIC_RELAXED))
		hal_cpu_stop();
	ksnprintf(text, sizeof(text), "\n%s, error %#llx, CPU %u\n"
		" rax %016llx rbx %016llx rcx %016llx rdx %016llx\n"
		" rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n"
		" r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n"
		" r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n"
		" rip %016llx flags %08llx cr2 %016llx cr3 %llx\n",
		what, (unsigned long long)f->error, pcpu()->id,
		(unsigned long long)f->rax, (unsigned long long)f->rbx, (unsigned long long)f->rcx, (unsigned long long)f->rdx,
		(unsigned long long)f->rsi, (unsigned long long)f->rdi, (unsigned long long)f->rbp, (unsigned long long)f->rsp,
		(unsigned long long)f->r8, (unsigned long long)f->r9, (unsigned long long)f->r10, (unsigned long long)f->r11,
		(unsigned long long)f->r12, (unsigned long long)f->r13, (unsigned long long)f->r14, (unsigned long long)f->r15,
		(unsigned long long)f->rip, (unsigned long long)f->rflags,
		(unsigned long long)read_cr2(), (unsigned long long)read_cr3());
	hal_console_write(text, strlen(text));
	kernel_oops(what, f->rip, f->rbp, addr);
}

void trap_in_kernel(unsigned vector, struct kframe *f)
{
	uint64_t cr2;

	if (vector >= 32) {
		irq_dispatch(vector);
		return;
	}
	cr2 = vector == 14 ? read_cr2() : 0;
	if ((vector == 14 || vector == 13 || vector == 12) && fixup(f))
		return;
	oops(vector, f, cr2);
}

void trap_ist(unsigned vector, struct kframe *f)
{
	/* Nobody sends NMIs but a person with a button: show where the machine is. */
	oops(vector, f, vector == 8 ? read_cr2() : 0);
}

unsigned hal_backtrace(uintptr_t fp, uintptr_t *pc, unsigned max)
{
	unsigned n = 0;

	if (!fp)
		fp = (uintptr_t)__builtin_frame_address(0);
	while (n < max) {
		uint64_t next, ret;

		if (fp & 7 || fp < DIRECT_BASE || !load_safe(&next, fp) || !load_safe(&ret, fp + 8))
			break;
		if (ret < (uintptr_t)image_start || ret >= (uintptr_t)text_end)
			break;
		pc[n++] = ret;
		if (next <= fp || next - fp > 0x10000)	/* stacks grow down: a caller's frame is above */
			break;
		fp = next;
	}
	return n;
}
