/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions over UDP. Not sent again within a probe: losing one is what `fall` is for. */
#include <errno.h>

#include <event2/util.h>

#include "internal.h"

#define AT_ONCE 16 /* datagrams, before others have their turn */

static void take_answer(struct to_check *check, enum to_answer answer, uint16_t status)
{
	bool sip = check->target.probe == TO_PROBE_SIP_OPTIONS;

	if (answer == TO_ANSWER_FAILING)
		to_check_done(check, TO_BAD, "answered %u", status);
	else if (sip)
		to_check_done(check, TO_GOOD, "answered %u", status);
	else if (status)
		to_check_done(check, TO_GOOD, "answered with the error %u", status);
	else
		to_check_done(check, TO_GOOD, "answered");
}

/* Returns whether the probe is over. */
static bool read_one(struct to_check *check, const uint8_t *data, size_t size)
{
	struct to_attempt *a = &check->attempt;
	enum to_answer answer;
	uint16_t status = 0;

	if (check->target.probe == TO_PROBE_SIP_OPTIONS)
		answer = to_sip_options_read(&a->sip, data, size, &status);
	else
		answer = to_stun_binding_read(&a->stun, data, size, &status);
	if (answer == TO_ANSWER_MORE || answer == TO_ANSWER_OTHER) {
		a->others++;
		return false;
	}
	take_answer(check, answer, status);
	return true;
}

static void on_datagram(evutil_socket_t fd, short what, void *context)
{
	struct to_check *check = context;
	uint8_t data[TO_SIP_OPTIONS_MAX];

	(void)what;
	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n = recv(fd, data, sizeof(data), 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			to_probe_failed(check, errno);
			return;
		}
		if (read_one(check, data, (size_t)n))
			return;
	}
}

/* The question's length in `out`; 0: there is none. */
static size_t write_question(struct to_check *check, uint8_t *out, size_t size)
{
	struct to_attempt *a = &check->attempt;
	char local[TO_ENDPOINT], remote[TO_ENDPOINT];
	uint8_t random[20];

	evutil_secure_rng_get_bytes(random, sizeof(random));
	if (check->target.probe == TO_PROBE_STUN) {
		to_stun_binding_write(&a->stun, random, out);
		return TO_STUN_HEADER;
	}
	if (!to_endpoint_local(a->fd, local))
		return 0;
	to_endpoint_text(&check->target.addr, check->target.port, remote);
	return to_sip_options_write(&a->sip, random, local, remote, "UDP", (char *)out, size);
}

void to_probe_datagram(struct to_check *check)
{
	struct to_attempt *a = &check->attempt;
	uint8_t question[1024];
	size_t size = write_question(check, question, sizeof(question));

	if (!size) {
		to_check_done(check, TO_NOT_ASKED, "not asked: the socket has no address");
		return;
	}
	a->io = event_new(check->health->base, a->fd, EV_READ | EV_PERSIST, on_datagram, check);
	if (!a->io || event_add(a->io, NULL))
		to_check_done(check, TO_NOT_ASKED, "not asked: no memory");
	else if (send(a->fd, question, size, MSG_NOSIGNAL) < 0)
		to_probe_failed(check, errno);
}
