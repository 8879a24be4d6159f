/* SPDX-License-Identifier: MIT */
/* System V message queues (msgop(2), msgctl(2)). */
#include "ipc/sysv_internal.h"

enum { MSGMAX = 8192, MSGMNB = 16384 };

struct sysv_msg { struct list_head link; int64_t type; size_t len; uint8_t data[]; };
struct msg_queue {
	struct sysv_object o;
	struct list_head msgs;		/* [o.lock] oldest first */
	uint64_t bytes, count, max_bytes;	/* [o.lock] */
	uint64_t sent, taken;		/* [a] written under o.lock: what the other side waits for */
	int64_t stime, rtime, ctime;	/* [o.lock] */
	int32_t lspid, lrpid;		/* [o.lock] */
	struct waitq senders, receivers;
};
static struct sysv_table queues;

static void destroy(struct sysv_object *o)
{
	struct msg_queue *q = container_of(o, struct msg_queue, o);

	while (!list_empty(&q->msgs)) {
		struct sysv_msg *m = list_first(&q->msgs, struct sysv_msg, link);

		list_del(&m->link);
		kfree(m);
	}
	kfree(q);
}

static struct sysv_object *create(void *arg)
{
	struct msg_queue *q = kzalloc(sizeof(*q), 0);

	if (!q)
		return NULL;
	ref_init(&q->o.refs);
	mutex_init(&q->o.lock, LOCK_IPC_OBJECT);
	q->o.destroy = destroy;
	list_init(&q->msgs);
	waitq_init(&q->senders);
	waitq_init(&q->receivers);
	q->max_bytes = MSGMNB;
	q->ctime = sysv_now();
	return &q->o;
}

static int check(struct sysv_object *o, void *arg) { return 0; }

long sys_msgget(int key, int flags)
{
	int error = 0;

	return sysv_get(&queues, key, flags, create, check, &error);
}

static int find_locked(int id, struct msg_queue **out)
{
	struct sysv_object *o;
	int err = sysv_find_locked(&queues, id, &o);

	if (!err)
		*out = container_of(o, struct msg_queue, o);
	return err;
}

/* Sleeps, unlocked, until *counter moves on.  -EIDRM, -ERESTARTNOHAND. */
static NO_TSA int wait_change(struct msg_queue *q, struct waitq *w, const uint64_t *counter)
{
	uint64_t seen = *counter;
	int err;

	mutex_unlock(&q->o.lock);
	err = wait_event_interruptible(w, READ_ONCE(*counter) != seen || READ_ONCE(q->o.removed));
	mutex_lock(&q->o.lock);
	if (q->o.removed)
		return -EIDRM;
	return err ? -ERESTARTNOHAND : 0;
}

long sys_msgsnd(int id, uaddr_t umsg, size_t size, int flags)
{
	struct msg_queue *q;
	struct sysv_msg *m;
	int64_t type;
	int err;

	if (get_user(type, umsg))
		return -EFAULT;
	if (id < 0 || size > MSGMAX || type < 1)
		return -EINVAL;
	m = kmalloc(sizeof(*m) + size, 0);
	if (!m)
		return -ENOMEM;
	m->type = type;
	m->len = size;
	err = copy_from_user(m->data, umsg + sizeof(type), size);
	if (!err)
		err = find_locked(id, &q);
	if (err)
		goto free;
	err = sysv_permission(&q->o, 0222);
	while (!err && (q->bytes + size > q->max_bytes || q->count + 1 > q->max_bytes))
		err = flags & IPC_NOWAIT ? -EAGAIN : wait_change(q, &q->senders, &q->taken);
	if (!err) {
		list_add_tail(&m->link, &q->msgs);
		m = NULL;
		q->bytes += size;
		q->count++;
		q->lspid = process_pid(current->process);
		q->stime = sysv_now();
		WRITE_ONCE(q->sent, q->sent + 1);
		waitq_wake_all(&q->receivers);
	}
	sysv_unlock_put(&q->o);
free:
	kfree(m);
	return err;
}

static struct sysv_msg *choose(struct msg_queue *q, int64_t type, int flags)
{
	struct sysv_msg *m, *best = NULL;

	list_for_each(m, &q->msgs, link) {
		if (type == 0 || (type > 0 && (m->type == type) != !!(flags & MSG_EXCEPT)))
			return m;
		if (type < 0 && m->type <= (type == INT64_MIN ? INT64_MAX : -type) && (!best || m->type < best->type))
			best = m;
	}
	return best;
}

static struct sysv_msg *nth(struct msg_queue *q, int64_t n)
{
	struct sysv_msg *m;

	list_for_each(m, &q->msgs, link)
		if (n-- == 0)
			return m;
	return NULL;
}

static bool readable(uaddr_t at, size_t n)
{
	uint8_t chunk[64];

	for (size_t i = 0; i < n; i += sizeof(chunk))
		if (copy_from_user(chunk, at + i, MIN(sizeof(chunk), n - i)))
			return false;
	return true;
}

long sys_msgrcv(int id, uaddr_t umsg, size_t size, long type, int flags)
{
	struct msg_queue *q;
	struct sysv_msg *m;
	long ret;

	if (id < 0 || (int64_t)size < 0)
		return -EINVAL;
	/* MSG_COPY: message number `type` is copied and stays where it is. */
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return -EINVAL;
	/* Linux makes the copy from what the buffer holds before it has looked for the queue. */
	if (flags & MSG_COPY && !readable(umsg, MIN(size, (size_t)MSGMAX)))
		return -EFAULT;
	ret = find_locked(id, &q);
	if (ret)
		return ret;
	ret = sysv_permission(&q->o, 0444);
	while (!ret) {
		m = flags & MSG_COPY ? nth(q, type) : choose(q, type, flags);
		if (m)
			break;
		ret = flags & IPC_NOWAIT ? -ENOMSG : wait_change(q, &q->receivers, &q->sent);
	}
	if (!ret && m->len > size && flags & MSG_COPY && flags & MSG_NOERROR)
		ret = -EINVAL;		/* a copy is whole */
	if (!ret && m->len > size && !(flags & MSG_NOERROR))
		ret = -E2BIG;
	if (ret) {
		sysv_unlock_put(&q->o);
		return ret;
	}
	if (flags & MSG_COPY) {
		struct sysv_msg *copy = kmemdup(m, sizeof(*m) + m->len, 0);

		sysv_unlock_put(&q->o);
		if (!copy)
			return -ENOMEM;
		m = copy;
		goto give;
	}
	list_del(&m->link);
	q->bytes -= m->len;
	q->count--;
	q->lrpid = process_pid(current->process);
	q->rtime = sysv_now();
	WRITE_ONCE(q->taken, q->taken + 1);
	waitq_wake_all(&q->senders);
	sysv_unlock_put(&q->o);
give:
	ret = (long)MIN(m->len, size);
	if (put_user(m->type, umsg) || copy_to_user(umsg + sizeof(m->type), m->data, (size_t)ret))
		ret = -EFAULT;
	kfree(m);
	return ret;
}

static int put_stat(struct msg_queue *q, uaddr_t buf)
{
	struct abi_msqid_ds ds = { .stime = q->stime, .rtime = q->rtime, .ctime = q->ctime, .cbytes = q->bytes, .qnum = q->count,
		.qbytes = q->max_bytes, .lspid = q->lspid, .lrpid = q->lrpid };

	sysv_stat(&q->o, &ds.perm);
	return copy_to_user(buf, &ds, sizeof(ds));
}

/* set: of IPC_SET, whose qbytes Linux passes on as an int.  [o.lock] */
static int control(struct msg_queue *q, int cmd, uaddr_t buf, const struct abi_msqid_ds *set)
{
	int32_t bytes;
	int err;

	switch (cmd) {
	case IPC_STAT:
		err = sysv_permission(&q->o, 0444);
		return err ? err : put_stat(q, buf);
	case IPC_SET:
		bytes = (int32_t)set->qbytes;
		if ((uint32_t)bytes > MSGMNB && !capable(CAP_SYS_RESOURCE))
			return -EPERM;
		err = sysv_set(&q->o, &set->perm);
		if (err)
			return err;
		q->max_bytes = (uint64_t)(int64_t)bytes;
		q->ctime = sysv_now();
		WRITE_ONCE(q->taken, q->taken + 1);	/* there may be room now */
		waitq_wake_all(&q->senders);
		return 0;
	case IPC_RMID:
		err = sysv_owner(&q->o);
		if (err)
			return err;
		sysv_remove(&queues, &q->o);
		waitq_wake_all(&q->senders);
		waitq_wake_all(&q->receivers);
		return 0;
	}
	return -EINVAL;
}

NO_TSA long sys_msgctl(int id, int cmd, uaddr_t buf)
{
	struct abi_msqid_ds set;
	struct sysv_object *o;
	struct msg_queue *q;
	long ret;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	if (cmd == IPC_INFO || cmd == MSG_INFO) {
		struct abi_msginfo in = { .msgmax = MSGMAX, .msgmnb = MSGMNB, .msgmni = SYSV_MAX, .msgssz = 16, .msgseg = UINT16_MAX };

		if (cmd == MSG_INFO)
			in.msgpool = (int)READ_ONCE(queues.count);
		return copy_to_user(buf, &in, sizeof(in)) ? -EFAULT : sysv_highest(&queues);
	}
	if (cmd == MSG_STAT || cmd == MSG_STAT_ANY) {
		ret = sysv_find_index_locked(&queues, id, &o);
		if (ret)
			return ret;
		q = container_of(o, struct msg_queue, o);
		ret = cmd == MSG_STAT ? sysv_permission(o, 0444) : 0;
		if (!ret)
			ret = put_stat(q, buf);
		if (!ret)
			ret = o->id;
		sysv_unlock_put(&q->o);
		return ret;
	}
	if (cmd == IPC_SET && copy_from_user(&set, buf, sizeof(set)))
		return -EFAULT;
	ret = find_locked(id, &q);
	if (ret)
		return ret;
	ret = control(q, cmd, buf, &set);
	sysv_unlock_put(&q->o);
	return ret;
}

void sysv_msg_init(void) { sysv_table_init(&queues); }
