#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the engine to the reference model: every fixture and every capture of pcaps/, with 1 and
with 2 workers, line by line; and what left to the contract's rewriting and to tshark."""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import captures  # noqa: E402
import rewrites  # noqa: E402
from model import pcap, plan as plans  # noqa: E402

WORKERS = (1, 2)
# What malloc leaves in fresh memory (mallopt(3)): different, so that what is read before it is
# written shows as a difference between the two.
PERTURB = {1: "0", 2: "85"}


@dataclass
class Job:
    name: str
    plan: Path
    pcap: Path
    stage: str
    events: list
    sip_rate: int = 0
    expected: Path = None  # None: the model is asked
    valid: bool = True
    wrong: list = field(default_factory=list)
    frames: list = field(default_factory=list)  # (before or None, after, what it is)

    def arguments(self):
        ats = [x for event in self.events for x in ("--at", event)]
        return [str(self.plan), str(self.pcap), "--stage", self.stage, "--sip-rate",
                str(self.sip_rate), *ats]


def read_events(path):
    return [e for e in path.read_text(encoding="utf-8").splitlines() if e and e[0] != "#"]


def fixture_jobs(work):
    directory = work / "fixtures"
    # where the model disagrees with what was expected by hand, the test "fixtures" says so
    subprocess.run([sys.executable, HERE.parent / "fixtures" / "make.py", directory], check=False,
                   stdout=subprocess.DEVNULL)
    for plan in sorted(directory.glob("*/plan.yaml")):
        at = plan.parent
        rate = at / "sip-rate"
        yield Job(at.name, plan, at / "in.pcap", (at / "stage").read_text().strip(),
                  read_events(at / "events"), int(rate.read_text()) if rate.exists() else 0,
                  at / "expected.jsonl")


def capture_jobs(work):
    directory = work / "pcaps"
    subprocess.run([sys.executable, TOP / "pcaps" / "generate.py", "--out", directory], check=True,
                   stdout=subprocess.DEVNULL)
    for row in json.loads((TOP / "pcaps" / "index.json").read_text())["captures"]:
        events = read_events(TOP / "pcaps" / row["events"]) if row["events"] else []
        yield Job(row["name"], TOP / row["plan"], directory / f"{row['name']}.pcap",
                  row["stage"], events, valid=row["valid"])


def expected_lines(job, work):
    path = job.expected
    if path is None:
        path = work / f"{job.name}.jsonl"
        subprocess.run([sys.executable, HERE.parent / "model" / "replay.py", *job.arguments(),
                        "--out", path], check=True)
    return path.read_text(encoding="utf-8").splitlines()


def first_difference(job, expected, found, workers, work):
    """A complaint that shows the frame and both lines, or None."""
    if expected == found:
        return None
    number = next((i for i, pair in enumerate(zip(expected, found)) if pair[0] != pair[1]),
                  min(len(expected), len(found)))
    frames = pcap.read(job.pcap)
    shown = captures.decoded(frames[number][1], work / f"{job.name}-frame.pcap") \
        if number < len(frames) else "(no such frame)"

    def line(lines):
        return lines[number] if number < len(lines) else "(nothing)"
    differ = sum(a != b for a, b in zip(expected, found)) + abs(len(expected) - len(found))
    return (f"{job.name}: {workers} worker(s): {differ} of {len(expected)} lines differ, first:\n"
            f"  frame   {shown}\n  model   {line(expected)}\n  engine  {line(found)}\n"
            f"  turnout replay {' '.join(job.arguments())} --workers {workers}")


def run_engine(job, turnout, out, workers):
    done = subprocess.run([turnout, "replay", *job.arguments(), "--workers", str(workers), "--out",
                           out, "--json"], capture_output=True, text=True, check=False,
                          env=os.environ | {"MALLOC_PERTURB_": PERTURB[workers]})
    if done.returncode != 0 or done.stderr:
        return (f"{job.name}: {workers} worker(s): exit {done.returncode}\n{done.stderr}"
                f"{done.stdout[:2000] if done.returncode else ''}")
    flows = json.loads(done.stdout)["flows"]
    if flows["moved"]:
        return f"{job.name}: the observer saw {flows['moved']} flows move: {flows}"
    return None


def check_outputs(job, out):
    plan = plans.load(job.plan)
    before = pcap.read(job.pcap)
    latest = 0
    try:
        left, errors = captures.departures(out, captures.lines(out))
    except ValueError as error:
        job.wrong.append(f"{job.name}: {error}")
        return
    for line, when, after in left:
        latest, frame = before[line["frame"] - 1]
        what = f"{job.name}: frame {line['frame']} ({line['verdict']}, {line['reason']})"
        wrong = "its time stamp was changed" if when != latest else \
            rewrites.complaint(line, frame, after, plan)
        if wrong:
            job.wrong.append(f"{what}: {wrong}")
        if line["verdict"] != "kernel":
            job.frames.append((frame, after, what))
    job.frames += [(None, error, f"{job.name}: ICMP error") for error in errors]


def compare_directories(job, one, other):
    names = {p.name for p in one.iterdir()} | {p.name for p in other.iterdir()}
    for name in sorted(names):
        a, b = one / name, other / name
        if not (a.exists() and b.exists() and a.read_bytes() == b.read_bytes()):
            job.wrong.append(f"{job.name}: {name} depends on the number of workers")


def judge(job, turnout, numbers, work):
    expected = expected_lines(job, work)
    if job.sip_rate:  # it is a worker's
        numbers = [1]
    outs = {n: work / f"{job.name}-{n}" for n in numbers}
    for workers, out in outs.items():
        wrong = run_engine(job, turnout, out, workers)
        if not wrong:
            found = (out / "verdicts.jsonl").read_text(encoding="utf-8").splitlines()
            wrong = first_difference(job, expected, found, workers, work)
        if wrong:
            job.wrong.append(wrong)
            return job
    first, *others = outs.values()
    for other in others:
        compare_directories(job, first, other)
    check_outputs(job, first)
    return job


def ask_tshark(jobs, work):
    """Complaints about frames that left with a fault that they did not come with."""
    frames = [f for job in jobs for f in job.frames]
    came = [(i, before) for i, (before, _, _) in enumerate(frames) if before]
    bad_before = captures.bad_frames([frame for _, frame in came], work / "came.pcap")
    excused = {came[i][0] for i in bad_before}
    bad_after = captures.bad_frames([after for _, after, _ in frames], work / "left.pcap")
    for i in sorted(bad_after - excused):
        shown = captures.decoded(frames[i][1], work / "frame.pcap")
        yield f"{frames[i][2]}: wrong length or checksum by tshark:\n  {shown}"
    print(f"tshark: {len(frames)} frames that left, {len(bad_after & excused)} came bad already")


def judge_all(args, work):
    """(how many replays, how many of them are wrong, complaints)"""
    jobs = list(fixture_jobs(work)) if args.fixtures else []
    jobs += capture_jobs(work) if args.captures else []
    jobs = [j for j in jobs if not args.names or j.name in args.names]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for _ in pool.map(lambda job: judge(job, args.turnout, args.workers, work), jobs):
            pass
    wrong = [complaint for job in jobs for complaint in job.wrong]
    return len(jobs), sum(bool(j.wrong) for j in jobs), wrong + list(ask_tshark(jobs, work))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turnout", type=Path, default=TOP / "build/control/turnout")
    parser.add_argument("--fixtures", action="store_true", help="those of tests/fixtures")
    parser.add_argument("--captures", action="store_true", help="those of pcaps")
    parser.add_argument("--jobs", type=int, default=3, help="replays at a time")
    parser.add_argument("--workers", type=int, choices=WORKERS, nargs="+", default=WORKERS,
                        help="with so many, one after the other")
    parser.add_argument("names", nargs="*", help="only these")
    args = parser.parse_args()
    if not args.fixtures and not args.captures:
        parser.error("nothing to judge: give --fixtures or --captures")
    with tempfile.TemporaryDirectory() as work:
        replays, failed, complaints = judge_all(args, Path(work))
    for complaint in complaints:
        print(complaint)
    print(f"{replays} replays with {' and '.join(map(str, args.workers))} workers: "
          f"{replays - failed} as the model says, {failed} not; {len(complaints)} complaints")
    sys.exit(0 if replays and not complaints else 1)


if __name__ == "__main__":
    main()
