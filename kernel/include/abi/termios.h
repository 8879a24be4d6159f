/* SPDX-License-Identifier: MIT */
/* termios(3) on the wire, asm-generic: the same on x86-64 and AArch64. */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H
#include <stdint.h>
enum { ABI_NCCS = 19 };
struct abi_ktermios { uint32_t c_iflag, c_oflag, c_cflag, c_lflag; uint8_t c_line, c_cc[ABI_NCCS]; };
struct abi_ktermios2 { uint32_t c_iflag, c_oflag, c_cflag, c_lflag; uint8_t c_line, c_cc[ABI_NCCS]; uint32_t c_ispeed, c_ospeed; };
struct abi_winsize { uint16_t ws_row, ws_col, ws_xpixel, ws_ypixel; };
#endif
