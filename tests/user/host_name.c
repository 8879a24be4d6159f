/* SPDX-License-Identifier: MIT */
/* sethostname(2), setdomainname(2), uname(2); and the calls that only root may make: vhangup(2), reboot(2). */
#include "harness.h"
#include "child.h"
#include <linux/reboot.h>
#include <sys/utsname.h>

static struct utsname u;

int main(void)
{
	char old[65], olddom[65], longname[66], buf[65];

	plan(18);
	unshare(CLONE_NEWUTS);	/* where there are name spaces: the host's name stays */
	uname(&u);
	strcpy(old, u.nodename);
	strcpy(olddom, u.domainname);
	ok(sethostname("newt", 4) == 0 && uname(&u) == 0 && !strcmp(u.nodename, "newt"), "sethostname");
	ok(gethostname(buf, sizeof(buf)) == 0 && !strcmp(buf, "newt"), "gethostname");
	ok(sethostname("eftsoons", 3) == 0 && uname(&u) == 0 && !strcmp(u.nodename, "eft"), "only so many bytes");
	ok(setdomainname("pond", 4) == 0 && uname(&u) == 0 && !strcmp(u.domainname, "pond"), "setdomainname");
	memset(longname, 'n', sizeof(longname));
	ok(sethostname(longname, 64) == 0 && uname(&u) == 0 && strlen(u.nodename) == 64, "64 bytes");
	ok_errno(sethostname(longname, 65), EINVAL, "65");
	ok_errno(sethostname(longname, (size_t)-1), EINVAL, "less than none");
	ok_errno(setdomainname(longname, 65), EINVAL, "a domain of 65");
	char *volatile bad = (char *)8;
	ok_errno(sethostname(bad, 4), EFAULT, "a bad address");
	ok(sethostname("", 0) == 0 && uname(&u) == 0 && !u.nodename[0], "an empty name");
	ok(in_child(setgid(1234) || setuid(1234) || !(sethostname("x", 1) == -1 && errno == EPERM)) == 0, "only root may");
	ok(in_child(setgid(1234) || setuid(1234) || !(setdomainname("x", 1) == -1 && errno == EPERM)) == 0, "either");
	sethostname(old, strlen(old));
	setdomainname(olddom, strlen(olddom));
	ok(in_child(setgid(1234) || setuid(1234) || !(vhangup() == -1 && errno == EPERM)) == 0, "vhangup");
	ok(in_child(setgid(1234) || setuid(1234) || !(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, 0) == -1 && errno == EPERM)) == 0, "reboot");
	ok_errno(syscall(SYS_reboot, 1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, 0), EINVAL, "reboot without its first magic number");
	ok_errno(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, 2, LINUX_REBOOT_CMD_RESTART, 0), EINVAL, "or its second");
	ok(in_child(setsid() < 0 || vhangup()) == 0, "vhangup without a terminal: nothing to hang up");
#ifdef SYS_fork
	pid_t pid = (pid_t)syscall(SYS_fork);
	if (!pid) {
		syscall(SYS_tkill, syscall(SYS_gettid), SIGKILL);
		_exit(1);
	}
#else
	pid_t pid = fork();
	if (!pid) {
		syscall(SYS_tkill, syscall(SYS_gettid), SIGKILL);
		_exit(1);
	}
#endif
	ok(exit_of(pid) == 1000 + SIGKILL, "fork and tkill by number");
	return done();
}
