#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes a plan in which the busiest servers of a capture are VIPs, so that its packets are ours.

For captures of other sites: what an engine calls not-ours it does not look into. Two addresses of
the capture become edges, so that packets from edges and to edges occur as well; the edges that the
VIPs are served by are made up. The plan's stages are `before` and `half`.
"""
import argparse
import collections
import ipaddress
import subprocess
import sys
from pathlib import Path

VIPS, SERVICES, EDGES = 12, 32, 2
KINDS = {("tcp", 5060): "sip", ("udp", 5060): "sip", ("tcp", 5061): "sip-tls",
         ("udp", 3478): "turn", ("tcp", 3478): "turn", ("tcp", 5222): "xmpp",
         ("tcp", 5269): "xmpp"}
FIELDS = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "udp.srcport", "udp.dstport"]


def usable(address):
    a = ipaddress.ip_address(address)
    return not (a.is_multicast or a.is_loopback or a.is_unspecified or a.is_link_local
                or a == ipaddress.ip_address("255.255.255.255"))


def read(path):
    """How many packets each (protocol, address, port) got as the flow's server, and all addresses.

    The server is the end that the flow's first packet goes to."""
    command = ["tshark", "-r", path, "-T", "fields", "-E", "occurrence=f", "-E", "separator=/t"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    flows, servers, addresses = {}, collections.Counter(), collections.Counter()
    for line in out.splitlines():
        src4, dst4, src6, dst6, tsport, tdport, usport, udport = (line + "\t" * 8).split("\t")[:8]
        src, dst = src4 or src6, dst4 or dst6
        if not (src and dst and usable(src) and usable(dst)):
            continue
        addresses.update([src, dst])
        if not (tdport or udport):
            continue
        protocol = "tcp" if tdport else "udp"
        ends = (src, int(tsport or usport)), (dst, int(tdport or udport))
        server = flows.setdefault((protocol, frozenset(ends)), ends[1])
        servers[protocol, *server] += 1
    return servers, addresses


def choose(servers, addresses):
    """{VIP: [(protocol, port)]} and the addresses that become edges."""
    vips = {}
    for protocol, address, port in (s for s, _ in servers.most_common(SERVICES)):
        if port and (address in vips or len(vips) < VIPS):
            vips.setdefault(address, []).append((protocol, port))
    edges = [a for a, _ in addresses.most_common() if a not in vips][:EDGES]
    return vips or {"192.0.2.1": [("udp", 9)]}, edges


def made_up(vip, n, edge):
    return f"198.18.{n}.{edge}" if "." in vip else f'"2001:2:0:{n + 1:x}::{edge}"'


def plan(vips, edges):
    lines = ["turnout: 1", "site: {name: capture, gateways: [198.19.255.1, \"2001:2:0:ffff::1\"]}",
             "salt: capture", "relay_key: shared", "pools:"]
    for role, numbers in (("legacy", (1, 2)), ("new", (3, 4))):
        lines += [f"  {role}:", f"    role: {role}", "    edges:"]
        for e in numbers:
            lines.append(f"      e{e}:")
            lines += [f"        v{n}: {made_up(vip, n, e)}" for n, vip in enumerate(vips)]
            if role == "legacy" and e <= len(edges):
                address = edges[e - 1]
                lines.append(f"        own: \"{address}\"")
    lines.append("services:")
    names = []
    for n, (vip, ports) in enumerate(vips.items()):
        for protocol, port in ports:
            kind = KINDS.get((protocol, port), "media" if protocol == "udp" else "turn")
            names.append(f"v{n}-{protocol}-{port}")
            lines += [f"  {names[-1]}:", f"    {{kind: {kind}, vip: \"{vip}\", "
                      f"protocol: {protocol}, port: {port}, address: v{n}}}"]
    lines += ["stages:", "  - name: before", "  - name: half",
              "    routes: {" + ", ".join(f"{name}: 50" for name in names) + "}"]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("capture", metavar="CAPTURE")
    parser.add_argument("--out", metavar="PLAN", type=Path, help="standard output by default")
    args = parser.parse_args()
    text = plan(*choose(*read(args.capture)))
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
