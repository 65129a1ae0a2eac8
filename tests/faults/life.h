/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted life of a pool, as a table of steps: what it creates and changes, each with the way back. The fault
 * programme records it, and makes each of its steps fail.
 *
 * It is a pool on libvirt's test driver, in this process, without a mount.
 */
#ifndef POOLFS_FAULTS_LIFE_H
#define POOLFS_FAULTS_LIFE_H

#include "tests/unit/pool_fixture.h"

#define LIFE_SLOTS 16

struct life {
	struct pool_fixture pool;
	char outside[128];		   /* folder for the sources of images */
	char slots[LIFE_SLOTS][UUID_SIZE]; /* the objects that the steps have made, by enum life_slot */
};

struct life_step {
	const char *name;
	/* 0, or the error with which the pool refuses or ends the request. */
	int (*up)(struct life *l, struct error *e);
	/* The way back to the state before up(). */
	int (*down)(struct life *l, struct error *e);
};

/** The steps in their order: each may rely on all before it. */
extern const struct life_step life_steps[];
extern const size_t life_step_count;

/** Opens a new pool in the folder @state, which exists and is empty. */
void life_begin(struct life *l, const char *state, const char *outside);
/** Closes the pool. */
void life_end(struct life *l);

/** A digest of all stored fields of all objects of the view, whatever their order; @except: a kind that is left out. */
uint64_t view_digest(const struct view *view, bool (*except)(enum kind_id kind));
/** The MD5 of a file in hexadecimal; false if it cannot be read. */
bool file_md5(const char *path, char ret[33]);

/* Where a step is. */
enum life_part {
	LIFE_ASKING,  /* the calling thread is in the pool */
	LIFE_WAITING, /* the pool works, the calling thread waits for it */
	LIFE_DONE,    /* the script alone goes on */
};

/** Called at the begin of each part of a step. The fault programme sets it to make the pool fail and not the script. */
extern void (*life_goes_on)(enum life_part part);

#endif
