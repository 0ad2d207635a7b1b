/* SPDX-License-Identifier: BSD-3-Clause */
#include "duration.h"

#include <string.h>

const char *to_digits(const char *text, uint64_t *out)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || n > 18 || (n > 1 && *text == '0'))
		return NULL;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (uint64_t)(text[i] - '0');
	return text + n;
}

uint32_t to_unit_milliseconds(const char *unit)
{
	static const struct {
		char letters[3];
		uint32_t milliseconds;
	} units[] = {{"", 1000},   {"ms", 1},      {"s", 1000},
		     {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].letters))
			return units[i].milliseconds;
	return 0;
}

bool to_duration(const char *text, uint32_t high, uint32_t *seconds)
{
	uint64_t value = 0;
	const char *unit = to_digits(text, &value);
	uint64_t each = unit ? to_unit_milliseconds(unit) / 1000 : 0;

	if (!each || value > high || value * each > high)
		return false;
	*seconds = (uint32_t)(value * each);
	return true;
}
