# SPDX-License-Identifier: BSD-3-Clause
"""The engines that are held against each other, each behind `turnout replay`. An engine is a name
and what it adds to the command; nothing else in these tests knows one from another."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import world

PLAN = world.TOP / "examples" / "contoso.yaml"
BPFFS = Path("/sys/fs/bpf")
KEEP = "turnout-agree"
DONE = (0, 1)  # 1: the summary finds something amiss, or the capture ends early
TIMEOUT = 300  # seconds that a replay may take
OPTIONS = {"dpdk": ["--engine", "dpdk"],
           "dpdk2": ["--engine", "dpdk", "--workers", "2"],
           "xdp": ["--engine", "xdp"]}
NAMES = {"dpdk": "dpdk", "dpdk2": "dpdk", "xdp": "xdp"}  # what it calls itself
# What of a summary is the engine's own: its name, how fast it was, when it cleans up.
OWN = ("engine", "workers", "live_after_ns")
OWN_EVENTS = ("reclaimed",)
# What malloc leaves in fresh memory (mallopt(3)), another byte for each engine: so what is read
# before it is written differs.
PERTURB = {"dpdk": "0", "dpdk2": "85", "xdp": "170"}


class Failed(Exception):
    """An engine did not do what is needed to compare it; the argument is for a reader."""


def why_not(names, turnout):
    """Why these engines cannot run here, or None."""
    if "xdp" not in names:
        return None
    if os.geteuid() != 0:
        return "loading a BPF program needs root"
    if not os.path.ismount(BPFFS):
        return f"{BPFFS} is not mounted"
    with tempfile.TemporaryDirectory() as work:
        empty = Path(work, "empty.pcap")
        empty.write_bytes(world.pcap([]))
        done = subprocess.run([turnout, "replay", PLAN, empty, "--engine", "xdp", "--quiet"],
                              capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        return "loading a BPF program is not permitted"
    return None


def keep_directory(owner, job):
    """Where the XDP program is kept between the replays of one job of the process `owner`."""
    return BPFFS / f"{KEEP}-{owner}-{job}"


def forget(owner):
    """Lets go of all programs that the jobs of this process kept."""
    for directory in list(BPFFS.glob(f"{KEEP}-{owner}-*")):
        shutil.rmtree(directory)


def command(turnout, engine, case, out):
    keep = ["--keep", str(case.keep)] if engine == "xdp" and case.keep else []
    return [str(turnout), "replay", *case.arguments(), *OPTIONS[engine], *keep, "--json", "--out",
            str(out)]


class Run:
    """A replay that is under way."""

    def __init__(self, turnout, engine, case, out):
        self.engine, self.out = engine, out
        self.command = command(turnout, engine, case, out)
        self.log = Path(f"{out}.log")
        with open(f"{out}.json", "wb") as summary, open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdout=summary, stderr=log,
                                            env=os.environ | {"MALLOC_PERTURB_": PERTURB[engine]})

    def finish(self):
        """(exit code, summary); raises Failed."""
        try:
            code = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.stop()
            raise Failed(f"{self.engine} does not end: {' '.join(self.command)}") from None
        text = Path(f"{self.out}.json").read_text(encoding="utf-8")
        if code not in DONE or not text:
            said = self.log.read_text(encoding="utf-8", errors="replace")
            raise Failed(f"{self.engine} ends with {code}: {' '.join(self.command)}\n{said}{text}")
        summary = json.loads(text)
        if summary["engine"] != NAMES[self.engine]:
            raise Failed(f"not {self.engine}, but {summary['engine']}: {' '.join(self.command)}")
        return code, comparable(summary)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def comparable(summary):
    for name in OWN:
        summary.pop(name, None)
    for name in OWN_EVENTS:
        summary["events"].pop(name, None)
    for generation in summary["generations"]:
        generation.pop("live_after_ns", None)
    summary["counters"].sort(key=lambda row: json.dumps(row, sort_keys=True))
    return summary
