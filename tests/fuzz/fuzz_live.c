/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whatever turnoutd answers, a frame of `turnout watch` of any size and a metrics page are made of
 * it, and no control character gets through. Two bytes are the frame's size, the rest the answer.
 */
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "daemon/metrics_text.h"
#include "gates.h"
#include "status.h"
#include "watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct to_looks looks = {.width = 80};

static void draw(json_t *answer, unsigned rows, unsigned columns)
{
	static struct to_watch w; /* curves go on from input to input */
	struct to_screen s;

	w.status = w.stages = w.history = w.before = answer;
	w.between = 1;
	w.now = 1772427600;
	to_watch_remember(&w);
	if (to_screen_make(&s, rows, columns, rows & 1) < 0)
		return;
	to_watch_draw(&w, &s);
	for (size_t i = 0; i < (size_t)rows * columns; i++)
		if ((unsigned char)s.cell[i].text[0] < ' ' || s.cell[i].text[0] == 0x7f)
			abort();
	to_screen_free(&s);
}

static void print(const json_t *answer)
{
	struct to_grid *gates = to_grid_new("lll");
	static FILE *nowhere;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	to_gates_rows(gates, json_object_get(answer, "gates"));
	to_grid_print(gates, &looks, nowhere);
	to_grid_free(gates);
}

static void make_page(const json_t *answer)
{
	struct to_metrics_moment m = {.version = "0", .status = answer, .counters = answer};
	size_t size;
	char *page = to_metrics_text(&m, &size);

	if (!page || strlen(page) != size || page[size - 1] != '\n')
		abort();
	free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *answer;

	if (size < 2)
		return 0;
	answer = json_loadb((const char *)data + 2, size - 2, JSON_REJECT_DUPLICATES, NULL);
	if (!answer)
		return 0;
	make_page(answer);
	to_client_clean(answer, false);
	draw(answer, data[0] % 64, data[1]);
	print(answer);
	json_decref(answer);
	return 0;
}
