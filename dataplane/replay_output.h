/* SPDX-License-Identifier: BSD-3-Clause */
/* What a replay leaves in its directory: verdicts.jsonl and the captures of what went where. */
#ifndef TURNOUT_REPLAY_OUTPUT_H
#define TURNOUT_REPLAY_OUTPUT_H

#include "pipeline.h"
#include "replay_capture.h"

struct to_output;

/* Makes `dir` if there is none, and in it an empty capture for everything that the table names.
 * Like the functions below: 0, or a negative errno with a message in `err`. */
int to_output_open(const char *dir, const struct to_table *table, struct to_output **output,
		   char *err, size_t err_size);

/* A generation begins: captures for edges that the ones before did not have. */
int to_output_generation(struct to_output *o, const struct to_table *table, char *err,
			 size_t err_size);

/* The line and the frame: `in` as it was captured, `f` as it was decided and rewritten. */
int to_output_frame(struct to_output *o, const struct to_table *table, uint64_t generation,
		    const struct to_capture_frame *in, const struct to_frame *f, char *err,
		    size_t err_size);

/* Nothing is written until this has returned 0. */
int to_output_finish(struct to_output *o, char *err, size_t err_size);
void to_output_close(struct to_output *o);

#endif
