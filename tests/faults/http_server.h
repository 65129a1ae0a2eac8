/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of HTTP on the loopback interface, for the life of a pool: a thread that asks for no memory and opens no
 * files, so that no call of it can be made to fail.
 *
 * It answers GET of any path with the same HTTP_SERVER_BYTES bytes or a range of them; when the path contains "/cut",
 * it ends the connection in the middle unless a range was asked for. It takes every POST.
 */
#ifndef POOLFS_FAULTS_HTTP_SERVER_H
#define POOLFS_FAULTS_HTTP_SERVER_H

#define HTTP_SERVER_BYTES (256 * 1024)

/** Starts it, once for the process. The port. */
int http_server_port(void);
/** The bytes it answers with. */
const unsigned char *http_server_bytes(void);
/** How often the result of this job was posted, of the last 64 POSTs; NULL: how many POSTs there were. */
unsigned http_server_posts(const char *job);

#endif
