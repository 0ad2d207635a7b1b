# SPDX-License-Identifier: BSD-3-Clause
"""Row `peers`: what one would put there instead, nftables' DNAT and HAProxy, against both engines.
tests/bench/peers.py measures with frames, tests/bench/peers_talk.py with sockets, in namespaces of
their own."""
import json
import os
import shutil
import statistics
import subprocess

from bench_show import CannotMeasure

SAMPLES, WITHIN_S, SKIP = 21, 600, 77
FLOWS, FRAMES = 4096, 16384
SIZES = {60: "64-byte UDP", 244: "248-byte UDP"}
CONNECTIONS, ECHO_FLOWS, ECHOES = 2048, 64, 1000
SOCKETS, PINGS = 512, 300
TOOLS = {"nft": "nftables", "ethtool": "ethtool", "haproxy": "haproxy", "taskset": "util-linux"}
YARDSTICKS = "nft", "flow"  # the faster one is it
AT_LEAST = {"xdp": 2.0, "dpxdp": 1.0}  # the yardstick's time by theirs
AHEAD = {"xdp": 1.0, "dpxdp": 1.0}
INFORMED = {"xdp": 1.0, "dpxdp": None}
IN_TURN = {"half": "half of the answers within", "most": "99 of 100 answers within"}
TALKS = {"connect": "a TCP connection between sockets, from connect to reset",
         "tcp50": "a byte there and back between sockets by TCP, half within",
         "tcp99": "a byte there and back between sockets by TCP, 99 of 100 within"}


def ask(top, build, script, *arguments):
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise CannotMeasure(f"it needs packages that are missing: tools/install-deps run lab, or "
                            f"apt-get install {' '.join(missing)}")
    try:
        done = subprocess.run(
            ["/usr/bin/python3", str(top / "tests/bench" / script), *map(str, arguments)],
            capture_output=True, text=True, check=False,
            env={**os.environ, "TURNOUT_BUILD": str(build)}, timeout=WITHIN_S)
    except subprocess.TimeoutExpired as e:
        raise CannotMeasure(f"{script} does not end") from e
    if done.returncode and not done.stdout.startswith("{"):
        why = done.stdout if done.returncode == SKIP else done.stderr
        raise CannotMeasure(f"{script}: {why.strip()[-500:]}")
    return json.loads(done.stdout)["contenders"]


def spread(samples):
    return {"min": min(samples), "median": statistics.median(samples), "max": max(samples)}


def row(of, yardstick, subject, what, target, note):
    """Of what two contenders took, in nanoseconds."""
    base, mine = spread(yardstick[what]), spread(subject[what])
    return {"of": of, "yardstick_name": yardstick["name"], "yardstick": base,
            "subject_name": subject["name"], "subject": mine,
            "samples": min(len(yardstick[what]), len(subject[what])),
            "wrong": yardstick["wrong"] + subject["wrong"],
            "ratio": base["min"] / mine["min"], "ratio_median": base["median"] / mine["median"],
            "target": target, "target_is": "least", "note": note}


def fastest(contenders, what):
    """Of nftables with and without a flowtable."""
    return min((contenders[k] for k in YARDSTICKS if k in contenders), key=lambda c: min(c[what]))


def clock(contender, unit):
    """What comes out in a second of the clock."""
    s = spread([unit / ns for ns in contender["whole"]])
    return f"{contender['name']} {s['min']:.2f} / {s['median']:.2f} / {s['max']:.2f}"


def against(found, of, targets, counted, unit):
    base = fastest(found, "own")
    for key, target in targets.items():
        mine = found[key]
        note = (f"{counted} a second of the clock, with the sender's work, minimum / median / "
                f"maximum: {clock(base, unit)}, {clock(mine, unit)}")
        if any(mine["receive"]):
            note += (f"; of {mine['name']}'s time {min(mine['receive']):.0f} ns at least are the "
                     "kernel's, to receive")
        yield row(of, base, mine, "own", target, note)


def latency(top, build):
    """Less the shortest that it takes without a gateway."""
    found = ask(top, build, "peers.py", "latency", SAMPLES, ECHO_FLOWS, ECHOES)
    direct = found["direct"]
    for what, of in IN_TURN.items():
        for c in found.values():
            c["added"] = [ns - min(direct[what]) for ns in c[what]]
        base = fastest({k: found[k] for k in YARDSTICKS if k in found}, "added")
        for key, target in INFORMED.items():
            yield row(f"a datagram and its answer, one after the other, {of}: added", base,
                      found[key], "added", target,
                      f"without a gateway {min(direct[what]):.0f} ns")


def more(what, routed, *contenders):
    """By the minimums."""
    return "more than by plain routing: " + ", ".join(
        f"{c['name']} {(min(c[what]) - min(routed[what])) / 1000:.1f} us" for c in contenders)


def sockets(top, build):
    found = ask(top, build, "peers_talk.py", SAMPLES, SOCKETS, PINGS)
    for what, of in TALKS.items():
        base = fastest(found, what)
        for yardstick, key in (base, "xdp"), (base, "generic"), (found["haproxy"], "xdp"):
            mine = found[key]
            note = more(what, found["routed"], yardstick, mine)
            if what == "connect":
                note += "; connections a second at best: " + ", ".join(
                    f"{c['name']} {1e9 / min(c[what]):,.0f}" for c in (yardstick, mine))
            yield row(of, yardstick, mine, what, 1.0, note)


def measure(top, build, quick):
    if len(os.sched_getaffinity(0)) < 2:
        raise CannotMeasure("it needs two CPUs, one of them for turnout-dp's worker alone")
    for length in list(SIZES)[:1 if quick else None]:
        yield from against(ask(top, build, "peers.py", "packets", SAMPLES, FLOWS, length, FRAMES),
                           f"a packet of {FLOWS:,} flows, {SIZES[length]}, requests and answers",
                           AT_LEAST, "packets, million,", 1e3)
    if not quick:
        yield from against(ask(top, build, "peers.py", "connections", SAMPLES, CONNECTIONS),
                           "a TCP connection, the 6 packets from SYN to RST", AHEAD,
                           "connections, thousand,", 1e6)
        yield from sockets(top, build)
    yield from latency(top, build)
