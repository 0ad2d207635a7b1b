/* SPDX-License-Identifier: BSD-3-Clause */
#include "api_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	bool operators;
	const char *members;
} kinds[TO_REQUEST_COUNT] = {
#define TO_REQUEST_ROW(c, name, operators, members) {name, operators, members},
	TO_REQUESTS(TO_REQUEST_ROW)};

/* The type of a member of this request, 0: it has none of that name. */
static char type_of(enum to_request_type type, const char *member)
{
	size_t n = strlen(member);

	for (const char *p = kinds[type].members; *p; p += strcspn(p, " ") + 1)
		if (!strncmp(p, member, n) && p[n] == ':')
			return p[n + 1];
	return 0;
}

/* A terminal would do what a control character says, and a log line would end. */
static bool is_plain(const json_t *text)
{
	const char *s = json_string_value(text);

	if (json_string_length(text) > TO_API_TEXT)
		return false;
	for (size_t i = 0; i < json_string_length(text); i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return true;
}

static const char *fault_of(enum to_request_type type, const char *member, const json_t *value)
{
	switch (type_of(type, member)) {
	case 's':
		if (!json_is_string(value))
			return "is not a string";
		return is_plain(value) ? NULL : "is too long, or has a control character";
	case 'b':
		return json_is_boolean(value) ? NULL : "is neither true nor false";
	case 'i':
		return json_is_integer(value) ? NULL : "is not a whole number";
	default:
		return "is not a member of this request";
	}
}

static int check_members(const struct to_request *r, char *err, size_t err_size)
{
	const char *member;
	json_t *value;

	json_object_foreach(r->json, member, value)
	{
		const char *fault;

		if (!strcmp(member, "do") || !strcmp(member, "id"))
			continue;
		fault = fault_of(r->type, member, value);
		if (fault) {
			snprintf(err, err_size, "%s: '%.40s' %s", kinds[r->type].name, member,
				 fault);
			return -EINVAL;
		}
	}
	return 0;
}

static int find_kind(struct to_request *r, char *err, size_t err_size)
{
	const char *name = json_string_value(json_object_get(r->json, "do"));

	if (!name) {
		snprintf(err, err_size, "there is no 'do' that names the request");
		return -EINVAL;
	}
	for (r->type = 0; r->type < TO_REQUEST_COUNT; r->type++) {
		if (!strcmp(kinds[r->type].name, name)) {
			r->operators = kinds[r->type].operators;
			return 0;
		}
	}
	snprintf(err, err_size, "no request '%.40s'", name);
	return -EINVAL;
}

static int find_id(struct to_request *r, char *err, size_t err_size)
{
	json_t *id = json_object_get(r->json, "id");

	if (!id || json_is_number(id) || (json_is_string(id) && is_plain(id))) {
		r->id = id;
		return 0;
	}
	snprintf(err, err_size, "'id' is neither a short string nor a number");
	return -EINVAL;
}

int to_request_read(const char *line, size_t size, struct to_request *r, char *err, size_t err_size)
{
	json_error_t error;
	int ret;

	*r = (struct to_request){0};
	r->json = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	if (!r->json) {
		snprintf(err, err_size, "not JSON: %s", error.text);
		return -EINVAL;
	}
	if (!json_is_object(r->json)) {
		snprintf(err, err_size, "not a JSON object");
		return -EINVAL;
	}
	ret = find_id(r, err, err_size);
	if (!ret)
		ret = find_kind(r, err, err_size);
	return ret ? ret : check_members(r, err, err_size);
}

void to_request_free(struct to_request *r)
{
	json_decref(r->json);
	*r = (struct to_request){0};
}

const char *to_request_text(const struct to_request *r, const char *member)
{
	return json_string_value(json_object_get(r->json, member));
}

bool to_request_flag(const struct to_request *r, const char *member)
{
	return json_is_true(json_object_get(r->json, member));
}

json_int_t to_request_number(const struct to_request *r, const char *member, json_int_t otherwise)
{
	const json_t *value = json_object_get(r->json, member);

	return value ? json_integer_value(value) : otherwise;
}
