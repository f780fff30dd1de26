/* SPDX-License-Identifier: GPL-2.0 */
/* The CPUs of a user-space process, for the suites: threads that stay. */
#ifndef POTAD_HOST_MACHINE_H
#define POTAD_HOST_MACHINE_H

void potad_machine_start(void);
void potad_machine_stop(void);

#endif /* POTAD_HOST_MACHINE_H */
