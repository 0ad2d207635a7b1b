# SPDX-License-Identifier: BSD-3-Clause
"""Row `pipeline`: received burst to rewritten burst, against a bare look-up of as many entries."""
import bench_program

TARGET = 2.1
# (flows, places for them): twice the room of what is expected in it, and once with just the room
SIZES = [(4096, 8192), (65536, 131072), (1000000, 2000000), (10000000, 20000000),
         (10000000, 10000000)]
QUICK = 1000000
NOTES = {4096: "the yardstick's 256 KiB stay in the second-level cache, and partly in the first",
         65536: "the yardstick's 4 MiB stay in the last-level cache"}
MIB = 1 << 20


def measure(top, build, quick):
    for flows, room in SIZES:
        if quick and flows > QUICK:
            continue
        got = bench_program.run(build, "bench_pipeline", top / "tests/bench/plan.yaml",
                                f"{flows}/{room}")
        note = NOTES.get(flows, f"the table of IPv4 pins takes {got['pin_bytes'] / MIB:,.0f} MiB, "
                                f"all tables together {got['state_bytes'] / MIB:,.0f}")
        room_is = ", room for no more" if room == flows else ""
        for what, name in ("mixed", "requests and answers"), ("requests", "requests alone"):
            yield bench_program.row(got, f"{flows:,} flows{room_is}, {name}", "bare", what,
                                    ("bare look-up", "pipeline"),
                                    TARGET if what == "mixed" else None, note,
                                    state_bytes=got["state_bytes"], pin_bytes=got["pin_bytes"])
