/* SPDX-License-Identifier: MIT */
/* inotify(7): when a file says that it is deleted: with its last name and its last descriptor, not before. */
#include "harness.h"
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static int in, dir;

/* What there is, as text: "f ATTRIB, d DELETE x"; d is the watch on the directory. */
static const char *events(void)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ IN_ACCESS, "ACCESS" }, { IN_ATTRIB, "ATTRIB" }, { IN_CLOSE_WRITE, "CLOSE_WRITE" }, { IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" }, { IN_OPEN, "OPEN" },
		{ IN_MOVED_FROM, "MOVED_FROM" }, { IN_MOVED_TO, "MOVED_TO" }, { IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" },
		{ IN_DELETE_SELF, "DELETE_SELF" }, { IN_MOVE_SELF, "MOVE_SELF" }, { IN_IGNORED, "IGNORED" },
	};
	static char text[1024], buf[4096] __attribute__((aligned(8)));
	long n = read(in, buf, sizeof(buf));
	size_t len = 0;

	text[0] = '\0';
	for (long at = 0; at < n;) {
		const struct inotify_event *ev = (const void *)(buf + at);

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c", len ? ", " : "", ev->wd == dir ? 'd' : 'f');
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (ev->mask & names[i].bit)
				len += (size_t)snprintf(text + len, sizeof(text) - len, " %s", names[i].name);
		if (ev->len)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %s", ev->name);
		at += (long)sizeof(*ev) + ev->len;
	}
	return text;
}

static void is(const char *expected, const char *what)
{
	const char *got = events();

	ok(!strcmp(got, expected), "%s", what);
	if (strcmp(got, expected))
		printf("# %s\n# expected %s\n", got, expected);
}

static void make(const char *name)
{
	close(open(name, O_RDWR | O_CREAT, 0600));
	events();
}

static void watch(const char *name)
{
	if (inotify_add_watch(in, name, IN_ALL_EVENTS & ~(unsigned)(IN_OPEN | IN_ACCESS)) < 0)
		bail("inotify_add_watch");
}

int main(void)
{
	int fd;

	plan(14);
	in = inotify_init1(IN_NONBLOCK);
	if (mkdir("w", 0700) || chdir("w"))
		bail("mkdir");
	dir = inotify_add_watch(in, ".", IN_DELETE | IN_MOVE | IN_CLOSE_WRITE);
	if (dir < 0)
		bail("inotify_add_watch");

	make("a");
	watch("a");
	unlink("a");
	is("f ATTRIB, f DELETE_SELF, f IGNORED, d DELETE a", "unlink of a file that nobody has open");

	make("a");
	watch("a");
	fd = open("a", O_RDWR);
	unlink("a");
	is("f ATTRIB, d DELETE a", "of one that is open: it is still there");
	close(fd);
	is("d CLOSE_WRITE a, f CLOSE_WRITE, f DELETE_SELF, f IGNORED", "until it is closed");

	make("a");
	watch("a");
	fd = dup(open("a", O_RDONLY));
	unlink("a");
	is("f ATTRIB, d DELETE a", "open twice");
	close(fd);
	is("", "closed once");
	close(fd - 1);
	is("f CLOSE_NOWRITE, f DELETE_SELF, f IGNORED", "closed");

	make("a");
	watch("a");
	if (link("a", "b"))
		bail("link");
	is("f ATTRIB", "another name");
	unlink("a");
	is("f ATTRIB, d DELETE a", "of two names, one");
	unlink("b");
	is("f ATTRIB, f DELETE_SELF, f IGNORED, d DELETE b", "and the other one");

	make("a");
	make("b");
	watch("b");
	rename("a", "b");
	is("d MOVED_FROM a, d MOVED_TO b, f ATTRIB, f DELETE_SELF, f IGNORED", "something is renamed over it");
	make("a");
	watch("b");
	fd = open("b", O_RDONLY);
	rename("a", "b");
	is("d MOVED_FROM a, d MOVED_TO b, f ATTRIB", "while it is open");
	close(fd);
	is("f CLOSE_NOWRITE, f DELETE_SELF, f IGNORED", "until it is closed, too");
	unlink("b");
	events();

	mkdir("e", 0700);
	watch("e");
	rmdir("e");
	is("f DELETE_SELF, f IGNORED, d DELETE e", "rmdir");
	mkdir("e", 0700);
	watch("e");
	fd = open("e", O_RDONLY | O_DIRECTORY);
	rmdir("e");
	close(fd);
	is("d DELETE e, f CLOSE_NOWRITE, f DELETE_SELF, f IGNORED", "of a directory that is open");
	return done();
}
