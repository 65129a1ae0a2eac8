/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loses power at every point of a recorded life of a pool (record.c, life_main.c), and checks what is left.
 *
 *   usage: faults-replay RECORD STATE posix|ext4 STATES FULL [SEED [POINT]]
 *          faults-replay RECORD STATE posix|ext4 write SEED
 *
 * About STATES crash states are made, spread over all points; at every point those that DISK_KEEP_ALL, DISK_LOSE_ALL
 * and DISK_TEAR_LAST give are among them if STATES is large enough. About FULL of them are checked by opening the whole
 * pool, too. POINT: only that one. `write`: leaves one crash state that SEED chooses, unchecked, and prints its point.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/cleanup.h"
#include "tests/faults/crash_check.h"
#include "tests/faults/disk.h"

#define REPORTS_MAX 20

static const char *const losses[] = {[DISK_KEEP_ALL] = "all kept",
				     [DISK_LOSE_ALL] = "all lost",
				     [DISK_TEAR_LAST] = "last torn",
				     [DISK_RANDOM] = "any lost"};

struct replay {
	const char *root;
	struct disk *disk;
	struct crash_facts facts;
	char step[64];
	double per_point, owed, full_every, full_owed;
	uint64_t seed;
	size_t states, full, wrong;
};

static struct crash_commit commits[100000];
static struct crash_image images[1000];

/* Reads a mark. The facts of images hold for the whole life: an image may be Ready before that was told. */
static void mark_read(struct replay *r, const struct disk_op *op, bool now)
{
	char text[256];
	unsigned long long digest;
	long long events;

	snprintf(text, sizeof(text), "%.*s", (int)op->head->length, (const char *)op->data);
	if (sscanf(text, "commit %llx %lld", &digest, &events) == 2) {
		if (now)
			r->facts.acknowledged++;
		else if (r->facts.commit_count < ARRAY_SIZE(commits))
			commits[r->facts.commit_count++] = (struct crash_commit){digest, events};
	} else if (now) {
		(void)sscanf(text, "step %63[^\n]", r->step);
	} else if (r->facts.image_count < ARRAY_SIZE(images) &&
		   sscanf(text, "image %32s %32s", images[r->facts.image_count].uuid,
			  images[r->facts.image_count].md5) == 2) {
		r->facts.image_count++;
	}
}

static void try_state(struct replay *r, size_t point, enum disk_loss loss)
{
	char reason[512];
	bool ok;

	disk_crash(r->disk, loss, r->seed + r->states * 7919);
	r->states++;
	ok = crash_check_store(r->root, &r->facts, reason);
	r->full_owed += r->full_every;
	if (ok && r->full_owed >= 1) {
		r->full_owed -= 1;
		r->full++;
		disk_crash(r->disk, loss, r->seed + (r->states - 1) * 7919);
		ok = crash_check_pool(r->root, &r->facts, reason);
	}
	if (ok)
		return;
	if (r->wrong++ < REPORTS_MAX)
		printf("point %zu (%s), %s, state %zu: %s\n", point, r->step, losses[loss], r->states,
		       reason);
}

/* Not what changes nothing. */
static bool is_point(const struct disk_op *op)
{
	return op->head->op != RECORD_MARK;
}

/* Leaves a crash state for others to look at. */
static int write_one(struct replay *r, const struct disk_op *ops, size_t count, uint64_t seed)
{
	uint64_t mixed = (seed + 1) * 0x9e3779b97f4a7c15;
	size_t point = mixed % count;

	for (size_t i = 0; i <= point; i++)
		disk_do(r->disk, &ops[i]);
	disk_crash(r->disk, (enum disk_loss)(seed % 4), mixed);
	printf("point %zu, %s\n", point, losses[seed % 4]);
	disk_free(r->disk);
	return 0;
}

int main(int argc, char **argv)
{
	struct replay r = {.facts = {.commits = commits, .images = images}};
	size_t count = 0, points = 0, only = argc > 7 ? strtoul(argv[7], NULL, 10) : SIZE_MAX;
	struct disk_op *ops;

	if (argc < 6)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	ops = disk_ops_read(argv[1], &count);
	if (!ops)
		return 2;
	r.root = argv[2];
	r.disk = disk_new(r.root, strcmp(argv[3], "ext4") == 0 ? DISK_EXT4 : DISK_POSIX);
	if (strcmp(argv[4], "write") == 0)
		return write_one(&r, ops, count, strtoull(argv[5], NULL, 10));
	for (size_t i = 0; i < count; i++) {
		points += is_point(&ops[i]);
		if (ops[i].head->op == RECORD_MARK)
			mark_read(&r, &ops[i], false);
	}
	r.per_point = strtod(argv[4], NULL) / (double)(points ? points : 1);
	r.full_every = strtod(argv[5], NULL) / strtod(argv[4], NULL);
	r.seed = argc > 6 ? strtoull(argv[6], NULL, 10) : 1;
	for (size_t i = 0; i < count; i++) {
		disk_do(r.disk, &ops[i]);
		if (ops[i].head->op == RECORD_MARK)
			mark_read(&r, &ops[i], true);
		if (!is_point(&ops[i]) || (only != SIZE_MAX && only != i))
			continue;
		r.owed += r.per_point;
		for (int n = 0; r.owed >= 1; n++, r.owed -= 1)
			try_state(&r, i,
				  r.per_point < 4   ? (enum disk_loss)(r.states % 4)
				  : n < DISK_RANDOM ? (enum disk_loss)n
						    : DISK_RANDOM);
	}
	printf("%zu operations, %zu commits, %zu images, %s: %zu crash states, %zu with the whole pool, %zu wrong\n",
	       points, r.facts.commit_count, r.facts.image_count, argv[3], r.states, r.full, r.wrong);
	disk_free(r.disk);
	return r.wrong ? 1 : 0;
}
