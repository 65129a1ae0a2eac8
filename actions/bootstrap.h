/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first pool: what a state folder that was never used is filled with, so
 * that a VM can be made right after the first mount. All of it is ordinary:
 * everything but the admin account can be renamed, added to and removed later,
 * and is then not made again.
 */
#ifndef POOLFS_BOOTSTRAP_H
#define POOLFS_BOOTSTRAP_H

#include "actions/network/ipv4.h"
#include "actions/pool_open.h"

/**
 * On a database without accounts, makes the admin account (with the first password), zone, cluster, the host
 * at the uri, a local primary storage and a backup storage below the state folder, an L2 and L3 network
 * with an IP range on a subnet that this machine does not use, an instance and a disk offering, and their
 * links, in one change. On every database, adds the settings it does not have yet. Blocks (a password hash,
 * commits): for the start of the daemon. Errors of the store; -EINVAL for a malformed uri or no password in
 * its file.
 */
int pool_bootstrap(struct store *store, const struct pool_options *options, struct error *e);

/**
 * The first of 10.123.0.0/24, 10.124.0.0/24, ... that overlaps none of the @count networks in @used; the
 * first of them when all do. Pure; exported for tests.
 */
struct ipv4_network bootstrap_choose_subnet(const struct ipv4_network *used, size_t count);

#endif
