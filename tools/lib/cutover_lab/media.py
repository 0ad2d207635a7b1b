# SPDX-License-Identifier: BSD-3-Clause
"""Media of calls, counted at both ends: what callers sent, what reached the edges, what edges sent
back, and what came back. What an edge's SIPp has no time for, and so does not send back, is no
loss of the network's."""

import json

import cutover_lab.site as site
from netns import run

RULES = f"""
table ip lab {{{{
	counter sent {{{{ }}}}
	counter received {{{{ }}}}
	chain out {{{{
		type filter hook output priority 0
		udp {{out}} {{{{ {site.RTP}, {site.RTP_TCP} }}}} counter name sent
	}}}}
	chain in {{{{
		type filter hook input priority 0
		udp {{back}} {{{{ {site.RTP}, {site.RTP_TCP} }}}} counter name received
	}}}}
}}}}
"""
CALLERS = "client", "partner"


def begin():
    for name in (*CALLERS, *site.EDGES):
        far = ("dport", "sport") if name in CALLERS else ("sport", "dport")
        run("ip", "netns", "exec", name, "nft", "-f", "-",
            input=RULES.format(out=far[0], back=far[1]))


def _sums(names):
    """Packets: sent, received."""
    sums = {"sent": 0, "received": 0}
    for name in names:
        listed = json.loads(run("ip", "netns", "exec", name, "nft", "-j", "list", "counters"))
        for item in listed["nftables"]:
            if "counter" in item:
                sums[item["counter"]["name"]] += item["counter"]["packets"]
    return sums["sent"], sums["received"]


def counted():
    """Packets: what callers sent, what was lost on the way there or back, and what edges did not
    send back."""
    (sent, received), (echoed, arrived) = _sums(CALLERS), _sums(site.EDGES)
    return {"media_sent": sent, "media_lost": sent - arrived + echoed - received,
            "media_not_echoed": arrived - echoed}
