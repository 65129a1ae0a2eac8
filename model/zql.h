/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ZQL, the query language of later versions of the manual's server, as far as our
 * query language (query_parse.h) can say the same:
 *
 *     query vminstance.name,uuid where name='x' and (state = 'Running' and cpuNum > 2)
 *         restrict by (zone.uuid='...') return with (total) group by state
 *         order by name asc limit 10 offset 20 named as 'vms'; count image where size > 1
 *
 * Refused, with a sentence: `or`, subqueries, joins, functions, `has`, sums and
 * searches. Keywords are recognised in any case. Pure.
 */
#ifndef POOLFS_ZQL_H
#define POOLFS_ZQL_H

#include "model/query_parse.h"

/* Statements in a text. */
#define ZQL_STATEMENTS_MAX 16

/* One statement. */
struct zql {
	bool count;				/* only the number is wanted */
	bool total;				/* the number, too */
	char *entity;				/* owned: "vminstance" */
	char *name;				/* owned: `named as`; NULL: none */
	char *fields;				/* owned: "name,uuid"; NULL: all */
	char *sort;				/* owned: "-name"; NULL: none */
	char *group_by;				/* owned; NULL: none */
	char *limit;				/* owned: digits; NULL: none */
	char *offset;				/* owned: digits; NULL: none */
	char *conditions[QUERY_CONDITIONS_MAX]; /* owned: "name=x", in our language */
	int condition_count;
};
void zql_done(struct zql *z);

/**
 * Parses the statement at *text, which is moved behind it and its semicolon. -EINVAL, with SYS.1000 as other errors in
 * queries.
 */
int zql_parse(const char **text, struct zql *ret, struct error *e);
/** Makes the query on @kind that the statement means. */
int zql_query(const struct zql *z, const struct kind *kind, struct query **ret_query, struct error *e);

#endif
