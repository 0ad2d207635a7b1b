# SPDX-License-Identifier: BSD-3-Clause
"""Media of calls, counted where the callers are: what they sent, and what came back."""

import json

import cutover_lab.site as site
from netns import run

RULES = f"""
table ip lab {{
	counter sent {{ }}
	counter received {{ }}
	chain out {{
		type filter hook output priority 0
		udp dport {{ {site.RTP}, {site.RTP_TCP} }} counter name sent
	}}
	chain in {{
		type filter hook input priority 0
		udp sport {{ {site.RTP}, {site.RTP_TCP} }} counter name received
	}}
}}
"""
CALLERS = "client", "partner"


def begin():
    for name in CALLERS:
        run("ip", "netns", "exec", name, "nft", "-f", "-", input=RULES)


def counted():
    """Packets: (sent, received)."""
    sums = {"sent": 0, "received": 0}
    for name in CALLERS:
        listed = json.loads(run("ip", "netns", "exec", name, "nft", "-j", "list", "counters"))
        for item in listed["nftables"]:
            if "counter" in item:
                sums[item["counter"]["name"]] += item["counter"]["packets"]
    return sums["sent"], sums["received"]
