/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short form of a request: one line that a person types into `actions`.
 *
 *     stop type=cold
 *     set-boot-order bootOrder=HardDisk,CdRom
 *     update name="web \"01\"" description='as is, with \ and "'
 *
 * Grammar
 *     line   = blanks verb { blanks name "=" value } blanks [ newline ]
 *     verb   = letter { letter | digit | "-" }                     at most 64 bytes
 *     name   = letter { letter | digit | "_" | "-" | "." }         at most 64 bytes
 *     value  = { bare | '...' | "..." }                            pieces are joined, as in a shell
 *
 * Bare text ends at a blank (space or tab). Bare text and '...' are taken
 * literally, including backslashes. "..." may contain the escapes of JSON: \" \\
 * \/ \b \f \n \r \t \uXXXX. Control characters must be escaped, so that a request
 * is always one line; the text must be UTF-8 without NUL.
 *
 * All values are strings here; params.h converts them to the type of their
 * parameter, for example "a,b" to a list. For JSON documents see json_gather.h.
 */
#ifndef POOLFS_ENGINE_SHORTFORM_H
#define POOLFS_ENGINE_SHORTFORM_H

#include <jansson.h>
#include <stddef.h>

#include "model/error.h"

/* Longest line in bytes, including its newline. */
#define SHORTFORM_MAX 65536

/**
 * Parses the line of @len bytes at @text (which need not end with NUL) into
 * {"verb": string, "params": {name: string, ...}}. A name that is given more than
 * once has a list of its values, in their order. The caller owns *@ret.
 *
 * -EINVAL with a sentence that names the offending word, -EFBIG for a line longer
 * than SHORTFORM_MAX, -ENOMEM. On failure *@ret is untouched.
 */
int shortform_parse(const char *text, size_t len, json_t **ret, struct error *e);

#endif
