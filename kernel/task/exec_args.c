/* SPDX-License-Identifier: MIT */
/*
 * The argument and environment strings of execve on their way from the old
 * address space to the new one: kept in single kernel pages, because they may
 * come to megabytes.
 */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/vm.h>
#include "exec.h"
#include "task_impl.h"

enum { ARG_STRLEN_MAX = 32 * 4096, ARG_STRINGS_MAX = 0x7fffffff };

/* Make room for one more page of strings. */
static int strings_grow(struct exec_strings *s)
{
	struct page *p;

	if (s->npages % 16 == 0) {
		struct page **n = krealloc(s->pages, (s->npages + 16) * sizeof(*n), 0);

		if (!n)
			return -ENOMEM;
		s->pages = n;
	}
	p = page_alloc(0, 0);
	if (!p)
		return -ENOMEM;
	s->pages[s->npages++] = p;
	return 0;
}

int exec_strings_add(struct exec_strings *s, const char *kstr)
{
	size_t n = strlen(kstr) + 1;

	while (n) {
		size_t off = s->len % PAGE_SIZE, m = MIN(n, PAGE_SIZE - off);

		if (s->len == s->npages * PAGE_SIZE && strings_grow(s))
			return -ENOMEM;
		memcpy((char *)page_addr(s->pages[s->npages - 1]) + off, kstr, m);
		kstr += m;
		s->len += m;
		n -= m;
	}
	s->count++;
	return 0;
}

static int strings_add_one(struct exec_strings *s, uaddr_t str, size_t limit)
{
	size_t total = 0;

	for (;;) {
		size_t off = s->len % PAGE_SIZE, room = PAGE_SIZE - off;
		int64_t n;

		if (s->len == s->npages * PAGE_SIZE && strings_grow(s))
			return -ENOMEM;
		n = strncpy_from_user((char *)page_addr(s->pages[s->npages - 1]) + off, str, room);
		if (n < 0)
			return -EFAULT;
		if ((size_t)n < room) {
			s->len += (size_t)n + 1;
			total += (size_t)n + 1;
			s->count++;
			return total > ARG_STRLEN_MAX || s->len > limit ? -E2BIG : 0;
		}
		s->len += room;
		total += room;
		str += room;
		if (total > ARG_STRLEN_MAX || s->len > limit)
			return -E2BIG;
	}
}

int exec_strings_add_user(struct exec_strings *s, uaddr_t vec, size_t limit)
{
	uaddr_t str;
	int err;

	for (; vec; vec += sizeof(str)) {
		if (get_user(str, vec))
			return -EFAULT;
		if (!str)
			break;
		if (s->count >= ARG_STRINGS_MAX)
			return -E2BIG;
		/* The pointers count against the limit too. */
		if (s->len + (uint64_t)s->count * sizeof(uaddr_t) > limit)
			return -E2BIG;
		err = strings_add_one(s, str, limit);
		if (err)
			return err;
		if (signal_interrupts(TASK_KILLABLE))
			return -ERESTARTNOHAND;
	}
	return 0;
}

int exec_strings_write(const struct exec_strings *s, struct vm_space *vm, uaddr_t to)
{
	for (size_t i = 0; i < s->npages; i++) {
		size_t n = MIN(s->len - i * PAGE_SIZE, PAGE_SIZE);

		if (n && vm_access(vm, to + i * PAGE_SIZE, page_addr(s->pages[i]), n, true, false) != n)
			return -EFAULT;
	}
	return 0;
}

/* A table of pointers to the strings, which begin at `strings`, and a NULL. */
int exec_strings_pointers(const struct exec_strings *s, struct vm_space *vm, uaddr_t strings, size_t skip, uaddr_t table)
{
	uint64_t ptr[64];
	unsigned n = 0;
	bool start = true;

	for (size_t i = skip; i < s->len; i++) {
		char c = ((const char *)page_addr(s->pages[i / PAGE_SIZE]))[i % PAGE_SIZE];

		if (start) {
			ptr[n++] = strings + i;
			if (n == ARRAY_SIZE(ptr)) {
				if (vm_access(vm, table, ptr, sizeof(ptr), true, false) != sizeof(ptr))
					return -EFAULT;
				table += sizeof(ptr);
				n = 0;
			}
		}
		start = c == '\0';
	}
	ptr[n++] = 0;
	return vm_access(vm, table, ptr, n * sizeof(ptr[0]), true, false) == n * sizeof(ptr[0]) ? 0 : -EFAULT;
}

/* Rebuilds the pages without the first string (scripts: once per level). */
void exec_strings_drop_first(struct exec_strings *s)
{
	size_t cut = 0, to = 0;

	if (!s->count)
		return;
	while (((char *)page_addr(s->pages[cut / PAGE_SIZE]))[cut % PAGE_SIZE])
		cut++;
	cut++;
	for (size_t from = cut; from < s->len;) {
		size_t n = MIN(s->len - from, MIN(PAGE_SIZE - from % PAGE_SIZE, PAGE_SIZE - to % PAGE_SIZE));

		memmove((char *)page_addr(s->pages[to / PAGE_SIZE]) + to % PAGE_SIZE,
			(char *)page_addr(s->pages[from / PAGE_SIZE]) + from % PAGE_SIZE, n);
		from += n;
		to += n;
	}
	s->len = to;
	s->count--;
	while (s->npages > DIV_ROUND_UP(s->len, PAGE_SIZE))
		page_put(s->pages[--s->npages]);
}

void exec_strings_free(struct exec_strings *s)
{
	for (size_t i = 0; i < s->npages; i++)
		page_put(s->pages[i]);
	kfree(s->pages);
	memset(s, 0, sizeof(*s));
}
