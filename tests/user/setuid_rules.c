/* SPDX-License-Identifier: MIT */
/* setuid(2), setreuid(2), setresuid(2), setfsuid(2) and the group ones: who may become whom; what execve and capabilities make of it. */
#include "harness.h"
#include "child.h"
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static int is(uid_t r, uid_t e, uid_t s)
{
	uid_t a, b, c;

	return getresuid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}
static int gis(gid_t r, gid_t e, gid_t s)
{
	gid_t a, b, c;

	return getresgid(&a, &b, &c) == 0 && a == r && b == e && c == s;
}
static unsigned long long effective(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	return syscall(SYS_capget, &h, d) ? 0 : d[0].effective | (unsigned long long)d[1].effective << 32;
}

int main(void)
{
	plan(25);
	ok(is(0, 0, 0) && effective(), "root, with capabilities");
	ok(in_child(setuid(1000) || !is(1000, 1000, 1000) || setuid(0) != -1 || errno != EPERM) == 0, "root's setuid sets all three, for good");
	ok(in_child(setresuid(1000, 1001, 1002) || !is(1000, 1001, 1002) || setuid(1002) || !is(1000, 1002, 1002)) == 0, "another's sets the effective one, to the real or saved one");
	ok(in_child(setresuid(1000, 1001, 1002) || setuid(5) != -1 || errno != EPERM) == 0, "to nothing else");
	ok(in_child(setresuid(1000, 1001, 1002) || setresuid(1002, 1000, 1001) || !is(1002, 1000, 1001)) == 0, "setresuid permutes");
	ok(in_child(setresuid(1000, 1001, 1002) || setresuid(-1, 7, -1) != -1 || errno != EPERM || !is(1000, 1001, 1002)) == 0, "and nothing else");
	ok(in_child(setresuid(1000, 1000, 1000) || setresuid(-1, -1, -1) || !is(1000, 1000, 1000)) == 0, "-1 leaves");
	ok(in_child(setreuid(1000, 1001) || !is(1000, 1001, 1001)) == 0, "setreuid sets the saved one along");
	ok(in_child(setresuid(1000, 1001, 1002) || setreuid(-1, 1000) || !is(1000, 1000, 1002)) == 0, "not if only the effective one becomes the real one");
	ok(in_child(setresuid(1000, 1001, 1002) || setreuid(1002, -1) != -1 || errno != EPERM) == 0, "the real one not to the saved one");
	ok(in_child(setresuid(1000, 0, 0) || setreuid(0, 1000) || !is(0, 1000, 1000)) == 0, "swapped");
	ok(in_child(seteuid(1000) || !is(0, 1000, 0) || effective() || seteuid(0) || !effective()) == 0, "capabilities follow the effective one");
	ok(in_child(setresuid(1000, 1000, 1000) || effective()) == 0, "and go with the last 0");
	ok(in_child(prctl(PR_SET_KEEPCAPS, 1) || setresuid(1000, 1000, 1000) || effective() || !prctl(PR_GET_KEEPCAPS)) == 0, "KEEPCAPS keeps the permitted ones only");
	ok(in_child(setfsuid(1000) != 0 || setfsuid(-1) != 1000 || !is(0, 0, 0)) == 0, "setfsuid tells the old one and changes nothing else");
	ok(in_child(({ setresuid(1000, 1000, 1000); setfsuid(5); setfsuid(-1) != 1000; })) == 0, "and is refused without an error");
	ok(in_child(({ setfsuid(1000); seteuid(1001); setfsuid(-1) != 1001; })) == 0, "it follows the effective one");
	ok(in_child(({ setfsuid(1000); setresuid(0, -1, 0) || setfsuid(-1) != 1000; })) == 0, "a setresuid that changes nothing leaves it");
	ok(in_child(({ setfsuid(1000); setresuid(-1, 0, -1) || setfsuid(-1) != 0; })) == 0, "one that names the effective one does not");
	ok(in_child(({ setfsgid(1000); setresgid(0, -1, -1) || setfsgid(-1) != 1000 || setresgid(-1, 0, -1) || setfsgid(-1) != 0; })) == 0, "nor of groups");
	ok(in_child(setresgid(10, 11, 12) || !gis(10, 11, 12) || setgid(5) || !gis(5, 5, 5)) == 0, "groups: root's setgid sets all three");
	ok(in_child(setresgid(10, 11, 12) || setresuid(1000, 1000, 1000) || setgid(12) || !gis(10, 12, 12) || setgid(99) != -1 || errno != EPERM) == 0, "another's the effective one");
	ok(in_child(({ setresuid(1000, 1000, 1000); setgroups(0, NULL) == -1 && errno == EPERM ? 0 : 1; })) == 0, "setgroups is root's");
	ok_errno(setuid((uid_t)-1), EINVAL, "no id -1");
	ok_errno(setreuid(0, (uid_t)-1) || setresuid(0, 0, (uid_t)-1) ? -2 : setgid((gid_t)-1), EINVAL, "nor group -1");
	return done();
}
