/* SPDX-License-Identifier: Apache-2.0 */
/* See readme.h. */
#include "fs/class/readme.h"

#include "fs/class/guide_intro.h"
#include "fs/class/guide_tables.h"
#include "fs/class/guide_tree.h"
#include "fs/class/once.h"

static struct document *write_readme(const struct place *p)
{
	struct document *d = NULL;
	char *text = NULL;
	size_t len = 0;
	struct guide g = {.f = open_memstream(&text, &len), .form = &guide_plain};

	if (g.f) {
		fprintf(g.f, "poolfs " POOLFS_VERSION "\n\n");
		guide_prose(&g, guide_introduction);
		guide_files(&g, p->fs, p->view);
		guide_kinds(&g, p->fs, p->view);
		guide_settings(&g);
		guide_system_tags(&g);
		if (fclose(g.f) == 0) {
			while (len > 1 && text[len - 2] == '\n')
				len--;
			d = document_new(text, len, p->fs->born);
		}
	}
	free(text);
	return d;
}

struct document *render_readme(const struct place *p)
{
	return once_made(p, MADE_README, write_readme);
}
