/* SPDX-License-Identifier: BSD-3-Clause */
#include "alarms.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "clock.h"
#include "log.h"

static struct to_alarm *find(struct to_alarms *alarms, const char *name)
{
	for (unsigned i = 0; i < alarms->count; i++)
		if (!strcmp(alarms->at[i].name, name))
			return &alarms->at[i];
	return NULL;
}

void to_alarm_raise(struct to_alarms *alarms, const char *name, const char *format, ...)
{
	struct to_alarm *alarm = find(alarms, name);
	bool is_new = !alarm;
	va_list args;

	if (is_new && alarms->count == TO_MAX_ALARMS)
		return;
	if (is_new) {
		alarm = &alarms->at[alarms->count++];
		snprintf(alarm->name, sizeof(alarm->name), "%s", name);
		alarm->since = to_today();
	}
	va_start(args, format);
	vsnprintf(alarm->message, sizeof(alarm->message), format, args);
	va_end(args);
	if (is_new)
		to_log(LOG_WARNING, "alarm %s: %s", name, alarm->message);
}

void to_alarm_clear(struct to_alarms *alarms, const char *name)
{
	struct to_alarm *alarm = find(alarms, name);
	size_t after;

	if (!alarm)
		return;
	to_log(LOG_NOTICE, "alarm %s is over", name);
	after = alarms->count - (size_t)(alarm - alarms->at) - 1;
	memmove(alarm, alarm + 1, after * sizeof(*alarm));
	alarms->count--;
}

json_t *to_alarms_json(const struct to_alarms *alarms)
{
	json_t *list = json_array();
	char since[TO_TIME_TEXT];

	for (unsigned i = 0; i < alarms->count; i++) {
		const struct to_alarm *a = &alarms->at[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", a->name, "since",
						      to_time_text(a->since, since), "message",
						      a->message));
	}
	return list;
}
