/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that versions of the program before 4 of the schema have written as they were given: see url.h. */
#ifndef POOLFS_OLD_URLS_H
#define POOLFS_OLD_URLS_H

#include <sqlite3.h>

#include "model/error.h"

/** Masks those of images, and those in the requests and results of jobs that have added images: a step of the schema. */
int old_urls_mask(sqlite3 *db, struct error *e);

#endif
