/* SPDX-License-Identifier: MIT */
/* execve's parts: arguments (exec_args.c), images (elf.c), the call (exec.c). */
#ifndef TASK_EXEC_H
#define TASK_EXEC_H
#include <hal/types.h>

struct file;
struct page;
struct vm_space;

/* Strings one after the other, NUL-terminated, in pages of the kernel's. */
struct exec_strings { struct page **pages; size_t npages, len; unsigned count; };
int exec_strings_add(struct exec_strings *s, const char *kstr);
/* Those of a user vector; limit: bytes that may be used in all.  0, -E2BIG, -EFAULT, -ENOMEM. */
int exec_strings_add_user(struct exec_strings *s, uaddr_t vec, size_t limit);
int exec_strings_write(const struct exec_strings *s, struct vm_space *vm, uaddr_t to);
/* Calls fn with the offset of each string in turn; puts the table of pointers. */
int exec_strings_pointers(const struct exec_strings *s, struct vm_space *vm, uaddr_t strings, size_t skip, uaddr_t table);
void exec_strings_drop_first(struct exec_strings *s);
void exec_strings_free(struct exec_strings *s);

enum { EXEC_HEAD = 256, EXEC_DEPTH = 5 };
struct exec {
	struct file *file;		/* what is loaded; deny-write is held */
	char *name;			/* as given: AT_EXECFN */
	char *interp;			/* last name of the file that is loaded (scripts change it) */
	unsigned depth;
	uint8_t head[EXEC_HEAD];	/* first bytes, zero-filled */
	struct exec_strings args, env;
	struct vm_space *vm;		/* the new one */
	struct cred *cred;
	bool secure, is_fd_path;
	bool gains;			/* counted in process.gains */
	unsigned personality;		/* the new program's */
	/* the image */
	uaddr_t entry, phdr, load_base, interp_base, elf_entry, sp;
	unsigned phnum;
};
/* Open for execution: 0, -EACCES (no regular file, no x, noexec), -ETXTBSY... deny-write is taken. */
int exec_open(int dfd, const char *name, unsigned lookup_flags, struct file **out);
void exec_close(struct file *f);
/*
 * The credentials of the new program, and what else it is allowed (exec_gains.c): e->cred, secure, personality.  -ENOMEM.
 * If it gains, nobody attaches to the process until exec_settled().
 */
int exec_gains(struct exec *e) MUST_CHECK;
/* The credentials have changed, or will not. */
void exec_settled(struct exec *e);
/* The soft limit of the stack: no more than usual for who gains. */
uint64_t exec_stack_limit(const struct exec *e);
/* Map the program and its interpreter, build stack and auxiliary vector in e->vm.  -ENOEXEC: not ELF. */
int elf_load(struct exec *e);
#endif
