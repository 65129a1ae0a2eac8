/* SPDX-License-Identifier: Apache-2.0 */
/* See field_times.h. */
#include "model/field_times.h"

#include <string.h>

size_t field_times_write(const int64_t *times, int count, char *ret)
{
	char *end = ret;

	for (int i = 0, run; i < count; i += run) {
		for (run = 1; i + run < count && times[i + run] == times[i] && run < UINT8_MAX; run++)
			;
		memcpy(end, &times[i], sizeof(times[i]));
		end[sizeof(times[i])] = (char)run;
		end += FIELD_TIMES_RUN;
	}
	return (size_t)(end - ret);
}

void field_times_read(const char *bytes, size_t size, int64_t unknown, int count, int64_t *ret_times)
{
	int i = 0;

	for (size_t at = 0; at + FIELD_TIMES_RUN <= size; at += FIELD_TIMES_RUN) {
		int64_t ns;

		memcpy(&ns, bytes + at, sizeof(ns));
		for (int run = (unsigned char)bytes[at + sizeof(ns)]; run > 0 && i < count; run--)
			ret_times[i++] = ns;
	}
	while (i < count)
		ret_times[i++] = unknown;
}
