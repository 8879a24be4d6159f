/* SPDX-License-Identifier: MIT */
/*
 * strace-style text of a call and of its result, from the same table that the
 * dispatcher uses.  Strings and buffers are read from current's memory.
 */
#include <kernel/errno.h>
#include <kernel/print.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>


enum { STRING_SHOWN = 48, STRV_SHOWN = 8 };

struct text { char *p; size_t n, max; };

static void PRINTF_LIKE(2, 3) text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (t->n < t->max) {
		int n = kvsnprintf(t->p + t->n, t->max - t->n, fmt, ap);

		t->n = MIN(t->n + (size_t)n, t->max);
	}
	va_end(ap);
}

static void text_bytes(struct text *t, const char *s, size_t n, bool cut)
{
	text_add(t, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		switch (c) {
		case '\n': text_add(t, "\\n"); break;
		case '\t': text_add(t, "\\t"); break;
		case '\r': text_add(t, "\\r"); break;
		case '"': case '\\': text_add(t, "\\%c", c); break;
		default: text_add(t, c >= 32 && c < 127 ? "%c" : "\\%o", c); break;
		}
	}
	text_add(t, cut ? "\"..." : "\"");
}

static void text_user_string(struct text *t, uaddr_t addr)
{
	char buf[STRING_SHOWN + 1];
	int64_t n;

	if (!addr) {
		text_add(t, "NULL");
		return;
	}
	n = strncpy_from_user(buf, addr, sizeof(buf));
	if (n < 0)
		text_add(t, "%#llx", (unsigned long long)addr);
	else
		text_bytes(t, buf, MIN((size_t)n, (size_t)STRING_SHOWN), n > STRING_SHOWN);
}

static void text_flags(struct text *t, uint64_t v, const struct flag_name *f)
{
	const char *sep = "";

	for (; f->name; f++)
		if (f->bit && (v & f->bit) == f->bit) {
			text_add(t, "%s%s", sep, f->name);
			sep = "|";
			v &= ~f->bit;
		}
	if (v || !*sep)
		text_add(t, v ? "%s%#llx" : "%s%llx", sep, (unsigned long long)v);
}

static void text_enum(struct text *t, int64_t v, const struct flag_name *f)
{
	for (; f->name; f++)
		if ((int64_t)f->bit == v) {
			text_add(t, "%s", f->name);
			return;
		}
	text_add(t, "%lld", (long long)v);
}

static void text_strv(struct text *t, uaddr_t addr)
{
	uint64_t p;

	text_add(t, "[");
	for (unsigned i = 0; addr && i <= STRV_SHOWN; i++, addr += sizeof(p)) {
		if (get_user(p, addr) || !p)
			break;
		text_add(t, i ? ", " : "");
		if (i == STRV_SHOWN) {
			text_add(t, "...");
			break;
		}
		text_user_string(t, p);
	}
	text_add(t, "]");
}

static uint64_t arg_by_name(const struct syscall_desc *d, const uint64_t *args, const char *name)
{
	for (unsigned i = 0; i < d->nargs; i++)
		if (!strcmp(d->args[i].name, name))
			return args[i];
	return 0;
}

static const char *const signal_names[] = { "0", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
	"SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",
	"SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS" };

static void text_arg(struct text *t, const struct syscall_desc *d, unsigned i, const uint64_t *args, bool entry)
{
	const struct arg_desc *a = &d->args[i];
	uint64_t v = args[i];

	switch (a->kind) {
	case ARG_INT: case ARG_FD: case ARG_PID: case ARG_TIMER: case ARG_WATCH: case ARG_IPC: text_add(t, "%d", (int)v); break;
	case ARG_DIRFD: text_add(t, (int)v == -100 ? "AT_FDCWD" : "%d", (int)v); break;
	case ARG_SIG: text_add(t, v < ARRAY_SIZE(signal_names) ? "%s" : "SIGRT", signal_names[v < ARRAY_SIZE(signal_names) ? v : 0]); break;
	case ARG_UINT: text_add(t, "%u", (unsigned)v); break;
	case ARG_LONG: text_add(t, "%lld", (long long)v); break;
	case ARG_SIZE: case ARG_LEN: text_add(t, "%llu", (unsigned long long)v); break;
	case ARG_MODE: text_add(t, "%#o", (unsigned)v); break;
	case ARG_PATH: case ARG_STR: text_user_string(t, v); break;
	case ARG_STRV: text_strv(t, v); break;
	case ARG_FLAGS: text_flags(t, v, a->flags); break;
	case ARG_ENUM: text_enum(t, (int)v, a->flags); break;
	case ARG_BUF_IN:
		if (entry) {
			char buf[STRING_SHOWN];
			uint64_t len = arg_by_name(d, args, a->aux);
			size_t n = copy_from_user_partial(buf, v, MIN(len, sizeof(buf)));

			text_bytes(t, buf, n, len > n);
			break;
		}
		FALLTHROUGH;
	default:
		text_add(t, v ? "%#llx" : "NULL", (unsigned long long)v);
		break;
	}
}

size_t syscall_format_entry(char *out, size_t max, unsigned nr, const uint64_t *args)
{
	const struct syscall_desc *d = syscall_lookup(nr);
	struct text t = { out, 0, max };

	if (!d) {
		text_add(&t, "syscall_%u()", nr);
	} else {
		text_add(&t, "%s(", d->name);
		for (unsigned i = 0; i < d->nargs; i++) {
			text_add(&t, i ? ", " : "");
			text_arg(&t, d, i, args, true);
		}
		text_add(&t, ")");
	}
	return MIN(t.n, max ? max - 1 : 0);
}

size_t syscall_format_exit(char *out, size_t max, unsigned nr, const uint64_t *args, long result)
{
	static const struct { short nr; char name[22]; } names[] = {
#define ERR(e) { e, #e }
		ERR(EPERM), ERR(ENOENT), ERR(ESRCH), ERR(EINTR), ERR(EIO), ERR(ENXIO), ERR(E2BIG), ERR(ENOEXEC), ERR(EBADF), ERR(ECHILD),
		ERR(EAGAIN), ERR(ENOMEM), ERR(EACCES), ERR(EFAULT), ERR(ENOTBLK), ERR(EBUSY), ERR(EEXIST), ERR(EXDEV), ERR(ENODEV),
		ERR(ENOTDIR), ERR(EISDIR), ERR(EINVAL), ERR(ENFILE), ERR(EMFILE), ERR(ENOTTY), ERR(ETXTBSY), ERR(EFBIG), ERR(ENOSPC),
		ERR(ESPIPE), ERR(EROFS), ERR(EMLINK), ERR(EPIPE), ERR(EDOM), ERR(ERANGE), ERR(EDEADLK), ERR(ENAMETOOLONG), ERR(ENOLCK),
		ERR(ENOSYS), ERR(ENOTEMPTY), ERR(ELOOP), ERR(ENOMSG), ERR(EIDRM), ERR(ENODATA), ERR(ETIME), ERR(EPROTO), ERR(EBADMSG),
		ERR(EOVERFLOW), ERR(ENOTSOCK), ERR(EDESTADDRREQ), ERR(EMSGSIZE), ERR(EPROTOTYPE), ERR(ENOPROTOOPT), ERR(EPROTONOSUPPORT),
		ERR(ESOCKTNOSUPPORT), ERR(EOPNOTSUPP), ERR(EAFNOSUPPORT), ERR(EADDRINUSE), ERR(EADDRNOTAVAIL), ERR(ECONNABORTED),
		ERR(ECONNRESET), ERR(ENOBUFS), ERR(EISCONN), ERR(ENOTCONN), ERR(ESHUTDOWN), ERR(ETIMEDOUT), ERR(ECONNREFUSED),
		ERR(EALREADY), ERR(EINPROGRESS), ERR(ESTALE), ERR(EUCLEAN), ERR(EDQUOT), ERR(ECANCELED), ERR(EOWNERDEAD),
		ERR(ENOTRECOVERABLE), ERR(ERESTARTSYS), ERR(ERESTARTNOINTR), ERR(ERESTARTNOHAND), ERR(ERESTART_RESTARTBLOCK),
#undef ERR
	};
	const struct syscall_desc *d = syscall_lookup(nr);
	struct text t = { out, 0, max };

	for (unsigned i = 0; result < 0 && i < ARRAY_SIZE(names); i++)
		if (names[i].nr == -result) {
			text_add(&t, "= -1 %s", names[i].name);
			return MIN(t.n, max ? max - 1 : 0);
		}
	if (d && d->nargs && (!strcmp(d->name, "mmap") || !strcmp(d->name, "brk") || !strcmp(d->name, "mremap")))
		text_add(&t, "= %#lx", (unsigned long)result);
	else
		text_add(&t, "= %ld", result);
	for (unsigned i = 0; d && i < d->nargs; i++)	/* what a read returned */
		if (d->args[i].kind == ARG_BUF_OUT && result > 0) {
			char buf[STRING_SHOWN];
			size_t n = copy_from_user_partial(buf, args[i], MIN((size_t)result, sizeof(buf)));

			text_add(&t, " ");
			text_bytes(&t, buf, n, (size_t)result > n);
		}
	return MIN(t.n, max ? max - 1 : 0);
}
