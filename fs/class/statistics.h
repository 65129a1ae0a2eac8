/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory `stats` of a VM or host: what it uses, a file for each statistic. They are not in the pool's state, so
 * the kernel keeps nothing of them: each stat(2) and open(2) takes a sample, or one that is young enough
 * (actions/host/statistics.h). Size and time are those of the same sample as the content.
 */
#ifndef POOLFS_FS_CLASS_STATISTICS_H
#define POOLFS_FS_CLASS_STATISTICS_H

#include "fs/tree/class.h"

extern const struct file_class class_statistic;

bool statistics_here(const struct place *dir);
/**
 * The directory is not in the listing of its object: programs that copy, compare or search a whole tree see what the
 * pool's commits make of it, and ask no host.
 */
bool statistics_are_listed(const struct place *p);
bool statistics_find(const struct place *dir, const char *name, struct node *ret);
int64_t statistics_next(const struct place *dir, int64_t after, char ret_name[NAME_SIZE], struct node *ret);
const char *meaning_statistic(const struct place *p);

#endif
