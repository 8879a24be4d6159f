/* SPDX-License-Identifier: MIT */
/*
 * Target `elf`: the input is a byte that says how, and a file that is executed.
 *
 * The file is written to /tmp/x (and, if asked, is its own interpreter by the
 * name /tmp/i), executed, and when it is so much of a program that its entry
 * point is where the machine makes calls, a few calls look at what the kernel
 * made of it.  Otherwise the first instruction faults, and the kernel may
 * write a core file.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include "script.h"
#include "target_elf.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

enum { HOW_CORE = 1, HOW_ARGS = 2, HOW_INTERPRETER = 4, HOW_LOOK = 8, HOW_FORK = 16, HOW_SMALL_STACK = 32, FILE_MAX = 1 << 16, WRITE_MAX = 16384 };
enum { O_CREATE_WRONLY = 01 | 0100 | 01000, RLIMIT_STACK_ = 3, RLIMIT_CORE_ = 4 };

/* ---- run ---- */

static void put_file(const char *name, const uint8_t *p, size_t n)
{
	unsigned fd = script_call(0, NR_open, script_text(name), O_CREATE_WRONLY, 0755, 0, 0, 0);

	for (size_t at = 0; at < n; at += WRITE_MAX) {
		size_t part = n - at < WRITE_MAX ? n - at : WRITE_MAX;

		script_call(1, NR_write, fd, script_bytes(p + at, part), part, 0, 0, 0);
	}
	script_call(1, NR_close, fd, 0, 0, 0, 0, 0);
}

static void look(const char *file)
{
	unsigned fd = script_call(0, NR_open, script_text(file), 0, 0, 0, 0, 0);

	script_call(1, NR_read, fd, FUZZ_ARENA + 0x1000, 8192, 0, 0, 0);
	script_call(1, NR_close, fd, 0, 0, 0, 0, 0);
}

uint64_t elf_one(const uint8_t *data, size_t size)
{
	static uint64_t limit[2], argv[8];
	static char long_argument[3000];
	struct fuzz_run r = { .schedule = FUZZ_FAIR };
	uint8_t how = size ? data[0] : 0;
	uint64_t path, vector = 0;

	script_begin();
	if (how & (HOW_CORE | HOW_SMALL_STACK)) {
		limit[0] = how & HOW_CORE ? ~UINT64_C(0) : 16384;
		limit[1] = ~UINT64_C(0);
		script_call(0, NR_prlimit64, 0, how & HOW_CORE ? RLIMIT_CORE_ : RLIMIT_STACK_, script_bytes(limit, sizeof(limit)), 0, 0, 0);
	}
	if (size > 1) {
		put_file("/tmp/x", data + 1, size - 1 < FILE_MAX ? size - 1 : FILE_MAX);
		if (how & HOW_INTERPRETER)
			put_file("/tmp/i", data + 1, size - 1 < FILE_MAX ? size - 1 : FILE_MAX);
	}
	if (how & HOW_FORK)
		script_call(0, NR_fork, 0, 0, 0, 0, 0, 0);
	path = script_text("/tmp/x");
	if (how & HOW_ARGS) {
		memset(long_argument, 'A', sizeof(long_argument) - 1);
		argv[0] = script_text("x");
		argv[1] = script_text(long_argument);
		argv[2] = script_text("");
		argv[3] = argv[1];
		argv[4] = 0;
		vector = script_bytes(argv, 5 * sizeof(argv[0]));
	}
	script_call(0, NR_execve, path, vector, vector, 0, 0, 0);
	if (how & HOW_LOOK) {
		look("/proc/self/maps");
		look("/proc/self/auxv");
		look("/proc/self/cmdline");
		look("/proc/self/stat");
		script_call(0, NR_mmap, 0, 1 << 20, 3, 0x22, (uint64_t)-1, 0);
		script_call(0, 12 /* brk */, 0, 0, 0, 0, 0, 0);
		script_call(0, 12, FUZZ_ARENA + 0x200000, 0, 0, 0, 0, 0);
		script_call(0, NR_fork, 0, 0, 0, 0, 0, 0);
		script_call(0, NR_execve, script_text("/bin/prog"), 0, 0, 0, 0, 0);
	}
	r.seed = how + 1;
	r.count = how & 0x40;
	script_run(&r, NULL, 0);
	return r.trace;
}

/* ---- changes ---- */

static uint64_t rand_next(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
#define ODD(s, a) ((a)[rand_next(s) % (sizeof(a) / sizeof((a)[0]))])

static uint64_t address(uint64_t *s)
{
	static const uint64_t odd[] = { 0, 0x1000, 0x10000, 0x400000, 0x401000, 0x20000000, 0x20080000, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000,
		0xffffffffffffe000, 0x401123, 0x555555554000, 0x10000000 };
	static const uint64_t sizes[] = { 0, 1, 64, 4095, 4096, 4097, 8192, 65536, 0x80000, 0x100000, 0x7fffffff, 0xffffffff, 0x7fffffffffff, ~UINT64_C(0) };

	return rand_next(s) % 2 ? ODD(s, odd) : ODD(s, sizes) + (rand_next(s) % 4 ? 0 : rand_next(s) % 32) - (rand_next(s) % 8 ? 0 : 16);
}

/* A small program as the kernel likes it: code where the machine makes calls, an arena, a stack. */
static size_t make(uint8_t *out, size_t max, uint64_t *s)
{
	static const char interpreter[] = "/bin/prog";
	struct {
		Elf64_Ehdr e;
		Elf64_Phdr p[5];
		char interpreter[16];
		uint8_t code[64];
	} f = { .e = { .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1, .e_entry = FUZZ_PC, .e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phoff = sizeof(Elf64_Ehdr), .e_phnum = 4 } };

	if (max < sizeof(f) + 1)
		return 0;
	memcpy(f.e.e_ident, "\177ELF\2\1\1", 7);
	f.p[0] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x401000, .p_filesz = sizeof(f), .p_memsz = sizeof(f), .p_align = 4096 };
	f.p[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = FUZZ_ARENA, .p_filesz = 0, .p_memsz = FUZZ_ARENA_SIZE, .p_align = 4096 };
	f.p[2] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	f.p[3] = (Elf64_Phdr){ .p_type = rand_next(s) % 2 ? PT_INTERP : PT_NOTE, .p_offset = offsetof(__typeof__(f), interpreter), .p_filesz = sizeof(interpreter) };
	f.p[4] = (Elf64_Phdr){ .p_type = PT_PHDR, .p_offset = sizeof(Elf64_Ehdr), .p_vaddr = 0x401040, .p_filesz = 5 * sizeof(Elf64_Phdr), .p_memsz = 5 * sizeof(Elf64_Phdr) };
	memcpy(f.interpreter, interpreter, sizeof(interpreter));
	if (rand_next(s) % 2)
		f.e.e_type = ET_DYN;
	f.e.e_phnum = (uint16_t)(3 + rand_next(s) % 3);
	out[0] = (uint8_t)rand_next(s);
	memcpy(out + 1, &f, sizeof(f));
	return sizeof(f) + 1;
}

static void header_change(uint8_t *file, size_t n, uint64_t *s)
{
	static const uint16_t shorts[] = { 0, 1, 2, 3, 4, 55, 56, 57, 62, 64, 0x7fff, 0xffff, 183, 1000 };
	Elf64_Ehdr e;
	Elf64_Phdr p;
	size_t at;

	memcpy(&e, file, sizeof(e));
	if (rand_next(s) % 4 == 0) {
		switch (rand_next(s) % 8) {
		case 0: e.e_type = ODD(s, shorts); break;
		case 1: e.e_machine = ODD(s, shorts); break;
		case 2: e.e_entry = address(s); break;
		case 3: e.e_phoff = rand_next(s) % 2 ? rand_next(s) % (n + 1) : address(s); break;
		case 4: e.e_phentsize = ODD(s, shorts); break;
		case 5: e.e_phnum = rand_next(s) % 2 ? (uint16_t)(rand_next(s) % 8) : ODD(s, shorts); break;
		case 6: e.e_ident[rand_next(s) % 16] = (uint8_t)ODD(s, shorts); break;
		default: e.e_entry = FUZZ_PC; break;
		}
		memcpy(file, &e, sizeof(e));
		return;
	}
	at = e.e_phoff + rand_next(s) % (e.e_phnum ? (e.e_phnum < 8 ? e.e_phnum : 8) : 1) * sizeof(p);
	if (at > n || n - at < sizeof(p))
		return;
	memcpy(&p, file + at, sizeof(p));
	switch (rand_next(s) % 8) {
	case 0: {
		static const uint32_t types[] = { PT_NULL, PT_LOAD, PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS, PT_GNU_STACK, PT_GNU_PROPERTY };

		p.p_type = ODD(s, types);
		break;
	}
	case 1: p.p_flags = (uint32_t)(rand_next(s) % 9); break;
	case 2: p.p_offset = rand_next(s) % 2 ? rand_next(s) % (n + 1) : address(s); break;
	case 3: p.p_vaddr = address(s); break;
	case 4: p.p_filesz = rand_next(s) % 2 ? rand_next(s) % (n + 1) : address(s); break;
	case 5: p.p_memsz = address(s); break;
	case 6: p.p_align = rand_next(s) % 3 ? UINT64_C(1) << rand_next(s) % 64 : address(s); break;
	default: p.p_vaddr = (p.p_vaddr & ~UINT64_C(4095)) | (p.p_offset & 4095); break;
	}
	memcpy(file + at, &p, sizeof(p));
}

size_t elf_mutate(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint64_t s = seed;

	if (size < 8 || rand_next(&s) % 256 == 0) {
		size_t n = make(data, max, &s);

		if (n)
			return n;
	}
	if (rand_next(&s) % 16 == 0)
		data[0] ^= (uint8_t)(1u << rand_next(&s) % 7);
	if (rand_next(&s) % 3 == 0 || size < 1 + sizeof(Elf64_Ehdr))
		return LLVMFuzzerMutate(data, size, max);
	for (unsigned n = 1 + (unsigned)(rand_next(&s) % 3); n-- > 0;)
		header_change(data + 1, size - 1, &s);
	return size;
}

void elf_print(const uint8_t *data, size_t size)
{
	Elf64_Ehdr e;
	Elf64_Phdr p;

	printf("# how %#x, a file of %zu bytes\n", size ? data[0] : 0u, size ? size - 1 : 0);
	if (size < 1 + sizeof(e))
		return;
	memcpy(&e, data + 1, sizeof(e));
	printf("type %u machine %u entry %#llx phoff %#llx phentsize %u phnum %u\n", e.e_type, e.e_machine, (unsigned long long)e.e_entry,
		(unsigned long long)e.e_phoff, e.e_phentsize, e.e_phnum);
	for (unsigned i = 0; i < e.e_phnum; i++) {
		uint64_t at = e.e_phoff + i * sizeof(p);

		if (at > size - 1 || size - 1 - at < sizeof(p))
			break;
		memcpy(&p, data + 1 + at, sizeof(p));
		printf("type %#x flags %#x offset %#llx vaddr %#llx filesz %#llx memsz %#llx align %#llx\n", p.p_type, p.p_flags, (unsigned long long)p.p_offset,
			(unsigned long long)p.p_vaddr, (unsigned long long)p.p_filesz, (unsigned long long)p.p_memsz, (unsigned long long)p.p_align);
	}
}
