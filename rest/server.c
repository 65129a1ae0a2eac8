/* SPDX-License-Identifier: Apache-2.0 */
/* See server.h. */
#include "rest/server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "rest/answer_cache.h"
#include "rest/openapi.h"
#include "rest/page.h"
#include "rest/refusals.h"
#include "rest/request.h"

#define CONNECTIONS	   1024
#define CONNECTIONS_OF_ONE 512			    /* address */
#define HEAD_MEMORY	   (48 << 10)		    /* bytes for request line and headers */
#define THREAD_STACK	   (512 << 10)		    /* bytes */
#define BODY_MAX	   ((1 << 20) - (64 << 10)) /* bytes: leaves room for the rest of a call, 1 MiB in all */
#define IDLE_S		   60			    /* a connection without any traffic */
#define REQUEST_S	   60			    /* from the last answer to the end of the next request */

struct server {
	struct mount *mount;
	json_t *operations; /* owned; the routes borrow from it */
	struct routes *routes;
	struct refusals *refusals;
	struct answer_cache *cache;
	struct MHD_Daemon *daemon;
	char *openapi; /* owned */
	bool tls;
	pthread_mutex_t lock;
	struct connection *connections; /* lock */
	int64_t last_used;		/* lock; s */
};

/* A client's connection. */
struct connection {
	struct connection *prev, *next; /* server's lock */
	int socket;
	atomic_llong since;	    /* s: waiting for a request since then; 0: one is being answered */
	struct call_file call_file; /* the connection's thread */
	char address[INET6_ADDRSTRLEN];
};

/* A request. */
struct exchange {
	char *target; /* owned: as in the request line */
	char *body;   /* owned */
	size_t len, room;
	bool begun;
	int status; /* of a refusal; the rest of the body is discarded */
};

static int64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* ------------------------------------------------------------------ answers */

/* @data is copied. */
static struct MHD_Response *new_response(const char *type, const char *data, size_t len)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(len, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);

	if (response) {
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	}
	return response;
}

/* Sends @data, which is copied. */
static enum MHD_Result reply(struct MHD_Connection *c, int status, const char *type, const char *data,
			     size_t len)
{
	struct MHD_Response *response = new_response(type, data, len);
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	r = MHD_queue_response(c, (unsigned)status, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result reply_text(struct MHD_Connection *c, int status, const char *text)
{
	return reply(c, status, "text/plain;charset=UTF-8", text, strlen(text));
}

static const char type_json[] = "application/json;charset=UTF-8";

static enum MHD_Result reply_json(struct MHD_Connection *c, int status, const char *text, size_t len)
{
	return reply(c, status, type_json, text, len);
}

/* Sends an answer and caches it. */
static enum MHD_Result reply_and_cache(struct server *server, struct MHD_Connection *c,
				       const struct answer_cache_key *key, const struct answer *answer)
{
	struct MHD_Response *response = new_response(type_json, answer->body, answer->len);
	enum MHD_Result r = response ? MHD_queue_response(c, MHD_HTTP_OK, response) : MHD_NO;

	if (response)
		answer_cache_put(server->cache, key, answer->stamp, response, answer->len);
	return r;
}

/* The status page must not load anything from other servers. */
static enum MHD_Result reply_page(struct MHD_Connection *c)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		(size_t)(page_end - page_start), (void *)(uintptr_t)page_start, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html;charset=UTF-8");
	(void)MHD_add_response_header(
		response, "Content-Security-Policy",
		"default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
		"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'");
	(void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	r = MHD_queue_response(c, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return r;
}

/* Where the client polls the job: on the host and port of its own request (behaviour.md 6.5). */
static enum MHD_Result reply_location(const struct server *server, struct MHD_Connection *c, const char *job)
{
	const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	char text[512];
	int len;

	if (!host || !*host || strlen(host) > 255 ||
	    host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]")])
		host = "localhost";
	len = snprintf(text, sizeof(text), "{\"location\":\"%s://%s/zstack/v1/api-jobs/%s\"}",
		       server->tls ? "https" : "http", host, job);
	return reply_json(c, MHD_HTTP_ACCEPTED, text, (size_t)len);
}

static enum MHD_Result reply_no_session(struct MHD_Connection *c)
{
	static const char text[] =
		"{\"error\":{\"code\":\"ID.1001\",\"description\":\"The session is invalid, either wrong session id or the "
		"session has been expired\",\"details\":\"Session expired\"}}";

	return reply_json(c, MHD_HTTP_SERVICE_UNAVAILABLE, text, sizeof(text) - 1);
}

static enum MHD_Result reply_answer(struct server *server, struct MHD_Connection *c, const struct plan *plan,
				    const struct answer *answer)
{
	char text[128];

	switch (answer->word) {
	case ANSWER_OK:
		return reply_json(c, MHD_HTTP_OK, answer->body, answer->len);
	case ANSWER_JOB:
	case ANSWER_WAIT:
		return reply_location(server, c, plan->job);
	case ANSWER_ERROR:
		return reply_json(c, MHD_HTTP_SERVICE_UNAVAILABLE, answer->body, answer->len);
	case ANSWER_INVALID:
		return reply_text(c, MHD_HTTP_BAD_REQUEST, answer->body);
	case ANSWER_GONE:
		if (refusals_has(server->refusals, plan->job))
			return reply_no_session(c);
		return reply_text(c, MHD_HTTP_NOT_FOUND, "the job has been expired");
	case ANSWER_CONFLICT:
		snprintf(text, sizeof(text), "Duplicate job uuid[%s]", plan->job);
		return reply_text(c, MHD_HTTP_BAD_REQUEST, text);
	case ANSWER_SESSION:
		if (plan->sync)
			return reply_no_session(c);
		refusals_add(server->refusals, plan->job);
		return reply_location(server, c, plan->job);
	}
	return MHD_NO;
}

/* @key: NULL when the answer must not be cached. */
static enum MHD_Result call(struct server *server, struct MHD_Connection *c, struct connection *connection,
			    const struct plan *plan, const struct answer_cache_key *key)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
	int r;

	if (plan->bad_session)
		return reply_answer(server, c, plan, &answer);
	r = mount_call(server->mount, &connection->call_file, plan->session, plan->call, strlen(plan->call),
		       &answer, &e);
	if (r == 0 && key && answer.word == ANSWER_OK && answer.stamp)
		return reply_and_cache(server, c, key, &answer);
	if (r == 0)
		return reply_answer(server, c, plan, &answer);
	if (r == -EFBIG || r == -EINVAL)
		return reply_text(c, MHD_HTTP_BAD_REQUEST, "the request is too long or nested too deep");
	fprintf(stderr, "poolfs-rest: cannot reach the pool: %s\n", error_sentence(&e));
	return reply_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "the pool is not mounted");
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer_request(struct server *server, struct MHD_Connection *c,
				      struct connection *connection, const struct exchange *x,
				      const char *method)
{
	struct http_request request = {.method = method,
				       .target = x->target,
				       .authorization = header(c, MHD_HTTP_HEADER_AUTHORIZATION),
				       .job_uuid = header(c, "X-Job-UUID"),
				       .web_hook = header(c, "X-Web-Hook"),
				       .schema = header(c, "X-JSON-Schema"),
				       .address = connection->address,
				       .body = x->body,
				       .body_len = x->len};
	_cleanup_(plan_done) struct plan plan = {0};
	const char *api = request_api_path(x->target);
	bool get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
	bool cache = get && api && (!request.job_uuid || request_job_uuid_is_valid(request.job_uuid));
	struct answer_cache_key key = {x->target, request.authorization, request.schema != NULL};
	int64_t stamp = cache ? mount_stamp(server->mount) : 0;
	enum MHD_Result r;

	if (get && strcmp(x->target, "/") == 0)
		return reply_page(c);
	if (get && api && strcmp(api, "/openapi.json") == 0)
		return reply_json(c, MHD_HTTP_OK, server->openapi, strlen(server->openapi));
	if (stamp && answer_cache_reply(server->cache, &key, stamp, c, &r))
		return r;
	request_plan(server->routes, &request, &plan);
	return plan.status ? reply_text(c, plan.status, plan.text)
			   : call(server, c, connection, &plan, cache ? &key : NULL);
}

/* ----------------------------------------------------- libmicrohttpd's calls */

/* The request line has arrived: the result is the `context` of the request from now on. */
static void *begin_request(void *arg, const char *target, struct MHD_Connection *c)
{
	struct exchange *x = calloc(1, sizeof(*x));

	(void)arg, (void)c;
	if (x)
		x->target = strdup(target);
	return x;
}

static void gather(struct exchange *x, const char *data, size_t len)
{
	if (x->status)
		return;
	if (len > BODY_MAX - x->len) {
		x->status = MHD_HTTP_CONTENT_TOO_LARGE;
		return;
	}
	if (x->room - x->len < len) {
		size_t room = 2 * x->room > x->len + len ? 2 * x->room : x->len + len;
		char *grown = realloc(x->body, room);

		if (!grown) {
			x->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
			return;
		}
		x->body = grown;
		x->room = room;
	}
	memcpy(x->body + x->len, data, len);
	x->len += len;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *data, size_t *len, void **context)
{
	struct exchange *x = *context;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *connection = info ? info->socket_context : NULL;

	(void)url, (void)version;
	if (!x || !x->target || !connection)
		return MHD_NO;
	if (!x->begun) { /* the headers have arrived */
		x->begun = true;
		return MHD_YES;
	}
	if (*len) {
		gather(x, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (x->status)
		return reply_text(c, x->status, "the body is too long");
	atomic_store(&connection->since, 0);
	return answer_request(arg, c, connection, x, method);
}

static void end_request(void *arg, struct MHD_Connection *c, void **context,
			enum MHD_RequestTerminationCode why)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct connection *connection = info ? info->socket_context : NULL;
	struct exchange *x = *context;

	(void)arg, (void)why;
	if (connection)
		atomic_store(&connection->since, now_s());
	if (!x)
		return;
	free(x->target);
	free(x->body);
	free(x);
	*context = NULL;
}

static void get_address(struct MHD_Connection *c, char ret[INET6_ADDRSTRLEN])
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	snprintf(ret, INET6_ADDRSTRLEN, "local");
	if (address && address->sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, ret,
				INET6_ADDRSTRLEN);
	else if (address && address->sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
				ret, INET6_ADDRSTRLEN);
}

static struct connection *connection_begin(struct server *server, struct MHD_Connection *c)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!connection)
		return NULL;
	connection->socket = info ? info->connect_fd : -1;
	connection->call_file = CALL_FILE_INIT;
	atomic_init(&connection->since, now_s());
	get_address(c, connection->address);
	scoped_lock(&server->lock);
	connection->next = server->connections;
	if (connection->next)
		connection->next->prev = connection;
	server->connections = connection;
	return connection;
}

static void connection_end(struct server *server, struct connection *connection)
{
	pthread_mutex_lock(&server->lock);
	if (connection->prev)
		connection->prev->next = connection->next;
	else
		server->connections = connection->next;
	if (connection->next)
		connection->next->prev = connection->prev;
	server->last_used = now_s();
	pthread_mutex_unlock(&server->lock);
	call_file_close(&connection->call_file);
	free(connection);
}

static void notify_connection(void *arg, struct MHD_Connection *c, void **context,
			      enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*context = connection_begin(arg, c);
	else if (*context)
		connection_end(arg, *context);
}

int server_tend(struct server *server)
{
	int64_t now = now_s();

	answer_cache_expire(server->cache);
	scoped_lock(&server->lock);
	for (struct connection *c = server->connections; c; c = c->next) {
		int64_t since = atomic_load(&c->since);

		/* The thread of the connection then sees the end of the stream and cleans up. */
		if (since && now - since > REQUEST_S && c->socket >= 0)
			(void)shutdown(c->socket, SHUT_RDWR);
	}
	return server->connections ? 0 : (int)(now - server->last_used);
}

/* -------------------------------------------------------------- start, stop */

static int read_file(const char *path, char **ret, struct error *e)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	size_t room = 0;

	if (!f)
		return error_set(e, errno, "cannot read '%s': %s", path, strerror(errno));
	if (getdelim(ret, &room, '\0', f) < 0)
		return error_set(e, EINVAL, "'%s' is empty", path);
	return 0;
}

static int read_certificate(const struct server_options *options, char **ret_certificate, char **ret_key,
			    struct error *e)
{
	int r = read_file(options->certificate, ret_certificate, e);

	return r < 0 ? r : read_file(options->key, ret_key, e);
}

static int start_daemon(struct server *server, const struct server_options *options, struct error *e)
{
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			 MHD_USE_ITC | (server->tls ? MHD_USE_TLS : 0);
	_cleanup_free_ char *certificate = NULL, *key = NULL;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};
	int r;

	if (server->tls) {
		r = read_certificate(options, &certificate, &key, e);
		if (r < 0)
			return r;
		tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, certificate};
		tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, key};
	}
	server->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, options->socket,
		MHD_OPTION_URI_LOG_CALLBACK, begin_request, server, MHD_OPTION_NOTIFY_COMPLETED, end_request,
		server, MHD_OPTION_NOTIFY_CONNECTION, notify_connection, server, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_OF_ONE,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_S, MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
	if (server->daemon)
		return 0;
	return server->tls ? error_set(e, EINVAL, "cannot serve with the certificate '%s' and the key '%s'",
				       options->certificate, options->key)
			   : error_set(e, EIO, "cannot start the HTTP server");
}

/* On an error, too, server_stop() releases what was started. */
static int start(struct server *server, const struct server_options *options, struct error *e)
{
	json_t *openapi;
	int r;

	pthread_mutex_init(&server->lock, NULL);
	server->tls = options->certificate != NULL;
	server->last_used = now_s();
	r = mount_open(options->mountpoint, &server->mount, &server->operations, e);
	if (r < 0)
		return r;
	server->routes = routes_new(server->operations);
	server->refusals = refusals_new();
	server->cache = answer_cache_new();
	openapi = server->routes ? openapi_make(server->routes, POOLFS_VERSION) : NULL;
	server->openapi = openapi ? json_dumps(openapi, JSON_COMPACT) : NULL;
	json_decref(openapi);
	if (!server->openapi || !server->refusals || !server->cache)
		return error_oom(e);
	return start_daemon(server, options, e);
}

int server_start(const struct server_options *options, struct server **ret_server, struct error *e)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return error_oom(e);
	r = start(server, options, e);
	if (r < 0) {
		server_stop(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

void server_stop(struct server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	mount_close(server->mount);
	routes_free(server->routes);
	refusals_free(server->refusals);
	answer_cache_free(server->cache);
	json_decref(server->operations);
	pthread_mutex_destroy(&server->lock);
	free(server->openapi);
	free(server);
}
