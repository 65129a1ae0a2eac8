/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the N-th call of a kind fail, in the whole program with its libraries; of memory, in our own code, jansson and
 * SQLite, since the others end the program without.
 */
#ifndef POOLFS_FAULTS_INJECT_H
#define POOLFS_FAULTS_INJECT_H

#include <stdbool.h>

#include "tests/faults/way.h"

enum inject_kind {
	INJECT_NOTHING,
	INJECT_MEMORY,	/* malloc(3) and its kin: ENOMEM */
	INJECT_WRITE,	/* write(2) and its kin, ftruncate(2), to files: EIO */
	INJECT_SPACE,	/* the same: ENOSPC */
	INJECT_SYNC,	/* fsync(2), fdatasync(2): EIO */
	INJECT_OPEN,	/* open(2), of files: EMFILE */
	INJECT_NAME,	/* rename(2), unlink(2), mkdir(2): EIO */
	INJECT_LIBVIRT, /* a call of libvirt fails, VIR_ERR_OPERATION_FAILED */
	INJECT_DRIVER,	/* a call of a driver of domains fails, libvirt's or the simulator's: EIO */
	INJECT_THREAD,	/* pthread_create(3), by our own code: EAGAIN */
	INJECT_CURL,	/* a call of libcurl: out of memory, or no connection */
};

/** Prepares the libraries; before anything else is done with them. */
void inject_begin(void);
/** Which call fails. */
struct inject_plan {
	enum inject_kind kind;
	const char *name; /* borrowed: only calls of this name; NULL = of all */
	bool by_way;	  /* calls are counted by the ways that lead to them (way.h) */
	way_id way;	  /* by_way: only calls on this way */
	long n;		  /* the n-th of them; -1: none, they are counted */
};
/** From now on, the call of the plan fails, if no thread is exempt that makes it. */
void inject_arm(const struct inject_plan *plan);
/** Nothing fails any more. The number of calls there were, those on other ways among them; @ret_name: the one that failed,
 * NULL = none did. */
long inject_disarm(const char **ret_name);
/** Suspends and resumes what inject_arm() has set. */
void inject_pause(bool paused);
/** Calls of this thread do not fail, and are not counted. */
void inject_exempt_thread(bool exempt);
/** The kind of this name; INJECT_NOTHING if there is none. */
enum inject_kind inject_kind_of(const char *name);

/** Has a call failed since inject_arm(), which inject_disarm() has not ended yet? */
bool inject_has_failed(void);

/* For the other files of inject: does this call fail? */
bool inject_fails(enum inject_kind kind, const char *name);

#endif
