# SPDX-License-Identifier: BSD-3-Clause
"""Rows `commit` and `status`: an engine on a veth pair, with a million flows and a plan of 10,000
routes. tests/bench/commit.py and tests/bench/status.py measure, in namespaces of their own."""
import json
import os
import statistics
import subprocess
import sys

from bench_show import CannotMeasure, spread

FLOWS, ROUTES = 1_000_000, 10_000
SAMPLES = {"commit.py": 201, "status.py": 25}  # of the first enough for a 99th percentile
QUICK_FLOWS, QUICK_SAMPLES = 50_000, 25
WITHIN_S = 600
ENGINES = {"dp": "turnout-dp, 2 workers", "xdp": "turnout-xdp"}


def ask(top, build, script, engine, quick):
    flows = QUICK_FLOWS if quick else FLOWS
    samples = QUICK_SAMPLES if quick else SAMPLES[script]
    try:
        done = subprocess.run(
            ["/usr/bin/python3", str(top / "tests/bench" / script), engine, str(flows),
             str(ROUTES), str(samples)], capture_output=True, text=True, check=False,
            env={**os.environ, "TURNOUT_BUILD": str(build)}, timeout=WITHIN_S)
    except subprocess.TimeoutExpired as e:
        raise CannotMeasure(f"{script} {engine} does not end") from e
    if done.returncode:
        raise CannotMeasure(f"{script} {engine}: {done.stderr.strip()[-500:]}")
    found = json.loads(done.stdout)
    if found["pins"] < flows * 0.99:
        print(f"{script} {engine}: only {found['pins']:,} pins live", file=sys.stderr)
    return found


def times(found):
    """Milliseconds."""
    return {**spread(found, 1e6), "samples": len(found)}


def row(of, found, what, series, wrong=0, **more):
    return {"of": f"{of}, {found['pins']:,} pins, {ROUTES:,} routes", "unit": "ms",
            "times": {name: times(found[key]) for key, name in series.items()},
            "samples": min(len(found[key]) for key in series), "wrong": wrong,
            "subject_name": what, "target_ms": None, "note": "", **more}


class Commit:
    @staticmethod
    def measure(top, build, quick):
        for engine, name in ENGINES.items():
            found = ask(top, build, "commit.py", engine, quick)
            grace = engine == "xdp"
            yardstick = "an RCU grace period" if grace else "a hand-shake with two loops"
            live = statistics.median(found["live"]) / statistics.median(found["yardstick"])
            yield row(name, found, "commit to live",
                      {"prepare": "prepare", "live": "commit to live", "yardstick": yardstick},
                      found["lost"], **({} if grace else {"target_ms": 10}),
                      note=f"image of {found['image']:,} bytes; of {found['sent']:,} frames sent "
                           f"during the switches {found['lost']} are lost; the medians' ratio, "
                           f"commit to live by {yardstick}: {live:.2f}")


class Status:
    @staticmethod
    def measure(top, build, quick):
        found = ask(top, build, "status.py", "dp", quick)
        reloads = times(found["reload"])
        yield row(ENGINES["dp"], found, "status while a plan is compiled",
                  {"loaded": "status under load",
                   "reloading": "status while a plan is compiled"}, target_ms=100,
                  note=f"{reloads['samples']} reloads, which took "
                       f"{reloads['median']:.0f} ms (median)")
