/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures as hosts give them, made PNG. What a picture says of itself comes from the guest, which may want to harm
 * whoever looks at it. Pure functions. Internal to hypervisor/.
 */
#ifndef POOLFS_HYPERVISOR_DOMAIN_PICTURE_H
#define POOLFS_HYPERVISOR_DOMAIN_PICTURE_H

#include <stddef.h>

#include "model/error.h"

/* Bytes of a picture that are read from a host: those of a screen of 3840 x 2400 points fit. */
#define PICTURE_BYTES (32 << 20)

/**
 * The picture @data of the media type @type ("image/png", or "image/x-portable-pixmap": binary, with 255 as the highest
 * value) as PNG; *ret_png is owned by the caller. -EPROTO for what is no such picture, -EOPNOTSUPP for another type,
 * -ENOMEM.
 */
int picture_make_png(const char *type, const char *data, size_t len, char **ret_png, size_t *ret_len,
		     struct error *e);

#endif
