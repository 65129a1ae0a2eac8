/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of the system tag `userdata`: base64 of any bytes, a script as well
 * as a gzip file. Never blocks.
 */
#ifndef POOLFS_VM_USER_DATA_H
#define POOLFS_VM_USER_DATA_H

#include "model/error.h"

/* Most bytes of user data. */
#define USER_DATA_MAX (1 << 20)

/**
 * Decodes user data, with line breaks or without, into *@ret_bytes, owned by the caller, and *@ret_len bytes.
 * -EINVAL when it is not base64, in a sentence that says what is wrong with it; -EFBIG above USER_DATA_MAX.
 */
int user_data_decode(const char *base64, unsigned char **ret_bytes, size_t *ret_len, struct error *e);

#endif
