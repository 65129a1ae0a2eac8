/* SPDX-License-Identifier: Apache-2.0 */
/* See pool_log.h. The functions run in the store's thread. */
#include "actions/pool_log.h"

#include <string.h>

#include "model/json.h"
#include "model/log.h"
#include "model/states.h"

static bool has_changed(const struct object *before, const struct object *after, int field)
{
	return !before || strcmp(object_text(before, field), object_text(after, field)) != 0;
}

/* A host that is still Connected, and has what it lacked. */
static bool lacks_nothing_more(const struct object *before, const struct object *host)
{
	return before && object_str_is(before, HOST_STATUS, STATUS_CONNECTED) &&
	       object_str_is(host, HOST_STATUS, STATUS_CONNECTED) &&
	       *object_text(before, HOST_STATUS_REASON) && !*object_text(host, HOST_STATUS_REASON);
}

static void tell_of_host(const struct object *before, const struct object *host)
{
	const char *reason = object_text(host, HOST_STATUS_REASON);
	bool is_wrong = object_str_is(host, HOST_STATUS, STATUS_DISCONNECTED) ||
			(*reason && object_str_is(host, HOST_STATUS, STATUS_CONNECTED));

	if (has_changed(before, host, HOST_STATUS) ||
	    (is_wrong && has_changed(before, host, HOST_STATUS_REASON)))
		log_write(is_wrong ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "host", object_uuid(host),
			  "'%s' is %s%s%s", object_name(host), object_text(host, HOST_STATUS),
			  *reason ? ": " : "", reason);
	else if (lacks_nothing_more(before, host))
		log_info("host", object_uuid(host), "'%s' has all that it lacked", object_name(host));
}

static void tell_of_job(const struct object *before, const struct object *job)
{
	_cleanup_json_ json_t *json = NULL;
	_cleanup_(error_done) struct error e = ERROR_INIT;
	const char *state = object_text(job, JOB_STATE);

	if (!has_changed(before, job, JOB_STATE))
		return;
	if (strcmp(state, JOB_STATE_FAILED) != 0) {
		log_debug("job", object_uuid(job), "%s of %s is %s", object_text(job, JOB_OPERATION),
			  object_text(job, JOB_RESOURCE), state);
		return;
	}
	json = json_loads(object_text(job, JOB_ERROR), 0, NULL);
	if (json)
		error_from_json(json, &e);
	log_warning("job", object_uuid(job), "%s of %s failed: %s", object_text(job, JOB_OPERATION),
		    object_text(job, JOB_RESOURCE), error_sentence(&e));
}

static void tell_of_setting(const struct object *before, const struct object *setting)
{
	if (before && has_changed(before, setting, GLOBAL_CONFIG_VALUE))
		log_info("setting", NULL, "%s/%s is '%s' now, was '%s'",
			 object_text(setting, GLOBAL_CONFIG_CATEGORY), object_name(setting),
			 object_text(setting, GLOBAL_CONFIG_VALUE), object_text(before, GLOBAL_CONFIG_VALUE));
}

/* The kinds that the log tells of. */
static const struct row {
	enum kind_id kind;
	void (*tell)(const struct object *before, const struct object *after);
} rows[] = {
	{KIND_HOST, tell_of_host},
	{KIND_JOB, tell_of_job},
	{KIND_GLOBAL_CONFIG, tell_of_setting},
};

static void observe(void *ctx, struct view *view, const struct change *changes, size_t count)
{
	(void)ctx;
	(void)view;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; changes[i].after && k < ARRAY_SIZE(rows); k++)
			if (changes[i].after->kind->id == rows[k].kind)
				rows[k].tell(changes[i].before, changes[i].after);
}

int pool_log_start(struct pool *pool, struct error *e)
{
	return pool_observe(pool, observe, pool, e);
}
