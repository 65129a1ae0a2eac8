/* SPDX-License-Identifier: Apache-2.0 */
/* See aside.h. */
#include "fs/tree/aside.h"

#include "model/cleanup.h"
#include "model/clock.h"
#include "model/keep.h"

#define FILES_MAX 64

struct moved {
	uint64_t file; /* node number; 0 = free */
	uid_t uid;
	int64_t until; /* CLOCK_MONOTONIC, ns */
	bool is_back;  /* it was created anew */
};

_Static_assert(sizeof(struct moved) == 32 && KEEP_LAYOUT == 2, KEEP_LAYOUT_CHANGED);

struct aside {
	struct keep *keep; /* immutable; or NULL */
	pthread_mutex_t lock;
	struct moved files[FILES_MAX]; /* lock; a ring */
	unsigned next;		       /* lock */
};

struct aside *aside_new(struct keep *keep)
{
	struct aside *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	a->keep = keep;
	for (unsigned i = 0; i < FILES_MAX; i++)
		if (keep_read(keep, KEEP_ASIDE, i, &a->files[i], sizeof(a->files[i])))
			a->next = i + 1;
	return a;
}

static void save(const struct aside *a, const struct moved *m)
{
	(void)keep_set(a->keep, KEEP_ASIDE, (uint64_t)(m - a->files), m, sizeof(*m));
}

void aside_free(struct aside *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Call with the lock held. */
static struct moved *find(struct aside *a, struct node file, uid_t uid)
{
	int64_t now = clock_monotonic();

	for (unsigned i = 0; i < FILES_MAX; i++) {
		struct moved *m = &a->files[i];

		/* Versions that took the time of day for it left moments that are decades away: those are over. */
		if (m->file == node_pack(file) && m->uid == uid && m->until > now &&
		    m->until <= now + ASIDE_S * NS_PER_S)
			return m;
	}
	return NULL;
}

void aside_begin(struct aside *a, struct node file, uid_t uid)
{
	struct moved *m;

	scoped_lock(&a->lock);
	m = find(a, file, uid);
	if (!m)
		m = &a->files[a->next++ % FILES_MAX];
	*m = (struct moved){
		.file = node_pack(file), .uid = uid, .until = clock_monotonic() + ASIDE_S * NS_PER_S};
	save(a, m);
}

bool aside_is(struct aside *a, struct node file, uid_t uid)
{
	const struct moved *m;

	scoped_lock(&a->lock);
	m = find(a, file, uid);
	return m && !m->is_back;
}

bool aside_was(struct aside *a, struct node file, uid_t uid)
{
	const struct moved *m;

	scoped_lock(&a->lock);
	m = find(a, file, uid);
	return m && m->is_back;
}

void aside_end(struct aside *a, struct node file, uid_t uid)
{
	struct moved *m;

	scoped_lock(&a->lock);
	m = find(a, file, uid);
	if (!m)
		return;
	m->is_back = true;
	m->until = clock_monotonic() + ASIDE_S * NS_PER_S;
	save(a, m);
}
