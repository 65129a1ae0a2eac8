/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The difference between two views in terms of inotify(7): files whose content
 * has changed, names that were created or deleted.
 *
 * An object appears in several directories: its collection, `by-name`, among the
 * nics or volumes of another, as a job or tag of another. These places are
 * determined in both views and compared; so what was created and deleted in
 * between is not reported, and several changes are reported once.
 */
#ifndef POOLFS_FS_TELL_NOTICES_H
#define POOLFS_FS_TELL_NOTICES_H

#include "fs/tree/place.h"

enum notice_what { NOTICE_CHANGED, NOTICE_MADE, NOTICE_GONE };

struct notice {
	enum notice_what what;
	struct node dir;      /* MADE, GONE: the directory */
	char name[NAME_SIZE]; /* MADE, GONE: the name in it */
	struct node node;     /* the file itself */
	mode_t mode;	      /* its type and permissions */
	bool inner;	      /* GONE: only because its directory is gone */
};

/** Receives a notice (borrowed); false: stop. */
typedef bool notice_fn(void *arg, const struct notice *notice);

/* The objects that may differ. */
struct touched {
	const uint64_t *objects; /* nodes of class N_OBJECT */
	size_t count;
	const bool *lost; /* per kind: there are more than listed */
};

/**
 * Calls @fn with all notices between the views @told and @now. For objects of a kind that is `lost` only the
 * collection is reported. False if @fn stopped it.
 */
bool notices_make(const struct fs *fs, const struct view *told, const struct view *now,
		  const struct touched *touched, notice_fn *fn, void *arg);
/**
 * Calls @fn with notices that all collections, and the files of these objects (nodes; others are left out), have changed:
 * for who cannot know what was told. False if @fn stopped it.
 */
bool notices_make_untold(const struct fs *fs, const struct view *now, const uint64_t *objects, size_t count,
			 notice_fn *fn, void *arg);

#endif
