/* SPDX-License-Identifier: MIT */
/*
 * Process 1 of the Linux that native Eft is compared with: loads the modules of
 * the initial RAM disk's /modules in the order of their names, mounts /dev/vda
 * and becomes that file system's own init, with the same arguments.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void die(const char *what)
{
	printf("linux_init: %s: %s\n", what, strerror(errno));
	sleep(1);
	exit(1);
}

int main(int argc, char **argv)
{
	struct dirent **names;
	int n = scandir("/modules", &names, NULL, alphasort);

	(void)argc;
	for (int i = 0; i < n; i++) {
		char path[300];
		int fd;

		if (names[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", names[i]->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			die(path);
		close(fd);
	}
	mkdir("/new", 0755);
	if (mount("dev", "/dev", "devtmpfs", 0, NULL))
		die("devtmpfs");
	/* The driver finds the disk in its own time. */
	for (int i = 0; access("/dev/vda", F_OK) && i < 3000; i++)
		usleep(10000);
	if (mount("/dev/vda", "/new", "ext2", 0, NULL) && mount("/dev/vda", "/new", "ext4", 0, NULL))
		die("/dev/vda");
	if (chdir("/new") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("the new root");
	/* The kernel opened the console on the initial RAM disk: that descriptor stays. */
	argv[0] = (char *)"/usr/sbin/init";
	execv(argv[0], argv);
	die(argv[0]);
}
