/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and ending a VM's domain. */
#ifndef POOLFS_VM_POWER_H
#define POOLFS_VM_POWER_H

#include "actions/engine/job.h"

/**
 * Starts a VM that has a root volume: chooses and promises a host, gives NICs their addresses, opens storage
 * and networks there, starts the domain (@paused: frozen). On failure everything is taken back and the VM is
 * in
 * @failed_state. Blocking.
 */
int vm_bring_up(struct job *job, const char *uuid, enum vm_state failed_state, bool paused, struct error *e);
/** The second half of it, for a VM whose host is chosen and promised already (state Starting or Rebooting).
 */
int vm_power_on(struct job *job, const char *uuid, const char *host, const char *last_host,
		enum vm_state failed_state, bool paused, struct error *e);
/** Ends a domain: gracefully within @grace_ms, then, or with 0 at once, by cutting its power. Writes no
 * state. */
int vm_power_off(struct job *job, const char *uuid, const char *host, int grace_ms, struct error *e);
/** Ends the domain on the VM's host, gracefully within @grace_ms (0: at once), and writes Stopped. Blocking.
 */
int vm_bring_down(struct job *job, const char *uuid, int grace_ms, struct error *e);

#endif
