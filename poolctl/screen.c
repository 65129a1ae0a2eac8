/* SPDX-License-Identifier: Apache-2.0 */
/* See screen.h. */
#include "poolctl/screen.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "model/json.h"
#include "model/cleanup.h"
#include "poolctl/tree.h"

#define COLUMNS_MAX 12
#define WIDTH_MAX   48

const char *screen_bar(double part, double whole, int width, char ret[BAR_SIZE])
{
	double share = whole > 0 ? part / whole : 0;
	int full, len = 0;

	*ret = '\0';
	if (whole <= 0 || width > BAR_SIZE - 16)
		return ret;
	share = share < 0 ? 0 : share;
	full = (int)((share > 1 ? 1 : share) * width + 0.5);
	ret[len++] = '[';
	for (int i = 0; i < width; i++)
		ret[len++] = i < full ? '#' : '.';
	snprintf(ret + len, (size_t)(BAR_SIZE - len), "] %3.0f%%", share > 9.99 ? 999 : 100 * share);
	return ret;
}

const char *screen_bytes(int64_t bytes, char ret[16])
{
	static const char units[] = " KMGTPE";
	double n = (double)bytes;
	int unit = 0;

	while (n >= 1024 && units[unit + 1]) {
		n /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(ret, 16, "%" PRId64, bytes);
	else
		snprintf(ret, 16, n >= 100 || n == (int)n ? "%.0f%c" : "%.1f%c", n, units[unit]);
	return ret;
}

char *screen_value(const json_t *value)
{
	char *text;

	if (json_is_null(value))
		return strdup("");
	text = json_is_string(value) ? strdup(json_string_value(value))
				     : json_text(value, JSON_ENCODE_ANY | JSON_COMPACT);
	/* What a guest or a colleague has named must not move the cursor. */
	for (char *c = text; c && *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return text;
}

/* Characters, not bytes. */
static int width_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xC0) != 0x80;
	return n;
}

/* Prints at most @most characters, and blanks up to @width. */
static void print_cell(const char *text, int width, int most)
{
	int n = 0;

	for (; *text && (n < most || ((unsigned char)*text & 0xC0) == 0x80); text++) {
		n += ((unsigned char)*text & 0xC0) != 0x80;
		putchar(*text);
	}
	printf("%*s", width > n ? width - n : 0, "");
}

int screen_table(const json_t *rows, struct error *e)
{
	int widths[COLUMNS_MAX] = {0};
	const json_t *row, *cell;
	size_t i, j;

	if (!rows)
		return error_oom(e);
	json_array_foreach (rows, i, row)
		json_array_foreach (row, j, cell) {
			_cleanup_free_ char *text = screen_value(cell);
			int width = text ? width_of(text) : 0;

			if (!text)
				return error_oom(e);
			if (j < COLUMNS_MAX && width > widths[j])
				widths[j] = width < WIDTH_MAX ? width : WIDTH_MAX;
		}
	json_array_foreach (rows, i, row) {
		json_array_foreach (row, j, cell) {
			_cleanup_free_ char *text = screen_value(cell);
			bool last = j + 1 == json_array_size(row);

			if (!text)
				return error_oom(e);
			if (j < COLUMNS_MAX)
				print_cell(text, last ? 0 : widths[j] + 2, last ? 1 << 20 : WIDTH_MAX);
		}
		putchar('\n');
	}
	return 0;
}
