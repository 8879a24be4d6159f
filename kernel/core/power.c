/* SPDX-License-Identifier: MIT */
/* reboot(2) and what ends the machine in order. */
#include <hal/dev.h>
#include <kernel/power.h>
#include <kernel/print.h>
#include <kernel/task.h>
#include <kernel/vfs.h>
#include "syscall/syscall_impl.h"

int poweroff_status;

_Noreturn void power_off(int status)
{
	vfs_sync();
	hal_poweroff(status & 0xff);
}

_Noreturn void power_reboot(void)
{
	vfs_sync();
	hal_reboot();
}

long sys_reboot(unsigned magic1, unsigned magic2, unsigned cmd, uaddr_t arg)
{
	enum { MAGIC1 = 0xfee1dead, MAGIC2 = 672274793, MAGIC2A = 85072278, MAGIC2B = 369367448, MAGIC2C = 537993216 };
	enum { RESTART = 0x01234567, HALT = 0xcdef0123, CAD_ON = 0x89abcdef, CAD_OFF = 0, POWER_OFF = 0x4321fedc, RESTART2 = 0xa1b2c3d4 };

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != (unsigned)MAGIC1 || (magic2 != MAGIC2 && magic2 != MAGIC2A && magic2 != MAGIC2B && magic2 != MAGIC2C))
		return -EINVAL;
	switch (cmd) {
	case CAD_ON:
	case CAD_OFF:
		return 0;	/* there is no such key */
	case HALT:
	case POWER_OFF:
		power_off(poweroff_status);
	case RESTART:
	case RESTART2:
		power_reboot();
	default:
		return -EINVAL;
	}
}
