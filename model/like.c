/* SPDX-License-Identifier: Apache-2.0 */
/* See like.h. State j means that the first j characters of the pattern have matched. */
#include "model/like.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "model/text.h"

#define WORD_BITS 64
#define WORDS_MAX (LIKE_MAX / WORD_BITS + 1)

/* A character of the pattern, and the states from which it leads to the next one; `_` does so for any
 * character. */
struct letter {
	uint32_t c;
	uint64_t *next; /* points into struct like's words */
};

struct like {
	int words;	      /* of each state set */
	int last;	      /* the state that means a match */
	uint64_t *loops;      /* states that a `%` makes persistent */
	uint64_t *other;      /* as letter.next, for characters that are not in the pattern */
	uint64_t *ascii[128]; /* as letter.next */
	int letter_count;
	struct letter *letters; /* the characters above ASCII, sorted */
};

static void set_bit(uint64_t *set, int bit)
{
	set[bit / WORD_BITS] |= UINT64_C(1) << bit % WORD_BITS;
}

/* One element of a pattern. */
struct element {
	enum { ELEMENT_END, ELEMENT_ANY_TEXT, ELEMENT_ANY, ELEMENT_LETTER } type;
	uint32_t c; /* folded */
};

static struct element element_next(const char **pattern)
{
	const char *p = *pattern;
	struct element e = {.type = ELEMENT_LETTER};

	if (*p == '\0')
		return (struct element){.type = ELEMENT_END};
	if (*p == '%' || *p == '_') {
		e.type = *p == '%' ? ELEMENT_ANY_TEXT : ELEMENT_ANY;
		*pattern = p + 1;
		return e;
	}
	if (*p == '\\' && p[1] != '\0' && strchr("%_\\", p[1]))
		(*pattern)++;
	e.c = text_fold(text_next(pattern));
	return e;
}

static int letter_compare(const void *a, const void *b)
{
	const struct letter *x = a, *y = b;

	return (x->c > y->c) - (x->c < y->c);
}

static uint64_t *next_states(const struct like *like, uint32_t c)
{
	const struct letter key = {.c = text_fold(c)}, *found;

	if (key.c < 128)
		return like->ascii[key.c];
	found = bsearch(&key, like->letters, (size_t)like->letter_count, sizeof(key), letter_compare);
	return found ? found->next : like->other;
}

/* Collects the distinct letters of @pattern and assigns each a state set from @pool. */
static void assign_states(struct like *like, const char *pattern, uint64_t *pool)
{
	int kept = 0;

	for (int c = 0; c < 128; c++)
		like->ascii[c] = like->other;
	for (struct element e = element_next(&pattern); e.type != ELEMENT_END; e = element_next(&pattern)) {
		if (e.type != ELEMENT_LETTER)
			continue;
		if (e.c >= 128) {
			like->letters[like->letter_count++].c = e.c;
		} else if (like->ascii[e.c] == like->other) {
			like->ascii[e.c] = pool;
			pool += like->words;
		}
	}
	for (int c = 'A'; c <= 'Z'; c++)
		like->ascii[c] = like->ascii[text_fold((uint32_t)c)];
	qsort(like->letters, (size_t)like->letter_count, sizeof(*like->letters), letter_compare);
	for (int i = 0; i < like->letter_count; i++) {
		if (kept && like->letters[kept - 1].c == like->letters[i].c)
			continue;
		like->letters[kept++] = (struct letter){like->letters[i].c, pool};
		pool += like->words;
	}
	like->letter_count = kept;
}

int like_new(const char *pattern, struct like **ret_like)
{
	_cleanup_(like_free_p) struct like *like = calloc(1, sizeof(*like));
	const char *p = pattern;
	int count = 0, state = 0;

	for (struct element e = element_next(&p); e.type != ELEMENT_END; e = element_next(&p))
		count += e.type != ELEMENT_ANY_TEXT;
	if (count > LIKE_MAX)
		return -EFBIG;
	if (!like)
		return -ENOMEM;
	like->last = count;
	like->words = (count + 1 + WORD_BITS - 1) / WORD_BITS;
	like->loops = calloc((size_t)(count + 2) * (size_t)like->words, sizeof(uint64_t));
	like->letters = calloc((size_t)count + 1, sizeof(*like->letters));
	if (!like->loops || !like->letters)
		return -ENOMEM;
	like->other = like->loops + like->words;
	assign_states(like, pattern, like->other + like->words);
	for (struct element e = element_next(&pattern); e.type != ELEMENT_END; e = element_next(&pattern)) {
		if (e.type == ELEMENT_ANY_TEXT) {
			set_bit(like->loops, state);
			continue;
		}
		if (e.type == ELEMENT_LETTER)
			set_bit(next_states(like, e.c), state);
		else
			for (uint64_t *set = like->other;
			     set < like->other + (size_t)(count + 1) * (size_t)like->words;
			     set += like->words)
				set_bit(set, state);
		state++;
	}
	*ret_like = steal(&like);
	return 0;
}

void like_free(struct like *like)
{
	if (!like)
		return;
	free(like->loops);
	free(like->letters);
	free(like);
}

/* The states from which the next character of *@text leads to the next one. */
static inline const uint64_t *step(const struct like *like, const char **text)
{
	unsigned char c = (unsigned char)**text;

	if (c >= 128)
		return next_states(like, text_next(text));
	(*text)++;
	return like->ascii[c];
}

/* The common case: all states fit in one word. */
static bool match_word(const struct like *like, const char *text)
{
	uint64_t states = 1, loops = like->loops[0], last = UINT64_C(1) << like->last;

	while (*text) {
		states = (states & *step(like, &text)) << 1 | (states & loops);
		if (!states || (states & last & loops))
			break; /* from here on nothing or everything matches */
	}
	return states & last;
}

static bool match_words(const struct like *like, const char *text)
{
	uint64_t states[WORDS_MAX] = {1}, *last = &states[like->last / WORD_BITS];

	while (*text) {
		const uint64_t *next = step(like, &text);
		uint64_t carry = 0, any = 0;

		for (int i = 0; i < like->words; i++) {
			uint64_t moved = states[i] & next[i];

			states[i] = moved << 1 | carry | (states[i] & like->loops[i]);
			carry = moved >> (WORD_BITS - 1);
			any |= states[i];
		}
		if (!any)
			return false;
	}
	return *last >> like->last % WORD_BITS & 1;
}

bool like_match(const struct like *like, const char *text)
{
	return like->words == 1 ? match_word(like, text) : match_words(like, text);
}
