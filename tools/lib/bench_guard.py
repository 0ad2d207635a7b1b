# SPDX-License-Identifier: BSD-3-Clause
"""Row `guard`: a message at the SIP port that the guard refuses, against one that is read."""
import json
import subprocess

from bench_show import CannotMeasure

SAMPLES = {True: 25, False: 301}  # by whether it is to be quick
FLOOD = 100_000  # messages a second of the note
MESSAGES = {"invite": "an INVITE of 800 bytes", "junk": "1,472 bytes without a Call-ID",
            "worst": "1,472 bytes, the costliest found"}


def spread(figures):
    return {k: figures[f"ns_{k}"] for k in ("min", "median", "max")}


def room(got, flood):
    """Million media packets a second that a CPU has time for beside the flood."""
    return max(0, 1e9 - FLOOD * flood) / got["media"]["ns_min"] / 1e6


def measure(_top, build, quick):
    done = subprocess.run([str(build / "tests/xdp/guard_cost"), str(SAMPLES[quick])],
                          capture_output=True, text=True, check=False)
    try:
        got = json.loads(done.stdout)
    except ValueError as e:
        raise CannotMeasure(done.stderr.strip() or f"status {done.returncode}") from e
    for name, what in MESSAGES.items():
        read, refused = got[f"{name}_read"], got[f"{name}_refused"]
        yield {
            "of": f"turnout-xdp, {what}",
            "yardstick_name": "read", "yardstick": spread(read),
            "subject_name": "refused", "subject": spread(refused),
            "samples": got["samples"], "wrong": got["wrong"],
            "ratio": refused["ns_min"] / read["ns_min"],
            "ratio_median": refused["ns_median"] / read["ns_median"],
            "target": None, "target_is": "most",
            "note": f"a media packet {got['media']['ns_min']} ns; beside {FLOOD:,} of these "
                    f"messages a second a CPU has time for {room(got, read['ns_min']):.1f} million "
                    f"media packets when they are read, {room(got, refused['ns_min']):.1f} million "
                    "when they are refused",
        }
