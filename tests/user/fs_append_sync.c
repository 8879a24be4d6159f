/* SPDX-License-Identifier: MIT */
/* A file grows while another thread has it written to the disk and takes it out of memory: every page of it is on the disk in the end. */
#include "harness.h"
#include <fcntl.h>
#include <pthread.h>

enum { PAGES = 256, PAGE = 4096, ROUNDS = 30 };
static int fd, go;

static void *sync_and_drop(void *arg)
{
	while (__atomic_load_n(&go, __ATOMIC_ACQUIRE)) {
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	return NULL;
}

int main(void)
{
	static unsigned page[PAGE / sizeof(unsigned)];
	int lost = 0, bad = 0;
	pthread_t t;

	plan(2);
	for (unsigned r = 1; r <= ROUNDS; r++) {
		fd = open("grows", O_RDWR | O_CREAT | O_TRUNC, 0600);
		go = 1;
		if (fd < 0 || pthread_create(&t, NULL, sync_and_drop, NULL))
			bail("set-up");
		for (unsigned i = 0; i < PAGES; i++) {
			for (unsigned k = 0; k < PAGE / sizeof(unsigned); k++)
				page[k] = r << 16 | i;
			bad += write(fd, page, PAGE) != PAGE;
		}
		__atomic_store_n(&go, 0, __ATOMIC_RELEASE);
		pthread_join(t, NULL);
		bad += fsync(fd) != 0;
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		for (unsigned i = 0; i < PAGES; i++) {
			bad += pread(fd, page, PAGE, (off_t)i * PAGE) != PAGE;
			for (unsigned k = 0; k < PAGE / sizeof(unsigned); k += 128)
				if (page[k] != (r << 16 | i)) {
					lost++;
					break;
				}
		}
		close(fd);
	}
	ok(!bad, "every call succeeds (%d)", bad);
	ok(!lost, "no page is lost (%d)", lost);
	unlink("grows");
	return done();
}
