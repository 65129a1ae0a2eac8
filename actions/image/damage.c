/* SPDX-License-Identifier: Apache-2.0 */
/* See damage.h. */
#include "actions/image/damage.h"

#include <jansson.h>

#include "hypervisor/storage/command.h"
#include "model/json.h"

/* Exit statuses of `qemu-img check`. */
#define CHECK_DAMAGED	  2
#define CHECK_LEAKS	  3
#define CHECK_UNSUPPORTED 63
#define NOT_INSTALLED	  127
/* Seconds; an image can be made so that its tables take days. */
#define PATIENCE 3600

static json_int_t number_of(const char *output, const char *member)
{
	_cleanup_json_ json_t *json = json_loads(output ? output : "", 0, NULL);

	return json_integer_value(json_object_get(json, member));
}

/* Whether the counts were not written before a crash (lazy refcounts): QEMU does it when it opens the image. */
static bool is_dirty(const char *path, hv_progress *progress, void *ctx)
{
	const char *const argv[] = {"qemu-img", "info", "--output=json", "-f", "qcow2", path, NULL};
	_cleanup_command_ struct command_end ended = {0};
	_cleanup_json_ json_t *json = NULL;

	if (command_run_reading(argv, PATIENCE, progress, ctx, &ended, NULL) < 0 || ended.status != 0)
		return false;
	json = json_loads(ended.output ? ended.output : "", 0, NULL);
	return json_is_true(json_object_get(json, "dirty-flag"));
}

int image_check_damage(const char *path, hv_progress *progress, void *ctx, struct error *e)
{
	const char *const argv[] = {"qemu-img", "check", "--output=json", "-f", "qcow2", path, NULL};
	_cleanup_command_ struct command_end ended = {0};
	int r = command_run_reading(argv, PATIENCE, progress, ctx, &ended, e);

	if (r < 0)
		return r;
	switch (ended.status) {
	case 0:
	case CHECK_LEAKS:
	case CHECK_UNSUPPORTED:
	case NOT_INSTALLED:
		return 0;
	case CHECK_DAMAGED:
		return is_dirty(path, progress, ctx)
			       ? 0
			       : error_set(
					 e, EINVAL,
					 "the image is damaged: qemu-img check finds %lld errors; repair it with "
					 "'qemu-img check -r all' first",
					 (long long)number_of(ended.output, "corruptions"));
	default:
		return error_set(e, EINVAL, "qemu-img cannot check the image: %s", ended.message);
	}
}
