/* SPDX-License-Identifier: Apache-2.0 */
/* Uuids as the manual writes them: 32 lower-case hex digits without dashes. */
#ifndef POOLFS_UUID_H
#define POOLFS_UUID_H

#include <stdbool.h>
#include <stddef.h>

#define UUID_LEN  32
#define UUID_SIZE 33

/** Writes a new random (version 4) uuid. */
void uuid_make(char ret_uuid[UUID_SIZE]);
/** The uuid of the @n-th object that @of creates: always the same one (version 5), and unique to them. */
void uuid_derive(const char *of, size_t n, char ret_uuid[UUID_SIZE]);
/** True for 32 lower-case hex digits. */
bool uuid_is_hex(const char *text);
/** Writes a uuid in any of the forms that libvirt takes, with or without dashes, in this one. False: it is none. */
bool uuid_read(const char *text, char ret_uuid[UUID_SIZE]);
/** True for a valid resourceUuid from a client: a uuid of version 1 to 5 without dashes (behaviour.md
 * 1.12). */
bool uuid_is_resource(const char *text);

#endif
