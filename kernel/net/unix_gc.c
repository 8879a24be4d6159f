/* SPDX-License-Identifier: MIT */
/*
 * Descriptors in flight, and cycles of them.
 *
 * A queued message holds references to the files it carries.  If a socket's
 * own file is in such a message, closing every descriptor of it leaves
 * references that nobody can reach: a socket sent over itself, or two that
 * hold each other.  The collector finds them by counting:
 *
 *   1. candidates: sockets in flight all of whose file references are in flight;
 *   2. from each subtract the references held by queues of candidates;
 *   3. who has some left is reachable from outside, and so is what is in the
 *      queues of the reachable;
 *   4. the queues of the others are emptied, which closes them.
 *
 * gc_lock is held when a file goes into flight, when it lands, and for steps
 * 1-4; queue locks nest in it.  A message on its way between a queue and a
 * process is in no queue while its files still count as in flight, so step 2
 * does not subtract it and what it carries is found reachable.
 *
 * What a user has in flight is limited (RLIMIT_NOFILE), and with it the
 * collector's work.
 */
#include <kernel/timer.h>
#include "net/unix_internal.h"

static struct spinlock gc_lock;			/* [UNIX_NAMES] */
static struct list_head in_flight = LIST_INIT(in_flight);	/* [gc_lock] */
static unsigned total;				/* [gc_lock] */
static struct work gc_work;

static struct unix_socket *unix_of_file(struct file *f)
{
	struct socket *s = socket_of(f);

	return s && s->family == AF_UNIX ? unix_of(s) : NULL;
}

bool unix_may_attach(void)
{
	return (uint64_t)READ_ONCE(current->cred->user->files_in_flight) <= rlimit_get(RLIMIT_NOFILE) || capable(CAP_SYS_RESOURCE) ||
		capable(CAP_SYS_ADMIN);
}

void unix_attach(struct unix_msg *msg, struct scm *scm)
{
	msg->sender = user_account_current();
	(void)user_charge(&msg->sender->files_in_flight, scm->nfiles, UINT64_MAX);
	spin_lock(&gc_lock);
	for (unsigned i = 0; i < scm->nfiles; i++) {
		struct unix_socket *u = unix_of_file(scm->files[i]);

		if (!u)
			continue;
		if (u->in_flight++ == 0) {
			u->file = scm->files[i];
			list_add_tail(&u->gc_link, &in_flight);
		}
		WRITE_ONCE(total, total + 1);
	}
	spin_unlock(&gc_lock);
	msg->files = scm->files;
	msg->nfiles = scm->nfiles;
	scm->files = NULL;
	scm->nfiles = 0;
}

void unix_detach(struct unix_msg *msg, struct scm *scm)
{
	user_uncharge(&msg->sender->files_in_flight, msg->nfiles);
	user_account_put(msg->sender);
	msg->sender = NULL;
	spin_lock(&gc_lock);
	for (unsigned i = 0; i < msg->nfiles; i++) {
		struct unix_socket *u = unix_of_file(msg->files[i]);

		if (!u)
			continue;
		if (--u->in_flight == 0) {
			u->file = NULL;
			list_del_init(&u->gc_link);
		}
		WRITE_ONCE(total, total - 1);
	}
	/* Cleared here: the collector reads it with both locks, through queues. */
	scm->files = msg->files;
	scm->nfiles = msg->nfiles;
	msg->files = NULL;
	msg->nfiles = 0;
	spin_unlock(&gc_lock);
}

void unix_copy_files(struct unix_msg *msg, struct scm *scm)
{
	struct file **copy = kmalloc(SCM_MAX_FD * sizeof(*copy), 0);

	if (!copy)
		return;
	/* Not while the collector counts: a reference made now would be missed. */
	spin_lock(&gc_lock);
	for (unsigned i = 0; i < msg->nfiles; i++) {
		copy[i] = msg->files[i];
		file_get(copy[i]);
	}
	scm->nfiles = msg->nfiles;
	spin_unlock(&gc_lock);
	scm->files = copy;
}

/* ---- the collector ---- */

/* Calls fn for each candidate in u's queue, and in those of the sockets waiting to be accepted.  [gc_lock] */
static void scan(struct unix_socket *u, void (*fn)(struct unix_socket *c, void *arg), void *arg)
{
	struct unix_socket *e;
	struct unix_msg *m;

	spin_lock(&u->s.queue_lock);
	list_for_each(m, &u->queue, link)
		for (unsigned i = 0; i < m->nfiles; i++) {
			struct unix_socket *c = unix_of_file(m->files[i]);

			if (c && c->gc_candidate)
				fn(c, arg);
		}
	list_for_each(e, &u->accept_queue, accept_link) {
		spin_lock_nested(&e->s.queue_lock);	/* a listener before its embryos */
		list_for_each(m, &e->queue, link)
			for (unsigned i = 0; i < m->nfiles; i++) {
				struct unix_socket *c = unix_of_file(m->files[i]);

				if (c && c->gc_candidate)
					fn(c, arg);
			}
		spin_unlock(&e->s.queue_lock);
	}
	spin_unlock(&u->s.queue_lock);
}

static void subtract(struct unix_socket *c, void *arg) { c->gc_refs--; }

static void reach(struct unix_socket *c, void *arg)
{
	struct unix_socket **todo = arg;

	if (c->gc_reached)
		return;
	c->gc_reached = true;
	c->gc_next = *todo;
	*todo = c;
}

/* [u's queue_lock] */
static void take_queue(struct unix_socket *u, struct list_head *out)
{
	list_splice_tail(&u->queue, out);
	WRITE_ONCE(u->queue_len, 0);
	WRITE_ONCE(u->queue_bytes, 0);
}

static void collect(struct work *w)
{
	struct list_head garbage = LIST_INIT(garbage);
	struct unix_socket *u, *e, *todo = NULL;

	spin_lock(&gc_lock);
	list_for_each(u, &in_flight, gc_link) {
		u->gc_candidate = ref_read(&u->file->refs) == (int)u->in_flight;
		u->gc_refs = (int)u->in_flight;
		u->gc_reached = false;
	}
	list_for_each(u, &in_flight, gc_link)
		if (u->gc_candidate)
			scan(u, subtract, NULL);
	list_for_each(u, &in_flight, gc_link)
		if (u->gc_candidate && u->gc_refs > 0)
			reach(u, &todo);
	while ((u = todo)) {	/* each once */
		todo = u->gc_next;
		u->gc_candidate = false;	/* done with it */
		scan(u, reach, &todo);
	}
	list_for_each(u, &in_flight, gc_link)
		if (u->gc_candidate) {
			spin_lock(&u->s.queue_lock);
			take_queue(u, &garbage);
			list_for_each(e, &u->accept_queue, accept_link) {
				spin_lock_nested(&e->s.queue_lock);
				take_queue(e, &garbage);
				spin_unlock(&e->s.queue_lock);
			}
			spin_unlock(&u->s.queue_lock);
		}
	spin_unlock(&gc_lock);
	while (!list_empty(&garbage)) {
		struct unix_msg *m = list_first(&garbage, struct unix_msg, link);

		list_del(&m->link);
		unix_msg_free(m);
	}
}

void unix_gc_kick(void)
{
	if (READ_ONCE(total))
		work_queue(&gc_work);
}

void unix_gc_init(void)
{
	spin_init(&gc_lock, LOCK_UNIX_NAMES);
	work_init(&gc_work, collect);
}
