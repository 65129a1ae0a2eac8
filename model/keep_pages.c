/* SPDX-License-Identifier: Apache-2.0 */
/* See keep_pages.h. */
#include "model/keep_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "model/cleanup.h"

#define PAGE ((size_t)4096)

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
	return 0;
}

void keep_pages_done(struct keep_pages *pages)
{
	if (!pages->users)
		return;
	pthread_mutex_destroy(&pages->lock);
	free(pages->users);
}

/* Gives back the memory of pages that nobody uses. Without it, they stay until they are taken again. */
static void give_back(const struct keep_pages *pages, size_t first, size_t count)
{
	if (count)
		(void)madvise(pages->start + first * PAGE, count * PAGE, MADV_REMOVE);
}

/* @count free pages in a row, at the end of which the next ones are looked for. Call with the lock held. */
static bool find_free(struct keep_pages *pages, size_t count, size_t *ret_first)
{
	size_t run = 0, at = pages->next;

	for (size_t tried = 0; tried < pages->count + count; tried++, at++) {
		if (at == pages->count)
			at = run = 0;
		run = pages->users[at] ? 0 : run + 1;
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

void keep_pages_settle(struct keep_pages *pages)
{
	size_t first = 0;

	scoped_lock(&pages->lock);
	for (size_t i = 0; i < pages->count; i++)
		if (pages->users[i]) {
			give_back(pages, first, i - first);
			first = i + 1;
		}
	give_back(pages, first, pages->count - first);
	pages->settled = true;
}

void keep_pages_release(struct keep_pages *pages, const char *text, size_t len)
{
	size_t first = (size_t)(text - pages->start) / PAGE, end = first + pages_of(len);

	scoped_lock(&pages->lock);
	pages->next = first < pages->next ? first : pages->next;
	for (size_t i = first; i < end; i++)
		if (--pages->users[i]) {
			give_back(pages, first, i - first);
			first = i + 1;
		}
	give_back(pages, first, end - first);
}
