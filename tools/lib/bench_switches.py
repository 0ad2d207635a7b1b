# SPDX-License-Identifier: BSD-3-Clause
"""Row `switches`: a worker's bursts while stages are switched, against those while none are."""
import sys
import tempfile
from pathlib import Path

import bench_program

TARGET = 1.1
PINS, QUICK_PINS, ROUTES, BITS, RATE = 1_000_000, 100_000, 10_000, 22, 1000
NAMES = ("no switches", "switches")
PARTS = {"p99": ("p99", TARGET), "p50": ("median", None), "p999": ("p99.9", None)}


def measure(top, build, quick):
    sys.path.insert(0, str(top / "tests/bench"))
    import plans
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as work:
        plan = Path(work) / "plan.yaml"
        plans.write_plan(plan, ROUTES, 20, BITS, 60)
        got = bench_program.run_free(build, "bench_switches", plan, *plans.STAGES,
                                     QUICK_PINS if quick else PINS, RATE)
    took = f"bursts that took up a generation: {got['took'][0]:.1f} (median), " \
           f"{got['took'][1]:.1f} (p99)"
    for part, (name, target) in PARTS.items():
        all_quiet, all_switching = got[f"all_{part}"]
        yield bench_program.row(
            got, f"{got['pins']:,} flows, {ROUTES:,} routes, {name} of burst times",
            f"quiet_{part}", f"switching_{part}", NAMES, target,
            f"{got['switches']:,} switches in {got['samples']} windows of {got['bursts']:,} "
            f"bursts; of all bursts together {all_quiet:.1f} and {all_switching:.1f}; median of "
            f"the ratios of neighbouring windows {got[f'paired_{part}']:.3f}"
            + (f"; {took}" if target else ""))
