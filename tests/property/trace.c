/* SPDX-License-Identifier: BSD-3-Clause */
/* A schedule as it is played, for whoever has to find out why it failed. */
#include <arpa/inet.h>
#include <stdarg.h>

#include "game.h"

static const char *const verdicts[] = {TO_NAMES(TO_VERDICTS)};

void trace_event(struct game *g, const char *format, ...)
{
	va_list args;

	if (!g->trace)
		return;
	fprintf(g->trace, "%3u  t=%-6u ", g->event, g->now - g->schedule->start);
	va_start(args, format);
	vfprintf(g->trace, format, args);
	va_end(args);
	fprintf(g->trace, "\n");
}

static void describe(const struct frame_spec *s, char *out, size_t size)
{
	int at = 0;

	if (s->proto == IPPROTO_TCP_)
		at = snprintf(out, size, "%s%s%s%s", s->tcp_flags & F_SYN ? "SYN " : "",
			      s->tcp_flags & F_FIN ? "FIN " : "",
			      s->tcp_flags & F_RST ? "RST " : "",
			      s->tcp_flags & F_ACK ? "ACK " : "");
	if (s->len && s->payload[0] >= 'A' && s->payload[0] <= 'Z')
		snprintf(out + at, size - (size_t)at, "\"%.11s\"", (const char *)s->payload);
	else if (s->len > 2 && s->payload[0] < 4)
		snprintf(out + at, size - (size_t)at, "STUN %02x%02x", s->payload[0],
			 s->payload[1]);
	else
		snprintf(out + at, size - (size_t)at, "%u bytes%s", s->len,
			 s->fragment_at ? " (later fragment)"
			 : s->more      ? " (first fragment)"
					: "");
}

void trace_packet(struct game *g, const char *who, const struct outcome *o)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], what[80];
	const struct to_decision *d = &o->out->decision;

	if (!g->trace)
		return;
	describe(o->in, what, sizeof(what));
	trace_event(g, "%-14s %s %u > %s %u  %s  => %s %s e%d", who,
		    frame_addr_text(&o->in->src, from, sizeof(from)), o->in->sport,
		    frame_addr_text(&o->in->dst, to, sizeof(to)), o->in->dport, what,
		    verdicts[d->verdict], reason_name(d->reason), d->edge);
}
