/* SPDX-License-Identifier: Apache-2.0 */
/* See gathered.h. */
#include "fs/tree/gathered.h"

#include <pthread.h>
#include <stdlib.h>

#include "model/cleanup.h"

/* The users who hold something. */
struct user {
	struct user *next;
	uid_t uid;
	size_t bytes;
};

struct gathered {
	pthread_mutex_t lock;
	struct user *users; /* lock; owned */
	size_t bytes;	    /* lock; of all */
};

struct gathered *gathered_new(void)
{
	struct gathered *all = calloc(1, sizeof(*all));

	if (all)
		pthread_mutex_init(&all->lock, NULL);
	return all;
}

void gathered_free(struct gathered *all)
{
	if (!all)
		return;
	while (all->users) {
		struct user *next = all->users->next;

		free(all->users);
		all->users = next;
	}
	pthread_mutex_destroy(&all->lock);
	free(all);
}

static size_t counted(size_t bytes)
{
	return bytes > GATHERED_FREE ? bytes - GATHERED_FREE : 0;
}

/* Where the user is linked in, or would be. Call with the lock held. */
static struct user **find_user(struct gathered *all, uid_t uid)
{
	struct user **link = &all->users;

	while (*link && (*link)->uid != uid)
		link = &(*link)->next;
	return link;
}

int gathered_check(struct gathered *all, uid_t uid, size_t held, size_t bytes, struct error *e)
{
	size_t more = counted(bytes) > counted(held) ? counted(bytes) - counted(held) : 0;
	const struct user *user;

	if (more == 0)
		return 0;
	scoped_lock(&all->lock);
	user = *find_user(all, uid);
	if ((user ? user->bytes : 0) + more > GATHERED_OF_USER)
		return error_set(
			e, EDQUOT,
			"the unfinished documents of user %u have more than %d bytes together; finish or close some",
			(unsigned)uid, GATHERED_OF_USER);
	if (all->bytes + more > GATHERED_TOTAL)
		return error_set(e, ENOSPC,
				 "the unfinished documents of all users have more than %d bytes together",
				 GATHERED_TOTAL);
	return 0;
}

void gathered_move(struct gathered *all, uid_t uid, size_t held, size_t bytes)
{
	struct user **link, *user;

	if (counted(held) == counted(bytes))
		return;
	scoped_lock(&all->lock);
	all->bytes += counted(bytes) - counted(held); /* modulo; the sum is not negative */
	link = find_user(all, uid);
	user = *link;
	if (!user) {
		user = calloc(1, sizeof(*user));
		if (!user)
			return;
		user->uid = uid;
		*link = user;
	}
	/* what was not counted for lack of memory is not subtracted */
	user->bytes = user->bytes + counted(bytes) > counted(held)
			      ? user->bytes + counted(bytes) - counted(held)
			      : 0;
	if (user->bytes == 0) {
		*link = user->next;
		free(user);
	}
}
