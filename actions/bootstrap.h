/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first pool: the objects with which a new state folder is filled, so that a VM
 * can be created right after the first mount. They are ordinary objects: all but the
 * admin account can be changed and removed later, and are then not created again.
 */
#ifndef POOLFS_BOOTSTRAP_H
#define POOLFS_BOOTSTRAP_H

#include "actions/network/ipv4.h"
#include "actions/pool_open.h"

/**
 * On a database without accounts, creates the admin account (with the first password), zone, cluster, the
 * host at the uri, a local primary storage and a backup storage below the state folder, an L2 and an L3
 * network with an IP range on a subnet that this machine does not use, an instance and a disk offering, and
 * the rows that link them, in one change. On every database, brings the rows of the settings up to date
 * (config_fill()). Blocks (a password hash, commits): only for the start of the daemon. Errors of the store
 * and of the file system; -EINVAL for a malformed uri or an empty password.
 */
int pool_bootstrap(struct store *store, const struct pool_options *options, struct error *e);

/**
 * The first of 10.123.0.0/24, 10.124.0.0/24, ... that overlaps none of the @count networks in @used; the
 * first of them when all do. Pure; exported for tests.
 */
struct ipv4_network bootstrap_choose_subnet(const struct ipv4_network *used, size_t count);

#endif
