/* SPDX-License-Identifier: MIT */
/* The kernel command line: words and key=value, then " -- " and init's arguments, percent-encoded. */
#include <hal/dev.h>
#include <kernel/cmdline.h>
#include <kernel/string.h>

/* The n-th word of the kernel's part (before --) or of init's; NULL past the end. */
static const char *word(bool init_part, unsigned n, size_t *len)
{
	const char *s = hal_boot_info()->cmdline;
	bool past = false;

	while (s && *s) {
		size_t k = 0;

		while (*s == ' ')
			s++;
		while (s[k] && s[k] != ' ')
			k++;
		if (!k)
			return NULL;
		if (!past && k == 2 && s[0] == '-' && s[1] == '-') {
			if (!init_part)
				return NULL;
			past = true;
		} else if (past == init_part && n-- == 0) {
			*len = k;
			return s;
		}
		s += k;
	}
	return NULL;
}

bool cmdline_has(const char *w)
{
	const char *s;
	size_t len;

	for (unsigned i = 0; (s = word(false, i, &len)); i++)
		if (len == strlen(w) && !strncmp(s, w, len))
			return true;
	return false;
}

bool cmdline_get(const char *key, char *buf, size_t max)
{
	size_t len, klen = strlen(key);
	bool found = false;
	const char *s;

	for (unsigned i = 0; (s = word(false, i, &len)); i++)	/* the last one counts */
		if (len > klen && !strncmp(s, key, klen) && s[klen] == '=') {
			size_t n = len - klen - 1 < max ? len - klen - 1 : max - 1;

			memcpy(buf, s + klen + 1, n);
			buf[n] = 0;
			found = true;
		}
	return found;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cmdline_init_arg(unsigned i, char *buf, size_t max)
{
	size_t len, n = 0;
	const char *s = word(true, i, &len);

	if (!s)
		return false;
	for (size_t k = 0; k < len && n + 1 < max; k++) {
		if (s[k] == '%' && k + 2 < len + 0 && hex(s[k + 1]) >= 0 && hex(s[k + 2]) >= 0) {
			buf[n++] = (char)(hex(s[k + 1]) << 4 | hex(s[k + 2]));
			k += 2;
		} else {
			buf[n++] = s[k];
		}
	}
	buf[n] = 0;
	return true;
}
