/* SPDX-License-Identifier: MIT */
/* The system's names (uname(2)). */
#ifndef KERNEL_UTS_H
#define KERNEL_UTS_H
#include <kernel/compiler.h>
enum { UTS_LEN = 65 };
struct uts_names { char sysname[UTS_LEN], nodename[UTS_LEN], release[UTS_LEN], version[UTS_LEN], machine[UTS_LEN], domainname[UTS_LEN]; };
void uts_get(struct uts_names *out);
/* n bytes, at most 64: -EINVAL.  Permission is the caller's business. */
int uts_set_nodename(const char *name, size_t n);
int uts_set_domainname(const char *name, size_t n);
#endif
