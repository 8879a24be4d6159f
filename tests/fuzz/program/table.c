/* SPDX-License-Identifier: MIT */
/*
 * The system-call table for programs: the rows of syscalls.def without their
 * handlers, layouts, and what calls return.  Made of the one list by the
 * preprocessor; offsets and the index by number are computed at the start.
 */
#include <string.h>
#include <abi/fs.h>
#include "program.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define FLAG(n, v, s) { v, #n, s },
#define FLAGSET(n, m) static const struct flag_name n[] = { m { 0, NULL, false } };
#include "syscall/flags.def"
#undef FLAG
#undef FLAGSET

#define NONE(x) NULL
#define NAMES_INT NONE
#define NAMES_UINT NONE
#define NAMES_LONG NONE
#define NAMES_SIZE NONE
#define NAMES_HEX NONE
#define NAMES_MODE NONE
#define NAMES_FD NONE
#define NAMES_DIRFD NONE
#define NAMES_PID NONE
#define NAMES_SIG NONE
#define NAMES_ADDR NONE
#define NAMES_PATH NONE
#define NAMES_STR NONE
#define NAMES_BUF_IN NONE
#define NAMES_BUF_OUT NONE
#define NAMES_IN NONE
#define NAMES_OUT NONE
#define NAMES_INOUT NONE
#define NAMES_STRV NONE
#define NAMES_ARRAY NONE
#define NAMES_LEN NONE
#define NAMES_ANY NONE
#define NAMES_TIMER NONE
#define NAMES_WATCH NONE
#define NAMES_IPC NONE
#define NAMES_PTR NONE
#define NAMES_TIME NONE
#define NAMES_ID NONE
#define NAMES_PAD NONE
#define NAMES_FLAGS(x) x
#define NAMES_ENUM(x) x

#define DESC_(t, n, k, x) { #t, #n, ARG_##k, #x, NAMES_##k(x) },
#define DESC(a) DESC_ a
#define NR(x, a) x, a
#define NR_X86(x) x, -1
#define ROW(f, x, a, lv, note, n, ...) { #f, NULL, x, a, LEVEL_##lv, note, n, { __VA_ARGS__ } },
#define ROW_(...) ROW(__VA_ARGS__)
#define SYSCALL0(f, nr, lv, note) ROW_(f, nr, lv, note, 0)
#define SYSCALL1(f, nr, lv, note, A) ROW_(f, nr, lv, note, 1, DESC(A))
#define SYSCALL2(f, nr, lv, note, A, B) ROW_(f, nr, lv, note, 2, DESC(A) DESC(B))
#define SYSCALL3(f, nr, lv, note, A, B, C) ROW_(f, nr, lv, note, 3, DESC(A) DESC(B) DESC(C))
#define SYSCALL4(f, nr, lv, note, A, B, C, D) ROW_(f, nr, lv, note, 4, DESC(A) DESC(B) DESC(C) DESC(D))
#define SYSCALL5(f, nr, lv, note, A, B, C, D, E) ROW_(f, nr, lv, note, 5, DESC(A) DESC(B) DESC(C) DESC(D) DESC(E))
#define SYSCALL6(f, nr, lv, note, A, B, C, D, E, F) ROW_(f, nr, lv, note, 6, DESC(A) DESC(B) DESC(C) DESC(D) DESC(E) DESC(F))
static const struct syscall_desc rows[] = {
#include "syscall/syscalls.def"
};
#include "syscall/undef_rows.h"

/* Offsets are filled in by layout(). */
#define FIELD(t, n, k, x, c) { #t, #n, 0, sizeof(t), c, ARG_##k, #x, NAMES_##k(x) },
#define STRUCT(s, f) static struct fuzz_field fields_##s[] = { f };
#include "syscall/structs.def"
#undef STRUCT
#define STRUCT(s, f) { #s, 0, COUNT(fields_##s), fields_##s },
static struct fuzz_struct structs[] = {
#include "syscall/structs.def"
};
static struct fuzz_field *const fields[] = {
#undef STRUCT
#define STRUCT(s, f) fields_##s,
#include "syscall/structs.def"
};

#define RETURNS(f, k, x) { #f, ARG_##k, #x },
static const struct { const char *call; enum arg_kind kind; const char *aux; } returns[] = {
#include "syscall/results.def"
};


static uint16_t by_number[FUZZ_NUMBERS];	/* 1 + row */
static uint8_t by_row[COUNT(rows)];	/* 1 + what it returns */
static int8_t gives[COUNT(rows)];	/* 1 + argument */

/* By name: making a program asks for layouts and rows thousands of times. */
enum { NAME_SLOTS = 2048 };	/* more than twice as many as there are of either */
static uint16_t struct_slots[NAME_SLOTS], row_slots[NAME_SLOTS];	/* 1 + index; open addressing */
_Static_assert(COUNT(structs) * 2 < NAME_SLOTS && COUNT(rows) * 2 < NAME_SLOTS, "room for the names");

static unsigned name_slot(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return (h ^ h >> 15) % NAME_SLOTS;
}

static const struct fuzz_struct *fuzz_struct_in(const char *name)
{
	for (unsigned s = name_slot(name); struct_slots[s]; s = (s + 1) % NAME_SLOTS)
		if (!strcmp(structs[struct_slots[s] - 1].name, name))
			return &structs[struct_slots[s] - 1];
	return NULL;
}

static bool gives_something(const struct fuzz_struct *s)
{
	if (!s)
		return false;
	if (s->fields[0].kind == ARG_ADDR)
		return s->nfields == 1;
	return s->fields[0].size == 4 && (s->fields[0].kind == ARG_FD || s->fields[0].kind == ARG_TIMER || s->fields[0].kind == ARG_PID);
}

static void name_add(uint16_t *slots, const char *name, size_t i)
{
	unsigned s = name_slot(name);

	while (slots[s])
		s = (s + 1) % NAME_SLOTS;
	slots[s] = (uint16_t)(i + 1);
}

__attribute__((constructor)) static void layout(void)
{
	for (size_t i = 0; i < COUNT(structs); i++) {
		unsigned off = 0, align = 1;

		name_add(struct_slots, structs[i].name, i);
		for (unsigned k = 0; k < structs[i].nfields; k++) {
			struct fuzz_field *f = &fields[i][k];

			off = (off + f->size - 1) & ~(f->size - 1u);
			align = f->size > align ? f->size : align;
			f->off = (uint16_t)off;
			off += (unsigned)f->size * f->count;
		}
		structs[i].size = (uint16_t)((off + align - 1) & ~(align - 1));
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		name_add(row_slots, rows[i].name, i);
		if (rows[i].x86_64 >= 0 && rows[i].x86_64 < FUZZ_NUMBERS)
			by_number[rows[i].x86_64] = (uint16_t)(i + 1);
		for (size_t k = 0; k < COUNT(returns); k++)
			if (!strcmp(returns[k].call, rows[i].name))
				by_row[i] = (uint8_t)(k + 1);
		for (unsigned a = rows[i].nargs; a-- > 0;)
			if (rows[i].args[a].kind == ARG_OUT && gives_something(fuzz_struct_in(rows[i].args[a].aux)))
				gives[i] = (int8_t)(a + 1);
	}
}

const struct syscall_desc *fuzz_row(unsigned nr)
{
	return nr < FUZZ_NUMBERS && by_number[nr] ? &rows[by_number[nr] - 1] : NULL;
}

const struct syscall_desc *fuzz_row_at(size_t i)
{
	return i < COUNT(rows) ? &rows[i] : NULL;
}

int fuzz_gives(unsigned nr)
{
	return nr < FUZZ_NUMBERS && by_number[nr] ? gives[by_number[nr] - 1] - 1 : -1;
}

bool fuzz_gives_wide(unsigned nr)
{
	int a = fuzz_gives(nr);

	return a >= 0 && fuzz_struct_in(fuzz_row(nr)->args[a].aux)->fields[0].kind == ARG_ADDR;
}

size_t fuzz_rows(void) { return COUNT(rows); }

const struct syscall_desc *fuzz_row_named(const char *name)
{
	for (unsigned s = name_slot(name); row_slots[s]; s = (s + 1) % NAME_SLOTS)
		if (!strcmp(rows[row_slots[s] - 1].name, name))
			return &rows[row_slots[s] - 1];
	return NULL;
}

const struct fuzz_struct *fuzz_struct_find(const char *name)
{
	return fuzz_struct_in(name);
}

enum arg_kind fuzz_returns(const struct syscall_desc *d, const char **aux)
{
	unsigned k;

	k = by_row[d - rows];
	if (aux)
		*aux = k ? returns[k - 1].aux : "_";
	return k ? returns[k - 1].kind : ARG_INT;
}

bool fuzz_kind_points(enum arg_kind k)
{
	switch (k) {
	case ARG_PATH: case ARG_STR: case ARG_STRV: case ARG_BUF_IN: case ARG_BUF_OUT: case ARG_IN: case ARG_OUT: case ARG_INOUT:
	case ARG_ARRAY: case ARG_ANY: case ARG_PTR:
		return true;
	default:
		return false;
	}
}

enum fuzz_dir fuzz_kind_dir(enum arg_kind k)
{
	switch (k) {
	case ARG_BUF_OUT: case ARG_OUT: return FUZZ_OUT;
	case ARG_INOUT: case ARG_ARRAY: case ARG_ANY: case ARG_PTR: return FUZZ_INOUT;
	default: return FUZZ_IN;
	}
}
