/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hops_links.h"

static uint32_t index_of(const struct to_links *s, uint32_t ifindex)
{
	uint32_t i = 0;

	while (i < s->n && s->link[i].ifindex != ifindex)
		i++;
	return i;
}

const struct to_link *to_links_find(const struct to_links *s, uint32_t ifindex)
{
	uint32_t i = index_of(s, ifindex);

	return i < s->n ? &s->link[i] : NULL;
}

const struct to_link *to_links_find_name(const struct to_links *s, const char *name)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (strcmp(s->link[i].name, name) == 0)
			return &s->link[i];
	return NULL;
}

static int make_room(struct to_links *s)
{
	uint32_t room = s->room ? 2 * s->room : 16;
	struct to_link *link;
	uint32_t *seen;

	if (s->n < s->room)
		return 0;
	link = realloc(s->link, room * sizeof(*link));
	if (!link)
		return -ENOMEM;
	s->link = link;
	seen = realloc(s->seen, room * sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	s->seen = seen;
	s->room = room;
	return 0;
}

int to_links_put(struct to_links *s, const struct to_link *link)
{
	uint32_t i = index_of(s, link->ifindex);

	if (i < s->n) {
		s->seen[i] = s->round;
		/* A struct without padding, and cleared before it is filled in. */
		if (memcmp(&s->link[i], link, sizeof(*link)) == 0)
			return 0;
		s->link[i] = *link;
		return 1;
	}
	if (make_room(s) < 0)
		return -ENOMEM;
	s->link[s->n] = *link;
	s->seen[s->n++] = s->round;
	return 1;
}

static void take_at(struct to_links *s, uint32_t i, struct to_link *gone)
{
	*gone = s->link[i];
	gone->gone = true;
	s->n--;
	s->link[i] = s->link[s->n];
	s->seen[i] = s->seen[s->n];
}

bool to_links_take(struct to_links *s, uint32_t ifindex, struct to_link *gone)
{
	uint32_t i = index_of(s, ifindex);

	if (i == s->n)
		return false;
	take_at(s, i, gone);
	return true;
}

bool to_links_take_unseen(struct to_links *s, struct to_link *gone)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->seen[i] != s->round) {
			take_at(s, i, gone);
			return true;
		}
	return false;
}

void to_links_free(struct to_links *s)
{
	free(s->link);
	free(s->seen);
	memset(s, 0, sizeof(*s));
}
