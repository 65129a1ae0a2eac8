/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statistics: what VMs and hosts use, as the hosts count it. They are no part of the pool's state: they change
 * without a commit, so they are in no view.
 *
 * A host is asked when somebody wants to know, and at most once within the setting statistics.maxAge, for all of its
 * VMs in one call: who asks earlier, or meanwhile, gets the same sample. Nobody asks, nothing is done.
 */
#ifndef POOLFS_HOST_STATISTICS_H
#define POOLFS_HOST_STATISTICS_H

#include "actions/engine/pool.h"

/* What a number is, for the format of its text. */
enum statistic_unit { STATISTIC_SECONDS, STATISTIC_BYTES, STATISTIC_NUMBER };

/* A row: a file in `stats`, a family in `metrics`, a member of a JSON object. */
struct statistic {
	enum kind_id kind;
	const char *name;
	const char *metric; /* that of a counter ends in _total */
	const char *help;
	enum statistic_unit unit; /* of seconds, values are ns */
	bool counts;		  /* it only grows while the VM or host runs */
	int source;		  /* enum hv_statistic, or of statistics.c */
};

/** All rows, those of a kind one after the other. */
const struct statistic *statistics_all(size_t *ret_count);

/* What a host has told at one moment. Immutable. */
struct statistics_sample;

/** Asks the hosts of the pool. It is stopped when nobody may want to know any more, before hv_free(). NULL: no memory. */
struct single_flight *statistics_new(struct pool *pool);

/* How long to wait for hosts: scrapers give up after ten seconds. */
#define STATISTICS_WAIT_MS 5000
/* Hosts that are asked at a time. */
#define STATISTICS_ASKERS 16

/**
 * The sample of a host, not older than the setting allows, with a reference for the caller. If the host does not tell
 * within STATISTICS_WAIT_MS, it is what it told last time, if that came late, too; it may be older. NULL if the host
 * cannot tell, or there is no such sample. Blocking, for workers.
 */
struct statistics_sample *statistics_get(struct pool *pool, const char *host);
void statistics_sample_unref(struct statistics_sample *sample);
DEFINE_CLEANUP(struct statistics_sample *, statistics_sample_unref)
#define _cleanup_sample_ _cleanup_(statistics_sample_unref_p)

/* The samples of all hosts of a view, in its order. */
struct statistics_samples {
	struct statistics_sample **list; /* owned; NULL for a host that cannot tell */
	size_t count;
};
/**
 * As statistics_get() for all hosts of @view, which are asked side by side: one that does not answer within @wait_ms
 * delays no other one, unless there are STATISTICS_ASKERS of them. *ret must be zero, and is emptied by statistics_samples_done(). -ENOMEM. Blocking, for workers.
 */
int statistics_take(struct pool *pool, const struct view *view, int wait_ms, struct statistics_samples *ret);
void statistics_samples_done(struct statistics_samples *samples);
#define _cleanup_samples_ _cleanup_(statistics_samples_done)

/** When it was taken: ns since 1970. */
int64_t statistics_sample_time(const struct statistics_sample *sample);
/** The value of a row for the VM or host @uuid. False if it is not known: the VM does not run on this host. */
bool statistics_value(const struct statistics_sample *sample, const struct statistic *row, const char *uuid,
		      int64_t *ret);
/**
 * How fast a row that counts has grown from the sample before to this one, each second (CPU time: ns). False if that is
 * not known: there was no sample before, or the VM or host has been started meanwhile.
 */
bool statistics_rate(const struct statistics_sample *sample, const struct statistic *row, const char *uuid,
		     double *ret);
/** The host that can tell about an object, borrowed from it; NULL: none can at present. */
const char *statistics_host(const struct view *view, const struct object *o);

/* Room for the text of a value. */
#define STATISTIC_SIZE 32
/** A value as text, without a unit. */
void statistic_print(const struct statistic *row, int64_t value, char ret[STATISTIC_SIZE]);

#endif
