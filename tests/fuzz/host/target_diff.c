/* SPDX-License-Identifier: MIT */
/*
 * Target `diff`: the input is run by the host's Linux and by Eft, and what the
 * two leave is compared.  A difference that no row of diff_allowed.c explains
 * is reported with a program made as short as it gets.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "diff_compare.h"
#include "engine.h"
#include "target_diff.h"

/*
 * Several Linux sides work ahead while Eft runs: most of their time they wait for each other's kernel work, or look on how a
 * program sleeps.  Programs are made, and their runs compared, in one order whatever the number.
 */
enum { LANES = 6 };
static struct diff_shared *lanes[LANES], *shared;	/* shared: of the program that is looked at */
static pid_t lane_pid[LANES];
static char linux_side[4096 + 16];
static struct fuzz_program ahead[LANES];
static struct diff_run eft;
static struct fuzz_program program, shorter;
static bool keep_going;
static uint64_t programs, different, late, calls;

enum { KINDS_MAX = 4096 };
static uint64_t kinds[KINDS_MAX], kind_seen[KINDS_MAX];
static char kind_text[KINDS_MAX][80];
static unsigned nkinds, nknown;

static void futex(_Atomic uint32_t *at, int op, uint32_t v, const struct timespec *t) { syscall(SYS_futex, at, op, v, t, NULL, 0); }

enum { PATIENCE_S = 60 };

/* A kernel that spins where nothing can interrupt it. */
static void on_alarm(int sig)
{
	printf("--- difference %u kind 0\n", nkinds + 1);
	fuzz_print_strace(stdout, &program, NULL);
	printf("  status: Eft does not come back\n");
	fflush(stdout);
	(void)sig;
	_exit(1);
}

/* A Linux side: a process that shares memory with this one. */
static struct diff_shared *lane_start(unsigned i)
{
	int fd = memfd_create("diff", 0);
	struct diff_shared *lane;
	char fd_text[16];

	if (fd < 0 || ftruncate(fd, sizeof(*lane)))
		abort();
	lane = mmap(NULL, sizeof(*lane), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (lane == MAP_FAILED)
		abort();
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	lane_pid[i] = fork();
	if (!lane_pid[i]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(linux_side, linux_side, fd_text, (char *)NULL);
		fprintf(stderr, "eft-fuzz: cannot run %s: %s\n", linux_side, strerror(errno));
		_exit(2);
	}
	close(fd);
	return lane;
}

void diff_init(void)
{
	char exe[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 32);

	if (n < 0)
		abort();
	exe[n] = 0;
	slash = strrchr(exe, '/');
	slash[1] = 0;
	snprintf(linux_side, sizeof(linux_side), "%seft-fuzz-linux", exe);
	for (unsigned i = 0; i < LANES; i++)
		lanes[i] = lane_start(i);
	shared = lanes[0];
	{
		uint32_t header[2] = { 0x20080522, 0 }, data[6] = { 0 };

		if (syscall(SYS_capget, header, data))
			abort();
		diff_capabilities = data[1] | (uint64_t)data[4] << 32;
	}
	{
		FILE *f = fopen("/proc/sys/fs/protected_hardlinks", "r");

		diff_hardlinks = f && fgetc(f) == '1';
		if (f)
			fclose(f);
	}
	signal(SIGALRM, on_alarm);
	keep_going = getenv("EFT_FUZZ_KEEP_GOING") != NULL;
	if (geteuid()) {
		fprintf(stderr, "eft-fuzz: the differential needs root, for its name spaces\n");
		exit(2);
	}
}

static void linux_begin(struct diff_shared *lane, const struct fuzz_program *p)
{
	lane->len = (uint32_t)fuzz_encode(p, lane->input, sizeof(lane->input));
	lane->request++;
	futex(&lane->request, FUTEX_WAKE, 1, NULL);
}

/* A side that does not answer is given up, with its processes, and another takes its place: the program counts as not done in time. */
static void lane_again(struct diff_shared *lane)
{
	for (unsigned i = 0; i < LANES; i++)
		if (lanes[i] == lane) {
			kill(lane_pid[i], SIGKILL);
			waitpid(lane_pid[i], NULL, WNOHANG);
			lanes[i] = lane_start(i);
			lanes[i]->run.status = DIFF_LOST;
			if (shared == lane)
				shared = lanes[i];
		}
	printf("# a Linux side did not answer\n");
	munmap(lane, sizeof(*lane));
}

/* The answer to the program that the lane of `shared` has been given. */
static void linux_end(void)
{
	struct timespec t = { 10, 0 };

	for (unsigned i = 0; shared->reply != shared->request; i++) {
		if (i > 3) {
			lane_again(shared);
			return;
		}
		futex(&shared->reply, FUTEX_WAIT, shared->request - 1, &t);
	}
}

/* Of p, which the lane of `shared` has been given: the other half. */
static void other_half(const struct fuzz_program *p, struct difference *d)
{
	alarm(PATIENCE_S);
	diff_eft(p, &eft);
	alarm(0);
	linux_end();
	diff_compare(p, &shared->run, &eft, d);
}

static void both(const struct fuzz_program *p, struct difference *d)
{
	linux_begin(shared, p);
	other_half(p, d);
}

static uint64_t kind_of(const struct difference *d)
{
	uint64_t h = diff_hash(7, &d->what, sizeof(d->what));

	if (d->row)
		h = diff_hash(h, d->row->name, strlen(d->row->name));
	if (d->what == DIFF_RESULT) {
		int64_t l = d->lin_result < 0 ? d->lin_result : 0, e = d->eft_result < 0 ? d->eft_result : 0;

		h = diff_hash(diff_hash(h, &l, 8), &e, 8);
	}
	return h;
}

/* ---- what the rows of the table allow, kind by kind ---- */

static struct explained { const struct diff_allowed *row; uint64_t kind, seen; char text[80]; } explained[KINDS_MAX];
static unsigned nexplained;

static void kind_name(char *text, size_t n, const struct difference *d)
{
	static const char *const what[] = { "same", "result", "memory", "blocked", "status", "files" };

	snprintf(text, n, "%s %s %lld %lld", d->row ? d->row->name : "-", what[d->what], (long long)(d->what == DIFF_RESULT ? d->lin_result : d->offset),
		 (long long)(d->what == DIFF_RESULT ? d->eft_result : 0));
}

static void explain(const struct diff_allowed *row, const struct difference *d)
{
	uint64_t kind = kind_of(d);
	unsigned i;

	for (i = 0; i < nexplained; i++)
		if (explained[i].row == row && explained[i].kind == kind)
			break;
	if (i == KINDS_MAX)
		return;
	if (i == nexplained) {
		explained[nexplained++] = (struct explained){ .row = row, .kind = kind };
		kind_name(explained[i].text, sizeof(explained[i].text), d);
	}
	explained[i].seen++;
}

void diff_explain(void) { diff_explained = explain; }

static void line(const char *who, const char *text) { printf("    %-5s %.*s\n", who, (int)strcspn(text, "\n"), text); }

static void bytes(const char *who, const struct diff_run *r, const struct difference *d)
{
	for (unsigned i = 0; i < r->nouts; i++)
		if (r->outs[i].call == d->call && r->outs[i].blob == d->blob) {
			printf("    %-5s @%u:", who, d->offset);
			for (unsigned k = d->offset & ~7u; k < r->outs[i].len && k < (d->offset & ~7u) + 48; k++)
				printf(" %02x", r->data[r->outs[i].off + k]);
			printf("\n");
		}
}

static void show(const struct difference *d)
{
	static struct fuzz_state results;

	results.prog = d->prog;
	memcpy(results.done, shared->run.done, sizeof(results.done));
	for (unsigned i = 0; i < d->prog->ncalls; i++)
		results.values[i][0] = shared->run.result[i];
	printf("--- difference %u kind %016llx%s\n", nkinds, (unsigned long long)kind_of(d), d->prog->flags & DIFF_UNPRIVILEGED ? " (unprivileged)" : "");
	fuzz_print_strace(stdout, d->prog, &results);
	switch (d->what) {
	case DIFF_RESULT: printf("  r%u %s: Linux %lld, Eft %lld\n", d->call, d->row->name, (long long)d->lin_result, (long long)d->eft_result); break;
	case DIFF_MEMORY:
		printf("  r%u %s: memory differs\n", d->call, d->row->name);
		bytes("Linux", d->lin, d);
		bytes("Eft", d->eft, d);
		break;
	case DIFF_BLOCKED: printf("  r%u %s: Linux %s, Eft %s (status %#x)\n", d->call, d->row->name, d->lin->done[d->call] == 2 ? "returns" : d->lin->done[d->call] ? "does not return" : "is not there",
		d->eft->done[d->call] == 2 ? "returns" : d->eft->done[d->call] ? "does not return" : "is not there", d->eft->status); break;
	case DIFF_STATUS: printf("  status: Linux %#x, Eft %#x\n", d->lin->status, d->eft->status); break;
	case DIFF_FILES:
		printf("  files:\n");
		line("Linux", d->lin_text);
		line("Eft", d->eft_text);
		break;
	default: break;
	}
	fflush(stdout);
}

/* Calls are dropped as long as the difference stays. */
static void shorten(struct difference *d)
{
	uint64_t kind = kind_of(d);
	struct difference now;

	for (unsigned i = program.ncalls; i-- > 0;) {
		shorter = program;
		fuzz_drop_call(&shorter, i);
		both(&shorter, &now);
		if (now.what != DIFF_SAME && kind_of(&now) == kind)
			program = shorter;
	}
	both(&program, d);
	if (d->what != DIFF_SAME && kind_of(d) != kind)
		d->what = DIFF_SAME;	/* not what it was */
}

static const char *save_dir;

void diff_save(const char *dir) { save_dir = dir; }

/* The program as an input, for the corpus. */
static void save(const struct difference *d)
{
	static uint8_t input[FUZZ_ENCODED_MAX];
	size_t n = fuzz_encode(&program, input, sizeof(input));
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s-%016llx", save_dir ? save_dir : "", d->row ? d->row->name : "program", (unsigned long long)kind_of(d));
	if (!save_dir || !n || !(f = fopen(path, "w")))
		return;
	fwrite(input, 1, n, f);
	fclose(f);
}

/* The program, which the lane of `shared` has been given: it and its difference, if any, are dealt with. */
static uint64_t finish_program(void)
{
	struct difference d;
	uint64_t kind;

	programs++;
	calls += program.ncalls;
	other_half(&program, &d);
	late += shared->run.status < 0;
	if (d.what == DIFF_SAME)
		return 1;
	different++;
	kind = kind_of(&d);
	for (unsigned i = 0; i < nkinds; i++)
		if (kinds[i] == kind) {
			kind_seen[i]++;
			return 1;
		}
	shorten(&d);
	if (d.what == DIFF_SAME)	/* did not come back: the host was slow, for instance */
		return 1;
	if (nkinds < KINDS_MAX) {
		kind_name(kind_text[nkinds], sizeof(kind_text[0]), &d);
		kind_seen[nkinds] = 1;
		kinds[nkinds++] = kind;
	}
	show(&d);
	save(&d);
	if (!keep_going)
		abort();
	return 1;
}

static uint64_t run_program(void)
{
	diff_tame(&program);
	linux_begin(shared, &program);
	return finish_program();
}

uint64_t diff_one(const uint8_t *data, size_t size)
{
	fuzz_decode(data, size, &program);
	return run_program();
}

/* Kinds that are no news, from the output of an earlier run. */
void diff_known(const char *path)
{
	FILE *f = fopen(path, "r");
	char text[512], *at;

	if (!f) {
		fprintf(stderr, "eft-fuzz: cannot read %s\n", path);
		exit(2);
	}
	while (fgets(text, sizeof(text), f))
		if (!strncmp(text, "--- difference ", 15) && (at = strstr(text, " kind ")) && nkinds < KINDS_MAX)
			kinds[nkinds++] = strtoull(at + 6, NULL, 16);
	fclose(f);
	nknown = nkinds;
}

static volatile sig_atomic_t enough;
static void on_enough(int sig) { enough = sig; }

/* Program i of the campaign is made, and a Linux side has it. */
static void begin_program(uint64_t i, uint64_t seed)
{
	static const struct fuzz_choice choice = { .allowed = diff_takes, .max_calls = 16, .streams = 1, .small = true };
	struct fuzz_program *p = &ahead[i % LANES];

	fuzz_generate(p, (seed << 32) + i, &choice);
	p->flags = (uint8_t)(i / 4 % 4);
	if (i % 4 == 3)
		fuzz_mutate(p, NULL, (seed << 32) + i, &choice);
	diff_tame(p);
	linux_begin(lanes[i % LANES], p);
}

int diff_loop(uint64_t n, uint64_t seed, bool first)
{
	uint64_t begun = 0;
	bool bad;

	keep_going = true;
	signal(SIGINT, on_enough);	/* what has been seen so far is told */
	signal(SIGTERM, on_enough);
	for (uint64_t i = 0; i < n && !enough; i++) {
		while (begun < n && begun < i + LANES)
			begin_program(begun++, seed);
		program = ahead[i % LANES];
		shared = lanes[i % LANES];
		finish_program();
		if (first && nkinds > nknown)
			return 1;
		if (i % 100000 == 99999) {
			printf("# %llu programs, %llu differ in %u ways\n", (unsigned long long)programs, (unsigned long long)different, nkinds);
			fflush(stdout);
		}
	}
	printf("# %llu programs of %.1f calls, %llu not done in time on Linux\n", (unsigned long long)programs, (double)calls / (double)(programs ? programs : 1),
	       (unsigned long long)late);
	for (unsigned i = nknown; i < nkinds; i++)
		printf("# kind %016llx %8llu  %s\n", (unsigned long long)kinds[i], (unsigned long long)kind_seen[i], kind_text[i]);
	for (unsigned i = 0; i < nexplained; i++)
		printf("# by %-16s %8llu  %s\n", explained[i].row->name, (unsigned long long)explained[i].seen, explained[i].text);
	for (const struct diff_allowed *a = diff_allowed; a->name; a++)
		printf("# allowed %-16s %8llu  %s\n", a->name, (unsigned long long)a->seen, a->reason);
	bad = nkinds > nknown || late >= programs - programs / 2;	/* who compares next to nothing finds nothing */
	printf("%s: %llu programs, %llu with a difference that is not explained, of %u kinds\n", bad ? "not ok" : "ok", (unsigned long long)programs,
	       (unsigned long long)different, nkinds);
	return bad;
}
