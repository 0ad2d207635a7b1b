/* SPDX-License-Identifier: BSD-3-Clause */
/* What a person should look at, for as long as it lasts. docs/operations.md says what each means.
 */
#ifndef TURNOUT_DAEMON_ALARMS_H
#define TURNOUT_DAEMON_ALARMS_H

#include <jansson.h>
#include <stdint.h>

#define TO_MAX_ALARMS 64

struct to_alarm {
	char name[40];
	int64_t since; /* seconds since 1970 */
	char message[1024];
};

struct to_alarms {
	struct to_alarm at[TO_MAX_ALARMS];
	unsigned count;
};

/* The alarm of that name is on, with this message. Logged when it is new. */
void to_alarm_raise(struct to_alarms *alarms, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void to_alarm_clear(struct to_alarms *alarms, const char *name);
json_t *to_alarms_json(const struct to_alarms *alarms);

#endif
