/* SPDX-License-Identifier: BSD-3-Clause */
/* Live entries, listed page by page as the protocol has them. */
#ifndef TURNOUT_ENGINE_FLOWS_H
#define TURNOUT_ENGINE_FLOWS_H

#include <turnout/protocol_check.h>

#include "engine_ops.h"

/* A page of what `ask` asks for, at clock second `now`. Returns 0 or a negative errno. */
int to_engine_flows(const struct to_engine *e, const struct to_msg_flows *ask, uint32_t now,
		    struct to_msg_flow_page *page);

/* An entry in the protocol's words. `t` may be NULL: then VIPs are not known. */
void to_flow_of(const struct to_state_item *item, const struct to_table *t, uint32_t now,
		struct to_flow *flow);
bool to_filter_takes(const struct to_flow_filter *f, const struct to_flow *flow);

#endif
