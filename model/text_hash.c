/* SPDX-License-Identifier: Apache-2.0 */
/* See text_hash.h. */
#include "model/text_hash.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "model/text.h"

/* Immutable after key_init(). */
static unsigned char hash_key[crypto_shorthash_KEYBYTES];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void key_init(void)
{
	if (sodium_init() < 0)
		abort(); /* no source of random numbers */
	randombytes_buf(hash_key, sizeof(hash_key));
}

uint64_t text_hash(const char *text)
{
	unsigned char out[crypto_shorthash_BYTES];
	char key[512];
	uint64_t hash;

	pthread_once(&key_once, key_init);
	crypto_shorthash(out, (const unsigned char *)key, text_key(text, key, sizeof(key)), hash_key);
	memcpy(&hash, out, sizeof(hash));
	return hash;
}
