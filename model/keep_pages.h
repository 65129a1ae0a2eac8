/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of the file of a keep (keep.h) that have long texts, beside the log: so a text is in memory once, although it is shown
 * and kept.
 *
 * Which pages are in use is known to the process alone, so nothing here can be torn. A text is written before a value in the
 * log names it, and given back after that value is gone. The next process takes over what the values name, and gives back all
 * else (keep_pages_settle()), so what a killed process was about to do with the rest does not matter.
 *
 * Giving memory back takes the kernel some time, which none of those who release texts has: the thread `texts` does it, of
 * free pages that it holds meanwhile, so that nobody takes them. Thread-safe; the lock is a leaf.
 */
#ifndef POOLFS_KEEP_PAGES_H
#define POOLFS_KEEP_PAGES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages from the first one up to before the end. */
struct page_range {
	size_t first, end;
};

struct keep_pages {
	char *start; /* immutable; borrowed */
	size_t count;
	pthread_mutex_t lock;
	pthread_cond_t released;
	pthread_t thread;	  /* `texts`, if settled */
	uint32_t *users;	  /* lock; owned; of each page: how many texts are in it */
	size_t next;		  /* lock; where free pages are looked for */
	struct page_range unused; /* lock; those of them that are free may have memory, no others */
	struct page_range giving; /* lock; free pages whose memory is being given back */
	bool settled, ended;	  /* lock */
};

/** The pages of the @bytes from @start on, which is at the start of a page. -ENOMEM. */
int keep_pages_init(struct keep_pages *pages, char *start, size_t bytes);
/** The process ends: from now on no memory is given back, nor taken again: the next one does that. */
void keep_pages_end(struct keep_pages *pages);
/** Accepts one of zeros. What has not been given back is left to the next process. */
void keep_pages_done(struct keep_pages *pages);

/** Memory of @len bytes; NULL: there is no room, or the pages are not settled. */
char *keep_pages_take(struct keep_pages *pages, size_t len);
/** The @len bytes at @at, from the start of the pages, which have the text of another process; NULL: there can be none. */
char *keep_pages_claim(struct keep_pages *pages, uint64_t at, size_t len);
/** All of them have been claimed: the memory of the other pages is given back. Once; without a thread for that, it stays. */
void keep_pages_settle(struct keep_pages *pages);
/** Ends what keep_pages_take(), or one keep_pages_claim(), began; after the last one the memory is given back. */
void keep_pages_release(struct keep_pages *pages, const char *text, size_t len);

#endif
