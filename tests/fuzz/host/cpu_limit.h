/* SPDX-License-Identifier: MIT */
/* Ends a run that never ends: by the CPU time it used, so that a machine that stands still or has other work makes no finds. */
#ifndef FUZZ_CPU_LIMIT_H
#define FUZZ_CPU_LIMIT_H

/* Once.  seconds: of CPU time, for each run; 0: as many as it likes. */
void cpu_limit_init(unsigned seconds);
/* A run begins. */
void cpu_limit_run(void);
/* The same in a process that is made for the run. */
void cpu_limit_child(void);
#endif
