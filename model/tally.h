/* SPDX-License-Identifier: Apache-2.0 */
/* What the objects of each account take, for view.c and view_batch.c alone: sums by the account, in a map of a view. */
#ifndef POOLFS_TALLY_H
#define POOLFS_TALLY_H

#include <stdbool.h>

#include "model/uuid.h"
#include "model/view.h"

/** Summing up objects of one kind: those in a row that are one account's, which are many, at once. */
struct tally {
	view_takes_fn *takes;
	char account[UUID_SIZE]; /* of the last ones; "": there are none */
	__int128 sums[TAKES_MAX];
};

/** Is anything summed up of objects of the kind? */
bool tally_counts(enum kind_id kind);
/** The sum of number @which of the account; INT64_MAX if it is too large. */
int64_t tally_sum(const struct pmap *taken, const char *account, int which);
/** Updates the sums from @before to @after, either of which may be NULL. 0 or -ENOMEM. */
int tally_update(struct pmap **taken, view_takes_fn *takes, const struct object *before,
		 const struct object *after);
/** Adds an object of a kind that counts to *@taken, or keeps it in @tally. 0 or -ENOMEM. */
int tally_add(struct tally *tally, struct pmap **taken, const struct object *o);
/** Adds what is kept in @tally. 0 or -ENOMEM. */
int tally_end(struct tally *tally, struct pmap **taken);
/** Adds all sums of @more. 0 or -ENOMEM. */
int tally_merge(struct pmap **taken, const struct pmap *more);

#endif
