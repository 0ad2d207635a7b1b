/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever a client sends turnoutd, it is a request whose members are what they should be, or it is
 * refused with a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct to_request *r)
{
	static const char *const members[] = {"to",   "edge",  "service", "pool", "client",
					      "kind", "after", "verb",    "name", "why"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text = to_request_text(r, members[i]);

		if (text && strlen(text) > TO_API_TEXT)
			abort();
	}
	to_request_flag(r, "force");
	to_request_number(r, "limit", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct to_request r;
	char err[300] = "";
	int ret = to_request_read((const char *)data, size, &r, err, sizeof(err));

	if (ret == 0 && r.type < TO_REQUEST_COUNT)
		use(&r);
	else if (ret == 0 || !*err)
		abort();
	to_request_free(&r);
	return 0;
}
