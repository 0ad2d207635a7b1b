# SPDX-License-Identifier: BSD-3-Clause
"""Row `forward`: turnout-dp against testpmd macswap on the same virtual device, with one worker, and
with two against one. Process by process in turn (bench_forwarders.py)."""
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench_forwarders import ROOM, SETTLE_S, Testpmd, Turnout
from bench_show import CannotMeasure, spread

TARGET, SCALES = 0.60, 1.8
FLOWS = 4096
SAMPLES, SAMPLE_S, QUICK_S = 21, 1.0, 0.1
WORKERS = (1, 2)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMeasure(done.stderr.strip())


def prepare(top, build, work, workers):
    """A state with every flow proven, and a capture for each worker."""
    plan, made = top / "tests/bench/plan.yaml", work / f"requests{workers}.pcap"
    state = work / f"state{workers}"
    run(build / "tests/bench/bench_flows", plan, FLOWS, ROOM, state, made, 0, workers)
    return [Path(f"{made}.{i}") for i in range(workers)], state


def start(top, build, work, workers, into):
    captures, state = prepare(top, build, work, workers)
    table = work / "table"
    run(build / "control/turnout", "table", "write", top / "tests/bench/plan.yaml", "--out", table)
    into.append(Testpmd(captures, work))
    into[-1].sample(SETTLE_S)
    into.append(Turnout(build, captures, state, table, work))
    into[-1].sample(SETTLE_S)


def take(top, build, seconds):
    """testpmd and turnout-dp with one worker, and with two: samples of all in turn; and the wrong
    verdicts of each."""
    processes = []
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as name:
        try:
            for workers in WORKERS:
                start(top, build, Path(name), workers, processes)
            samples = [[p.sample(seconds) for p in processes] for _ in range(SAMPLES)]
            return list(zip(*samples)), [p.wrong() for p in processes]
        finally:
            for p in processes:
                p.kill()


def rates(samples):
    s = spread([x.clock_rate() for x in samples], 1e6)
    return f"{s['min']:.1f} / {s['median']:.1f} / {s['max']:.1f}"


def one(testpmd, turnout, wrong):
    """One worker against testpmd's."""
    yardstick, subject = (spread([x.ns() for x in s]) for s in (testpmd, turnout))
    return {
        "of": f"{FLOWS:,} flows, 64-byte UDP, dnat, one worker",
        "yardstick_name": "testpmd macswap", "yardstick": yardstick,
        "subject_name": "turnout-dp", "subject": subject,
        "samples": len(turnout), "wrong": sum(wrong),
        "ratio": yardstick["min"] / subject["min"],
        "ratio_median": yardstick["median"] / subject["median"],
        "target": TARGET, "target_is": "least",
        "note": "packets a second of the clock, million, minimum / median / maximum: testpmd "
                f"{rates(testpmd)}, turnout-dp {rates(turnout)}",
    }


def two(of, wrong):
    """Two workers against one, of either. Of the medians: the best samples would be those in which
    the two have met least."""
    names = [f"{who}, {n}" for n in ("1 worker", "2 workers") for who in ("testpmd", "turnout-dp")]
    clock = "; ".join(f"{name} {rates(s)}" for name, s in zip(names, of))
    together = statistics.median(x.together() for x in of[3])
    return {
        "of": f"{FLOWS:,} flows, 64-byte UDP, dnat, by number of workers", "unit": "packets/s",
        "figures": {name: spread([x.rate() for x in s]) for name, s in zip(names, of)},
        "targets": [{"of": names[3], "is": "least", "ratio": SCALES, "to": names[1],
                     "figure": "median"}],
        "samples": len(of[3]), "wrong": sum(wrong),
        "note": "packets by the time that workers ran, times the workers; by the clock, million: "
                f"{clock}; turnout-dp's two ran at once for at least {together:.0%} of a sample "
                "(median)",
    }


def measure(top, build, quick):
    if len(os.sched_getaffinity(0)) < 2:
        raise CannotMeasure("it needs two CPUs, one of them for the worker alone")
    if not shutil.which("dpdk-testpmd"):
        raise CannotMeasure("dpdk-testpmd is missing: apt-get install dpdk-dev")
    of, wrong = take(top, build, QUICK_S if quick else SAMPLE_S)
    yield one(of[0], of[1], wrong[:2])
    yield two(of, wrong)
