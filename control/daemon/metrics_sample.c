/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_sample.h"

#include <stdbool.h>

void to_metric_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP turnout_%s %s\n# TYPE turnout_%s %s\n", name, help, name, type);
}

/* A label's value: what is null or no text is empty, which is as if the label were not there. */
static void label_value(FILE *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || *text == '"')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

void to_metric_sample(FILE *out, const char *name, double number, const struct to_label *labels)
{
	/* whole numbers to their last digit, as far as a double has them */
	bool whole = number > -9e15 && number < 9e15 && number == (double)(int64_t)number;

	fprintf(out, "turnout_%s", name);
	for (const struct to_label *l = labels; l && l->name; l++) {
		fprintf(out, "%c%s=\"", l == labels ? '{' : ',', l->name);
		label_value(out, l->value);
		fputc('"', out);
	}
	fprintf(out, whole ? "%s %.0f\n" : "%s %.9g\n", labels ? "}" : "", number);
}
