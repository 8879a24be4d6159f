/* SPDX-License-Identifier: MIT */
/* uname(2), sethostname(2), setdomainname(2), sysinfo(2). */
#include <kernel/abi_cpu.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <kernel/uts.h>
#include "syscall/syscall_impl.h"

/* The release says which Linux interface is meant: programs refuse to start on an old one. */
static struct uts_names names = { .sysname = "Linux", .nodename = "eft", .release = "6.6.0-eft", .version = "#1 SMP PREEMPT Eft",
	.domainname = "(none)" };
static struct spinlock names_lock = SPINLOCK_INIT(FS_CONTEXT);

void uts_get(struct uts_names *out)
{
	spin_lock(&names_lock);
	*out = names;
	spin_unlock(&names_lock);
	strlcpy(out->machine, abi_uts_machine, sizeof(out->machine));
}

static int set_name(char *to, const char *name, size_t n)
{
	if (n >= UTS_LEN)
		return -EINVAL;
	spin_lock(&names_lock);
	memset(to, 0, UTS_LEN);
	memcpy(to, name, n);
	spin_unlock(&names_lock);
	return 0;
}

int uts_set_nodename(const char *name, size_t n) { return set_name(names.nodename, name, n); }
int uts_set_domainname(const char *name, size_t n) { return set_name(names.domainname, name, n); }

long sys_uname(uaddr_t buf)
{
	struct uts_names n;

	uts_get(&n);
	return copy_to_user(buf, &n, sizeof(n));
}

static long set_from_user(uaddr_t name, int len, int (*set)(const char *, size_t))
{
	char buf[UTS_LEN];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len >= UTS_LEN)
		return -EINVAL;
	if (copy_from_user(buf, name, (size_t)len))
		return -EFAULT;
	return set(buf, (size_t)len);
}

long sys_sethostname(uaddr_t name, int len) { return set_from_user(name, len, uts_set_nodename); }
long sys_setdomainname(uaddr_t name, int len) { return set_from_user(name, len, uts_set_domainname); }

struct abi_sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
};
_Static_assert(sizeof(struct abi_sysinfo) == 112, "struct sysinfo");

long sys_sysinfo(uaddr_t buf)
{
	struct abi_sysinfo s;
	struct mem_info mi;
	uint64_t avg[3];
	unsigned running, threads;

	memset(&s, 0, sizeof(s));
	mem_info_get(&mi);
	sched_loadavg(avg, &running, &threads);
	s.uptime = (int64_t)(hal_time_mono_ns() / NSEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		s.loads[i] = avg[i] << (16 - 11);
	s.totalram = mi.total_pages * PAGE_SIZE;
	s.freeram = mi.free_pages * PAGE_SIZE;
	s.bufferram = 0;
	s.procs = (uint16_t)MIN(threads, 65535u);
	s.mem_unit = 1;
	return copy_to_user(buf, &s, sizeof(s));
}
