/* SPDX-License-Identifier: Apache-2.0 */
/* The cost of libmicrohttpd itself: serves the same bytes for every request. rest-static PORT FILE */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char body[1 << 20];
static size_t body_len;

static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *data, size_t *len, void **context)
{
	struct MHD_Response *response;
	enum MHD_Result r;

	(void)arg, (void)url, (void)method, (void)version, (void)data, (void)len;
	if (!*context) {
		*context = body;
		return MHD_YES;
	}
	response = MHD_create_response_from_buffer(body_len, body, MHD_RESPMEM_PERSISTENT);
	if (!response)
		return MHD_NO;
	r = MHD_queue_response(c, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return r;
}

int main(int argc, char **argv)
{
	FILE *f = argc == 3 ? fopen(argv[2], "re") : NULL;

	if (!f)
		return EXIT_FAILURE;
	body_len = fread(body, 1, sizeof(body), f);
	(void)fclose(f);
	if (!MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL,
			      (unsigned short)atoi(argv[1]), NULL, NULL, handle, NULL, MHD_OPTION_END))
		return EXIT_FAILURE;
	(void)pause();
	return EXIT_SUCCESS;
}
