/* SPDX-License-Identifier: MIT */
/*
 * The program backend: running user code is taking the next call of a stream.
 *
 * No instruction of a program is ever executed.  What is kept faithfully is
 * the program counter, because the kernel speaks through it: behind the
 * system-call instruction (FUZZ_PC) the next call is made; at the instruction
 * itself the kernel wants a call restarted, with the registers as they are; in
 * the signal handler (FUZZ_HANDLER) the program returns from it, or jumps out
 * of it for good.  Anywhere else there is nothing to execute.
 *
 * The first process is the machine's own: it mounts what programs expect,
 * forks the first program, and waits for children for ever.  A timer of its
 * own interrupts the wait when everybody else has slept for an hour: it then
 * kills all and waits again; a task that survives that is a bug.
 */
#include "fz.h"
#include <abi/regs.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

enum { FPU_BYTES = 576, MXCSR = 24, LEGACY = 512, USER_NS = 300 };
enum { TRAP_PF = 14, PF_EXEC_USER = 0x14, TRAP_UD = 6, TRAP_DB = 1, ILL_OPC = 1, TRAP_CODE_TRACE = 2 };
enum { NR_write = 1, NR_open = 2, NR_close = 3, NR_socket = 41, NR_mq_notify = 244, NR_rt_sigaction = 13, NR_rt_sigreturn = 15, NR_shmget = 29, NR_nanosleep = 35, NR_setitimer = 38,
	NR_fork = 57, NR_exit = 60, NR_wait4 = 61, NR_kill = 62, NR_chdir = 80, NR_mkdir = 83, NR_setsid = 112, NR_mount = 165, NR_swapon = 167,
	NR_exit_group = 231, NR_move_mount = 429 };
enum { NR_ioctl = 16, NR_fcntl = 72, F_SETOWN = 8, F_SETOWN_EX = 15, FIOSETOWN = 0x8901, SIOCSPGRP = 0x8902, TIOCSCTTY = 0x540e,
	TIOCSPGRP = 0x5410 };
enum { STREAM_INIT = -1, SA_RESTORER_ = 0x04000000, HOUR_S = 3600, KILLS_MAX = 3 };
static const uint64_t no_end_ns = 600000000000;

struct hal_uctx {
	struct abi_regs regs;
	int stream;
	bool step, stepped, in_call, ended /* has made the exit that every program ends with */;
	uaddr_t nothing_at;		/* the last program counter that had nothing to execute */
	uint32_t setup;			/* STREAM_INIT, and 0 before the first run: the next step of the script */
	uint8_t fpu[FPU_BYTES] ALIGNED(16);
};

static int next_stream = STREAM_INIT;
static unsigned kills;

/* ---- life ---- */

void hal_user_fpu_reset(struct hal_uctx *u)
{
	memset(u->fpu, 0, sizeof(u->fpu));
	*(uint16_t *)(void *)u->fpu = 0x37f;
	*(uint32_t *)(void *)(u->fpu + MXCSR) = 0x1f80;
}

struct hal_uctx *hal_user_create(void)
{
	struct hal_uctx *u = kzalloc(sizeof(*u), 0);

	if (!u)
		return NULL;
	hal_user_fpu_reset(u);
	u->stream = next_stream++;
	return u;
}

struct hal_uctx *hal_user_clone(struct hal_uctx *parent)
{
	struct hal_uctx *u = hal_user_create();

	if (!u)
		return NULL;
	u->regs = parent->regs;
	memcpy(u->fpu, parent->fpu, sizeof(u->fpu));
	return u;
}

int hal_user_prepare(struct hal_uctx *u, struct hal_as *as) { return 0; }
void hal_user_leave(struct hal_uctx *u) { }
void hal_user_answers(struct hal_uctx *u, int pid, int tid) { }
void hal_user_clock(paddr_t page) { }
void hal_user_destroy(struct hal_uctx *u) { kfree(u); }
struct abi_regs *hal_user_regs(struct hal_uctx *u) { return &u->regs; }
struct abi_regs *hal_user_call_regs(struct hal_uctx *u) { return &u->regs; }
void hal_user_switch_out(struct hal_uctx *u) NO_TSA { }
void hal_user_single_step(struct hal_uctx *u, bool on)
{
	u->step = on;
	u->stepped = false;
}
size_t hal_user_copy_from(void *dst, uaddr_t src, size_t n) { return 0; }
size_t hal_user_copy_to(uaddr_t dst, const void *src, size_t n) { return 0; }

size_t hal_user_fpu_size(void) { return FPU_BYTES; }
size_t hal_user_fpu_get(struct hal_uctx *u, void *buf, size_t max)
{
	size_t n = MIN(max, (size_t)FPU_BYTES);

	memcpy(buf, u->fpu, n);
	return n;
}

int hal_user_fpu_set(struct hal_uctx *u, const void *buf, size_t n)
{
	const uint8_t *src = buf;
	uint32_t mxcsr;
	uint64_t bv;

	if (n < LEGACY)
		return -EINVAL;
	memcpy(&mxcsr, src + MXCSR, 4);
	if (mxcsr & ~0xffffu)
		return -EINVAL;
	if (n > LEGACY) {
		if (n < FPU_BYTES)
			return -EINVAL;
		memcpy(&bv, src + LEGACY, 8);
		if (bv & ~3ull)
			return -EINVAL;
	}
	memset(u->fpu, 0, sizeof(u->fpu));
	memcpy(u->fpu, src, MIN(n, (size_t)FPU_BYTES));
	return 0;
}

const struct hal_cpu_caps *hal_cpu_caps(void)
{
	static const struct hal_cpu_caps caps = { .platform = "x86_64", .min_sigstack = 2048 };

	return &caps;
}

/* ---- for sources ---- */

/* The kernel's part of it is the kernel's again, to TSan. */
__attribute__((visibility("default"))) size_t fuzz_user_write(uint64_t addr, const void *p, size_t n)
{
	size_t done;

	tsan_look();
	done = copy_to_user_partial(addr, p, n);
	tsan_ignore();
	return done;
}

__attribute__((visibility("default"))) size_t fuzz_user_read(uint64_t addr, void *p, size_t n)
{
	size_t done;

	tsan_look();
	done = copy_from_user_partial(p, addr, n);
	tsan_ignore();
	return done;
}

__attribute__((visibility("default"))) int fuzz_user_tid(void) { return task_tid(current); }

/* ---- the first process ---- */

struct setup { uint32_t nr; const char *s[3]; uint64_t a[3]; };
static const struct setup script[] = {
	{ NR_mount, { "proc", "/proc", "proc" }, { 0 } },
	{ NR_mount, { "sysfs", "/sys", "sysfs" }, { 0 } },
	{ NR_mount, { "tmpfs", "/tmp", "tmpfs" }, { 0 } },
	{ NR_mkdir, { "/tmp/d" }, { 0, 0777 } },
	{ NR_open, { "/tmp/f" }, { 0, 0102, 0666 } },
	{ NR_write, { NULL, "0123456789abcdef" }, { 3, 0, 16 } },
	{ NR_close, { NULL }, { 3 } },
	{ NR_rt_sigaction, { NULL }, { 14 } },
	{ NR_setitimer, { NULL }, { 0 } },
	{ NR_fork, { NULL }, { 0 } },
};
static const struct setup first_program[] = {
	{ NR_setsid, { NULL }, { 0 } },
	{ NR_chdir, { "/tmp" }, { 0 } },
	{ NR_nanosleep, { NULL }, { 0 } },
};

/*
 * Before objects are counted: a socket is closed, which makes the collector of
 * descriptors in flight look (as on Linux, nothing else does), and what is
 * freed late gets the time.
 */
static const struct setup settle[] = {
	{ NR_socket, { NULL }, { 1 /* AF_UNIX */, 1 /* SOCK_STREAM */, 0 } },
	{ NR_close, { NULL }, { 0 } },
	{ NR_nanosleep, { NULL }, { 0 } },
};
enum { WRITING_MAX = 60 };	/* sleeps, until what the programs wrote to disks has left: two minutes */
static unsigned settling;

/* A step's strings and structures go to the arena. */
static void setup_step(const struct setup *s, struct fuzz_step *out)
{
	uaddr_t at = FUZZ_ARENA + 64;
	const uint64_t action[4] = { FUZZ_HANDLER, SA_RESTORER_, FUZZ_HANDLER, 0 }, hour[4] = { HOUR_S, 0, HOUR_S, 0 }, two_seconds[2] = { 2, 0 };

	*out = (struct fuzz_step){ .nr = s->nr };
	for (unsigned i = 0; i < 3; i++) {
		out->args[i] = s->a[i];
		if (!s->s[i])
			continue;
		out->args[i] = at;
		at += fuzz_user_write(at, s->s[i], strlen(s->s[i]) + 1);
	}
	switch (s->nr) {
	case NR_rt_sigaction:
		out->args[1] = FUZZ_ARENA;
		out->args[3] = 8;
		(void)fuzz_user_write(FUZZ_ARENA, action, sizeof(action));
		break;
	case NR_setitimer:
		out->args[1] = FUZZ_ARENA;
		(void)fuzz_user_write(FUZZ_ARENA, hour, sizeof(hour));
		break;
	case NR_nanosleep:
		out->args[0] = FUZZ_ARENA;
		(void)fuzz_user_write(FUZZ_ARENA, two_seconds, sizeof(two_seconds));
		break;
	}
}

static void init_next(struct hal_uctx *u, int64_t result, struct fuzz_step *out)
{
	if (u->setup && u->setup <= ARRAY_SIZE(script) && result < 0)
		fuzz_host_crash("setting the machine up failed");
	if (u->setup < ARRAY_SIZE(script)) {
		setup_step(&script[u->setup++], out);
		return;
	}
	*out = (struct fuzz_step){ NR_wait4, { (uint64_t)-1, 0, 0x40000000 /* __WALL */, 0 } };
	if (u->setup == ARRAY_SIZE(script)) {
		u->setup++;
	} else if (result == -EINTR) {
		if (++kills > KILLS_MAX && fz_run->devices_hang)
			fz_end(FUZZ_END_IDLE);
		if (kills > KILLS_MAX)
			fuzz_host_crash("a task does not die of SIGKILL");
		*out = (struct fuzz_step){ NR_kill, { (uint64_t)-1, SIGKILL } };
	} else if ((result == -ECHILD || settling) && fz_run->count && settling < ARRAY_SIZE(settle)) {
		setup_step(&settle[settling++], out);
		if (out->nr == NR_close)
			out->args[0] = (uint64_t)result;
	} else if (result == -ECHILD || settling) {
		if (fz_run->count) {
			fz_count();
			if (fz_writing() && settling < ARRAY_SIZE(settle) + WRITING_MAX) {
				settling++;
				setup_step(&settle[ARRAY_SIZE(settle) - 1], out);
				return;
			}
		}
		fz_end(FUZZ_END_DONE);
	}
}

/* ---- the programs ---- */

/* Can what the call makes be there when every program has exited?  (The standard descriptors are the first process's, too.) */
static bool outlives(const struct fuzz_step *s)
{
	switch (s->nr) {
	case NR_shmget: case NR_mount: case NR_move_mount: case NR_swapon: case NR_mq_notify:
		return true;
	case NR_fcntl:
		return s->args[1] == F_SETOWN || s->args[1] == F_SETOWN_EX;
	case NR_ioctl:
		return s->args[1] == FIOSETOWN || s->args[1] == SIOCSPGRP || s->args[1] == TIOCSCTTY || s->args[1] == TIOCSPGRP;
	default:
		return false;
	}
}

static void stream_next(struct hal_uctx *u, int64_t result, struct fuzz_step *out)
{
	unsigned stream = (unsigned)u->stream;

	if (!u->stream && u->setup <= ARRAY_SIZE(first_program)) {
		if (u->setup < ARRAY_SIZE(first_program)) {
			setup_step(&first_program[u->setup++], out);
			return;
		}
		u->setup++;
		u->in_call = false;
		/* What the calls use is at hand from the start, as in a program that has just used it. */
		for (uaddr_t at = FUZZ_ARENA; at < FUZZ_ARENA + 16 * PAGE_SIZE; at += PAGE_SIZE)
			(void)clear_user(at, 8);
		fz_ready();
		if (fz_run->probe) {
			tsan_look();
			fz_probe();
			tsan_ignore();
		}
	}
	current->fail_nth = 0;
	if (u->in_call) {
		fz_trace(FZ_TRACE_RESULT, (uint64_t)result);
		fz_run->source.result(fz_run->source.arg, stream, result);
	}
	if (fz_run->race) {
		tsan_look();
		fz_race();
		tsan_ignore();
	}
	fz_progress();
	if (stream >= FUZZ_STREAMS || !fz_run->source.next(fz_run->source.arg, stream, out)) {
		*out = (struct fuzz_step){ stream ? NR_exit : NR_exit_group, { 0 } };
		if (u->ended)	/* a filter forbids it: it tries for ever, as a C library does, until the first process kills it */
			fz_now += no_end_ns;
		u->ended = true;
	} else {
		fz_run->calls++;
		fz_run->keeps |= outlives(out);
		if (fz_run->fail && fz_rand() % 2)
			current->fail_nth = 1 + (unsigned)(fz_rand() % (1u << fz_rand() % 6));
	}
	for (unsigned i = 0; i < 6; i++)
		fz_trace(FZ_TRACE_CALL + ((uint64_t)stream << 8) + ((uint64_t)out->nr << 16), out->args[i]);
	fz_schedule_call();
}

/* ---- run ---- */

static enum hal_trap make_call(struct hal_uctx *u)
{
	struct abi_regs *r = &u->regs;

	r->orig_rax = r->rax;
	r->rax = (uint64_t)-ENOSYS;
	r->rip = FUZZ_PC;
	r->rcx = r->rip;
	r->r11 = r->eflags;
	return HAL_TRAP_SYSCALL;
}

static enum hal_trap exception(struct hal_trap_info *info, int sig, int code, uaddr_t addr, unsigned nr)
{
	*info = (struct hal_trap_info){ .addr = addr, .signal = sig, .si_code = code, .trap_nr = nr };
	return HAL_TRAP_EXCEPTION;
}

static enum hal_trap nothing_here(struct hal_uctx *u, struct hal_trap_info *info)
{
	uaddr_t pc = u->regs.rip;

	if (u->stream == STREAM_INIT)
		fz_end(FUZZ_END_INIT);
	fz_trace(FZ_TRACE_TRAP, pc);
	if (u->nothing_at == pc) {	/* it can be executed, says the kernel: but it is no code */
		u->nothing_at = 0;
		return exception(info, SIGILL, ILL_OPC, pc, TRAP_UD);
	}
	u->nothing_at = pc;
	*info = (struct hal_trap_info){ .addr = pc, .access = HAL_EXEC, .trap_nr = TRAP_PF, .error_code = PF_EXEC_USER };
	return HAL_TRAP_FAULT;
}

enum hal_trap hal_user_run(struct hal_uctx *u, struct hal_trap_info *info) NO_TSA
{
	struct abi_regs *r = &u->regs;
	struct fuzz_step s = { 0 };
	int64_t result;

	fz_now += USER_NS;
	fz_point();
	if (fz_due(fz_self)) {
		fz_deliver();
		return HAL_TRAP_KICK;
	}
	fz_device_event();
	if (u->step && u->stepped) {
		u->stepped = false;
		return exception(info, SIGTRAP, TRAP_CODE_TRACE, r->rip, TRAP_DB);
	}
	u->stepped = u->step;
	*info = (struct hal_trap_info){ 0 };
	if (r->rip == FUZZ_PC - 2)
		return make_call(u);
	if (r->rip == FUZZ_HANDLER) {
		if (u->stream != STREAM_INIT && fz_rand() % 4 == 0) {
			u->in_call = false;	/* longjmp: whatever was interrupted has no result */
			r->rip = FUZZ_PC;
		} else {
			r->rsp += 8;		/* the handler's return */
			r->rax = NR_rt_sigreturn;
			return make_call(u);
		}
	}
	if (r->rip != FUZZ_PC)
		return nothing_here(u, info);
	result = (int64_t)r->rax;
	hal_irq_enable();
	tsan_ignore();
	if (u->stream == STREAM_INIT)
		init_next(u, result, &s);
	else
		stream_next(u, result, &s);
	tsan_look();
	hal_irq_disable();
	u->in_call = true;
	r->rax = s.nr;
	r->rdi = s.args[0];
	r->rsi = s.args[1];
	r->rdx = s.args[2];
	r->r10 = s.args[3];
	r->r8 = s.args[4];
	r->r9 = s.args[5];
	return make_call(u);
}
