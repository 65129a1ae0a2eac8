/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over the files and folders (one level) given, without
 * libFuzzer: this is how the seeds are part of every test run, with any
 * compiler. Files are cut at 1 MiB.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "model/cleanup.h"

#define INPUT_MAX (1 << 20)

static int replay_file(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *f = fopen(path, "rbe");
	uint8_t *exact;
	size_t size;
	int r;

	if (!f) {
		fprintf(stderr, "cannot read '%s'\n", path);
		return -1;
	}
	size = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	exact = malloc(size ? size : 1); /* so that a sanitizer detects a read past the end */
	if (!exact)
		return -1;
	memcpy(exact, data, size);
	r = LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return r;
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	if (LLVMFuzzerInitialize && LLVMFuzzerInitialize(&argc, &argv) != 0)
		return 1;
	for (int i = 1; i < argc; i++) {
		DIR *dir = opendir(argv[i]);
		struct dirent *entry;

		if (!dir) {
			if (replay_file(argv[i]) < 0)
				return 1;
			count++;
			continue;
		}
		while ((entry = readdir(dir))) {
			_cleanup_free_ char *path = NULL;

			if (entry->d_name[0] == '.')
				continue;
			if (asprintf(&path, "%s/%s", argv[i], entry->d_name) < 0 || replay_file(path) < 0)
				return 1;
			count++;
		}
		(void)closedir(dir);
	}
	printf("%u inputs\n", count);
	return count == 0;
}
