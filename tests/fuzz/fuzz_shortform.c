/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a short request: refused with a sentence, or JSON strings that survive a dump and a load. */
#include "tests/fuzz/fuzz.h"

#include "actions/engine/shortform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(error_done) struct error e = ERROR_INIT;
	_cleanup_free_ char *dump = NULL;
	json_t *request = NULL, *again;

	if (shortform_parse((const char *)data, size, &request, &e) < 0) {
		fuzz_require(error_is_set(&e) && e.details && !request);
		again = json_string(e.details);
		fuzz_require(again != NULL); /* sentences are UTF-8, regardless of what they quote */
		json_decref(again);
		return 0;
	}
	fuzz_require(!error_is_set(&e));
	dump = json_dumps(request, JSON_COMPACT);
	again = dump ? json_loads(dump, 0, NULL) : NULL;
	fuzz_require(again && json_equal(request, again));
	json_decref(again);
	json_decref(request);
	return 0;
}
