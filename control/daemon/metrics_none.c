/* SPDX-License-Identifier: BSD-3-Clause */
/* turnoutd without metrics: --metrics is refused. */
#include <errno.h>
#include <stdio.h>

#include "metrics.h"

int to_metrics_open(struct event_base *base, const char *address,
		    const struct to_metrics_source *source, struct to_metrics **out, char *err,
		    size_t err_size)
{
	(void)base;
	(void)address;
	(void)source;
	*out = NULL;
	snprintf(err, err_size, "this turnoutd was built without metrics");
	return -ENOTSUP;
}

void to_metrics_close(struct to_metrics *metrics)
{
	(void)metrics;
}

void to_metrics_switched(struct to_metrics *metrics, uint64_t prepare_us, uint64_t live_us)
{
	(void)metrics;
	(void)prepare_us;
	(void)live_us;
}
