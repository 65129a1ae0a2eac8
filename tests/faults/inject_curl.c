/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of libcurl that the program calls, but those that cannot fail, and curl_url_get(), whose type depends on
 * the version. See inject.h.
 */
#include "tests/faults/inject.h"

#include <dlfcn.h>
#include <stdarg.h>

#include <curl/curl.h>

/* Macros for the types of arguments, which are passed on here as they are. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define REAL(name)                                                                                           \
	({                                                                                                   \
		static typeof(&(name)) real;                                                                 \
		if (!real)                                                                                   \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                           \
		real;                                                                                        \
	})

#define FAILS inject_fails(INJECT_CURL, __func__)

CURL *curl_easy_init(void)
{
	return FAILS ? NULL : REAL(curl_easy_init)();
}

/* All kinds of third arguments are passed in the same way. */
CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
	va_list args;
	void *value;

	va_start(args, option);
	value = va_arg(args, void *);
	va_end(args);
	return FAILS ? CURLE_OUT_OF_MEMORY : REAL(curl_easy_setopt)(curl, option, value);
}

CURLcode curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
	va_list args;
	void *value;

	va_start(args, info);
	value = va_arg(args, void *);
	va_end(args);
	return FAILS ? CURLE_OUT_OF_MEMORY : REAL(curl_easy_getinfo)(curl, info, value);
}

CURLcode curl_easy_perform(CURL *curl)
{
	return FAILS ? CURLE_COULDNT_CONNECT : REAL(curl_easy_perform)(curl);
}

CURLHcode curl_easy_header(CURL *curl, const char *name, size_t index, unsigned origin, int request,
			   struct curl_header **ret)
{
	return FAILS ? CURLHE_OUT_OF_MEMORY : REAL(curl_easy_header)(curl, name, index, origin, request, ret);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
	return FAILS ? NULL : REAL(curl_slist_append)(list, text);
}

CURLM *curl_multi_init(void)
{
	return FAILS ? NULL : REAL(curl_multi_init)();
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *curl)
{
	return FAILS ? CURLM_OUT_OF_MEMORY : REAL(curl_multi_add_handle)(multi, curl);
}

CURLMcode curl_multi_perform(CURLM *multi, int *ret_running)
{
	return FAILS ? CURLM_OUT_OF_MEMORY : REAL(curl_multi_perform)(multi, ret_running);
}

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd *extra, unsigned count, int ms, int *ret_ready)
{
	return FAILS ? CURLM_OUT_OF_MEMORY : REAL(curl_multi_poll)(multi, extra, count, ms, ret_ready);
}

CURLU *curl_url(void)
{
	return FAILS ? NULL : REAL(curl_url)();
}

CURLUcode curl_url_set(CURLU *url, CURLUPart part, const char *text, unsigned flags)
{
	return FAILS ? CURLUE_OUT_OF_MEMORY : REAL(curl_url_set)(url, part, text, flags);
}
