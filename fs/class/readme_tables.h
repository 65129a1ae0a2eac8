/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of README that list settings and system tags, with what each does. */
#ifndef POOLFS_CLASS_README_TABLES_H
#define POOLFS_CLASS_README_TABLES_H

#include <stdio.h>

/** Writes both lists, made from the tables of the program. Errors of the stream are the caller's. */
void readme_print_tables(FILE *f);

#endif
