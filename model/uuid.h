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
/** The uuid of the @n-th thing that @of makes: always the same (version 5), and nobody else's. */
void uuid_derive(const char *of, size_t n, char ret_uuid[UUID_SIZE]);
/** True for 32 lower-case hex digits. */
bool uuid_is_hex(const char *text);
/** True for what a client may choose as resourceUuid: undashed uuid of version 1-5 (behaviour.md 1.12). */
bool uuid_is_resource(const char *text);

#endif
