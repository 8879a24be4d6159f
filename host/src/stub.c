/* SPDX-License-Identifier: MIT */
/*
 * Stub processes: the zygote, its children, their deaths.
 *
 * The zygote is forked and executed by the main thread before anything else
 * runs; it forks stubs whose parent is this process (CLONE_PARENT), so SIGCHLD
 * and PR_SET_PDEATHSIG work for them as for its own children.
 *
 * Locking: one mutex around creation and reaping: a stub that dies while it is
 * being created is found in the table afterwards.
 */
#include "host.h"
#include <errno.h>
#include <fcntl.h>
#include <host/stub_abi.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char stub_image[], stub_image_end[];

struct child { int pid; void *cookie; struct child *next; };
enum { BUCKETS = 256 };
#define DEBUG_REGISTER(i) offsetof(struct user, u_debugreg[i])

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct child *table[BUCKETS];		/* [lock] */
static struct stub_zygote *zygote;		/* shared page */
static int zygote_pid;				/* [lock] 0: none */
static int zygote_cpu = -1;			/* [lock] where it is bound to */
static int comm_fd = -1, image_fd = -1;

static bool zygote_wait(void)
{
	for (;;) {
		uint32_t v = __atomic_load_n(&zygote->stop, __ATOMIC_ACQUIRE);
		if (v & STUB_STOPPED)
			return true;
		if (!(v & STUB_WAITER)) {
			__atomic_fetch_or(&zygote->stop, STUB_WAITER, __ATOMIC_ACQ_REL);
			continue;
		}
		/* It may have been killed: then nobody wakes us. */
		host_futex_wait(&zygote->stop, v, 50000000);
		siginfo_t si = { 0 };
		if (waitid(P_PID, (id_t)zygote_pid, &si, WEXITED | WNOHANG | WNOWAIT) || si.si_pid)
			return false;
	}
}

static _Noreturn void zygote_exec(int parent)
{
	sigset_t none;
	struct rlimit core = { 0, 0 };
	int tty = tty_in ? dup(STDIN_FILENO) : -1;
	/* Out of the way of the numbers they shall have. */
	int fds[4] = { fcntl(host_ram_fd, F_DUPFD, 20), fcntl(comm_fd, F_DUPFD, 20), tty >= 0 ? fcntl(tty, F_DUPFD, 20) : -1,
		fcntl(image_fd, F_DUPFD, 20) };

	/*
	 * The terminal's signals are not for us.  But the session is the kernel's: the host's scheduler may group what runs by session
	 * (autogroup), and a yield is to one's own group only.
	 */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	setrlimit(RLIMIT_CORE, &core);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			dup2(fds[i], STUB_FD_RAM + i);
	dup2(fds[3], 6);
	fcntl(6, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, 7, ~0u, 0);
	close(0);
	close(1);
	close(2);
	if (fds[2] < 0)
		close(STUB_FD_TTY);
	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	personality(ADDR_NO_RANDOMIZE);
	char *const argv[] = { "eft-stub", NULL }, *const envp[] = { NULL };
	syscall(SYS_execveat, 6, "", argv, envp, AT_EMPTY_PATH);
	_exit(127);
}

static bool zygote_start(void)
{
	int parent = getpid();

	zygote->go = zygote->stop = 0;
	zygote->kernel_pid = parent;
	zygote_cpu = -1;
	zygote_pid = fork();
	if (zygote_pid == 0)
		zygote_exec(parent);
	if (zygote_pid < 0) {
		zygote_pid = 0;
		return false;
	}
	return true;
}

void stub_init(bool no_filter)
{
	size_t size = (size_t)(stub_image_end - stub_image);

	signal(SIGCHLD, SIG_DFL);	/* ignored, they would vanish */
	image_fd = memfd_create("eft-stub", MFD_CLOEXEC);
	comm_fd = memfd_create("eft-comm", MFD_CLOEXEC);
	if (image_fd < 0 || comm_fd < 0 || write(image_fd, stub_image, size) != (ssize_t)size || ftruncate(comm_fd, 4096))
		fatal("cannot make the stub: %s", strerror(errno));
	zygote = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, comm_fd, 0);
	if (zygote == MAP_FAILED)
		fatal("cannot make the stub: %s", strerror(errno));
	zygote->no_filter = no_filter;
	if (!zygote_start())
		fatal("cannot start a process: %s", strerror(errno));
}

int host_stub_create(uint64_t svc_pa, uint64_t clock_pa, uint64_t cpuid_pa, void *cookie, int cpu, int *pid)
{
	struct child *c = malloc(sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		return r;
	pthread_mutex_lock(&lock);
	if (!zygote_pid || !zygote_wait()) {
		/* Somebody killed it.  Only the main thread can make a new one. */
		r = -EAGAIN;
		goto out;
	}
	/* Here, so that nobody has to be woken on another host CPU; the stub begins where the zygote is. */
	if (cpu != zygote_cpu) {
		host_stub_pin(zygote_pid, cpu);
		zygote_cpu = cpu;
	}
	zygote->pa = svc_pa;
	zygote->clock = clock_pa;
	zygote->cpuid = cpuid_pa;
	__atomic_store_n(&zygote->stop, 0, __ATOMIC_RELEASE);
	if (__atomic_exchange_n(&zygote->go, STUB_GO_RUN, __ATOMIC_ACQ_REL) == STUB_GO_SLEEP)
		host_futex_wake(&zygote->go);
	if (!zygote_wait())
		r = -EAGAIN;
	else
		r = zygote->pid;
	if (r > 0) {
		c->pid = r;
		c->cookie = cookie;
		c->next = table[r % BUCKETS];
		table[r % BUCKETS] = c;
		__atomic_store_n(pid, r, __ATOMIC_RELEASE);
		c = NULL;
		r = 0;
	}
out:
	pthread_mutex_unlock(&lock);
	free(c);
	return r;
}

static void child_exited(int pid)
{
	void *cookie = NULL;

	/* A stub that is being created is not in the table yet: hence the lock around the wait. */
	pthread_mutex_lock(&lock);
	if (waitpid(pid, NULL, WNOHANG | __WALL) == pid) {
		for (struct child **p = &table[pid % BUCKETS]; *p; p = &(*p)->next)
			if ((*p)->pid == pid) {
				struct child *c = *p;
				*p = c->next;
				cookie = c->cookie;
				free(c);
				break;
			}
		if (pid == zygote_pid)
			zygote_start();
	}
	pthread_mutex_unlock(&lock);
	if (cookie && host_hooks.stub_died)
		host_hooks.stub_died(cookie, pid);
}

/*
 * On return it runs no more: its pages may be given to others.  Its death is told by
 * whoever takes it from the table: this, or the main thread, if that was faster.
 */
void host_stub_kill(int pid)
{
	siginfo_t si;

	if (pid <= 0 || kill(pid, SIGKILL))
		return;
	while (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT | __WALL) && errno == EINTR)
		;
	child_exited(pid);
}

void host_stub_kick(int pid, int tid) { syscall(SYS_tgkill, pid, tid, SIGURG); }

void host_stub_pin(int tid, int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(tid, sizeof(set), &set);
}

int host_stub_watch(int pid, int tid, const uint64_t *at, unsigned n)
{
	enum { EVENT_STOP = PTRACE_EVENT_STOP << 8 };
	int status = 0, got, r = 0;
	long control = 0, sig;

	pthread_mutex_lock(&lock);	/* the main thread leaves the stop to us: child_changed() */
	if (ptrace(PTRACE_SEIZE, tid, 0, 0)) {
		r = -errno;
		goto out;
	}
	ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	while ((got = waitpid(tid, &status, __WALL)) < 0 && errno == EINTR)
		;
	if (got != tid || !WIFSTOPPED(status)) {
		r = -ESRCH;		/* it died */
		goto out;
	}
	/* While the process is there for us to reap, its thread's number is its own: unless it has died, and this is somebody else's. */
	if (syscall(SYS_tgkill, pid, tid, 0))
		r = -ESRCH;
	/* Off first: an address may change only then. */
	else if (ptrace(PTRACE_POKEUSER, tid, DEBUG_REGISTER(7), 0))
		r = -errno;
	for (unsigned i = 0; i < n && !r; i++) {
		if (ptrace(PTRACE_POKEUSER, tid, DEBUG_REGISTER(i), at[i]))
			r = -errno;
		control |= 1L << 2 * i;	/* L0 to L3; R/W and LEN 0: execution */
	}
	if (!r && n && ptrace(PTRACE_POKEUSER, tid, DEBUG_REGISTER(7), control))
		r = -errno;
	/* Perhaps a kick was faster: it is to come. */
	sig = status >> 8 & EVENT_STOP ? 0 : WSTOPSIG(status);
	ptrace(PTRACE_DETACH, tid, 0, sig);
out:
	pthread_mutex_unlock(&lock);
	return r;
}

/* What the main thread does when waitid() says something about a child. */
static void child_changed(const siginfo_t *si)
{
	int status;

	if (si->si_code == CLD_TRAPPED && !zygote->no_filter) {
		/* host_stub_watch(): over when it gives up the lock. */
		pthread_mutex_lock(&lock);
		pthread_mutex_unlock(&lock);
	} else if (si->si_code == CLD_TRAPPED) {
		if (waitpid(si->si_pid, &status, WNOHANG | __WALL) == si->si_pid && WIFSTOPPED(status))
			ptrace_stopped(si->si_pid, status);
	} else if (si->si_code == CLD_STOPPED) {
		/* A stopped stub would hold a CPU: it is as good as dead. */
		kill(si->si_pid, SIGKILL);
		waitpid(si->si_pid, &status, WNOHANG | WUNTRACED);
	} else {
		child_exited(si->si_pid);
	}
}

static bool look(idtype_t type, id_t id)
{
	siginfo_t si = { 0 };

	if (waitid(type, id, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) || !si.si_pid)
		return false;
	child_changed(&si);
	return true;
}

/*
 * To wait for any child, the host looks at all of them, at each death: with
 * thousands of stubs that is what the main thread would be busy with.  So it
 * waits for the signal, which names the child, and asks for that one.  Signals of
 * several are merged while one is pending, and so it looks at all as well,
 * rarely enough that it takes a small part of a CPU.
 */
static _Noreturn void wait_by_signal(void)
{
	enum { PAUSE_NS = 1000000, PAUSE_LOOKS = 20 };
	uint64_t now, due = 1, rest = 0;	/* when to look at all (0: not), and not before */
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &chld, NULL);
	for (;;) {
		siginfo_t si = { 0 };

		now = host_time_mono_ns();
		if (due && now >= due) {
			while (look(P_ALL, 0))
				;
			uint64_t took = host_time_mono_ns() - now;
			rest = now + took + (took * PAUSE_LOOKS > PAUSE_NS ? took * PAUSE_LOOKS : PAUSE_NS);
			due = 0;
			continue;
		}
		struct timespec ts = { (time_t)((due - now) / 1000000000), (long)((due - now) % 1000000000) };
		if (sigtimedwait(&chld, &si, due ? &ts : NULL) != SIGCHLD)
			continue;
		if (si.si_pid > 0)
			look(P_PID, (id_t)si.si_pid);
		if (!due)
			due = rest > now ? rest : now;
	}
}

_Noreturn void stub_wait_loop(void)
{
	/* A tracer is told of a stop by the wait, and wants to know at once. */
	if (!zygote->no_filter)
		wait_by_signal();
	for (;;) {
		siginfo_t si = { 0 };

		if (!waitid(P_ALL, 0, &si, WEXITED | WSTOPPED | __WALL | WNOWAIT))
			child_changed(&si);
		else if (errno != EINTR)
			usleep(100000);		/* no child at all: the zygote could not be made */
	}
}

__attribute__((no_sanitize("thread"))) void stub_kill_all(void)
{
	/* On the way out, perhaps from a crash with the lock held: so it is tried for a while only. */
	bool locked = false;

	for (int i = 0; i < 1000 && !locked; i++) {
		locked = pthread_mutex_trylock(&lock) == 0;
		if (!locked)
			sched_yield();
	}
	for (int i = 0; i < BUCKETS; i++)
		for (struct child *c = table[i]; c; c = c->next)
			kill(c->pid, SIGKILL);
	if (zygote_pid)
		kill(zygote_pid, SIGKILL);
	if (locked)
		pthread_mutex_unlock(&lock);
}

void stub_tty_saved(const struct termios *t)
{
	/* The kernel's struct: the first 36 bytes of libc's, up to 19 control characters. */
	if (t)
		memcpy(zygote->termios, t, 36);
	zygote->tty_saved = t != NULL;
}
