/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains that others have made and that the pool has adopted, each on its host. Nothing
 * is changed in a guest that runs: until it is started again, its domain has another name
 * than those of the pool, and its devices have none of the pool's serials and aliases, so
 * they are found by what is told here. A domain of the same uuid on another host is not in
 * the table, and so not the pool's (states.h).
 *
 * One table for the process, which follows the rows: actions/vm/adopted.c alone changes it. A device that has left
 * its domain is in it until its row says so.
 */
#ifndef POOLFS_HYPERVISOR_ADOPTED_H
#define POOLFS_HYPERVISOR_ADOPTED_H

#include <stdbool.h>
#include <stddef.h>

#include "model/error.h"

#define ADOPTED_TARGET_SIZE 16
#define ADOPTED_MAC_SIZE    18

struct hv_adopted_disk {
	char volume[33];
	char target[ADOPTED_TARGET_SIZE]; /* "vda" */
};

struct hv_adopted_nic {
	int device_id;
	char mac[ADOPTED_MAC_SIZE];
};

/**
 * Makes the domain @uuid of @host one of the pool, with these devices (copied), in place of what was told before.
 * -ENOMEM.
 */
int hv_adopt_domain(const char *host, const char *uuid, const struct hv_adopted_disk *disks,
		    size_t disk_count, const struct hv_adopted_nic *nics, size_t nic_count, struct error *e);
/**
 * Forgets that the domain was adopted: it is not the pool's any more, unless its name is its uuid. Unknown ones are no
 * error.
 */
void hv_release_domain(const char *host, const char *uuid);

/* For the rest of hypervisor/. */
bool adopted_has(const char *host, const char *uuid);
/* The target of a disk that the domain @uuid had when it was adopted, by the uuid of its volume. */
bool adopted_find_disk(const char *host, const char *uuid, const char *volume,
		       char ret_target[ADOPTED_TARGET_SIZE]);
bool adopted_find_nic(const char *host, const char *uuid, int device_id, char ret_mac[ADOPTED_MAC_SIZE]);

#endif
