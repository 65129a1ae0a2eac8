/* SPDX-License-Identifier: Apache-2.0 */
/* See tally.h. The key of an account is the hash of its uuid, or the next free number. */
#include "model/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/text_hash.h"

/* Immutable. It stays when the account has nothing any more, so that a search can end at the first gap. */
struct taken {
	struct ref ref;
	char account[UUID_SIZE];
	__int128 sums[TAKES_MAX];
};

static void taken_destroy(struct ref *self)
{
	free(self);
}

bool tally_counts(enum kind_id kind)
{
	return kind_get(kind)->owner == OWNER_SHAREABLE;
}

/* The sums of the account; NULL when there are none. *ret_key is where they are, or belong. */
static const struct taken *find_taken(const struct pmap *map, const char *account, uint64_t *ret_key)
{
	struct ref *taken;

	for (*ret_key = text_hash(account); pmap_get(map, *ret_key, &taken); ++*ret_key)
		if (strncmp(((struct taken *)taken)->account, account, UUID_SIZE - 1) == 0)
			return (struct taken *)taken;
	return NULL;
}

int64_t tally_sum(const struct pmap *map, const char *account, int which)
{
	uint64_t key;
	const struct taken *taken = find_taken(map, account, &key);

	if (!taken)
		return 0;
	return taken->sums[which] > INT64_MAX ? INT64_MAX : (int64_t)taken->sums[which];
}

static int add_taken(struct pmap **map, const char *account, const __int128 more[TAKES_MAX])
{
	struct taken *taken = malloc(sizeof(*taken));
	const struct taken *before;
	uint64_t key;
	int r;

	if (!taken)
		return -ENOMEM;
	before = find_taken(*map, account, &key);
	*taken = (struct taken){0};
	ref_init(&taken->ref, taken_destroy);
	snprintf(taken->account, sizeof(taken->account), "%s", account);
	for (int i = 0; i < TAKES_MAX; i++)
		taken->sums[i] = (before ? before->sums[i] : 0) + more[i];
	r = pmap_set(map, key, &taken->ref);
	if (r < 0)
		ref_put(&taken->ref);
	return r;
}

static const char *owner_of(const struct object *o)
{
	return o ? object_str(o, o->kind->owner_field) : NULL;
}

/* Adds @sign times what the object takes; NULL takes nothing. */
static void add_takes(view_takes_fn *takes, const struct object *o, int sign, __int128 sums[TAKES_MAX])
{
	int64_t its[TAKES_MAX] = {0};

	if (o)
		takes(o, its);
	for (int i = 0; i < TAKES_MAX; i++)
		sums[i] += sign * (__int128)its[i];
}

int tally_update(struct pmap **map, view_takes_fn *takes, const struct object *before,
		 const struct object *after)
{
	static const __int128 nothing[TAKES_MAX];
	const char *old, *new;
	__int128 less[TAKES_MAX] = {0}, more[TAKES_MAX] = {0};
	int r = 0;

	if (!takes || !tally_counts((after ? after : before)->kind->id))
		return 0;
	old = owner_of(before);
	new = owner_of(after);
	if (old && new &&strcmp(old, new) == 0) {
		add_takes(takes, before, -1, more);
		old = NULL;
	}
	if (new)
		add_takes(takes, after, 1, more);
	if (old)
		add_takes(takes, before, -1, less);
	if (old && memcmp(less, nothing, sizeof(less)) != 0)
		r = add_taken(map, old, less);
	return r < 0 || memcmp(more, nothing, sizeof(more)) == 0 ? r : add_taken(map, new, more);
}

int tally_end(struct tally *tally, struct pmap **map)
{
	int r = *tally->account ? add_taken(map, tally->account, tally->sums) : 0;

	tally->account[0] = '\0';
	memset(tally->sums, 0, sizeof(tally->sums));
	return r;
}

int tally_add(struct tally *tally, struct pmap **map, const struct object *o)
{
	const char *account = owner_of(o);
	int r = 0;

	if (!account)
		return 0;
	if (strncmp(tally->account, account, UUID_SIZE - 1) != 0) {
		r = tally_end(tally, map);
		snprintf(tally->account, sizeof(tally->account), "%s", account);
	}
	add_takes(tally->takes, o, 1, tally->sums);
	return r;
}

int tally_merge(struct pmap **map, const struct pmap *more)
{
	struct ref *taken;
	uint64_t key = 0;
	int r = 0;

	/* the key 0 is the first that pmap_next() would leave out */
	if (pmap_get(more, 0, &taken))
		r = add_taken(map, ((struct taken *)taken)->account, ((struct taken *)taken)->sums);
	while (r == 0 && pmap_next(more, key, &key, &taken))
		r = add_taken(map, ((struct taken *)taken)->account, ((struct taken *)taken)->sums);
	return r;
}
