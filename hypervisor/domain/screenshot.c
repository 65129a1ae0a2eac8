/* SPDX-License-Identifier: Apache-2.0 */
/* See screenshot.h. */
#include "hypervisor/domain/screenshot.h"

#include <stdlib.h>
#include <string.h>

#include "hypervisor/domain/picture.h"
#include "hypervisor/domain_handle.h"
#include "hypervisor/errors.h"

/* The first bytes of a buffer that doubles. */
#define FIRST_BYTES (1 << 20)

static void stream_free(virStreamPtr *stream)
{
	if (*stream)
		(void)virStreamFree(*stream);
}

/* What has come of a picture. */
struct bytes {
	char *data; /* owned */
	size_t len, room;
	int error; /* errno; 0: none */
};

static void bytes_done(struct bytes *bytes)
{
	free(bytes->data);
}

static bool make_room(struct bytes *bytes, size_t more)
{
	size_t room = bytes->room ? bytes->room : FIRST_BYTES;
	char *grown;

	if (more > PICTURE_BYTES - bytes->len) {
		bytes->error = EFBIG;
		return false;
	}
	while (room - bytes->len < more)
		room *= 2;
	if (room == bytes->room)
		return true;
	grown = realloc(bytes->data, room);
	if (!grown) {
		bytes->error = ENOMEM;
		return false;
	}
	bytes->data = grown;
	bytes->room = room;
	return true;
}

static int receive(virStreamPtr stream, const char *data, size_t size, void *opaque)
{
	struct bytes *bytes = opaque;

	(void)stream;
	if (!make_room(bytes, size)) {
		errno = bytes->error;
		return -1;
	}
	memcpy(bytes->data + bytes->len, data, size);
	bytes->len += size;
	return (int)size;
}

static int fail(const struct hv_call *call, const struct bytes *bytes, const char *uuid, struct error *e)
{
	if (bytes->error == EFBIG)
		return error_set(e, EFBIG, "the picture of the screen of domain '%s' has more than %d MiB",
				 uuid, PICTURE_BYTES >> 20);
	if (bytes->error)
		return error_oom(e);
	return error_set_virt(e, call->conn, "cannot take a picture of the screen of domain '%s'", uuid);
}

/* The guests of the simulator leave their screens dark. */
static int take_simulated(const struct hv_call *call, const struct domain *domain, char **ret_png,
			  size_t *ret_len, struct error *e)
{
	static const char head[] = "P6\n640 400\n255\n";
	const size_t len = sizeof(head) - 1 + 640 * 400 * 3;
	_cleanup_free_ char *pixmap = calloc(1, len);
	int r = call->driver->is_active(call, domain, e);

	if (r == 0)
		return error_set(e, EBUSY, "domain '%s' is not running", domain->uuid);
	if (r > 0 && !pixmap)
		return error_oom(e);
	if (r < 0)
		return r;
	memcpy(pixmap, head, sizeof(head) - 1);
	return picture_make_png("image/x-portable-pixmap", pixmap, len, ret_png, ret_len, e);
}

int hv_domain_screenshot(struct hypervisor *hv, const char *host, const char *uuid, char **ret_png,
			 size_t *ret_len, struct error *e)
{
	_cleanup_call_ struct hv_call call = {0};
	_cleanup_domain_ struct domain domain = {0};
	_cleanup_(stream_free) virStreamPtr stream = NULL;
	_cleanup_(bytes_done) struct bytes bytes = {0};
	_cleanup_free_ char *type = NULL;
	int r = domain_enter(hv, host, uuid, &call, &domain, e);

	if (r < 0)
		return r;
	if (call.host->simulator)
		return take_simulated(&call, &domain, ret_png, ret_len, e);
	stream = virStreamNew(call.conn, 0);
	type = stream ? virDomainScreenshot(domain.virt, stream, 0, 0) : NULL;
	/* on failure the stream is aborted already */
	if (!type || virStreamRecvAll(stream, receive, &bytes) < 0 || virStreamFinish(stream) < 0)
		return fail(&call, &bytes, uuid, e);
	return picture_make_png(type, bytes.data ? bytes.data : "", bytes.len, ret_png, ret_len, e);
}
