/* SPDX-License-Identifier: MIT */
/*
 * Target `tty`: a pseudo terminal; the input is what happens to it, an
 * operation a byte with what it needs behind it:
 *
 *   0-9    bytes to the master (what is typed)      length:1 byte*
 *   10-13  bytes to the slave (what is printed)     length:1 byte*
 *   14-16  read the slave    length:1               17-18  read the master   length:1
 *   19-21  termios of the slave   how:1 iflag:2 oflag:2 cflag:2 lflag:2 line:1, index:1 value:1 of two characters
 *   22-25  another ioctl     which:1 value:1 master-or-slave (the highest bit of `which`)
 *   26 poll  27 fork, a new session in it  28 the slave again  29 its end closed  30 the master's end closed  31 fcntl
 *
 * Everything is non-blocking; the session's leader may make the terminal its own.
 */
#include <stdio.h>
#include <string.h>
#include "script.h"
#include "target_tty.h"

enum { OPS = 31, BYTES_MAX = 64, TERMIOS = 36, CC_AT = 17, CCS = 19, READ_AT = 0x1000, OPEN = 04000 | 0400 | 02 /* O_NONBLOCK, O_NOCTTY, O_RDWR */ };

static const uint32_t ioctls[] = { 0x5401 /* TCGETS */, 0x5409 /* TCSBRK */, 0x540a /* TCXONC */, 0x540b /* TCFLSH */, 0x540c, 0x540d, 0x540e /* TIOCSCTTY */,
	0x540f, 0x5410 /* TIOCSPGRP */, 0x5411 /* TIOCOUTQ */, 0x5412 /* TIOCSTI */, 0x5413, 0x5414 /* TIOCSWINSZ */, 0x5415, 0x5416, 0x5417, 0x5418,
	0x5419, 0x541a, 0x541b /* FIONREAD */, 0x5420 /* TIOCPKT */, 0x5421 /* FIONBIO */, 0x5422 /* TIOCNOTTY */, 0x5423 /* TIOCSETD */, 0x5424, 0x5425 /* TCSBRKP */,
	0x5429 /* TIOCGSID */, 0x802c542a /* TCGETS2 */, 0x402c542b, 0x402c542c, 0x402c542d, 0x80045430 /* TIOCGPTN */, 0x40045431 /* TIOCSPTLCK */,
	0x80045439 /* TIOCGPTLCK */, 0x80045438 /* TIOCGPKT */, 0x40045436 /* TIOCSIG */, 0x5437 /* TIOCVHANGUP */, 0x80045440 /* TIOCGEXCL */, 0x5441 /* TIOCGPTPEER */,
	0x5405 /* TCGETA */, 0x5406, 0x5407, 0x5408, 0x5456, 0x5457, 0x5452 /* FIOASYNC */, 0x8901, 0x8903 };

struct reader { const uint8_t *p, *end; };
static uint8_t take(struct reader *r) { return r->p < r->end ? *r->p++ : 0; }

static uint64_t take_bytes(struct reader *r, size_t *n)
{
	size_t want = 1 + take(r) % BYTES_MAX;
	uint64_t at;

	if (want > (size_t)(r->end - r->p))
		want = (size_t)(r->end - r->p);
	at = script_bytes(r->p, want);
	r->p += want;
	*n = want;
	return at;
}

uint64_t tty_one(const uint8_t *data, size_t size)
{
	static uint8_t termios[SCRIPT_DATA][TERMIOS], zero[4];
	struct fuzz_run r = { .schedule = FUZZ_FAIR, .seed = 1, .count = size % 4 == 0 };
	struct reader in = { data, data + size };
	unsigned master, slave, sets = 0;
	bool open_slave = true, open_master = true;

	script_begin();
	master = script_call(0, NR_open, script_text("/dev/ptmx"), OPEN, 0, 0, 0, 0);
	script_call(1, NR_ioctl, master, 0x40045431, script_bytes(zero, sizeof(zero)), 0, 0, 0);
	slave = script_call(1, NR_ioctl, master, 0x5441, OPEN, 0, 0, 0);
	for (unsigned ops = 0; in.p < in.end && ops < SCRIPT_CALLS - 12; ops++) {
		uint8_t op = take(&in) % (OPS + 1), which;
		size_t n;
		uint64_t at;

		switch (op) {
		case 0 ... 9:
			at = take_bytes(&in, &n);
			script_call(1, NR_write, master, at, n, 0, 0, 0);
			break;
		case 10 ... 13:
			at = take_bytes(&in, &n);
			script_call(1, NR_write, slave, at, n, 0, 0, 0);
			break;
		case 14 ... 16: script_call(1, NR_read, slave, FUZZ_ARENA + READ_AT, take(&in) * 4u, 0, 0, 0); break;
		case 17: case 18: script_call(1, NR_read, master, FUZZ_ARENA + READ_AT, take(&in) * 16u, 0, 0, 0); break;
		case 19 ... 21: {
			uint8_t *t = termios[sets++ % SCRIPT_DATA];
			static const uint8_t usual[CCS] = { 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0 };

			memset(t, 0, TERMIOS);
			which = take(&in);
			for (unsigned i = 0; i < 4; i++) {
				t[4 * i] = take(&in);
				t[4 * i + 1] = take(&in);
			}
			t[16] = take(&in);
			memcpy(t + CC_AT, usual, CCS);
			for (unsigned i = 0; i < 2; i++) {
				uint8_t index = take(&in);

				t[CC_AT + index % CCS] = take(&in);
			}
			script_call(1, NR_ioctl, which & 8 ? master : slave, 0x5402u + which % 3, script_bytes(t, TERMIOS), 0, 0, 0);
			break;
		}
		case 22 ... 25: {
			uint8_t value;
			uint64_t argument;

			which = take(&in);
			value = take(&in);
			argument = value & 0x80 ? FUZZ_ARENA + READ_AT + (value & 15) : value & 0x40 ? value & 0x3f : 0;
			if (!(value & 0xc0)) {
				uint8_t *t = termios[sets++ % SCRIPT_DATA];

				memset(t, 0, TERMIOS);
				t[0] = value;
				argument = script_bytes(t, TERMIOS);
			}
			script_call(1, NR_ioctl, which & 0x80 ? master : slave, ioctls[(which & 0x7f) % (sizeof(ioctls) / sizeof(ioctls[0]))], argument, 0, 0, 0);
			break;
		}
		case 26: script_call(0, 7 /* poll */, FUZZ_ARENA + READ_AT, take(&in) % 3, 0, 0, 0, 0); break;
		case 27: script_call(0, take(&in) % 2 ? NR_fork : 112 /* setsid */, 0, 0, 0, 0, 0, 0); break;
		case 28:
			slave = script_call(0, NR_open, script_text("/dev/pts/0"), take(&in) % 2 ? OPEN : OPEN & ~0400u, 0, 0, 0, 0);
			open_slave = true;
			break;
		case 29:
			if (open_slave)
				script_call(1, NR_close, slave, 0, 0, 0, 0, 0);
			open_slave = false;
			break;
		case 30:
			if (open_master && take(&in) % 4 == 0) {
				script_call(1, NR_close, master, 0, 0, 0, 0, 0);
				open_master = false;
			}
			break;
		default: {
			uint8_t how = take(&in);

			script_call(1, NR_fcntl, how & 1 ? master : slave, how & 2 ? 4 : 8, how & 2 ? (how & 4 ? 024000 : 04000) : 0, 0, 0, 0);
			break;
		}
		}
	}
	script_run(&r, NULL, 0);
	return r.trace;
}

void tty_print(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = { "type", "print", "read", "read master", "termios", "ioctl", "poll", "fork or setsid", "open slave", "close slave", "close master", "fcntl" };
	static const uint8_t until[] = { 9, 13, 16, 18, 21, 25, 26, 27, 28, 29, 30, 31 }, needs[] = { 0, 0, 1, 1, 14, 2, 1, 1, 1, 0, 0, 1 };
	struct reader in = { data, data + size };

	while (in.p < in.end) {
		uint8_t op = take(&in) % (OPS + 1);
		unsigned k = 0, n;

		while (op > until[k])
			k++;
		n = k < 2 ? 1u + take(&in) % BYTES_MAX : needs[k];
		printf("%s:", kinds[k]);
		for (; n && in.p < in.end; n--)
			printf(" %02x", take(&in));
		printf("\n");
	}
}
