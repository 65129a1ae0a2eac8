/* SPDX-License-Identifier: Apache-2.0 */
/* See job.h. */
#include "poolctl/job.h"

#include <string.h>
#include <time.h>

#include "model/json.h"
#include "poolctl/screen.h"

/* Between two looks, ms: at first, and at most. */
#define PAUSE_MIN 20
#define PAUSE_MAX 300
#define BAR_WIDTH 30

static int job_value(const struct tree *t, const char *uuid, const char *file, char **ret, struct error *e)
{
	char path[TREE_PATH_SIZE];

	snprintf(path, sizeof(path), "api-jobs/%s/%s", uuid, file);
	return tree_read(t, path, ret, e);
}

/* The reason of a failed job: the sentence in its error. */
static int job_outcome(const struct tree *t, const char *uuid, struct error *e)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_json_ json_t *why = NULL;
	int r = job_value(t, uuid, "error", &text, e);

	if (r < 0 || !*text)
		return r;
	why = json_loads(text, 0, NULL);
	return error_set(e, EIO, "%s",
			 why && *member_text(why, "details") ? member_text(why, "details") : text);
}

int job_wait(const struct tree *t, const char *uuid, const char *label, struct error *e)
{
	bool draws = isatty(STDERR_FILENO);
	char bar[BAR_SIZE];

	for (int pause = PAUSE_MIN;; pause = pause < PAUSE_MAX ? pause * 5 / 4 : PAUSE_MAX) {
		const struct timespec time = {.tv_nsec = pause * 1000000L};
		_cleanup_free_ char *finished = NULL, *progress = NULL, *state = NULL;
		int r = job_value(t, uuid, "finished", &finished, e);

		if (r == 0 && draws && job_value(t, uuid, "progress", &progress, NULL) == 0 &&
		    job_value(t, uuid, "state", &state, NULL) == 0)
			fprintf(stderr, "\r%s %s %-12s", label,
				screen_bar(strcmp(state, "Done") == 0 ? 100 : atoi(progress), 100, BAR_WIDTH,
					   bar),
				state);
		if (r < 0 || *finished) {
			if (draws)
				fputc('\n', stderr);
			return r < 0 ? r : job_outcome(t, uuid, e);
		}
		(void)nanosleep(&time, NULL);
	}
}
