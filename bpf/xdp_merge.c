/* SPDX-License-Identifier: BSD-3-Clause */
#include "xdp_merge.h"

#include "xdp_object.h"

/* What a dialog only ever becomes. */
#define LASTING_FLAGS (TO_ENTRY_PROVEN | TO_ENTRY_ESTABLISHED | TO_ENTRY_ENDED)

uint32_t to_xdp_copy_mark(const struct to_entry *e)
{
	uint64_t h = to_xdp_hash(TO_XDP_HASH, e, sizeof(*e));

	/* TO_BPF_MOVED means something of every entry */
	return (uint32_t)(h ^ h >> 32) & ~TO_BPF_MOVED;
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Bits of a TCP pin: what either end has done, it has. */
static uint8_t merge_tcp(uint8_t old, uint8_t there)
{
	return ((old | there) & ~TO_TCP_OPENING) | (old & there & TO_TCP_OPENING);
}

/* One connection more or less on either side: at worst the affinity outlives its last flow. */
static void merge_affinity(const struct to_entry *old, struct to_entry *e)
{
	e->aux = (uint16_t)later(old->aux, e->aux);
	if (e->aux && e->aux < UINT16_MAX)
		e->aux++;
	e->expires = later(old->expires, e->expires);
}

static void merge_both(enum to_entry_kind kind, bool tcp, const struct to_entry *old,
		       struct to_entry *e)
{
	uint8_t flags = e->flags | (old->flags & LASTING_FLAGS);
	uint8_t bits = tcp ? merge_tcp(old->tcp, e->tcp) : e->tcp;
	bool turned = flags != e->flags || bits != e->tcp; /* then its time is another one too */

	if (kind == TO_AFFINITY) {
		merge_affinity(old, e);
		return;
	}
	if (!tcp && !e->tcp && old->tcp) { /* a relay port was learned */
		e->tcp = old->tcp;
		e->aux = old->aux;
	}
	if (turned) {
		e->life = old->life;
		e->expires = old->expires;
	} else {
		e->expires = later(old->expires, e->expires);
	}
	e->flags = flags;
	e->tcp = tcp ? bits : e->tcp;
	if (kind != TO_FRAGMENT)
		e->mark = later(old->mark, e->mark);
}

bool to_xdp_merge(enum to_entry_kind kind, bool tcp, uint32_t now, const struct to_entry *old,
		  const struct to_bpf_entry *there, struct to_bpf_entry *merged)
{
	uint32_t mark = to_xdp_copy_mark(old);

	if (there->ring == mark)
		return false; /* the old one is as it was */
	*merged = *there;
	merged->ring = mark;
	if (there->ring == to_xdp_copy_mark(&there->e)) {
		merged->e = *old; /* and this one is */
		return true;
	}
	if (now >= old->expires || old->edge != there->e.edge)
		return false; /* a new one has come */
	if (now >= there->e.expires)
		merged->e = *old;
	else
		merge_both(kind, tcp, old, &merged->e);
	return true;
}
