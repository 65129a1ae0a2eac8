/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes in any pieces: whole and byte by byte agree, and what the parser of
 * the project accepts as one object or array is complete at the same byte.
 */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <string.h>

#include "actions/engine/json_gather.h"

#define LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	struct json_gather whole, pieces;
	json_error_t problem;
	json_t *json;
	int r;

	json_gather_init(&whole, LIMIT);
	json_gather_init(&pieces, LIMIT);
	json_gather_feed(&whole, data, size);
	for (size_t i = 0; i < size; i++)
		json_gather_feed(&pieces, data + i, 1);
	fuzz_require(whole.state == pieces.state && whole.end == pieces.end && whole.fed == pieces.fed);
	fuzz_require(whole.depth <= JSON_GATHER_DEPTH && whole.end <= LIMIT);
	r = json_gather_finish(&whole, &e);
	fuzz_require((r == 0) == (whole.state == JSON_GATHER_COMPLETE) && (r < 0) == error_is_set(&e));

	json = json_loadb((const char *)data, size, JSON_DISABLE_EOF_CHECK, &problem);
	/* jansson accepts the "[0\0]" that the scanner refuses */
	if (json && !memchr(data, '\0', size) && whole.state != JSON_GATHER_TOO_DEEP &&
	    whole.state != JSON_GATHER_TOO_LONG)
		fuzz_require(whole.end == (uint64_t)problem.position);
	json_decref(json);
	return 0;
}
