/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time zones that Date fields name as Java's clients do, "Asia/Shanghai". The
 * pool reads no files while it answers, so it is told what they mean.
 */
#ifndef POOLFS_REST_ZONE_H
#define POOLFS_REST_ZONE_H

/**
 * The seconds east of Greenwich in the zone that @date names, "Mon, 02 Jan 2006 15:04:05 Asia/Shanghai", at that time.
 * -EINVAL when it names none that this machine knows.
 */
int zone_of_date(const char *date, int *ret_east);

#endif
