/* SPDX-License-Identifier: Apache-2.0 */
/* See queries.h. */
#include "fs/tree/queries.h"

#include <string.h>

#include "fs/tree/fs.h"

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
	pthread_mutex_t lock;
	struct cached cached[SETS][WAYS]; /* lock */
	uint64_t clock;			  /* lock */
};

struct queries *queries_new(void)
{
	struct queries *queries = calloc(1, sizeof(*queries));

	if (queries)
		pthread_mutex_init(&queries->lock, NULL);
	return queries;
}

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
