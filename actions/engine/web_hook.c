/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See web_hook.h. One thread makes all deliveries with libcurl's multi interface.
 * The lock guards only the list of new deliveries, which the store's writer thread
 * appends to; all others belong to the thread.
 */
#include "actions/engine/web_hook.h"

#include <curl/curl.h>
#include <search.h>
#include <string.h>

#include "actions/engine/result.h"
#include "actions/engine/url_policy.h"
#include "model/log.h"
#include "model/states.h"

#define ATTEMPTS	15
#define PAUSE_NS	INT64_C(2000000000)
#define ATTEMPT_TIMEOUT 10L /* s */
#define AT_A_TIME	32
#define IDLE_MS		60000

struct delivery {
	struct delivery *next;
	struct web_hooks *hooks;
	char job[UUID_SIZE];
	int attempts;
	int64_t due;		    /* ns */
	CURL *curl;		    /* owned; while an attempt is under way */
	struct curl_slist *headers; /* owned; as above */
	struct url_policy *policy;  /* owned; as above */
	struct url_guard guard;
};

struct web_hooks {
	struct pool *pool;
	CURLM *multi;
	pthread_t thread;
	bool runs;
	int active;		     /* the thread's own */
	struct delivery *deliveries; /* the thread's own */
	void *known;		     /* the thread's own: a tsearch tree of the same ones, by their jobs */
	pthread_mutex_t lock;
	struct delivery *fresh; /* lock; may have jobs that deliveries has, too */
	bool missed;		/* lock; there was no memory for some, which the database has */
	bool stopping;		/* lock */
};

static void add(struct web_hooks *hooks, const struct object *job)
{
	struct delivery *d = calloc(1, sizeof(*d));

	pthread_mutex_lock(&hooks->lock);
	if (d) {
		d->hooks = hooks;
		memcpy(d->job, object_uuid(job), sizeof(d->job));
		d->next = hooks->fresh;
		hooks->fresh = d;
	} else {
		hooks->missed = true;
	}
	pthread_mutex_unlock(&hooks->lock);
	(void)curl_multi_wakeup(hooks->multi);
}

static bool is_pending(const struct object *job)
{
	return job && job->kind->id == KIND_JOB && !object_is_null(job, JOB_WEB_HOOK) &&
	       job_state_is_final(object_str(job, JOB_STATE));
}

/* In the store's writer thread. */
static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)view;
	for (size_t i = 0; i < count; i++)
		if (is_pending(changes[i].after) && !is_pending(changes[i].before))
			add(ctx, changes[i].after);
}

/* In the writer thread, too, so that no job is missed or added twice. */
static int load_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *job;
	struct view_having having;

	(void)e;
	view_having_init(&having, txn_view(t), KIND_JOB, JOB_WEB_HOOK);
	while ((job = view_having_next(&having)))
		if (is_pending(job))
			add(arg, job);
	return 0;
}

/* --------------------------------------------------------------- deliveries */

static int forget_fn(struct txn *t, void *arg, struct error *e)
{
	const struct object *before = view_get(txn_view(t), KIND_JOB, arg);
	struct object *job;

	if (!before)
		return view_has(txn_view(t), KIND_JOB, arg) ? error_oom(e) : 0;
	job = object_copy(before);
	object_set_null(job, JOB_WEB_HOOK);
	return txn_put(t, job, NULL, e);
}

static void forget(struct web_hooks *hooks, struct delivery *d)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;

	if (store_run(pool_store(hooks->pool), forget_fn, d->job, &e) < 0)
		log_error("job", d->job, "cannot record the call of its web hook: %s", error_sentence(&e));
}

static void attempt_done(struct delivery *d)
{
	if (d->curl) {
		(void)curl_multi_remove_handle(d->hooks->multi, d->curl);
		curl_easy_cleanup(d->curl);
		d->hooks->active--;
	}
	curl_slist_free_all(d->headers);
	url_policy_free(d->policy);
	d->curl = NULL;
	d->headers = NULL;
	d->policy = NULL;
}

static void delivery_free(struct delivery *d)
{
	attempt_done(d);
	free(d);
}

/* All of `deliveries` are known. */
static void known_free(void *delivery)
{
	delivery_free(delivery);
}

/* Discards the body of the answer. */
static size_t swallow(char *data, size_t size, size_t count, void *arg)
{
	(void)data, (void)arg;
	return size * count;
}

static bool set_headers(struct delivery *d, bool success)
{
	const char *const fixed[] = {"Content-Type: application/json; charset=utf-8",
				     success ? "X-Job-Success: true" : "X-Job-Success: false", "Expect:"};
	struct curl_slist *list = NULL;
	char id[64];

	snprintf(id, sizeof(id), "X-Job-UUID: %s", d->job);
	list = curl_slist_append(NULL, id);
	for (size_t i = 0; list && i < ARRAY_SIZE(fixed); i++) {
		d->headers = list;
		list = curl_slist_append(list, fixed[i]);
	}
	d->headers = list ? list : d->headers;
	return list != NULL;
}

/* False when memory is short. */
static bool set_up(struct delivery *d, const char *url, const char *body)
{
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                                   \
	do {                                                                                                 \
		if (code == CURLE_OK)                                                                        \
			code = curl_easy_setopt(d->curl, option, value);                                     \
	} while (0)
	/* The receiver may have a self-signed certificate (behaviour.md 1.6). */
	SET(CURLOPT_SSL_VERIFYPEER, 0L);
	SET(CURLOPT_SSL_VERIFYHOST, 0L);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT, ATTEMPT_TIMEOUT);
	SET(CURLOPT_HTTPHEADER, d->headers);
	SET(CURLOPT_WRITEFUNCTION, swallow);
	SET(CURLOPT_USERAGENT, "poolfs/" POOLFS_VERSION);
	SET(CURLOPT_COPYPOSTFIELDS, body);
#undef SET
	return code == CURLE_OK;
}

/* False when memory is short: to be tried again later. */
static bool begin_attempt(struct delivery *d, const struct view *view, const struct object *job)
{
	_cleanup_free_ char *body = job_body(job);

	if (url_policy_new(view, pool_state_dir(d->hooks->pool), object_str(job, JOB_ACCOUNT_UUID),
			   &d->policy, NULL) < 0)
		return false;
	d->curl = body ? curl_easy_init() : NULL;
	if (!d->curl)
		return false;
	d->hooks->active++;
	if (!set_headers(d, object_str_is(job, JOB_STATE, JOB_STATE_DONE)))
		return false;
	return set_up(d, object_str(job, JOB_WEB_HOOK), body) &&
	       url_policy_guard(d->policy, d->curl, &d->guard) == CURLE_OK &&
	       curl_multi_add_handle(d->hooks->multi, d->curl) == CURLM_OK;
}

static int compare_jobs(const void *a, const void *b)
{
	return strcmp(((const struct delivery *)a)->job, ((const struct delivery *)b)->job);
}

/* Begins the attempts that are due. Frees deliveries whose job is gone. */
static void begin_due(struct web_hooks *hooks)
{
	_cleanup_view_ struct view *view = store_view(pool_store(hooks->pool));
	int64_t now = store_now();

	for (struct delivery **link = &hooks->deliveries, *d; (d = *link);) {
		const struct object *job = view_get(view, KIND_JOB, d->job);

		if (!d->curl && (job ? !is_pending(job) : !view_has(view, KIND_JOB, d->job))) {
			*link = d->next;
			(void)tdelete(d, &hooks->known, compare_jobs);
			delivery_free(d);
			continue;
		}
		link = &d->next;
		/* If the clock was set back, `due` may be far in the future: do not wait for it. */
		if (d->curl || hooks->active >= AT_A_TIME || (d->due > now && d->due - now <= PAUSE_NS))
			continue;
		if (!job || !begin_attempt(d, view, job)) {
			attempt_done(d);
			d->due = now + PAUSE_NS;
		}
	}
}

static void end_attempt(struct web_hooks *hooks, CURL *curl, CURLcode code)
{
	struct delivery *d = hooks->deliveries;
	long status = 0;
	bool refused;

	while (d->curl != curl)
		d = d->next;
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	refused = code == CURLE_COULDNT_CONNECT && d->guard.refused;
	attempt_done(d);
	d->due = store_now() + PAUSE_NS;
	/* One attempt and ATTEMPTS retries, unless the account may not reach the address. */
	if ((code == CURLE_OK && status >= 200 && status < 300) || refused || ++d->attempts > ATTEMPTS)
		forget(hooks, d);
}

static void end_attempts(struct web_hooks *hooks)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(hooks->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			end_attempt(hooks, message->easy_handle, message->data.result);
}

/* Takes over the new deliveries. False when the thread must end. */
static bool take_fresh(struct web_hooks *hooks)
{
	struct delivery *d;
	bool missed, lacking = false, go_on;

	pthread_mutex_lock(&hooks->lock);
	d = hooks->fresh;
	hooks->fresh = NULL;
	missed = hooks->missed;
	hooks->missed = false;
	go_on = !hooks->stopping;
	pthread_mutex_unlock(&hooks->lock);
	while (d) {
		struct delivery *next = d->next, *const *known = tsearch(d, &hooks->known, compare_jobs);

		if (known && *known == d) {
			d->next = hooks->deliveries;
			hooks->deliveries = d;
		} else {
			lacking = lacking || !known; /* memory */
			delivery_free(d);
		}
		d = next;
	}
	if (missed && go_on && store_run(pool_store(hooks->pool), load_fn, hooks, NULL) < 0)
		lacking = true;
	if (lacking) {
		pthread_mutex_lock(&hooks->lock);
		hooks->missed = true;
		pthread_mutex_unlock(&hooks->lock);
	}
	return go_on;
}

/* Milliseconds until an attempt is due; curl itself wakes up for those under way. */
static int pause_ms(struct web_hooks *hooks)
{
	int64_t now = store_now(), ms = IDLE_MS;

	pthread_mutex_lock(&hooks->lock);
	if (hooks->missed)
		ms = PAUSE_NS / 1000000;
	pthread_mutex_unlock(&hooks->lock);
	for (const struct delivery *d = hooks->deliveries; d; d = d->next) {
		int64_t left = (d->due - now) / 1000000 + 1;

		if (!d->curl && left < ms)
			ms = left < 10 ? 10 : left;
	}
	return (int)ms;
}

static void *thread_main(void *arg)
{
	struct web_hooks *hooks = arg;
	int running;

	pthread_setname_np(pthread_self(), "web-hooks");
	while (take_fresh(hooks)) {
		begin_due(hooks);
		(void)curl_multi_perform(hooks->multi, &running);
		end_attempts(hooks);
		(void)curl_multi_poll(hooks->multi, NULL, 0, pause_ms(hooks), NULL);
	}
	return NULL;
}

/* ------------------------------------------------------------- open, close */

int web_hooks_new(struct pool *pool, struct web_hooks **ret_hooks, struct error *e)
{
	struct web_hooks *hooks = calloc(1, sizeof(*hooks));
	int r;

	if (!hooks || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(hooks);
		return error_oom(e);
	}
	hooks->pool = pool;
	hooks->multi = curl_multi_init();
	pthread_mutex_init(&hooks->lock, NULL);
	*ret_hooks = hooks;
	if (!hooks->multi)
		return error_oom(e);
	r = pool_observe(pool, observe, hooks, e);
	if (r < 0)
		return r;
	r = store_run(pool_store(pool), load_fn, hooks, e);
	if (r < 0)
		return r;
	r = pthread_create(&hooks->thread, NULL, thread_main, hooks);
	hooks->runs = r == 0;
	return r ? error_set(e, r, "cannot start a thread: %s", strerror(r)) : 0;
}

static void list_free(struct delivery *d)
{
	while (d) {
		struct delivery *next = d->next;

		delivery_free(d);
		d = next;
	}
}

void web_hooks_stop(struct web_hooks *hooks)
{
	if (!hooks || !hooks->runs)
		return;
	pthread_mutex_lock(&hooks->lock);
	hooks->stopping = true;
	pthread_mutex_unlock(&hooks->lock);
	(void)curl_multi_wakeup(hooks->multi);
	pthread_join(hooks->thread, NULL);
	hooks->runs = false;
}

void web_hooks_free(struct web_hooks *hooks)
{
	if (!hooks)
		return;
	list_free(hooks->fresh);
	tdestroy(hooks->known, known_free);
	curl_multi_cleanup(hooks->multi);
	pthread_mutex_destroy(&hooks->lock);
	free(hooks);
}
