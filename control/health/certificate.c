/* SPDX-License-Identifier: BSD-3-Clause */
/* What a peer's certificate says of itself: written by a stranger, so bounded and plain. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "internal.h"

static void read_subject(X509 *x, struct to_health_certificate *c)
{
	BIO *text = BIO_new(BIO_s_mem());
	int n;

	if (!text)
		return;
	if (X509_NAME_print_ex(text, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0) {
		n = BIO_read(text, c->subject, sizeof(c->subject) - 1);
		c->subject[n > 0 ? n : 0] = '\0';
	}
	BIO_free(text);
}

/* What is not a name's character cannot pass for the end of one. */
static void plain(const ASN1_STRING *from, char *out, size_t size)
{
	const unsigned char *data = ASN1_STRING_get0_data(from);
	size_t length = (size_t)ASN1_STRING_length(from), n;

	for (n = 0; n < length && n + 1 < size; n++) {
		bool fine = data[n] > ' ' && data[n] < 127 && data[n] != ',';

		out[n] = (char)(fine ? data[n] : '?');
	}
	out[n] = '\0';
}

/* False: a kind that no client of ours looks at. */
static bool read_name(const GENERAL_NAME *name, char *out, size_t size)
{
	const ASN1_OCTET_STRING *ip;
	char text[INET6_ADDRSTRLEN] = "?";

	if (name->type == GEN_DNS) {
		memcpy(out, "DNS:", 5);
		plain(name->d.dNSName, out + 4, size - 4);
		return true;
	}
	if (name->type != GEN_IPADD)
		return false;
	ip = name->d.iPAddress;
	if (ASN1_STRING_length(ip) == 4 || ASN1_STRING_length(ip) == 16)
		inet_ntop(ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6,
			  ASN1_STRING_get0_data(ip), text, sizeof(text));
	snprintf(out, size, "IP:%s", text);
	return true;
}

/* Whole names only, as many as there is room for. */
static void read_names(X509 *x, struct to_health_certificate *c)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	size_t used = 0;
	char one[300];

	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
		if (!read_name(sk_GENERAL_NAME_value(names, i), one, sizeof(one)))
			continue;
		if (used + strlen(one) + 3 > sizeof(c->names))
			break;
		used += (size_t)snprintf(c->names + used, sizeof(c->names) - used, "%s%s",
					 used ? ", " : "", one);
	}
	GENERAL_NAMES_free(names);
}

/* 0: not readable. */
static int64_t seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

void to_certificate_see(struct to_check *check, X509 *x, const char *trouble)
{
	const struct to_target *t = &check->target;
	struct to_health_certificate *c = check->certificate;
	unsigned size = sizeof(c->sha256);

	if (!x)
		return;
	if (!c)
		c = check->certificate = malloc(sizeof(*c));
	if (!c)
		return;
	memset(c, 0, sizeof(*c));
	X509_digest(x, EVP_sha256(), c->sha256, &size);
	to_endpoint_text(&t->addr, t->port, c->address);
	read_subject(x, c);
	read_names(x, c);
	c->not_before = seconds(X509_get0_notBefore(x));
	c->not_after = seconds(X509_get0_notAfter(x));
	c->at = (uint64_t)time(NULL);
	snprintf(c->fqdn, sizeof(c->fqdn), "%s", t->fqdn);
	c->named = *t->fqdn && X509_check_host(x, t->fqdn, 0, 0, NULL) == 1;
	c->trusted = !trouble;
	c->trouble = trouble ? trouble : "";
}
