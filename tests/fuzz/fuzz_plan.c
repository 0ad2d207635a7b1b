/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever is in a file, the loader takes it or says why not; what it takes compiles. */
#include <errno.h>
#include <stdlib.h>

#include "compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Through all stages and back to the first, each after the one before. */
static void compile_all(const struct to_plan *plan)
{
	struct to_image before = {0}, image;

	for (uint32_t i = 0; i <= plan->stages; i++) {
		const struct to_compile_input input = {.stage = i % plan->stages,
						       .generation = i + 1,
						       .now = 1000 + i,
						       .previous = before.data};

		if (to_compile(plan, &input, &image))
			abort();
		to_image_free(&before);
		before = image;
	}
	to_image_free(&before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct to_report report = {0};
	struct to_plan *plan;
	int err = to_plan_parse((const char *)data, size, &report, &plan);

	if (err == 0)
		compile_all(plan);
	else if (err == -EINVAL && !report.errors)
		abort(); /* refused without a word */
	to_plan_free(plan);
	to_report_free(&report);
	return 0;
}
