/* SPDX-License-Identifier: MIT */
/*
 * Classic BPF, as seccomp filters use it: an accumulator A, an index X, sixteen
 * cells M[], loads of aligned words at fixed places, arithmetic without
 * remainder, jumps forward.  What packet filters have besides (loads of bytes,
 * at X, of the packet's length field) is refused by the check, as Linux
 * refuses it in a seccomp filter.
 *
 * A program is checked once, and then run without a look: cells are followed
 * along every path, so that none is read before it was written.
 */
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include "cbpf.h"

enum { LD = 0, LDX = 1, ST = 2, STX = 3, ALU = 4, JMP = 5, RET = 6, MISC = 7 };
enum { W = 0, IMM = 0, ABS = 0x20, MEM = 0x60, LEN = 0x80 };
enum { ADD = 0, SUB = 0x10, MUL = 0x20, DIV = 0x30, OR = 0x40, AND = 0x50, LSH = 0x60, RSH = 0x70, NEG = 0x80, XOR = 0xa0 };
enum { JA = 0, JEQ = 0x10, JGT = 0x20, JGE = 0x30, JSET = 0x40 };
enum { K = 0, X = 8, A = 0x10, TAX = 0, TXA = 0x80, CELLS = 16 };

/* Does this instruction exist, and is its operand one that it may have?  The control flow is looked at apart. */
static bool insn_good(const struct cbpf_insn *i, unsigned words)
{
	switch (i->code) {
	case LD | W | ABS:
		return !(i->k & 3) && i->k / 4 < words;
	case LD | W | LEN: case LDX | W | LEN: case LD | IMM: case LDX | IMM:
	case RET | K: case RET | A: case MISC | TAX: case MISC | TXA:
	case ALU | ADD | K: case ALU | ADD | X: case ALU | SUB | K: case ALU | SUB | X: case ALU | MUL | K: case ALU | MUL | X:
	case ALU | OR | K: case ALU | OR | X: case ALU | AND | K: case ALU | AND | X: case ALU | XOR | K: case ALU | XOR | X:
	case ALU | DIV | X: case ALU | LSH | X: case ALU | RSH | X: case ALU | NEG:
	case JMP | JA: case JMP | JEQ | K: case JMP | JEQ | X: case JMP | JGT | K: case JMP | JGT | X:
	case JMP | JGE | K: case JMP | JGE | X: case JMP | JSET | K: case JMP | JSET | X:
		return true;
	case ALU | DIV | K:
		return i->k;
	case ALU | LSH | K: case ALU | RSH | K:
		return i->k < 32;
	case LD | MEM: case LDX | MEM: case ST: case STX:
		return i->k < CELLS;
	}
	return false;
}

/* Jumps stay inside, the last instruction returns, and what is loaded from a cell was stored on every way to there. */
static bool flow_good(const struct cbpf_insn *insns, unsigned n, uint16_t *stored)
{
	uint16_t now = 0;

	memset(stored, 0xff, n * sizeof(*stored));
	for (unsigned pc = 0; pc < n; pc++) {
		const struct cbpf_insn *i = &insns[pc];
		unsigned left = n - pc - 1;	/* instructions behind this one */

		now &= stored[pc];
		if (i->code == ST || i->code == STX) {
			now |= (uint16_t)(1u << i->k);
		} else if (i->code == (LD | MEM) || i->code == (LDX | MEM)) {
			if (!(now >> i->k & 1))
				return false;
		} else if (i->code == (JMP | JA)) {
			if (i->k >= left)
				return false;
			stored[pc + 1 + i->k] &= now;
			now = 0xffff;
		} else if ((i->code & 7) == JMP) {
			if (i->jt >= left || i->jf >= left)
				return false;
			stored[pc + 1 + i->jt] &= now;
			stored[pc + 1 + i->jf] &= now;
			now = 0xffff;
		}
	}
	return (insns[n - 1].code & 7) == RET;
}

int cbpf_check(const struct cbpf_insn *insns, unsigned n, unsigned words)
{
	uint16_t *stored;
	bool good;

	if (!n || n > CBPF_MAX_INSNS)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (!insn_good(&insns[i], words))
			return -EINVAL;
	stored = kmalloc(n * sizeof(*stored), 0);
	if (!stored)
		return -ENOMEM;
	good = flow_good(insns, n, stored);
	kfree(stored);
	return good ? 0 : -EINVAL;
}

static uint32_t alu(uint16_t code, uint32_t a, uint32_t b)
{
	switch (code & 0xf0) {
	case ADD: return a + b;
	case SUB: return a - b;
	case MUL: return a * b;
	case DIV: return a / b;
	case OR: return a | b;
	case AND: return a & b;
	case LSH: return a << (b & 31);
	case RSH: return a >> (b & 31);
	case XOR: return a ^ b;
	}
	return -a;
}

static bool jump(uint16_t code, uint32_t a, uint32_t b)
{
	switch (code & 0xf0) {
	case JEQ: return a == b;
	case JGT: return a > b;
	case JGE: return a >= b;
	}
	return a & b;
}

uint32_t cbpf_run(const struct cbpf_insn *i, const uint32_t *data, unsigned words)
{
	uint32_t a = 0, x = 0, cell[CELLS];

	for (;; i++) {
		uint32_t b = i->code & X ? x : i->k;

		switch (i->code & 7) {
		case LD:
			a = i->code == (LD | W | ABS) ? data[i->k / 4] : i->code == (LD | MEM) ? cell[i->k] : i->code == (LD | W | LEN) ? words * 4 : i->k;
			break;
		case LDX:
			x = i->code == (LDX | MEM) ? cell[i->k] : i->code == (LDX | W | LEN) ? words * 4 : i->k;
			break;
		case ST:
			cell[i->k] = a;
			break;
		case STX:
			cell[i->k] = x;
			break;
		case ALU:
			if ((i->code & 0xf0) == DIV && !b)
				return 0;
			a = alu(i->code, a, b);
			break;
		case JMP:
			if (i->code == (JMP | JA))
				i += i->k;
			else
				i += jump(i->code, a, b) ? i->jt : i->jf;
			break;
		case RET:
			return i->code == (RET | A) ? a : i->k;
		default:
			if (i->code == (MISC | TAX))
				x = a;
			else
				a = x;
		}
	}
}
