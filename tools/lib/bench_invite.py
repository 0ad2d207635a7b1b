# SPDX-License-Identifier: BSD-3-Clause
"""Row `invite`: a SIP INVITE within a dialog, against a packet of the row `pipeline`."""
import bench_program

TARGET = 5
DIALOGS = 4096
NAMES = ("pipeline, mixed", "INVITE")


def measure(top, build, _):
    plans = top / "tests/bench/plan.yaml", top / "tests/bench/mix.yaml"
    got = bench_program.run(build, "bench_invite", *plans, DIALOGS)
    of = f"{got['bytes']} bytes, {got['dialogs']:,} dialogs"
    yield bench_program.row(got, f"{of}, usual order", "mixed", "usual", NAMES, TARGET)
    yield bench_program.row(got, f"{of}, Call-ID last", "mixed", "late", NAMES)
