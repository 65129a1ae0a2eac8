/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the difference between two views is to who watches the tree with
 * inotify(7): files that have another content, names that came or went.
 *
 * An object appears in several directories: at home, in `by-name`, among the
 * nics or volumes of another, as a job or tag of another. Where, is found in
 * both views and compared; so what came and went in between, or was changed
 * twice, is told of as seldom as it can be seen.
 */
#ifndef POOLFS_FS_TELL_NOTICES_H
#define POOLFS_FS_TELL_NOTICES_H

#include "fs/tree/place.h"

enum notice_what { NOTICE_CHANGED, NOTICE_MADE, NOTICE_GONE };

struct notice {
	enum notice_what what;
	struct node dir;      /* MADE, GONE: where */
	char name[NAME_SIZE]; /* MADE, GONE: what is called so there */
	struct node node;     /* the file itself */
	mode_t mode;	      /* its type and permissions */
	bool inner;	      /* GONE: only because its directory is */
};

/** Told of a notice (borrowed); false: enough. */
typedef bool notice_fn(void *arg, const struct notice *notice);

/* What may differ. */
struct touched {
	const uint64_t *objects; /* nodes of class N_OBJECT */
	size_t count;
	const bool *lost; /* per kind: more of them than are listed */
};

/**
 * Tells @fn of all notices between the views @told and @now. Objects of a kind that is `lost` are told of
 * by their collection alone. False when @fn had enough.
 */
bool notices_make(const struct fs *fs, const struct view *told, const struct view *now,
		  const struct touched *touched, notice_fn *fn, void *arg);

#endif
