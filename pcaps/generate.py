#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the captures of this directory, the same bytes on every run and machine."""
import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from scenes import (broken, day, dsr, encrypted, floods, media, others, relay,  # noqa: E402
                    signalling)
from wire.capture import dump  # noqa: E402

CONTOSO, TRUNK, MEDIA = encrypted.CONTOSO, signalling.PLAN, relay.PLAN


class Capture(NamedTuple):
    """`valid`: every frame's lengths and checksums are right."""

    name: str
    plan: str
    stage: str
    text: str
    events: str = None
    valid: bool = True


CAPTURES = [
    Capture("sip-udp", TRUNK, "half",
            "Calls over one UDP socket of a trunk and from phones: long ringing, CANCEL, "
            "media by SDP, odd and broken messages in the spirit of RFC 4475"),
    Capture("sip-udp-fragments", TRUNK, "half",
            "A large INVITE and its answer in IPv4 and IPv6 fragments: in order, reversed, "
            "duplicated, incomplete, interleaved"),
    Capture("sip-tcp", TRUNK, "half",
            "SIP over TCP: messages that span segments, two in one segment, CRLF keepalives"),
    Capture("tls-sni", CONTOSO, "access-50",
            "TLS with SNI to Access and WebConf: resumption, split ClientHello, "
            "retransmissions, RST, half-closed connections"),
    Capture("tls-no-sni", CONTOSO, "access-50",
            "The same from clients that send no SNI"),
    Capture("pseudo-tls", CONTOSO, "media",
            "A/V on TCP 443: pseudo-TLS, MS-TURN and media in its framing and in that of RFC "
            "4571"),
    Capture("federation-5061", CONTOSO, "canary",
            "Federation with fabrikam, litware and unknown partners, opened from either side"),
    Capture("xmpp", CONTOSO, "drain",
            "XMPP server to server with STARTTLS"),
    Capture("turn", MEDIA, "half",
            "TURN from the 401 to Refresh 0 over IPv4 and IPv6, relayed media on ports of the "
            "VIP and of the edges, ChannelData and Refresh out of nowhere"),
    Capture("ms-turn", MEDIA, "half",
            "MS-TURN: magic cookie, MAPPED-ADDRESS as the relay, Send, Data without cookie, "
            "the FF10 multiplex"),
    Capture("stun-binding", MEDIA, "half",
            "Bindings, classic (RFC 3489) and RFC 8489"),
    Capture("dtls-srtp", MEDIA, "half",
            "An ICE check, a DTLS handshake with use_srtp, SRTP and SRTCP on one port"),
    Capture("rtp-rtcp", MEDIA, "half",
            "RTP and RTCP over IPv4 and IPv6: untagged, 802.1Q, QinQ with each outer type"),
    Capture("zrtp", MEDIA, "half",
            "A ZRTP exchange, then SRTP"),
    Capture("icmp-errors", MEDIA, "half",
            "ICMP and ICMPv6 errors about flows, in both directions, from ends and routers; "
            "about nothing known, cut short, about fragments"),
    Capture("dsr", dsr.PLAN, "half",
            "Clients' packets only, for edges in modes l2 and ipip, with tags, sizes around the "
            "MTU, and routers' errors about the tunnels"),
    Capture("contoso-day", CONTOSO, "baseline",
            "A whole day of contoso in four hours through every stage, with a rollback, an "
            "edge that fails and one that drains",
            events="contoso-day.events"),
    Capture("syn-flood", CONTOSO, "access-50",
            "20,000 SYNs from made-up sources between two halves of 100 TLS connections"),
    Capture("udp-flood", MEDIA, "half",
            "20,000 one-packet UDP flows (Allocate, Binding, RTP, ChannelData, DTLS) between "
            "two halves of TURN and media flows"),
    Capture("malformed", MEDIA, "half",
            "Every kind of malformed packet, cut at every byte, odd VLAN stacks and options, "
            "noise behind right IP headers", valid=False),
    Capture("not-ours", MEDIA, "half",
            "What is the kernel's: ARP, LLDP, spanning tree, neighbour discovery, BGP and "
            "ping to the gateway, DNS and NTP passing by, multicast"),
]


def scenes():
    modules = (broken, day, dsr, encrypted, floods, media, others, relay, signalling)
    return {name: make for module in modules for name, make in module.SCENES.items()}


def index():
    """What a test runner loops over: index.json."""
    rows = [c._asdict() for c in CAPTURES]
    return json.dumps({"captures": rows}, indent=2) + "\n"


def table(facts):
    rows = ["| capture | plan, stage | frames | what it is |", "|---|---|---|---|"]
    for c in CAPTURES:
        rows.append(f"| `{c.name}` | `{Path(c.plan).name}`, {c.stage} | {facts[c.name][0]:,} "
                    f"| {c.text} |")
    return "\n".join(rows) + "\n"


def with_table(readme, facts):
    """The README with the table between its marks made anew."""
    begin, end = "<!-- table: generate.py -->\n", "<!-- end -->\n"
    head, rest = readme.split(begin)
    return head + begin + table(facts) + end + rest.split(end)[1]


def write(names, out):
    """The captures, and (frames, SHA-256) of each."""
    make, facts = scenes(), {}
    for capture in CAPTURES:
        if names and capture.name not in names:
            continue
        frames = make[capture.name]()
        data = dump(frames)
        (out / f"{capture.name}.pcap").write_bytes(data)
        facts[capture.name] = (len(frames), hashlib.sha256(data).hexdigest())
        print(f"{capture.name:18} {len(frames):6} frames {len(data):9} bytes  {capture.text}",
              flush=True)
    return facts


def update(facts):
    """What is kept under version control follows the code."""
    (HERE / "index.json").write_text(index(), encoding="utf-8")
    (HERE / "contoso-day.events").write_text(day.events(), encoding="utf-8")
    sums = "".join(f"{facts[c.name][1]}  {c.name}.pcap\n" for c in CAPTURES)
    (HERE / "SHA256SUMS").write_text(sums, encoding="utf-8")
    readme = HERE / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), facts), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*",
                        help="captures to write; all by default")
    parser.add_argument("--out", type=Path, default=HERE, help="directory; this one by default")
    parser.add_argument("--update", action="store_true",
                        help="write index.json, SHA256SUMS, the events and README.md's table anew")
    args = parser.parse_args()
    unknown = set(args.names) - {c.name for c in CAPTURES}
    if unknown or (args.update and args.names):
        parser.error(f"no such capture: {', '.join(sorted(unknown))}" if unknown
                     else "--update needs all captures")
    args.out.mkdir(parents=True, exist_ok=True)
    facts = write(set(args.names), args.out)
    if args.update:
        update(facts)


if __name__ == "__main__":
    main()
