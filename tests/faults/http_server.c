/* SPDX-License-Identifier: Apache-2.0 */
/* See http_server.h. */
#include "tests/faults/http_server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "model/cleanup.h"

static unsigned char bytes[HTTP_SERVER_BYTES];
static int listener = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under the lock: the jobs of the last POSTs, and how many there were */
static char told[64][64];
static unsigned told_count;

static void send_all(int fd, const void *data, size_t size)
{
	const char *from = data;
	ssize_t n;

	for (; size > 0; from += n, size -= (size_t)n) {
		n = send(fd, from, size, MSG_NOSIGNAL);
		if (n <= 0)
			return;
	}
}

/* Reads the head of a request, and what has come of the body with it. */
static void receive_head(int fd, char *head, size_t size)
{
	size_t length = 0;
	ssize_t n = 1;

	head[0] = '\0';
	while (n > 0 && length + 1 < size && !strstr(head, "\r\n\r\n")) {
		n = recv(fd, head + length, size - 1 - length, 0);
		if (n > 0)
			length += (size_t)n;
		head[length] = '\0';
	}
}

/* The value of a header, "" without it. */
static const char *header(const char *head, const char *name)
{
	const char *line = strcasestr(head, name);

	return line ? line + strlen(name) : "";
}

static void answer_get(int fd, const char *head)
{
	const char *range = header(head, "\r\nRange: bytes=");
	size_t from = strtoul(range, NULL, 10), size;
	char answer[256];

	if (from >= sizeof(bytes))
		from = 0;
	size = sizeof(bytes) - from;
	if (*range)
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
			 "Content-Length: %zu\r\nETag: \"one\"\r\nConnection: close\r\n\r\n",
			 from, sizeof(bytes) - 1, sizeof(bytes), size);
	else
		snprintf(
			answer, sizeof(answer),
			"HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nETag: \"one\"\r\nConnection: close\r\n\r\n",
			size);
	send_all(fd, answer, strlen(answer));
	send_all(fd, bytes + from, strstr(head, "/cut") && !*range ? size / 2 : size);
}

static void answer_post(int fd, const char *head)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	size_t left = strtoul(header(head, "\r\nContent-Length: "), NULL, 10);
	const char *body = strstr(head, "\r\n\r\n");
	char rest[4096], *job;
	ssize_t n;

	for (left -= body ? strlen(body + 4) : 0; left > 0; left -= (size_t)n) {
		n = recv(fd, rest, sizeof(rest) < left ? sizeof(rest) : left, 0);
		if (n <= 0)
			return;
	}
	pthread_mutex_lock(&lock);
	job = told[told_count++ % ARRAY_SIZE(told)];
	*job = '\0';
	(void)sscanf(header(head, "\r\nX-Job-UUID: "), "%63[0-9a-f]", job);
	pthread_mutex_unlock(&lock);
	send_all(fd, answer, sizeof(answer) - 1);
}

static void *serve(void *arg)
{
	static char head[8192];

	(void)arg;
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		receive_head(fd, head, sizeof(head));
		if (strncmp(head, "POST", 4) == 0)
			answer_post(fd, head);
		else if (*head)
			answer_get(fd, head);
		(void)close(fd);
	}
	return NULL;
}

static void start(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned seed = 3;
	pthread_t thread;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = (unsigned char)(seed >> 16);
	}
	memcpy(bytes, "boot", 4);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 16) < 0 || pthread_create(&thread, NULL, serve, NULL) != 0) {
		perror("http_server");
		abort();
	}
	(void)pthread_detach(thread);
}

int http_server_port(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	(void)pthread_once(&once, start);
	(void)getsockname(listener, (struct sockaddr *)&address, &size);
	return ntohs(address.sin_port);
}

const unsigned char *http_server_bytes(void)
{
	return bytes;
}

unsigned http_server_posts(const char *job)
{
	unsigned count = 0;

	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < told_count && i < ARRAY_SIZE(told); i++)
		count += !job || strcmp(told[i], job) == 0;
	count = job ? count : told_count;
	pthread_mutex_unlock(&lock);
	return count;
}
