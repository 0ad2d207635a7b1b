/* SPDX-License-Identifier: BSD-3-Clause */
/* SIP over UDP: all calls of a client on one socket, told apart by Call-ID and branch alone.
 * docs/state.md, 5.1: `hold` is the dialog. */
#include <stdio.h>
#include <turnout/limits.h>

#include "game.h"

enum {
	REQUEST,
	OTHER_CLIENT,
	STRANGER,
	OTHER_ID,
	ANSWER,
	EDGE_REQUEST,
	CLIENT_ANSWER,
	KEEPALIVE,
	EDGE_CALL
};
enum { INVITE, OPTIONS, SUBSCRIBE, CANCEL, ACK, INFO, BYE };
static const char *const methods[] = {"INVITE", "OPTIONS", "SUBSCRIBE", "CANCEL",
				      "ACK",    "INFO",    "BYE"};

static void text(struct frame_spec *s, const struct flow *f, int method, int status)
{
	char branch[32], line[64];
	uint32_t id = f->act == OTHER_ID ? 900000 + f->branches : f->calls;
	bool edges = f->act == EDGE_REQUEST || f->act == CLIENT_ANSWER || f->act == EDGE_CALL;

	snprintf(branch, sizeof(branch), "%s%d-%u%s",
		 edges                ? "e"
		 : f->act == STRANGER ? "s"
				      : "c",
		 f->index, edges ? f->edge_branches : f->branches, method == ACK ? "ack" : "");
	if (status)
		snprintf(line, sizeof(line), "SIP/2.0 %d Status", status);
	else
		snprintf(line, sizeof(line), "%s sip:someone@example.com SIP/2.0", methods[method]);
	s->len = (uint16_t)snprintf(
		(char *)s->payload, 600,
		"%s\r\nVia: SIP/2.0/UDP host;branch=z9hG4bK%s\r\nCall-ID: call-%d-%u@host\r\n"
		"CSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
		line, branch, f->index, id, methods[method]);
}

static bool dialog_lives(const struct game *g, const struct flow *f)
{
	return hold_proven(&f->hold, g->now) || hold_unproven(&f->hold, g->now);
}

static int dialog_edge(const struct game *g, const struct flow *f)
{
	return hold_proven(&f->hold, g->now) ? f->hold.edge : f->hold.named;
}

static int pick_edge(const struct game *g, const struct flow *f, uint32_t dice)
{
	int edge = (int)(dice % (uint32_t)g->w->edges);

	if (!g->w->service[f->service].through_vip || g->state[edge] == TO_EDGE_RETIRED ||
	    !flow_is_dnat(g, edge) || world_role(g->w, f->service, edge) == NONE)
		return NONE;
	return edge;
}

/* Another call, with a Call-ID that nobody has seen. */
static void choose_fresh(struct game *g, struct flow *f, uint32_t dice)
{
	static const uint8_t first[] = {INVITE, INVITE, INVITE, INVITE, INVITE, OPTIONS, SUBSCRIBE};

	f->act = dice % 16 ? REQUEST : KEEPALIVE;
	if (f->act == KEEPALIVE)
		return;
	hold_init(&f->hold);
	hold_init(&f->transaction);
	f->established = f->ended = false;
	f->calls++;
	f->branches++;
	f->method = first[(dice >> 4) % 7];
	f->act_edge = (dice >> 8) % 4 ? NONE : pick_edge(g, f, dice >> 10);
	if (f->act_edge != NONE) {
		f->act = EDGE_CALL;
		f->edge_method = INVITE;
		f->edge_branches++;
	}
}

static uint16_t choose_status(uint32_t dice)
{
	static const uint16_t statuses[] = {100, 180, 180, 200, 200, 200, 200, 486};

	return statuses[dice % 8];
}

static void choose_answer(struct game *g, struct flow *f, uint32_t dice)
{
	f->act = ANSWER;
	f->act_edge = dialog_edge(g, f);
	f->status = choose_status(dice);
	if (!flow_is_dnat(g, f->act_edge))
		f->act = REQUEST; /* it goes past us; the request comes again */
}

/* Somebody else who has, or has guessed, the Call-ID of a call that nobody has answered; once. */
static bool pick_stranger(const struct game *g, struct flow *f, uint32_t dice)
{
	const struct world_client *own = &g->w->client[f->client], *other;

	f->from = (int)(dice % (uint32_t)g->w->clients);
	other = &g->w->client[f->from];
	if (f->strangers == f->calls || other->family != own->family ||
	    other->identity == own->identity)
		return false;
	f->strangers = f->calls;
	return true;
}

static void choose_begun(struct game *g, struct flow *f, uint32_t dice)
{
	uint32_t what = dice % 16;

	if (what < 9)
		choose_answer(g, f, dice >> 4);
	else if (what < 12)
		f->act = REQUEST; /* once more */
	else if (what < 13 && g->roomy && hold_unproven(&f->transaction, g->now))
		f->act = OTHER_ID;
	else
		f->act = what < 15 && pick_stranger(g, f, dice >> 4) ? STRANGER : KEEPALIVE;
}

static void choose_request(struct flow *f, uint32_t dice)
{
	static const uint8_t next[] = {ACK, ACK, INFO, INFO, INVITE, BYE};

	f->act = REQUEST;
	f->method = next[dice % 6];
	if (f->method != ACK)
		f->branches++, hold_init(&f->transaction);
}

static void choose_open(struct game *g, struct flow *f, uint32_t dice)
{
	uint32_t what = dice % 32;
	bool dnat = flow_is_dnat(g, f->hold.edge);

	dice >>= 5;
	if (what < 10 && f->method != ACK) {
		choose_answer(g, f, dice);
	} else if (what < 13 && dnat) {
		f->act = EDGE_REQUEST;
		f->act_edge = f->hold.edge;
		f->edge_method = dice % 8 ? INFO : BYE;
		f->edge_branches++;
	} else if (what < 16 && f->edge_branches && dnat) {
		f->act = CLIENT_ANSWER;
		f->status = choose_status(dice);
	} else if (what < 18) {
		f->act = OTHER_ID;
		if (!g->roomy || !hold_proven(&f->transaction, g->now))
			f->act = KEEPALIVE;
	} else if (what < 20) {
		choose_request(f, dice);
		f->from = (int)((dice >> 8) % (uint32_t)g->w->clients);
		f->act = g->w->client[f->from].family == f->family ? OTHER_CLIENT : REQUEST;
	} else {
		choose_request(f, dice);
	}
}

static bool step(struct game *g, struct flow *f, uint32_t dice, struct frame_spec *s)
{
	if (hold_proven(&f->hold, g->now))
		choose_open(g, f, dice);
	else if (hold_unproven(&f->hold, g->now))
		choose_begun(g, f, dice);
	else
		choose_fresh(g, f, dice);
	if (f->act == ANSWER || f->act == EDGE_REQUEST || f->act == EDGE_CALL)
		flow_from_edge(g, f, f->act_edge, s);
	else
		flow_from_client(g, f, s);
	if (f->act == OTHER_CLIENT || f->act == STRANGER)
		s->src = g->w->client[f->from].addr;
	if (f->act == KEEPALIVE)
		frame_set_payload(s, "\r\n\r\n", 4);
	else if (f->act == EDGE_REQUEST || f->act == EDGE_CALL)
		text(s, f, f->edge_method, 0);
	else if (f->act == CLIENT_ANSWER)
		text(s, f, f->edge_method, f->status);
	else
		text(s, f, f->act == OTHER_ID ? CANCEL : f->method,
		     f->act == ANSWER ? f->status : 0);
	return true;
}

/* 5.1, rule 3; then 4. `of` is the dialog's life, `own` whether the transaction is f's. */
static void message(struct game *g, struct flow *f, int method, int status, bool own)
{
	bool success = status >= 200 && status < 300;

	if (own && status && method == INVITE)
		f->transaction.life = status < 200 ? TO_RINGING_LIFE : TO_DIALOG_LIFE;
	if (own && hold_proven(&f->transaction, g->now))
		f->transaction.expires = g->now + f->transaction.life;
	if (!hold_proven(&f->hold, g->now) || f->ended)
		return;
	if (method == BYE && (success || status == 481)) {
		f->ended = true;
		f->hold.expires = g->now + TO_DIALOG_LIFE;
		affinity_closed(g, f);
		return;
	}
	if ((method == INVITE || method == SUBSCRIBE) && success) {
		f->established = true;
		f->hold.life = g->w->service[f->service].idle;
	} else if (method == INVITE && status && !f->established) {
		f->hold.life = status < 200 ? TO_RINGING_LIFE : TO_DIALOG_LIFE;
	}
	f->hold.expires = g->now + f->hold.life;
	affinity_packet(g, f);
}

/* The edge's answer, or in DSR modes the client's second message. Returns whether the dialog was
 * unproven until now. */
static bool prove(struct game *g, struct flow *f, bool unheard)
{
	bool proved = hold_unproven(&f->hold, g->now) && !hold_proven(&f->hold, g->now);

	if (proved) {
		hold_prove(&f->hold, g->now,
			   unheard ? g->w->service[f->service].idle : TO_DIALOG_LIFE);
		f->established |= unheard;
	}
	if (hold_unproven(&f->transaction, g->now))
		hold_prove(&f->transaction, g->now, TO_DIALOG_LIFE);
	return proved;
}

/* It joins its client's affinity as it stands after the message. */
static void join(struct game *g, struct flow *f, bool proved)
{
	if (proved && !f->ended)
		affinity_proved(g, f);
}

/* A request of a client that found its dialog, or made one. */
static void transaction(struct game *g, struct flow *f)
{
	struct hold *t = &f->transaction;

	if (f->method == ACK || hold_proven(t, g->now) || hold_unproven(t, g->now))
		return;
	hold_name(t, dialog_edge(g, f), g->now);
	if (hold_proven(&f->hold, g->now))
		hold_prove(t, g->now, TO_DIALOG_LIFE);
}

static void client_request(struct game *g, struct flow *f, const struct outcome *o)
{
	bool lives = dialog_lives(g, f), proved = false;
	int edge;

	if (lives && !g->roomy && hold_unproven(&f->hold, g->now) &&
	    o->out->decision.reason != TO_REASON_DIALOG) {
		f->off = true; /* displaced, whole or in part */
		return;
	}
	if (lives) {
		edge = dialog_edge(g, f);
		if (!check_steer(g, o, f->service, edge, TO_REASON_DIALOG))
			return;
		if (!flow_is_dnat(g, edge))
			proved = prove(g, f, true);
	} else {
		edge = check_new(g, o, f->service, f->client, false);
		if (g->failed || edge == NONE)
			return;
		hold_name(&f->hold, edge, g->now);
		f->decided = true;
	}
	transaction(g, f);
	if (f->act == OTHER_CLIENT) { /* whose affinity is renewed by it depends */
		affinity_doubt(g, f->from, f->service, edge);
		affinity_doubt(g, f->client, f->service, edge);
	}
	message(g, f, f->method, 0, f->method != ACK);
	join(g, f, proved);
}

/* Only the branch is known. */
static void other_id(struct game *g, struct flow *f, const struct outcome *o)
{
	struct hold *t = &f->transaction;
	bool proven = hold_proven(t, g->now);

	check_steer(g, o, f->service, proven ? t->edge : t->named, TO_REASON_TRANSACTION);
	if (proven)
		t->expires = g->now + t->life;
	else if (!flow_is_dnat(g, t->named))
		hold_prove(t, g->now, TO_DIALOG_LIFE);
}

static void answer(struct game *g, struct flow *f, const struct outcome *o)
{
	bool proved;

	if (!g->roomy && !hold_proven(&f->hold, g->now)) {
		f->off = true; /* who knows which of the two entries is still there */
		affinity_doubt(g, f->client, f->service, f->act_edge);
		return;
	}
	if (!check_reply(g, o, f->act_edge, &f->vip))
		return;
	proved = prove(g, f, false);
	message(g, f, f->method, f->status, true);
	join(g, f, proved);
}

static void edge_call(struct game *g, struct flow *f, const struct outcome *o)
{
	if (!check_opened(g, o, f->act_edge, &f->vip))
		return;
	hold_name(&f->hold, f->act_edge, g->now);
	hold_prove(&f->hold, g->now, TO_DIALOG_LIFE);
	f->decided = false;
	f->method = ACK; /* of the client there is no request yet */
}

static void done(struct game *g, struct flow *f, const struct outcome *o)
{
	switch (f->act) {
	case REQUEST:
	case OTHER_CLIENT:
		client_request(g, f, o);
		break;
	case OTHER_ID:
		other_id(g, f, o);
		break;
	case STRANGER: /* what is unproven speaks only for its own client */
		check_new(g, o, f->service, f->from, false);
		break;
	case ANSWER:
		answer(g, f, o);
		break;
	case EDGE_REQUEST:
		if (check_reply(g, o, f->act_edge, &f->vip))
			message(g, f, f->edge_method, 0, false);
		break;
	case CLIENT_ANSWER:
		if (check_steer(g, o, f->service, f->hold.edge, TO_REASON_DIALOG))
			message(g, f, f->edge_method, f->status, false);
		break;
	case EDGE_CALL:
		edge_call(g, f, o);
		break;
	default:
		check_new(g, o, f->service, f->client, false);
	}
}

const struct flow_kind flow_sip = {"sip", step, done};
