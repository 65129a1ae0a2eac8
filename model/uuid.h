/* SPDX-License-Identifier: Apache-2.0 */
/* Uuids as the manual writes them: 32 lower-case hex digits without dashes. */
#ifndef POOLFS_UUID_H
#define POOLFS_UUID_H

#include <stdbool.h>
#include <stddef.h>

#define UUID_LEN   32
#define UUID_SIZE  33
#define UUID_BYTES (UUID_LEN / 2)

/** Writes a new random (version 4) uuid. */
void uuid_make(char ret_uuid[UUID_SIZE]);
/** The uuid of the @n-th object that @of creates: always the same one (version 5), and unique to them. */
void uuid_derive(const char *of, size_t n, char ret_uuid[UUID_SIZE]);
/** True for 32 lower-case hex digits. */
bool uuid_is_hex(const char *text);
/** What each character stands for as a lower-case hex digit, plus 1; 0: it is none. */
extern const unsigned char uuid_digits[256];
/** The bytes of the first UUID_LEN characters of @text, which has as many. False: they are not all lower-case hex digits. */
bool uuid_pack(const char *text, unsigned char ret[UUID_BYTES]);
/** Writes the UUID_LEN digits of a uuid, without a NUL. */
void uuid_unpack(const unsigned char bytes[UUID_BYTES], char *ret);
/** Writes a uuid in any of the forms that libvirt takes, with or without dashes, in this one. False: it is none. */
bool uuid_read(const char *text, char ret_uuid[UUID_SIZE]);
/** True for a valid resourceUuid from a client: a uuid of version 1 to 5 without dashes (behaviour.md
 * 1.12). */
bool uuid_is_resource(const char *text);

#endif
