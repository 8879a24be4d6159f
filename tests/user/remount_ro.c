/* SPDX-License-Identifier: MIT */
/* A whole file system becomes read-only (mount(2) with MS_REMOUNT): not while a file is open for writing or is without a name, and nobody slips in meanwhile. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

enum { ROUNDS = 5000 };
static volatile int stop, opened, slipped;

static int turn(unsigned long flags) { return mount("none", "m", NULL, MS_REMOUNT | flags, ""); }

/* What is open for writing is on a file system that can be written. */
static void *writer(void *arg)
{
	while (!stop) {
		int fd = open("m/f", O_RDWR);
		struct statvfs st;

		if (fd < 0)
			continue;
		opened++;
		for (int i = 0; i < 3; i++)
			if (fstatvfs(fd, &st) || (st.f_flag & ST_RDONLY))
				slipped++;
		close(fd);
		usleep(50);
	}
	return NULL;
}

static void *maker(void *arg)
{
	struct stat st;

	while (!stop)
		if (mkdir("m/d", 0755) == 0 && (rmdir("m/d") && errno != EROFS))
			slipped++;
		else if (stat("m/d", &st) == 0)
			rmdir("m/d");
		else
			usleep(50);
	return NULL;
}

int main(void)
{
	int fd, turned = 0, odd = 0;
	pthread_t t, t2;

	plan(9);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		bail("unshare");
	mkdir("m", 0755);
	if (mount("none", "m", "tmpfs", 0, ""))
		bail("mount");
	fd = open("m/f", O_RDWR | O_CREAT, 0644);
	ok_errno(turn(MS_RDONLY), EBUSY, "a file is open for writing");
	close(fd);
	fd = open("m/f", O_RDONLY);
	ok(turn(MS_RDONLY) == 0 && turn(0) == 0, "for reading is no matter");
	ok(unlink("m/f") == 0, "its name goes");
	ok_errno(turn(MS_RDONLY), EBUSY, "it is to be freed yet");
	close(fd);
	ok(turn(MS_RDONLY) == 0, "it is");
	ok_errno(open("m/f", O_RDWR | O_CREAT, 0644), EROFS, "read-only");
	ok(turn(0) == 0 && (fd = open("m/f", O_RDWR | O_CREAT, 0644)) >= 0, "and back");
	close(fd);
	if (pthread_create(&t, NULL, writer, NULL) || pthread_create(&t2, NULL, maker, NULL))
		bail("pthread_create");
	for (int i = 0; i < ROUNDS || turned < 20 || opened < 20; i++)
		if (turn(MS_RDONLY) == 0) {
			turned++;
			odd += turn(0) != 0;
			sched_yield();
		} else {
			odd += errno != EBUSY;
		}
	stop = 1;
	pthread_join(t, NULL);
	pthread_join(t2, NULL);
	ok(!odd, "back and forth while others write (%d times, %d files)", turned, opened);
	ok(!slipped, "nobody slips in (%d)", slipped);
	return done();
}
