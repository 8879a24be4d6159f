/* SPDX-License-Identifier: MIT */
/*
 * ELF64 programs: System V ABI, "Program Loading"; elf(5), ld.so(8), getauxval(3).
 *
 * Everything is built in the new address space while the caller still has its
 * old one, so that a bad image costs the caller an errno and not its life.
 * An image is hostile: every offset, size and count is checked here or by
 * vm_mmap().
 *
 * Stack, from the top: 8 zero bytes, file name, environment strings, argument
 * strings, platform name, 16 random bytes; then aligned to 16 the auxiliary
 * vector, environment and argument pointers, argc, where sp points.
 */
#include <kernel/errno.h>
#include <kernel/file.h>
#include <kernel/random.h>
#include <kernel/vm.h>
#include "exec.h"
#include "task_impl.h"

enum { ET_EXEC = 2, ET_DYN = 3, PT_LOAD = 1, PT_INTERP = 3, PT_PHDR = 6, PT_GNU_STACK = 0x6474e551 };
enum { PF_X = 1, PF_W = 2, PF_R = 4 };
enum { PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4 };
enum { MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000, MAP_FIXED_NOREPLACE = 0x100000 };
enum { AT_NULL, AT_IGNORE, AT_EXECFD, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY, AT_NOTELF, AT_UID,
	AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_SECURE = 23, AT_BASE_PLATFORM, AT_RANDOM, AT_HWCAP2,
	AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN, AT_EXECFN = 31, AT_SYSINFO_EHDR = 33, AT_MINSIGSTKSZ = 51 };
enum { USER_HZ = 100, PHDRS_MAX = 4096 / 56, ELFCLASS64 = 2, ELFDATA2LSB = 1, RSEQ_FEATURE_SIZE = 28, RSEQ_ALIGN = 32 };
enum { STACK_RESERVE = 128 * 1024 };
#define STACK_GAP_MIN (128ull << 20)

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_phdr { uint32_t type, flags; uint64_t offset, vaddr, paddr, filesz, memsz, align; };

static int elf_check(const struct elf_header *h)
{
	if (memcmp(h->ident, "\177ELF", 4) || h->ident[4] != ELFCLASS64 || h->ident[5] != ELFDATA2LSB)
		return -ENOEXEC;
	if ((h->type != ET_EXEC && h->type != ET_DYN) || h->machine != abi_elf_machine)
		return -ENOEXEC;
	if (h->phentsize != sizeof(struct elf_phdr) || !h->phnum || h->phnum > PHDRS_MAX)
		return -ENOEXEC;
	return 0;
}

static int elf_read_phdrs(struct file *f, const struct elf_header *h, struct elf_phdr **out)
{
	size_t n = h->phnum * sizeof(struct elf_phdr);
	struct elf_phdr *ph = kmalloc(n, 0);
	int64_t got;

	if (!ph)
		return -ENOMEM;
	got = h->phoff > INT64_MAX - n ? -EIO : file_read_kernel(f, ph, n, h->phoff);
	if (got != (int64_t)n) {
		kfree(ph);
		return got < 0 ? (int)got : -ENOEXEC;
	}
	*out = ph;
	return 0;
}

/* First and last byte of all PT_LOAD; false: none, or they overflow. */
static bool elf_span(const struct elf_phdr *ph, unsigned n, uint64_t *lo, uint64_t *hi)
{
	uint64_t limit = hal_as_limit();

	*lo = UINT64_MAX;
	*hi = 0;
	for (unsigned i = 0; i < n; i++) {
		if (ph[i].type != PT_LOAD || !ph[i].memsz)
			continue;
		if (ph[i].filesz > ph[i].memsz || ph[i].vaddr >= limit || ph[i].memsz > limit - ph[i].vaddr)
			return false;
		*lo = MIN(*lo, ALIGN_DOWN(ph[i].vaddr, PAGE_SIZE));
		*hi = MAX(*hi, ph[i].vaddr + ph[i].memsz);
	}
	return *hi > *lo;
}

/* Zero bytes of the new space that are mapped. */
static int elf_clear(struct vm_space *vm, uaddr_t at, size_t n)
{
	static const uint8_t zeros[512];

	while (n) {
		size_t m = MIN(n, sizeof(zeros));

		/* Like the program's own write, if it may: that brings the data around it as well. */
		if (vm_access(vm, at, (void *)(uintptr_t)zeros, m, true, false) != m &&
		    vm_access(vm, at, (void *)(uintptr_t)zeros, m, true, true) != m)
			return -EFAULT;
		at += m;
		n -= m;
	}
	return 0;
}

static int elf_map_segment(const struct exec *e, struct file *f, const struct elf_phdr *ph, uint64_t bias, bool replace)
{
	uint64_t start = ALIGN_DOWN(ph->vaddr, PAGE_SIZE) + bias, pad = ph->vaddr & (PAGE_SIZE - 1);
	uint64_t file_end = ph->vaddr + bias + ph->filesz, mem_end = ph->vaddr + bias + ph->memsz;
	unsigned prot = (ph->flags & PF_R ? PROT_READ : 0) | (ph->flags & PF_W ? PROT_WRITE : 0) | (ph->flags & PF_X ? PROT_EXEC : 0);
	unsigned fixed = replace ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	uint64_t bss = ALIGN_UP(file_end, PAGE_SIZE);
	struct vm_space *vm = e->vm;
	int64_t at;
	int err;

	if (e->personality & READ_IMPLIES_EXEC && prot & PROT_READ)
		prot |= PROT_EXEC;
	if ((ph->offset & (PAGE_SIZE - 1)) != pad)
		return -EINVAL;		/* cannot be mapped */
	if (ph->filesz) {
		at = vm_mmap(vm, start, ph->filesz + pad, prot, MAP_PRIVATE | fixed, f, (ph->offset - pad) >> PAGE_SHIFT);
		if (at < 0)
			return (int)at;
		if (ph->memsz > ph->filesz && (prot & PROT_WRITE)) {
			/* To the end of the page: dynamic linkers allocate their first memory there and expect zeros. */
			err = elf_clear(vm, file_end, bss - file_end);
			if (err)
				return err;
		}
	} else {
		bss = start;
	}
	if (mem_end > bss) {
		at = vm_mmap(vm, bss, mem_end - bss, prot, MAP_PRIVATE | MAP_ANONYMOUS | fixed, NULL, 0);
		if (at < 0)
			return (int)at;
	}
	return 0;
}

/*
 * Map all segments.  bias: where the image goes, for ET_DYN; 0 lets the
 * address space choose.  *out_bias is what was chosen.
 */
static int elf_map(const struct exec *e, struct file *f, const struct elf_header *h, const struct elf_phdr *ph, uint64_t base,
	uint64_t *out_bias)
{
	struct vm_space *vm = e->vm;
	uint64_t lo, hi, bias = 0;
	bool replace = false;
	int64_t at;
	int err;

	if (!elf_span(ph, h->phnum, &lo, &hi))
		return -ENOEXEC;
	if (h->type == ET_DYN) {
		uint64_t align = PAGE_SIZE;

		for (unsigned i = 0; i < h->phnum; i++)
			if (ph[i].type == PT_LOAD && ph[i].align > align && !(ph[i].align & (ph[i].align - 1)) && ph[i].align <= (64 << 20))
				align = ph[i].align;
		/* Reserve the whole span, so that the segments keep their distances; then replace it piece by piece. */
		at = vm_mmap(vm, base ? ALIGN_DOWN(base, align) : 0, hi - lo + (base ? 0 : align - PAGE_SIZE), 0,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (base ? MAP_FIXED_NOREPLACE : 0), NULL, 0);
		if (at < 0)
			return (int)at;
		bias = ALIGN_UP((uint64_t)at, align) - lo;
		if (bias + lo > (uint64_t)at)
			(void)vm_munmap(vm, (uint64_t)at, bias + lo - (uint64_t)at);
		err = vm_munmap(vm, bias + lo, ALIGN_UP(hi - lo, PAGE_SIZE));
		if (err)
			return err;
		/* What alignment reserved behind the image goes too. */
		if (!base && align > PAGE_SIZE)
			(void)vm_munmap(vm, ALIGN_UP(bias + hi, PAGE_SIZE),
				(uint64_t)at + ALIGN_UP(hi - lo + align - PAGE_SIZE, PAGE_SIZE) - ALIGN_UP(bias + hi, PAGE_SIZE) + PAGE_SIZE);
		replace = true;
	}
	for (unsigned i = 0; i < h->phnum; i++) {
		if (ph[i].type != PT_LOAD || !ph[i].memsz)
			continue;
		err = elf_map_segment(e, f, &ph[i], bias, replace);
		if (err)
			return err;
	}
	*out_bias = bias;
	return 0;
}

/* The dynamic linker that the program names. */
static int elf_load_interp(struct exec *e, const struct elf_phdr *ph)
{
	struct elf_header h;
	struct elf_phdr *iph = NULL;
	struct file *f = NULL;
	uint64_t bias, lo, hi;
	char *name;
	int64_t got;
	int err;

	if (ph->filesz < 2 || ph->filesz > PATH_MAX)
		return -ENOEXEC;
	name = kmalloc(ph->filesz, 0);
	if (!name)
		return -ENOMEM;
	got = file_read_kernel(e->file, name, ph->filesz, ph->offset);
	err = got < 0 ? (int)got : -ENOEXEC;
	if (got != (int64_t)ph->filesz || name[ph->filesz - 1])
		goto out;
	err = exec_open(AT_FDCWD, name, LOOKUP_FOLLOW, &f);
	if (err)
		goto out;
	got = file_read_kernel(f, &h, sizeof(h), 0);
	err = got < 0 ? (int)got : -EIO;
	if (got != (int64_t)sizeof(h))
		goto out;
	err = -ELIBBAD;
	if (elf_check(&h))
		goto out;
	err = elf_read_phdrs(f, &h, &iph);
	if (err)
		goto out;
	err = elf_map(e, f, &h, iph, 0, &bias);
	if (err)
		goto out;
	elf_span(iph, h.phnum, &lo, &hi);
	e->interp_base = bias + lo;
	e->entry = bias + h.entry;
	if (e->entry >= hal_as_limit())
		err = -EINVAL;
out:
	kfree(iph);
	kfree(name);
	if (f)
		exec_close(f);
	return err;
}

/* ---- layout ---- */

static bool randomize(const struct exec *e)
{
	return !(e->personality & ADDR_NO_RANDOMIZE);
}

static void elf_layout(const struct exec *e, uaddr_t *stack_top)
{
	uint64_t limit = hal_as_limit(), top = limit, stack = exec_stack_limit(e), gap;
	struct vm_space *vm = e->vm;

	/* 22 bits of pages for the stack, 28 for mappings: as Linux on both CPUs, if there is room. */
	if (randomize(e))
		top -= (random_u64() & ((limit >> 47 ? 1u << 22 : 1u << 16) - 1)) << PAGE_SHIFT;
	*stack_top = ALIGN_DOWN(top, 16) - PAGE_SIZE;
	gap = stack > limit / 6 * 5 ? limit / 6 * 5 : stack;
	gap = MAX(gap, STACK_GAP_MIN) + (limit - top) + (1 << 20);
	vm->mmap_base = ALIGN_DOWN(limit - MIN(gap, limit / 6 * 5), PAGE_SIZE);
	if (randomize(e) && limit >> 46)
		vm->mmap_base -= (random_u64() & ((1ull << 28) - 1)) << PAGE_SHIFT;
}

/* Where a position-independent program goes: two thirds up, away from heap growth and mappings. */
static uint64_t elf_pie_base(const struct exec *e)
{
	uint64_t limit = hal_as_limit(), base = limit / 3 * 2;

	if (randomize(e))
		base += (random_u64() & ((limit >> 46 ? 1ull << 28 : 1ull << 12) - 1)) << PAGE_SHIFT;
	return ALIGN_DOWN(base, PAGE_SIZE);
}

static void auxv_add(struct vm_space *vm, uint64_t key, uint64_t value)
{
	if (vm->auxv_words + 2 <= ARRAY_SIZE(vm->auxv)) {
		vm->auxv[vm->auxv_words++] = key;
		vm->auxv[vm->auxv_words++] = value;
	}
}

static int put_bytes(struct vm_space *vm, uaddr_t *sp, const void *p, size_t n)
{
	*sp -= n;
	return vm_access(vm, *sp, (void *)(uintptr_t)p, n, true, false) == n ? 0 : -EFAULT;
}

static int elf_stack(struct exec *e, uaddr_t top, unsigned prot)
{
	const struct hal_cpu_caps *caps = hal_cpu_caps();
	const struct cred *c = e->cred;
	struct vm_space *vm = e->vm;
	size_t strings = strlen(e->name) + 1 + e->env.len + e->args.len;
	size_t tables = ((uint64_t)e->args.count + e->env.count + 3) * 8 + sizeof(vm->auxv) + 512;
	uint64_t argc = e->args.count, zero = 0;
	uaddr_t sp = top, execfn, envs, args, platform = 0, random, table;
	uint8_t seed[16];
	int err;

	err = vm_map_stack(vm, ALIGN_UP(top, PAGE_SIZE), ALIGN_UP(strings + tables + STACK_RESERVE, PAGE_SIZE), prot);
	if (err)
		return err;
	random_bytes(seed, sizeof(seed));
	if (put_bytes(vm, &sp, &zero, 8) || put_bytes(vm, &sp, e->name, strlen(e->name) + 1))
		return -EFAULT;
	execfn = sp;
	envs = sp -= e->env.len;
	args = sp -= e->args.len;
	if (exec_strings_write(&e->env, vm, envs) || exec_strings_write(&e->args, vm, args))
		return -EFAULT;
	vm->arg_start = args;
	vm->arg_end = args + e->args.len;
	vm->env_start = envs;
	vm->env_end = envs + e->env.len;
	/* As on Linux: sp differs by a few hundred bytes from run to run, against cache-line aliasing. */
	if (randomize(e))
		sp -= random_u64() % 256 * 8;
	sp = ALIGN_DOWN(sp, 16);
	if (caps->platform) {
		if (put_bytes(vm, &sp, caps->platform, strlen(caps->platform) + 1))
			return -EFAULT;
		platform = sp;
	}
	if (put_bytes(vm, &sp, seed, sizeof(seed)))
		return -EFAULT;
	random = sp;

	vm->auxv_words = 0;
	if (vm->vdso)
		auxv_add(vm, AT_SYSINFO_EHDR, vm->vdso);
	auxv_add(vm, AT_HWCAP, caps->hwcap);
	auxv_add(vm, AT_PAGESZ, PAGE_SIZE);
	auxv_add(vm, AT_CLKTCK, USER_HZ);
	auxv_add(vm, AT_PHDR, e->phdr);
	auxv_add(vm, AT_PHENT, sizeof(struct elf_phdr));
	auxv_add(vm, AT_PHNUM, e->phnum);
	auxv_add(vm, AT_BASE, e->interp_base);
	auxv_add(vm, AT_FLAGS, 0);
	auxv_add(vm, AT_ENTRY, e->elf_entry);
	auxv_add(vm, AT_UID, c->uid);
	auxv_add(vm, AT_EUID, c->euid);
	auxv_add(vm, AT_GID, c->gid);
	auxv_add(vm, AT_EGID, c->egid);
	auxv_add(vm, AT_SECURE, e->secure);
	auxv_add(vm, AT_RANDOM, random);
	auxv_add(vm, AT_HWCAP2, caps->hwcap2);
	auxv_add(vm, AT_EXECFN, execfn);
	if (platform)
		auxv_add(vm, AT_PLATFORM, platform);
	if (caps->min_sigstack)
		auxv_add(vm, AT_MINSIGSTKSZ, caps->min_sigstack);
	auxv_add(vm, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	auxv_add(vm, AT_RSEQ_ALIGN, RSEQ_ALIGN);
	auxv_add(vm, AT_NULL, 0);

	table = ALIGN_DOWN(sp - (argc + e->env.count + 3 + vm->auxv_words) * 8, 16);
	e->sp = table;
	if (vm_access(vm, table, &argc, 8, true, false) != 8 ||
	    exec_strings_pointers(&e->args, vm, args, 0, table + 8) ||
	    exec_strings_pointers(&e->env, vm, envs, 0, table + 8 + (argc + 1) * 8))
		return -EFAULT;
	table += 8 + (argc + 1 + e->env.count + 1) * 8;
	if (vm_access(vm, table, vm->auxv, vm->auxv_words * 8, true, false) != vm->auxv_words * 8)
		return -EFAULT;
	return 0;
}

int elf_load(struct exec *e)
{
	struct elf_header h;
	struct elf_phdr *ph = NULL;
	const struct elf_phdr *interp = NULL;
	unsigned stack_prot = 0;
	uint64_t bias, lo, hi;
	uaddr_t top;
	int err;

	memcpy(&h, e->head, sizeof(h));
	err = elf_check(&h);
	if (err)
		return err;
	err = elf_read_phdrs(e->file, &h, &ph);
	if (err)
		return err;
	for (unsigned i = 0; i < h.phnum; i++) {
		if (ph[i].type == PT_INTERP && !interp)
			interp = &ph[i];
		if (ph[i].type == PT_GNU_STACK)
			stack_prot = ph[i].flags & PF_X ? PROT_EXEC : 0;
	}
	elf_layout(e, &top);
	/* A dynamic linker that is run by itself, or a static PIE, goes where mappings go: the program keeps the place below. */
	err = elf_map(e, e->file, &h, ph, h.type == ET_DYN && interp ? elf_pie_base(e) : 0, &bias);
	if (err)
		goto out;
	elf_span(ph, h.phnum, &lo, &hi);
	e->load_base = bias + lo;
	e->elf_entry = e->entry = bias + h.entry;
	e->phnum = h.phnum;
	e->phdr = 0;
	for (unsigned i = 0; i < h.phnum; i++) {
		const struct elf_phdr *p = &ph[i];

		if (p->type == PT_LOAD && h.phoff >= p->offset && h.phoff - p->offset < p->filesz)
			e->phdr = bias + p->vaddr + (h.phoff - p->offset);
		if (p->type != PT_LOAD)
			continue;
		if (p->flags & PF_X) {
			if (!e->vm->start_code || bias + p->vaddr < e->vm->start_code)
				e->vm->start_code = bias + p->vaddr;
			e->vm->end_code = MAX(e->vm->end_code, bias + p->vaddr + p->filesz);
		} else {
			e->vm->start_data = bias + p->vaddr;
			e->vm->end_data = MAX(e->vm->end_data, bias + p->vaddr + p->filesz);
		}
	}
	err = -EINVAL;
	if (e->entry >= hal_as_limit())
		goto out;
	if (interp) {
		err = elf_load_interp(e, interp);
		if (err)
			goto out;
	}
	lo = ALIGN_UP(bias + hi, PAGE_SIZE);
	if (randomize(e))
		lo += (random_u64() & 0x1fff) << PAGE_SHIFT;
	err = vm_set_brk(e->vm, lo, lo);
	if (err)
		goto out;
	err = vdso_map(e->vm, e->file->inode);
	if (err)
		goto out;
	err = elf_stack(e, top, stack_prot);
	if (err)
		goto out;
	/* What the program begins with: its first instructions, its data, the top of its stack. */
	vm_expect(e->vm, e->entry, HAL_EXEC);
	vm_expect(e->vm, e->sp, HAL_WRITE);
	vm_expect(e->vm, e->sp - PAGE_SIZE, HAL_WRITE);
	if (e->vm->start_data) {
		vm_expect(e->vm, e->vm->start_data, HAL_WRITE);
		vm_expect(e->vm, ALIGN_UP(e->vm->end_data, PAGE_SIZE), HAL_WRITE);
	}
	if (e->vm->vdso) {
		vm_expect(e->vm, e->vm->vdso - PAGE_SIZE, HAL_READ);
		vm_expect(e->vm, e->vm->vdso, HAL_EXEC);
	}
	vm_expect_files(e->vm);
out:
	kfree(ph);
	return err;
}
