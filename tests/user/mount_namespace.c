/* SPDX-License-Identifier: MIT */
/* Mount name spaces: unshare(2) and clone(2) with CLONE_NEWNS; what passes between two of them; what cannot be done to the mounts of another. */
#include "harness.h"
#include "child.h"
#include "mount_table.h"
#include <sys/stat.h>
#include <sys/utsname.h>

static int there[2], back[2];

static void wait_child(void)
{
	char c;

	if (read(there[0], &c, 1) != 1)
		bail("the child is gone");
}
static void let_child(void)
{
	if (write(back[1], "x", 1) != 1)
		bail("the child is gone");
}
static void child_turn(void)
{
	char c = 'x';

	if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
		_exit(99);
}

static int cloned(void *arg)
{
	return mount_tmpfs("pr") || mounts_at("pr") != 2 || mount_tmpfs("sh/cloned") || umount("pr") || mounts_at("pr") != 1;
}

/* As many mounts as fs.mount-max, which is every name space's limit, and none of an operation that would exceed it. */
static int too_many(void)
{
	int fd = open("/proc/sys/fs/mount-max", O_RDWR), n = 0, r = 0;
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[4400], old[32] = "", own[32];

	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	if (fd < 0 || pread(fd, old, sizeof(old) - 1, 0) <= 0 || pwrite(fd, "0", 1, 0) == 1)
		return 1;
	snprintf(own, sizeof(own), "%d", n + 2);
	if (pwrite(fd, own, strlen(own), 0) < 0)
		return 2;
	if (mount_tmpfs("pr") || umount("pr"))
		r = 3;
	else if (mount_tmpfs("sh/0") == 0 || errno != ENOSPC || mounts_at("sh/0") || mounts_at("sh2/0") || mounts_at("sl/0"))
		r = 4;		/* three */
	for (n = 0; !r && mount_tmpfs("pr") == 0; n++)		/* Linux counts one that is not in the table */
		;
	if (!r && (errno != ENOSPC || n < 1 || n > 2))
		r = 5;
	pwrite(fd, old, strlen(old), 0);
	while (n--)
		umount("pr");
	return r ? r : mount_tmpfs("sh/0") || mounts_at("sl/0") != 1 || umount("sh/0") ? 6 : 0;
}

static int fd_mount(int fd, const char *type, unsigned long flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return mount("none", name, type, flags, "");
}

int main(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int fd, n, g;
	pid_t pid;
	char table[64], line[4400];
	struct stat st, st2;
	struct utsname u;

	plan(35);
	if (unshare(CLONE_NEWNS) || mount_propagation_of("/", MS_REC | MS_PRIVATE))
		bail("unshare");
	mkdir("r", 0755);
	mount_tmpfs("r");
	if (chdir("r") || pipe(there) || pipe(back))
		bail("set-up");
	mkdir("sh", 0755);
	mkdir("sl", 0755);
	mkdir("pr", 0755);
	mkdir("un", 0755);
	mkdir("dir", 0755);
	mkdir("dir2", 0755);
	ok(mount_tmpfs("sh") == 0 && mount_propagation_of("sh", MS_SHARED) == 0 && mount_bind_at("sh", "sl") == 0 && mount_propagation_of("sl", MS_SLAVE) == 0 &&
	   mount_tmpfs("pr") == 0 && mount_tmpfs("un") == 0 && mount_propagation_of("un", MS_UNBINDABLE) == 0, "a shared, a slave, a private and an unbindable mount");
	g = mount_shared("sh");
	for (n = 0; n < 6; n++) {
		snprintf(line, sizeof(line), "sh/%d", n);
		mkdir(line, 0755);
	}
	mkdir("sh/cloned", 0755);

	/* What a copy looks like. */
	ok(in_child(unshare(CLONE_NEWNS) || mount_shared("sh") != g || mount_master("sl") != g || mount_shared("pr") != 0 || mounts_at("un") != 1) == 0, "a copy: in the same groups");
	ok(in_child(unshare(CLONE_NEWNS) || mount_bind_at("un", "dir") || mounts_at("dir") != 1) == 0, "the copy of an unbindable mount can be bound");
	ok(mounts_at("dir") == 0, "what is mounted privately there is not here");
	ok(in_child(unshare(CLONE_NEWNS) || stat("sh/0", &st) || !getcwd(line, sizeof(line)) || !strstr(line, "/r")) == 0, "the working directory is the same one");
	ok(in_child(chroot("sh") || unshare(CLONE_NEWNS) || stat("/0", &st) || mount_tmpfs("/1") || stat("/1", &st) || stat("/", &st2) || st.st_dev == st2.st_dev) == 0 && mounts_at("sh/1") == 1 && umount("sh/1") == 0, "and the root");

	/* Back and forth. */
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS))
			_exit(1);
		child_turn();				/* the other mounts sh/0 and pr/.. */
		if (mounts_at("sh/0") != 1 || mounts_at("sl/0") != 1 || mounts_at("dir") != 0)
			_exit(2);
		if (mount_tmpfs("sh/1") || umount("sh/0") || mount_tmpfs("dir2"))
			_exit(3);
		child_turn();				/* looks, and makes slaves of nobody */
		if (mount_propagation_of("/", MS_REC | MS_SLAVE) || mount_master("sh") != g || mount_shared("sh") != 0 || mount_master("sl") != g)
			_exit(4);
		child_turn();				/* mounts sh/2 */
		if (mounts_at("sh/2") != 1 || mounts_at("sl/2") != 1 || mount_shared("sh/2") != 0)
			_exit(5);
		if (mount_tmpfs("sh/3") || umount("sh/2"))
			_exit(6);
		child_turn();				/* looks */
		if (mount_propagation_of("/", MS_REC | MS_PRIVATE))
			_exit(7);
		child_turn();				/* mounts sh/4, and is done with sh/1 */
		_exit(mounts_at("sh/4") == 0 && mounts_at("sh/1") == 1 ? 0 : 8);
	}
	wait_child();
	ok(mount_tmpfs("sh/0") == 0 && mount_tmpfs("dir") == 0, "two mounts, one of them in a shared one");
	let_child();
	wait_child();
	ok(mounts_at("sh/1") == 1 && mounts_at("sl/1") == 1 && mounts_at("sh/0") == 0 && mounts_at("dir2") == 0, "the peer elsewhere mounts and unmounts here");
	snprintf(table, sizeof(table), "/proc/%d/mountinfo", pid);
	ok(mountinfo_of(table, "dir2", line, sizeof(line)) == 1 && mountinfo_of(table, "dir", line, sizeof(line)) == 0, "/proc/PID/mountinfo is its table");
	snprintf(table, sizeof(table), "/proc/%d/cwd/dir2", pid);
	fd = open(table, O_RDONLY | O_DIRECTORY);
	ok(fd >= 0 && fstat(fd, &st) == 0, "its mounts can be reached through /proc");
	ok_errno(fd_mount(fd, "tmpfs", 0), EINVAL, "but nothing is mounted on them");
	ok(fd_mount(fd, NULL, MS_SLAVE) == 0, "their propagation can be changed");
	ok_errno(fd_mount(fd, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY), EINVAL, "or remounted");
	snprintf(line, sizeof(line), "/proc/self/fd/%d", fd);
	ok_errno(mount(line, "sh/5", NULL, MS_BIND, NULL), EINVAL, "or bound");
	ok_errno(mount(line, "sh/5", NULL, MS_MOVE, NULL), EINVAL, "or moved");
	ok_errno(umount(line), EINVAL, "or unmounted");
	ok_errno((int)syscall(428, fd, "", 1 | AT_EMPTY_PATH), EINVAL, "or cloned");
	close(fd);
	let_child();
	wait_child();
	ok(mount_tmpfs("sh/2") == 0, "another, now that its mounts are slaves");
	let_child();
	wait_child();
	ok(mounts_at("sh/2") == 1 && mounts_at("sh/3") == 0, "who is a slave tells nothing");
	let_child();
	wait_child();
	ok(mount_tmpfs("sh/4") == 0 && umount("sh/1") == 0, "another, now that they are private");
	let_child();
	ok(exit_of(pid) == 0, "the child saw what it was to see");
	ok(umount("sh/2") == 0 && umount("sh/4") == 0 && umount("dir") == 0, "away");

	/* The end of one. */
	ok(in_child(unshare(CLONE_NEWNS) || mount_tmpfs("sh/0") || mount_tmpfs("dir") || umount2("pr", MNT_DETACH)) == 0 && mounts_at("sh/0") == 1 && mounts_at("pr") == 1 && mounts_at("sh") == 1,
	   "its end unmounts nothing elsewhere");
	ok(umount("sh/0") == 0, "away");

	/* clone(2). */
	pid = clone(cloned, stack + sizeof(stack), CLONE_NEWNS | SIGCHLD, NULL);
	ok(pid > 0 && exit_of(pid) == 0 && mounts_at("sh/cloned") == 1 && mounts_at("pr") == 1, "clone makes one, too");
	umount("sh/cloned");
	ok_errno(clone(cloned, stack + sizeof(stack), CLONE_NEWNS | CLONE_FS | SIGCHLD, NULL), EINVAL, "not with CLONE_FS");
	ok(in_child(setgid(1234) || setuid(1234) || !(unshare(CLONE_NEWNS) == -1 && errno == EPERM)) == 0, "only root may");

	/* What is a mount point elsewhere only does not keep a name from being removed or moved. */
	fflush(NULL);
	mkdir("gone", 0755);
	mkdir("moved", 0755);
	close(open("file", O_CREAT | O_RDWR, 0600));
	close(open("source", O_CREAT | O_RDWR, 0600));
	close(open("onto", O_CREAT | O_RDWR, 0600));
	pid = fork();
	if (!pid) {
		int in;

		if (unshare(CLONE_NEWNS) || mount_tmpfs("gone") || mount_tmpfs("moved") || mount_bind_at("pr", "dir") || mount_bind_at("source", "file") || mount_bind_at("source", "onto"))
			_exit(1);
		in = open("gone/in", O_CREAT | O_RDWR, 0600);
		if (rmdir("gone") == 0 || errno != EBUSY)
			_exit(2);
		child_turn();
		if (mounts_at("gone") || mounts_at("moved") || mounts_at("dir") != 1 || mounts_at("file") || mounts_at("onto"))
			_exit(3);
		_exit(write(in, "x", 1) == 1 ? 0 : 4);
	}
	wait_child();
	ok(rmdir("gone") == 0, "rmdir");
	ok(rename("moved", "moved2") == 0, "rename");
	ok(unlink("file") == 0, "unlink");
	ok(rename("source", "onto") == 0, "rename onto it");
	let_child();
	ok(exit_of(pid) == 0, "it is unmounted there");

	/* A directory that is moved takes mount points along, elsewhere out of what is seen: such a mount is not copied, and who is in it stays. */
	fflush(NULL);
	mkdir("top", 0755);
	mkdir("top/old", 0755);
	mkdir("top/sub", 0755);
	mkdir("top/sub/in", 0755);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount_bind_at("top", "top") || chdir("top") || mount_tmpfs("sub/in") || syscall(SYS_pivot_root, ".", "old") || chdir("/sub/in"))
			_exit(1);
		close(open("there", O_CREAT | O_RDWR, 0600));
		child_turn();
		_exit(unshare(CLONE_NEWNS) ? 2 : access("there", F_OK) ? 3 : unshare(CLONE_NEWNS) ? 4 : 0);
	}
	wait_child();
	ok(rename("top/sub", "sub") == 0, "what has a mount point in it can be moved");
	let_child();
	ok((n = exit_of(pid)) == 0, "who is in a mount that is not seen any more stays there (%d)", n);

	/* How many there may be.  Not where the setting is everybody's. */
	uname(&u);
	mkdir("sh2", 0755);
	n = mount_bind_at("sh", "sh2") ? -1 : strstr(u.release, "eft") || getenv("MOUNT_MAX") ? too_many() : 0;
	ok(n == 0, "fs.mount-max: of an event all or nothing (%d)", n);
	return done();
}
