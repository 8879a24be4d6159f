/* SPDX-License-Identifier: MIT */
/* Events of the trace ring in words; see <kernel/trace.h>. */
#include <hal/aspace.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/trace.h>

static const char *leaves(uint64_t state)
{
	switch (state) {
	case TASK_RUNNING: return "runs";
	case TASK_DEAD: return "is gone";
	default: return "sleeps";
	}
}

bool trace_format(const struct trace_ring *r, unsigned back, char *line, size_t max)
{
	uint64_t next = load_acquire(&r->next), ns;
	const struct trace_event *e = &r->event[(next - 1 - back) % TRACE_EVENTS];
	unsigned long long a = READ_ONCE(e->a), b = READ_ONCE(e->b);
	const struct syscall_desc *d;
	char name[9] = "", when[32] = "";
	unsigned tid = READ_ONCE(e->tid);

	/* The oldest slot may be being written. */
	if (back >= next || back >= TRACE_EVENTS - 1)
		return false;
	ns = READ_ONCE(e->ns);
	if (ns)
		ksnprintf(when, sizeof(when), "%5llu.%06llu", (unsigned long long)(ns / NSEC_PER_SEC), (unsigned long long)(ns / 1000 % 1000000));
	switch (READ_ONCE(e->kind)) {
	case TRACE_SWITCH:
		memcpy(name, &b, 8);
		ksnprintf(line, max, "%12s  the thread %s, switch to %u \"%s\"", when, leaves(a), tid, name);
		break;
	case TRACE_SYSCALL:
		d = syscall_lookup((unsigned)a);
		ksnprintf(line, max, "%12s  %u: system call %llu %s(%#llx, ...)", when, tid, a, d ? d->name : "?", b);
		break;
	case TRACE_FAULT:
		ksnprintf(line, max, "%12s  %u: page fault at %#llx, %s", when, tid, a, b & HAL_WRITE ? "write" : b & HAL_EXEC ? "execute" : "read");
		break;
	case TRACE_TRAP:
		ksnprintf(line, max, "%12s  %u: exception at %#llx, signal %llu", when, tid, a, b);
		break;
	case TRACE_KICK:
		ksnprintf(line, max, "%12s  %u: interrupted at %#llx", when, tid, a);
		break;
	case TRACE_IRQ:
		ksnprintf(line, max, "%12s  interrupt %llu", when, a);
		break;
	case TRACE_TIMER:
		ksnprintf(line, max, "%12s  timer", when);
		break;
	case TRACE_IPI:
		ksnprintf(line, max, "%12s  ipi", when);
		break;
	default:
		return false;
	}
	return true;
}
