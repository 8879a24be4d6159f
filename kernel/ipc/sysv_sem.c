/* SPDX-License-Identifier: MIT */
/*
 * System V semaphores (semop(2), semctl(2)).
 *
 * An array of operations is tried as a whole: each is applied to the values in
 * turn, and all are taken back if one cannot be done.  Who has to wait sleeps
 * on the set's queue and tries again after each change.
 *
 * SEM_UNDO adjustments are kept per process and set, on a list of each.  A
 * process that exits applies them; a set that is removed forgets them.  Who
 * takes an undo off its process's list owns it, and takes it off the set's
 * list under the set's lock: a process's list outlives what the locked set
 * still has of it.
 */
#include "ipc/sysv_internal.h"

enum { SEMMSL = 32000, SEMOPM = 500, SEMVMX = 32767 };

struct sem { int32_t val; int32_t pid; };
struct sem_undos {			/* of a process */
	struct spinlock lock;		/* [SEM_UNDO] */
	struct list_head list;		/* [lock] the last used first */
};
struct sem_undo {
	struct sem_undos *of;		/* [I] */
	struct list_head process_link;	/* [of->lock] */
	struct list_head link;		/* [set.lock] the set's list */
	struct sem_set *set;		/* [I] reference */
	int16_t adj[];			/* [set.lock] */
};
struct sem_waiter { struct list_head link; uint16_t num; bool zero; };
struct sem_set {
	struct sysv_object o;
	struct waitq wait;
	uint64_t changes;		/* [a] written under o.lock: what waiters look for */
	struct list_head undos, waiters;	/* [o.lock] */
	int64_t otime, ctime;		/* [o.lock] */
	unsigned n;			/* [I] */
	struct sem sem[];		/* [o.lock] */
};
static struct sysv_table sets;

static void destroy(struct sysv_object *o) { kfree(container_of(o, struct sem_set, o)); }

struct get_arg { int error; int n; };	/* error first: sysv_get() reads it */

static struct sysv_object *create(void *p)
{
	struct get_arg *a = p;
	struct sem_set *s;

	a->error = 0;
	if (a->n <= 0) {
		a->error = -EINVAL;
		return NULL;
	}
	s = kzalloc(sizeof(*s) + (size_t)a->n * sizeof(s->sem[0]), 0);
	if (!s)
		return NULL;
	ref_init(&s->o.refs);
	mutex_init(&s->o.lock, LOCK_IPC_OBJECT);
	s->o.destroy = destroy;
	waitq_init(&s->wait);
	list_init(&s->undos);
	list_init(&s->waiters);
	s->n = (unsigned)a->n;
	s->ctime = sysv_now();
	return &s->o;
}

static int check(struct sysv_object *o, void *p)
{
	return ((struct get_arg *)p)->n > (int)container_of(o, struct sem_set, o)->n ? -EINVAL : 0;
}

long sys_semget(int key, int n, int flags)
{
	struct get_arg a = { 0, n };

	if (n < 0 || n > SEMMSL)
		return -EINVAL;
	return sysv_get(&sets, key, flags, create, check, &a);
}

static int find_locked(int id, struct sem_set **out)
{
	struct sysv_object *o;
	int err = sysv_find_locked(&sets, id, &o);

	if (!err)
		*out = container_of(o, struct sem_set, o);
	return err;
}

/* [o.lock] */
static void changed(struct sem_set *s)
{
	WRITE_ONCE(s->changes, s->changes + 1);
	waitq_wake_all(&s->wait);
}

/* ---- semop ---- */

/* current's list, made if need be; NULL: no memory. */
static struct sem_undos *current_undos(void)
{
	struct process *p = current->process;
	struct sem_undos *l = load_acquire(&p->sem_undos), *none = NULL;

	if (l)
		return l;
	l = kmalloc(sizeof(*l), 0);
	if (!l)
		return NULL;
	spin_init(&l->lock, LOCK_SEM_UNDO);
	list_init(&l->list);
	if (__atomic_compare_exchange_n(&p->sem_undos, &none, l, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return l;
	kfree(l);	/* another thread was faster */
	return none;
}

/* current's adjustments for the set, made if need be; NULL: no memory.  [o.lock] */
static struct sem_undo *undo_of(struct sem_set *s)
{
	struct sem_undos *l = current_undos();
	struct sem_undo *u;

	if (!l)
		return NULL;
	spin_lock(&l->lock);
	list_for_each(u, &l->list, process_link)
		if (u->set == s) {
			list_del(&u->process_link);
			list_add(&u->process_link, &l->list);
			spin_unlock(&l->lock);
			return u;	/* it lasts as long as the set's lock is held */
		}
	spin_unlock(&l->lock);
	u = kzalloc(sizeof(*u) + s->n * sizeof(u->adj[0]), 0);
	if (!u)
		return NULL;
	ref_get(&s->o.refs);
	u->set = s;
	u->of = l;
	list_add_tail(&u->link, &s->undos);
	spin_lock(&l->lock);
	list_add(&u->process_link, &l->list);
	spin_unlock(&l->lock);
	return u;
}

/* The set was removed: nothing is to be undone.  The caller has a reference.  [o.lock] */
static void forget_undos(struct sem_set *s)
{
	struct sem_undo *u, *next;

	list_for_each_safe(u, next, &s->undos, link) {
		bool mine;

		spin_lock(&u->of->lock);
		mine = !list_empty(&u->process_link);
		list_del_init(&u->process_link);
		spin_unlock(&u->of->lock);
		if (!mine)
			continue;	/* its process exits, and waits for the set's lock */
		list_del(&u->link);
		kfree(u);
		(void)ref_put(&s->o.refs);	/* not the last */
	}
}

/* 0: done.  1: *blocked has to wait.  -ERANGE, -ENOMEM.  [o.lock] */
static int try_ops(struct sem_set *s, const struct abi_sembuf *ops, unsigned n, const struct abi_sembuf **blocked)
{
	struct sem_undo *u = NULL;
	int ret = 0;
	unsigned i;

	for (i = 0; i < n && !ret; i++)
		if ((ops[i].flg & SEM_UNDO) && !u) {
			u = undo_of(s);
			if (!u)
				return -ENOMEM;
		}
	for (i = 0; i < n; i++) {
		const struct abi_sembuf *op = &ops[i];
		int32_t val = s->sem[op->num].val;

		if (op->op == 0 ? val != 0 : val + op->op < 0) {
			*blocked = op;
			ret = 1;
		} else if (val + op->op > SEMVMX) {
			ret = -ERANGE;
		} else if (op->flg & SEM_UNDO && (u->adj[op->num] - op->op < -SEMVMX - 1 || u->adj[op->num] - op->op > SEMVMX)) {
			ret = -ERANGE;
		}
		if (ret)
			break;
		s->sem[op->num].val += op->op;
		if (op->flg & SEM_UNDO)
			u->adj[op->num] = (int16_t)(u->adj[op->num] - op->op);
	}
	if (!ret) {
		for (i = 0; i < n; i++)
			s->sem[ops[i].num].pid = process_pid(current->process);
		return 0;
	}
	while (i--) {
		s->sem[ops[i].num].val -= ops[i].op;
		if (ops[i].flg & SEM_UNDO)
			u->adj[ops[i].num] = (int16_t)(u->adj[ops[i].num] + ops[i].op);
	}
	return ret;
}

static NO_TSA int semop_set(struct sem_set *s, const struct abi_sembuf *ops, unsigned n, uint64_t deadline)
{
	bool alters = false;
	int err;

	for (unsigned i = 0; i < n; i++) {
		if (ops[i].num >= s->n)
			return -EFBIG;
		alters |= ops[i].op != 0;
	}
	err = sysv_permission(&s->o, alters ? 0222 : 0444);
	if (err)
		return err;
	for (;;) {
		const struct abi_sembuf *blocked = NULL;
		struct sem_waiter w;
		uint64_t seen = s->changes;

		err = try_ops(s, ops, n, &blocked);
		if (err <= 0) {
			if (!err) {
				s->otime = sysv_now();
				if (alters)
					changed(s);
			}
			return err;
		}
		if (blocked->flg & IPC_NOWAIT)
			return -EAGAIN;
		w.num = blocked->num;
		w.zero = blocked->op == 0;
		list_add_tail(&w.link, &s->waiters);
		mutex_unlock(&s->o.lock);
		err = wait_event_interruptible_until(&s->wait, READ_ONCE(s->changes) != seen || READ_ONCE(s->o.removed), deadline);
		mutex_lock(&s->o.lock);
		list_del(&w.link);
		if (s->o.removed)
			return -EIDRM;
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
	}
}

long sys_semtimedop(int id, uaddr_t uops, unsigned n, uaddr_t timeout)
{
	struct abi_sembuf fast[8], *ops = fast;
	struct sem_set *s;
	uint64_t deadline;
	struct abi_timespec ts;
	long ret;

	if (timeout && copy_from_user(&ts, timeout, sizeof(ts)))
		return -EFAULT;
	if (n < 1)
		return -EINVAL;
	if (n > SEMOPM)
		return -E2BIG;
	if (n > ARRAY_SIZE(fast)) {
		ops = kmalloc(n * sizeof(*ops), 0);
		if (!ops)
			return -ENOMEM;
	}
	ret = copy_from_user(ops, uops, n * sizeof(*ops));
	if (!ret && (id < 0 || (timeout && timespec_check(&ts))))
		ret = -EINVAL;
	if (!ret)
		ret = find_locked(id, &s);
	if (!ret) {
		deadline = !timeout ? UINT64_MAX : timespec_ns(&ts) ? deadline_after_ns(timespec_ns(&ts)) : 0;
		ret = semop_set(s, ops, n, deadline);
		sysv_unlock_put(&s->o);
	}
	if (ops != fast)
		kfree(ops);
	return ret;
}

long sys_semop(int id, uaddr_t ops, unsigned n) { return sys_semtimedop(id, ops, n, 0); }

static struct sem_undo *pop_undo(struct sem_undos *l)
{
	struct sem_undo *u = NULL;

	spin_lock(&l->lock);
	if (!list_empty(&l->list)) {
		u = list_first(&l->list, struct sem_undo, process_link);
		list_del_init(&u->process_link);
	}
	spin_unlock(&l->lock);
	return u;
}

NO_TSA void sysv_semaphores_undo(struct process *p)
{
	struct sem_undos *l = load_acquire(&p->sem_undos);
	struct sem_undo *u;

	if (!l)
		return;
	while ((u = pop_undo(l)) != NULL) {
		struct sem_set *s = u->set;

		mutex_lock(&s->o.lock);
		list_del(&u->link);
		for (unsigned i = 0; i < s->n && !s->o.removed; i++) {
			if (!u->adj[i])
				continue;
			s->sem[i].val = MIN(MAX(s->sem[i].val + u->adj[i], 0), (int32_t)SEMVMX);
			s->sem[i].pid = process_pid(p);
		}
		if (!s->o.removed) {
			s->otime = sysv_now();
			changed(s);
		}
		sysv_unlock_put(&s->o);
		kfree(u);
	}
	WRITE_ONCE(p->sem_undos, NULL);
	kfree(l);
}

/* ---- semctl ---- */

static int put_all(struct sem_set *s, uaddr_t arg)
{
	uint16_t *v = kmalloc(s->n * sizeof(*v), 0);
	int err;

	if (!v)
		return -ENOMEM;
	for (unsigned i = 0; i < s->n; i++)
		v[i] = (uint16_t)s->sem[i].val;
	err = copy_to_user(arg, v, s->n * sizeof(*v));
	kfree(v);
	return err;
}

static void set_value(struct sem_set *s, unsigned i, int32_t val)
{
	struct sem_undo *u;

	list_for_each(u, &s->undos, link)
		u->adj[i] = 0;
	s->sem[i].val = val;
	s->sem[i].pid = process_pid(current->process);
}

static int set_all(struct sem_set *s, uaddr_t arg)
{
	uint16_t *v = kmalloc(s->n * sizeof(*v), 0);
	int err;

	if (!v)
		return -ENOMEM;
	err = copy_from_user(v, arg, s->n * sizeof(*v));
	for (unsigned i = 0; i < s->n && !err; i++)
		if (v[i] > SEMVMX)
			err = -ERANGE;
	for (unsigned i = 0; i < s->n && !err; i++)
		set_value(s, i, v[i]);
	kfree(v);
	return err;
}

static int count_waiters(struct sem_set *s, unsigned num, bool zero)
{
	struct sem_waiter *w;
	int n = 0;

	list_for_each(w, &s->waiters, link)
		n += w->num == num && w->zero == zero;
	return n;
}

static int put_stat(struct sem_set *s, uaddr_t arg)
{
	struct abi_semid_ds ds = { .otime = s->otime, .ctime = s->ctime, .nsems = s->n };

	sysv_stat(&s->o, &ds.perm);
	return copy_to_user(arg, &ds, sizeof(ds));
}

/* set: of IPC_SET.  [o.lock] */
static int control(struct sem_set *s, int num, int cmd, uint64_t arg, const struct abi_semid_ds *set)
{
	bool one = cmd == GETVAL || cmd == GETPID || cmd == GETNCNT || cmd == GETZCNT || cmd == SETVAL;
	int err;

	switch (cmd) {
	case IPC_STAT:
		err = sysv_permission(&s->o, 0444);
		return err ? err : put_stat(s, arg);
	case IPC_SET:
		err = sysv_set(&s->o, &set->perm);
		if (!err)
			s->ctime = sysv_now();
		return err;
	case IPC_RMID:
		err = sysv_owner(&s->o);
		if (err)
			return err;
		sysv_remove(&sets, &s->o);
		forget_undos(s);
		waitq_wake_all(&s->wait);
		return 0;
	}
	if (!one && cmd != GETALL && cmd != SETALL)
		return -EINVAL;
	if (cmd == SETVAL && (num < 0 || (unsigned)num >= s->n))
		return -EINVAL;		/* here the number comes first */
	err = sysv_permission(&s->o, cmd == SETVAL || cmd == SETALL ? 0222 : 0444);
	if (err)
		return err;
	if (one && (num < 0 || (unsigned)num >= s->n))
		return -EINVAL;
	switch (cmd) {
	case GETVAL:
		return s->sem[num].val;
	case GETPID:
		return s->sem[num].pid;
	case GETNCNT:
		return count_waiters(s, (unsigned)num, false);
	case GETZCNT:
		return count_waiters(s, (unsigned)num, true);
	case GETALL:
		return put_all(s, arg);
	case SETVAL:
		set_value(s, (unsigned)num, (int32_t)arg);
		break;
	case SETALL:
		err = set_all(s, arg);
		if (err)
			return err;
	}
	s->ctime = sysv_now();
	changed(s);
	return 0;
}

NO_TSA long sys_semctl(int id, int num, int cmd, uint64_t arg)
{
	struct abi_semid_ds set;
	struct sysv_object *o;
	struct sem_set *s;
	long ret;

	if (id < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == SEM_INFO) {
		struct abi_seminfo in = { .semmni = SYSV_MAX, .semmns = SYSV_MAX * SEMMSL, .semmsl = SEMMSL, .semopm = SEMOPM, .semvmx = SEMVMX,
			.semmap = SYSV_MAX * SEMMSL, .semmnu = SYSV_MAX * SEMMSL, .semume = SEMOPM, .semusz = cmd == SEM_INFO ? (int)READ_ONCE(sets.count) : 20,
			.semaem = SEMVMX };

		return copy_to_user(arg, &in, sizeof(in)) ? -EFAULT : sysv_highest(&sets);
	}
	if (cmd == SEM_STAT || cmd == SEM_STAT_ANY) {
		ret = sysv_find_index_locked(&sets, id, &o);
		if (ret)
			return ret;
		s = container_of(o, struct sem_set, o);
		ret = cmd == SEM_STAT ? sysv_permission(o, 0444) : 0;
		if (!ret)
			ret = put_stat(s, arg);
		if (!ret)
			ret = o->id;
		sysv_unlock_put(&s->o);
		return ret;
	}
	if (cmd == IPC_SET && copy_from_user(&set, arg, sizeof(set)))
		return -EFAULT;
	if (cmd == SETVAL && ((int32_t)arg < 0 || (int32_t)arg > SEMVMX))
		return -ERANGE;
	ret = find_locked(id, &s);
	if (ret)
		return ret;
	ret = control(s, num, cmd, arg, &set);
	sysv_unlock_put(&s->o);
	return ret;
}

void sysv_sem_init(void) { sysv_table_init(&sets); }
