/* SPDX-License-Identifier: MIT */
/*
 * Inside the host side.
 *
 * The main thread sets everything up, starts the other threads, and then waits
 * for its children, the stubs (it is their parent, so it must live as long as
 * the process).  One thread runs the event loop (loop.c): signals from outside,
 * completions of I/O, the terminal.  CPU threads enter the host side through
 * <host/...> only.
 */
#ifndef HOST_H
#define HOST_H
#include <host/boot.h>
#include <host/cpu.h>
#include <host/dev.h>
#include <host/mem.h>
#include <host/stub.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#if defined(__SANITIZE_ADDRESS__)
#define HOST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOST_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define HOST_TSAN 1
#endif
#endif

#define HOST_SIG_IRQ SIGUSR1
enum { EXIT_USAGE = 2 };

/* options.c */
struct disk_option { const char *path; struct disk_option *next; };
struct options {
	uint64_t mem;
	unsigned cpus;
	int trap;			/* 's', 'p', 0: whatever works */
	struct disk_option *disks;
	bool rw, strace, stats, pin;
	unsigned patch;			/* traps at a call site before it is patched; 0: never */
	bool answer, keep, flush;
	char cpuid;			/* as in struct host_boot */
	int spin, yield;		/* as in struct host_boot */
	const char *init, *append, *initrd, *console_log;
	char **args;			/* for init, after "--"; NULL: none */
};
void options_parse(struct options *o, int argc, char **argv);
/* The kernel's command line; malloc'ed. */
char *options_cmdline(const struct options *o);
/* One line, "eft: ...", and exit status 2. */
_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* mem.c */
extern char *host_ram;		/* where physical address 0 would be */
extern uint64_t host_ram_end;
extern int host_ram_fd;
void mem_init(uint64_t size, bool with_initrd);
uint64_t mem_load_initrd(const char *path, uint64_t *size);
/* Host address of guest memory, or NULL if it is not all RAM. */
void *mem_at(uint64_t pa, uint64_t len);

/* cpu.c */
extern struct host_hooks host_hooks;
extern _Thread_local int cpu_self;	/* this thread's CPU, or -1 */
void cpu_unpin(void);		/* as we were started */
/* Returns the host CPUs that we may use. */
unsigned cpu_init(unsigned cpus, bool pin);

/* time.c */
void time_thread_init(unsigned cpu);
void time_init(void);

/* loop.c */
void loop_init(void);
typedef void loop_fn(void *arg, uint32_t events);
/* The struct must stay.  events: EPOLLIN ...; 0: remove. */
struct loop_source { int fd; loop_fn *fn; void *arg; uint32_t events; bool added; };
/* 0, or -EPERM: such a file is always ready. */
int loop_watch(struct loop_source *s, uint32_t events);
void loop_start(void);	/* in a thread of its own */

/* stub.c */
void stub_init(bool no_filter);
_Noreturn void stub_wait_loop(void);	/* the main thread's work */
void stub_kill_all(void);
/* The terminal's settings for the zygote to restore if we are killed; NULL: nothing. */
void stub_tty_saved(const struct termios *t);

/* ptrace.c: a traced thread has stopped */
void ptrace_stopped(int tid, int status);

/* tty.c */
void tty_init(void);
void tty_raw(void);
void tty_restore(void);
bool tty_size(unsigned *cols, unsigned *rows);
extern bool tty_in, tty_out;

/* devices */
void devices_init(const struct options *o);
void console_winch(void);
void stats_print(void);
extern bool host_want_stats;
#endif
