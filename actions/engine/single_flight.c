/* SPDX-License-Identifier: Apache-2.0 */
/* See single_flight.h. */
#include "actions/engine/single_flight.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/engine/workers.h"
#include "model/cleanup.h"
#include "model/clock.h"
#include "model/uuid.h"

struct flight {
	struct single_flight *of;
	struct flight *next;
	char subject[UUID_SIZE];
	struct ref *
		answer; /* the last, owned; NULL: none, and `result` says why. While asking, only the asker sets it */
	int64_t made;
	int result;
	int waiting; /* for the answer */
	bool asking; /* a thread asks, or will */
	bool missed; /* somebody has not waited for what is asked */
	bool late;   /* somebody has not waited for `answer` */
};

struct single_flight {
	struct single_flight_options options; /* immutable */
	struct workers *askers;		      /* immutable */
	pthread_mutex_t lock;		      /* a leaf */
	pthread_cond_t answered;
	struct flight *flights; /* lock */
};

struct single_flight *single_flight_new(const struct single_flight_options *options)
{
	struct single_flight *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->options = *options;
	s->askers = workers_new(options->name, options->threads);
	if (!s->askers) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	clock_cond_init(&s->answered);
	return s;
}

void single_flight_stop(struct single_flight *s)
{
	if (s)
		workers_stop(s->askers);
}

/* Under lock. Frees the flights that nobody waits for, and whose answer is as old as @kept, ns, at @now. */
static void forget(struct single_flight *s, int64_t now, int64_t kept)
{
	for (struct flight **at = &s->flights; *at;) {
		struct flight *f = *at;

		if (f->asking || f->waiting || (f->answer && now - f->made < kept)) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		ref_put(f->answer);
		free(f);
	}
}

void single_flight_free(struct single_flight *s)
{
	if (!s)
		return;
	forget(s, INT64_MAX, 0);
	workers_free(s->askers);
	pthread_cond_destroy(&s->answered);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Under lock. NULL without memory. */
static struct flight *find(struct single_flight *s, const char *subject)
{
	struct flight *f = s->flights;

	while (f && strcmp(f->subject, subject) != 0)
		f = f->next;
	if (f)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->of = s;
	snprintf(f->subject, sizeof(f->subject), "%s", subject);
	f->next = s->flights;
	s->flights = f;
	return f;
}

/* What was asked is there: @answer (taken over), or NULL, and @result says why. */
static void land(struct flight *f, struct ref *answer, int result)
{
	scoped_lock(&f->of->lock);
	ref_put(f->answer);
	f->answer = answer;
	f->made = clock_monotonic();
	f->result = result;
	f->late = f->missed;
	f->asking = f->missed = false;
	pthread_cond_broadcast(&f->of->answered);
}

static void fly(void *arg)
{
	struct flight *f = arg;
	const struct single_flight_options *options = &f->of->options;

	land(f, options->ask(options->ctx, f->subject, f->answer), -ENOMEM);
}

/* *ret_asks: the caller has to have it asked. */
static struct flight *enter(struct single_flight *s, const char *subject, int64_t max_age, bool *ret_asks)
{
	const int64_t now = clock_monotonic();
	struct flight *f;

	scoped_lock(&s->lock);
	forget(s, now, max_age > s->options.kept ? max_age : s->options.kept);
	f = find(s, subject);
	if (!f)
		return NULL;
	f->waiting++;
	*ret_asks = !f->asking && !(f->answer && now - f->made < max_age);
	f->asking |= *ret_asks;
	return f;
}

struct flight *single_flight_begin(struct single_flight *s, const char *subject, int64_t max_age)
{
	bool asks;
	struct flight *f = enter(s, subject, max_age, &asks);
	int r = f && asks ? workers_run(s->askers, fly, f) : 0;

	if (r < 0)
		land(f, NULL, r);
	return f;
}

int flight_wait(struct flight *f, int64_t deadline, struct ref **ret)
{
	const struct timespec until = {deadline / NS_PER_S, deadline % NS_PER_S};
	int r = f ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	scoped_lock(&f->of->lock);
	while (r == 0 && f->asking)
		r = -pthread_cond_timedwait(&f->of->answered, &f->of->lock, &until);
	f->waiting--;
	f->missed |= f->asking;
	if (!f->asking)
		r = f->answer ? 0 : f->result;
	else if (f->late && f->answer)
		r = 0;
	if (r < 0)
		return r;
	ref_get(f->answer);
	*ret = f->answer;
	return 0;
}
