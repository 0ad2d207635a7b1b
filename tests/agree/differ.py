# SPDX-License-Identifier: BSD-3-Clause
"""The first difference between two replays of one case, told to a reader."""

import itertools
import json
import struct

from fields import name_of
from model import pcap
from replay import captures

VERDICTS = "verdicts.jsonl"
ROW = 16  # bytes of a line of a hex dump
AROUND = 2  # lines of it before and after the one that differs
NANO = 10**9


class Side:
    """An engine's replay: its name, exit code, summary and directory."""

    def __init__(self, name, code, summary, directory):
        self.name, self.code, self.summary, self.directory = name, code, summary, directory

    def files(self):
        return sorted(p.name for p in self.directory.iterdir())

    def lines(self):
        return (self.directory / VERDICTS).read_text(encoding="utf-8").splitlines()


def complaint(case, one, other, scratch):
    """None when both did the same."""
    return (verdicts(case, (one.name, one.lines()), (other.name, other.lines()), scratch)
            or files(case, one, other, scratch)
            or exit_codes(one, other)
            or counters(one, other))


def columns(names, texts):
    width = max(len(name) for name in names)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in zip(names, texts))


# Verdicts

def verdicts(case, one, other, scratch):
    """one, other: (name, lines)."""
    pairs = enumerate(itertools.zip_longest(one[1], other[1]))
    number = next((i for i, (a, b) in pairs if a != b), None)
    if number is None:
        return None
    differ = sum(a != b for a, b in itertools.zip_longest(one[1], other[1]))
    texts = [lines[number] if number < len(lines) else "(nothing)" for _, lines in (one, other)]
    return (f"{differ} of {max(len(one[1]), len(other[1]))} verdicts differ, first that of frame "
            f"{number + 1}\n{frame_text(case, number, scratch)}\n"
            f"{columns((one[0], other[0]), texts)}")


def frame_text(case, number, scratch):
    """The frame as tshark tells it, then its bytes."""
    frames = pcap.read(case.pcap)
    if number >= len(frames):
        return "  (the capture has no such frame)"
    when, frame = frames[number]
    after = (when - frames[0][0]) / NANO
    try:
        told = captures.decoded(frame, scratch / "frame.pcap")
    except FileNotFoundError:
        told = "(no tshark)"
    return f"  {after:+.9f} s, {len(frame)} bytes: {told}\n{dump(frame)}"


def dump(data, most=256):
    rows = [f"  {at:04x}  {data[at:at + ROW].hex(' ')}"
            for at in range(0, min(len(data), most), ROW)]
    return "\n".join(rows + ["  ..."] * (len(data) > most))


# Files

def files(case, one, other, scratch):
    names = one.files(), other.files()
    if names[0] != names[1]:
        only = [f"only {side.name} has {', '.join(sorted(set(a) - set(b)))}"
                for side, a, b in ((one, *names), (other, *reversed(names))) if set(a) - set(b)]
        return "the files differ: " + "; ".join(only)
    for name in names[0]:
        a, b = (side.directory / name for side in (one, other))
        if a.read_bytes() != b.read_bytes():
            return capture(case, one, other, name, scratch) if name.endswith(".pcap") \
                else f"{name} differs"
    return None


def capture(case, one, other, name, scratch):
    both = [records(side.directory / name) for side in (one, other)]
    if both[0][0] != both[1][0]:
        return f"{name}: the file headers differ:\n" + columns(
            (one.name, other.name), [head.hex(" ") for head, _ in both])
    for number, (a, b) in enumerate(itertools.zip_longest(both[0][1], both[1][1])):
        if a != b:
            return f"{name}: {record(case, one, other, number, a, b, name, scratch)}"
    return f"{name}: the records are equal, the files are not"


def records(path):
    """The file's header; (seconds, nanoseconds, captured, original, bytes) of each record."""
    data, at, found = path.read_bytes(), 24, []
    while at + 16 <= len(data):
        head = struct.unpack_from("<IIII", data, at)
        found.append((*head, data[at + 16:at + 16 + head[2]]))
        at += 16 + head[2]
    return data[:24], found


def record(case, one, other, number, a, b, name, scratch):
    origin = f"record {number + 1}{came_from(case, one, name, number, a or b, scratch)}"
    if a is None or b is None:
        has, lacks = (other, one) if a is None else (one, other)
        return f"{origin}: {has.name} wrote it, {lacks.name} did not\n{dump((a or b)[4])}"
    if a[:4] != b[:4]:
        texts = [f"{s}.{ns:09d} s, {kept} of {whole} bytes" for s, ns, kept, whole, _ in (a, b)]
        if a[4] == b[4]:
            return f"{origin}: time or length differ\n{columns((one.name, other.name), texts)}"
        origin += "\n" + columns((one.name, other.name), texts) + "\n "
    at = next((i for i, (x, y) in enumerate(zip(a[4], b[4])) if x != y),
              min(len(a[4]), len(b[4])))
    return (f"{origin} differs at byte {at}: {name_of(a[4], at)}\n"
            f"{side_by_side(a[4], b[4], at, (one.name, other.name))}")


def came_from(case, side, name, number, found, scratch):
    """The frame of the capture that became this record."""
    if name == "errors.pcap":
        frames = pcap.read(case.pcap)
        same = [str(i) for i, (when, _) in enumerate(frames, 1)
                if when == found[0] * NANO + found[1]]
        return f" (an ICMP error of ours, about frame {' or '.join(same) or '?'})"
    lines = [line for line in map(json.loads, side.lines()) if captures.file_of(line) == name]
    if number >= len(lines):
        return " (of no frame that has this verdict)"
    line = lines[number]
    return (f" (frame {line['frame']}, {line['verdict']}, {line['reason']})\n"
            f"{frame_text(case, line['frame'] - 1, scratch)}\n ")


def side_by_side(a, b, at, names):
    """Lines of hex around the byte, of both, with a mark below each byte that differs."""
    first = max(0, at // ROW - AROUND) * ROW
    rows = [f"  {'':4}  {names[0]:<{ROW * 3}}  {names[1]}"]
    for start in range(first, min(max(len(a), len(b)), (at // ROW + AROUND + 1) * ROW), ROW):
        x, y = a[start:start + ROW], b[start:start + ROW]
        rows.append(f"  {start:04x}  {x.hex(' '):<{ROW * 3}}  {y.hex(' ')}")
        marks = "".join("   " if x[i:i + 1] == y[i:i + 1] else "^^ " for i in range(ROW))
        if marks.strip():
            rows.append(f"  {'':4}  {marks:<{ROW * 3}}  {marks.rstrip()}")
    return "\n".join(rows)


# What they say of themselves

def exit_codes(one, other):
    if one.code == other.code:
        return None
    return f"{one.name} ends with {one.code}, {other.name} with {other.code}"


def counters(one, other):
    """The first member of the summaries that differs."""
    found = first_member(one.summary, other.summary, "")
    if not found:
        return None
    place, a, b = found
    return f"the summaries differ at {place}\n" + columns(
        (one.name, other.name), [json.dumps(x) if x is not None else "(nothing)" for x in (a, b)])


def first_member(a, b, place):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            found = first_member(a.get(key), b.get(key), f"{place}.{key}".lstrip("."))
            if found:
                return found
    elif isinstance(a, list) and isinstance(b, list):
        for at, (x, y) in enumerate(itertools.zip_longest(a, b)):
            if x != y:
                return first_member(x, y, f"{place}[{at}]") if place != "counters" \
                    else (f"{place}[{at}]", x, y)
    elif a != b:
        return place, a, b
    return None
