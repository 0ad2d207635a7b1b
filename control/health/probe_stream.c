/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS handshakes, and SIP over TCP and TLS. */
#include <errno.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/util.h>
#include <openssl/err.h>

#include "internal.h"

/* The certificate is kept whatever it is: who may trust it, the caller decides. */
static int on_certificate(X509_STORE_CTX *store, void *context)
{
	const struct to_health *health = context;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct to_check *check = SSL_get_app_data(ssl);
	const char *trouble = "no CA to verify it against";

	if (health->verifies)
		trouble = X509_verify_cert(store) == 1
				  ? NULL
				  : X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	check->attempt.presented = true;
	to_certificate_see(check, X509_STORE_CTX_get0_cert(store), trouble);
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static int on_wanted(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
	struct to_check *check = SSL_get_app_data(ssl);

	(void)cert;
	(void)key;
	check->attempt.wants_certificate = true;
	return 0; /* there is none */
}

/*
 * Old pools speak what is not fit for a secret any more; a probe has none. But for Diffie-Hellman
 * over a field, whose size the peer would choose: with 10,000 bits it holds up the event loop.
 */
#define CIPHERS "ALL:!DH:!aNULL:@SECLEVEL=0"
#define GROUPS  "X25519:P-256:P-384:P-521:X448"

SSL_CTX *to_probe_tls(struct to_health *health)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls)
		return NULL;
	SSL_CTX_set_security_level(tls, 0);
	if (!SSL_CTX_set_min_proto_version(tls, TLS1_VERSION) ||
	    !SSL_CTX_set_cipher_list(tls, CIPHERS) || !SSL_CTX_set1_groups_list(tls, GROUPS)) {
		SSL_CTX_free(tls);
		return NULL;
	}
	SSL_CTX_set_options(tls, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_cert_verify_callback(tls, on_certificate, health);
	SSL_CTX_set_client_cert_cb(tls, on_wanted);
	return tls;
}

static void ask(struct to_check *check)
{
	struct to_attempt *a = &check->attempt;
	bool tls = check->target.transport == TO_OVER_TLS;
	char local[TO_ENDPOINT], remote[TO_ENDPOINT], question[1024];
	uint8_t random[20];
	size_t size = 0;

	evutil_secure_rng_get_bytes(random, sizeof(random));
	to_endpoint_text(&check->target.addr, check->target.port, remote);
	if (to_endpoint_local(bufferevent_getfd(a->stream), local))
		size = to_sip_options_write(&a->sip, random, local, remote, tls ? "TLS" : "TCP",
					    question, sizeof(question));
	if (!size || bufferevent_write(a->stream, question, size))
		to_check_done(check, TO_NOT_ASKED, "not asked: the request could not be written");
}

static void on_read(struct bufferevent *stream, void *context)
{
	struct to_check *check = context;
	struct evbuffer *in = bufferevent_get_input(stream);
	size_t size = evbuffer_get_length(in);
	enum to_answer answer;
	uint16_t status = 0;
	const uint8_t *data;

	if (check->target.probe != TO_PROBE_SIP_OPTIONS)
		return;
	size = size < TO_SIP_OPTIONS_MAX ? size : TO_SIP_OPTIONS_MAX;
	data = evbuffer_pullup(in, (ssize_t)size);
	answer = data ? to_sip_options_read(&check->attempt.sip, data, size, &status)
		      : TO_ANSWER_MORE;
	if (answer == TO_ANSWER_ALIVE)
		to_check_done(check, TO_GOOD, "answered %u", status);
	else if (answer == TO_ANSWER_FAILING)
		to_check_done(check, TO_BAD, "answered %u", status);
	else if (answer == TO_ANSWER_OTHER)
		to_check_done(check, TO_BAD, "answered, but not the question");
	else if (size == TO_SIP_OPTIONS_MAX)
		to_check_done(check, TO_BAD, "an answer without end: more than %d bytes of headers",
			      TO_SIP_OPTIONS_MAX);
}

/* Why it is over. */
static const char *reason(struct bufferevent *stream, short what)
{
	unsigned long err = bufferevent_get_openssl_error(stream);
	const char *text = err ? ERR_reason_error_string(err) : NULL;

	if (text)
		return text;
	if (what & BEV_EVENT_EOF)
		return "closed by the peer";
	return errno ? evutil_socket_error_to_string(errno) : "closed by the peer";
}

static void on_event(struct bufferevent *stream, short what, void *context)
{
	struct to_check *check = context;
	const struct to_attempt *a = &check->attempt;
	bool sip = check->target.probe == TO_PROBE_SIP_OPTIONS;

	if (what & BEV_EVENT_CONNECTED && sip)
		ask(check);
	else if (what & BEV_EVENT_CONNECTED)
		to_check_done(check, TO_GOOD, "handshake done, %s",
			      SSL_get_version(bufferevent_openssl_get_ssl(stream)));
	else if (a->wants_certificate && a->presented && !sip)
		/* mutual TLS: it has come as far as it can with somebody who has nothing to show */
		to_check_done(check, TO_GOOD, "presented its certificate, and wants ours");
	else
		to_check_done(check, TO_BAD, "%s%s",
			      a->wants_certificate ? "it wants a client certificate: " : "",
			      reason(stream, what));
	ERR_clear_error();
}

static SSL *make_ssl(struct to_check *check)
{
	SSL *ssl = SSL_new(check->health->tls);

	if (!ssl)
		return NULL;
	SSL_set_app_data(ssl, check);
	if (*check->target.fqdn)
		SSL_set_tlsext_host_name(ssl, check->target.fqdn);
	return ssl;
}

static struct bufferevent *make_stream(struct to_check *check)
{
	struct event_base *base = check->health->base;
	struct bufferevent *stream;
	SSL *ssl;

	if (check->target.transport != TO_OVER_TLS)
		return bufferevent_socket_new(base, check->attempt.fd, BEV_OPT_CLOSE_ON_FREE);
	ssl = make_ssl(check);
	if (!ssl)
		return NULL;
	stream = bufferevent_openssl_socket_new(base, check->attempt.fd, ssl,
						BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
	if (!stream)
		SSL_free(ssl);
	return stream;
}

void to_probe_stream(struct to_check *check)
{
	struct to_attempt *a = &check->attempt;

	a->stream = make_stream(check);
	if (!a->stream) {
		to_check_done(check, TO_NOT_ASKED, "not asked: no memory");
		return;
	}
	a->fd = -1; /* the stream's now */
	bufferevent_setcb(a->stream, on_read, NULL, on_event, check);
	bufferevent_setwatermark(a->stream, EV_READ, 0, TO_SIP_OPTIONS_MAX);
	bufferevent_enable(a->stream, EV_READ | EV_WRITE);
	if (check->target.transport != TO_OVER_TLS)
		ask(check);
}
