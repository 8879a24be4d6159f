/* SPDX-License-Identifier: MIT */
/*
 * in DIRECTORY PROGRAM ARGUMENT...: runs it there, with a small fixed environment.
 * first: prints FIRST and ends the machine (what the launch rows start as process 1).
 */
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char *const env[] = { (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				     (char *)"HOME=/root", (char *)"LC_ALL=C", NULL };
	const char *name = strrchr(argv[0], '/');

	if (!strcmp(name ? name + 1 : argv[0], "first")) {
		(void)!write(1, "FIRST\n", 6);
		if (getpid() == 1)
			reboot(RB_POWER_OFF);
		return 0;
	}
	if (argc < 3 || chdir(argv[1])) {
		perror("in");
		return 126;
	}
	execve(argv[2], argv + 2, env);
	perror(argv[2]);
	return 127;
}
