/* SPDX-License-Identifier: Apache-2.0 */
/* From libvirt's errors to the pool's: see errors.c. */
#ifndef POOLFS_HYPERVISOR_ERRORS_H
#define POOLFS_HYPERVISOR_ERRORS_H

#include <libvirt/libvirt.h>

#include "model/error.h"

/**
 * Sets @e from this thread's last libvirt error, put after the sentence of @fmt: "cannot start
 * domain '...': domain is already active". When @conn is given and turns out to be dead, the
 * error is that the host is gone (HOST.1010). Returns the negative errno.
 *
 * The arguments may call libvirt. Every call of its API forgets the last error, even virDomainGetName();
 * so this is a macro, which saves the error before it evaluates the arguments.
 */
#define error_set_virt(e, conn, ...) (virt_error_save(), error_set_saved_virt((e), (conn), __VA_ARGS__))

/** Saves this thread's last libvirt error for error_set_saved_virt(), in place of one saved before. */
void virt_error_save(void);
/** As error_set_virt(), from the error that this thread has saved; forgets it. */
int error_set_saved_virt(struct error *e, virConnectPtr conn, const char *fmt, ...) _printf_(3, 4);

/** One errno for a libvirt error code (VIR_ERR_*); pure, tested over the whole enum. */
int hv_errno_of_virt(int virt_code);

/** The code of this thread's last libvirt error, VIR_ERR_OK when there is none. */
int virt_error_code(void);

/** Keeps libvirt from printing every error on stderr. */
void virt_errors_silence(void);

#endif
