/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that is made from words: parameters as NAME=VALUE, or as options whose
 * names are shortened, `--image debian` for imageUuid=@debian.
 */
#ifndef POOLFS_POOLCTL_REQUEST_H
#define POOLFS_POOLCTL_REQUEST_H

#include "poolctl/tree.h"

/* Size of the name of an option with its final NUL. */
#define REQUEST_OPTION_SIZE 96

struct request_words {
	const struct tree *t;
	const json_t *op; /* its row in operations.json; borrowed */
	json_t *params;	  /* owned */
	json_t *tags;	  /* system tags; owned */
	bool wait, dry_run;
};

/** Reads the words, the options --wait and --dry-run among them. request_done() is needed on failure, too. */
int request_read(const struct tree *t, const json_t *op, int argc, char **argv, struct request_words *ret,
		 struct error *e);
/**
 * Names each object that must be named and is not, if there is only one of its kind. -EINVAL, with a list, when there
 * are several; when there is none, the pool says so.
 */
int request_add_only_ones(struct request_words *r, struct error *e);
void request_done(struct request_words *r);
/** The document for `create` (@verb NULL) or `actions`, owned by the caller; NULL when out of memory. */
char *request_document(const struct request_words *r, const char *verb);
/**
 * The parameter that an option means, "image" for imageUuid, or the only one that names such an object, "vm" for
 * vmInstanceUuid: NULL when none does, or several do. Borrowed.
 */
const json_t *request_param_of_option(const struct tree *t, const json_t *op, const char *option);
/** "dataDiskOfferingUuids" as "data-disk-offering", without the end that need not be typed. */
void request_option_of_param(const json_t *param, char ret[REQUEST_OPTION_SIZE]);

#endif
