/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <turnout/table_read.h>

#include "dp_intake.h"
#include "replay.h"

#define NFT "netdev " DP_GUARD

static const char unguard_help[] =
	"Usage: turnout-dp unguard\n"
	"\n"
	"Lets the kernel have the frames that `turnout-dp run` keeps from it, by the nftables "
	"table\n"
	"netdev " DP_GUARD ", also after its end, and by the XDP program of AF_XDP ports. An "
	"engine\n"
	"that runs on such ports gets nothing any more then: end it first. Needs CAP_NET_ADMIN, "
	"and\n"
	"for the program root.\n"
	"\n"
	"  --help   this\n"
	"\n"
	"Exit status: 0 there is no guard now, 2 usage, 3 the kernel refuses.\n";

/* VIPs first: they are ours also where the kernel has them as addresses of its own. What edges say
 * to this host itself is the kernel's. */
static const char rules[] = "  ip daddr @vip4 counter name \"to-vips\" drop\n"
			    "  ip6 daddr @vip6 counter name \"to-vips\" drop\n"
			    "  ip daddr @edge4 counter name \"to-edges\" drop\n"
			    "  ip6 daddr @edge6 counter name \"to-edges\" drop\n"
			    "  ip6 daddr fe80::/10 accept\n"
			    "  fib daddr type { local, broadcast, multicast, anycast } accept\n"
			    "  ip saddr @edge4 counter name \"from-edges\" drop\n"
			    "  ip6 saddr @edge6 counter name \"from-edges\" drop\n";

static const struct {
	const char *name;
	uint8_t kind; /* enum to_address_kind */
	bool v4;
} sets[] = {{"vip4", TO_ADDRESS_VIP, true},
	    {"vip6", TO_ADDRESS_VIP, false},
	    {"edge4", TO_ADDRESS_EDGE, true},
	    {"edge6", TO_ADDRESS_EDGE, false}};
#define SETS (sizeof(sets) / sizeof(sets[0]))

static void add_addresses(const struct to_table *t, size_t set, FILE *out)
{
	const struct to_address *a = t ? to_table_addresses(t) : NULL;

	for (uint32_t i = 0; t && i < to_table_address_count(t); i++) {
		char text[INET6_ADDRSTRLEN];

		if (a[i].kind != sets[set].kind || to_addr_is_v4(&a[i].addr) != sets[set].v4)
			continue;
		if (sets[set].v4)
			inet_ntop(AF_INET, &a[i].addr.w[3], text, sizeof(text));
		else
			inet_ntop(AF_INET6, &a[i].addr, text, sizeof(text));
		fprintf(out, "add element " NFT " %s { %s }\n", sets[set].name, text);
	}
}

static void fill_sets(const struct to_table *table, const struct to_table *also, FILE *out)
{
	for (size_t i = 0; i < SETS; i++) {
		fprintf(out, "flush set " NFT " %s\n", sets[i].name);
		add_addresses(table, i, out);
		add_addresses(also, i, out);
	}
}

static void make_table(const struct dp_guard *g, FILE *out)
{
	/* made first if it is not there, so that it can be deleted: one transaction replaces it */
	fprintf(out, "add table " NFT "\ndelete table " NFT "\ntable " NFT " {\n");
	for (size_t i = 0; i < SETS; i++)
		fprintf(out, " set %s { type %s; }\n", sets[i].name,
			sets[i].v4 ? "ipv4_addr" : "ipv6_addr");
	fprintf(out, " counter to-vips {}\n counter to-edges {}\n counter from-edges {}\n"
		     " chain ingress {\n  type filter hook ingress devices = { ");
	for (unsigned i = 0; i < g->interfaces; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", g->interface[i]);
	fprintf(out, " } priority -150; policy accept;\n%s }\n}\n", rules);
}

static struct nft_ctx *nftables(void)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (nft && (nft_ctx_buffer_error(nft) || nft_ctx_buffer_output(nft))) {
		nft_ctx_free(nft);
		return NULL;
	}
	return nft;
}

/* Runs and frees a script, as one transaction. */
static int run(struct dp_guard *g, char *script, char *err, size_t err_size)
{
	const char *why = "no memory";
	int ret = -ENOMEM;

	if (!g->nft)
		g->nft = nftables();
	if (g->nft && script) {
		ret = nft_run_cmd_from_buffer(g->nft, script) == 0 ? 0 : -EPERM;
		why = nft_ctx_get_error_buffer(g->nft); /* rewinds it */
	}
	if (ret < 0)
		snprintf(err, err_size, "cannot guard the kernel: %.*s", (int)strcspn(why, "\n"),
			 why);
	free(script);
	return ret;
}

static int replace(struct dp_guard *g, const struct to_table *table, const struct to_table *also,
		   char *err, size_t err_size)
{
	char *script = NULL;
	size_t size;
	FILE *out = open_memstream(&script, &size);

	if (out) {
		make_table(g, out);
		fill_sets(table, also, out);
		fclose(out);
	}
	return run(g, script, err, err_size);
}

int dp_guard_start(struct dp_guard *g, const struct to_table *table, char *err, size_t err_size)
{
	return g->interfaces ? replace(g, table, NULL, err, err_size) : 0;
}

/* The counters go on, unless somebody has taken the table away. */
static int change(struct dp_guard *g, const struct to_table *table, const struct to_table *also,
		  char *err, size_t err_size)
{
	char *script = NULL;
	size_t size;
	FILE *out = open_memstream(&script, &size);

	if (out) {
		fill_sets(table, also, out);
		fclose(out);
	}
	if (run(g, script, err, err_size) == 0)
		return 0;
	return replace(g, table, also, err, err_size);
}

/* As the compiler writes them: in one order. */
static bool are_same_addresses(const struct to_table *a, const struct to_table *b)
{
	uint32_t n = to_table_address_count(a);

	if (n != to_table_address_count(b))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct to_address *x = &to_table_addresses(a)[i],
					*y = &to_table_addresses(b)[i];

		if (x->kind != y->kind || memcmp(&x->addr, &y->addr, sizeof(x->addr)) != 0)
			return false;
	}
	return true;
}

int dp_guard_widen(struct dp_guard *g, const struct to_table *running, const struct to_table *next,
		   char *err, size_t err_size)
{
	if (!g->interfaces)
		return 0;
	g->wide = true;
	g->again = (struct dp_again){0};
	/* nftables takes milliseconds, in which nothing is committed: what is missing now is put
	 * back when this is live */
	if (are_same_addresses(running, next))
		return 0;
	return change(g, running, next, err, err_size);
}

void dp_guard_narrow(struct dp_guard *g, const struct to_table *running)
{
	char err[512];

	if (!g->wide || !dp_again_is_due(&g->again))
		return;
	g->wide = change(g, running, NULL, err, sizeof(err)) < 0;
	if (g->wide)
		dp_again_failed(&g->again, err);
	else
		g->again = (struct dp_again){0};
}

void dp_guard_find(struct dp_guard *g, const struct dp_port *port, unsigned ports)
{
	for (unsigned i = 0; i < ports; i++) {
		if (port[i].wire && if_indextoname(port[i].wire, g->interface[g->interfaces]))
			g->interfaces++;
	}
}

void dp_guard_release(struct dp_guard *g)
{
	if (g->nft)
		nft_ctx_free(g->nft);
	g->nft = NULL;
}

int dp_unguard_main(int argc, char **argv)
{
	struct dp_guard g = {0};
	char err[512];
	int ret;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(unguard_help, stdout);
		return TO_EXIT_DONE;
	}
	if (argc != 1) {
		fprintf(stderr, "turnout-dp: unexpected argument '%s'\n", argv[1]);
		return TO_EXIT_USAGE;
	}
	ret = run(&g, strdup("add table " NFT "\ndelete table " NFT "\n"), err, sizeof(err));
	dp_guard_release(&g);
	if (ret < 0) {
		fprintf(stderr, "turnout-dp: %s\n", err);
		return TO_EXIT_UNREACHABLE;
	}
	ret = dp_intake_clear_all();
	if (ret < 0) {
		fprintf(stderr, "turnout-dp: the XDP program of an AF_XDP port stays: %s\n",
			strerror(-ret));
		return TO_EXIT_UNREACHABLE;
	}
	return TO_EXIT_DONE;
}
