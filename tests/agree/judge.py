#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Invariant I3: both engines do the same, to the byte. Every fixture, every capture of pcaps/ and
of the directory TURNOUT_CAPTURES, and random worlds go through both; the files they write are
compared, and what they count. Fixtures and random worlds are held against the reference model's
verdicts too. Ends with the first difference."""

import argparse
import concurrent.futures
import os
import queue
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import cases  # noqa: E402
import coverage  # noqa: E402
import differ  # noqa: E402
import engines  # noqa: E402
from world import TOP  # noqa: E402

SKIP = 77
WORLDS = 1000  # of which every reason must come


class Judge:
    """Replays cases, one at a time; `job` is its number."""

    def __init__(self, args, work, job):
        self.args, self.work, self.job = args, work, job

    def judge(self, order):
        """(what is wrong or None, what occurred, frames)."""
        try:
            case = cases.make(order, self.work, self.args.turnout)
        except Exception as error:  # the order is all that helps to find out
            raise RuntimeError(f"{order.kind} {order.name} cannot be made: {error!r}") from error
        case.keep = engines.keep_directory(os.getpid(), self.job)
        outs = [self.work / f"out-{self.job}-{engine}" for engine in self.args.engines]
        for out in outs:
            shutil.rmtree(out, ignore_errors=True)
        try:
            sides = self.replay(case, outs)
            wrong = self.compare(case, sides)
        except engines.Failed as failed:
            wrong, sides = str(failed), []
        if wrong:
            return f"{case.name}: {wrong}\n{self.again(case)}", Counter(), 0
        seen = self.occurred(case, sides[0])
        if order.kind == "world" and not self.args.work:
            shutil.rmtree(case.plan.parent)
        return None, seen, sides[0].summary["frames"]

    def replay(self, case, outs):
        """Both at once: starting an engine is waiting, for the most part."""
        runs = [engines.Run(self.args.turnout, engine, case, out)
                for engine, out in zip(self.args.engines, outs)]
        try:
            return [differ.Side(run.engine, *run.finish(), run.out) for run in runs]
        finally:
            for run in runs:
                run.stop()

    def compare(self, case, sides):
        scratch = self.work / f"scratch-{self.job}"
        scratch.mkdir(exist_ok=True)
        one, other = sides
        wrong = differ.complaint(case, one, other, scratch)
        if not wrong and case.expected and not self.args.without_model:
            model = case.expected.read_text(encoding="utf-8").splitlines()
            wrong = differ.verdicts(case, ("model", model), (one.name, one.lines()), scratch)
        return wrong

    def again(self, case):
        """How to repeat it; and where the files are kept, each replay by itself."""
        lines = [f"  again: tests/agree/judge.py --turnout {self.args.turnout} --engines "
                 f"{' '.join(self.args.engines)} {case.again} --work DIR"]
        if self.args.work:
            case.keep = None
            lines += ["  " + " ".join(engines.command(self.args.turnout, engine, case, "DIR"))
                      for engine in self.args.engines]
        return "\n".join(lines)

    @staticmethod
    def occurred(case, side):
        seen = Counter(case.seen or {})
        if case.seen:
            seen.update({("counted", e): n for e, n in side.summary["events"].items()})
        return seen


class Campaign:
    """All orders, spread over threads, for most of the work is that of the engines' processes;
    results come in the order of the orders."""

    def __init__(self, args, work):
        self.args = args
        self.idle = queue.SimpleQueue()
        for job in range(args.jobs):
            self.idle.put(Judge(args, work, job))
        self.seen, self.done = Counter(), Counter()
        self.frames = self.wrong = 0

    def run(self, orders):
        """Prints what is wrong, of the first case or with --all of each."""
        started = time.monotonic()
        pool = concurrent.futures.ThreadPoolExecutor(self.args.jobs)
        try:
            for order, result in zip(orders, pool.map(self.judge, orders)):
                self.note(order, *result)
                if self.wrong and not self.args.all:
                    return
        finally:
            pool.shutdown(cancel_futures=True)
        print(f"{sum(self.done.values())} cases, {self.frames} frames, in "
              f"{time.monotonic() - started:.1f} s: " + ", ".join(
                  f"{n} {kind}s" if kind != "foreign" else f"{n} captures of other sites"
                  for kind, n in self.done.items()))

    def judge(self, order):
        """By one who has nothing to do; there are as many as threads."""
        judge = self.idle.get()
        try:
            return judge.judge(order)
        finally:
            self.idle.put(judge)

    def note(self, order, wrong, seen, frames):
        if wrong:
            self.wrong += 1
            print(wrong, flush=True)
            return
        self.seen.update(seen)
        self.frames += frames
        self.done[order.kind] += 1


def orders_of(args, work):
    if args.world:
        return [cases.Order("world", seed) for seed in args.world]
    if args.fixture:
        return cases.fixtures(work, args.fixture)
    if args.capture:
        if Path(args.capture).exists():
            return [cases.Order("foreign", args.capture)]
        return cases.captures(work, args.capture)
    return cases.captures(work) + cases.foreign() + cases.fixtures(work) \
        + cases.worlds(args.first, args.worlds)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turnout", type=Path, default=TOP / "build" / "control" / "turnout")
    parser.add_argument("--engines", nargs=2, default=["dpdk", "xdp"], choices=engines.OPTIONS)
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="cases side by side")
    parser.add_argument("--worlds", type=int, default=WORLDS, metavar="N", help="how many")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="of the first one")
    parser.add_argument("--without-model", action="store_true",
                        help="hold the engines against each other only")
    parser.add_argument("--all", action="store_true", help="go on after a difference")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keeps all files there")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--world", nargs="+", metavar="SEED", help="only these worlds")
    one.add_argument("--fixture", metavar="NAME", help="only this fixture")
    one.add_argument("--capture", metavar="NAME", help="only this capture, or a file")
    return parser.parse_args()


def judge_all(args, work):
    campaign = Campaign(args, work)
    orders = orders_of(args, work)
    if not orders:
        print("nothing of that name")
        return 2
    campaign.run(orders)
    if campaign.wrong:
        print(f"{campaign.wrong} cases differ" if args.all else "one case differs; the rest was "
              "not tried")
        return 1
    print("\n".join(coverage.table(campaign.seen)))
    lacking = list(coverage.missing(campaign.seen)) if campaign.done["world"] >= WORLDS else []
    if lacking:
        print("the random worlds have become weak; never seen: " + "; ".join(lacking))
        return 1
    print(f"{args.engines[0]} and {args.engines[1]} agree")
    return 0


def main():
    args = arguments()
    wrong = engines.why_not(args.engines, args.turnout)
    if wrong:
        print(f"skipped: {wrong}")
        sys.exit(SKIP)
    if args.work:
        args.work.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what is pinned is let go of then too
    try:
        with tempfile.TemporaryDirectory() as scratch:
            code = judge_all(args, args.work or Path(scratch))
    finally:
        engines.forget(os.getpid())
    sys.exit(code)


if __name__ == "__main__":
    main()
