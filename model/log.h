/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: what a program has to tell its operator, with time, level and subject.
 *
 *     2026-11-29T04:05:06.123Z warning host 5f0c...: is Disconnected: cannot connect
 *
 * Under systemd, whose journal keeps the time, entries are sent to the journal with
 * fields: PRIORITY, POOLFS_SUBJECT ("host") and POOLFS_ID (which one). A file is
 * bounded in size. Entries are written at once, by whoever tells them; a file of the
 * log takes bytes into the page cache only.
 *
 * No secrets: what is logged is what an error or a value file shows.
 */
#ifndef POOLFS_LOG_H
#define POOLFS_LOG_H

#include <stdbool.h>

#include "model/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/** The level of the name "error", "warning", "info" or "debug". -EINVAL with a sentence. */
int log_level_from_name(const char *name, enum log_level *ret, struct error *e);

/**
 * Sets who tells (borrowed for ever) and what is left out: levels above @level. Until then everything but "debug" is
 * told on the standard error. With that as its destination, or the journal, for a program in the foreground.
 */
void log_start(const char *program, enum log_level level);
/**
 * Sends the log, and the standard error, to the end of the file @path, which is created for its owner alone. When it
 * has become too long, it is renamed to @path.1 and begun anew. -errno with a sentence.
 */
int log_to_file(const char *path, struct error *e);
/** Opens the file of log_to_file() again, after somebody has renamed it. False when the log goes to no file. */
bool log_reopen(void);

/**
 * Tells of @subject (a literal, such as "host") and, unless NULL, which one. Control characters are shown escaped.
 * Keeps errno. Use the macros.
 */
void log_write(enum log_level level, const char *subject, const char *id, const char *fmt, ...)
	_printf_(4, 5);

#define log_error(subject, id, ...)   log_write(LOG_LEVEL_ERROR, subject, id, __VA_ARGS__)
#define log_warning(subject, id, ...) log_write(LOG_LEVEL_WARNING, subject, id, __VA_ARGS__)
#define log_info(subject, id, ...)    log_write(LOG_LEVEL_INFO, subject, id, __VA_ARGS__)
#define log_debug(subject, id, ...)   log_write(LOG_LEVEL_DEBUG, subject, id, __VA_ARGS__)

#endif
