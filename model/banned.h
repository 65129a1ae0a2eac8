/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions that are not used in this project, because each of them has been a
 * source of overflows or of silent truncation. Force-included by the build into
 * every file of the project, after the system headers it poisons.
 */
#ifndef POOLFS_BANNED_H
#define POOLFS_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison gmtime localtime ctime asctime strtok

#endif
