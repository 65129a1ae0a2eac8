/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the pool for Prometheus: what the view has, what the program counts, and what the hosts say. */
#ifndef POOLFS_METRICS_METRICS_H
#define POOLFS_METRICS_METRICS_H

#include "actions/engine/pool.h"

/** The types of the two formats, for programs that serve them. */
#define METRICS_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

/**
 * Renders all metrics, as OpenMetrics if @open, else in the text format of Prometheus. *ret_text is owned by the
 * caller. -ENOMEM. Asks the hosts: blocking, for workers. Takes time linear in the number of objects.
 */
int metrics_render(struct pool *pool, const struct view *view, bool open, char **ret_text, size_t *ret_len);

#endif
