/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the kernel sees a port's frames as well as we do (AF_PACKET), it is to leave alone what is
 * ours: it would answer for VIPs, and route edges' frames a second time. An nftables table at the
 * ports' ingress, behind AF_PACKET's own tap, drops that. It outlives the process: with the engine
 * dead the kernel still answers for no VIP.
 */
#ifndef TURNOUT_DP_GUARD_H
#define TURNOUT_DP_GUARD_H

#include <turnout/table.h>

#include "dp_again.h"
#include "dp_port.h"
#include "hops.h"

#define DP_GUARD "turnout-guard" /* the table, of family netdev */

struct nft_ctx;

struct dp_guard {
	/* Stays open: the kernel closes it only when all readers have let go of what it has
	 * changed, up to a second later. */
	struct nft_ctx *nft;
	unsigned interfaces; /* 0: there is nothing to guard */
	char interface[DP_MAX_PORTS][TO_IF_NAME];
	bool wide;             /* may keep more from the kernel than the running table needs */
	struct dp_again again; /* it could not be narrowed */
};

/* Those of the started ports that the kernel has an interface of. */
void dp_guard_find(struct dp_guard *g, const struct dp_port *port, unsigned ports);

/*
 * Puts the guard of `table` there, in place of the one that may be there, at once. Returns 0 or a
 * negative errno with a message.
 */
int dp_guard_start(struct dp_guard *g, const struct to_table *table, char *err, size_t err_size);

/* Before `next` follows `running`: it keeps what is either's from the kernel. Likewise. Asks
 * nftables nothing where they have the same addresses. */
int dp_guard_widen(struct dp_guard *g, const struct to_table *running, const struct to_table *next,
		   char *err, size_t err_size);
/* Once `running` is live: what is its alone. When it cannot, it says so on stderr, and a later call
 * tries again. */
void dp_guard_narrow(struct dp_guard *g, const struct to_table *running);
/* Is there anything to narrow soon? */
static inline bool dp_guard_waits(const struct dp_guard *g)
{
	return g->wide && !g->again.at_ns;
}

/* What the kernel was told stays. */
void dp_guard_release(struct dp_guard *g);

/* `turnout-dp unguard`: takes it away. Returns an exit code. */
int dp_unguard_main(int argc, char **argv);

#endif
