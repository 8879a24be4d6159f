/* SPDX-License-Identifier: MIT */
/*
 * The Eft side of the differential.  The machine's first program is the
 * supervisor: it makes a directory, forks the program (pid 3, as on Linux),
 * waits for it a minute of virtual time, kills what is left, and lists the
 * directory.  The calls that do this are not the program's: they come from
 * two scripts, which are coroutines because a call's result arrives with the
 * request for the next call.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "diff_compare.h"
#include "engine.h"

/* Behind all that programs use of the arena. */
#define AT_PATH	(FUZZ_ARENA + 0x50000)
#define AT_DATA	(FUZZ_ARENA + 0x60000)
#define SCRATCH	(prog->flags & DIFF_EXT2 ? "/d/s" : "/tmp/s")
enum { CONTENT = 1 << 16, PATHS = 256, PATH_BYTES = 1024, LATE_MS = 60000, DIRENT_NAME = 19, EINTR_ = 4 };

struct script { int line; int64_t result; };
static struct script supervisor, program;
static const struct fuzz_program *prog;
static struct fuzz_state state;
static struct diff_run *run;
static int in_call, limit;
static bool forked;
uint64_t diff_capabilities;
bool diff_hardlinks;

#define BEGIN(s) switch ((s).line) { case 0:
#define CALL(s, nr, ...) do { (s).line = __LINE__; *out = (struct fuzz_step){ nr, { __VA_ARGS__ } }; return true; case __LINE__:; } while (0)
#define END } return false
#define PATH(p) (fuzz_user_write(AT_PATH, p, strlen(p) + 1), AT_PATH)

/* ---- the tree ---- */

static char paths[PATHS][PATH_BYTES], content[CONTENT + 32], full[PATH_BYTES + 16];
static unsigned npaths, at;
static struct stat st;
static int64_t dir, set;
static uint64_t hash;

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static void take_names(const char *base, int64_t n)
{
	for (int64_t i = 0; i + DIRENT_NAME < n && npaths < PATHS;) {
		uint16_t len;
		const char *name = content + i + DIRENT_NAME;

		memcpy(&len, content + i + 16, 2);
		if (strcmp(name, ".") && strcmp(name, ".."))
			snprintf(paths[npaths++], PATH_BYTES, "%.700s%s%s", base, *base ? "/" : "", name);
		if (!len)
			break;
		i += len;
	}
}

static void line(void)
{
	run->ntree += (uint32_t)snprintf(run->tree + run->ntree, DIFF_TREE - run->ntree, "%s mode %o uid %u gid %u nlink %u size %lld content %llx\n", paths[at],
		st.st_mode, st.st_uid, st.st_gid, (unsigned)st.st_nlink, S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size, (unsigned long long)hash);
	if (run->ntree >= DIFF_TREE)
		run->ntree = DIFF_TREE - 1;
}

static const char *name_of(unsigned i)
{
	snprintf(full, sizeof(full), "%s/%s", SCRATCH, i ? paths[i - 1] : "");
	return full;
}

static bool makes_links(void)
{
	for (unsigned i = 0; i < prog->ncalls; i++)
		if (!strncmp(fuzz_row(prog->calls[i].nr)->name, "link", 4))
			return true;
	return false;
}

static bool supervise(struct fuzz_step *out)
{
	static int64_t r;
	int32_t status;

	r = supervisor.result;
	BEGIN(supervisor)
	memset(content, 0, sizeof(content));	/* what the machine's start left in the arena */
	fuzz_user_write(FUZZ_ARENA, content, 0x1000);
	if (diff_hardlinks && makes_links()) {	/* as the host has it */
		CALL(supervisor, SYS_open, PATH("/proc/sys/fs/protected_hardlinks"), 1 /* O_WRONLY */);
		dir = r;
		CALL(supervisor, SYS_write, (uint64_t)dir, PATH("1"), 1);
		CALL(supervisor, SYS_close, (uint64_t)dir);
	}
	CALL(supervisor, SYS_mkdir, PATH(SCRATCH), 0777);
	CALL(supervisor, SYS_chmod, PATH(SCRATCH), 0777);
	CALL(supervisor, SYS_fork);
	CALL(supervisor, SYS_pidfd_open, 3);
	dir = r;
	CALL(supervisor, SYS_epoll_create1, 0);
	set = r;
	{
		struct { uint32_t events; uint64_t data; } __attribute__((packed)) e = { 1, 0 };

		fuzz_user_write(AT_DATA, &e, sizeof(e));
	}
	CALL(supervisor, SYS_epoll_ctl, (uint64_t)set, 1 /* EPOLL_CTL_ADD */, (uint64_t)dir, AT_DATA);
	/* Unlike poll it does not ask again when the time is over: an end that it is not told of is none. */
	CALL(supervisor, SYS_epoll_wait, (uint64_t)set, AT_DATA, 1, LATE_MS);
	if (r == 1) {
		CALL(supervisor, SYS_wait4, 3, AT_DATA, 0, 0);
		fuzz_user_read(AT_DATA, &status, 4);
		run->status = status;
	}
	CALL(supervisor, SYS_kill, (uint64_t)-1, 9);
	do
		CALL(supervisor, SYS_wait4, (uint64_t)-1, 0, 0x40000000, 0);
	while (r > 0);
	npaths = 0;
	for (at = 0; at <= npaths && npaths < PATHS; at++) {
		name_of(at);
		CALL(supervisor, SYS_open, PATH(full), 0200000 /* O_DIRECTORY */ | 0400000 /* O_NOFOLLOW */);
		if (r < 0)
			continue;
		dir = r;
		for (;;) {
			CALL(supervisor, SYS_getdents64, (uint64_t)dir, AT_DATA, CONTENT);
			if (r <= 0)
				break;
			fuzz_user_read(AT_DATA, content, (size_t)r);
			take_names(at ? paths[at - 1] : "", r);
		}
		CALL(supervisor, SYS_close, (uint64_t)dir);
	}
	qsort(paths, npaths, PATH_BYTES, by_name);
	for (at = 0; at < npaths; at++) {
		name_of(at + 1);
		CALL(supervisor, SYS_lstat, PATH(full), AT_DATA);
		if (r)
			continue;
		fuzz_user_read(AT_DATA, &st, sizeof(st));
		hash = 0;
		if (S_ISREG(st.st_mode)) {
			name_of(at + 1);
			CALL(supervisor, SYS_open, PATH(full), 01000000 /* O_NOATIME */);
			dir = r;
			CALL(supervisor, SYS_read, (uint64_t)dir, AT_DATA, CONTENT);
			fuzz_user_read(AT_DATA, content, r > 0 ? (size_t)r : 0);
			hash = diff_hash(1, content, r > 0 ? (size_t)r : 0);
			CALL(supervisor, SYS_close, (uint64_t)dir);
		} else if (S_ISLNK(st.st_mode)) {
			name_of(at + 1);
			CALL(supervisor, SYS_readlink, PATH(full), AT_DATA, CONTENT);
			fuzz_user_read(AT_DATA, content, r > 0 ? (size_t)r : 0);
			hash = diff_hash(1, content, r > 0 ? (size_t)r : 0);
		}
		line();
	}
	run->status = run->status == DIFF_LOST ? DIFF_LATE : run->status;
	END;
}

/* ---- the program ---- */

/* What the scripts have left in the arena, which is the program's, too. */
static void wipe(void)
{
	static const char none[256];

	fuzz_user_write(AT_PATH, none, sizeof(none));
	fuzz_user_write(AT_DATA, none, sizeof(none));
}

static bool run_program(struct fuzz_step *out)
{
	int64_t r = program.result;

	BEGIN(program)
	CALL(program, SYS_setsid);
	for (limit = 0; limit < 16; limit++) {	/* while it may */
		fuzz_user_write(AT_DATA, diff_limits[limit], 16);
		CALL(program, SYS_setrlimit, (uint64_t)limit, AT_DATA);
	}
	CALL(program, SYS_rt_sigaction, 14, (fuzz_user_write(AT_DATA, content + CONTENT, 32), AT_DATA), 0, 8);	/* the first process's */
	CALL(program, SYS_prctl, 15 /* PR_SET_NAME */, PATH("program"));
	CALL(program, SYS_close_range, 0, ~0u, 0);
	for (limit = 0; limit < 64; limit++)
		if (!(diff_capabilities & UINT64_C(1) << limit))
			CALL(program, SYS_prctl, 24 /* PR_CAPBSET_DROP */, (uint64_t)limit);
	{
		uint32_t caps[8] = { 0x20080522, 0, (uint32_t)diff_capabilities, (uint32_t)diff_capabilities, 0, (uint32_t)(diff_capabilities >> 32),
			(uint32_t)(diff_capabilities >> 32), 0 };

		fuzz_user_write(AT_DATA, caps, sizeof(caps));
	}
	CALL(program, SYS_capset, AT_DATA, AT_DATA + 8);
	CALL(program, SYS_chdir, PATH(SCRATCH));
	CALL(program, SYS_chroot, PATH("."));
	CALL(program, SYS_umask, 022);
	CALL(program, SYS_setgroups, 0, 0);
	if (prog->flags & DIFF_UNPRIVILEGED) {
		CALL(program, SYS_setresgid, DIFF_USER, DIFF_USER, DIFF_USER);
		CALL(program, SYS_setresuid, DIFF_USER, DIFF_USER, DIFF_USER);
	}
	wipe();
	for (;;) {
		in_call = fuzz_state_next(&state, 0, out);
		if (in_call < 0)
			break;
		run->done[in_call] = 1;
		forked = out->nr == SYS_fork || out->nr == SYS_vfork;
		program.line = __LINE__ + 2;
		return true;
	case __LINE__:
		run->result[in_call] = r;
		if (forked && r > 0)
			do
				CALL(program, SYS_waitid, 1 /* P_PID */, (uint64_t)r, AT_DATA, 4 | 0x01000000 /* WEXITED | WNOWAIT */, 0);
			while (r == -EINTR_ && (r = run->result[in_call]));
		if (forked)
			wipe();
		fuzz_state_result(&state, 0, run->result[in_call]);
		diff_note(run, prog, (unsigned)in_call, fuzz_user_read);
		run->done[in_call] = 2;
	}
	END;
}

static bool diff_next(void *arg, unsigned stream, struct fuzz_step *out)
{
	(void)arg;
	return stream == 0 ? supervise(out) : stream == 1 ? run_program(out) : false;
}

static void diff_result(void *arg, unsigned stream, int64_t result)
{
	(void)arg;
	if (stream < 2)
		(stream ? &program : &supervisor)->result = result;
}

uint64_t diff_eft(const struct fuzz_program *p, struct diff_run *r)
{
	struct fuzz_run fr = { .source = { diff_next, diff_result, NULL }, .seed = 1 };

	prog = p;
	run = r;
	run->nouts = run->ndata = run->ntree = 0;
	run->status = DIFF_LOST;
	memset(run->done, 0, sizeof(run->done));
	memset(&supervisor, 0, sizeof(supervisor));
	memset(&program, 0, sizeof(program));
	fuzz_state_init(&state, p, fuzz_user_write, fuzz_user_read);
	engine_run(&fr);
	return fr.trace;
}
