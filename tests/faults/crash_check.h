/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold in the state folder of a pool after a crash, whatever was lost. */
#ifndef POOLFS_FAULTS_CRASH_CHECK_H
#define POOLFS_FAULTS_CRASH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the pool held after a commit. */
struct crash_commit {
	uint64_t digest; /* view_digest() */
	int64_t events;	 /* number of the newest event */
};

/* The bytes of an image that was acknowledged. */
struct crash_image {
	char uuid[33], md5[33];
};

struct crash_facts {
	const struct crash_commit *commits;
	size_t commit_count;
	size_t acknowledged; /* commits that somebody may have been told of */
	const struct crash_image *images;
	size_t image_count;
};

/**
 * Opens the database alone: it is sound, it is as after the last acknowledged commit or the next one, its events have
 * no gap, images that are Ready have their bytes, and when no job is under way all files of volumes and snapshots are
 * there with their chains. True, or false with the reason.
 */
bool crash_check_store(const char *state, const struct crash_facts *facts, char ret_reason[512]);

/**
 * Opens the pool in a process of its own, as the program does at its start: it starts, all jobs end, then the same
 * holds but for the exact commit, no file is left that belongs to nothing, and the pool takes a request.
 */
bool crash_check_pool(const char *state, const struct crash_facts *facts, char ret_reason[512]);

#endif
