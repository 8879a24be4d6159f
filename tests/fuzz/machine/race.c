/* SPDX-License-Identifier: MIT */
/* A race on purpose, which the build with TSan must report (--break=race).  The one file of the machine that is instrumented. */
#include "fz.h"

static unsigned calls;

void fz_race(void) { calls++; }
