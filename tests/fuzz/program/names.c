/* SPDX-License-Identifier: MIT */
/* Names by kind: paths of the scratch directory and of the machine, attributes, file systems, queues, sockets. */
#include <string.h>
#include "maker.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(m, a) ((a)[below(m, (unsigned)COUNT(a))])

size_t maker_text(struct maker *m, char *out, const char *aux)
{
	static const char *const small[] = { "a", "b", "c", "d", "d/a", "d/b", "e", "d/e", "d/e/a", "l", "m", "d/l", "f", "d/f" };
	static const char *const odd[] = { ".", "..", "./a", "d/.", "d/..", "d/../a", "a/", "d/", "a/b", "", "d//a", "l/", "l/a", "./d/e/../b", "d/e/..", "m/a" };
	static const char *const system[] = { "/", "/tmp", "/tmp/f", "/tmp/d", "/tmp/d/x", "/dev/null", "/dev/zero", "/dev/ptmx", "/dev/tty", "/dev/full",
		"/dev/console", "/dev/pts/0", "/dev/urandom", "/proc/self/maps", "/proc/self/fd/3", "/proc/self/fd", "/proc/self/status", "/proc/self/mem",
		"/proc/self/exe", "/proc/self/cwd", "/proc/self", "/proc/mounts", "/proc/1/fd", "/proc/meminfo", "/proc/self/task", "/sys", "/d/small",
		"/d/large", "/d/link", "/d", "/d/sub", "/bin/prog", "/bin/script", "/mnt", "/d/new", "/d/sub/x", "/dirlink/y", "/dev/vdb", "/dev/vdc", "/dev/vdd", "/mnt/b", "/dev/shm",
		"/d/deep" };
	static const char *const own[] = { "maps", "fd/3", "fd", "status", "mem", "exe", "cwd", "root", "task", "oom_score_adj", "oom_score", "comm", "stat", "statm",
		"smaps", "smaps_rollup", "environ", "cmdline", "auxv", "limits", "io", "mounts", "mountinfo", "fdinfo", "fdinfo/0", "fdinfo/3", "fdinfo/4", "wchan",
		"syscall", "schedstat", "personality", "uid_map", "cgroup", "loginuid", "clear_refs", "pagemap", "attr/current", "ns/mnt", "exe/" };
	static const char *const whole[] = { "stat", "meminfo", "mounts", "uptime", "loadavg", "version", "cpuinfo", "filesystems", "partitions", "interrupts",
		"vmstat", "devices", "diskstats", "locks", "slabinfo", "swaps", "cmdline", "irq", "irq/1/smp_affinity", "irq/33/smp_affinity_list", "net", "net/unix", "sysvipc/shm",
		"sys", "sys/kernel", "sys/kernel/hostname", "sys/kernel/core_pattern", "sys/kernel/core_uses_pid", "sys/kernel/pid_max", "sys/kernel/sem",
		"sys/kernel/msgmax", "sys/kernel/shmmax", "sys/kernel/printk", "sys/kernel/random/uuid", "sys/kernel/random/boot_id", "sys/vm/overcommit_memory",
		"sys/vm/drop_caches", "sys/vm/max_map_count", "sys/fs/nr_open", "sys/fs/file-max", "sys/fs/pipe-max-size", "sys/fs/inotify/max_user_watches",
		"sys/net/core/somaxconn", "self", "thread-self", "1", "1/fd", "1/status", "1/maps", "2/stat" };
	static const char *const devices[] = { "/sys/block", "/sys/block/vda/size", "/sys/block/vdb/stat", "/sys/devices/system/cpu", "/sys/devices/system/cpu/online", "/sys/class",
		"/sys/kernel", "/sys/fs", "/dev/fd/3", "/dev/stdin", "/dev/kmsg", "/dev/mem", "/dev/random", "/dev/hwrng", "/dev/vda", "/dev/mqueue", "/dev/pts", "/dev/pts/1" };
	static const char *const xattrs[] = { "user.a", "user.b", "user.", "trusted.a", "security.a", "system.posix_acl_access", "system.posix_acl_default", "a", "" };
	static const char *const types[] = { "tmpfs", "proc", "ext2", "sysfs", "devpts", "devtmpfs", "nothing" };
	static const char *const queues[] = { "q", "r", "", ".", "q/r", "/q" };
	static const char *const sockets[] = { "s", "t", "d/s" };
	static const char *const keys[] = { "source", "ro", "rw", "size", "mode", "nr_inodes", "uid", "gid", "nr_blocks", "sync", "errors", "a" };
	static const char *const settings[] = { "/dev/vdb", "1m", "64k", "0755", "7", "0", "50%", "none", "continue", "-1", "remount-ro", "ro,size=1m,mode=700" };
	const char *s;

	if (!strcmp(aux, "xattr")) {
		s = PICK(m, xattrs);
	} else if (!strcmp(aux, "fstype")) {
		s = PICK(m, types);
	} else if (!strcmp(aux, "fskey")) {
		s = PICK(m, keys);
	} else if (!strcmp(aux, "fsvalue")) {
		s = PICK(m, settings);
	} else if (!strcmp(aux, "mq")) {
		s = queues[percent(m, 80) ? below(m, 2) : below(m, (unsigned)COUNT(queues))];
	} else if (!strcmp(aux, "socket")) {
		if (percent(m, 30)) {	/* abstract */
			memcpy(out, "\0x", 3);
			return 3;
		}
		s = PICK(m, sockets);
	} else if (percent(m, 2)) {
		size_t n = NAME_LONG - 1 + below(m, 2);

		memset(out, 'n', n);
		out[n] = 0;
		return n + 1;
	} else if (!m->choice->small && percent(m, 35)) {
		switch (below(m, 8)) {
		case 0: case 1:
			strcpy(out, "/proc/self/");
			strcat(out, PICK(m, own));
			return strlen(out) + 1;
		case 2:
			strcpy(out, "/proc/");
			strcat(out, PICK(m, whole));
			return strlen(out) + 1;
		case 3: s = PICK(m, devices); break;
		default: s = PICK(m, system); break;
		}
	} else {
		s = percent(m, 80) ? PICK(m, small) : PICK(m, odd);
	}
	strcpy(out, s);
	return strlen(s) + 1;
}
