/* SPDX-License-Identifier: MIT */
/* termios(3) and tty ioctls on the wire, asm-generic: the same on x86-64 and AArch64. */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H
#include <stdint.h>
enum { ABI_NCCS = 19 };
struct abi_ktermios { uint32_t c_iflag, c_oflag, c_cflag, c_lflag; uint8_t c_line, c_cc[ABI_NCCS]; };
struct abi_ktermios2 { uint32_t c_iflag, c_oflag, c_cflag, c_lflag; uint8_t c_line, c_cc[ABI_NCCS]; uint32_t c_ispeed, c_ospeed; };
struct abi_termio { uint16_t c_iflag, c_oflag, c_cflag, c_lflag; uint8_t c_line, c_cc[8], pad; };	/* pad: it is copied to programs */
struct abi_winsize { uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel; };
_Static_assert(sizeof(struct abi_ktermios) == 36, "struct termios");
_Static_assert(sizeof(struct abi_ktermios2) == 44, "struct termios2");

enum { IGNBRK = 1, BRKINT = 2, IGNPAR = 4, PARMRK = 010, INPCK = 020, ISTRIP = 040, INLCR = 0100, IGNCR = 0200, ICRNL = 0400,
	IUCLC = 01000, IXON = 02000, IXANY = 04000, IXOFF = 010000, IMAXBEL = 020000, IUTF8 = 040000 };	/* c_iflag */
enum { OPOST = 1, OLCUC = 2, ONLCR = 4, OCRNL = 010, ONOCR = 020, ONLRET = 040, TABDLY = 014000, XTABS = 014000 };	/* c_oflag */
enum { CBAUD = 0010017, BOTHER = 0010000, B38400 = 017, CSIZE = 060, CS7 = 040, CS8 = 060, CSTOPB = 0100, CREAD = 0200, PARENB = 0400,
	PARODD = 01000, HUPCL = 02000, CLOCAL = 04000, IBSHIFT = 16 };	/* c_cflag */
enum { ISIG = 1, ICANON = 2, XCASE = 4, ECHO = 010, ECHOE = 020, ECHOK = 040, ECHONL = 0100, NOFLSH = 0200, TOSTOP = 0400,
	ECHOCTL = 01000, ECHOPRT = 02000, ECHOKE = 04000, FLUSHO = 010000, PENDIN = 040000, IEXTEN = 0100000,
	EXTPROC = 0200000 };	/* c_lflag */
enum { VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN, VSWTC, VSTART, VSTOP, VSUSP, VEOL, VREPRINT, VDISCARD, VWERASE, VLNEXT, VEOL2 };

enum {
	TCGETS = 0x5401, TCSETS, TCSETSW, TCSETSF, TCGETA, TCSETA, TCSETAW, TCSETAF, TCSBRK, TCXONC, TCFLSH, TIOCEXCL, TIOCNXCL,
	TIOCSCTTY, TIOCGPGRP, TIOCSPGRP, TIOCOUTQ, TIOCSTI, TIOCGWINSZ, TIOCSWINSZ, TIOCMGET, TIOCMBIS, TIOCMBIC, TIOCMSET,
	TIOCGSOFTCAR, TIOCSSOFTCAR, FIONREAD, TIOCLINUX, TIOCCONS, TIOCGSERIAL, TIOCSSERIAL, TIOCPKT, FIONBIO, TIOCNOTTY,
	TIOCSETD, TIOCGETD, TCSBRKP, TIOCSBRK = 0x5427, TIOCCBRK, TIOCGSID, TIOCVHANGUP = 0x5437, TIOCGPTPEER = 0x5441,
	TIOCGLCKTRMIOS = 0x5456, TIOCSLCKTRMIOS,
};
#define TCGETS2		0x802c542au
#define TCSETS2		0x402c542bu
#define TCSETSW2	0x402c542cu
#define TCSETSF2	0x402c542du
#define TIOCGPTN	0x80045430u
#define TIOCSPTLCK	0x40045431u
#define TIOCGDEV	0x80045432u
#define TIOCGPKT	0x80045438u
#define TIOCGPTLCK	0x80045439u
#define TIOCGEXCL	0x80045440u
enum { TCOOFF, TCOON, TCIOFF, TCION };			/* TCXONC */
enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };			/* TCFLSH */
enum { TIOCPKT_DATA = 0, TIOCPKT_FLUSHREAD = 1, TIOCPKT_FLUSHWRITE = 2, TIOCPKT_STOP = 4, TIOCPKT_START = 8, TIOCPKT_NOSTOP = 16,
	TIOCPKT_DOSTOP = 32, TIOCPKT_IOCTL = 64 };
enum { TIOCM_DTR = 2, TIOCM_RTS = 4, TIOCM_CTS = 0x20, TIOCM_CAR = 0x40, TIOCM_DSR = 0x100 };
#endif
