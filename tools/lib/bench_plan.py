# SPDX-License-Identifier: BSD-3-Clause
"""Row `plan`: from the command `turnout reload` to the generation that every worker decides by.
tests/bench/reload.py measures, in namespaces of its own."""
import json
import os
import subprocess

from bench_live import ENGINES, times
from bench_show import CannotMeasure

SAMPLES = 25
TARGETS = {10_000: 200, 100_000: 2000}  # routes: milliseconds
QUICK = 10_000
WITHIN_S = 300
SERIES = {"reload": "turnout reload", "check": "of this, about: turnout check",
          "prepare": "of this: the engine's check and copy", "live": "of this: commit to live"}


def ask(top, build, engine, routes):
    command = ["/usr/bin/python3", str(top / "tests/bench/reload.py"), engine, str(routes),
               str(SAMPLES)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env={**os.environ, "TURNOUT_BUILD": str(build)}, timeout=WITHIN_S)
    except subprocess.TimeoutExpired as e:
        raise CannotMeasure(f"reload.py {engine} does not end") from e
    if done.returncode:
        raise CannotMeasure(f"reload.py {engine}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def measure(top, build, quick):
    for routes, target_ms in TARGETS.items():
        if quick and routes > QUICK:
            continue
        for engine, name in ENGINES.items():
            found = ask(top, build, engine, routes)
            yield {"of": f"{name}, {routes:,} routes, {found['edges']} edges",
                   "times": {what: times(found[key]) for key, what in SERIES.items()},
                   "subject_name": SERIES["reload"], "samples": len(found["reload"]),
                   "wrong": found["stale"], "target_ms": target_ms,
                   "note": f"a plan of {found['bytes']:,} bytes, an image of "
                           f"{found['image']:,}; the file differs in every route each time"}
