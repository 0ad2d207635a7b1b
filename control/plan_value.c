/* SPDX-License-Identifier: BSD-3-Clause */
/* The plan's scalars, each checked to its last character. */
#include "duration.h"
#include "plan_loader.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"

/* What a value is called in a message: its key, or "item". */
static const char *called(const struct to_node *node)
{
	return node->key ? node->key->text : "item";
}

static bool wrong_type(struct to_loader *l, const struct to_node *node, const char *wanted)
{
	if (node->type == TO_NODE_TEXT)
		to_bad(l, node->at, "'%s' must be %s, not the string '%.40s'", called(node), wanted,
		       node->text);
	else if (node->type != TO_NODE_BAD)
		to_bad(l, node->at, "'%s' must be %s, not %s", called(node), wanted,
		       to_node_type_name(node));
	return false;
}

bool to_expect_map(struct to_loader *l, const struct to_node *node)
{
	return node->type == TO_NODE_MAP || wrong_type(l, node, "a map");
}

bool to_expect_list(struct to_loader *l, const struct to_node *node)
{
	return node->type == TO_NODE_LIST || wrong_type(l, node, "a list");
}

bool to_expect_text(struct to_loader *l, const struct to_node *node)
{
	if (node->type == TO_NODE_TEXT)
		return true;
	if (node->type == TO_NODE_NUMBER || (node->type == TO_NODE_WORD && *node->text)) {
		to_bad(l, node->at, "'%s' must be a string, not %s: quote it", called(node),
		       to_node_type_name(node));
		return false;
	}
	return wrong_type(l, node, "a string");
}

static bool expect_number(struct to_loader *l, const struct to_node *node, const char *wanted)
{
	return node->type == TO_NODE_NUMBER || wrong_type(l, node, wanted);
}

bool to_check_label(struct to_loader *l, const struct to_node *node, char *out, size_t most)
{
	static const char good[] = DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
	const char *text = node->text;

	if (node->length > most) {
		to_bad(l, node->at, "name '%.40s%s' is longer than %zu characters", text,
		       node->length > 40 ? "..." : "", most);
		return false;
	}
	if (!*text || text[strspn(text, good)] || strchr("._-", *text)) {
		to_bad(l, node->at,
		       "name '%s' is not made of letters, digits, '.', '_' and '-', beginning with "
		       "a letter or digit",
		       text);
		return false;
	}
	memcpy(out, text, node->length + 1);
	return true;
}

/* Also for the keys that name things. */
bool to_check_name(struct to_loader *l, const struct to_node *node, to_plan_name out)
{
	return to_check_label(l, node, out, TO_MAX_NAME);
}

bool to_read_name(struct to_loader *l, const struct to_node *node, to_plan_name out)
{
	return to_expect_text(l, node) && to_check_name(l, node, out);
}

static void list_words(const char *const *words, size_t count, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s'%s'",
					 !i               ? ""
					 : i + 1 == count ? " or "
							  : ", ",
					 words[i]);
}

bool to_read_word(struct to_loader *l, const struct to_node *node, const char *const *words,
		  size_t count, uint8_t *out)
{
	const char *hint;
	char all[256];

	if (!to_expect_text(l, node))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(node->text, words[i])) {
			*out = (uint8_t)i;
			return true;
		}
	}
	list_words(words, count, all, sizeof(all));
	hint = to_did_you_mean(l, node->text, words, count);
	to_bad(l, node->at, "'%s' must be %s, not '%.80s'%s", called(node), all, node->text, hint);
	return false;
}

/* Whole digits of `text`, at most 18, without leading zeros; where they end, or NULL. */
bool to_read_number(struct to_loader *l, const struct to_node *node, uint64_t low, uint64_t high,
		    uint64_t *out)
{
	const char *end;
	uint64_t value;

	if (!expect_number(l, node, "a whole number"))
		return false;
	end = to_digits(node->text, &value);
	if (!end || *end || value < low || value > high) {
		if (low == high)
			to_bad(l, node->at, "'%s' must be %llu, not '%.40s'", called(node),
			       (unsigned long long)low, node->text);
		else
			to_bad(l, node->at,
			       "'%s' must be a whole number from %llu to %llu, not '%.40s'",
			       called(node), (unsigned long long)low, (unsigned long long)high,
			       node->text);
		return false;
	}
	*out = value;
	return true;
}

bool to_read_duration(struct to_loader *l, const struct to_node *node, uint32_t low, uint32_t high,
		      uint32_t *out)
{
	const char *end;
	uint64_t value;
	uint32_t unit;

	if (node->type != TO_NODE_NUMBER && node->type != TO_NODE_TEXT)
		return wrong_type(l, node, "a duration like 30s or 2h");
	end = to_digits(node->text, &value);
	unit = end ? to_unit_milliseconds(end) / 1000 : 0;
	if (!unit) {
		to_bad(l, node->at,
		       "'%s' must be a duration (a whole number and s, m, h or d), not '%.40s'",
		       called(node), node->text);
		return false;
	}
	if (value > high || value * unit < low || value * unit > high) {
		to_bad(l, node->at, "'%s' must be %u to %u seconds, not '%.40s'", called(node), low,
		       high, node->text);
		return false;
	}
	*out = (uint32_t)(value * unit);
	return true;
}

bool to_read_milliseconds(struct to_loader *l, const struct to_node *node, uint32_t low,
			  uint32_t high, uint32_t *out)
{
	const char *end;
	uint64_t value;
	uint32_t unit;

	if (node->type != TO_NODE_NUMBER && node->type != TO_NODE_TEXT)
		return wrong_type(l, node, "a duration like 500ms or 2s");
	end = to_digits(node->text, &value);
	unit = end ? to_unit_milliseconds(end) : 0;
	if (!unit) {
		to_bad(l, node->at,
		       "'%s' must be a duration (a whole number and ms, s, m, h or d), not '%.40s'",
		       called(node), node->text);
		return false;
	}
	if (value > high || value * unit < low || value * unit > high) {
		to_bad(l, node->at, "'%s' must be %u to %u milliseconds, not '%.40s'", called(node),
		       low, high, node->text);
		return false;
	}
	*out = (uint32_t)(value * unit);
	return true;
}

bool to_read_share(struct to_loader *l, const struct to_node *node, uint16_t *out)
{
	uint64_t whole, decimals = 0;
	const char *end;
	size_t n = 0;

	if (!expect_number(l, node, "a share in percent, 0 to 100"))
		return false;
	end = to_digits(node->text, &whole);
	if (end && *end == '.') {
		end++;
		n = strspn(end, DIGITS);
		for (size_t i = 0; i < 2; i++)
			decimals = decimals * 10 + (i < n ? (uint64_t)(end[i] - '0') : 0);
		end = n ? end + n : NULL;
	}
	if (!end || *end) {
		to_bad(l, node->at, "'%s' must be a share in percent, 0 to 100, not '%.40s'",
		       called(node), node->text);
		return false;
	}
	if (n > 2) {
		to_bad(l, node->at, "share '%.40s' has more than two decimals", node->text);
		return false;
	}
	if (whole > 100 || whole * 100 + decimals > TO_SHARE_ALL) {
		to_bad(l, node->at, "share '%.40s' is above 100 percent", node->text);
		return false;
	}
	*out = (uint16_t)(whole * 100 + decimals);
	return true;
}

static const char *port(const char *text, uint16_t *out)
{
	uint64_t value;
	const char *end = to_digits(text, &value);

	if (!end || value < 1 || value > 65535)
		return NULL;
	*out = (uint16_t)value;
	return end;
}

bool to_read_ports(struct to_loader *l, const struct to_node *node, uint16_t *low, uint16_t *high)
{
	const char *end;

	if (node->type != TO_NODE_NUMBER && node->type != TO_NODE_TEXT)
		return wrong_type(l, node, "a port or LOW-HIGH");
	end = port(node->text, low);
	*high = *low;
	if (end && *end == '-')
		end = port(end + 1, high);
	if (!end || *end) {
		to_bad(l, node->at, "'%s' must be a port 1 to 65535 or LOW-HIGH, not '%.40s'",
		       called(node), node->text);
		return false;
	}
	if (*low > *high) {
		to_bad(l, node->at, "port range '%s' runs backwards", node->text);
		return false;
	}
	return true;
}

static bool parse_address(const char *text, union to_addr *out)
{
	to_be32 v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = to_addr_v4(v4);
		return true;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

/* Why an address can be nobody's own, or NULL. */
static const char *unusable(const union to_addr *a)
{
	uint32_t v4 = __builtin_bswap32(a->w[3]);

	if (to_addr_is_v4(a)) {
		if (v4 >> 24 == 0)
			return "of 0.0.0.0/8";
		if (v4 >> 24 == 127)
			return "a loopback address";
		if (v4 >> 28 == 14)
			return "a multicast address";
		return v4 >> 28 == 15 ? "of the reserved range 240.0.0.0/4" : NULL;
	}
	if (a->b[0] == 0xff)
		return "a multicast address";
	if (a->d[0] == 0 && a->w[2] == 0 && v4 <= 1)
		return v4 ? "the loopback address" : "the unspecified address";
	return NULL;
}

bool to_read_address(struct to_loader *l, const struct to_node *node, union to_addr *out)
{
	const char *why;

	if (node->type != TO_NODE_TEXT && node->type != TO_NODE_NUMBER)
		return wrong_type(l, node, "an address");
	if (!parse_address(node->text, out)) {
		to_bad(l, node->at, "'%.60s' is not an IPv4 or IPv6 address%s", node->text,
		       strchr(node->text, '/') ? ": no prefix length here" : "");
		return false;
	}
	why = unusable(out);
	if (to_addr_is_v4(out) && strchr(node->text, ':'))
		why = "an IPv4-mapped IPv6 address: write the IPv4 address";
	if (why) {
		to_bad(l, node->at, "'%s' is %s", node->text, why);
		return false;
	}
	return true;
}

/* The length after the slash; without one the longest that names a client. False: nonsense. */
static bool prefix_length(const char *slash, unsigned most, unsigned *out)
{
	const char *end;
	uint64_t value;

	*out = most == 32 ? 32 : 64;
	if (!slash)
		return true;
	end = to_digits(slash + 1, &value);
	if (!end || *end || value > most)
		return false;
	*out = (unsigned)value;
	return true;
}

static bool host_bits(const union to_addr *a, bool v4, unsigned length)
{
	unsigned skip = v4 ? 96 : 0;

	for (unsigned bit = skip + length; bit < 128; bit++)
		if (a->b[bit / 8] & 0x80 >> bit % 8)
			return true;
	return false;
}

bool to_read_prefix(struct to_loader *l, const struct to_node *node, struct to_plan_prefix *out)
{
	const char *slash;
	union to_addr a;
	unsigned length;
	char text[64];
	bool v4;

	if (node->type != TO_NODE_TEXT && node->type != TO_NODE_NUMBER)
		return wrong_type(l, node, "a prefix");
	slash = strchr(node->text, '/');
	snprintf(text, sizeof(text), "%.*s", slash ? (int)(slash - node->text) : 63, node->text);
	v4 = !strchr(text, ':');
	if (!parse_address(text, &a) || to_addr_is_v4(&a) != v4 ||
	    !prefix_length(slash, v4 ? 32 : 128, &length)) {
		to_bad(l, node->at, "'%.60s' is not an IPv4 or IPv6 prefix", node->text);
		return false;
	}
	if (length > 64) {
		to_bad(l, node->at, "prefix '%s' is longer than /64, which is one client",
		       node->text);
		return false;
	}
	if (slash && host_bits(&a, v4, length)) {
		to_bad(l, node->at, "prefix '%s' has bits set beyond its length", node->text);
		return false;
	}
	*out = (struct to_plan_prefix){
		.first = v4 ? __builtin_bswap32(a.w[3]) : __builtin_bswap64(a.d[0]),
		.length = (uint8_t)length,
		.family = v4 ? TO_IP4 : TO_IP6,
		.at = node->at,
	};
	return true;
}
