/* SPDX-License-Identifier: MIT */
/* The end of the run: reboot(2), and the status that the machine reports. */
#ifndef KERNEL_POWER_H
#define KERNEL_POWER_H
#include <kernel/compiler.h>
/* Low 8 bits are the status of the run; set through /proc/sys/kernel/poweroff_status. */
extern int poweroff_status;
/* Write everything back, then stop.  May sleep. */
_Noreturn void power_off(int status);
_Noreturn void power_reboot(void);
#endif
