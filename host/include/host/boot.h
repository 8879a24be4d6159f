/* SPDX-License-Identifier: MIT */
/* What the command line says, as um_main() is told, and the way out. */
#ifndef HOST_BOOT_H
#define HOST_BOOT_H
#include <stddef.h>
#include <stdint.h>

enum { HOST_RAM_BASE = 0x100000, HOST_CPUS = 8, HOST_DEVS = 32 };

struct host_boot {
	const char *cmdline;
	char *ram;			/* where physical address 0 would be; the first HOST_RAM_BASE bytes are not there */
	uint64_t ram_end;		/* physical */
	uint64_t initrd, initrd_size;	/* physical, page-aligned; 0: none */
	unsigned cpus;
	unsigned host_cpus;		/* that we may use */
	int trap_ptrace;
	unsigned patch;			/* patch a call site when it has been trapped so often; 0: never */
	int answer;			/* calls that need no kernel: 'f' are answered in the stub, 'o' are not */
	int cpuid;			/* how CPUID instructions are found: 'f' they can be made to fault, 'w' by host_stub_watch(); 0: not */
	int keep;			/* a reused stub need not forget what the next program maps as well */
	int spin, yield;		/* hand-offs by spinning, by yielding: 'a' as it pays, 'o' never, 'f' always */
	uint64_t map_min;		/* the lowest address that a process may map */
	uint64_t xsave_size;
	uint64_t hwcap, hwcap2, min_sigstack;
};

/* The one symbol of the kernel that the host side sees: on CPU 0's thread. */
void um_main(const struct host_boot *boot);

/* Ends the process: restores the terminal, ends the stubs.  Any thread. */
_Noreturn void host_exit(int status);
/* The same, and the machine starts again as the same process. */
_Noreturn void host_restart(void);
void host_console_log(const char *s, size_t n);
void host_entropy(void *buf, size_t n);
#endif
