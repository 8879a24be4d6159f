/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory (shmget(2), shmop(2), shmctl(2)).
 *
 * A segment is a nameless file whose mapping holds the only copy of its
 * pages; attaching maps that file.  How often it is attached is how many areas
 * map it, which fork, exit and partial munmap keep right by themselves.
 *
 * The file's reference is the table's while the segment is alive and goes with
 * IPC_RMID; the areas have theirs.  When the last is gone the file's release
 * takes the segment out of the table.
 */
#include <kernel/vm.h>
#include "ipc/sysv_internal.h"

enum { PROT_R = 1, PROT_W = 2, PROT_X = 4, MAP_SHARED_ = 1, MAP_FIXED_ = 0x10, MAP_FIXED_NOREPLACE_ = 0x100000, MAP_NORESERVE_ = 0x4000 };
static const uint64_t shm_max = UINT64_MAX - (1ull << 24);

struct segment {
	struct sysv_object o;
	struct mapping mapping;
	struct file *file;		/* [I] a reference until IPC_RMID */
	uint64_t size;			/* [I] */
	int64_t ctime;			/* [o.lock] */
	int64_t atime, dtime;		/* [a] */
	int32_t cpid;			/* [I] */
	int32_t lpid;			/* [a] who attached or detached it last: by fork, munmap and exit, too */
};
static struct sysv_table segments;
static const struct mapping_ops memory_ops = { .memory_only = true };

static struct segment *seg_of(struct sysv_object *o) { return container_of(o, struct segment, o); }

static void destroy(struct sysv_object *o)
{
	struct segment *s = seg_of(o);

	if (s->file) {		/* never got into the table */
		s->file->private = NULL;
		file_put(s->file);
	}
	mapping_destroy(&s->mapping);
	kfree(s);
}

/* Nobody maps it and it was removed. */
static void shm_release(struct file *f)
{
	struct segment *s = f->private;

	if (!s)
		return;
	mutex_lock(&s->o.lock);
	s->file = NULL;
	ref_get(&s->o.refs);
	sysv_remove(&segments, &s->o);
	mutex_unlock(&s->o.lock);
	sysv_put(&s->o);
}

static void shm_mapped(struct file *f, bool more)
{
	struct segment *s = f->private;

	if (!s)
		return;
	WRITE_ONCE(*(more ? &s->atime : &s->dtime), sysv_now());
	if (current->process)
		WRITE_ONCE(s->lpid, process_pid(current->process));
}

static int shm_mmap(struct file *f, struct vm_area *a)
{
	a->mapping = &((struct segment *)f->private)->mapping;
	if (!(a->flags & VM_WRITE))	/* SHM_RDONLY is for ever: whoever attaches so may not be allowed more */
		a->flags &= ~(unsigned)VM_MAYWRITE;
	shm_mapped(f, true);
	return 0;
}

static const struct file_ops shm_file_ops = { .release = shm_release, .mmap = shm_mmap, .mapped = shm_mapped };

struct get_arg { int error; size_t size; int32_t key; int flags; };

static struct sysv_object *create(void *p)
{
	struct get_arg *a = p;
	struct segment *s;
	char name[32];

	a->error = 0;
	if (a->size < 1 || a->size > shm_max || (int64_t)a->size < 0) {	/* at last, it is the size of a file */
		a->error = -EINVAL;
		return NULL;
	}
	if (a->flags & SHM_HUGETLB) {	/* no huge pages are set aside */
		a->error = -ENOMEM;
		return NULL;
	}
	if (a->size > 1ull << 46 && !(a->flags & SHM_NORESERVE)) {	/* more than anybody has */
		a->error = -ENOMEM;
		return NULL;
	}
	s = kzalloc(sizeof(*s), 0);
	if (!s)
		return NULL;
	ref_init(&s->o.refs);
	mutex_init(&s->o.lock, LOCK_IPC_OBJECT);
	s->o.destroy = destroy;
	mapping_init(&s->mapping, &memory_ops, NULL);
	s->size = a->size;
	s->ctime = sysv_now();
	s->cpid = process_pid(current->process);
	ksnprintf(name, sizeof(name), "/SYSV%08x", (unsigned)a->key);
	a->error = file_create_anon(name, S_IFREG | 0777, &shm_file_ops, s, O_RDWR, &s->file);
	if (a->error) {
		s->file = NULL;
		sysv_put(&s->o);
		return NULL;
	}
	s->file->mode |= FMODE_EXEC;
	return &s->o;
}

static int check(struct sysv_object *o, void *p)
{
	return ((struct get_arg *)p)->size > seg_of(o)->size ? -EINVAL : 0;
}

long sys_shmget(int key, size_t size, int flags)
{
	struct get_arg a = { 0, size, key, flags };

	return sysv_get(&segments, key, flags, create, check, &a);
}

static uint64_t attached(struct segment *s)
{
	struct vm_area *a;
	uint64_t n = 0;

	mutex_lock(&s->mapping.areas_lock);
	list_for_each(a, &s->mapping.areas, mapping_link)
		n++;
	mutex_unlock(&s->mapping.areas_lock);
	return n;
}

long sys_shmat(int id, uaddr_t addr, int flags)
{
	unsigned prot = PROT_R | (flags & SHM_RDONLY ? 0 : PROT_W) | (flags & SHM_EXEC ? PROT_X : 0);
	unsigned map = MAP_SHARED_ | (addr ? (flags & SHM_REMAP ? MAP_FIXED_ : MAP_FIXED_NOREPLACE_) : 0);
	struct sysv_object *o;
	struct segment *s;
	struct file *f = NULL;
	int64_t at;
	int err;

	if (addr & (PAGE_SIZE - 1)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		addr &= PAGE_MASK;
		if (!addr && (flags & SHM_REMAP))
			return -EINVAL;
	} else if (!addr && (flags & SHM_REMAP)) {
		return -EINVAL;
	}
	err = sysv_find(&segments, id, &o);
	if (err)
		return err;
	s = seg_of(o);
	mutex_lock(&o->lock);
	if (o->removed || !s->file || !ref_get_unless_zero(&s->file->refs))
		err = -EIDRM;
	else
		f = s->file;
	if (!err)
		err = sysv_permission(o, (flags & SHM_RDONLY ? 0444u : 0666u) | (flags & SHM_EXEC ? 0111u : 0));
	mutex_unlock(&o->lock);
	at = err;
	if (!err && addr && !(flags & SHM_REMAP) && addr + s->size < addr)
		at = err = -EINVAL;
	if (!err) {
		at = vm_mmap(current->vm, addr, s->size, prot, map, f, 0);
		if (at == -EEXIST)
			at = -EINVAL;
	}
	if (f)
		file_put(f);
	sysv_put(o);
	return at;
}

/* The next area of the attachment at addr that is in [from, ...): its bounds.  The file to look for if *f is NULL. */
static bool next_area(uaddr_t addr, uaddr_t from, struct file **f, uaddr_t *start, uaddr_t *end)
{
	struct vm_space *vm = current->vm;
	struct vm_area *a;
	bool found = false;

	rwsem_read_lock(&vm->lock);
	for (a = vm_find(vm, from); a; a = vm_next(a)) {
		if (*f && a->start >= addr + ((struct segment *)(*f)->private)->size)
			break;
		if (!a->file || a->file->ops != &shm_file_ops || a->start < addr || (a->start - addr) >> PAGE_SHIFT != a->pgoff)
			continue;
		if (*f && a->file != *f)
			continue;
		if (!*f) {
			if (a->start != addr && a->pgoff == 0)
				break;
			*f = a->file;
			file_get(*f);
		}
		*start = a->start;
		*end = a->end;
		found = true;
		break;
	}
	rwsem_read_unlock(&vm->lock);
	return found;
}

long sys_shmdt(uaddr_t addr)
{
	struct file *f = NULL;
	uaddr_t from = addr, start, end;
	int err = -EINVAL;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	while (next_area(addr, from, &f, &start, &end)) {
		(void)vm_munmap(current->vm, start, end - start);	/* what mseal(2) keeps stays, and Linux does not say so */
		err = 0;
		from = end;
	}
	if (!f)
		return err;
	file_put(f);
	return err;
}

static int put_stat(struct segment *s, uaddr_t buf)
{
	struct abi_shmid_ds ds = { .segsz = s->size, .atime = READ_ONCE(s->atime), .dtime = READ_ONCE(s->dtime), .ctime = s->ctime, .cpid = s->cpid,
		.lpid = READ_ONCE(s->lpid), .nattch = attached(s) };

	sysv_stat(&s->o, &ds.perm);
	return copy_to_user(buf, &ds, sizeof(ds));
}

/* set: of IPC_SET.  *drop: a file reference to put when the lock is gone.  [o.lock] */
static int control(struct segment *s, int cmd, uaddr_t buf, const struct abi_shmid_ds *set, struct file **drop)
{
	int err;

	switch (cmd) {
	case IPC_STAT:
		err = sysv_permission(&s->o, 0444);
		return err ? err : put_stat(s, buf);
	case IPC_SET:
		err = sysv_set(&s->o, &set->perm);
		if (!err)
			s->ctime = sysv_now();
		return err;
	case IPC_RMID:
		err = sysv_owner(&s->o);
		if (err || (s->o.mode & SHM_DEST))
			return err;
		WRITE_ONCE(s->o.mode, s->o.mode | SHM_DEST);
		sysv_hide_key(&segments, &s->o);
		*drop = s->file;
		return 0;
	case SHM_LOCK:
	case SHM_UNLOCK:
		/* Its pages are never written to a disk: locked or not, they stay. */
		if (!capable(CAP_IPC_LOCK)) {
			err = sysv_owner(&s->o);
			if (err)
				return err;
			if (cmd == SHM_LOCK && !rlimit_get(RLIMIT_MEMLOCK))
				return -EPERM;
			if (cmd == SHM_LOCK && s->size > rlimit_get(RLIMIT_MEMLOCK))
				return -ENOMEM;
		}
		WRITE_ONCE(s->o.mode, cmd == SHM_LOCK ? s->o.mode | SHM_LOCKED : s->o.mode & ~(unsigned)SHM_LOCKED);
		return 0;
	}
	return -EINVAL;
}

static int put_usage(uaddr_t buf)
{
	struct abi_shm_info in = { .used_ids = (int)READ_ONCE(segments.count) };

	mutex_lock(&segments.lock);
	for (uint64_t i = 0;; i++) {
		struct sysv_object *o = radix_next(&segments.by_index, &i);

		if (!o)
			break;
		in.shm_tot += DIV_ROUND_UP(seg_of(o)->size, PAGE_SIZE);
		in.shm_rss += READ_ONCE(seg_of(o)->mapping.page_count);
	}
	mutex_unlock(&segments.lock);
	return copy_to_user(buf, &in, sizeof(in));
}

NO_TSA long sys_shmctl(int id, int cmd, uaddr_t buf)
{
	struct abi_shmid_ds set;
	struct sysv_object *o;
	struct file *drop = NULL;
	long ret;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	if (cmd == IPC_INFO) {
		struct abi_shminfo in = { .shmmax = shm_max, .shmmin = 1, .shmmni = SYSV_MAX, .shmseg = SYSV_MAX, .shmall = shm_max };

		return copy_to_user(buf, &in, sizeof(in)) ? -EFAULT : sysv_highest(&segments);
	}
	if (cmd == SHM_INFO)
		return put_usage(buf) ? -EFAULT : sysv_highest(&segments);
	if (cmd == IPC_SET && copy_from_user(&set, buf, sizeof(set)))
		return -EFAULT;
	if (cmd == SHM_STAT || cmd == SHM_STAT_ANY)
		ret = sysv_find_index_locked(&segments, id, &o);
	else
		ret = sysv_find_locked(&segments, id, &o);
	if (ret)
		return ret;
	if (cmd == SHM_STAT || cmd == SHM_STAT_ANY) {
		ret = cmd == SHM_STAT ? sysv_permission(o, 0444) : 0;
		if (!ret)
			ret = put_stat(seg_of(o), buf);
		if (!ret)
			ret = o->id;
	} else {
		ret = control(seg_of(o), cmd, buf, &set, &drop);
	}
	mutex_unlock(&o->lock);
	if (drop)
		file_put(drop);
	sysv_put(o);
	return ret;
}

void sysv_shm_init(void) { sysv_table_init(&segments); }
