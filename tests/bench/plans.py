# SPDX-License-Identifier: BSD-3-Clause
"""Plans with many routes."""

import ipaddress
from pathlib import Path

HERE = Path(__file__).resolve().parent
STAGES = ("many", "more")


def write_plan(path, routes, share, bits=28, apart=1):
    """plan.yaml with so many partners more, each of which has a prefix and a route of its own. The
    second stage has `apart` per cent more on the new pool."""
    first, step = int(ipaddress.IPv4Address("11.0.0.0")), 1 << 32 - bits
    partners = "".join(f"  p{i}: {ipaddress.IPv4Address(first + i * step)}/{bits}\n"
                       for i in range(routes))
    text = (HERE / "plan.yaml").read_text(encoding="utf-8")
    text = text.replace("address: media}", "address: media, check: none}")
    for n, name in enumerate(STAGES):
        of = ", ".join(f"p{i}: {share + n * apart + i % 2}" for i in range(routes))
        text += (f"  - name: {name}\n    routes: {{media: {{default: {share + n * apart}, "
                 f"partners: {{{of}}}}}}}\n")
    text = text.replace("stages:\n", f"partners:\n{partners}stages:\n")
    path.write_text(text, encoding="utf-8")
