/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names with parameters: `starting-target-hosts?clusterUuid=...`.
 *
 * The parameters do not fit into a node number, so the last few hundred such
 * names are kept here under numbers that are never given out twice. One that was
 * pushed out answers ESTALE, upon which the kernel looks the name up again.
 * Self-locking.
 */
#ifndef POOLFS_QUERIES_H
#define POOLFS_QUERIES_H

#include "../actions/operation.h"
#include "node.h"

struct queries;

struct queries *queries_new(void);
/** Accepts NULL. */
void queries_free(struct queries *queries);
/** The number of this file with these parameters, the same while it is kept. -ENOMEM. */
int64_t queries_add(struct queries *queries, struct node base, const char *text);
/** The file of a number and (unless NULL) a copy of the parameters, to be freed. False when it was pushed
 * out. */
bool queries_get(struct queries *queries, int64_t number, struct node *ret_base, char **ret_text);

/**
 * Reads `a=b&c=d` with percent-escapes as parameters of @op: numbers and booleans by their type, lists as
 * repeated names. Owned by the caller. -EINVAL for an unknown name or a bad escape.
 */
int query_parameters(const struct operation *op, const char *text, json_t **ret_params, struct error *e);

#endif
