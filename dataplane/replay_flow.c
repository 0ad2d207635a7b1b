/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay_flow.h"

bool to_flow_closing(const struct to_flow *w)
{
	return w->rst || w->fin == (TO_FLOW_CLIENT | TO_FLOW_EDGE);
}

void to_flow_renew(struct to_flow *w, uint32_t now)
{
	uint32_t life = w->life;

	if (w->flags & TO_FLOW_CALL_OVER)
		return;
	if (w->flags & TO_FLOW_OPENING)
		life = TO_OPENING_LIFE;
	if (to_flow_closing(w))
		life = TO_CLOSING_LIFE;
	w->expires = (uint64_t)now + life;
}

void to_flow_tcp(struct to_flow *w, const struct to_packet *k, enum to_flow_side side)
{
	if (side == TO_FLOW_CLIENT && !(k->tcp_flags & TO_TCPF_RST))
		w->flags &= ~TO_FLOW_OPENING;
	if (k->tcp_flags & TO_TCPF_SYN) {
		if (side == TO_FLOW_EDGE && to_flow_closing(w)) {
			w->rst = 0;
			w->fin = 0;
		}
	} else if (k->tcp_flags & TO_TCPF_RST) {
		w->rst = 1;
	} else if (k->tcp_flags & TO_TCPF_FIN) {
		w->fin |= side;
	} else {
		if (w->rst)
			w->rst |= side * 2;
		if (w->rst == (1 | TO_FLOW_CLIENT * 2 | TO_FLOW_EDGE * 2))
			w->rst = 0; /* both ends talk on: it was forged */
		if (k->payload_len)
			w->fin &= ~side;
	}
}

void to_flow_call(struct to_flow *w, const struct to_call *call, uint32_t idle, uint32_t now)
{
	uint32_t hundreds = call->status / 100;
	bool up = w->flags & TO_FLOW_CALL_UP;

	if (w->flags & TO_FLOW_CALL_OVER)
		return;
	if (hundreds == 2 &&
	    (call->method == TO_CALL_INVITE || call->method == TO_CALL_SUBSCRIBE)) {
		w->flags |= TO_FLOW_CALL_UP;
		w->life = idle;
	} else if (call->method == TO_CALL_INVITE && hundreds && !up) {
		w->life = hundreds == 1 ? TO_RINGING_LIFE : TO_DIALOG_LIFE;
	} else if (call->method == TO_CALL_BYE && (hundreds == 2 || call->status == 481)) {
		w->flags |= TO_FLOW_CALL_OVER;
		w->expires = (uint64_t)now + TO_DIALOG_LIFE;
	}
}
