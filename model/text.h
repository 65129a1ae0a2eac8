/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as MySQL's utf8_general_ci treats it, as far as clients of the manual's
 * server rely on it: letters compare regardless of case (ASCII, Latin, Greek,
 * Cyrillic; other scripts compare by code point), and trailing spaces are
 * ignored. Independent of the locale.
 */
#ifndef POOLFS_TEXT_H
#define POOLFS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** True when @text is well-formed UTF-8 (no surrogates, nothing overlong, nothing above U+10FFFF). */
bool text_is_utf8(const char *text, size_t len);
/** The character at *@text, which must be well-formed and not at its end; advances *@text past it. */
uint32_t text_next(const char **text);
/** The number of bytes of the first @max characters of @text, which must be well-formed; of all if it has fewer. */
size_t text_prefix(const char *text, size_t max);
/** The character that represents @c in comparisons. */
uint32_t text_fold(uint32_t c);
/** The value of a hex digit of either case; -1 for another character. */
int text_hex_digit(char c);
/**
 * @text on one line that a terminal can show, allocated: control characters are written as in JSON (\n, \t,
 * \u001b), and what is not ASCII becomes question marks if @text is not well-formed UTF-8. NULL without memory.
 */
char *text_printable(const char *text);
/**
 * The first character of @text, which must be well-formed, that is no text: a control character (with @lines, tabs
 * and line breaks are none), or U+FFFE or U+FFFF, which XML cannot carry. Borrowed; NULL when there is none.
 */
const char *text_find_control(const char *text, bool lines);
/** Order of @a and @b: negative, 0 or positive. */
int text_compare(const char *a, const char *b);
/** Writes the folded text without trailing spaces, at most @size bytes; returns the number of bytes. */
size_t text_key(const char *text, char *ret_key, size_t size);

#endif
