/* SPDX-License-Identifier: MIT */
/* System V message queues. */
#include "harness.h"
#include "child.h"
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

static struct { long type; char text[9000]; } m;

static int put(int id, long type, const char *text, int flags)
{
	m.type = type;
	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text), flags);
}

static int get(int id, long type, const char *want, int flags)
{
	ssize_t n = msgrcv(id, &m, sizeof(m.text), type, flags | IPC_NOWAIT);

	return n == (ssize_t)strlen(want) && !memcmp(m.text, want, n);
}

int main(void)
{
	struct msqid_ds ds;
	int id = msgget(IPC_PRIVATE, 0600), st, n;
	pid_t pid;

	ok(id >= 0, "msgget");
	ok(put(id, 3, "three", 0) == 0 && put(id, 1, "one", 0) == 0 && put(id, 2, "two", 0) == 0 && put(id, 1, "uno", 0) == 0, "four messages");
	ok(msgctl(id, IPC_STAT, &ds) == 0 && ds.msg_qnum == 4 && ds.msg_lspid == getpid(), "IPC_STAT");
	ok(get(id, 2, "two", 0) && m.type == 2, "by type");
	ok(get(id, -2, "one", 0), "the lowest type up to 2");
	ok(get(id, 1, "three", MSG_EXCEPT), "any but type 1");
	ok(get(id, 0, "uno", 0), "the first");
	ok_errno(msgrcv(id, &m, 10, 0, IPC_NOWAIT), ENOMSG, "empty");
	put(id, 5, "too long", 0);
	ok_errno(msgrcv(id, &m, 3, 0, 0), E2BIG, "too long for the buffer");
	ok(msgrcv(id, &m, 3, 0, MSG_NOERROR) == 3, "cut with MSG_NOERROR");
	ok_errno(put(id, 0, "x", 0), EINVAL, "type 0");
	m.type = 1;
	ok_errno(msgsnd(id, &m, 8193, 0), EINVAL, "too long a message");
	for (n = 0; n < 100 && msgsnd(id, &m, 1000, IPC_NOWAIT) == 0; n++)
		;
	ok(n == 16 && errno == EAGAIN, "a full queue (%d)", n);
	pid = fork();
	if (pid == 0)
		_exit(msgsnd(id, &m, 1000, 0) == 0 ? 0 : 1);
	wait_sleeping(pid);
	ok(msgrcv(id, &m, 1000, 0, 0) == 1000 && waitpid(pid, &st, 0) == pid && st == 0, "a sender waits for room");
	while (msgrcv(id, &m, sizeof(m.text), 0, IPC_NOWAIT) >= 0)
		;
	pid = fork();
	if (pid == 0)
		_exit(msgrcv(id, &m, 100, 7, 0) == 5 && m.type == 7 ? 0 : 1);
	wait_sleeping(pid);
	put(id, 6, "other", 0);
	put(id, 7, "right", 0);
	ok(waitpid(pid, &st, 0) == pid && st == 0, "a receiver waits for its type");
	ok(get(id, 0, "other", 0), "the other is still there");
	pid = fork();
	if (pid == 0)
		_exit(msgrcv(id, &m, 100, 0, 0) == -1 && errno == EIDRM ? 0 : 1);
	wait_sleeping(pid);
	ok(msgctl(id, IPC_RMID, NULL) == 0 && waitpid(pid, &st, 0) == pid && st == 0, "EIDRM");
	id = msgget(0x1ea5f, IPC_CREAT | 0600);
	ok(id >= 0 && msgget(0x1ea5f, 0) == id, "by key");
	ok(msgctl(id, IPC_STAT, &ds) == 0, "IPC_STAT");
	ds.msg_qbytes = 100;
	ok(msgctl(id, IPC_SET, &ds) == 0 && msgsnd(id, &m, 101, IPC_NOWAIT) == -1 && errno == EAGAIN, "IPC_SET of the size");
	msgctl(id, IPC_RMID, NULL);
	return done();
}
