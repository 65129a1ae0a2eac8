/* SPDX-License-Identifier: Apache-2.0 */
/* See server.h. */
#include "rest/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "model/json.h"
#include "model/log.h"
#include "rest/answer_cache.h"
#include "rest/connection.h"
#include "rest/console.h"
#include "rest/events.h"
#include "rest/export.h"
#include "rest/failures.h"
#include "rest/image_upload.h"
#include "rest/login.h"
#include "rest/metrics.h"
#include "rest/message.h"
#include "rest/openapi.h"
#include "rest/page.h"
#include "rest/refusals.h"
#include "rest/request.h"

#define CONNECTIONS	   1024
#define CONNECTIONS_OF_ONE 512 /* address */
#define BASE_SIZE	   280 /* bytes of the text of the interface's URL */
#define FAILURE_SHOWN	   400 /* bytes of an answer, in the log */
#define FULL_MS		   100 /* until the next try when there are no more descriptors */

struct server {
	struct mount *mount;
	json_t *operations; /* owned; the routes borrow from it */
	struct routes *routes;
	struct refusals *refusals;
	struct failures *failures;
	struct answer_cache *cache;
	struct consoles *consoles;
	struct metrics *metrics; /* NULL: not served */
	struct events *events;
	struct service service;
	char *openapi; /* owned */
	int socket;    /* owned: listening */
	int stop;      /* owned: an eventfd that ends the thread */
	bool accepting;
	pthread_t thread; /* accepts connections, if `accepting` */
};

static const char path_login[] = "/login", path_metrics[] = "/metrics";

/* ------------------------------------------------------------------ answers */

static const char type_json[] = "application/json;charset=UTF-8";

static struct response *reply_json(int status, const char *text, size_t len)
{
	return response_new(status, type_json, text, len);
}

/* The body of @answer, which loses it. */
static struct response *reply_body(int status, struct answer *answer)
{
	return response_take(status, type_json, steal(&answer->text), answer->body, answer->len);
}

/* The status page runs no script and loads nothing but its own files. */
static struct response *reply_page(const struct page_file *file)
{
	struct response *response =
		response_take(200, file->type, NULL, file->start, (size_t)(file->end - file->start));

	if (response)
		response->fields =
			"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
			"connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
			"frame-ancestors 'none'\r\n"
			"X-Content-Type-Options: nosniff\r\n"
			"Referrer-Policy: no-referrer\r\n"
			"Cache-Control: no-cache\r\n";
	return response;
}

/* Of the page: {"name": ..., "password": ...} becomes {"session": ...}. */
static struct response *reply_login(struct server *server, const struct exchange *x, struct call_file *file)
{
	json_t *json = json_loadb(x->body ? x->body : "", x->len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *password = json_string_value(json_object_get(json, "password"));
	_cleanup_(error_done) struct error e = ERROR_INIT;
	char session[MOUNT_UUID_SIZE], text[64];
	int r = name && password
			? login_open(server->mount, file, x->client, name, password, session, &e)
			: error_set(&e, EINVAL, "the body must be {\"name\": ..., \"password\": ...}");

	json_decref(json);
	if (r < 0)
		return response_error(&e);
	snprintf(text, sizeof(text), "{\"session\":\"%s\"}", session);
	return reply_json(200, text, strlen(text));
}

/* The interface as the client sees it: on the host and port of its own request (behaviour.md 6.5). */
static void write_base(const struct exchange *x, char ret[BASE_SIZE])
{
	const char *host = x->host;

	if (!host || !*host || strlen(host) > 255 ||
	    host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]")])
		host = "localhost";
	snprintf(ret, BASE_SIZE, "%s://%s/zstack", x->https ? "https" : "http", host);
}

/* Where the client polls the job. */
static struct response *reply_location(const struct exchange *x, const char *job)
{
	char base[BASE_SIZE], text[512];
	int len;

	write_base(x, base);
	len = snprintf(text, sizeof(text), "{\"location\":\"%s/v1/api-jobs/%s\"}", base, job);
	return reply_json(202, text, (size_t)len);
}

static const char session_ended[] =
	"{\"error\":{\"code\":\"ID.1001\",\"description\":\"The session is invalid, either wrong session id or the "
	"session has been expired\",\"details\":\"Session expired\"}}";

static struct response *reply_no_session(void)
{
	return reply_json(503, session_ended, sizeof(session_ended) - 1);
}

/* As reply_answer(), to a call by a message. */
static struct response *reply_message(const struct plan *plan, const struct answer *answer)
{
	const char *body = answer->body;
	bool failed = answer->word == ANSWER_ERROR || answer->word == ANSWER_SESSION;
	_cleanup_free_ char *text = NULL;
	struct response *response;

	switch (answer->word) {
	case ANSWER_OK:
	case ANSWER_ERROR:
		break;
	case ANSWER_JOB:
	case ANSWER_WAIT:
		body = NULL;
		break;
	case ANSWER_SESSION:
		body = session_ended;
		break;
	case ANSWER_GONE:
		return response_text(404, "No api result found: the job has been expired");
	case ANSWER_INVALID:
	case ANSWER_FORBIDDEN:
	case ANSWER_CONFLICT:
		return response_text(400, answer->body);
	}
	text = message_answer(plan, body);
	response = text ? reply_json(200, text, strlen(text)) : NULL;
	if (response)
		response->failed = failed;
	return response;
}

static struct response *reply_answer(struct server *server, const struct exchange *x, const struct plan *plan,
				     struct answer *answer)
{
	char text[128];

	if (plan->event)
		return reply_message(plan, answer);
	switch (answer->word) {
	case ANSWER_OK:
		return reply_body(200, answer);
	case ANSWER_JOB:
	case ANSWER_WAIT:
		return reply_location(x, plan->job);
	case ANSWER_ERROR:
		return reply_body(503, answer);
	case ANSWER_INVALID:
		return response_text(400, answer->body);
	case ANSWER_FORBIDDEN:
		return response_text(403, answer->body);
	case ANSWER_GONE:
		if (refusals_has(server->refusals, plan->job))
			return reply_no_session();
		return response_text(404, "the job has been expired");
	case ANSWER_CONFLICT:
		snprintf(text, sizeof(text), "Duplicate job uuid[%s]", plan->job);
		return response_text(400, text);
	case ANSWER_SESSION:
		if (plan->sync)
			return reply_no_session();
		refusals_add(server->refusals, plan->job);
		return reply_location(x, plan->job);
	}
	return NULL;
}

/*
 * Refuses a call whose session has ended. A client that waits for its web hook never polls, so the pool is asked to
 * call that; it does so if the session was one.
 */
static struct response *refuse_session(struct server *server, const struct exchange *x,
				       struct call_file *file, const struct plan *plan)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
	_cleanup_free_ char *text = plan->hook && !plan->bad_session ? plan_of_ended_session(plan) : NULL;

	if (text && (mount_call(server->mount, file, "", text, strlen(text), &answer, &e) < 0 ||
		     answer.word != ANSWER_JOB)) {
		answer_done(&answer);
		answer.word = ANSWER_SESSION;
	}
	return reply_answer(server, x, plan, &answer);
}

/* @key: NULL when the answer must not be cached. */
static struct response *call(struct server *server, const struct exchange *x, struct call_file *file,
			     const struct plan *plan, const struct answer_cache_key *key)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_(answer_done) struct answer answer = {.word = ANSWER_SESSION};
	struct response *response;
	int r;

	if (plan->bad_session)
		return refuse_session(server, x, file, plan);
	r = mount_call(server->mount, file, plan->session, plan->call, strlen(plan->call), &answer, &e);
	if (r == 0) {
		int64_t stamp = answer.word == ANSWER_OK ? answer.stamp : 0;

		if (answer.word == ANSWER_SESSION)
			return refuse_session(server, x, file, plan);
		response = reply_answer(server, x, plan, &answer);
		if (response && (*plan->session || (plan->key_id && answer.word != ANSWER_FORBIDDEN)))
			response->cause = CAUSE_SESSION;
		if (response && key && stamp)
			answer_cache_put(server->cache, key, stamp, response);
		return response;
	}
	return response_error(&e);
}

static struct response *refuse(const struct plan *plan)
{
	struct response *response = response_text(plan->status, plan->text);

	if (*plan->allow)
		response_add_field(response, "Allow", "%s", plan->allow);
	return response;
}

/* An operation of the pool, by HTTP or by a message. */
static struct response *answer_operation(struct server *server, const struct exchange *x,
					 struct call_file *file, struct plan *plan)
{
	const char *target = x->head->target;
	char base[BASE_SIZE];
	struct http_request request = {.method = x->method,
				       .target = target,
				       .signed_method = x->head->method,
				       .date = http_head_field(x->head, "Date"),
				       .authorization = http_head_field(x->head, "Authorization"),
				       .job_uuid = http_head_field(x->head, "X-Job-UUID"),
				       .web_hook = http_head_field(x->head, "X-Web-Hook"),
				       .schema = http_head_field(x->head, "X-JSON-Schema"),
				       .address = x->client,
				       .base = base,
				       .body = x->body,
				       .body_len = x->len};
	/* A signature is valid for a while only, and for the Date with which it came. */
	bool is_signed = request.authorization && strncmp(request.authorization, "OAuth", 5) != 0;
	bool cache = strcmp(x->method, "GET") == 0 && request_api_path(target) && !is_signed &&
		     (!request.job_uuid || request_job_uuid_is_valid(request.job_uuid));
	struct answer_cache_key key = {target, request.authorization, request.schema != NULL};
	int64_t stamp = cache ? mount_stamp(server->mount) : 0;
	bool turn = false;
	struct response *response = stamp ? answer_cache_find(server->cache, &key, stamp, &turn) : NULL;

	if (response)
		return response;
	write_base(x, base);
	if (message_is_target(target))
		message_plan(server->operations, &request, plan);
	else
		request_plan(server->routes, &request, plan);
	response = plan->status ? refuse(plan) : call(server, x, file, plan, cache ? &key : NULL);
	if (turn)
		answer_cache_end_turn(server->cache, &key);
	return response;
}

/* What is asked for, in the log; no text of a client becomes part of it. */
static const char *name_of_request(const struct exchange *x, const struct plan *plan)
{
	if (plan->operation)
		return operation_text(plan->operation, "name");
	if (export_is_target(x->head->target))
		return "an exported image";
	if (events_is_target(x->head->target))
		return "/events";
	if (image_upload_is_target(x->head->target))
		return "an image that is sent";
	if (console_is_asked(x->head))
		return "a console";
	if (strcmp(x->head->target, path_login) == 0 || strcmp(x->head->target, path_metrics) == 0)
		return x->head->target;
	return "no operation";
}

/* A job that has failed is told of by the pool; who asks for its result again is no news. */
static void tell_failure(struct server *server, const struct exchange *x, const struct plan *plan,
			 const struct response *response)
{
	bool is_told = !plan->poll && failures_count(server->failures, response->cause);
	int len = response->len < FAILURE_SHOWN ? (int)response->len : FAILURE_SHOWN;

	log_write(is_told ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "request", x->client,
		  "%s %s is answered with %d: %.*s", x->method, name_of_request(x, plan), response->status,
		  len, response->body);
}

static struct response *answer_request(void *arg, const struct exchange *x, struct call_file *file)
{
	struct server *server = arg;
	const char *target = x->head->target, *api = request_api_path(target);
	bool get = strcmp(x->method, "GET") == 0;
	const struct page_file *page = get ? page_find(target) : NULL;
	_cleanup_(plan_done) struct plan plan = {0};
	struct response *response;

	if (console_is_asked(x->head))
		response = console_answer(server->consoles, file, x);
	else if (page)
		response = reply_page(page);
	else if (strcmp(x->method, "POST") == 0 && strcmp(target, path_login) == 0)
		response = reply_login(server, x, file);
	else if (get && events_is_target(target))
		response = events_answer(server->events, server->mount, file, x);
	else if (get && server->metrics && strcmp(target, path_metrics) == 0)
		response = metrics_answer(server->metrics, server->mount, file, x);
	else if (get && api && strcmp(api, "/openapi.json") == 0)
		response = reply_json(200, server->openapi, strlen(server->openapi));
	else if (export_is_target(target))
		response = export_answer(server->mount, x);
	else if (image_upload_is_target(target))
		response = image_upload_answer(server->mount, x);
	else
		response = answer_operation(server, x, file, &plan);
	if (response && (response->status >= 500 || response->failed))
		tell_failure(server, x, &plan, response);
	return response;
}

/* -------------------------------------------------------------- connections */

/* The numeric address, "local" for a Unix socket. One of IPv4 looks the same on a socket for both. */
static void get_address(const struct sockaddr_storage *address, char ret[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	snprintf(ret, INET6_ADDRSTRLEN, "local");
	if (address->ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &v4->sin_addr, ret, INET6_ADDRSTRLEN);
	else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		(void)inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], ret, INET6_ADDRSTRLEN);
	else if (address->ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &v6->sin6_addr, ret, INET6_ADDRSTRLEN);
}

static void accept_one(struct server *server)
{
	struct sockaddr_storage address = {0};
	socklen_t len = sizeof(address);
	int fd = accept4(server->socket, (struct sockaddr *)&address, &len, SOCK_CLOEXEC), on = 1;
	char text[INET6_ADDRSTRLEN];

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			clients_make_room(server->service.clients);
			(void)poll(NULL, 0, FULL_MS);
		}
		return;
	}
	get_address(&address, text);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection_start(&server->service, fd, text);
}

static void *accept_all(void *arg)
{
	struct server *server = arg;
	struct pollfd fds[] = {{.fd = server->socket, .events = POLLIN},
			       {.fd = server->stop, .events = POLLIN}};

	while (!fds[1].revents)
		if (poll(fds, ARRAY_SIZE(fds), -1) > 0 && fds[0].revents)
			accept_one(server);
	return NULL;
}

int server_tend(struct server *server)
{
	answer_cache_expire(server->cache);
	failures_tend(server->failures);
	return clients_quiet(server->service.clients);
}

/* -------------------------------------------------------------- start, stop */

/* On an error, too, server_stop() releases what was started. */
static int start(struct server *server, const struct server_options *options, struct error *e)
{
	struct service *service = &server->service;
	json_t *openapi;
	int r;

	*service = (struct service){.proxies = options->proxies,
				    .answer = answer_request,
				    .reads_body = image_upload_reads_body,
				    .arg = server};
	r = options->certificate ? stream_tls_new(options->certificate, options->key, &service->tls, e) : 0;
	if (r == 0)
		r = mount_open(options->mountpoint, &server->mount, &server->operations, e);
	if (r < 0)
		return r;
	server->routes = routes_new(server->operations);
	server->refusals = refusals_new();
	server->failures = failures_new();
	server->cache = answer_cache_new();
	server->consoles = consoles_new(server->mount);
	server->metrics = options->metrics ? metrics_new() : NULL;
	server->events = events_new();
	service->clients = clients_new(CONNECTIONS, CONNECTIONS_OF_ONE);
	openapi = server->routes ? openapi_make(server->routes, server->operations, POOLFS_VERSION) : NULL;
	server->openapi = openapi ? json_text(openapi, JSON_COMPACT) : NULL;
	json_decref(openapi);
	if (!server->openapi || !server->refusals || !server->failures || !server->cache || !server->events ||
	    !server->consoles || !service->clients || !server->metrics != !options->metrics)
		return error_oom(e);
	server->stop = eventfd(0, EFD_CLOEXEC);
	if (server->stop < 0 || fcntl(server->socket, F_SETFL, O_NONBLOCK) < 0)
		return error_set(e, errno, "cannot start the HTTP server: %s", strerror(errno));
	server->accepting = pthread_create(&server->thread, NULL, accept_all, server) == 0;
	return server->accepting ? 0 : error_oom(e);
}

int server_start(const struct server_options *options, struct server **ret_server, struct error *e)
{
	struct server *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return error_oom(e);
	server->socket = options->socket;
	server->stop = -1;
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
	if (server->accepting) {
		(void)eventfd_write(server->stop, 1);
		(void)pthread_join(server->thread, NULL);
	}
	(void)close(server->socket);
	if (server->stop >= 0)
		(void)close(server->stop);
	if (server->service.clients)
		clients_dismiss(server->service.clients);
	clients_free(server->service.clients);
	stream_tls_free(server->service.tls);
	consoles_free(server->consoles);
	metrics_free(server->metrics, server->mount);
	events_free(server->events);
	mount_close(server->mount);
	routes_free(server->routes);
	refusals_free(server->refusals);
	failures_free(server->failures);
	answer_cache_free(server->cache);
	json_decref(server->operations);
	free(server->openapi);
	free(server);
}
