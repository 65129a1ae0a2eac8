/* SPDX-License-Identifier: Apache-2.0 */
/* See digest.h. */
#include "actions/image/digest.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"

#define BLOCK  (512 << 10)
#define BLOCKS (DIGEST_BUFFER / BLOCK)

/* Bytes, or a run of zeros. */
struct block {
	size_t len;
	int64_t zeros;
	unsigned char *bytes; /* BLOCK; owned; NULL until there are any */
};

struct digest {
	EVP_MD_CTX *md; /* of the thread while there are blocks, else of the caller */
	pthread_t thread;
	atomic_bool failed;
	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t changed; /* count, filling or ends */
	struct block blocks[BLOCKS];
	size_t first, count; /* the blocks to be summed: the first one is being, and counts until it is */
	bool ends;
	/* of the caller: bytes of the next block, blocks[(first + count) % BLOCKS], which is not among them yet */
	size_t filled;
};

static bool add_zeros(EVP_MD_CTX *md, int64_t len)
{
	static const unsigned char zeros[1 << 16];

	for (; len > 0; len -= (int64_t)sizeof(zeros))
		if (EVP_DigestUpdate(md, zeros, len < (int64_t)sizeof(zeros) ? (size_t)len : sizeof(zeros)) !=
		    1)
			return false;
	return true;
}

static void *digest_main(void *arg)
{
	struct digest *d = arg;

	(void)pthread_setname_np(pthread_self(), "digest");
	pthread_mutex_lock(&d->lock);
	for (;;) {
		const struct block *b = &d->blocks[d->first];

		if (d->count == 0 && d->ends)
			break;
		if (d->count == 0) {
			pthread_cond_wait(&d->changed, &d->lock);
			continue;
		}
		pthread_mutex_unlock(&d->lock);
		if ((b->len && EVP_DigestUpdate(d->md, b->bytes, b->len) != 1) || !add_zeros(d->md, b->zeros))
			d->failed = true;
		pthread_mutex_lock(&d->lock);
		d->first = (d->first + 1) % BLOCKS;
		d->count--;
		pthread_cond_broadcast(&d->changed);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

struct digest *digest_new(const char *name)
{
	struct digest *d = calloc(1, sizeof(*d));
	const EVP_MD *type = EVP_get_digestbyname(name);

	if (!d)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	d->md = EVP_MD_CTX_new();
	if (type && d->md && EVP_DigestInit_ex(d->md, type, NULL) == 1 &&
	    pthread_create(&d->thread, NULL, digest_main, d) == 0)
		return d;
	EVP_MD_CTX_free(d->md);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	d->count = d->count ? 1 : 0; /* the one that is being summed */
	d->ends = true;
	pthread_cond_broadcast(&d->changed);
	pthread_mutex_unlock(&d->lock);
	(void)pthread_join(d->thread, NULL);
	EVP_MD_CTX_free(d->md);
	for (size_t i = 0; i < BLOCKS; i++)
		free(d->blocks[i].bytes);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* The block that is filled next, once the thread does not have it any more. */
static struct block *next_block(struct digest *d)
{
	scoped_lock(&d->lock);
	while (d->count == BLOCKS)
		pthread_cond_wait(&d->changed, &d->lock);
	return &d->blocks[(d->first + d->count) % BLOCKS];
}

/* Gives the block to the thread. */
static void submit(struct digest *d, struct block *b, int64_t zeros)
{
	scoped_lock(&d->lock);
	b->len = d->filled;
	b->zeros = zeros;
	d->filled = 0;
	d->count++;
	pthread_cond_broadcast(&d->changed);
}

void *digest_room(struct digest *d, size_t *ret_len)
{
	struct block *b = next_block(d);

	if (!b->bytes)
		b->bytes = malloc(BLOCK);
	if (!b->bytes) {
		d->failed = true;
		return NULL;
	}
	*ret_len = BLOCK - d->filled;
	return b->bytes + d->filled;
}

void digest_fill(struct digest *d, size_t len)
{
	d->filled += len;
	if (d->filled == BLOCK)
		submit(d, next_block(d), 0);
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
	const unsigned char *from = bytes;

	while (len > 0) {
		size_t n;
		void *to = digest_room(d, &n);

		if (!to)
			return;
		n = n < len ? n : len;
		memcpy(to, from, n);
		digest_fill(d, n);
		from += n;
		len -= n;
	}
}

void digest_add_zeros(struct digest *d, int64_t len)
{
	if (len > 0)
		submit(d, next_block(d), len);
}

/* Waits until all bytes are summed. */
static void drain(struct digest *d)
{
	if (d->filled)
		submit(d, next_block(d), 0);
	pthread_mutex_lock(&d->lock);
	while (d->count)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);
}

void digest_restart(struct digest *d)
{
	drain(d);
	d->failed = EVP_DigestInit_ex(d->md, NULL, NULL) != 1;
}

bool digest_get(struct digest *d, int64_t zeros, char ret_hex[static DIGEST_STRLEN])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned len = 0;
	bool known;

	drain(d);
	known = md && !d->failed && EVP_MD_CTX_copy_ex(md, d->md) == 1 && add_zeros(md, zeros) &&
		EVP_DigestFinal_ex(md, sum, &len) == 1;
	EVP_MD_CTX_free(md);
	for (unsigned i = 0; known && i < len; i++)
		(void)snprintf(ret_hex + 2 * (size_t)i, 3, "%02x", sum[i]);
	return known;
}
