# SPDX-License-Identifier: BSD-3-Clause
"""Row `peers`: what one would put there instead, nftables' DNAT and HAProxy, against both engines.
tests/bench/peers.py measures packets, tests/bench/peers_talk.py sockets, in namespaces of their
own."""
import json
import os
import shutil
import statistics
import subprocess

from bench_show import CannotMeasure

FLOWS, SAMPLES, FRAMES = 4096, 25, 16384
CONNECTIONS, PINGS = 512, 100
SOCKETS = {"connect": "a TCP connection set up, a byte there and back, reset",
           "tcp50": "a byte there and back by TCP, half of them within",
           "tcp99": "a byte there and back by TCP, 99 of 100 within"}
SIZES = {60: "64-byte UDP", 244: "248-byte UDP"}
WITHIN_S, SKIP = 600, 77
TOOLS = {"nft": "nftables", "ethtool": "ethtool", "taskset": "util-linux",
         "haproxy": "haproxy"}
YARDSTICKS = "nft", "flow"  # the faster one is it
TARGETS = {"xdp": 2.0, "dpxdp": 1.0}  # the yardstick's time by theirs


def ask(top, build, script, *arguments):
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise CannotMeasure(f"apt-get install {' '.join(missing)}")
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
    return json.loads(done.stdout)


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


def clock(contender):
    """Packets that come out in a second of the clock, million."""
    s = spread([1000 / ns for ns in contender["whole"]])
    return f"{contender['name']} {s['min']:.2f} / {s['median']:.2f} / {s['max']:.2f}"


def packets(top, build, length):
    found = ask(top, build, "peers.py", FLOWS, length, SAMPLES, FRAMES)["contenders"]
    base = fastest(found, "own")
    for key, target in TARGETS.items():
        yield row(f"a packet of {FLOWS:,} flows, {SIZES[length]}, requests and answers", base,
                  found[key], "own", target,
                  "packets a second of the clock with the sender's work, million, minimum / "
                  f"median / maximum: {clock(base)}, {clock(found[key])}")


def more(what, routed, *contenders):
    """By the minimums."""
    return "; more than by plain routing: " + ", ".join(
        f"{c['name']} {(min(c[what]) - min(routed[what])) / 1000:.1f} us" for c in contenders)


def sockets(top, build):
    """Everything on one CPU, but for turnout-dp's worker: for information where it takes part."""
    found = ask(top, build, "peers_talk.py", SAMPLES, CONNECTIONS, PINGS)["contenders"]
    for what, of in SOCKETS.items():
        peers = [fastest(found, what)]
        if what in found["haproxy"]:
            peers.append(found["haproxy"])
        pairs = [(p, found["xdp"], 1.0) for p in peers] + [(peers[0], found["dpxdp"], None)]
        for base, mine, target in pairs:
            note = "" if what != "connect" else rates(base, mine)
            yield row(of, base, mine, what, target,
                      (note + more(what, found["routed"], base, mine)).lstrip("; "))


def rates(*contenders):
    return "connections a second, thousand, at best: " + ", ".join(
        f"{c['name']} {1e6 / min(c['connect']):.1f}" for c in contenders)


def measure(top, build, quick):
    if len(os.sched_getaffinity(0)) < 2:
        raise CannotMeasure("it needs two CPUs, one of them for turnout-dp's worker alone")
    for length in list(SIZES)[:1 if quick else None]:
        yield from packets(top, build, length)
    yield from sockets(top, build)
