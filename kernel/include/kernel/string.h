/* SPDX-License-Identifier: MIT */
/* The string functions the kernel uses; as in ISO C and string(3). */
#ifndef KERNEL_STRING_H
#define KERNEL_STRING_H
#include <stddef.h>
#include <stdint.h>
void *memcpy(void *restrict d, const void *restrict s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);
/* Copies at most max - 1 bytes and terminates; returns strlen(s), so that >= max means cut. */
size_t strlcpy(char *d, const char *s, size_t max);
/* Whole-string number, base 0: as in strtoul(3).  0, -EINVAL, -ERANGE. */
int parse_u64(const char *s, unsigned base, uint64_t *out);
/* As parse_u64, with a suffix K, M or G. */
int parse_size(const char *s, uint64_t *out);
#endif
