/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The graphical console of a domain: where it is, and its password. The calls may
 * wait for the host.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_CONSOLE_H
#define POOLFS_HYPERVISOR_DOMAIN_CONSOLE_H

#include "hypervisor/hypervisor.h"

/* The longest password of VNC; libvirt refuses a longer one. */
#define CONSOLE_PASSWORD_LENGTH 8

/**
 * Graphics address of a running domain: port number and "vnc" or "spice" (static string). -EBUSY when
 * not running.
 */
int hv_domain_console(struct hypervisor *hv, const char *host, const char *uuid, int *ret_port,
		      const char **ret_protocol, struct error *e);

/** Changes the console's password at once; NULL = a random one that nobody knows. VNC uses 8 characters. */
int hv_console_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *password,
			    struct error *e);

/* A random console password, of characters that every VNC client can type. */
int console_password_make(char ret[CONSOLE_PASSWORD_LENGTH + 1], struct error *e);

#endif
