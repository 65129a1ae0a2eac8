/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in for clients that send an account's password as it is: Prometheus, and people at the page. */
#ifndef POOLFS_REST_LOGIN_H
#define POOLFS_REST_LOGIN_H

#include <jansson.h>

#include "rest/mount.h"

/** Makes the call of an operation with @params (taken over; NULL: memory is short). @address: of the client. As mount_call(). */
int login_call(struct mount *mount, struct call_file *file, const char *session, const char *operation,
	       const char *address, json_t *params, struct answer *ret, struct error *e);
/** The error in @answer, whose word is not ANSWER_OK. Returns -errno. */
int login_error(const struct answer *answer, struct error *e);
/**
 * Starts a session for the client at @address, and writes its uuid to @ret. The sentence of an error is for the client,
 * which has not proved who it is if login_is_refused(). The attempt is limited as any other
 * (actions/engine/login_limit.h). Blocks.
 */
int login_open(struct mount *mount, struct call_file *file, const char *address, const char *name,
	       const char *password, char ret[MOUNT_UUID_SIZE], struct error *e);
/** Sets the error of a client that does not prove who it is. -EACCES. */
int login_refuse(struct error *e, const char *text);
/** True for that of login_refuse(), a wrong name or password, and for too many of these; not when there can be no session for other reasons. */
bool login_is_refused(const struct error *e);
/** Ends a session, if that is possible. Blocks. */
void login_close(struct mount *mount, struct call_file *file, const char *session);

#endif
