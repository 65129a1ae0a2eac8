/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libvirt of test_hv_reasons.c: it forgets the last error at every call, as the real one does, and fails the
 * n-th call with a sentence.
 */
#ifndef POOLFS_FAKE_LIBVIRT_ANSWERS_H
#define POOLFS_FAKE_LIBVIRT_ANSWERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The domain that is there, and its disk. */
#define FAKE_VM	    "11111111111111111111111111111111"
#define FAKE_VOLUME "22222222222222222222222222222222"

/* The sentence of a failure is this and the name of the function. */
#define FAKE_REASON "the reason of libvirt for "

struct fake_libvirt {
	pthread_mutex_t lock;
	bool armed;	     /* count and fail */
	int count, fail_at;  /* of the calls */
	const char *failed;  /* the function that failed */
	int code;	     /* of its error; 0: VIR_ERR_OPERATION_FAILED */
	bool off;	     /* domains and networks are not active */
	bool paused, asleep; /* domains */
	bool bare;	     /* there is no network filter yet */
	atomic_int tools;    /* so many lists of domains have one that copies a volume */
	bool alike;	     /* all hosts have the same processor */
	char compared[512];  /* the processors of which a common one was asked for last; empty: of none */
	char defined[8192];  /* the last definition of a domain */
};

/* What processors have in common. */
#define FAKE_COMMON "<cpu mode='custom' match='exact'><model fallback='forbid'>common</model></cpu>"

extern struct fake_libvirt fake;

/* Counts a call of the function @name of libvirt and returns what it gives, as a long whatever its type. */
long fake_call(const char *name);

/* Why a failure of the function @name need not be seen, or NULL: it must. */
const char *fake_exemption(const char *name);

#endif
