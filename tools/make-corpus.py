#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the seed corpora of the fuzz targets, a directory in DIR for each.

The seeds are cut from the project's own captures, plans and table images, or made of what the
engine protocol has, so none of them is kept under version control. What a seed looks like, the
target of that name in tests/fuzz/ says.
"""
import argparse
import hashlib
import json
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

# In the order of tests/fuzz/packet_tables.c.
PLANS = ["examples/contoso.yaml", "examples/dual-stack.yaml", "pcaps/plans/dsr.yaml",
         "pcaps/plans/media.yaml", "pcaps/plans/trunk.yaml"]
WINDOW = 10  # frames of a packet seed
WINDOWS = 30  # of a capture
PAYLOADS = 40  # of a capture
END_BURST, NEXT_STAGE = 8, 16  # control bits of tests/fuzz/fuzz_packet.c
TAGS = (0x8100, 0x88A8, 0x9100)


def read_capture(path):
    """(seconds, bytes) of each frame; the captures of pcaps/ are little-endian."""
    data, at, frames = path.read_bytes(), 24, []
    while at < len(data):
        seconds, _, there, _ = struct.unpack_from("<IIII", data, at)
        frames.append((seconds, data[at + 16:at + 16 + there]))
        at += 16 + there
    return frames


def spread(items, most):
    """At most `most` of them, from all over."""
    step = max(1, -(-len(items) // most))
    return items[::step]


def packet_seed(plan, stage, frames):
    """Frames as a seed; every fourth one ends a burst, now and then with the next stage."""
    seed, last = bytearray([PLANS.index(plan), stage]), frames[0][0]
    for i, (seconds, frame) in enumerate(frames):
        control = END_BURST if i % 4 == 3 else 0
        if i == WINDOW // 2 and stage % 2:
            control |= END_BURST | NEXT_STAGE
        seed += struct.pack("<BBH", control, min(255, max(0, seconds - last)), len(frame)) + frame
        last = seconds
    return bytes(seed)


def packet_seeds(captures):
    for capture, frames in captures:
        starts = spread(range(0, max(1, len(frames) - WINDOW), WINDOW), WINDOWS)
        for i, start in enumerate(starts):
            yield packet_seed(capture["plan"], i % 16, frames[start:start + WINDOW])


def transport(frame):
    """(is it TCP, payload) of a whole TCP or UDP packet without extension headers, or None."""
    at = 12
    while frame[at:at + 2] and int.from_bytes(frame[at:at + 2], "big") in TAGS:
        at += 4
    kind, ip = frame[at:at + 2], frame[at + 2:]
    if kind == b"\x08\x00" and len(ip) >= 20:
        protocol, ip = ip[9], ip[(ip[0] & 15) * 4:int.from_bytes(ip[2:4], "big")]
    elif kind == b"\x86\xdd" and len(ip) >= 40:
        protocol, ip = ip[6], ip[40:40 + int.from_bytes(ip[4:6], "big")]
    else:
        return None
    if protocol == 17 and len(ip) > 8:
        return False, ip[8:]
    if protocol == 6 and len(ip) > 20:
        return True, ip[(ip[12] >> 4) * 4:]
    return None


def payload_seeds(captures):
    for _, frames in captures:
        found = [p for p in (transport(frame) for _, frame in frames) if p and p[1]]
        by_kind = {(tcp, payload[:2], len(payload) // 16): (tcp, payload)
                   for tcp, payload in found}
        for tcp, payload in spread(list(by_kind.values()), PAYLOADS):
            yield bytes([(1 if tcp else 0) | 2, 42, 0]) + payload


def answer_seeds(captures):
    """Answers to the questions of tests/fuzz/fuzz_answer.c, and to others."""
    sip = (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK0000000000000000\r\n"
           b"From: <sip:a@b>;tag=00000000\r\nTo: <sip:c>;tag=1\r\nCall-ID: 0000000000000000\r\n"
           b"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    yield b"\0" + sip
    yield b"\0\r\n\r\n" + sip.replace(b"200 OK", b"503 No").replace(b"Call-ID", b"i ")
    stun = bytes.fromhex("2112a442") + bytes(12)
    address = bytes.fromhex("0001d2b5e112a643")
    for kind in 0x20, 0x01:
        yield b"\1\1\1\0\x0c" + stun + bytes([0, kind, 0, 8]) + address
    for code in b"\0\0\4\1", b"\0\0\5\0":
        yield b"\1\1\x11\0\x08" + stun + b"\0\x09\0\4" + code
    yield b"\2" + certificate()
    for _, frames in captures:
        found = [p[1] for p in (transport(frame) for _, frame in frames) if p and p[1]]
        yield from spread([b"\0" + p for p in found if p.startswith(b"SIP/2.0")], PAYLOADS)
        yield from spread([b"\1" + p for p in found if p[:1] == b"\1"], PAYLOADS)


def certificate():
    return subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", "/dev/null", "-outform", "DER", "-subj", "/O=Contoso/CN=sip",
         "-addext", "subjectAltName=DNS:sip.contoso.com,DNS:*.contoso.com,IP:192.0.2.1,IP:::1"],
        check=True, capture_output=True).stdout


def plan_paths():
    for pattern in ("examples/*.yaml", "pcaps/plans/*.yaml", "tests/control/**/*.yaml"):
        yield from sorted(TOP.glob(pattern))


def table_seeds(turnout, out):
    """An image of each stage of each plan, as `turnout table write` makes it."""
    for plan in PLANS:
        for stage in stages(plan):
            image = out / f"{Path(plan).stem}-{stage}"
            subprocess.run([turnout, "table", "write", TOP / plan, "--stage", stage, "--out",
                            image], check=True, stdout=subprocess.DEVNULL)


def replies():
    """Whatever turnoutd may say, behind the size of a frame: tests/fuzz/fuzz_live.c."""
    sys.path.insert(0, str(TOP / "tests/cli"))
    import fake
    daemon = fake.Answers()
    for do in ("status", "stages", "edges", "history", "counters"):
        yield bytes((24, 80)) + json.dumps(getattr(daemon, "do_" + do)()).encode()
    whole = {**daemon.do_status(), **daemon.do_stages(), **daemon.do_history()}
    whole["alarms"] = [{"name": "edge n2", "since": "2026-03-02T05:00:00Z", "message": "down"}]
    yield bytes((24, 80)) + json.dumps(whole).encode()


def stages(plan):
    import yaml  # here, so that --help needs nothing
    return [s["name"] for s in yaml.safe_load((TOP / plan).read_text(encoding="utf-8"))["stages"]]


def request_seeds():
    """A line of each request of control/daemon/api_request.h, with all that it may have."""
    text = (TOP / "control/daemon/api_request.h").read_text(encoding="utf-8")
    values = {"s": "baseline", "b": True, "i": 7}
    for name, members in re.findall(r'X\(\w+, "(\w+)", \w+,[\s\\]*"([^"]*)"\)', text):
        more = {m.split(":")[0]: values[m.split(":")[1]] for m in members.split()}
        yield json.dumps({"do": name, "id": name, **more}).encode()


def nexthop_seeds():
    """Of --nexthop: by families, and what is nearly one."""
    return [text.encode() for text in (
        "outside=192.0.2.1", "edges=2001:db8::1", "e1=02:00:00:00:00:0a", "e1=2:0:0:0:0:a",
        "e1=02:00:00:00:00:0a1", "e1=02:00:00:00:00:0a b", "e1=01:00:5e:00:00:01", "e1=224.0.0.1",
        "e1=::ffff:192.0.2.1", "e1=fe80::1", "e1=ff02::1", "e1=0.0.0.0", "=1", "e1", "a=b=c")]


def journal_seeds():
    """Records of each kind; the first byte is as tests/fuzz/fuzz_journal.c wants it."""
    intent = {"what": "intent", "generation": 1, "stage": "baseline", "checksum": "0123456789abcdef",
              "plan": "00", "asked": {"e1": "draining"}, "by_hand": ["e2"], "unhealthy": [],
              "deadlines": {"e1": "2026-01-01T00:00:00Z"}}
    records = [{"what": "start"}, intent, {"what": "live", "generation": 1, "counted": {}},
               {"what": "ack", "name": "x", "who": "y"}, {**intent, "generation": 2},
               {"what": "deadline", "edge": "e1", "deadline": "2026-01-01T00:00:00Z"},
               {"what": "abandoned", "generation": 2}, {"what": "unack", "name": "x"}]
    lines = [json.dumps(r).encode() for r in records]
    yield b"\1" + b"\n".join(lines)
    for line in lines:
        yield b"\1" + line
    body = b'{"n":1,"time":"2026-01-01T00:00:00Z","what":"start"'
    yield b"\0" + body + b',"crc":"%08x"}\n' % zlib.crc32(body) + body


def write(out, seeds):
    out.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (out / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


ANY = 255
FILTER = struct.pack("<IBBBB16s", 0, ANY, ANY, ANY, 0, bytes(16))
CAPTURE = struct.pack("<QQQII16sHBB4sIIII", 0, 1, 0, 2, 1, bytes(16), 0, 96, ANY, bytes(4),
                      50, 100, 1, 128)


def message_seeds():
    """A message of each type, from whichever side sends it: include/turnout/protocol.h."""
    magic, one = 0x50474E4554524F54, struct.pack("<Q", 1)
    flow = bytes(42) + b"\xff" + bytes(21)
    from_control = [
        (1, struct.pack("<QII", magic, 1, 0)), (4, b""), (5, b""), (7, one), (9, b""), (10, b""),
        (11, FILTER + bytes(32) + struct.pack("<II", 100, 0)), (13, bytes([1, ANY]) + bytes(6)), (15, CAPTURE),
        (17, b"")]
    packet = struct.pack("<QQIIHH5B7s", 1, 1, 60, 0, 9, 0, 1, 4, 2, 0, 1, bytes(7)) + bytes(16)
    from_engine = [
        (2, struct.pack("<QIIIIQQ32s32s", magic, 1, 1, 9, 2, 1, 1, b"one", b"fuzz")),
        (3, struct.pack("<iI512s", 16, 0, b"busy")), (4, b""), (6, one + one),
        (8, one + one + struct.pack("<II512s", 1, 2, one)), (9, b""), (10, b""),
        (12, bytes(32) + struct.pack("<II", 1, 2) + flow * 2), (14, one),
        (16, bytes(8)), (16, struct.pack("<II", 2, 0) + packet * 2),
        (17, struct.pack("<QQQII", 2, 1, 0, 1, 0))]
    fds = {(0, 5): 1, (1, 2): 1, (1, 4): 1}
    for side, messages in enumerate((from_control, from_engine)):
        for kind, body in messages:
            yield bytes([side | fds.get((side, kind), 0) << 1]) + \
                struct.pack("<HHIQ", kind, 0, 16 + len(body), 1) + body


def engine_seeds():
    """Conversations: tests/fuzz/fuzz_engine.c."""
    def say(kind, body=b"", fd=0):
        return bytes([kind | fd << 5, len(body)]) + body

    hello = say(1)
    page = say(11, FILTER + bytes(32) + struct.pack("<II", 20, 0))
    yield hello + say(5, fd=1) + say(7) + say(4)
    yield hello + say(5, fd=1) + say(9) + say(7)
    yield hello + page + say(10) + page
    yield hello + say(13, bytes([1, ANY]) + bytes(6)) + page
    yield hello + b"".join(say(5, b"image", fd) for fd in range(2, 6)) + say(4)
    yield hello + say(5, fd=6)
    yield say(4) + hello
    yield hello + say(15)
    yield hello + say(15) + say(0) + say(9)
    yield hello + say(15, CAPTURE) + say(4)


def region_seeds():
    """Counts that are too large, an odd sequence, a row: include/turnout/region.h."""
    def at(offset, data):
        return struct.pack("<IB", offset, len(data)) + data

    yield at(8264, struct.pack("<6I", 3, 4, 5, 0, 6, 0))
    yield at(20, b"\xff" * 4) + at(8264, b"\xff" * 24) + at(88, b"x" * 32)
    yield at(32, b"\x01")
    yield at(8280, b"\x01") + at(8288, bytes([ANY, ANY, 15, 30]))
    yield at(8272, b"\x01") + at(8288, bytes([1, 2, 16, 31]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", metavar="DIR", type=Path)
    parser.add_argument("--turnout", metavar="PROGRAM", type=Path, required=True,
                        help="the built `turnout`, which makes the table images")
    args = parser.parse_args()

    index = json.loads((TOP / "pcaps/index.json").read_text(encoding="utf-8"))["captures"]
    captures = [(c, TOP / "pcaps" / f"{c['name']}.pcap") for c in index]
    absent = [path.name for _, path in captures if not path.exists()]
    if absent:
        sys.exit(f"make-corpus: run pcaps/generate.py first: {', '.join(absent)} not there")
    captures = [(c, read_capture(path)) for c, path in captures]
    write(args.dir / "packet", packet_seeds(captures))
    write(args.dir / "payload", payload_seeds(captures))
    write(args.dir / "plan", (path.read_bytes() for path in plan_paths()))
    write(args.dir / "answer", answer_seeds(captures))
    write(args.dir / "live", replies())
    write(args.dir / "message", message_seeds())
    write(args.dir / "engine", engine_seeds())
    write(args.dir / "nexthop", nexthop_seeds())
    write(args.dir / "region", region_seeds())
    write(args.dir / "request", request_seeds())
    write(args.dir / "journal", journal_seeds())
    (args.dir / "table").mkdir(parents=True, exist_ok=True)
    table_seeds(args.turnout, args.dir / "table")
    for target in sorted(p for p in args.dir.iterdir() if p.is_dir()):
        print(f"{target}: {sum(1 for _ in target.iterdir())} seeds")


if __name__ == "__main__":
    main()
