# SPDX-License-Identifier: BSD-3-Clause
"""Row `peers`: what one would put there instead, nftables' DNAT and HAProxy, against both engines.
tests/bench/peers.py measures packets, in namespaces of its own."""
import json
import os
import shutil
import statistics
import subprocess

from bench_show import CannotMeasure

FLOWS, SAMPLES, FRAMES = 4096, 25, 16384
SIZES = {60: "64-byte UDP", 244: "248-byte UDP"}
WITHIN_S, SKIP = 600, 77
TOOLS = {"nft": "nftables", "ethtool": "ethtool", "taskset": "util-linux"}
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


def row(of, yardstick, subject, target, wrong, note):
    """Of two contenders' `own` nanoseconds."""
    base, mine = spread(yardstick["own"]), spread(subject["own"])
    return {"of": of, "yardstick_name": yardstick["name"], "yardstick": base,
            "subject_name": subject["name"], "subject": mine,
            "samples": min(len(yardstick["own"]), len(subject["own"])), "wrong": wrong,
            "ratio": base["min"] / mine["min"], "ratio_median": base["median"] / mine["median"],
            "target": target, "target_is": "least", "note": note}


def clock(contender):
    """Packets that come out in a second of the clock, million."""
    s = spread([1000 / ns for ns in contender["whole"]])
    return f"{contender['name']} {s['min']:.2f} / {s['median']:.2f} / {s['max']:.2f}"


def packets(top, build, length):
    found = ask(top, build, "peers.py", FLOWS, length, SAMPLES, FRAMES)
    all_of = found["contenders"]
    base = min((all_of[k] for k in YARDSTICKS if k in all_of), key=lambda c: min(c["own"]))
    for key, target in TARGETS.items():
        yield row(f"{FLOWS:,} flows, {SIZES[length]}, requests and answers", base, all_of[key],
                  target, base["wrong"] + all_of[key]["wrong"],
                  "packets a second of the clock with the sender's work, million, minimum / "
                  f"median / maximum: {clock(base)}, {clock(all_of[key])}")


def measure(top, build, quick):
    if len(os.sched_getaffinity(0)) < 2:
        raise CannotMeasure("it needs two CPUs, one of them for turnout-dp's worker alone")
    for length in list(SIZES)[:1 if quick else None]:
        yield from packets(top, build, length)
