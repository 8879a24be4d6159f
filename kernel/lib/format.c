/* SPDX-License-Identifier: MIT */
/* printf-style formatting: see <kernel/print.h> for what is understood. */
#include <kernel/print.h>
#include <kernel/string.h>

struct out { char *p; size_t n, max; };

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->max)
		o->p[o->n] = c;
	o->n++;
}

static void put_field(struct out *o, const char *s, size_t n, int width, bool left, bool zero, size_t prefix)
{
	int pad = width - (int)n;

	if (zero && !left)
		for (size_t i = 0; i < prefix; i++)
			put(o, *s++), n--;
	if (!left)
		for (; pad > 0; pad--)
			put(o, zero ? '0' : ' ');
	while (n--)
		put(o, *s++);
	for (; pad > 0; pad--)
		put(o, ' ');
}

struct spec { bool left, zero, plus, space, alt; int width, precision; char len; };

static void put_number(struct out *o, const struct spec *sp, uint64_t v, unsigned base, bool upper, bool negative)
{
	char buf[72];
	size_t i = sizeof(buf), prefix = 0;
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	bool nonzero = v != 0;

	do
		buf[--i] = digits[v % base];
	while (v /= base);
	while (sp->precision > 0 && sizeof(buf) - i < (size_t)sp->precision && i > 8)
		buf[--i] = '0';
	if (sp->alt && base == 16 && nonzero) {
		buf[--i] = upper ? 'X' : 'x';
		buf[--i] = '0';
		prefix = 2;
	} else if (sp->alt && base == 8 && buf[i] != '0') {
		buf[--i] = '0';
	}
	if (negative || sp->plus || sp->space) {
		buf[--i] = negative ? '-' : sp->plus ? '+' : ' ';
		prefix++;
	}
	put_field(o, buf + i, sizeof(buf) - i, sp->width, sp->left, sp->zero && sp->precision < 0, prefix);
}

static int parse_number(const char **fmt, va_list *ap)
{
	int n = 0;

	if (**fmt == '*') {
		(*fmt)++;
		return va_arg(*ap, int);
	}
	while (**fmt >= '0' && **fmt <= '9')
		n = n * 10 + *(*fmt)++ - '0';
	return n;
}

static uint64_t next_unsigned(const struct spec *sp, va_list *ap)
{
	switch (sp->len) {
	case 'H': return (unsigned char)va_arg(*ap, unsigned);
	case 'h': return (unsigned short)va_arg(*ap, unsigned);
	case 'l': case 'L': case 'z': case 'j': case 't': return va_arg(*ap, uint64_t);
	default: return va_arg(*ap, unsigned);
	}
}

static int64_t next_signed(const struct spec *sp, va_list *ap)
{
	switch (sp->len) {
	case 'H': return (signed char)va_arg(*ap, int);
	case 'h': return (short)va_arg(*ap, int);
	case 'l': case 'L': case 'z': case 'j': case 't': return va_arg(*ap, int64_t);
	default: return va_arg(*ap, int);
	}
}

int kvsnprintf(char *buf, size_t max, const char *fmt, va_list args)
{
	struct out o = { buf, 0, max };
	va_list ap;

	va_copy(ap, args);
	for (; *fmt; fmt++) {
		struct spec sp = { .precision = -1 };

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++;; fmt++) {
			if (*fmt == '-') sp.left = true;
			else if (*fmt == '0') sp.zero = true;
			else if (*fmt == '+') sp.plus = true;
			else if (*fmt == ' ') sp.space = true;
			else if (*fmt == '#') sp.alt = true;
			else break;
		}
		sp.width = parse_number(&fmt, &ap);
		if (sp.width < 0) {
			sp.left = true;
			sp.width = -sp.width;
		}
		if (*fmt == '.') {
			fmt++;
			sp.precision = parse_number(&fmt, &ap);
		}
		for (;; fmt++) {
			if (*fmt == 'l') sp.len = sp.len == 'l' ? 'L' : 'l';
			else if (*fmt == 'h') sp.len = sp.len == 'h' ? 'H' : 'h';
			else if (*fmt == 'z' || *fmt == 'j' || *fmt == 't') sp.len = *fmt;
			else break;
		}
		switch (*fmt) {
		case 'd':
		case 'i': {
			int64_t v = next_signed(&sp, &ap);

			put_number(&o, &sp, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, false, v < 0);
			break;
		}
		case 'u': sp.plus = sp.space = false; put_number(&o, &sp, next_unsigned(&sp, &ap), 10, false, false); break;
		case 'o': sp.plus = sp.space = false; put_number(&o, &sp, next_unsigned(&sp, &ap), 8, false, false); break;
		case 'x':
		case 'X': sp.plus = sp.space = false; put_number(&o, &sp, next_unsigned(&sp, &ap), 16, *fmt == 'X', false); break;
		case 'p': sp.alt = true; put_number(&o, &sp, (uintptr_t)va_arg(ap, void *), 16, false, false); break;
		case 'c': {
			char c = (char)va_arg(ap, int);

			put_field(&o, &c, 1, sp.width, sp.left, false, 0);
			break;
		}
		case 's': {
			const char *s = va_arg(ap, const char *);

			if (!s)
				s = "(null)";
			put_field(&o, s, sp.precision >= 0 ? strnlen(s, (size_t)sp.precision) : strlen(s), sp.width, sp.left, false, 0);
			break;
		}
		case '%': put(&o, '%'); break;
		case 0: fmt--; break;
		default: put(&o, '%'); put(&o, *fmt); break;
		}
	}
	va_end(ap);
	if (max)
		buf[MIN(o.n, max - 1)] = 0;
	return (int)o.n;
}

int ksnprintf(char *buf, size_t max, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = kvsnprintf(buf, max, fmt, ap);
	va_end(ap);
	return n;
}
