/* SPDX-License-Identifier: MIT */
/* AArch64: /proc/cpuinfo.  The fields are Linux's; features are what AT_HWCAP says. */
#include <hal/hal.h>
#include <kernel/abi_cpu.h>
#include <kernel/print.h>

/* By bit of AT_HWCAP and AT_HWCAP2 (Linux: Documentation/arch/arm64/elf_hwcaps.rst). */
static const char *const hwcap_names[2][32] = {
	{ "fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp", "asimdhp", "cpuid", "asimdrdm", "jscvt",
	  "fcma", "lrcpc", "dcpop", "sha3", "sm3", "sm4", "asimddp", "sha512", "sve", "asimdfhm", "dit", "uscat", "ilrcpc", "flagm",
	  "ssbs", "sb", "paca", "pacg" },
	{ "dcpodp", "sve2", "sveaes", "svepmull", "svebitperm", "svesha3", "svesm4", "flagm2", "frint", "svei8mm", "svef32mm",
	  "svef64mm", "svebf16", "i8mm", "bf16", "dgh", "rng", "bti", "mte", "ecv", "afp", "rpres" },
};

size_t abi_cpuinfo(unsigned cpu, unsigned cpus, char *buf, size_t max)
{
	const struct hal_cpu_caps *caps = hal_cpu_caps();
	struct hal_vclock c;
	uint64_t midr, hz100 = 0;
	size_t n = 0;

	__asm__("mrs %0, midr_el1" : "=r"(midr));
	if (hal_time_vclock(&c) == 0 && c.mult)
		hz100 = (100000ull << c.shift) / c.mult * 2;	/* twice the counter's MHz, in hundredths */
	n += (size_t)ksnprintf(buf + n, max - n, "BogoMIPS\t: %llu.%02llu\nFeatures\t:", (unsigned long long)(hz100 / 100),
		(unsigned long long)(hz100 % 100));
	for (unsigned word = 0; word < 2; word++)
		for (unsigned bit = 0; bit < 32; bit++)
			if (((word ? caps->hwcap2 : caps->hwcap) >> bit & 1) && hwcap_names[word][bit] && n < max)
				n += (size_t)ksnprintf(buf + n, max - n, " %s", hwcap_names[word][bit]);
	if (n < max)
		n += (size_t)ksnprintf(buf + n, max - n, "\nCPU implementer\t: 0x%02x\nCPU architecture: 8\nCPU variant\t: 0x%x\n"
			"CPU part\t: 0x%03x\nCPU revision\t: %u\n\n", (unsigned)(midr >> 24 & 0xff), (unsigned)(midr >> 20 & 15),
			(unsigned)(midr >> 4 & 0xfff), (unsigned)(midr & 15));
	return MIN(n, max - 1);
}
