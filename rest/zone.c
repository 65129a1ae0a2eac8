/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See zone.h. The files are those of RFC 8536, which tell when the clocks of a zone
 * were set to which offset. What comes after the last of these times is as then.
 */
#include "rest/zone.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/cleanup.h"

#define DIRECTORY     "/usr/share/zoneinfo/"
#define ZONE_NAME_MAX 64
#define FILE_MAX      8192
#define HEAD_SIZE     44 /* of each of the two parts */
#define EAST_MAX_S    (26 * 3600)

/* The second part of a file, whose times have 64 bits. */
struct zone {
	const unsigned char *times, *types_of_times, *types;
	uint32_t time_count, type_count;
};

static uint32_t number(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Checks the head at @at of a part with times of @width bytes, and returns the size of the part; 0: it is none. */
static size_t part_size(const unsigned char *file, size_t len, size_t at, size_t width)
{
	const unsigned char *counts = file + at + 20;
	uint64_t size;

	if (len < at + HEAD_SIZE || memcmp(file + at, "TZif", 4) != 0 || file[at + 4] < '2')
		return 0;
	size = HEAD_SIZE + (uint64_t)number(counts) + number(counts + 4) +
	       (uint64_t)number(counts + 8) * (width + 4) + (uint64_t)number(counts + 12) * (width + 1) +
	       (uint64_t)number(counts + 16) * 6 + number(counts + 20);
	return size <= len - at ? (size_t)size : 0;
}

static int zone_parse(struct zone *zone, const unsigned char *file, size_t len)
{
	size_t second = part_size(file, len, 0, 4);
	const unsigned char *head = file + second;

	if (!second || !part_size(file, len, second, 8))
		return -EINVAL;
	zone->time_count = number(head + 32);
	zone->type_count = number(head + 36);
	zone->times = head + HEAD_SIZE;
	zone->types_of_times = zone->times + (size_t)zone->time_count * 8;
	zone->types = zone->types_of_times + zone->time_count;
	for (uint32_t i = 0; i < zone->time_count; i++)
		if (zone->types_of_times[i] >= zone->type_count)
			return -EINVAL;
	return zone->type_count ? 0 : -EINVAL;
}

/* The offset at @utc, seconds since 1970. */
static int east_at(const struct zone *zone, int64_t utc)
{
	uint32_t type = 0;

	for (uint32_t i = 0; i < zone->time_count; i++) {
		const unsigned char *at = zone->times + (size_t)i * 8;

		if ((int64_t)((uint64_t)number(at) << 32 | number(at + 4)) > utc)
			break;
		type = zone->types_of_times[i];
	}
	return (int32_t)number(zone->types + (size_t)type * 6);
}

static bool is_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("/_+-", *c))
			return false;
	return isupper((unsigned char)*name) && strlen(name) <= ZONE_NAME_MAX;
}

int zone_of_date(const char *date, int *ret_east)
{
	char path[sizeof(DIRECTORY) + ZONE_NAME_MAX];
	unsigned char file[FILE_MAX];
	struct zone zone;
	struct tm tm = {0};
	const char *name = strptime(date, "%a, %d %b %Y %H:%M:%S ", &tm);
	int64_t local = timegm(&tm);
	_cleanup_close_ int fd = -1;
	ssize_t len;
	int east;

	if (!name || !is_name(name))
		return -EINVAL;
	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	len = fd >= 0 ? read(fd, file, sizeof(file)) : -1;
	if (len <= 0 || zone_parse(&zone, file, (size_t)len) < 0)
		return -EINVAL;
	/* what the offset is depends on the time, which depends on the offset */
	east = east_at(&zone, local - east_at(&zone, local));
	if (east < -EAST_MAX_S || east > EAST_MAX_S)
		return -EINVAL;
	*ret_east = east;
	return 0;
}
