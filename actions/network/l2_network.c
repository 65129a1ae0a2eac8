/* SPDX-License-Identifier: Apache-2.0 */
/* See l2_network.h. */
#include "actions/network/l2_network.h"

#include <net/if.h>
#include <string.h>

bool l2_network_is_managed(const struct object *l2)
{
	return strncmp(object_text(l2, L2_PHYSICAL_INTERFACE), "virbr", 5) == 0;
}

void l2_network_bridge(const struct object *l2, char ret_bridge[IFNAMSIZ])
{
	if (object_is_null(l2, L2_VLAN))
		snprintf(ret_bridge, IFNAMSIZ, "%s", object_text(l2, L2_PHYSICAL_INTERFACE));
	else
		snprintf(ret_bridge, IFNAMSIZ, "%s.%d", object_text(l2, L2_PHYSICAL_INTERFACE),
			 (int)object_int(l2, L2_VLAN));
}
