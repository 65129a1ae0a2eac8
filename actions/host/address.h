/* SPDX-License-Identifier: Apache-2.0 */
/* Whether anything answers at a host's address, apart from its libvirtd. */
#ifndef POOLFS_HOST_ADDRESS_H
#define POOLFS_HOST_ADDRESS_H

#include <stdbool.h>

#include "model/object.h"

/**
 * True when the ssh port at the host's address accepts or refuses a connection, so that the machine is up, and
 * when the name of the address cannot be looked up. A simulated host has no address and never answers. That
 * nothing answers proves nothing. Blocking, a few seconds at most for each address.
 */
bool host_address_answers(const struct object *host);

#endif
