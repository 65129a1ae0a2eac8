/* SPDX-License-Identifier: Apache-2.0 */
/* See queries.h. */
#include "fs/tree/queries.h"

#include <string.h>

#include "fs/tree/fs.h"
#include "model/keep.h"

/* A name is cached in any way of the set that its number selects. */
#define WAYS 8
#define SETS (QUERIES_CACHED / WAYS)

struct cached {
	int64_t number; /* 0: free */
	uint64_t used;	/* when, as counted by `clock` */
	struct node base;
	char *text; /* owned */
};

struct queries {
	struct keep *keep; /* immutable; or NULL */
	pthread_mutex_t lock;
	struct cached cached[SETS][WAYS]; /* lock */
	uint64_t clock;			  /* lock */
};

void queries_free(struct queries *queries)
{
	if (!queries)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			free(queries->cached[i][j].text);
	pthread_mutex_destroy(&queries->lock);
	free(queries);
}

/* FNV-1a, folded to the bits of a row number. */
int64_t queries_number(struct node base, const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ node_pack(base);

	for (const char *c = text; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	hash = (hash ^ hash >> 34) & (uint64_t)NODE_ROW_MAX;
	return hash ? (int64_t)hash : 1;
}

/* The name of a number, or NULL; it counts as used. Call with the lock held. */
static struct cached *find(struct queries *queries, int64_t number)
{
	struct cached *set = queries->cached[number % SETS];

	for (size_t i = 0; i < WAYS; i++)
		if (number && set[i].number == number) {
			set[i].used = ++queries->clock;
			return &set[i];
		}
	return NULL;
}

/* The least recently used entry of the set. Call with the lock held. */
static struct cached *oldest(struct queries *queries, int64_t number)
{
	struct cached *set = queries->cached[number % SETS], *found = set;

	for (size_t i = 1; i < WAYS; i++)
		if (set[i].used < found->used)
			found = &set[i];
	return found;
}

/* Takes the names of the process before this one. */
static void load(struct queries *queries)
{
	size_t count, len;
	_cleanup_free_ uint64_t *list = keep_list(queries->keep, KEEP_QUERY, &count);

	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *kept = keep_get(queries->keep, KEEP_QUERY, list[i], &len);
		struct node base;
		uint64_t packed;
		struct cached *k;
		char *text;

		if (!kept || len < sizeof(packed))
			continue;
		memcpy(&packed, kept, sizeof(packed));
		text = strdup(kept + sizeof(packed));
		if (!text || !node_unpack(packed, &base)) {
			free(text);
			continue;
		}
		k = oldest(queries, (int64_t)list[i]);
		free(k->text);
		*k = (struct cached){
			.number = (int64_t)list[i], .used = ++queries->clock, .base = base, .text = text};
	}
}

struct queries *queries_new(struct keep *keep)
{
	struct queries *queries = calloc(1, sizeof(*queries));

	if (!queries)
		return NULL;
	pthread_mutex_init(&queries->lock, NULL);
	queries->keep = keep;
	load(queries);
	return queries;
}

/* Keeps a name that takes the place of @k. */
static void save(struct queries *queries, const struct cached *k, int64_t number, struct node base,
		 const char *text)
{
	uint64_t packed = node_pack(base);
	size_t len = strlen(text);
	_cleanup_free_ char *value = malloc(sizeof(packed) + len);

	if (k->number)
		keep_remove(queries->keep, KEEP_QUERY, (uint64_t)k->number);
	if (!value)
		return;
	memcpy(value, &packed, sizeof(packed));
	if (len)
		memcpy(value + sizeof(packed), text, len);
	/* if there is no room, the name is looked up again */
	(void)keep_set(queries->keep, KEEP_QUERY, (uint64_t)number, value, sizeof(packed) + len);
}

int64_t queries_add(struct queries *queries, struct node base, const char *text)
{
	int64_t number = queries_number(base, text);
	struct cached *k;
	char *copy;

	if (strlen(text) > QUERIES_TEXT)
		return -ENAMETOOLONG;
	scoped_lock(&queries->lock);
	/* Another text with this number: take the next one. */
	while ((k = find(queries, number)) &&
	       (node_pack(k->base) != node_pack(base) || strcmp(k->text, text) != 0))
		number = number == NODE_ROW_MAX ? 1 : number + 1;
	if (k)
		return number;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	k = oldest(queries, number);
	save(queries, k, number, base, text);
	free(k->text);
	*k = (struct cached){.number = number, .used = ++queries->clock, .base = base, .text = copy};
	return number;
}

bool queries_get(struct queries *queries, int64_t number, struct node *ret_base, char **ret_text)
{
	const struct cached *k;

	scoped_lock(&queries->lock);
	k = find(queries, number);
	if (!k)
		return false;
	*ret_base = k->base;
	if (ret_text)
		*ret_text = strdup(k->text);
	return true;
}

int queries_is_here(const struct fs *fs, struct node node, struct node *ret_base)
{
	return queries_get(fs->queries, node.row, ret_base, NULL) ? 0 : -ESTALE;
}
