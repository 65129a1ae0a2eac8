/* SPDX-License-Identifier: Apache-2.0 */
/* See node.h. */
#include "actions/engine/node.h"

#include <sodium.h>

#include "actions/engine/access.h"

/* Derived from the creation time of the administrator's account, which is created with the pool. */
void node_uuid(const struct view *view, char ret_uuid[UUID_SIZE])
{
	const struct object *admin = view_get(view, KIND_ACCOUNT, ADMIN_ACCOUNT_UUID);
	int64_t created = admin ? object_int(admin, ACCOUNT_CREATE_DATE) : 0;
	unsigned char hash[crypto_generichash_BYTES];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)&created, sizeof(created), NULL, 0);
	(void)sodium_bin2hex(ret_uuid, UUID_SIZE, hash, UUID_LEN / 2);
}
