/* SPDX-License-Identifier: MIT */
/*
 * The contract between the kernel and the machine under it.
 *
 * The kernel calls hal_*(); arch_um and arch_guest each define all of them
 * (bound at link time: a missing one is a link error).  The machine calls
 * kernel_*(), of <hal/upcall.h>, and otherwise only what <kernel/...> offers
 * to ports: page_alloc(), kmalloc(), klog(), panic().
 *
 * An error is a negative Linux errno.  Time is in nanoseconds.
 */
#ifndef HAL_HAL_H
#define HAL_HAL_H
#include <hal/aspace.h>
#include <hal/cpu.h>
#include <hal/dev.h>
#include <hal/irq.h>
#include <hal/mem.h>
#include <hal/thread.h>
#include <hal/time.h>
#include <hal/upcall.h>
#endif
