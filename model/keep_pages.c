/* SPDX-License-Identifier: Apache-2.0 */
/* See keep_pages.h. */
#include "model/keep_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "model/cleanup.h"

#define PAGE ((size_t)4096)

/* Pages that the thread gives back at a time: nobody can take them meanwhile. */
#define GIVEN_AT_ONCE 4096

static size_t pages_of(size_t len)
{
	return (len + PAGE - 1) / PAGE;
}

int keep_pages_init(struct keep_pages *pages, char *start, size_t bytes)
{
	*pages = (struct keep_pages){.start = start, .count = bytes / PAGE};
	pages->users = calloc(pages->count, sizeof(*pages->users));
	if (!pages->users)
		return -ENOMEM;
	pthread_mutex_init(&pages->lock, NULL);
	pthread_cond_init(&pages->released, NULL);
	return 0;
}

/* Chooses free pages that may have memory, to give it back. False: there are none. Call with the lock held. */
static bool choose_giving(struct keep_pages *pages)
{
	struct page_range *unused = &pages->unused;
	size_t at = unused->first;

	while (at < unused->end && pages->users[at])
		at++;
	pages->giving.first = at;
	while (at < unused->end && !pages->users[at] && at - pages->giving.first < GIVEN_AT_ONCE)
		at++;
	pages->giving.end = unused->first = at;
	return pages->giving.end > pages->giving.first;
}

/* The thread `texts`. */
static void *give_back(void *arg)
{
	struct keep_pages *pages = arg;

	pthread_setname_np(pthread_self(), "texts");
	pthread_mutex_lock(&pages->lock);
	while (!pages->ended)
		if (choose_giving(pages)) {
			const struct page_range giving = pages->giving;

			pthread_mutex_unlock(&pages->lock);
			(void)madvise(pages->start + giving.first * PAGE, (giving.end - giving.first) * PAGE,
				      MADV_REMOVE);
			pthread_mutex_lock(&pages->lock);
			pages->giving = (struct page_range){0};
		} else {
			pthread_cond_wait(&pages->released, &pages->lock);
		}
	pthread_mutex_unlock(&pages->lock);
	return NULL;
}

void keep_pages_end(struct keep_pages *pages)
{
	scoped_lock(&pages->lock);
	pages->ended = true;
	pthread_cond_signal(&pages->released);
}

void keep_pages_done(struct keep_pages *pages)
{
	if (!pages->users)
		return;
	keep_pages_end(pages);
	if (pages->settled)
		pthread_join(pages->thread, NULL);
	pthread_cond_destroy(&pages->released);
	pthread_mutex_destroy(&pages->lock);
	free(pages->users);
}

static bool is_free(const struct keep_pages *pages, size_t i)
{
	return !pages->users[i] && (i < pages->giving.first || i >= pages->giving.end);
}

/* @count free pages in a row, at the end of which the next ones are looked for. Call with the lock held. */
static bool find_free(struct keep_pages *pages, size_t count, size_t *ret_first)
{
	size_t run = 0, at = pages->next;

	for (size_t tried = 0; tried < pages->count + count; tried++, at++) {
		if (at == pages->count)
			at = run = 0;
		run = is_free(pages, at) ? run + 1 : 0;
		if (run < count)
			continue;
		*ret_first = at + 1 - count;
		pages->next = at + 1 < pages->count ? at + 1 : 0;
		return true;
	}
	return false;
}

/* Call with the lock held. */
static void use(struct keep_pages *pages, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		pages->users[i]++;
}

char *keep_pages_take(struct keep_pages *pages, size_t len)
{
	size_t count = pages_of(len), first;
	char *text;

	if (!count || count > pages->count)
		return NULL;
	pthread_mutex_lock(&pages->lock);
	bool found = pages->settled && find_free(pages, count, &first);
	if (found)
		use(pages, first, count);
	pthread_mutex_unlock(&pages->lock);
	if (!found)
		return NULL;
	text = pages->start + first * PAGE;
	/* All at once, which is faster; and it can say that there is no memory. EINVAL: before Linux 5.14 */
	if (madvise(text, count * PAGE, MADV_POPULATE_WRITE) == 0 || errno == EINVAL)
		return text;
	keep_pages_release(pages, text, len);
	return NULL;
}

char *keep_pages_claim(struct keep_pages *pages, uint64_t at, size_t len)
{
	const uint64_t bytes = pages->count * PAGE;

	if (!len || at % PAGE || at >= bytes || len > bytes - at)
		return NULL;
	scoped_lock(&pages->lock);
	use(pages, at / PAGE, pages_of(len));
	return pages->start + at;
}

/* The pages, as far as they are free, may have memory. Call with the lock held. */
static void note_unused(struct keep_pages *pages, size_t first, size_t end)
{
	struct page_range *unused = &pages->unused;

	if (unused->first == unused->end)
		*unused = (struct page_range){first, end};
	unused->first = first < unused->first ? first : unused->first;
	unused->end = end > unused->end ? end : unused->end;
	pthread_cond_signal(&pages->released);
}

void keep_pages_settle(struct keep_pages *pages)
{
	scoped_lock(&pages->lock);
	note_unused(pages, 0, pages->count);
	pages->settled = pthread_create(&pages->thread, NULL, give_back, pages) == 0;
}

void keep_pages_release(struct keep_pages *pages, const char *text, size_t len)
{
	size_t first = (size_t)(text - pages->start) / PAGE, end = first + pages_of(len);

	scoped_lock(&pages->lock);
	if (pages->ended)
		return;
	pages->next = first < pages->next ? first : pages->next;
	for (size_t i = first; i < end; i++)
		pages->users[i]--;
	note_unused(pages, first, end);
}
