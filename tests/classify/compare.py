#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""`turnout classify` against tshark, packet by packet, on captures of real traffic.

Usage: compare.py TURNOUT [FOLDER]; the folder is else that of TURNOUT_CAPTURES or
../shared/pcaps beside the project. Exit 77 when there is none, or no tshark.

What tshark is asked, and which of its answers count, are rules about protocols, never lists of
frames. docs/classification.md explains them and the disagreements that are left.
"""
import collections
import os
import pathlib
import shutil
import subprocess
import sys

SCORED = ("sip", "stun", "dtls", "tls", "rtcp")
LEAST = 0.99  # of precision and of recall
MERGED = {"ms-turn": "stun", "turn-channel": "stun", "pseudo-tls": "tls"}
NEGATIVES = ("http_on_sip_port", "synscan", "bittorrent", "quic", "dns_fragmented")
FIELDS = ("frame.number", "frame.protocols", "tls.record.content_type", "tls.record.opaque_type",
          "sip.Method", "sip.Status-Code", "tcp.segment", "ip.src", "ipv6.src", "ip.dst",
          "ipv6.dst", "udp.srcport", "udp.dstport")
# each segment by itself, retransmitted ones too; RTCP and RTP without a signalled port
ALONE = ("-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tls.desegment_ssl_records:FALSE",
         "-o", "tcp.analyze_sequence_numbers:FALSE",
         "--enable-heuristic", "rtcp_udp", "--enable-heuristic", "rtp_udp")
MEDIA = ("stun", "classicstun", "dtls", "rtp", "rtcp")


def tshark(capture, options):
    """One dictionary a frame, with the first value of each field (all, of tcp.segment)."""
    command = ["tshark", "-n", "-r", str(capture), *options, "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [dict(zip(FIELDS, line.split("\t"))) for line in out.splitlines()]


def beneath(row):
    """The protocols that the outermost TCP or UDP carries; [] for ICMP and tunnels below it."""
    protocols = row["frame.protocols"].split(":")
    for i, name in enumerate(protocols):
        if name in ("icmp", "icmpv6", "gre"):
            return []
        if name in ("tcp", "udp"):
            return protocols[i + 1:]
    return []


def has_record(row):
    return bool(row["tls.record.content_type"] or row["tls.record.opaque_type"])


def label(row):
    """tshark's class of a frame by itself; only what begins with a start line is sip, only what
    begins with a record is tls."""
    names = beneath(row)
    if not names:
        return ""
    if names[:2] == ["rtp", "rtcp"]:
        return "rtcp"
    if names[0] == "classicstun":
        return "stun"
    if names[0] == "sip":
        return "sip" if row["sip.Method"] or row["sip.Status-Code"] else "sip, no start line"
    if names[0] == "tls":
        return "tls" if has_record(row) else "tls, no whole record"
    return names[0]


def flow(row):
    ends = [(row["ip.src"] + row["ipv6.src"], row["udp.srcport"]),
            (row["ip.dst"] + row["ipv6.dst"], row["udp.dstport"])]
    return tuple(sorted(ends)) if row["udp.srcport"] else None


def record_starts(capture):
    """Frames whose payload begins with a record, by tshark when it puts streams together: those
    with a record of their own, and the first segment of a record that takes several, unless it is
    a later one of another (then its payload begins inside that)."""
    first, later = set(), set()
    for row in tshark(capture, ("-o", "tcp.reassemble_out_of_order:TRUE")):
        if "tls" not in beneath(row):
            continue
        segments = [int(n) for n in row["tcp.segment"].split(",") if n]
        if segments:
            first.add(segments[0])
            later.update(segments[1:])
        elif has_record(row):
            first.add(int(row["frame.number"]))
    return first - later


def truth(capture):
    rows = tshark(capture, ALONE)
    labels = [label(row) for row in rows]
    # In a UDP flow where tshark finds media or its set-up by itself, it is asked again what it
    # calls "data", told that the flow is RTP.
    flows = {flow(row) for row, name in zip(rows, labels) if name in MEDIA and flow(row)}
    ports = sorted({port for one in flows for _, port in one})
    if ports:
        again = [option for port in ports for option in ("-d", f"udp.port=={port},rtp")]
        for i, row in enumerate(tshark(capture, (*ALONE, *again))):
            if labels[i] == "data" and flow(rows[i]) in flows and label(row) == "rtcp":
                labels[i] = "rtcp"
    starts = record_starts(capture)
    for i, name in enumerate(labels):
        if name == "tls, no whole record" and i + 1 in starts:
            labels[i] = "tls"
    return labels


def classes(turnout, capture):
    out = subprocess.run([turnout, "classify", str(capture)], capture_output=True, text=True,
                         check=True).stdout
    pairs = [line.split() for line in out.splitlines()]
    assert [int(n) for n, _ in pairs] == list(range(1, len(pairs) + 1)), capture
    return [name for _, name in pairs]


# Disagreements on the scored classes, by (tshark, turnout): the name they have in
# docs/classification.md. One that is not here fails the test.
NAMED = {
    ("tls, no whole record", "tls"): "a retransmitted record that tshark does not put together",
    ("data", "dtls"): "a DTLS record that tshark cannot read",
}


def compare(turnout, folder):
    counts, named, problems = collections.Counter(), collections.Counter(), []
    for capture in sorted(folder.glob("*.pcap*")):
        theirs, ours = truth(capture), classes(turnout, capture)
        if len(theirs) != len(ours):
            problems.append(f"{capture.name}: {len(theirs)} frames by tshark, {len(ours)} by us")
            continue
        for frame, (their, our) in enumerate(zip(theirs, ours), 1):
            group = MERGED.get(our, our)
            counts[their, group] += 1
            if their != group and (their in SCORED or group in SCORED):
                name = NAMED.get((their, group))
                named[name] += 1
                if not name:
                    problems.append(f"{capture.name} frame {frame}: '{their}' by tshark, {our}")
            if capture.name.startswith(NEGATIVES) and our in ("sip", "rtp"):
                problems.append(f"{capture.name} frame {frame}: a false {our}")
    return counts, named, problems


def score(counts, name):
    right = counts[name, name]
    ours = sum(n for (_, our), n in counts.items() if our == name)
    theirs = sum(n for (their, _), n in counts.items() if their == name)
    return theirs, right / ours if ours else 0, right / theirs if theirs else 0


def main():
    turnout = sys.argv[1]
    project = pathlib.Path(__file__).resolve().parents[2]
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get(
        "TURNOUT_CAPTURES", project.parent / "shared" / "pcaps"))
    if not folder.is_dir() or not shutil.which("tshark"):
        print(f"skipped: no captures in {folder}, or no tshark")
        return 77
    counts, named, problems = compare(turnout, folder)
    print(f"{'class':8}{'packets':>9}{'precision':>11}{'recall':>9}")
    for name in SCORED:
        packets, precision, recall = score(counts, name)
        print(f"{name:8}{packets:9}{precision:11.4f}{recall:9.4f}")
        if min(precision, recall) < LEAST:
            problems.append(f"{name}: below {LEAST}")
    for name, n in named.most_common():
        print(f"{n:4} {name or 'not named'}")
    for problem in problems[:40]:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
