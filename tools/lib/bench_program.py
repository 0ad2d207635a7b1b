# SPDX-License-Identifier: BSD-3-Clause
"""The programs of tests/bench that print a JSON line, and rows of what they print."""
import json
import os
import subprocess

from bench_show import CannotMeasure


def run(build, name, *argv):
    """What it prints, on one CPU."""
    cpu = max(os.sched_getaffinity(0))
    return run_free(build, name, *argv, before=["taskset", "-c", str(cpu)])


def run_free(build, name, *argv, before=()):
    """Likewise, on whatever CPUs there are."""
    done = subprocess.run([*before, str(build / "tests/bench" / name), *map(str, argv)],
                          capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError as e:
        raise CannotMeasure(done.stderr.strip() or f"status {done.returncode}") from e


def spread(figures):
    return {k: figures[f"ns_{k}"] for k in ("min", "median", "max")}


def row(got, of, yardstick, subject, names, target=None, note="", **more):
    """Of the series `yardstick` and `subject`, which are called `names`."""
    return {
        "of": of, "yardstick_name": names[0], "yardstick": spread(got[yardstick]),
        "subject_name": names[1], "subject": spread(got[subject]),
        "samples": got["samples"], "wrong": got["wrong"],
        "ratio": got[subject]["ns_min"] / got[yardstick]["ns_min"],
        "ratio_median": got[subject]["ns_median"] / got[yardstick]["ns_median"],
        "target": target, "target_is": "most", "note": note, **more,
    }
