/* SPDX-License-Identifier: Apache-2.0 */
/* For functions that stand in for open(2) and its kin. */
#ifndef POOLFS_FAULTS_MODE_ARGUMENT_H
#define POOLFS_FAULTS_MODE_ARGUMENT_H

#include <fcntl.h>
#include <stdarg.h>

/* Declares @mode, the argument that follows @flags if they create a file. */
#define MODE_ARGUMENT(flags, mode)                                                                           \
	mode_t mode = 0;                                                                                     \
	if ((flags) & (O_CREAT | O_TMPFILE)) {                                                               \
		va_list args;                                                                                \
		va_start(args, flags);                                                                       \
		mode = va_arg(args, mode_t);                                                                 \
		va_end(args);                                                                                \
	}

#endif
