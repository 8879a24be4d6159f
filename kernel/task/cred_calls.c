/* SPDX-License-Identifier: MIT */
/*
 * The system calls on credentials: get*id, set*id, groups, capabilities.
 * setuid(2), setresuid(2), setfsuid(2), setgroups(2), capget(2).
 */
#include "syscall/syscall_impl.h"
#include "task_impl.h"

enum { SECURE_NO_SETUID_FIXUP = 2, NGROUPS_MAX = 65536 };
#define CAPS_ALL ((1ull << (CAP_LAST + 1)) - 1)
#define CAPS_FS (1ull << CAP_CHOWN | 1ull << CAP_MKNOD | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH | \
	1ull << CAP_FOWNER | 1ull << CAP_FSETID | 1ull << CAP_LINUX_IMMUTABLE | 1ull << 27 /* CAP_MKNOD */ | 1ull << 32 /* CAP_MAC_OVERRIDE */)
#define NO_ID UINT32_MAX

long sys_getuid(void) { return current->cred->uid; }
long sys_geteuid(void) { return current->cred->euid; }
long sys_getgid(void) { return current->cred->gid; }
long sys_getegid(void) { return current->cred->egid; }

/* A change of user ids changes capabilities too (capabilities(7)). */
static void cred_fixup_uid(struct cred *c, const struct cred *old)
{
	if (c->securebits & 1u << SECURE_NO_SETUID_FIXUP)
		return;
	if ((old->uid == 0 || old->euid == 0 || old->suid == 0) && c->uid != 0 && c->euid != 0 && c->suid != 0) {
		if (!current->keep_caps) {
			c->cap_permitted = 0;
			c->cap_effective = 0;
		}
		c->cap_ambient = 0;
	}
	if (old->euid == 0 && c->euid != 0)
		c->cap_effective = 0;
	if (old->euid != 0 && c->euid == 0)
		c->cap_effective = c->cap_permitted;
}

static long cred_commit_uid(struct cred *c)
{
	cred_fixup_uid(c, current->cred);
	cred_commit(c);
	return 0;
}

static long cred_abort(struct cred *c, long err)
{
	cred_put(c);
	return err;
}

long sys_setuid(uint32_t uid)
{
	struct cred *c;

	if (uid == NO_ID)
		return -EINVAL;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	if (capable(CAP_SETUID))
		c->uid = c->suid = uid;
	else if (uid != c->uid && uid != c->suid)
		return cred_abort(c, -EPERM);
	c->euid = c->fsuid = uid;
	return cred_commit_uid(c);
}

long sys_setgid(uint32_t gid)
{
	struct cred *c;

	if (gid == NO_ID)
		return -EINVAL;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	if (capable(CAP_SETGID))
		c->gid = c->sgid = gid;
	else if (gid != c->gid && gid != c->sgid)
		return cred_abort(c, -EPERM);
	c->egid = c->fsgid = gid;
	cred_commit(c);
	return 0;
}

long sys_setreuid(uint32_t ruid, uint32_t euid)
{
	const struct cred *old = current->cred;
	bool may = capable(CAP_SETUID);
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (ruid != NO_ID) {
		if (!may && ruid != old->uid && ruid != old->euid)
			return cred_abort(c, -EPERM);
		c->uid = ruid;
	}
	if (euid != NO_ID) {
		if (!may && euid != old->uid && euid != old->euid && euid != old->suid)
			return cred_abort(c, -EPERM);
		c->euid = euid;
	}
	if (ruid != NO_ID || (euid != NO_ID && euid != old->uid))
		c->suid = c->euid;
	c->fsuid = c->euid;
	return cred_commit_uid(c);
}

long sys_setregid(uint32_t rgid, uint32_t egid)
{
	const struct cred *old = current->cred;
	bool may = capable(CAP_SETGID);
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (rgid != NO_ID) {
		if (!may && rgid != old->gid && rgid != old->egid)
			return cred_abort(c, -EPERM);
		c->gid = rgid;
	}
	if (egid != NO_ID) {
		if (!may && egid != old->gid && egid != old->egid && egid != old->sgid)
			return cred_abort(c, -EPERM);
		c->egid = egid;
	}
	if (rgid != NO_ID || (egid != NO_ID && egid != old->gid))
		c->sgid = c->egid;
	c->fsgid = c->egid;
	cred_commit(c);
	return 0;
}

static bool id_among(uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	return id == NO_ID || id == a || id == b || id == c;
}

static bool keeps(uint32_t id, uint32_t now) { return id == NO_ID || id == now; }

long sys_setresuid(uint32_t ruid, uint32_t euid, uint32_t suid)
{
	const struct cred *old = current->cred;
	struct cred *c;

	/* What changes nothing leaves the id of the file system alone, too. */
	if (keeps(ruid, old->uid) && keeps(euid, old->euid) && keeps(euid, old->fsuid) && keeps(suid, old->suid))
		return 0;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	if (!capable(CAP_SETUID) && !(id_among(ruid, old->uid, old->euid, old->suid) &&
	    id_among(euid, old->uid, old->euid, old->suid) && id_among(suid, old->uid, old->euid, old->suid)))
		return cred_abort(c, -EPERM);
	if (ruid != NO_ID)
		c->uid = ruid;
	if (euid != NO_ID)
		c->euid = euid;
	if (suid != NO_ID)
		c->suid = suid;
	c->fsuid = c->euid;
	return cred_commit_uid(c);
}

long sys_setresgid(uint32_t rgid, uint32_t egid, uint32_t sgid)
{
	const struct cred *old = current->cred;
	struct cred *c;

	if (keeps(rgid, old->gid) && keeps(egid, old->egid) && keeps(egid, old->fsgid) && keeps(sgid, old->sgid))
		return 0;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	if (!capable(CAP_SETGID) && !(id_among(rgid, old->gid, old->egid, old->sgid) &&
	    id_among(egid, old->gid, old->egid, old->sgid) && id_among(sgid, old->gid, old->egid, old->sgid)))
		return cred_abort(c, -EPERM);
	if (rgid != NO_ID)
		c->gid = rgid;
	if (egid != NO_ID)
		c->egid = egid;
	if (sgid != NO_ID)
		c->sgid = sgid;
	c->fsgid = c->egid;
	cred_commit(c);
	return 0;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
	const struct cred *c = current->cred;

	if (put_user(c->uid, ruid) || put_user(c->euid, euid) || put_user(c->suid, suid))
		return -EFAULT;
	return 0;
}

long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
	const struct cred *c = current->cred;

	if (put_user(c->gid, rgid) || put_user(c->egid, egid) || put_user(c->sgid, sgid))
		return -EFAULT;
	return 0;
}

/* Both answer the former id, changed or not: that is how a refusal is told. */
long sys_setfsuid(uint32_t uid)
{
	const struct cred *old = current->cred;
	uint32_t was = old->fsuid;
	struct cred *c;

	if (uid == NO_ID || uid == was ||
	    !(uid == old->uid || uid == old->euid || uid == old->suid || capable(CAP_SETUID)))
		return was;
	c = cred_prepare();
	if (!c)
		return was;
	c->fsuid = uid;
	if (!(c->securebits & 1u << SECURE_NO_SETUID_FIXUP)) {
		if (was == 0 && uid != 0)
			c->cap_effective &= ~CAPS_FS;
		if (was != 0 && uid == 0)
			c->cap_effective |= c->cap_permitted & CAPS_FS;
	}
	cred_commit(c);
	return was;
}

long sys_setfsgid(uint32_t gid)
{
	const struct cred *old = current->cred;
	uint32_t was = old->fsgid;
	struct cred *c;

	if (gid == NO_ID || gid == was ||
	    !(gid == old->gid || gid == old->egid || gid == old->sgid || capable(CAP_SETGID)))
		return was;
	c = cred_prepare();
	if (!c)
		return was;
	c->fsgid = gid;
	cred_commit(c);
	return was;
}

long sys_getgroups(int size, uaddr_t list)
{
	const struct cred *c = current->cred;

	if (size < 0)
		return -EINVAL;
	if (size) {
		if ((unsigned)size < c->ngroups)
			return -EINVAL;
		if (c->ngroups && copy_to_user(list, c->groups, c->ngroups * sizeof(uint32_t)))
			return -EFAULT;
	}
	return (long)c->ngroups;
}

/* Heap sort: in place, no recursion. */
static void group_sift(uint32_t *g, size_t i, size_t n)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n && g[child + 1] > g[child])
			child++;
		if (g[i] >= g[child])
			return;
		uint32_t tmp = g[i]; g[i] = g[child]; g[child] = tmp;
		i = child;
	}
}

static void group_sort(uint32_t *g, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		group_sift(g, i, n);
	for (size_t end = n; end-- > 1;) {
		uint32_t tmp = g[0]; g[0] = g[end]; g[end] = tmp;
		group_sift(g, 0, end);
	}
}

long sys_setgroups(int size, uaddr_t list)
{
	uint32_t *groups = NULL;
	struct cred *c;
	int there;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (size < 0 || size > NGROUPS_MAX)
		return -EINVAL;
	if (size) {
		groups = kmalloc((size_t)size * sizeof(uint32_t), 0);
		if (!groups)
			return -ENOMEM;
		/* One after the other: nobody's number before memory that ends is what counts. */
		there = (int)(copy_from_user_partial(groups, list, (size_t)size * sizeof(uint32_t)) / sizeof(uint32_t));
		for (int i = 0; i < size; i++)
			if (i == there || groups[i] == NO_ID) {
				kfree(groups);
				return i == there ? -EFAULT : -EINVAL;
			}
		group_sort(groups, (size_t)size);
	}
	c = cred_prepare();
	if (!c) {
		kfree(groups);
		return -ENOMEM;
	}
	kfree(c->groups);
	c->groups = groups;
	c->ngroups = (unsigned)size;
	cred_commit(c);
	return 0;
}

/* ---- capabilities ---- */

enum { CAP_V1 = 0x19980330, CAP_V2 = 0x20071026, CAP_V3 = 0x20080522 };
struct abi_cap_header { uint32_t version; int32_t pid; };
struct abi_cap_data { uint32_t effective, permitted, inheritable; };

/* How many 32-bit halves the caller's version has; 0: unknown, and the header then tells ours. */
static int cap_version(uaddr_t header, struct abi_cap_header *h)
{
	if (get_user(h->version, header + offsetof(struct abi_cap_header, version)))
		return -EFAULT;
	if (h->version == CAP_V1 || h->version == CAP_V2 || h->version == CAP_V3)
		return h->version == CAP_V1 ? 1 : 2;
	if (put_user((uint32_t)CAP_V3, header))
		return -EFAULT;
	return 0;
}

/* Which thread: looked at when the version is known. */
static int cap_pid(uaddr_t header, struct abi_cap_header *h)
{
	return get_user(h->pid, header + offsetof(struct abi_cap_header, pid)) ? -EFAULT : 0;
}

long sys_capget(uaddr_t header, uaddr_t data)
{
	struct abi_cap_header h;
	struct abi_cap_data d[2];
	struct cred *c;
	int n = cap_version(header, &h);

	if (n < 0)
		return n;
	if (n == 0)
		return data ? -EINVAL : 0;
	if (!data)
		return 0;
	if (cap_pid(header, &h))
		return -EFAULT;
	if (h.pid < 0)
		return -EINVAL;
	if (h.pid == 0 || h.pid == task_tid(current)) {
		c = cred_get(current->cred);
	} else {
		struct task *t = task_find(h.pid);

		if (!t)
			return -ESRCH;
		c = task_cred_get(t);
		task_put(t);
		if (!c)
			return -ESRCH;
	}
	for (int i = 0; i < 2; i++)
		d[i] = (struct abi_cap_data){ (uint32_t)(c->cap_effective >> 32 * i), (uint32_t)(c->cap_permitted >> 32 * i),
			(uint32_t)(c->cap_inheritable >> 32 * i) };
	cred_put(c);
	return data ? copy_to_user(data, d, (size_t)n * sizeof(d[0])) : 0;
}

long sys_capset(uaddr_t header, uaddr_t data)
{
	struct abi_cap_header h;
	struct abi_cap_data d[2] = { { 0, 0, 0 } };
	const struct cred *old = current->cred;
	uint64_t eff, perm, inh;
	struct cred *c;
	int n = cap_version(header, &h);

	if (n <= 0)
		return n ? n : -EINVAL;
	if (cap_pid(header, &h))
		return -EFAULT;
	if (h.pid != 0 && h.pid != task_tid(current))
		return -EPERM;
	if (copy_from_user(d, data, (size_t)n * sizeof(d[0])))
		return -EFAULT;
	eff = (d[0].effective | (uint64_t)d[1].effective << 32) & CAPS_ALL;
	perm = (d[0].permitted | (uint64_t)d[1].permitted << 32) & CAPS_ALL;
	inh = (d[0].inheritable | (uint64_t)d[1].inheritable << 32) & CAPS_ALL;
	if (!capable(CAP_SETPCAP) && (inh & ~(old->cap_inheritable | old->cap_permitted)))
		return -EPERM;
	if (inh & ~(old->cap_inheritable | old->cap_bounding))
		return -EPERM;
	if (perm & ~old->cap_permitted)
		return -EPERM;
	if (eff & ~perm)
		return -EPERM;
	c = cred_prepare();
	if (!c)
		return -ENOMEM;
	c->cap_effective = eff;
	c->cap_permitted = perm;
	c->cap_inheritable = inh;
	c->cap_ambient &= perm & inh;
	cred_commit(c);
	return 0;
}
