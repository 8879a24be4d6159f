/* SPDX-License-Identifier: MIT */
/*
 * x86-64: /proc/cpuinfo from CPUID, which needs no privilege: the same on um and
 * natively.  The fields and the names of flags are Linux's.
 */
#include <hal/hal.h>
#include <kernel/abi_cpu.h>
#include <kernel/print.h>
#include <kernel/string.h>

struct leaf { uint32_t a, b, c, d; };
static struct leaf cpuid(uint32_t leaf)
{
	struct leaf l;

	__asm__ volatile("cpuid" : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d) : "a"(leaf), "c"(0));
	return l;
}

static const struct { uint32_t leaf; char reg; const char *names[32]; } flags[] = {
	{ 1, 'd', { "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NULL, "sep", "mtrr", "pge", "mca", "cmov", "pat",
		"pse36", "pn", "clflush", NULL, "dts", "acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe" } },
	{ 0x80000001, 'd', { [11] = "syscall", [20] = "nx", [22] = "mmxext", [25] = "fxsr_opt", [26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm" } },
	{ 1, 'c', { "pni", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2", "ssse3", "cid", "sdbg", "fma", "cx16", "xtpr",
		"pdcm", NULL, "pcid", "dca", "sse4_1", "sse4_2", "x2apic", "movbe", "popcnt", "tsc_deadline_timer", "aes", "xsave", NULL,
		"avx", "f16c", "rdrand", "hypervisor" } },
	{ 0x80000001, 'c', { "lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch" } },
	{ 7, 'b', { "fsgsbase", "tsc_adjust", NULL, "bmi1", "hle", "avx2", NULL, "smep", "bmi2", "erms", "invpcid", "rtm", "cqm", NULL, "mpx",
		"rdt_a", "avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", NULL, "clflushopt", "clwb", "intel_pt", "avx512pf",
		"avx512er", "avx512cd", "sha_ni", "avx512bw", "avx512vl" } },
	{ 7, 'c', { [1] = "avx512vbmi", [2] = "umip", [3] = "pku", [6] = "avx512_vbmi2", [8] = "gfni", [9] = "vaes", [10] = "vpclmulqdq",
		[11] = "avx512_vnni", [12] = "avx512_bitalg", [14] = "avx512_vpopcntdq", [22] = "rdpid" } },
};

static size_t put_flags(char *buf, size_t max, uint32_t max_leaf, uint32_t max_ext)
{
	size_t n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		struct leaf l;
		uint32_t v;

		if (flags[i].leaf > (flags[i].leaf >> 31 ? max_ext : max_leaf))
			continue;
		l = cpuid(flags[i].leaf);
		v = flags[i].reg == 'b' ? l.b : flags[i].reg == 'c' ? l.c : l.d;
		for (unsigned bit = 0; bit < 32 && n < max; bit++)
			if ((v >> bit & 1) && flags[i].names[bit])
				n += (size_t)ksnprintf(buf + n, max - n, " %s", flags[i].names[bit]);
	}
	return MIN(n, max - 1);
}

size_t abi_cpuinfo(unsigned cpu, unsigned cpus, char *buf, size_t max)
{
	struct leaf l0 = cpuid(0), l1 = cpuid(1), ext = cpuid(0x80000000), sizes = { 0x3028, 0, 0, 0 };
	unsigned family = l1.a >> 8 & 15, model = l1.a >> 4 & 15;
	uint32_t brand[13] = { 0 }, vendor[4] = { l0.b, l0.d, l0.c, 0 };
	struct hal_vclock c;
	uint64_t khz = 0;
	size_t n;

	if (family == 6 || family == 15)
		model += (l1.a >> 16 & 15) << 4;
	if (family == 15)
		family += l1.a >> 20 & 0xff;
	for (uint32_t i = 0; ext.a >= 0x80000004 && i < 3; i++) {
		struct leaf l = cpuid(0x80000002 + i);

		memcpy(brand + 4 * i, &l, sizeof(l));
	}
	if (ext.a >= 0x80000008)
		sizes = cpuid(0x80000008);
	if (hal_time_vclock(&c) == 0 && c.mult)
		khz = (1000000ull << c.shift) / c.mult;
	n = (size_t)ksnprintf(buf, max, "vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n"
		"cpu MHz\t\t: %llu.%03llu\nphysical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\napicid\t\t: %u\n"
		"fpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", (const char *)vendor, family, model,
		brand[0] ? (const char *)brand : "unknown", l1.a & 15, (unsigned long long)(khz / 1000), (unsigned long long)(khz % 1000),
		cpus, cpu, cpus, cpu, l0.a);
	n = MIN(n, max - 1);
	n += put_flags(buf + n, max - n, l0.a, ext.a);
	n += (size_t)ksnprintf(buf + n, max - n, "\nbogomips\t: %llu.%02llu\nclflush size\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n\n",
		(unsigned long long)(khz / 500), (unsigned long long)(khz % 500 / 5), (l1.b >> 8 & 0xff) * 8, sizes.a & 0xff, sizes.a >> 8 & 0xff);
	return MIN(n, max - 1);
}
