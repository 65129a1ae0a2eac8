/* SPDX-License-Identifier: Apache-2.0 */
/* See event_stream.h. */
#include "model/event_stream.h"

#include <stdlib.h>
#include <string.h>

#include "model/event.h"

/* Lines in a block; the block of a line is its number divided by this. */
#define BLOCK 64

/* Bytes that lines cannot have: so much higher are positions after some that are not known. */
#define SKIPPED (2 * (int64_t)EVENTS_BYTES)

struct event_stream *event_stream_new(int64_t reader, int64_t sequence, int64_t position)
{
	struct event_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->reader = reader;
	s->until = s->noticed = sequence;
	s->end = position;
	s->untold = true;
	return s;
}

void event_stream_free(struct event_stream *s)
{
	if (!s)
		return;
	free(s->marks);
	free(s);
}

int event_stream_reserve(struct event_stream *s, size_t lines)
{
	size_t room = lines / BLOCK + 2;
	int64_t *grown;

	if (room <= s->room)
		return 0;
	grown = reallocarray(s->marks, room, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->marks = grown;
	s->room = room;
	return 0;
}

static const struct event_line *line_get(const struct event_lines *lines, int64_t sequence)
{
	return lines->lines[sequence - lines->first - 1];
}

static int64_t last_of(const struct event_lines *lines)
{
	return lines->first + (int64_t)lines->count;
}

void event_stream_extend(struct event_stream *s, const struct event_lines *lines)
{
	for (; s->until < last_of(lines); s->until++) {
		const struct event_line *line = line_get(lines, s->until + 1);
		size_t size = event_line_size(line, s->reader);

		if (line->sequence / BLOCK >= s->block + (int64_t)s->count)
			s->marks[s->count++] = s->end;
		s->end += (int64_t)size;
		if (size)
			s->changed = line->time;
	}
}

int event_stream_wake(struct event_stream *s, const struct event_lines *lines, size_t room)
{
	if (event_stream_reserve(s, room) < 0)
		return -ENOMEM;
	if (s->until < lines->first || s->until > last_of(lines)) {
		s->end += SKIPPED;
		s->until = lines->first;
	}
	s->noticed = s->noticed == s->until ? s->end : -1;
	/* from the first line on, to have the marks */
	for (; s->until > lines->first; s->until--)
		s->end -= (int64_t)event_line_size(line_get(lines, s->until), s->reader);
	s->block = (lines->first + 1) / BLOCK;
	s->count = 0;
	event_stream_extend(s, lines);
	return 0;
}

void event_stream_sleep(struct event_stream *s)
{
	s->noticed = s->noticed == s->end ? s->until : -1;
	s->untold = true;
	s->room = s->count = 0;
	free(s->marks);
	s->marks = NULL;
}

/* The number of the first line of the block with this mark that is still in the log. */
static int64_t first_of_block(const struct event_stream *s, const struct event_lines *lines, size_t mark)
{
	int64_t sequence = (s->block + (int64_t)mark) * BLOCK;

	return sequence > lines->first ? sequence : lines->first + 1;
}

int64_t event_stream_find(const struct event_stream *s, const struct event_lines *lines, int64_t sequence)
{
	size_t mark = (size_t)((sequence + 1) / BLOCK - s->block);
	int64_t position;

	if (sequence >= s->until || mark >= s->count)
		return s->end;
	position = s->marks[mark];
	for (int64_t n = first_of_block(s, lines, mark); n <= sequence; n++)
		position += (int64_t)event_line_size(line_get(lines, n), s->reader);
	return position;
}

void event_stream_cut(struct event_stream *s, const struct event_lines *lines, size_t cut)
{
	int64_t first = lines->first + (int64_t)cut, position, block = (first + 1) / BLOCK;
	size_t dropped = (size_t)(block - s->block);

	event_stream_extend(s, lines);
	position = event_stream_find(s, lines, first);
	if (dropped > s->count)
		dropped = s->count;
	s->count -= dropped;
	memmove(s->marks, s->marks + dropped, s->count * sizeof(*s->marks));
	s->block = block;
	/* What is left of the first block begins here now. */
	if (s->count)
		s->marks[0] = position;
}

/* The last block that begins at or before the position, which is not before the first. */
static size_t mark_before(const struct event_stream *s, int64_t position)
{
	size_t low = 0, high = s->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->marks[middle] <= position)
			low = middle;
		else
			high = middle;
	}
	return low;
}

ssize_t event_stream_read(const struct event_stream *s, const struct event_lines *lines, int64_t position,
			  char *ret_data, size_t size)
{
	size_t done = 0, mark;
	int64_t at;

	if (position >= s->end)
		return 0;
	if (!s->count || position < s->marks[0])
		return -ESTALE;
	mark = mark_before(s, position);
	at = s->marks[mark];
	for (int64_t n = first_of_block(s, lines, mark); n <= s->until && done < size; n++) {
		const struct event_line *line = line_get(lines, n);
		int64_t next = at + (int64_t)event_line_size(line, s->reader);

		if (next > position) {
			size_t skip = (size_t)(position - at), len = (size_t)(next - position);

			len = len < size - done ? len : size - done;
			event_line_copy(line, s->reader, skip, len, ret_data + done);
			done += len;
			position += (int64_t)len;
		}
		at = next;
	}
	return (ssize_t)done;
}
