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

enum life_slot {
	IMAGE,
	UPLOADED,
	OFFERING,
	DISK,
	L3,
	ZONE,
	ACCOUNT,
	VM,
	VOLUME,
	SNAPSHOT,
	SECOND_SNAPSHOT,
	FORMER_ROOT,
	TEMPLATE,
	TAG,
	STORAGE,
	DOWNLOADED,
	RESUMED,
	LIFE_SLOTS
};

/* Where a step is. */
enum life_part {
	LIFE_ASKING,  /* the calling thread is in the pool */
	LIFE_WAITING, /* the pool works, the calling thread waits for it */
	LIFE_DONE,    /* the script alone goes on */
};

struct life {
	struct pool_fixture pool;
	char outside[128];		   /* folder for the sources of images */
	char slots[LIFE_SLOTS][UUID_SIZE]; /* the objects that the steps have made */
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
/** More steps after these, for a pool whose calls fail, not for one that is recorded: they need a server, or reopen the
 * pool. */
extern const struct life_step life_more_steps[];
extern const size_t life_more_step_count;

/** Opens a new pool in the folder @state, which exists and is empty. */
void life_begin(struct life *l, const char *state, const char *outside);
/** Moves the pool, of which no step was done, to a host of hosts/simulators. */
void life_move_to_simulator(struct life *l);
/** Closes the pool. */
void life_end(struct life *l);

/**
 * Asks for the operation, for the script's steps, and waits for the end of its job. Owns @params. @web_hook: NULL = none.
 * @ret_job, which receives the uuid of the job as soon as there is one, and @ret_target, with that of the object, may be NULL.
 */
int life_ask(struct life *l, const char *operation, const char *uuid, json_t *params, const char *web_hook,
	     char *ret_job, char *ret_target, struct error *e);
/** Deletes and expunges an image. */
int life_remove_image(struct life *l, enum life_slot slot, struct error *e);
/** Says where the step is. */
void life_goes_on_with(enum life_part part);

/** A digest of all stored fields of all objects of the view, whatever their order; @except: a kind that is left out. */
uint64_t view_digest(const struct view *view, bool (*except)(enum kind_id kind));
/** The MD5 of a file in hexadecimal; false if it cannot be read. */
bool file_md5(const char *path, char ret[33]);

/** Called at the begin of each part of a step. The fault programme sets it to make the pool fail and not the script. */
extern void (*life_goes_on)(enum life_part part);

#endif
