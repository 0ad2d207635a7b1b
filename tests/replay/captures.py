# SPDX-License-Identifier: BSD-3-Clause
"""A replay's directory, and what tshark says about many frames at once."""

import json
import struct
import subprocess

CHECKS = [x for option in ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")
          for x in ("-o", option + ":TRUE")]
# A frame that leaves must not be reassembled with one of another replay.
ALONE = [x for option in ("ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams",
                          "tcp.analyze_sequence_numbers")
         for x in ("-o", option + ":FALSE")]
# Status 0 is "bad". The TCP or UDP checksum in what an ICMP error quotes is of a packet cut short.
BAD = " || ".join(
    ["ip.checksum.status == 0", "icmp.checksum.status == 0", "icmpv6.checksum.status == 0",
     "((tcp.checksum.status == 0 || udp.checksum.status == 0) && !icmp && !icmpv6)",
     "ip.bogus_ip_length", "ip.bogus_header_length", "ipv6.plen_exceeds_framing", "udp.length.bad",
     "tcp.bogus_header_length", "tcp.short_segment"])


def lines(directory):
    with open(directory / "verdicts.jsonl", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def read(path):
    """Frames of a nanosecond pcap of this machine's order: (nanoseconds, bytes)."""
    data = path.read_bytes()
    magic, _, _, _, _, _, link = struct.unpack("<IHHiIII", data[:24])
    if magic != 0xA1B23C4D or link != 1:
        raise ValueError(f"{path}: not a nanosecond Ethernet pcap")
    at, out = 24, []
    while at < len(data):
        seconds, nanos, caught, _ = struct.unpack("<IIII", data[at:at + 16])
        out.append((seconds * 10**9 + nanos, data[at + 16:at + 16 + caught]))
        at += 16 + caught
    return out


def write(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        for number, frame in enumerate(frames):
            f.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)


def file_of(line):
    """The capture that a verdict's frame went to."""
    if line["verdict"] == "steer":
        return f"edge-{line['edge']}.pcap"
    return {"reply": "replies.pcap", "out": "replies.pcap", "kernel": "kernel.pcap"}.get(
        line["verdict"])


def departures(directory, verdicts):
    """Each frame that left: (line, nanoseconds, bytes), and the ICMP errors that we sent. Raises
    ValueError when a file holds more or fewer than the verdicts say."""
    files = {p.name: iter(read(p)) for p in sorted(directory.glob("*.pcap"))}
    errors = [frame for _, frame in files.pop("errors.pcap")]
    left = []
    for line in verdicts:
        name = file_of(line)
        if not name:
            continue
        found = next(files[name], None)
        if not found:
            raise ValueError(f"{name} lacks the frame {line['frame']}")
        left.append((line, *found))
    for name, rest in files.items():
        if next(rest, None):
            raise ValueError(f"{name} has more frames than the verdicts")
    return left, errors


def bad_frames(frames, path):
    """Numbers, from 0, of the frames that tshark finds a wrong length or checksum in."""
    write(path, frames)
    done = subprocess.run(["tshark", "-n", "-r", path, *CHECKS, *ALONE, "-Y", BAD, "-T", "fields",
                           "-e", "frame.number"], capture_output=True, text=True, check=True)
    return {int(number) - 1 for number in done.stdout.split()}


def decoded(frame, path):
    """A frame as tshark tells it, in a line."""
    write(path, [frame])
    done = subprocess.run(["tshark", "-n", "-t", "e", "-r", path], capture_output=True, text=True,
                          check=False)
    return done.stdout.strip()
