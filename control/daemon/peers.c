/* SPDX-License-Identifier: BSD-3-Clause */
#include "peers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "background.h"
#include "clock.h"

#define MAX_KEPT 64 /* users; then the oldest makes room */

struct kept {
	struct to_peer peer;
	uint64_t at;    /* CLOCK_BOOTTIME, ns; 0: there is none */
	bool asked;     /* it is being looked up */
	bool permanent; /* needs nobody's groups to be what it is */
};

struct to_peers {
	const struct to_options *options;
	void (*found)(void *context);
	void *context;
	struct to_background *background;
	struct kept kept[MAX_KEPT];
};

/* What the other thread works on. */
struct look_up {
	struct to_peers *peers;
	struct to_peer peer;
	struct to_options options;
};

static void work(void *argument)
{
	struct look_up *l = argument;

	to_peer_look_up(&l->peer, &l->options);
}

static bool is_same(const struct to_peer *a, const struct to_peer *b)
{
	return a->uid == b->uid && a->gid == b->gid;
}

static void done(void *argument)
{
	struct look_up *l = argument;
	struct to_peers *p = l->peers;

	for (int i = 0; i < MAX_KEPT; i++) {
		if (!p->kept[i].asked || !is_same(&p->kept[i].peer, &l->peer))
			continue;
		p->kept[i] = (struct kept){.peer = l->peer, .at = to_boot_ns()};
		break;
	}
	free(l);
	p->found(p->context);
}

/* Where it is kept, or may be: the oldest that nobody waits for. NULL: all are waited for. */
static struct kept *place_of(struct to_peers *p, const struct to_peer *peer)
{
	struct kept *oldest = NULL;

	for (int i = 0; i < MAX_KEPT; i++) {
		struct kept *k = &p->kept[i];

		if ((k->at || k->asked) &&
		    (k->permanent ? k->peer.uid == peer->uid : is_same(&k->peer, peer)))
			return k;
		if (!k->asked && !k->permanent && (!oldest || k->at < oldest->at))
			oldest = k;
	}
	return oldest;
}

static void look_up(struct to_peers *p, struct kept *k, const struct to_peer *peer)
{
	struct look_up *l = malloc(sizeof(*l));

	if (!l)
		return;
	*l = (struct look_up){p, *peer, *p->options};
	if (to_background_run(p->background, work, done, free, l) < 0) {
		free(l); /* when another has been found, it is tried again */
		return;
	}
	*k = (struct kept){.peer = *peer, .asked = true};
}

void to_peers_find(struct to_peers *p, struct to_peer *peer)
{
	struct kept *k = place_of(p, peer);
	gid_t gid = peer->gid;

	if (!k || k->asked)
		return;
	if (k->at && (k->permanent ||
		      (is_same(&k->peer, peer) && to_boot_ns() - k->at < TO_PEERS_KEPT * TO_NS))) {
		*peer = k->peer;
		peer->gid = gid;
		return;
	}
	look_up(p, k, peer);
}

static void keep(struct to_peers *p, struct kept *k, uid_t uid)
{
	*k = (struct kept){.peer.uid = uid, .at = to_boot_ns(), .permanent = true};
	to_peer_look_up(&k->peer, p->options);
}

int to_peers_open(struct event_base *base, const struct to_options *options,
		  void (*found)(void *context), void *context, struct to_peers **out)
{
	struct to_peers *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->options = options;
	p->found = found;
	p->context = context;
	err = to_background_open(base, &p->background);
	if (err < 0) {
		free(p);
		return err;
	}
	keep(p, &p->kept[0], 0);
	keep(p, &p->kept[1], geteuid());
	*out = p;
	return 0;
}

void to_peers_close(struct to_peers *p)
{
	if (!p || to_background_is_busy(p->background))
		return; /* to wait for a directory that hangs would be to hang */
	to_background_close(p->background);
	free(p);
}
