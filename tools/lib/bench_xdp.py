# SPDX-License-Identifier: BSD-3-Clause
"""Row `xdp`: the XDP program a packet, against the least that one which encapsulates can do."""
import json
import os
import subprocess

from bench_show import CannotMeasure

PACKETS = 4096
QUICK = 1024
FLOWS = 65536
# what bench_xdp calls a row: what it is, the most that its ratio may be, a note
ROWS = {
    "udp-1": ("UDP, pinned, 1 flow, dnat", 5.9, ""),
    "udp-many": ("UDP, pinned, 65,536 flows, dnat", 14.4, "flows are visited in a shuffled order"),
    "ipip-1": ("UDP, pinned, 1 flow, ipip", None, ""),
    "tcp-1": ("TCP, pinned, 1 flow, dnat", None, ""),
    "new": ("UDP, each packet a new flow, dnat", 29, "each takes the place of an older one"),
    "not-ours": ("UDP to nobody of ours", 2.0, ""),
    "sip-invite": ("INVITE of 800 bytes in a dialog, dnat", None, ""),
}


def spread(figures):
    return {k: figures[f"ns_{k}"] for k in ("min", "median", "max")}


def row(got):
    of, target, note = ROWS[got["row"]]
    alone = got["turnout"]["ns_min"] - got["empty"], got["encap"]["ns_min"] - got["empty"]
    shares = f"of both, {got['empty']:.1f} ns are what the kernel takes to run a program that " \
        f"does nothing: without them {alone[0]:.1f} and {alone[1]:.1f} ns"
    return {"of": of, "yardstick_name": "encapsulation", "yardstick": spread(got["encap"]),
            "subject_name": "turnout-xdp", "subject": spread(got["turnout"]),
            "samples": got["samples"], "wrong": got["wrong"],
            "ratio": got["turnout"]["ratio_min"], "ratio_median": got["turnout"]["ratio_median"],
            "target": target, "target_is": "most", "wrapper": spread(got["wrapper"]),
            "empty": got["empty"], "note": f"{note}; {shares}" if note else shares}


def measure(top, build, quick):
    cpu = max(os.sched_getaffinity(0))
    done = subprocess.run(["taskset", "-c", str(cpu), str(build / "tests/bench/bench_xdp"),
                           str(top / "tests/bench/xdp.yaml"), str(QUICK if quick else PACKETS),
                           str(FLOWS)], capture_output=True, text=True, check=False)
    try:
        got = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError as e:
        raise CannotMeasure(done.stderr.strip() or f"status {done.returncode}") from e
    yield from map(row, got)
    if len(got) < len(ROWS):
        raise CannotMeasure(done.stderr.strip() or f"status {done.returncode}")
