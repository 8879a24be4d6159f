/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: a sparse memfd, offset = physical address.  The first
 * megabyte is not there, so that physical address 0 and small numbers are wild.
 */
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

char *host_ram;
uint64_t host_ram_end;
int host_ram_fd = -1;

static const uint64_t page = 4096;

void mem_init(uint64_t size, bool with_initrd)
{
	(void)with_initrd;
	size &= ~(page - 1);
	host_ram_end = HOST_RAM_BASE + size;
	host_ram_fd = memfd_create("eft-ram", MFD_CLOEXEC);
	if (host_ram_fd < 0 || ftruncate(host_ram_fd, (off_t)host_ram_end))
		fatal("cannot make %llu MiB of memory: %s", (unsigned long long)(size >> 20), strerror(errno));
	host_ram = mmap(NULL, host_ram_end, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, host_ram_fd, 0);
	if (host_ram == MAP_FAILED)
		fatal("cannot map %llu MiB of memory: %s", (unsigned long long)(size >> 20), strerror(errno));
	if (mprotect(host_ram, HOST_RAM_BASE, PROT_NONE))
		fatal("mprotect: %s", strerror(errno));
	/* Sparse use at first, and stubs map single pages of it; no huge pages, no core dump of it. */
	madvise(host_ram, host_ram_end, MADV_DONTDUMP);
}

void *mem_at(uint64_t pa, uint64_t len)
{
	if (pa < HOST_RAM_BASE || pa >= host_ram_end || len > host_ram_end - pa)
		return NULL;
	return host_ram + pa;
}

uint64_t mem_load_initrd(const char *path, uint64_t *size)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fatal("%s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		fatal("%s: not a regular file", path);
	uint64_t need = ((uint64_t)st.st_size + page - 1) & ~(page - 1);
	if (need == 0)
		fatal("%s: empty", path);
	if (need > (host_ram_end - HOST_RAM_BASE) / 2)
		fatal("%s: does not fit into memory (--mem)", path);
	uint64_t pa = host_ram_end - need;
	for (uint64_t done = 0; done < (uint64_t)st.st_size;) {
		ssize_t r = pread(fd, host_ram + pa + done, (size_t)st.st_size - done, (off_t)done);
		if (r <= 0)
			fatal("%s: %s", path, r ? strerror(errno) : "shorter than it was");
		done += (uint64_t)r;
	}
	close(fd);
	*size = (uint64_t)st.st_size;
	return pa;
}

void *host_window_reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int host_window_map(void *va, uint64_t pa, size_t size)
{
	void *p = mmap(va, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, host_ram_fd, (off_t)pa);
	return p == MAP_FAILED ? -errno : 0;
}

void host_window_unmap(void *va, size_t size)
{
	mmap(va, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
}
