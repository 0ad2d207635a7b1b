/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay_events.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "compile.h"
#include "plan_names.h"

#define NS          1000000000ull
#define MAX_SECONDS UINT32_MAX /* of the engine's clock */
#define MAX_LINE    512

static const char *const verbs[TO_EDGE_EVENT_COUNT] = {"down",   "up",      "drain",
						       "retire", "readmit", "reset"};

/* "1.25" to nanoseconds; *end is what follows. */
static bool read_decimal(const char *text, uint64_t *ns, const char **end)
{
	uint64_t seconds = 0, fraction = 0, unit = NS / 10;
	const char *p = text;

	for (; isdigit((unsigned char)*p); p++) {
		seconds = seconds * 10 + (uint64_t)(*p - '0');
		if (seconds > MAX_SECONDS)
			return false;
	}
	if (p == text)
		return false;
	if (*p == '.') {
		for (p++; isdigit((unsigned char)*p); p++, unit /= 10)
			fraction += (uint64_t)(*p - '0') * unit;
	}
	*ns = seconds * NS + fraction;
	*end = p;
	return true;
}

/* "90", "1.5s", "15m", "2h", "1d": after the first frame. */
static bool read_relative(const char *text, uint64_t start, uint64_t *at)
{
	static const struct {
		const char *name;
		uint64_t seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	const char *unit;
	uint64_t ns;

	if (!read_decimal(text, &ns, &unit))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(unit, units[i].name)) {
			if (ns > MAX_SECONDS * NS / units[i].seconds)
				return false;
			*at = start + ns * units[i].seconds;
			return true;
		}
	}
	return false;
}

/* "2026-01-01T10:00:00Z", with a fraction of a second or without. */
static bool read_absolute(const char *text, uint64_t *at)
{
	struct tm tm = {0};
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:", &tm);
	uint64_t ns;
	time_t minutes;

	if (!p || !isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]) ||
	    !read_decimal(p, &ns, &p) || strcmp(p, "Z") || ns >= 61 * NS)
		return false;
	minutes = timegm(&tm);
	if (minutes < 0 || (uint64_t)minutes > MAX_SECONDS)
		return false;
	*at = (uint64_t)minutes * NS + ns;
	return true;
}

static const char *did_you_mean(const char *wrong, const char *const *names, size_t count,
				char *out, size_t size)
{
	const char *near = to_nearest(wrong, names, count);

	snprintf(out, size, "%s%s%s", near ? "; did you mean '" : "", near ? near : "",
		 near ? "'?" : "");
	return out;
}

static int resolve_stage(const struct to_plan *plan, const char *name, const char *where,
			 struct to_replay_event *e)
{
	const char *names[TO_PLAN_MAX_STAGES];
	char hint[64];

	e->stage = to_plan_find_stage(plan, name);
	if (e->stage >= 0)
		return 0;
	for (uint32_t i = 0; i < plan->stages; i++)
		names[i] = plan->stage[i].name;
	to_complain("%s: the plan has no stage '%s'%s", where, name,
		    did_you_mean(name, names, plan->stages, hint, sizeof(hint)));
	return -EINVAL;
}

static int resolve_edge(const struct to_plan *plan, const char *verb, const char *name,
			const char *where, struct to_replay_event *e)
{
	const char *names[TO_MAX_EDGES];
	char hint[64];
	int edge = to_plan_find_edge(plan, name);

	e->stage = -1;
	while (e->verb < TO_EDGE_EVENT_COUNT && strcmp(verb, verbs[e->verb]))
		e->verb++;
	if (e->verb == TO_EDGE_EVENT_COUNT) {
		to_complain("%s: '%s' is nothing that happens to an edge%s; down, up, drain, "
			    "retire, readmit and reset are",
			    where, verb,
			    did_you_mean(verb, verbs, TO_EDGE_EVENT_COUNT, hint, sizeof(hint)));
		return -EINVAL;
	}
	if (edge >= 0) {
		e->edge = (uint8_t)edge;
		return 0;
	}
	for (uint32_t i = 0; i < plan->edges; i++)
		names[i] = plan->edge[i].name;
	to_complain("%s: the plan has no edge '%s'%s", where, name,
		    did_you_mean(name, names, plan->edges, hint, sizeof(hint)));
	return -EINVAL;
}

static int insert(struct to_replay_events *events, const struct to_replay_event *e)
{
	struct to_replay_event *more = realloc(events->event, (events->count + 1) * sizeof(*more));
	unsigned i = events->count;

	if (!more) {
		to_complain("no memory");
		return -ENOMEM;
	}
	events->event = more;
	/* by time, those of one time in the order given, and none before the beginning */
	for (; i > 1 && more[i - 1].at > e->at; i--)
		more[i] = more[i - 1];
	more[i] = *e;
	events->count++;
	return 0;
}

int to_events_begin(struct to_replay_events *events, const struct to_plan *plan, int stage,
		    uint64_t start)
{
	struct to_replay_event e = {.at = start, .stage = stage, .image = -1};

	*events = (struct to_replay_events){0};
	snprintf(e.text, sizeof(e.text), "%s", plan->stage[stage].name);
	return insert(events, &e);
}

int to_events_add(struct to_replay_events *events, const struct to_plan *plan, const char *text,
		  const char *where)
{
	struct to_replay_event e = {.image = -1};
	char time[64], name[2 * TO_MAX_NAME];
	const char *what = strchr(text, '=');
	char *colon;
	int ret;

	if (!what || (size_t)(what - text) >= sizeof(time) || strlen(what + 1) >= sizeof(name)) {
		to_complain("%s: '%s' is not TIME=EVENT, as in 15m=STAGE or 90=down:EDGE", where,
			    text);
		return -EINVAL;
	}
	snprintf(time, sizeof(time), "%.*s", (int)(what - text), text);
	snprintf(name, sizeof(name), "%s", what + 1);
	snprintf(e.text, sizeof(e.text), "%s", name);
	if (!read_relative(time, events->event[0].at, &e.at) && !read_absolute(time, &e.at)) {
		to_complain("%s: '%s' is not a time: 90, 1.5s, 15m or 2h after the first frame, or "
			    "2026-01-01T10:00:00Z",
			    where, time);
		return -EINVAL;
	}
	colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		ret = resolve_edge(plan, name, colon + 1, where, &e);
	} else {
		ret = resolve_stage(plan, name, where, &e);
	}
	return ret < 0 ? ret : insert(events, &e);
}

/* The line without comment and blanks around it. */
static char *strip(char *line)
{
	size_t n = strcspn(line, "#\r\n");

	while (n && isblank((unsigned char)line[n - 1]))
		n--;
	line[n] = '\0';
	return line + strspn(line, " \t");
}

int to_events_read(struct to_replay_events *events, const struct to_plan *plan, const char *path)
{
	char line[MAX_LINE], where[MAX_LINE];
	FILE *f = fopen(path, "re");
	int ret = 0;

	if (!f) {
		ret = -errno;
		to_complain("cannot read %s: %s", path, strerror(-ret));
		return ret;
	}
	for (unsigned n = 1; ret == 0 && fgets(line, sizeof(line), f); n++) {
		char *text = strip(line);

		snprintf(where, sizeof(where), "%s:%u", path, n);
		if (*text)
			ret = to_events_add(events, plan, text, where);
	}
	if (ferror(f)) {
		to_complain("cannot read %s", path);
		ret = -EIO;
	}
	fclose(f);
	return ret;
}

/* docs/state.md, section 11: nothing but readmit changes a retired edge, and it changes no other.
 */
static void change_state(uint8_t *state, enum to_edge_event verb)
{
	static const uint8_t after[TO_EDGE_EVENT_COUNT] = {
		[TO_EVENT_DOWN] = TO_EDGE_DOWN,      [TO_EVENT_UP] = TO_EDGE_UP,
		[TO_EVENT_DRAIN] = TO_EDGE_DRAINING, [TO_EVENT_RETIRE] = TO_EDGE_RETIRED,
		[TO_EVENT_READMIT] = TO_EDGE_UP,     [TO_EVENT_RESET] = TO_EDGE_RESETTING,
	};

	if ((*state == TO_EDGE_RETIRED) == (verb == TO_EVENT_READMIT))
		*state = after[verb];
}

static int compile_one(const struct to_plan *plan, const struct to_compile_input *input,
		       struct to_replay_event *e, struct to_image *image)
{
	int err = to_compile(plan, input, image);

	if (err) {
		to_complain("cannot compile generation %u (%s): %s", (unsigned)input->generation,
			    e->text, strerror(-err));
		return err;
	}
	e->image = to_image_memfd(image);
	if (e->image < 0)
		to_complain("cannot hand over generation %u: %s", (unsigned)input->generation,
			    strerror(-e->image));
	return e->image < 0 ? e->image : 0;
}

int to_events_compile(struct to_replay_events *events, const struct to_plan *plan)
{
	uint8_t states[TO_MAX_EDGES] = {0}; /* up */
	struct to_image before = {0};
	int stage = 0, err = 0;

	for (unsigned i = 0; !err && i < events->count; i++) {
		struct to_replay_event *e = &events->event[i];
		struct to_image image = {0};

		if (e->stage >= 0)
			stage = e->stage;
		else
			change_state(&states[e->edge], e->verb);
		err = compile_one(plan,
				  &(struct to_compile_input){
					  .stage = (uint32_t)stage,
					  .edge_states = states,
					  .generation = i + 1,
					  .now = (uint32_t)(e->at / NS),
					  .previous = before.data,
				  },
				  e, &image);
		to_image_free(&before);
		before = image;
	}
	to_image_free(&before);
	return err;
}

void to_events_free(struct to_replay_events *events)
{
	for (unsigned i = 0; i < events->count; i++) {
		if (events->event[i].image >= 0)
			close(events->event[i].image);
	}
	free(events->event);
	*events = (struct to_replay_events){0};
}
