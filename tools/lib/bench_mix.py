# SPDX-License-Identifier: BSD-3-Clause
"""Row `mix`: a realistic mix of packets, against the time that 10 Gbit/s Ethernet gives for it."""
import bench_program

FLOWS = 131072


def measure(top, build, _):
    got = bench_program.run(build, "bench_mix", top / "tests/bench/mix.yaml", FLOWS)
    shares = ", ".join(f"{name.replace('_', ' ')} {100 * share:.1f} %"
                       for name, share in got["kinds"].items())
    seen = ", ".join(f"{name} {n:,}" for name, n in got["classes"].items())
    headroom = got["line"]["ns_min"] / got["mix"]["ns_min"]
    yield bench_program.row(
        got, f"{got['flows']:,} flows, frames of {got['frame_mean']:.0f} bytes (mean)", "line",
        "mix", ("10 GbE line", "pipeline"), 1.0,
        f"headroom {headroom:.1f}: {10 * headroom:.0f} Gbit/s of it on one core; {shares}; IPv6 "
        f"{100 * got['ip6']:.1f} %, first packets {100 * got['first']:.1f} %; classes {seen}; "
        f"a bare look-up takes {got['bare']['ns_min']:.1f} ns (minimum)")
