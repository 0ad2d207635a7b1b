# SPDX-License-Identifier: BSD-3-Clause
"""Row `pipeline`: received burst to rewritten burst, against a bare look-up of as many entries."""
import json
import os
import subprocess

from bench_show import CannotMeasure

TARGET = 2.1
# (flows, places for them): a table is given twice the room of what is expected in it
SIZES = [(4096, 8192), (65536, 131072), (1000000, 2000000), (10000000, 20000000)]
QUICK = 1000000
NOTES = {4096: "the yardstick's 256 KiB stay in the second-level cache, and partly in the first",
         65536: "the yardstick's 4 MiB stay in the last-level cache"}


def spread(figures):
    return {k: figures[f"ns_{k}"] for k in ("min", "median", "max")}


def measure(top, build, quick):
    program = build / "tests/bench/bench_pipeline"
    cpu = max(os.sched_getaffinity(0))
    for flows, room in SIZES:
        if quick and flows > QUICK:
            continue
        done = subprocess.run(["taskset", "-c", str(cpu), str(program),
                               str(top / "tests/bench/plan.yaml"), f"{flows}/{room}"],
                              capture_output=True, text=True, check=False)
        try:
            got = json.loads(done.stdout)
        except ValueError as e:
            raise CannotMeasure(done.stderr.strip() or f"status {done.returncode}") from e
        for what in ("mixed", "requests"):
            yield {
                "of": f"{flows:,} flows, " +
                      ("requests and answers" if what == "mixed" else "requests alone"),
                "yardstick_name": "bare look-up", "yardstick": spread(got["bare"]),
                "subject_name": "pipeline", "subject": spread(got[what]),
                "samples": got["samples"], "wrong": got["wrong"],
                "ratio": got[what]["ns_min"] / got["bare"]["ns_min"],
                "ratio_median": got[what]["ns_median"] / got["bare"]["ns_median"],
                "target": TARGET if what == "mixed" else None, "target_is": "most",
                "state_bytes": got["state_bytes"], "note": NOTES.get(flows, ""),
            }
