# SPDX-License-Identifier: BSD-3-Clause
"""Row `new`: flows that nobody has seen before, with a plan of 10,000 routes, against a bare
look-up among as many entries as there are flows."""
import sys
import tempfile
from pathlib import Path

import bench_program

TARGET = 12
FLOWS, QUICK_FLOWS, ROUTES, BITS = 10_000_000, 1_000_000, 10_000, 22
NAMES = ("bare look-up", "new flows")


def measure(top, build, quick):
    sys.path.insert(0, str(top / "tests/bench"))
    import plans
    with tempfile.TemporaryDirectory(prefix="turnout-bench-") as work:
        plan = Path(work) / "plan.yaml"
        plans.write_plan(plan, ROUTES, 20, BITS)
        got = bench_program.run(build, "bench_new", plan, plans.STAGES[1], ROUTES,
                                QUICK_FLOWS if quick else FLOWS)
    of = f"{got['flows']:,} flows, {got['routes']:,} routes"
    yield bench_program.row(got, f"{of}, first packets", "bare_first", "first", NAMES, TARGET,
                            f"{got['unproven']:,} unproven pins, the oldest displaced by each "
                            "new one; over as many proven ones as flows are begun",
                            state_bytes=got["state_bytes"])
    yield bench_program.row(got, f"{of}, first packets and the answers that prove them",
                            "bare_proved", "proved", NAMES)
