/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that many objects have (F_SHARED): each is in memory once, as long as an object refers to it.
 *
 * Whoever holds a reference reads the text without a lock, on any thread; shared_text_get() and
 * shared_text_put() take one for the moment.
 */
#ifndef POOLFS_SHARED_TEXT_H
#define POOLFS_SHARED_TEXT_H

#include <stdint.h>

#define SHARED_TEXT_SEGMENT 256	 /* entries */
#define SHARED_TEXT_MAX	    4096 /* segments */
/* What shared_text_get() returns when the text cannot be shared. */
#define SHARED_TEXT_NONE UINT32_MAX

struct shared_text {
	char *text;	/* immutable while there is a reference; owned */
	uint64_t index; /* the same; text_hash() */
	uint32_t hash, references, next;
};

/* A segment never moves, and is there before a number in it is given out. */
extern struct shared_text *shared_text_segments[SHARED_TEXT_MAX];

/**
 * The number of a text, with a reference to it that the caller drops with shared_text_put(). SHARED_TEXT_NONE when memory
 * or numbers are short: the caller keeps the text itself.
 */
uint32_t shared_text_get(const char *text);
/** Drops a reference. */
void shared_text_put(uint32_t number);
/**
 * From now on until shared_text_release(), the calling thread has references in stock to the texts that it has got lately,
 * and gets them again from there, without the lock: for who packs many objects with the same few texts. If memory is short,
 * there is no stock.
 */
void shared_text_stock(void);
void shared_text_release(void);
/** The text that the caller has a reference to. Borrowed. */
static inline const char *shared_text(uint32_t number)
{
	return shared_text_segments[number / SHARED_TEXT_SEGMENT][number % SHARED_TEXT_SEGMENT].text;
}
/** text_hash() of the text that the caller has a reference to. */
static inline uint64_t shared_text_hash(uint32_t number)
{
	return shared_text_segments[number / SHARED_TEXT_SEGMENT][number % SHARED_TEXT_SEGMENT].index;
}

#endif
