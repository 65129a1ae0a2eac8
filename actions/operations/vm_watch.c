/* SPDX-License-Identifier: Apache-2.0 */
/* What the files in `console` of a VM show, as answers to calls: for programs that show it to others. */
#include <sodium.h>
#include <string.h>

#include "actions/engine/pool.h"
#include "actions/operations/table.h"
#include "actions/vm/console_log.h"
#include "actions/vm/screenshot.h"
#include "model/text.h"

/* ------------------------------------------------------------------ the screen */

static int vm_screenshot_get(struct pool *pool, const struct view *view, const struct request *req,
			     json_t **ret_result, struct error *e)
{
	_cleanup_screenshot_ struct screenshot *shot = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len, size;
	const char *png;
	int r = screenshot_get(pool, request_str(req, "uuid"), &shot, e);

	(void)view;
	if (r < 0)
		return r;
	png = screenshot_png(shot, &len);
	size = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
	text = malloc(size);
	if (!text)
		return error_oom(e);
	(void)sodium_bin2base64(text, size, (const unsigned char *)png, len, sodium_base64_VARIANT_ORIGINAL);
	*ret_result =
		json_pack("{s:s, s:I}", "png", text, "time", (json_int_t)(screenshot_time(shot) / 1000000));
	return *ret_result ? 0 : error_oom(e);
}

/* -------------------------------------------------------------- the serial log */

/* Bytes of the log in an answer, and of one that does not say where it begins. */
#define LOG_ANSWER (256 << 10)
#define LOG_TAIL   (64 << 10)

/* How many bytes the character has whose first byte this is; 1: it is none. */
static size_t character_length(unsigned char first)
{
	return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
}

/* Bytes at the end of @text that may be the beginning of a character. */
static size_t unfinished(const char *text, size_t len)
{
	for (size_t back = 1; back < 4 && back <= len; back++) {
		unsigned char c = (unsigned char)text[len - back];

		if (c >= 0xc0)
			return character_length(c) > back ? back : 0;
		if (c < 0x80)
			return 0;
	}
	return 0;
}

/* Guests write what they like: what is no UTF-8, and NUL, becomes U+FFFD. */
static json_t *make_text(const char *bytes, size_t len)
{
	_cleanup_free_ char *text = malloc(3 * len + 1);
	size_t out = 0;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len;) {
		size_t n = character_length((unsigned char)bytes[i]);

		if (bytes[i] && n <= len - i && text_is_utf8(bytes + i, n)) {
			memcpy(text + out, bytes + i, n);
			out += n;
			i += n;
		} else {
			memcpy(text + out, "\xef\xbf\xbd", 3);
			out += 3;
			i++;
		}
	}
	return json_stringn_nocheck(text, out);
}

static int vm_serial_log_get(struct pool *pool, const struct view *view, const struct request *req,
			     json_t **ret_result, struct error *e)
{
	const char *vm = request_str(req, "uuid");
	_cleanup_free_ char *bytes = malloc(LOG_ANSWER);
	int64_t size, changed, next, offset = request_int(req, "offset", -1);
	int r = bytes ? console_log_stat(pool, vm, &size, &changed) : -ENOMEM;
	ssize_t n;

	(void)view;
	if (r < 0)
		return error_set(e, -r, "cannot read the log of the serial console: %s", strerror(-r));
	if (offset < 0)
		offset = size > LOG_TAIL ? size - LOG_TAIL : 0;
	else if (offset > size)
		offset = 0; /* it was begun anew */
	n = console_log_read(pool, vm, bytes, LOG_ANSWER, offset, e);
	if (n < 0)
		return (int)n;
	/* the rest of a character is still to come, or is in the next answer */
	n -= (ssize_t)unfinished(bytes, (size_t)n);
	next = offset + n;
	*ret_result = json_pack("{s:o, s:I, s:I}", "text", make_text(bytes, (size_t)n), "offset",
				(json_int_t)offset, "next", (json_int_t)next);
	return *ret_result ? 0 : error_oom(e);
}

/* ------------------------------------------------------------------ the rows */

static const struct operation get_vm_screenshot = {
	.section = "tree",
	.name = "GetVmScreenshot",
	.message = "org.zstack.header.vm.APIGetVmScreenshotMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/screenshot", NULL},
	.params = (const struct param[]){P_PATH_CHANGED("uuid", KIND_VM), {0}},
	.own_results = (const char *const[]){"png:String", "time:long", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST,
	.help = "the file console/screen.png of a VM, in base64, and when it was taken, ms since 1970",
	.get = vm_screenshot_get,
};

static const struct operation get_vm_serial_log = {
	.section = "tree",
	.name = "GetVmSerialLog",
	.message = "org.zstack.header.vm.APIGetVmSerialLogMsg",
	.method = METHOD_GET,
	.paths = (const char *const[]){"/vm-instances/{uuid}/serial-log", NULL},
	.params =
		(const struct param[]){
			P_PATH_CHANGED("uuid", KIND_VM),
			{.name = "offset", .type = PARAM_LONG, .in = IN_QUERY, .min = 0, .max = INT64_MAX},
			{0}},
	.own_results = (const char *const[]){"text:String", "offset:long", "next:long", NULL},
	.form = FORM_CALL,
	.kind = KIND_NONE,
	.flags = OP_SYNC | OP_NEEDS_HOST,
	.help = "the file console/serial.log of a VM as text, from the byte offset on, or its end; next is the offset "
		"at which it goes on. One that is begun anew begins at 0",
	.get = vm_serial_log_get,
};

const struct operation *const operations_vm_watch[] = {&get_vm_screenshot, &get_vm_serial_log, NULL};
