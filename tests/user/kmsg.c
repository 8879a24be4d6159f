/* SPDX-License-Identifier: MIT */
/* /dev/kmsg and syslog(2): records written and read, escapes, priorities, waiting, places, who may. */
#include "harness.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/klog.h>
#include <unistd.h>

enum { ACTION_READ_ALL = 3, ACTION_READ_CLEAR = 4, ACTION_SIZE_BUFFER = 10 };
static char buf[8192];

/* The next record; its text behind the ';', or NULL. */
static const char *next(int fd, unsigned *priority, unsigned long long *seq)
{
	ssize_t n;
	char *p;

	do {	/* a host has records of its own */
		n = read(fd, buf, sizeof(buf) - 1);
		if (n <= 0)
			return NULL;
		buf[n] = 0;
		p = strchr(buf, ';');
	} while (p && strncmp(p, ";eft", 4));
	return p && sscanf(buf, "%u,%llu,", priority, seq) == 2 ? p + 1 : NULL;
}

static int write_text(int fd, const char *text) { return write(fd, text, strlen(text)) == (ssize_t)strlen(text); }

int main(void)
{
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK), slow, status;
	unsigned long long seq, first;
	struct pollfd pf;
	unsigned priority;
	const char *text;
	char *all;
	pid_t child;
	long n;

	if (fd < 0) {
		printf("1..0 # SKIP the log cannot be read here\n");
		return 0;
	}
	ok(lseek(fd, 0, SEEK_END) == 0, "to the end");
	pf = (struct pollfd){ .fd = fd, .events = POLLIN };
	ok_errno((int)read(fd, buf, sizeof(buf)), EAGAIN, "nothing behind it");
	ok(poll(&pf, 1, 0) == 0, "poll agrees");
	if (write_text(fd, "<14>eft: one\n") && !poll(&pf, 1, 0)) {	/* Linux takes ten in five seconds, and drops others in silence */
		sleep(6);
		write_text(fd, "<14>eft: one\n");
	}
	ok(poll(&pf, 1, 0) == 1, "a record is written");
	text = next(fd, &priority, &first);
	ok(text && !strcmp(text, "eft: one\n") && priority == 14, "with its priority");
	ok(write_text(fd, "<3>eft: two\n") && (text = next(fd, &priority, &seq)) && !strcmp(text, "eft: two\n") && priority == 11, "a program's facility is not the kernel's");
	ok(seq > first, "numbers grow");
	ok(write_text(fd, "eft: <3>\n") && (text = next(fd, &priority, &seq)) && !strcmp(text, "eft: <3>\n") && priority == 12, "a warning if it does not say");
	ok(write_text(fd, "<31>eft\\\t\303\n") && (text = next(fd, &priority, &seq)) && !strcmp(text, "eft\\x5c\\x09\\xc3\n") && priority == 31, "what is not printable");
	memset(buf, 'x', 1025);
	ok_errno((int)write(fd, buf, 1025), EINVAL, "too long");
	memcpy(buf, "eft", 3);
	buf[999] = '\n';
	ok(write(fd, buf, 1000) == 1000 && (text = next(fd, &priority, &seq)) && strlen(text) == 1000, "a long one");
	write_text(fd, "eft: three\n");
	write_text(fd, "eft: four\n");
	ok_errno((int)read(fd, buf, 10), EINVAL, "a short buffer");
	ok((text = next(fd, &priority, &seq)) && !strcmp(text, "eft: four\n"), "loses the record");
	ok_errno((int)lseek(fd, 1, SEEK_SET), ESPIPE, "there are no offsets");
	ok_errno((int)lseek(fd, 0, SEEK_CUR), EINVAL, "nor a position to tell");
	slow = open("/dev/kmsg", O_RDONLY);
	lseek(slow, 0, SEEK_END);
	child = fork();
	if (!child) {
		text = next(slow, &priority, &seq);
		_exit(!text || strcmp(text, "eft: woken\n"));
	}
	wait_sleeping(child);
	write_text(fd, "eft: woken\n");
	ok(exit_of(child) == 0, "a reader waits for a record");
	lseek(fd, 0, SEEK_END);
	child = fork();
	if (!child)
		_exit(poll(&pf, 1, -1) != 1);
	wait_sleeping(child);
	write_text(fd, "eft: polled\n");
	ok(exit_of(child) == 0, "and so does poll");
	child = fork();
	if (!child) {
		lseek(slow, 0, SEEK_END);
		read(slow, buf, sizeof(buf));
		_exit(0);
	}
	wait_sleeping(child);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	ok(WIFSIGNALED(status), "one that waits can be killed");
	/* syslog(2) */
	n = klogctl(ACTION_SIZE_BUFFER, NULL, 0);
	ok(n >= 4096, "the buffer has %ld bytes", n);
	all = malloc((size_t)n + 1);
	write_text(fd, "<12>eft: first line\nsecond line\n");
	n = klogctl(ACTION_READ_ALL, all, (int)n);
	all[n > 0 ? n : 0] = 0;
	text = strstr(all, "eft: first line\n");
	ok(text && !strncmp(strchr(text, '\n') + 1, "<12>", 4) && strstr(text, "second line\n"), "every line has its priority");
	ok(strstr(all, "eft: woken\n") != NULL, "earlier ones are there");
	n = klogctl(ACTION_READ_ALL, all, 100);
	ok(n > 0 && n <= 100 && all[0] == '<' && !strncmp(all + n - 12, "second line\n", 12), "the last that fit: %ld bytes", n);
	ok_errno(klogctl(ACTION_READ_ALL, all, -1), EINVAL, "a bad length");
	ok_errno(klogctl(99, all, 1), EINVAL, "a bad action");
	ok(in_child(({ setresuid(1000, 1000, 1000); klogctl(ACTION_READ_CLEAR, all, 100) != -1 || errno != EPERM; })) == 0, "who may not clear it");
	return done();
}
