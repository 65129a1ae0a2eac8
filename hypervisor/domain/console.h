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

/* The longest password of SPICE. */
#define CONSOLE_SPICE_PASSWORD_LENGTH 60

/** Where the console of a running domain is. */
struct hv_console {
	const char *protocol; /* "vnc" or "spice", static */
	int port;
	char address[64]; /* it listens on; 0.0.0.0 and :: mean all of the host's */
};

/** Finds the console of a running domain. -EBUSY when it is not running. */
int hv_domain_console(struct hypervisor *hv, const char *host, const char *uuid, struct hv_console *ret,
		      struct error *e);

/** Changes the console's password at once; NULL = a random one that nobody knows. VNC uses 8 characters. */
int hv_console_set_password(struct hypervisor *hv, const char *host, const char *uuid, const char *password,
			    struct error *e);

/* A random console password, of characters that every VNC client can type. */
int console_password_make(char ret[CONSOLE_PASSWORD_LENGTH + 1], struct error *e);

#endif
