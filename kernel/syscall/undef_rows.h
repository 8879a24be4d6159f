/* SPDX-License-Identifier: MIT */
/* After each pass over syscalls.def: no include guard on purpose. */
#undef SYSCALL0
#undef SYSCALL1
#undef SYSCALL2
#undef SYSCALL3
#undef SYSCALL4
#undef SYSCALL5
#undef SYSCALL6
