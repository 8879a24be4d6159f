/* SPDX-License-Identifier: MIT */
/* Between the files of the differential. */
#ifndef FUZZ_DIFF_COMPARE_H
#define FUZZ_DIFF_COMPARE_H
#include "diff/diff.h"

/* Runs p in the machine; its trace hash. */
extern uint64_t diff_capabilities;		/* those that root has on the host: the program gets no others */
extern bool diff_hardlinks;		/* the host's fs.protected_hardlinks */
uint64_t diff_eft(const struct fuzz_program *p, struct diff_run *r);

enum diff_what { DIFF_SAME, DIFF_RESULT, DIFF_MEMORY, DIFF_BLOCKED, DIFF_STATUS, DIFF_FILES };
struct difference {
	enum diff_what what;
	unsigned call;				/* not of STATUS and FILES */
	const struct syscall_desc *row;		/* of the call */
	const struct fuzz_program *prog;
	const struct diff_run *lin, *eft;
	int64_t lin_result, eft_result;
	unsigned blob, offset;			/* MEMORY: the first byte that differs */
	const char *lin_text, *eft_text;	/* FILES: the first line that differs */
};
/* The first difference that no row of the table allows; those that a row allows are counted. */
void diff_compare(const struct fuzz_program *p, const struct diff_run *lin, const struct diff_run *eft, struct difference *d);

/* The table: what may differ, and why. */
struct diff_allowed { const char *name, *reason; bool (*match)(const struct difference *d); uint64_t seen; };
extern struct diff_allowed diff_allowed[];
/* Told each difference that a row allows; NULL: nobody wants to know. */
extern void (*diff_explained)(const struct diff_allowed *a, const struct difference *d);
/* Is the call part of the differential? */
bool diff_takes(const struct syscall_desc *d);
/* Makes p such that it can run on the host. */
void diff_tame(struct fuzz_program *p);
/* An argument's value when it is a number; -1 otherwise. */
int64_t diff_number(const struct difference *d, const char *arg);
#endif
