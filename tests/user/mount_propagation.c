/* SPDX-License-Identifier: MIT */
/* Shared, slave, private and unbindable mounts (mount_namespaces(7)): who gets to see a mount, a bind, a move and an unmount, and who refuses. */
#include "harness.h"
#include "child.h"
#include "mount_table.h"
#include <sys/stat.h>
#include <sys/syscall.h>

struct attr { uint64_t set, clr, propagation, userns; };
static int setattr(const char *p, unsigned f, uint64_t set, uint64_t type)
{
	struct attr a = { set, 0, type, 0 };

	return (int)syscall(442, AT_FDCWD, p, f, &a, sizeof(a));
}
static int open_tree_(const char *p, unsigned f) { return (int)syscall(428, AT_FDCWD, p, f); }
static int move_mount_(int fd, const char *from, const char *to) { return (int)syscall(429, fd, from, AT_FDCWD, to, *from ? 0 : 4); }
enum { CLONE_TREE = 1, RECURSIVE = 0x8000 };
static int set_group(const char *from, const char *to) { return (int)syscall(429, AT_FDCWD, from, AT_FDCWD, to, 0x100); }

static void make(const char *const *names)
{
	for (; *names; names++)
		if (mkdir(*names, 0755))
			bail(*names);
}

/* In a root from which the master is not seen, but the master's master. */
static int from_below(const char *root, int master, int from)
{
	int proc = open("/proc", O_RDONLY), fd, n;
	char text[16384], want[64];

	if (chroot(root) || chdir("/") || (fd = openat(proc, "self/mountinfo", O_RDONLY)) < 0 || (n = (int)read(fd, text, sizeof(text) - 1)) <= 0)
		return 1;
	text[n] = 0;
	snprintf(want, sizeof(want), " master:%d propagate_from:%d - ", master, from);
	return strstr(text, want) ? 0 : 2;
}

int main(void)
{
	int g = 0, h = 0, fd, t;
	struct stat st, st2;

	plan(94);
	if (unshare(CLONE_NEWNS))
		bail("unshare");
	ok(mount_propagation_of("/", MS_REC | MS_PRIVATE) == 0, "the whole tree is private");
	mkdir("r", 0755);
	mount_tmpfs("r");
	if (chdir("r"))
		bail("chdir");
	make((const char *const[]){ "a", "b", "c", "d", "e", "p", "q", "R", "R/a", "R/e", NULL });

	/* Types, one mount alone. */
	ok(mount_tmpfs("a") == 0 && mount_shared("a") == 0 && mount_master("a") == 0, "a new mount under a private one is private");
	ok(mount_propagation_of("a", MS_SHARED) == 0 && (g = mount_shared("a")) > 0, "shared: it is in a group");
	ok(mount_propagation_of("a", MS_SHARED) == 0 && mount_shared("a") == g, "again: the same group");
	ok(mount_propagation_of("a", MS_SLAVE) == 0 && mount_shared("a") == 0 && mount_master("a") == 0, "a slave without peers: private");
	ok_errno(mount_propagation_of("a", MS_SHARED | MS_PRIVATE), EINVAL, "two types");
	ok_errno(mount_propagation_of("a", MS_SHARED | MS_NODEV), EINVAL, "a type and a flag");
	ok_errno(mount_propagation_of("b", MS_SHARED), EINVAL, "no mount there");
	ok(mount_propagation_of("a", MS_UNBINDABLE) == 0 && mount_propagation_of("a", MS_SHARED) == 0 && mount_bind_at("a", "b") == 0 && umount("b") == 0,
	   "an unbindable one made shared can be bound");
	g = mount_shared("a");

	/* Peers. */
	ok(mount_bind_at("a", "b") == 0 && mount_shared("b") == g, "bind of a shared mount is its peer");
	make((const char *const[]){ "a/x", "a/y", "a/z", "a/x/deep", NULL });
	ok(mount_tmpfs("a/x") == 0 && mounts_at("b/x") == 1, "what is mounted in one is in the other");
	ok(stat("a/x", &st) == 0 && stat("b/x", &st2) == 0 && st.st_dev == st2.st_dev, "the same file system");
	ok((h = mount_shared("a/x")) > 0 && mount_shared("b/x") == h && h != g, "peers of a group of their own");
	mkdir("b/x/in", 0755);
	ok(mount_tmpfs("b/x/in") == 0 && mounts_at("a/x/in") == 1, "and so below");
	ok_errno(umount("a/x"), EBUSY, "a mount with another below is busy");
	ok(umount("a/x/in") == 0 && mounts_at("b/x/in") == 0, "unmounted there as well");
	fd = open("b/x/file", O_CREAT | O_RDWR, 0600);
	ok_errno(umount("a/x"), EBUSY, "busy is also who has a peer that is");
	close(fd);
	ok(umount("b/x") == 0 && mounts_at("a/x") == 0, "when it is not any more, both go");
	ok(mount_tmpfs("a/x") == 0 && mount(NULL, "b/x", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0 && (fd = open("a/x/f", O_CREAT | O_RDWR, 0600)) >= 0 &&
	   open("b/x/g", O_CREAT | O_RDWR, 0600) == -1 && errno == EROFS, "flags do not propagate");
	close(fd);
	umount("a/x");
	ok(mount_bind_at("a/x", "c") == 0 && mount_shared("c") == g, "a directory of it bound: a peer, too");
	ok(mount_tmpfs("a/y") == 0 && mounts_at("b/y") == 1 && mounts_at("c/y") == 0, "which does not get what it cannot show");
	ok(mount_tmpfs("a/x/deep") == 0 && mounts_at("c/deep") == 1 && mounts_at("b/x/deep") == 1, "but what it can");
	ok(umount("c/deep") == 0 && mounts_at("a/x/deep") == 0 && umount("a/y") == 0 && umount("c") == 0, "away");

	/* Slaves. */
	ok(mount_bind_at("a", "c") == 0 && mount_propagation_of("c", MS_SLAVE) == 0 && mount_shared("c") == 0 && mount_master("c") == g, "a slave of the group");
	ok(mount_propagation_of("c", MS_SLAVE) == 0 && mount_master("c") == g, "again");
	ok(mount_tmpfs("a/x") == 0 && mounts_at("c/x") == 1 && mount_master("c/x") == mount_shared("a/x") && mount_shared("c/x") == 0, "gets what is mounted");
	mkdir("c/x/sub", 0755);
	ok(mount_tmpfs("c/x/sub") == 0 && mounts_at("a/x/sub") == 0, "tells nobody");
	ok(umount("a/x") == 0 && mounts_at("b/x") == 0 && mounts_at("c/x") == 1 && mounts_at("c/x/sub") == 1, "and keeps what has a mount of its own below");
	ok(umount("c/x/sub") == 0 && umount("c/x") == 0, "until that goes");
	ok(mount_tmpfs("a/x") == 0 && umount("c/x") == 0 && mounts_at("a/x") == 1 && mounts_at("b/x") == 1, "a slave's unmount is its own");
	umount("a/x");
	ok(mount_bind_at("c", "d") == 0 && mount_master("d") == g && mount_shared("d") == 0, "bind of a slave: another slave of the same");
	umount("d");
	ok(mount_propagation_of("c", MS_SHARED) == 0 && (h = mount_shared("c")) > 0 && mount_master("c") == g, "slave and shared");
	ok(mount_bind_at("c", "d") == 0 && mount_shared("d") == h && mount_master("d") == g, "with a peer");
	ok(mount_tmpfs("b/x") == 0 && mount_shared("c/x") > 0 && mount_shared("c/x") == mount_shared("d/x") && mount_master("c/x") == mount_shared("a/x") &&
	   mount_shared("c/x") != mount_shared("a/x"), "what comes from the master is shared among the peers");
	ok(umount("d/x") == 0 && mounts_at("c/x") == 0 && mounts_at("a/x") == 1, "whose unmount goes no further up");
	ok(umount("a/x") == 0 && mounts_at("b/x") == 0, "away");
	ok(mount_bind_at("d", "e") == 0 && mount_propagation_of("e", MS_SLAVE) == 0 && mount_master("e") == h, "a slave of the slaves");
	ok(mount_tmpfs("a/x") == 0 && mounts_at("e/x") == 1 && mount_master("e/x") == mount_shared("c/x"), "two steps down");
	ok(umount("a/x") == 0 && mounts_at("c/x") == 0 && mounts_at("d/x") == 0 && mounts_at("e/x") == 0, "and back");
	ok(mount_bind_at("a", "R/a") == 0 && mount_bind_at("e", "R/e") == 0 && in_child(from_below("R", h, g)) == 0, "propagate_from: the nearest group that can be seen");
	ok(umount("R/a") == 0 && umount("R/e") == 0, "away");

	/* Groups that change. */
	ok(mount_propagation_of("d", MS_PRIVATE) == 0 && mount_master("e") == h && mount_shared("d") == 0 && mount_master("d") == 0, "the master's peer leaves");
	ok(mount_tmpfs("c/y") == 0 && mounts_at("e/y") == 1 && mounts_at("d/y") == 0, "who is left goes on");
	umount("c/y");
	ok(mount_propagation_of("c", MS_PRIVATE) == 0 && mount_master("e") == g, "the last one leaves: its slaves get its master");
	ok(mount_tmpfs("a/y") == 0 && mounts_at("e/y") == 1 && mounts_at("c/y") == 0 && umount("a/y") == 0 && mounts_at("e/y") == 0, "and hear it");
	ok(umount("c") == 0 && umount("d") == 0, "away");
	ok(umount("a") == 0 && mount_master("e") == g && mount_shared("b") == g, "a member that is unmounted leaves");
	ok(mount_propagation_of("b", MS_PRIVATE) == 0 && mount_master("e") == 0, "the last: its slave has no master");
	ok(umount("e") == 0 && mount_bind_at("b", "a") == 0 && mount_shared("a") == 0, "a bind of a private mount is private");
	umount("a");
	mount_propagation_of("b", MS_SHARED);
	mount_bind_at("b", "a");
	mount_bind_at("b", "c");
	mount_propagation_of("c", MS_SLAVE);
	g = mount_shared("a");

	/* What is mounted where the slave has something of its own goes below that. */
	ok(mount_tmpfs("c/x") == 0 && mkdir("c/x/mine", 0755) == 0 && mount_tmpfs("a/x") == 0 && mounts_at("c/x") == 2 && access("c/x/mine", F_OK) == 0,
	   "a mount that comes goes below what is there");
	ok(umount("c/x") == 0 && mounts_at("c/x") == 1 && access("c/x/mine", F_OK) == -1 && umount("c/x") == 0, "and appears when that is gone");
	umount("a/x");
	mount_tmpfs("c/x");
	mkdir("c/x/mine", 0755);
	mount_tmpfs("a/x");
	ok(umount("a/x") == 0 && mounts_at("c/x") == 1 && access("c/x/mine", F_OK) == 0, "or goes from below");
	ok(umount("c/x") == 0, "away");

	/* A lazy unmount takes the trees of all. */
	mount_tmpfs("a/x");
	mkdir("a/x/in", 0755);
	mount_tmpfs("a/x/in");
	ok(mounts_at("b/x/in") == 1 && mounts_at("c/x/in") == 1 && umount2("b/x", MNT_DETACH) == 0 && mounts_at("a/x") == 0 && mounts_at("c/x/in") == 0 && mounts_at("c/x") == 0,
	   "lazily: the tree, everywhere");
	mount_tmpfs("a/x");
	mkdir("a/x/in", 0755);
	mkdir("a/x/other", 0755);
	mount_tmpfs("a/x/in");
	mount_tmpfs("c/x/other");
	ok(umount2("a/x", MNT_DETACH) == 0 && mounts_at("c/x") == 1 && mounts_at("c/x/in") == 0 && mounts_at("c/x/other") == 1, "but for what has something else below");
	ok(umount2("c/x", MNT_DETACH) == 0 && mounts_at("c/x/other") == 0, "away");
	mount_tmpfs("a/x");
	mkdir("a/x/in", 0755);
	mount_tmpfs("a/x/in");
	mount_tmpfs("c/x/in");
	ok(umount2("a/x", MNT_DETACH) == 0 && mounts_at("c/x") == 1 && mounts_at("c/x/in") == 1, "what covers a mount that goes stays, and with it what that is mounted on");
	umount2("c/x", MNT_DETACH);
	mount_tmpfs("a/x");
	fd = open("a/x/f", O_CREAT | O_RDWR, 0600);
	ok(umount2("a/x", MNT_DETACH) == 0 && mounts_at("b/x") == 0 && write(fd, "x", 1) == 1, "an open file does not hinder that");
	close(fd);

	/* Trees that are bound. */
	mount_tmpfs("p");
	make((const char *const[]){ "p/1", "p/2", "p/3", NULL });
	mount_tmpfs("p/1");
	mount_tmpfs("p/2");
	mount_propagation_of("p/2", MS_UNBINDABLE);
	ok(mount("p", "a/x", NULL, MS_BIND | MS_REC, NULL) == 0 && mounts_at("a/x/1") == 1 && mounts_at("b/x/1") == 1 && mounts_at("c/x/1") == 1, "a tree bound in a shared mount");
	ok(mounts_at("a/x/2") == 0 && mounts_at("b/x/2") == 0, "without what is unbindable");
	ok(mount_shared("a/x") > 0 && mount_shared("a/x/1") == mount_shared("b/x/1") && mount_master("c/x/1") == mount_shared("a/x/1"), "all of it is shared");
	ok(mount_shared("p") == 0 && mount_shared("p/1") == 0, "the original is not");
	ok_errno(umount("a/x"), EBUSY, "busy with what is below");
	ok(umount2("a/x", MNT_DETACH) == 0 && mounts_at("b/x/1") == 0 && mounts_at("c/x/1") == 0, "away");
	ok(mount_bind_at("a", "a/y") == 0 && mounts_at("b/y") == 1 && mounts_at("c/y") == 1 && mounts_at("a/y/y") == 0 && mount_shared("a/y") == g, "a mount bound inside itself");
	ok(mount_tmpfs("b/z") == 0 && mounts_at("a/y/z") == 1 && mounts_at("b/y/z") == 1 && mounts_at("c/z") == 1 && mounts_at("c/y/z") == 1, "its peer there gets what comes later");
	ok(umount("a/y/z") == 0 && mounts_at("a/z") == 0 && mounts_at("c/y/z") == 0 && umount("a/y") == 0, "and back");

	/* Moves. */
	ok_errno(mount("p", "a/x", NULL, MS_MOVE, NULL), EINVAL, "a tree with an unbindable mount is not moved into a shared one");
	ok(mount_propagation_of("p/2", MS_PRIVATE) == 0 && mount("p", "a/x", NULL, MS_MOVE, NULL) == 0 && mounts_at("p") == 0 && mounts_at("b/x/2") == 1 && mounts_at("c/x/1") == 1 &&
	   mount_shared("a/x") > 0 && mount_shared("a/x/2") == mount_shared("b/x/2"), "moved into a shared one: everywhere, shared");
	ok_errno(mount("a/x", "q", NULL, MS_MOVE, NULL), EINVAL, "nothing is moved out of a shared one");
	ok_errno(mount("a/x/1", "a/x/3", NULL, MS_MOVE, NULL), EINVAL, "nor within");
	ok(mount("c/x", "q", NULL, MS_MOVE, NULL) == 0 && mounts_at("q/1") == 1 && mount_master("q") == mount_shared("a/x"), "out of a slave it is");
	ok(umount2("a/x", MNT_DETACH) == 0 && mounts_at("q") == 1 && mount_master("q") == 0, "what moved is not found by the unmount; it has no master any more");
	umount2("q", MNT_DETACH);

	/* mount_setattr, open_tree, move_mount. */
	mount_tmpfs("p");
	mkdir("p/1", 0755);
	mount_tmpfs("p/1");
	ok(setattr("p", RECURSIVE, 1, MS_SHARED) == 0 && mount_shared("p") > 0 && mount_shared("p/1") > 0 && mount_shared("p") != mount_shared("p/1") &&
	   mkdir("p/1/d", 0755) == -1 && errno == EROFS, "mount_setattr: shared and read-only, both mounts");
	ok_errno(setattr("p", 0, 0, MS_SHARED | MS_SLAVE), EINVAL, "two types");
	ok(setattr("p", 0, 0, MS_PRIVATE) == 0 && mount_shared("p") == 0 && mount_shared("p/1") > 0, "private, one of them");
	ok((t = open_tree_("p", CLONE_TREE | RECURSIVE)) >= 0 && move_mount_(t, "", "a/y") == 0 && mounts_at("b/y/1") == 1 && mount_shared("b/y/1") == mount_shared("p/1") &&
	   mount_shared("a/y") > 0, "a cloned tree hung into a shared mount");
	close(t);
	ok_errno(move_mount_(AT_FDCWD, "a/y", "q"), EINVAL, "move_mount out of a shared mount");
	ok(umount2("b/y", MNT_DETACH) == 0 && mounts_at("a/y") == 0 && umount2("p", MNT_DETACH) == 0, "away");
	t = open_tree_("a", CLONE_TREE);
	ok(t >= 0 && move_mount_(t, "", "p") == 0 && mount_shared("p") == g && mount_tmpfs("b/x") == 0 && mounts_at("p/x") == 1, "a clone of a shared mount is its peer");
	close(t);
	ok(umount("a/x") == 0 && mounts_at("p/x") == 0 && umount("p") == 0, "away");

	/* MOVE_MOUNT_SET_GROUP. */
	ok(mount_bind_at("a", "p") == 0 && mount_propagation_of("p", MS_PRIVATE) == 0 && set_group("c", "p") == 0 && mount_master("p") == g && mount_shared("p") == 0, "to be a slave like another");
	ok_errno(set_group("a", "p"), EINVAL, "a slave joins no other group");
	ok(mount_propagation_of("p", MS_PRIVATE) == 0 && set_group("a", "p") == 0 && mount_shared("p") == g && mount_tmpfs("p/x") == 0 && mounts_at("b/x") == 1 && mounts_at("c/x") == 1,
	   "or a peer");
	ok(umount("a/x") == 0 && mounts_at("p/x") == 0 && umount("p") == 0, "away");
	mount_tmpfs("p");
	ok_errno(set_group("a", "p"), EINVAL, "not of another file system");
	ok_errno(set_group("p", "a"), EINVAL, "nor from one that is private");
	umount("p");

	/* A root under a shared mount is not exchanged. */
	mount_tmpfs("p");
	make((const char *const[]){ "p/new", NULL });
	mount_tmpfs("p/new");
	make((const char *const[]){ "p/new/old", NULL });
	ok(in_child(mount_propagation_of("p", MS_SHARED) || chroot("p") || chdir("/") || syscall(SYS_pivot_root, "new", "new/old") != -1 || errno != EINVAL) == 0,
	   "pivot_root: the new root is in a shared mount");
	mount_propagation_of("p", MS_PRIVATE);
	ok(in_child(mount_propagation_of("p/new", MS_SHARED) || chroot("p") || chdir("/") || syscall(SYS_pivot_root, "new", "new/old") != -1 || errno != EINVAL) == 0,
	   "or where the old one goes to is");
	mount_propagation_of("p/new", MS_PRIVATE);
	make((const char *const[]){ "p/new/b", NULL });
	mount_tmpfs("p/new/b");
	ok(in_child(chroot("p/new/b") || syscall(SYS_pivot_root, "p/new", "p/new/old") != -1 || errno != EINVAL) == 0, "or the new root, above the old one");
	umount2("p", MNT_DETACH);
	ok(in_child(setgid(1234) || setuid(1234) || !(mount_propagation_of("a", MS_PRIVATE) == -1 && errno == EPERM)) == 0, "only root may");

	/* All of it made something, like mount --make-rslave /. */
	mount_tmpfs("a/x");
	ok(mount_propagation_of(".", MS_SHARED | MS_REC) == 0 && mount_shared("b/x") > 0 && mount_shared("c/x") > 0 && mount_master("c/x") == mount_shared("a/x"), "recursively shared");
	ok(mount_propagation_of(".", MS_SLAVE | MS_REC) == 0 && mount_shared("a") <= 0 && mount_shared("b") <= 0 && mount_shared("c/x") == 0, "recursively slaves: without a master outside, private");
	ok(mount_propagation_of(".", MS_UNBINDABLE | MS_REC) == 0 && mount_bind_at("a", "q") == -1 && errno == EINVAL, "recursively unbindable");
	return done();
}
