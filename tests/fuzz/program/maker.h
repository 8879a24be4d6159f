/* SPDX-License-Identifier: MIT */
/* Between the files that make programs: random numbers, and appending to a program under construction. */
#ifndef FUZZ_MAKER_H
#define FUZZ_MAKER_H
#include "program.h"

struct maker {
	struct fuzz_program *p;
	struct fuzz_rand rand;
	const struct fuzz_choice *choice;
	unsigned depth, nest, set;	/* nest: of structures; set: arguments of the call that are made, a bit each */
	struct fuzz_arg given[6];	/* for the next call: those of `gives` are already known */
	unsigned gives;
};

static inline uint64_t rand64(struct fuzz_rand *r)	/* splitmix64 */
{
	uint64_t z = r->s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}
static inline unsigned below(struct maker *m, unsigned n) { return n ? (unsigned)(rand64(&m->rand) >> 33) % n : 0; }
static inline bool percent(struct maker *m, unsigned n) { return below(m, 100) < n; }

static inline struct fuzz_arg arg_value(uint64_t v) { return (struct fuzz_arg){ .value = v, .form = FUZZ_VALUE }; }

/* A blob appended to the program, or NULL when there is no room.  Content may be NULL: zeros. */
struct fuzz_blob *maker_blob(struct maker *m, struct fuzz_arg *a, enum fuzz_dir dir, const void *content, size_t nbytes, size_t len, unsigned fixes);
/* Argument i of call c, whose earlier arguments are there. */
void maker_arg(struct maker *m, struct fuzz_call *c, const struct syscall_desc *d, unsigned i);
/* A call of row d (and before it those that make what it needs), appended.  false: no room. */
bool maker_call(struct maker *m, const struct syscall_desc *d, unsigned stream);
bool maker_allowed(const struct maker *m, const struct syscall_desc *d);
const struct syscall_desc *maker_row(struct maker *m);
/* The path that the last call made takes, if any, becomes this one. */
void maker_path(struct maker *m, struct fuzz_call *c, const struct syscall_desc *d, const char *path);
/* A few calls that belong together, appended, each with arguments of its kinds but for those that make it an idiom (idioms.c).
 * false: none, because the choice does not allow it or there is no room. */
bool maker_idiom(struct maker *m, unsigned stream);
/* A thread of the stream's, if there is none, and calls on one object, of the stream and of the next (races.c).  false: no room. */
bool maker_race(struct maker *m, unsigned stream);
/* An object and calls on it, of the stream alone. */
bool maker_object(struct maker *m, unsigned stream);
enum { NAME_LONG = 256, TEXT_MAX = NAME_LONG + 8 };
/* A name as `aux` of the table says (a path: "_"), into out[TEXT_MAX]; returns its bytes, with the terminating zero if it has one. */
size_t maker_text(struct maker *m, char *out, const char *aux);
/* A number of that kind. */
uint64_t maker_number(struct maker *m, enum arg_kind kind, const char *name, const char *aux, const struct flag_name *flags, uint64_t type_max);
#endif
